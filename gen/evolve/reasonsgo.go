package evolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// goPart is what a lock file says of the functions in Go that a fingerprint follows from.
type goPart struct {
	functions, modules []lock.Entry
	fingerprint        string
}

func (g goPart) unknown() bool { return strings.HasPrefix(g.fingerprint, unknown) }

// goReasons say which functions in Go changed.
func (p *planner) goReasons(was, is goPart, given givenTo) (reasons []string) {
	for _, f := range is.functions {
		i := slices.IndexFunc(was.functions, func(o lock.Entry) bool { return o.Name == f.Name })
		switch {
		case i >= 0:
			reasons = append(reasons, p.functionReasons(f.Name, was.functions[i].Text, f.Text, given)...)
		case was.unknown():
			reasons = append(reasons, "what "+f.Name+" in Go does was not known: it was not written, or did not compile")
		default:
			reasons = append(reasons, f.Name+" in Go is new")
		}
	}
	for _, f := range was.functions {
		if slices.ContainsFunc(is.functions, func(o lock.Entry) bool { return o.Name == f.Name }) {
			continue
		}
		if is.unknown() && !p.unasked(f.Name, given) {
			reasons = append(reasons, "what "+f.Name+" in Go does is not known: it is not written, or does not compile")
		} else {
			reasons = append(reasons, f.Name+" in Go is not used any more")
		}
	}
	return append(reasons, moduleReasons(was.modules, is.modules)...)
}

// functionReasons say what changed in a function: what it does, or what it is given.
func (p *planner) functionReasons(name, was, is string, given givenTo) (reasons []string) {
	wasOwn, wasGiven, split := strings.Cut(was, " ")
	isOwn, isGiven, _ := strings.Cut(is, " ")
	if !split { // by an older release
		return nil
	}
	if wasOwn != isOwn {
		reasons = append(reasons, "what "+name+" in Go does, or what it calls")
	}
	if parts := p.given(name, given); wasGiven != isGiven && len(parts) > 0 {
		reasons = append(reasons, "what "+name+" in Go is given: "+strings.Join(parts, ", "))
	}
	return reasons
}

// moduleReasons say which other modules changed that functions in Go reach.
func moduleReasons(was, is []lock.Entry) (reasons []string) {
	for _, m := range is {
		i := slices.IndexFunc(was, func(o lock.Entry) bool { return o.Name == m.Name })
		switch {
		case i < 0:
			reasons = append(reasons, fmt.Sprintf("folds in Go reach the module %s %s, which is new to them", m.Name, m.Text))
		case was[i].Text != m.Text:
			reasons = append(reasons, fmt.Sprintf("the module %s, which folds in Go reach, was %s, and is %s", m.Name, was[i].Text, m.Text))
		}
	}
	for _, m := range was {
		if !slices.ContainsFunc(is, func(o lock.Entry) bool { return o.Name == m.Name }) {
			reasons = append(reasons, fmt.Sprintf("folds in Go do not reach the module %s any more", m.Name))
		}
	}
	return reasons
}

// givenTo is what functions in Go may be given: events, and columns as they were and as they are.
type givenTo struct {
	events  []*lock.Event
	was, is []*lock.Field
}

// event is the one that a function is named after: nil where none is.
func (g givenTo) event(function string) (found *lock.Event) {
	name := function[strings.LastIndexByte(function, '.')+1:]
	if v := strings.LastIndexByte(name, 'V'); v > 0 && strings.Trim(name[v+1:], "0123456789") == "" {
		name = name[:v] // an upcaster
	}
	for _, e := range g.events {
		if strings.HasSuffix(name, e.Name) && (found == nil || len(e.Name) > len(found.Name)) {
			found = e
		}
	}
	return found
}

// unasked reports whether the model asks no more for a function that there was: the event that it was named after is gone, or
// is not folded, or is read as others, which takes no more than an upcaster.
func (p *planner) unasked(function string, g givenTo) bool {
	var before givenTo
	for _, a := range p.old.Aggregates {
		before.events = append(before.events, a.Events...)
	}
	if before.event(function) == nil {
		return false
	}
	e := g.event(function)
	return e == nil || e.Former && !strings.HasPrefix(function, "Upcasters.")
}

// given names what changed of what a function is given. What columns are is said of these.
func (p *planner) given(function string, g givenTo) (parts []string) {
	var fields []*lock.Field
	if e := g.event(function); e != nil {
		fields = e.Fields
		if was := eventOf(p.old, e.Wire); was != nil && !sameFields(was.Fields, e.Fields) {
			parts = append(parts, "the fields of "+e.Name)
		}
	}
	ofEvent, ofColumns := map[string]bool{}, map[string]bool{}
	for _, f := range fields {
		p.reach(f.Type, ofEvent)
	}
	for _, f := range g.is {
		p.reach(f.Type, ofColumns)
	}
	for _, t := range p.new.Types {
		was := p.shapes.old[t.Name]
		if was == nil || sameType(was, t) {
			continue
		}
		if ofEvent[t.Name] || ofColumns[t.Name] && len(p.typeChanges(t.Name)) == 0 {
			parts = append(parts, t.Name)
		}
	}
	if len(parts) == 0 && p.sameColumns(g.was, g.is) {
		return []string{"generated code that it uses"}
	}
	return parts
}

func (p *planner) sameColumns(was, is []*lock.Field) bool {
	return sameFields(was, is) && !slices.ContainsFunc(is, func(f *lock.Field) bool { return len(p.typeChanges(f.Type)) > 0 })
}

// sameFields reports whether fields are the same in Go: in their order.
func sameFields(was, is []*lock.Field) bool {
	return slices.EqualFunc(was, is, func(f, g *lock.Field) bool {
		return f.Name == g.Name && f.Type == g.Type && f.Personal == g.Personal
	})
}

func sameType(was, is *lock.Type) bool {
	return was.Base == is.Base && was.Encoding == is.Encoding && sameTexts(was.Values, is.Values) &&
		sameFields(was.Fields, is.Fields) &&
		slices.EqualFunc(was.Rules, is.Rules, func(r, s lock.Rule) bool { return r.Name == s.Name && r.Bound == s.Bound })
}
