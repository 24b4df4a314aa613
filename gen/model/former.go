package model

import (
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// former resolves the events that are read as others.
func (r *resolver) former(a *schema.Aggregate, m *Aggregate) {
	for i, s := range a.Former {
		e := m.Former[i]
		e.Fields = r.fields("the event "+e.Name, s.Fields)
		r.fieldsUnknown[e] = unread(s.Keys, "fields", len(s.Fields))
		r.evolution(s, e)
		for _, key := range []string{"moves", "apply", "remove", "retired"} {
			if s.Keys[key] != schema.Absent {
				r.errorf(diag.FormerEvent, e.At, "leave `"+key+"` out",
					"%s is read as other events, and has `%s`", e.Name, key)
			}
		}
		for _, f := range s.Fields {
			if f.From.Given() {
				r.errorf(diag.FormerEvent, f.From.At, "leave `from` out", "%s happens no more, and nothing fills %s", e.Name, f.Name.Value)
			}
		}
		r.becomes(s, e)
	}
}

// becomes resolves what a former event is read as.
func (r *resolver) becomes(s *schema.Event, m *Event) {
	seen := map[*Event]schema.Text{}
	for _, entry := range s.Becomes {
		if len(entry.Events) > 1 {
			r.errorf(diag.FormerEvent, entry.At, "write a `maybe` entry for each",
				"%s can't become one of several events by `or`", m.Name)
			continue
		}
		name := entry.Events[0]
		event := r.successor(name, m)
		if event == nil {
			continue
		}
		if first, twice := seen[event]; twice {
			r.clash(diag.FormerEvent, name.Event.At, first.At, "the first one",
				"%s becomes %s twice: say `many %s` if there may be more than one", m.Name, event.Name, event.Name)
			continue
		}
		seen[event] = name.Event
		m.Becomes = append(m.Becomes, Emit{Times: times[entry.Times], Events: []*Event{event}, At: entry.At})
	}
}

// successor finds an event of the aggregate that a former one becomes.
func (r *resolver) successor(name schema.Emitted, m *Event) *Event {
	for _, e := range m.Aggregate.Events {
		if !name.Alias.Given() && e.Name == name.Event.Value {
			return e
		}
	}
	if r.eventsUnknown {
		return nil
	}
	hint, _ := r.hint(name.Event.Value, eventNames(m.Aggregate))
	r.errorf(diag.FormerEvent, name.Event.At, hint, "%s can't become %q, which is no event of %s that happens",
		m.Name, name.Event.Value, m.Aggregate.Name)
	return nil
}
