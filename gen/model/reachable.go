package model

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// possible fills in the phases in which commands can be given where they don't say, and reports what can never be.
func (r *resolver) possible(a *schema.Aggregate, m *Aggregate) {
	before := r.diags.Len()
	for i, c := range m.Commands {
		r.feasible(a.Commands[i], c)
	}
	if r.diags.Len() != before {
		return
	}
	w := newWalk(m)
	w.others = r.reaching(m)
	if !w.start() {
		return // nothing creates a stream here: who knows where they start
	}
	r.unreached(m, w)
	r.deadEnds(m, w)
}

// walk finds out which phases the commands of an aggregate lead through.
type walk struct {
	*Aggregate
	// rest are the phases in which streams stay between commands, seen those that they pass at all.
	rest, seen PhaseSet
	happened   map[*Event]bool
	// others are commands whose own streams are other ones, as these streams see them.
	others []*Command
}

func newWalk(a *Aggregate) *walk { return &walk{Aggregate: a, happened: map[*Event]bool{}} }

// start follows all commands until nothing new is reached. It reports false if no command creates a stream.
func (w *walk) start() bool {
	creates := false
	for known := PhaseSet(0); ; known = w.rest {
		for _, c := range append(w.Commands[:len(w.Commands):len(w.Commands)], w.others...) {
			creates = creates || c.Creates != MustExist
			for i := range MaxPhases {
				if w.starts(c).Has(i) && c.In.Has(i) {
					w.rest |= w.from(c, i)
				}
			}
		}
		for _, e := range w.Events {
			if next := after(e, w.rest|phaseAt(0)); e.Retired && e.Moves != nil && next != 0 {
				w.rest, w.seen, w.happened[e] = w.rest|next, w.seen|next, true // in streams of before
			}
		}
		if w.rest == known {
			return creates
		}
	}
}

// starts are the phases in which there are streams for a command.
func (w *walk) starts(c *Command) PhaseSet {
	switch c.Creates {
	case MustBeNew:
		return phaseAt(0)
	case MayExist:
		return w.rest | phaseAt(0)
	}
	return w.rest
}

// from returns the phases in which a stream can be after a command that is given in a phase: none, if its events can't
// happen there.
func (w *walk) from(c *Command, phase int) PhaseSet {
	passed := PhaseSet(0)
	var events []*Event
	now := phaseAt(phase)
	for _, em := range c.EmitsTo(nil) {
		happens := func(from PhaseSet) (to PhaseSet) {
			for _, e := range em.Events {
				if next := after(e, from); next != 0 {
					events, to = append(events, e), to|next
				}
			}
			return to
		}
		passed |= now
		switch em.Times {
		case Once, Some:
			now = happens(now)
		case Maybe:
			now |= happens(now)
		}
		if em.Times >= Some {
			for before := PhaseSet(0); before != now; {
				before = now
				now |= happens(now)
			}
		}
	}
	if now == 0 {
		return 0
	}
	w.seen |= passed | now
	for _, e := range events {
		w.happened[e] = true
	}
	return now
}

// reaching returns the commands whose events go to streams of an aggregate that are not their own, each with these events
// alone. They ask for no phase.
func (r *resolver) reaching(m *Aggregate) []*Command {
	var list []*Command
	for _, a := range r.model.Aggregates {
		for _, c := range a.Commands {
			for _, also := range c.Also {
				if also.Aggregate != m || len(c.EmitsTo(also)) == 0 {
					continue
				}
				seen := &Command{Aggregate: m, Name: c.Name, At: c.At, Creates: also.Creates, In: m.Lifecycle.All()}
				for _, em := range c.EmitsTo(also) {
					em.To = nil
					if also.Each != nil {
						em.Times = Many // to one of the streams perhaps none
					}
					seen.Emits = append(seen.Emits, em)
				}
				list = append(list, seen)
			}
		}
	}
	return list
}

// after returns the phases after an event that happens in one of the given ones: none where it can't.
func after(e *Event, from PhaseSet) PhaseSet {
	switch {
	case e.Moves == nil:
		return from
	case from&e.Moves.From == 0:
		return 0
	}
	return phaseAt(e.Moves.To)
}

