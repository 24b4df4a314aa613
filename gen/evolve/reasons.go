package evolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// stateReasons say why a state is another one.
func (p *planner) stateReasons(a, b *lock.Aggregate) []string {
	if p.old.Form < lock.Version {
		return []string{"its state, or how events change it"}
	}
	reasons := p.columnReasons("the state", a.Fields, b.Fields)
	for _, e := range b.Events {
		if was := eventIn(a, e.Wire); was != nil {
			reasons = append(reasons, p.readReasons(was, e)...)
			if !e.Former && !was.Former {
				reasons = append(reasons, markReasons(e.Name, "the state", declared(was.Fold), declared(e.Fold))...)
			}
			continue
		}
		if !slices.ContainsFunc(a.Events, func(o *lock.Event) bool { return o.Name == e.Name }) {
			reasons = append(reasons, "the event "+e.Name+" is new")
		}
	}
	for _, e := range a.Events {
		if eventIn(b, e.Wire) == nil {
			reasons = append(reasons, goneReason(e, b.Events))
		}
	}
	reasons = append(reasons, p.goReasons(
		goPart{a.Functions, a.Modules, a.State}, goPart{b.Functions, b.Modules, b.State}, givenTo{b.Events, a.Fields, b.Fields})...)
	if len(reasons) == 0 {
		return []string{"what its folds and upcasters in Go do, or what they are given: the lock file does not say"}
	}
	return reasons
}

func eventIn(a *lock.Aggregate, wire string) *lock.Event {
	if i := slices.IndexFunc(a.Events, func(e *lock.Event) bool { return e.Wire == wire }); i >= 0 {
		return a.Events[i]
	}
	return nil
}

// goneReason says that nobody reads any more what is stored under an event's name.
func goneReason(e *lock.Event, now []*lock.Event) string {
	if i := slices.IndexFunc(now, func(o *lock.Event) bool { return o.Name == e.Name }); i >= 0 {
		return fmt.Sprintf("the event %s is stored as %s, and what is stored as %s is read no longer", e.Name, now[i].Wire, e.Wire)
	}
	return "the event " + e.Name + " is gone"
}

// declared is the mark of a fold of a state, where an empty one says that it is the team's, as one of rows.
func declared(mark string) string {
	if mark == "" || strings.HasPrefix(mark, "moves ") {
		return strings.TrimSpace(inGo + mark)
	}
	return mark
}

// inGo begins the mark of a fold that the team writes, or a part of it.
const inGo = "go "

// markReasons say what is declared in another way of how an event changes a state or rows.
func markReasons(event, what, was, is string) []string {
	wasGo, isGo := strings.HasPrefix(was+" ", inGo), strings.HasPrefix(is+" ", inGo)
	switch {
	case was == is:
		return nil
	case isGo && !wasGo:
		return []string{"how " + event + " changes " + what + " was declared, and is written in Go"}
	case wasGo && !isGo:
		return []string{"how " + event + " changes " + what + " was written in Go, and is declared"}
	}
	return []string{"how " + event + " changes " + what}
}

// readReasons say that older events are read in another way.
func (p *planner) readReasons(was, is *lock.Event) (reasons []string) {
	switch {
	case is.Former && !was.Former:
		reasons = append(reasons, is.Name+" is read as "+orNothing(list(is.Becomes)))
	case was.Former && !is.Former:
		reasons = append(reasons, is.Name+" is read as itself, and was as "+orNothing(list(was.Becomes)))
	case is.Former && !sameTexts(was.Becomes, is.Becomes):
		reasons = append(reasons, fmt.Sprintf("%s was read as %s, and is read as %s", is.Name, orNothing(list(was.Becomes)),
			orNothing(list(is.Becomes))))
	}
	if was.Version != is.Version {
		reasons = append(reasons, fmt.Sprintf("%s has come from version %d to %d", is.Name, was.Version, is.Version))
	}
	for _, s := range is.History {
		i := slices.IndexFunc(was.History, func(o *lock.Step) bool { return o.Version == s.Version })
		if i >= 0 && !p.sameStep(was.History[i], s) {
			reasons = append(reasons, fmt.Sprintf("the step of %s to version %d, which older events are read with", is.Name, s.Version))
		}
	}
	return reasons
}

