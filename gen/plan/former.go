package plan

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Former is an event that is read as others.
type Former struct {
	*Event
	// Becomes are the entries of what it is read as.
	Becomes []*Emit
	// Result is what the team's code returns, and None its value where there is none. It is the event itself where there is
	// exactly one: then Single.
	Result, None string
	Single       bool
}

// All returns the events that happen and those that are read as others.
func (a *Aggregate) All() []*Event {
	all := slices.Clone(a.Events)
	for _, f := range a.Former {
		all = append(all, f.Event)
	}
	return all
}

// Successors returns the events that former ones are read as, in the order of the model.
func (a *Aggregate) Successors() []*Event {
	return slices.DeleteFunc(slices.Clone(a.Events), func(e *Event) bool {
		return !slices.ContainsFunc(a.Former, func(f *Former) bool { return f.Has(e) })
	})
}

// Successors returns the events that the former one may be read as, in the order of its entries.
func (f *Former) Successors() []*Event {
	var list []*Event
	for _, em := range f.Becomes {
		list = append(list, em.Events...)
	}
	return list
}

// Replaced returns the former events in whose place others are stored.
func (a *Aggregate) Replaced() []*Former {
	return slices.DeleteFunc(slices.Clone(a.Former), func(f *Former) bool { return len(f.Becomes) == 0 })
}

// LeftOut returns the events that the projection does not handle though it may take them for stored in the place of others:
// those that an event becomes which it handles, those that are not stored any more, or not yet.
func (pr *Projection) LeftOut() []*Event {
	var list []*Event
	seen := map[*Aggregate]bool{}
	for _, h := range pr.Handlers {
		a := h.Event.Aggregate
		if seen[a] {
			continue
		}
		seen[a] = true
		for _, e := range a.All() {
			rests := e.Retired || !slices.Contains(a.Events, e)
			if !pr.reads(e) && (rests || slices.ContainsFunc(pr.Former(), func(f *Former) bool { return f.Has(e) })) {
				list = append(list, e)
			}
		}
	}
	return list
}

// reads reports whether an event leads to the projection's folds, as it is or as what it becomes.
func (pr *Projection) reads(e *Event) bool {
	return slices.ContainsFunc(pr.Handlers, func(h *Handler) bool { return h.Event == e }) ||
		slices.ContainsFunc(pr.Former(), func(f *Former) bool { return f.Event == e })
}

// Has reports whether the former event may be read as an event.
func (f *Former) Has(e *Event) bool {
	return slices.ContainsFunc(f.Becomes, func(em *Emit) bool { return em.Events[0] == e })
}

// Former returns the former events that may be read as one that the projection handles.
func (pr *Projection) Former() []*Former {
	var list []*Former
	for _, h := range pr.Handlers {
		for _, f := range h.Event.Aggregate.Former {
			if f.Has(h.Event) && !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
	}
	return list
}

// addFormer plans the former events of an aggregate.
func (p *Plan) addFormer(a *Aggregate, events map[*model.Event]*Event) {
	for _, m := range a.Aggregate.Former {
		name := goName(a.Aggregate, m.Name, m.Shared)
		f := &Former{
			Event:  &Event{Event: m, Aggregate: a, Go: name, Fields: p.fields(name, m.Fields), Scratch: p.scratch(name)},
			Result: name + "Parts",
		}
		f.addEvolution()
		for i := range m.Becomes {
			em := &Emit{Emit: &m.Becomes[i], Events: []*Event{events[m.Becomes[i].Events[0]]}}
			em.Go, em.Text = em.Events[0].Go, em.text()
			f.Becomes = append(f.Becomes, em)
		}
		if len(f.Becomes) == 1 && f.Becomes[0].Times == model.Once {
			f.Single, f.Result = true, f.Becomes[0].Go
		}
		f.None = f.Result + "{}"
		a.Former = append(a.Former, f)
	}
}

// evolution stands for how a former event is read, in fingerprints.
func (f *Former) evolution() []string {
	parts := append([]string{"former", f.Wire}, f.Event.evolution()...)
	for _, em := range f.Becomes {
		parts = append(parts, "becomes "+em.Text)
	}
	return parts
}

// functions are those of the team's that say what a former event is read as.
func (f *Former) functions() []meaning.Root {
	list := f.upcasters()
	if len(f.Becomes) > 0 {
		list = append(list, meaning.Root{Type: Upcasters, Name: f.Go})
	}
	return list
}

// checkFormer reports the names of a former event that collide.
func (f *Former) checkFormer(s *scope) {
	s.add(f.Go, "the former event "+f.Name, f.At)
	if !f.Single && len(f.Becomes) > 0 {
		s.add(f.Result, "what "+f.Name+" becomes", f.At)
	}
	checkFields(s.d, "event "+f.Name, f.Fields, "EventType", "Events", "DecodeJSON", "DecodeRecord")
	f.checkEvolution(s)
}

// UsesEvent reports whether anything that a projection does with an event depends on it.
func (h *Handler) UsesEvent() bool {
	return h.InGo || h.KeysInGo || slices.ContainsFunc(h.Folds, func(f *RowFold) bool {
		return f.Set != nil && f.Set.Func != "" && f.Set.Event ||
			slices.ContainsFunc(f.around(), func(x *model.Expr) bool { return x.Uses("event") })
	})
}

// personal reports whether the team's code is given a person's data.
func (f *Former) personal() bool { return f.Personal() && len(f.Becomes) > 0 }
