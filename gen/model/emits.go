package model

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// EmitsTo returns the entries of emits whose events go to the given streams, nil for the command's own.
func (c *Command) EmitsTo(to *Also) []Emit {
	var list []Emit
	for _, em := range c.Emits {
		if em.To == to {
			list = append(list, em)
		}
	}
	return list
}

var times = map[string]Times{"": Once, "maybe": Maybe, "some": Some, "many": Many}

// emits resolves what a command emits.
func (r *resolver) emits(c *schema.Command, m *Command) {
	seen := map[*Also]map[*Event]schema.Text{}
	for _, e := range c.Emits {
		em := Emit{Times: times[e.Times], At: e.At}
		whole := true
		for i, named := range e.Events {
			to, ok := r.emitsTo(c, m, named)
			event := r.emittedEvent(named.Event, m, to, !ok)
			if !ok || event == nil {
				whole = false
				continue
			}
			if i > 0 && to != em.To {
				r.errorf(diag.AlternativesApart, named.Event.At, "let them go to one stream, or use a `maybe` entry for each",
					"the events of which one happens go to different streams")
				whole = false
			}
			em.To = to
			if first, twice := seen[to][event]; twice {
				r.emittedTwice(m, named.Event, first, event)
				whole = false
				continue
			}
			if seen[to] == nil {
				seen[to] = map[*Event]schema.Text{}
			}
			seen[to][event] = named.Event
			em.Events = append(em.Events, event)
		}
		if whole && r.fitsEach(e, em) {
			m.Emits = append(m.Emits, em)
		}
	}
}

func (r *resolver) emittedTwice(m *Command, again, first schema.Text, event *Event) {
	r.clash(diag.EmitsTwice, again.At, first.At, "the first one",
		"%s emits %s twice: say `many %s` if it may happen more than once", m.Name, event.Name, event.Name)
}

// fitsEach checks an entry whose events go to the streams of a list: each of its events says which one gets it.
func (r *resolver) fitsEach(e schema.Emit, em Emit) bool {
	if em.To == nil || em.To.Each == nil {
		return true
	}
	name := em.To.Name + "." + em.Events[0].Name
	switch {
	case len(em.Events) > 1:
		r.errorf(diag.EachEmits, e.At, "write `many "+name+"`, and so on",
			"%s are many streams: which of several events each of them gets can't be said", em.To.Name)
		return false
	case em.Times == Once || em.Times == Maybe:
		r.errorf(diag.EachEmits, e.At, "write `many "+name+"`, or `some "+name+"` for at least one",
			"%s are many streams, and each may get the event or not", em.To.Name)
		return false
	}
	return true
}

// emitsTo finds the streams that an alias names. It reports false where they are not known.
func (r *resolver) emitsTo(c *schema.Command, m *Command, e schema.Emitted) (*Also, bool) {
	if !e.Alias.Given() {
		return nil, true
	}
	var names []string
	for _, a := range m.Also {
		if a.Name == e.Alias.Value {
			return a, a.Aggregate != nil
		}
		names = append(names, a.Name)
	}
	if c.Keys["also"] != schema.Faulty {
		hint := diag.DidYouMean(e.Alias.Value, names)
		if len(names) == 0 {
			hint = "add `also: {" + e.Alias.Value + ": {aggregate: …, id: command.…}}`"
		}
		r.errorf(diag.UnknownAlias, e.Alias.At, hint, "%s loads no stream as %q", m.Name, e.Alias.Value)
	}
	return nil, false
}

// emittedEvent finds an event that a command emits to streams, or to its own where to is nil. If the streams are not
// known, it only notes which event was probably meant.
func (r *resolver) emittedEvent(name schema.Text, m *Command, to *Also, unknown bool) *Event {
	if unknown {
		if e := r.events.first(name.Value); e != nil {
			r.emitted[e] = true
		}
		return nil
	}
	a := m.Aggregate
	if to != nil {
		a = to.Aggregate
	}
	own := strings.TrimPrefix(name.Value, qualified(a, ""))
	for _, e := range a.Events {
		if e.Name == own || e.Name == name.Value {
			r.emitted[e] = true
			if e.Retired {
				r.clash(diag.RetiredEvent, name.At, e.At, "it is retired here", "%s emits %s, which is retired", m.Name, e.Name)
			}
			return e
		}
	}
	return r.noEventOf(name, a, m)
}

// nearEvent returns a hint at the event that was probably meant, which then counts as emitted.
func (r *resolver) nearEvent(name string, a *Aggregate) string {
	var own []string
	for _, e := range a.Events {
		own = append(own, e.Name)
	}
	hint, near := r.hint(name, own)
	for _, e := range a.Events {
		if e.Name == near {
			r.emitted[e] = true
		}
	}
	return hint
}

// noEventOf reports a name that is not that of an event of an aggregate.
func (r *resolver) noEventOf(name schema.Text, a *Aggregate, m *Command) *Event {
	if e := r.events.first(name.Value); e != nil {
		d := diag.Diagnostic{
			Code: diag.ForeignEvent, At: name.At,
			Message: e.Name + " is an event of " + e.Aggregate.Name + ", not of " + a.Name,
			Related: []diag.Related{{At: e.At, Message: e.Name + " is declared here"}},
			Hint:    "to change a stream of " + e.Aggregate.Name + " as well, name it under `also`",
		}
		for _, also := range m.Also {
			if also.Aggregate == e.Aggregate {
				d.Hint = did(also.Name + "." + e.Name)
			}
		}
		r.diags.Add(d)
		return nil
	}
	if r.eventsUnknown {
		r.emitsElsewhere = true
		return nil
	}
	hint := ""
	if !r.tired() {
		hint = r.nearEvent(name.Value, a)
	}
	r.errorf(diag.UnknownEvent, name.At, hint, "unknown event %q", name.Value)
	return nil
}
