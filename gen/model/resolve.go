package model

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// MaxFields bounds the fields of one struct, event, command, rejection, state, key or row.
const MaxFields = 64

// resolver turns a syntax tree into a model. It reports each mistake once: what can't be resolved stays in the model
// as its zero value, and whoever meets that says nothing more.
type resolver struct {
	diags *diag.List
	model *Model

	// names has every name of the package's one namespace, by its lower-case form. Elements of different aggregates
	// can share one.
	names map[string][]declaration
	// declaredTwice are the names of aggregates that were declared twice.
	declaredTwice map[string]bool
	types         map[string]*Named
	// used are the declared types that something refers to.
	used       map[*Named]bool
	events     byName[Event]
	rejections byName[Rejection]

	// emitted has the events that a command emits. emitsElsewhere says that there may be more, to any aggregate.
	emitted        map[*Event]bool
	emitsElsewhere bool

	// Where a part of the file could not be read at all, which was reported, the names that it declares are unknown
	// and not wrong.
	typesUnknown, aggregatesUnknown, eventsUnknown, rejectionsUnknown bool
	// fieldsUnknown has the declared structs and events whose fields could not be read.
	fieldsUnknown map[any]bool
	// cyclic says that a struct contains itself, which was reported.
	cyclic bool

	// exprs has the types as expressions see them, once one was asked for.
	exprs *world

	// externals has the types of Go packages by their names in the model, nil for those that were reported.
	externals map[string]*Named
	// inScenario says that values are those of a test.
	inScenario bool
}

// declaration says what a name of the package stands for.
type declaration struct {
	name      schema.Text
	what      string // "the event Opened of Account"
	aggregate string // "Account"; "" for what belongs to none
}

// Resolve makes a model of a syntax tree, or adds to d what is wrong with it and returns nil. It also returns nil if
// f is nil or d already holds errors: the model would have holes.
//
// The types of Go packages are found by lookup, which is asked once, and only if there are any. Without it each is taken
// for one that can be encoded.
func Resolve(f *schema.File, d *diag.List, lookup Lookup) *Model {
	if f == nil {
		return nil
	}
	r := &resolver{
		diags: d, model: &Model{File: f.Name, Files: f.Parts, Package: f.Package.Value, Doc: f.Doc},
		names: map[string][]declaration{}, declaredTwice: map[string]bool{}, types: map[string]*Named{}, used: map[*Named]bool{},
		emitted: map[*Event]bool{}, events: byName[Event]{}, rejections: byName[Rejection]{}, fieldsUnknown: map[any]bool{},
	}
	r.packageName(f)
	r.mendNames(f)
	r.typesUnknown = f.Partial || unread(f.Keys, "types", len(f.Types))
	types := idTypes(f)
	r.lookUp(f.Externals, lookup)
	r.declareTypes(types)
	r.declareAggregates(f)
	for _, p := range f.Projections {
		r.declare("projection", "", p.Decl)
	}
	r.markShared()
	r.wires(f)
	r.resolveTypes(types)
	for i, a := range f.Aggregates {
		r.aggregate(a, r.model.Aggregates[i])
	}
	usages := make([]*usage, len(f.Aggregates))
	for i, a := range f.Aggregates {
		usages[i] = r.commands(a, r.model.Aggregates[i])
	}
	for i, a := range f.Aggregates {
		if len(a.Commands) > 0 {
			r.unused(r.model.Aggregates[i], usages[i])
		}
		r.behaviour(a, r.model.Aggregates[i])
	}
	for _, p := range f.Projections {
		r.projection(p)
	}
	r.remarks(f) // before scenarios, whose streams may have the example of an id
	r.inScenario = true
	r.scenarios(f)
	r.inScenario = false
	if !d.Failed() {
		r.personalData()
	}
	if d.Failed() {
		return nil
	}
	r.unusedTypes()
	return r.model
}