func sameTexts(was, is []lock.Value) bool {
	return slices.EqualFunc(was, is, func(v, w lock.Value) bool { return v.Text == w.Text })
}

func (p *planner) sameStep(was, is *lock.Step) bool {
	return was.Upcast == is.Upcast && sameEntries(was.Added, is.Added) && sameEntries(was.Renamed, is.Renamed) &&
		sameEntries(was.Removed, is.Removed) &&
		!slices.ContainsFunc(is.Removed, func(e lock.Entry) bool { return len(p.shapes.types(e.Text, e.Text)) > 0 })
}

// columnReasons say how fields became others: what a fingerprint is made of, and so their order too.
func (p *planner) columnReasons(of string, was, is []*lock.Field) (reasons []string) {
	for _, f := range is {
		g := fieldOf(was, f.Name)
		switch {
		case g == nil:
			reasons = append(reasons, fmt.Sprintf("%s has the new field %s", of, f.Name))
			continue
		case shapeOf(g.Type, p.shapes.old) != shapeOf(f.Type, p.shapes.new):
			reasons = append(reasons, fmt.Sprintf("%s of %s was %s, and is %s", f.Name, of, g.Type, f.Type))
		default:
			for _, change := range p.typeChanges(f.Type) {
				reasons = append(reasons, fmt.Sprintf("%s of %s: %s", f.Name, of, change))
			}
		}
		if g.Search != f.Search {
			reasons = append(reasons, fmt.Sprintf("how %s of %s is searched", f.Name, of))
		}
		switch {
		case g.Personal == "" && f.Personal != "":
			reasons = append(reasons, fmt.Sprintf("%s of %s is a person's data, and encrypted", f.Name, of))
		case g.Personal != "" && f.Personal == "":
			reasons = append(reasons, fmt.Sprintf("%s of %s is no person's data any more", f.Name, of))
		}
	}
	for _, f := range was {
		if fieldOf(is, f.Name) == nil {
			reasons = append(reasons, fmt.Sprintf("%s has no field %s any more", of, f.Name))
		}
	}
	if len(reasons) == 0 && !slices.EqualFunc(was, is, func(f, g *lock.Field) bool { return f.Name == g.Name }) {
		reasons = append(reasons, "the fields of "+of+" stand in another order")
	}
	return reasons
}

// typeChanges say what changed in the declarations that a type leads to: also what is read alike, as another order is, and
// kept in another way.
func (p *planner) typeChanges(typ string) (changes []string) {
	reached := map[string]bool{}
	p.reach(typ, reached)
	for _, is := range p.new.Types {
		was := p.shapes.old[is.Name]
		if was == nil || !reached[is.Name] {
			continue
		}
		if was.Base != is.Base || was.Encoding != is.Encoding {
			changes = append(changes, is.Name+" was "+kindOf(was)+", and is "+kindOf(is))
			continue
		}
		changes = append(changes, valueChanges(was, is)...)
		changes = append(changes, p.columnChanges(was, is)...)
	}
	return changes
}

// kindOf says what a type is written as.
func kindOf(t *lock.Type) string {
	switch {
	case t.Base != "":
		return t.Base
	case t.Encoding != "":
		return "written as " + t.Encoding
	case len(t.Values) > 0:
		return "an enum"
	}
	return "a struct"
}

// valueChanges say which values an enum has from now on.
func valueChanges(was, is *lock.Type) (changes []string) {
	for _, c := range enums(was, is) {
		if c.kind == valueAdded {
			changes = append(changes, is.Name+" has the new value "+c.to)
		} else {
			changes = append(changes, is.Name+" has no value "+c.from+" any more")
		}
	}
	if len(changes) == 0 && !sameTexts(was.Values, is.Values) {
		changes = append(changes, "the values of "+is.Name+" stand in another order")
	}
	return changes
}

