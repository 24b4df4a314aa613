package plan

import (
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Fold is how a declared fold becomes Go.
type Fold struct {
	// Func is the function: applyMoneyDeposited. It is empty where nothing changes.
	Func string
	// Fails says that something is computed which may go wrong, Event and Meta that the event and its meta are read.
	Fails, Event, Meta bool
	// made has the places that are given a value as a whole.
	made []*model.Place
}

// newFold plans a declared fold of an aggregate's event, nil where the team writes it.
func newFold(e *model.Event, name string) *Fold {
	if e.Apply == nil {
		return nil
	}
	var all []*model.Apply
	for _, other := range e.Aggregate.Events {
		all = append(all, other.Apply)
	}
	return planFold(e.Apply, "apply"+name, all)
}

// planFold plans a function that changes a state or a row, which others change as well.
func planFold(m *model.Apply, name string, all []*model.Apply) *Fold {
	f := &Fold{}
	if len(m.Set)+len(m.Remove) > 0 {
		f.Func = name
	}
	for _, n := range nodesOf(m) {
		n.Walk(func(n *expr.Node) {
			f.Fails = f.Fails || n.Fails()
			f.Event = f.Event || n.Op == expr.OpName && n.Name == "event"
			f.Meta = f.Meta || n.Op == expr.OpName && n.Name == "meta"
		})
	}
	for _, other := range all {
		if other != nil {
			for _, a := range other.Set {
				f.made = append(f.made, a.Place)
			}
		}
	}
	return f
}

// GoFolds reports whether the team folds an event.
func (a *Aggregate) GoFolds() bool {
	return slices.ContainsFunc(a.Events, func(e *Event) bool { return e.Fold == nil })
}

// Decoded reports whether the fold of an event looks into it.
func (e *Event) Decoded() bool { return e.Fold == nil || e.Fold.Event }

// nodesOf are all expressions of a fold: values, and keys of places.
func nodesOf(a *model.Apply) []*expr.Node {
	var nodes []*expr.Node
	keys := func(p *model.Place) {
		for _, s := range p.Steps {
			if s.Key != nil {
				nodes = append(nodes, s.Key)
			}
		}
	}
	for _, s := range a.Set {
		keys(s.Place)
		nodes = append(nodes, s.Value.Node)
	}
	for _, p := range a.Remove {
		keys(p)
	}
	return nodes
}

// MayBeNil reports whether the map that some steps lead to may not be made yet: because it is in the entry of another
// map, or because a fold gave it, or what holds it, a value as a whole.
func (f *Fold) MayBeNil(steps []model.Step) bool {
	for _, s := range steps {
		if s.Key != nil {
			return true
		}
	}
	for _, p := range f.made {
		if len(p.Steps) <= len(steps) && p.Reaches(steps) {
			return true
		}
	}
	return false
}

// Fill is what fills an event's fields from the state.
type Fill struct {
	// Func is the function: fillTicketClosed.
	Func   string
	Fails  bool
	Fields []*Field
}

// newFill plans the function that fills an event's fields, nil where the decider says them all.
func newFill(e *Event) *Fill {
	f := &Fill{Func: "fill" + e.Go}
	for _, field := range e.Fields {
		if field.From != nil {
			f.Fields = append(f.Fields, field)
			f.Fails = f.Fails || field.From.Fails()
		}
	}
	if f.Fields == nil {
		return nil
	}
	return f
}

// markClones finds the structs of which copies are made that share nothing.
func (p *Plan) markClones() {
	mark := func(m *model.Apply) {
		if m == nil {
			return
		}
		for _, s := range m.Set {
			for n := range s.Copy {
				t := model.TypeOf(n.Type)
				p.markClone(&t)
			}
		}
	}
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			mark(e.Event.Apply)
		}
	}
	for _, pr := range p.Projections {
		for _, h := range pr.Handlers {
			for _, f := range h.Folds {
				mark(f.Change)
			}
		}
	}
}

func (p *Plan) markClone(t *model.Type) {
	switch {
	case !model.Shares(*t):
	case t.Elem != nil:
		p.markClone(t.Elem)
	case t.Named != nil && t.Named.Kind == model.Struct:
		n := p.named[t.Named]
		n.Clone = "clone" + n.Name
		for _, f := range n.Fields {
			p.markClone(&f.Type)
		}
	}
}

// HasFolds reports whether a fold or something like it is declared.
func (p *Plan) HasFolds() bool {
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			if e.Fold != nil && e.Fold.Func != "" || e.Fill != nil {
				return true
			}
		}
	}
	return slices.ContainsFunc(p.Types, func(t *Named) bool { return t.Clone != "" })
}

// checkFoldNames reports names that collide with those of folds.
func (p *Plan) checkFoldNames(s *scope) {
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			if e.Fold != nil && e.Fold.Func != "" {
				s.add(e.Fold.Func, "the fold of "+e.Name, diag.Span{})
			}
			if e.Fill != nil {
				s.add(e.Fill.Func, "what fills "+e.Name, diag.Span{})
			}
		}
	}
	for _, t := range p.Types {
		if t.Clone != "" {
			s.add(t.Clone, "what copies "+t.Name, diag.Span{})
		}
	}
}

// meaningOf is what declared folds add to the fingerprint of a state.
func meaningOf(events []*Event) string {
	var b strings.Builder
	for _, e := range events {
		if e.Event.Apply != nil {
			b.WriteString(";apply " + e.Wire)
			writeMeaning(&b, e.Event.Apply)
		}
	}
	return b.String()
}

func writeMeaning(b *strings.Builder, m *model.Apply) {
	for _, a := range m.Set {
		b.WriteString(";" + a.Place.Canonical() + "=" + a.Value.Node.Canonical())
	}
	for _, r := range m.Remove {
		b.WriteString(";-" + r.Canonical())
	}
}