// errorf adds an error with a hint, which may be empty.
func (r *resolver) errorf(code string, at diag.Span, hint, format string, args ...any) {
	r.diags.Add(diag.Diagnostic{Code: code, At: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// clash adds an error that another place of the file explains.
func (r *resolver) clash(code string, at, other diag.Span, related, format string, args ...any) {
	r.diags.Add(diag.Diagnostic{
		Code: code, At: at, Message: fmt.Sprintf(format, args...),
		Related: []diag.Related{{At: other, Message: related}},
	})
}

// missing reports whether a key was left out, or was written and holds nothing. A key that was reported is not
// missing.
func missing(keys schema.Keys, key string, count int) bool {
	return keys[key] == schema.Absent || keys[key] == schema.Written && count == 0
}

// unread reports whether a key's value was reported, with nothing left of it.
func unread(keys schema.Keys, key string, count int) bool {
	return keys[key] == schema.Faulty && count == 0
}

// declareAggregates declares the aggregates with their events, rejections and commands, so that all names are known
// before one is looked up.
func (r *resolver) declareAggregates(f *schema.File) {
	if missing(f.Keys, "aggregates", len(f.Aggregates)) && !f.Partial {
		at := f.Start
		if f.Package.Given() {
			at = f.Package.At
		}
		r.errorf(diag.MissingKey, at, "add `aggregates:`", "the model has no aggregates")
	}
	r.aggregatesUnknown = f.Partial || unread(f.Keys, "aggregates", len(f.Aggregates))
	r.eventsUnknown = r.aggregatesUnknown
	r.rejectionsUnknown = f.Partial
	for _, a := range f.Aggregates {
		r.eventsUnknown = r.eventsUnknown || unread(a.Keys, "events", len(a.Events))
		r.rejectionsUnknown = r.rejectionsUnknown || unread(a.Keys, "rejections", len(a.Rejections))
		r.declare("aggregate", "", a.Decl)
		m := &Aggregate{Name: a.Name.Value, Doc: a.Doc, At: a.Name.At}
		r.model.Aggregates = append(r.model.Aggregates, m)
		for _, e := range a.Events {
			r.declare("event", m.Name, e.Decl)
			m.Events = append(m.Events, &Event{
				Aggregate: m, Name: e.Name.Value, Doc: e.Doc, At: e.Name.At, Wire: r.wire(e), Version: 1,
			})
		}
		for _, e := range a.Former {
			r.declare("former event", m.Name, e.Decl)
			m.Former = append(m.Former, &Event{
				Aggregate: m, Name: e.Name.Value, Doc: e.Doc, At: e.Name.At, Wire: r.wire(e), Version: 1, Retired: true,
			})
		}
		for _, x := range a.Rejections {
			r.declare("rejection", m.Name, x.Decl)
			m.Rejections = append(m.Rejections, &Rejection{Aggregate: m, Name: x.Name.Value, Doc: x.Doc, At: x.Name.At})
		}
		for _, c := range a.Commands {
			r.declare("command", m.Name, c.Decl)
			m.Commands = append(m.Commands, &Command{Aggregate: m, Name: c.Name.Value, Doc: c.Doc, At: c.Name.At})
		}
		r.declareLifecycle(a, m)
		r.events.add(m, m.Events, func(e *Event) string { return e.Name })
		r.rejections.add(m, m.Rejections, func(x *Rejection) string { return x.Name })
	}
}

// index adds elements by their names; the first of a name stays.
func index[T any](into map[string]*T, list []*T, name func(*T) string) {
	for _, x := range list {
		if _, seen := into[name(x)]; !seen {
			into[name(x)] = x
		}
	}
}

// declare checks an element's name and enters it into the package's namespace. Elements of different aggregates can
// have the same name.
func (r *resolver) declare(kind, aggregate string, d schema.Decl) {
	if d.Duplicate || !r.typeName(kind, d.Name) {
		return
	}
	r.enter(kind, aggregate, d)
}

// enter enters an element into the package's namespace.
func (r *resolver) enter(kind, aggregate string, d schema.Decl) {
	what := "the " + kind + " " + d.Name.Value
	if aggregate != "" {
		what += " of " + aggregate
	}
	lower := strings.ToLower(d.Name.Value)
	for _, first := range r.names[lower] {
		same := first.name.Value == d.Name.Value
		if same && aggregate != "" && first.aggregate != "" && aggregate != first.aggregate {
			continue
		}
		if kind == "aggregate" {
			r.declaredTwice[d.Name.Value] = true
		} else if r.declaredTwice[aggregate] && first.aggregate == aggregate {
			return // which its aggregate's name said
		}
		how := "is"
		if !same {
			how = "differs only in case from"
		}
		r.clash(diag.DuplicateName, d.Name.At, first.name.At, first.what+" is declared here",
			"%s can't be declared: its name %s %s", what, how, that(first, how))
		return
	}
	r.names[lower] = append(r.names[lower], declaration{name: d.Name, what: what, aggregate: aggregate})
}

// that names the first declaration in the message about a second.
func that(first declaration, how string) string {
	if how == "is" {
		return "already that of " + first.what
	}
	return "that of " + first.what
}

// mostHints bounds the findings that get a hint: behind so many nobody reads them, and looking for a name among
// thousands takes its time.
const mostHints = 500

// tired reports whether there are so many findings that no further one gets a hint.
func (r *resolver) tired() bool { return r.diags.Len() > mostHints }

// hint says what an unknown name was probably meant to be, and returns the candidate that is nearest to it.
func (r *resolver) hint(name string, candidates []string) (hint, near string) {
	if r.tired() {
		return "", ""
	}
	near = diag.Nearest(name, candidates)
	if hint = r.isAnother(name); hint != "" {
		return hint, near
	}
	if near != "" {
		return did(near), near
	}
	return diag.DidYouMean(name, candidates), ""
}

func eventNames(aggregates ...*Aggregate) []string {
	var names []string
	for _, a := range aggregates {
		for _, e := range a.Events {
			names = append(names, e.Ref())
		}
	}
	return names
}

// isAnother returns a hint if a name that was looked for stands for something else.
func (r *resolver) isAnother(name string) string {
	if list := r.names[strings.ToLower(name)]; len(list) > 0 && list[0].name.Value == name {
		return list[0].what + " has this name"
	}
	return ""
}