// columnChanges say what a struct is made of from now on. Types of its fields are said of themselves.
func (p *planner) columnChanges(was, is *lock.Type) (changes []string) {
	for _, f := range is.Fields {
		switch g := fieldOf(was.Fields, f.Name); {
		case g == nil:
			changes = append(changes, is.Name+" has the new field "+f.Name)
		case g.Type != f.Type && shapeOf(g.Type, p.shapes.old) != shapeOf(f.Type, p.shapes.new):
			changes = append(changes, fmt.Sprintf("%s of %s was %s, and is %s", f.Name, is.Name, g.Type, f.Type))
		case g.Personal != f.Personal:
			changes = append(changes, fmt.Sprintf("whose data %s of %s is", f.Name, is.Name))
		}
	}
	for _, f := range was.Fields {
		if fieldOf(is.Fields, f.Name) == nil {
			changes = append(changes, fmt.Sprintf("%s has no field %s any more", is.Name, f.Name))
		}
	}
	if len(changes) == 0 && !slices.EqualFunc(was.Fields, is.Fields, func(f, g *lock.Field) bool { return f.Name == g.Name }) {
		changes = append(changes, "the fields of "+is.Name+" stand in another order")
	}
	return changes
}

// shapeOf writes a type in the words of scalars, where names stand for such.
func shapeOf(typ string, types map[string]*lock.Type) string {
	words := strings.Split(typ, " ")
	for i, word := range words {
		if base := baseOf(word, types[word]); base != "" {
			words[i] = base
		}
	}
	return strings.Join(words, " ")
}

// foldReasons say what of the folds changed.
func (p *planner) foldReasons(a, b *lock.Projection) (reasons []string) {
	if a.Revision != b.Revision {
		reasons = append(reasons, fmt.Sprintf("`revision` was %s, and is %s", revision(a), revision(b)))
	}
	for _, h := range b.On {
		was, is := eventOf(p.old, h.Name), eventOf(p.new, h.Name)
		i := slices.IndexFunc(a.On, func(o lock.Entry) bool { return o.Name == h.Name })
		switch {
		case i >= 0:
			reasons = append(reasons, markReasons(nameOf(is, h.Name), "rows", a.On[i].Text, h.Text)...)
			if was != nil && is != nil {
				reasons = append(reasons, p.readReasons(was, is)...)
			}
		case was == nil && rewired(p.old, is) != nil:
			reasons = append(reasons, goneReason(rewired(p.old, is), []*lock.Event{is}))
		case was == nil:
			reasons = append(reasons, "it folds "+nameOf(is, h.Name)+" "+noneStored)
		default:
			reasons = append(reasons, "it folds "+nameOf(is, h.Name)+" too")
		}
	}
	for _, h := range a.On {
		was := eventOf(p.old, h.Name)
		if !slices.ContainsFunc(b.On, func(o lock.Entry) bool {
			return o.Name == h.Name || was != nil && rewired(p.old, eventOf(p.new, o.Name)) == was
		}) {
			reasons = append(reasons, "it does not fold "+nameOf(was, h.Name)+" any more")
		}
	}
	reasons = append(reasons, p.formerReasons(b)...)
	return append(reasons, p.goReasons(goPart{a.Functions, a.Modules, a.Rows}, goPart{b.Functions, b.Modules, b.Rows}, givenTo{
		slices.Concat(handled(p.new, b), formerOf(p.new, handled(p.new, b))), slices.Concat(a.Key, a.Row), slices.Concat(b.Key, b.Row),
	})...)
}

// rewired is the event of the same name that was stored under another one; nil where there is none.
func rewired(old *lock.Lock, is *lock.Event) *lock.Event {
	if is == nil {
		return nil
	}
	return eventWhere(old, func(e *lock.Event) bool { return e.Name == is.Name && e.Wire != is.Wire })
}

// nameOf is what the model calls an event.
func nameOf(e *lock.Event, wire string) string {
	if e == nil {
		return wire
	}
	return e.Name
}

// handled are the events that a projection folds, as far as a model has them.
func handled(l *lock.Lock, b *lock.Projection) (events []*lock.Event) {
	for _, h := range b.On {
		if e := eventOf(l, h.Name); e != nil {
			events = append(events, e)
		}
	}
	return events
}