// feasible checks the phases of a command against what it must emit, or takes them from there.
func (r *resolver) feasible(s *schema.Command, c *Command) {
	l, w := c.Aggregate.Lifecycle, newWalk(c.Aggregate)
	var can PhaseSet
	for i := range l.Phases.Values {
		if w.from(c, i) != 0 {
			can |= phaseAt(i)
		}
	}
	first := l.Phases.Values[0].Name
	for _, name := range s.In {
		switch i := r.phase(c.Aggregate, name); {
		case c.Creates == MustBeNew && i != 0:
			r.errorf(diag.NeverPossible, name.At, "leave `in` out",
				"%s creates a %s, and that starts in %s, never in %s", c.Name, c.Aggregate.Name, first, name.Value)
		case !can.Has(i):
			e, _ := obstacle(c, phaseAt(i))
			r.errorf(diag.NeverPossible, name.At, "", "%s can't be given in %s: %s moves from %s",
				c.Name, name.Value, e.Name, either(l.Names(e.Moves.From)))
		}
	}
	if c.In != 0 {
		return
	}
	c.In = can
	switch {
	case c.Creates == MustBeNew && !can.Has(0):
		e, _ := obstacle(c, phaseAt(0))
		r.errorf(diag.NeverPossible, c.At, "", "%s can never be given: it creates a %s, that starts in %s, and %s moves from %s",
			c.Name, c.Aggregate.Name, first, e.Name, either(l.Names(e.Moves.From)))
	case c.Creates == MustBeNew:
		c.In = phaseAt(0)
	case can == 0:
		e, now := obstacle(c, l.All())
		r.errorf(diag.NeverPossible, c.At, "", "%s can never be given: %s moves from %s, and what comes before it leads to %s",
			c.Name, e.Name, either(l.Names(e.Moves.From)), either(l.Names(now)))
	}
}

// obstacle returns the event of a command that can't happen if the command is given in one of some phases, and the
// phases in which it would have to.
func obstacle(c *Command, now PhaseSet) (*Event, PhaseSet) {
	for _, em := range c.EmitsTo(nil) {
		next := PhaseSet(0)
		for _, e := range em.Events {
			next |= after(e, now)
		}
		switch {
		case em.Times != Once && em.Times != Some:
			now |= next
		case next == 0:
			return em.Events[0], now
		default:
			now = next
		}
	}
	return nil, now
}

// unreached reports the phases that nothing leads to, and what needs one that is never there. What follows from another
// finding is not reported.
func (r *resolver) unreached(m *Aggregate, w *walk) {
	l := m.Lifecycle
	unseen := l.All() &^ w.seen
	roots := unseen
	for _, e := range m.Events {
		if e.Moves != nil && e.Moves.From&^phaseAt(e.Moves.To) != 0 {
			roots &^= phaseAt(e.Moves.To)
		}
	}
	if roots == 0 {
		roots = unseen
	}
	for i, v := range l.Phases.Values {
		if roots.Has(i) {
			r.errorf(diag.UnreachablePhase, v.At, "let an event move to it, or leave the phase out",
				"no event that can happen moves to the phase %s", v.Name)
		}
	}
	never := map[*Command]bool{}
	for _, c := range m.Commands {
		if c.In&w.starts(c) == 0 && c.In&w.seen != 0 {
			never[c] = true
			r.errorf(diag.NeverPossible, c.At, "", "%s can never be given: no %s stays in %s",
				c.Name, m.Name, either(l.Names(c.In)))
		}
	}
	for _, e := range m.Events {
		if e.Moves != nil && !w.happened[e] && e.Moves.From&w.seen != 0 && emittedBeside(m, e, never) {
			r.errorf(diag.NeverPossible, e.Moves.At, "",
				"%s can never happen: the commands that emit it are not given in %s", e.Name, either(l.Names(e.Moves.From)))
		}
	}
}

// emittedBeside reports whether a command that is not among the given ones emits the event.
func emittedBeside(m *Aggregate, e *Event, commands map[*Command]bool) bool {
	for _, c := range m.Commands {
		for _, em := range c.Emits {
			if slices.Contains(em.Events, e) && !commands[c] {
				return true
			}
		}
	}
	return false
}

// deadEnds warns of phases that no event leaves and that stand before one that is left.
func (r *resolver) deadEnds(m *Aggregate, w *walk) {
	values := m.Lifecycle.Phases.Values
	last := len(values) - 1
	for last >= 0 && m.Ends(last) {
		last--
	}
	for i, v := range values[:last+1] {
		if i > 0 && m.Ends(i) && w.seen.Has(i) {
			r.diags.Add(diag.Diagnostic{
				Code: diag.DeadEnd, At: v.At, Warning: true,
				Message: "no event leaves the phase " + v.Name + ", and it stands before " + values[last].Name + ", which is left",
				Hint:    "if streams end there, put it behind " + values[last].Name,
			})
		}
	}
}
