package lock

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// Of returns what the lock file of a plan says whose generated files have the given names. Places are those in the model.
func Of(p *plan.Plan, files []string) *Lock {
	l := &Lock{Form: Version, Package: p.Model.Package, Files: slices.Sorted(slices.Values(files))}
	for _, t := range p.Types {
		l.Types = append(l.Types, typeOf(t.Named))
	}
	for _, n := range p.Model.Externals {
		l.Types = append(l.Types, typeOf(n))
	}
	for _, a := range p.Aggregates {
		l.Aggregates = append(l.Aggregates, aggregateOf(p, a))
	}
	for _, pr := range p.Projections {
		l.Projections = append(l.Projections, projectionOf(p, pr))
	}
	return l
}

func typeOf(n *model.Named) *Type {
	t := &Type{Name: n.Name, At: n.At}
	switch n.Kind {
	case model.Enum:
		for _, v := range n.Values {
			t.Values = append(t.Values, Value{v.Name, v.At})
		}
	case model.Struct:
		t.Struct, t.Fields, t.Checks = true, fieldsOf(n.Fields), checksOf(n.Checks)
	case model.External:
		t.Encoding = string(n.Go.Encoding)
	default:
		t.Base, t.Rules = n.Base.String(), rulesOf(n.Rules)
	}
	return t
}

func fieldsOf(list []*model.Field) []*Field {
	var fields []*Field
	for _, m := range list {
		fields = append(fields, &Field{
			Name: m.Name, Type: m.Type.String(), At: m.At, Rules: rulesOf(m.Rules), Personal: subject(m), Search: m.Search,
		})
	}
	return fields
}

// subject names the person whose data a field has.
func subject(m *model.Field) string {
	switch {
	case m.PersonalOf != nil:
		return m.PersonalOf.Text
	case m.Personal:
		return "stream.id"
	}
	return ""
}

func rulesOf(r model.Rules) []Rule {
	var rules []Rule
	add := func(name, bound string) {
		if bound != "" {
			rules = append(rules, Rule{Name: name, Bound: bound})
		}
	}
	count := func(name string, n *int) {
		if n != nil {
			add(name, strconv.Itoa(*n))
		}
	}
	add("min", r.Min)
	add("max", r.Max)
	count("minLength", r.MinLength)
	count("maxLength", r.MaxLength)
	count("minItems", r.MinItems)
	count("maxItems", r.MaxItems)
	add("pattern", r.Pattern)
	if r.Distinct {
		add("distinct", "true")
	}
	return rules
}

func checksOf(list []*model.Check) []Value {
	var checks []Value
	for _, c := range list {
		checks = append(checks, Value{c.That.Text, c.That.At})
	}
	return checks
}

// functionsOf are the functions in Go whose meaning is known, and the other modules that they reach.
func functionsOf(of *plan.Plan, roots []meaning.Root) (functions, modules []Entry) {
	for _, r := range roots {
		own, given := of.MeaningOf(r)
		if own == "" {
			continue
		}
		functions = append(functions, Entry{Name: r.String(), Text: own + " " + given[:8]})
		for _, m := range of.ModulesOf(r) {
			if e := (Entry{Name: m.Path, Text: m.Version}); !slices.Contains(modules, e) {
				modules = append(modules, e)
			}
		}
	}
	slices.SortFunc(modules, func(x, y Entry) int { return strings.Compare(x.Name, y.Name) })
	return functions, modules
}

func aggregateOf(of *plan.Plan, p *plan.Aggregate) *Aggregate {
	a := &Aggregate{
		Name: p.Name, At: p.At, State: p.Fingerprint, Snapshots: p.Snapshot.Any(), Fields: fieldsOf(p.Aggregate.State),
	}
	a.Functions, a.Modules = functionsOf(of, p.Functions())
	if p.ID != nil {
		a.ID = p.ID.Name
	}
	for _, u := range p.Unique {
		a.Unique = append(a.Unique, Value{u.Space, u.At})
	}
	for _, e := range p.Events {
		a.Events = append(a.Events, eventOf(e))
	}
	for _, f := range p.Former {
		e := eventOf(f.Event)
		e.Former, e.Retired, e.Fold = true, false, ""
		for _, em := range f.Becomes {
			e.Becomes = append(e.Becomes, Value{em.Text, em.At})
		}
		a.Events = append(a.Events, e)
	}
	for _, c := range p.CommandList {
		a.Commands = append(a.Commands, &Command{
			Name: c.Name, At: c.At, Fields: fieldsOf(c.Command.Fields), Checks: checksOf(c.Checks),
		})
	}
	return a
}

func eventOf(p *plan.Event) *Event {
	e := &Event{
		Wire: p.Wire, Name: p.Name, At: p.At, Version: p.Version, Fields: fieldsOf(p.Event.Fields), Fold: p.FoldMark(),
		Retired: p.Retired,
	}
	for _, c := range p.History {
		e.History = append(e.History, stepOf(p.Event, c))
	}
	return e
}

// stepOf names fields as they were called in the versions that the step leads from and to.
func stepOf(e *model.Event, c *model.Change) *Step {
	s := &Step{Version: c.Version, At: c.At, Upcast: c.Upcast}
	now := map[*model.Field]string{}
	for _, f := range e.FieldsOf(c.Version) {
		now[f.Field] = f.Name
	}
	for _, x := range c.Added {
		s.Added = append(s.Added, Entry{now[x.Field], valueText(x.Value), x.Value.At})
	}
	for _, x := range c.Renamed {
		s.Renamed = append(s.Renamed, Entry{x.Old, now[x.Field], x.At})
	}
	for _, f := range c.Removed {
		s.Removed = append(s.Removed, Entry{f.Name, f.Type.String(), f.At})
	}
	for _, f := range c.Before {
		s.Before = append(s.Before, &Field{Name: f.Name, Type: f.Field.Type.String(), At: f.Field.At, Personal: subject(f.Field)})
	}
	if c.Upcast {
		s.From = s.Before
	}
	return s
}

func projectionOf(of *plan.Plan, p *plan.Projection) *Projection {
	pr := &Projection{
		Name: p.Name, At: p.At, Rows: p.Fingerprint, Revision: p.Revision, Manual: p.Manual,
		Key: fieldsOf(p.Projection.Key), Row: fieldsOf(p.Projection.Row),
	}
	pr.Functions, pr.Modules = functionsOf(of, p.Functions())
	switch {
	case p.Inline:
		pr.Mode = "inline"
	case p.Materialized.Line > 0:
		pr.Mode = "materialized"
	}
	for _, h := range p.Handlers {
		pr.On = append(pr.On, Entry{h.Event.Wire, h.FoldMark(), h.At})
	}
	return pr
}