// formerOf are the former events that are read as others.
func formerOf(l *lock.Lock, others []*lock.Event) (former []*lock.Event) {
	for _, a := range l.Aggregates {
		for _, e := range a.Events {
			if slices.ContainsFunc(e.Becomes, func(v lock.Value) bool {
				return slices.ContainsFunc(others, func(o *lock.Event) bool {
					return o.Name == lastWord(v.Text) && slices.Contains(a.Events, o)
				})
			}) {
				former = append(former, e)
			}
		}
	}
	return former
}

// lastWord is the name of an event in an entry of `becomes`.
func lastWord(s string) string { return s[strings.LastIndex(s, " ")+1:] }

// formerReasons say what changed in how other events are read as those that a projection folds.
func (p *planner) formerReasons(b *lock.Projection) (reasons []string) {
	formerly := formerOf(p.old, handled(p.old, b))
	for _, e := range formerOf(p.new, handled(p.new, b)) {
		if was := eventOf(p.old, e.Wire); was != nil {
			reasons = append(reasons, p.readReasons(was, e)...)
		} else {
			reasons = append(reasons, e.Name+" is new, and read as "+list(e.Becomes))
		}
		formerly = slices.DeleteFunc(formerly, func(o *lock.Event) bool { return o.Wire == e.Wire })
	}
	for _, e := range formerly {
		if is := eventOf(p.new, e.Wire); is != nil {
			reasons = append(reasons, p.readReasons(e, is)...)
		} else {
			reasons = append(reasons, "the event "+e.Name+" is gone, which was read as "+list(e.Becomes))
		}
	}
	return reasons
}

func revision(p *lock.Projection) string {
	if p.Revision == "" {
		return "1"
	}
	return p.Revision
}

// modeReasons say that rows are kept in another way.
func modeReasons(a, b *lock.Projection) []string {
	switch {
	case a.Mode == b.Mode:
		return nil
	case b.Mode == materialized:
		return []string{"it is a materialized view, which the database makes of the log"}
	case a.Mode == materialized:
		return []string{"it is no materialized view any more"}
	case a.Mode == "":
		return []string{"it is folded in the transaction of each append from now on"}
	}
	return []string{"it is folded behind the log from now on, and not in the transaction of each append"}
}

// newColumns say what rows have in a column that is new.
func (p *planner) newColumns(a, b *lock.Projection) (notes []string) {
	same := p.foldsAsBefore(a, b)
	for _, f := range b.Row {
		switch {
		case fieldOf(a.Row, f.Name) != nil:
		case same:
			notes = append(notes, fmt.Sprintf("no stored event sets %s: it is %s in all rows that there are", f.Name, p.empty(f.Type)))
		default:
			notes = append(notes, fmt.Sprintf("%s is %s in rows in which no event sets it", f.Name, p.empty(f.Type)))
		}
	}
	return notes
}

// foldsAsBefore reports whether each event that may be stored does to rows what it did, and a new column so stays as it is.
func (p *planner) foldsAsBefore(a, b *lock.Projection) bool {
	for _, reason := range p.foldReasons(a, b) {
		if !strings.HasSuffix(reason, noneStored) {
			return false
		}
	}
	return !strings.HasPrefix(a.Rows, unknown) && !strings.HasPrefix(b.Rows, unknown)
}

// noneStored ends the reason that a projection folds an event which is new in the model.
const noneStored = "too, which is new: none is stored"

// empty says what a column has that nothing was assigned to.
func (p *planner) empty(typ string) string {
	t, err := lock.ParseType(typ)
	switch {
	case err != nil:
	case t.Optional():
		return "absent"
	case t.Kind != "":
		return "empty"
	default:
		switch base := baseOf(t.Name, p.shapes.new[t.Name]); base {
		case "":
		case "bool":
			return "false"
		case "string", "bytes":
			return "empty"
		case "time", "date", "uuid":
			return "the zero " + base
		default:
			return "0"
		}
	}
	return "the zero value"
}
