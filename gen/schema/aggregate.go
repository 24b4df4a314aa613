package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

var aggregateShape = shape[Aggregate]{
	what:     "an aggregate",
	required: []string{"events", "commands"},
	justOne:  []string{"id", "single"},
	keys: []key[Aggregate]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, a *Aggregate, e entry) { a.Doc = p.doc(e) }},
		{"id", either(aName, fieldsForm), "What names the instances: a named scalar, or the fields of an id of several parts.", func(p *parser, a *Aggregate, e entry) { p.id(e, a) }},
		{"single", oneWord("true"), "There is one instance, which has no id.", func(p *parser, a *Aggregate, e entry) { a.Single = p.single(e) }},
		{"state", fieldsForm, "The fields that events change and deciders see.", func(p *parser, a *Aggregate, e entry) { a.State = p.fields(e) }},
		{"snapshot", element(func() *shape[Snapshot] { return &snapshotShape }), "When snapshots of the state are taken.", func(p *parser, a *Aggregate, e entry) { p.snapshot(e, a) }},
		{"lifecycle", listOf(aText), "The phases of an instance. The first is where it starts.", func(p *parser, a *Aggregate, e entry) { a.Lifecycle = p.texts(e, "`lifecycle: [new, open, closed]`") }},
		{"unique", listOf(element(func() *shape[Unique] { return &uniqueShape })), "The values that no two instances have at a time.", func(p *parser, a *Aggregate, e entry) { a.Unique = p.unique(e) }},
		{"events", namedTypes(element(func() *shape[Event] { return &eventShape })), "What can happen.", func(p *parser, a *Aggregate, e entry) {
			a.events(declared(p, e, &eventShape, func(v *Event) *Decl { return &v.Decl }))
		}},
		{"rejections", namedTypes(element(func() *shape[Rejection] { return &rejectionShape })), "The reasons for which deciders refuse commands.", func(p *parser, a *Aggregate, e entry) {
			a.Rejections = declared(p, e, &rejectionShape, func(r *Rejection) *Decl { return &r.Decl })
		}},
		{"commands", namedTypes(element(func() *shape[Command] { return &commandShape })), "What can be asked for.", func(p *parser, a *Aggregate, e entry) {
			a.Commands = declared(p, e, &commandShape, func(c *Command) *Decl { return &c.Decl })
		}},
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"fields":      "the fields of an aggregate are its `state`",
		"phases":      "write `lifecycle: [new, open, closed]`",
		"states":      "write `lifecycle: [new, open, closed]`",
		"errors":      "the reasons to refuse a command are `rejections`",
		"snapshots":   "write `snapshot: {every: 500}`",
	},
}

var snapshotShape = shape[Snapshot]{
	what:     "`snapshot`",
	notEmpty: true,
	keys: []key[Snapshot]{
		{"every", aNumber, "The number of events between two snapshots.", func(p *parser, s *Snapshot, e entry) { s.Every, _ = p.text(e) }},
		{"bytes", aNumber, "The size, in bytes, of the payloads of the events between two snapshots.", func(p *parser, s *Snapshot, e entry) { s.Bytes, _ = p.text(e) }},
		{"age", aText, "How old the last snapshot is when a command takes the next one: 90m, 24h.", func(p *parser, s *Snapshot, e entry) { s.Age, _ = p.text(e) }},
	},
	instead: map[string]string{
		"after":  "write `every: 500`",
		"events": "write `every: 500`",
		"size":   "write `bytes: 65536`",
		"time":   "write `age: 24h`",
	},
}

func (p *parser) snapshot(e entry, a *Aggregate) {
	if n := e.value; n.Kind == yaml.ScalarNode && !isNull(n) && !p.unusable[n] {
		p.errorf(diag.WrongForm, p.span(n), "write `snapshot: {every: "+n.Value+"}`",
			"`snapshot` says after how many events")
		return
	}
	if keys := read(p, &snapshotShape, e, &a.Snapshot); len(keys) == 0 {
		p.errorf(diag.MissingKey, e.key.At, "write `snapshot: {every: 500}`",
			"`snapshot` does not say after how many events, or bytes, or how much time")
	}
}

var eventShape = shape[Event]{
	what: "an event",
	keys: []key[Event]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, v *Event, e entry) { v.Doc = p.doc(e) }},
		{"fields", fieldsForm, "The fields of the event.", func(p *parser, v *Event, e entry) { v.Fields = p.fields(e) }},
		{"moves", aText, "From which phases the event can happen, and to which it leads: new|stalled -> open, any -> closed.", func(p *parser, v *Event, e entry) { v.Moves = p.moves(e) }},
		{"wire", aText, "The name under which the event is stored, if that is not its own.", func(p *parser, v *Event, e entry) { v.Wire, _ = p.text(e) }},
		{"version", aNumber, "The version of the event's fields, from 1.", func(p *parser, v *Event, e entry) { v.Version, _ = p.text(e) }},
		{"history", namedVersions(element(func() *shape[Step] { return &stepShape })), "What changed with each version, from 2 on.", func(p *parser, v *Event, e entry) { v.History = p.history(e) }},
		{"retired", oneWord("true"), "No command emits the event any more, and older ones are still folded.", func(p *parser, v *Event, e entry) { v.Retired = p.retired(e) }},
		{"becomes", listOf(aText), "No command emits the event any more, and older ones are read as these: Event, maybe Event, some Event, many Event.", func(p *parser, v *Event, e entry) { v.Becomes = p.emits(e) }},
		{"apply", named(aGoExpr), "How the event changes the state: fields, and the values that they get. Without it, a fold in Go does.", func(p *parser, v *Event, e entry) { v.Apply = p.assignments(e) }},
		{"remove", listOf(aGoExpr), "The entries of maps and sets of the state that the event takes away.", func(p *parser, v *Event, e entry) { v.Remove = p.removals(e) }},
	},
	later: map[string]string{
		"deprecated": "say so in `doc`, or write `retired: true` where no command emits it any more",
	},
	instead: fieldsInstead,
}

// events parts the events that happen from those that older ones are read as.
func (a *Aggregate) events(all []*Event) {
	for _, e := range all {
		if e.Keys["becomes"] == Absent {
			a.Events = append(a.Events, e)
		} else {
			a.Former = append(a.Former, e)
		}
	}
}

func (p *parser) retired(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "true" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `retired: true`, or leave it out", "`retired` can't be %q", t.Value)
		return Text{}
	}
	return t
}

// fieldsInstead is for elements that have little but fields.
var fieldsInstead = map[string]string{
	"description": "a description is a `doc`",
	"data":        "write `fields: {name: type}`",
	"payload":     "write `fields: {name: type}`",
	"properties":  "write `fields: {name: type}`",
}

var rejectionShape = shape[Rejection]{
	what: "a rejection",
	keys: []key[Rejection]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, r *Rejection, e entry) { r.Doc = p.doc(e) }},
		{"fields", fieldsForm, "The fields of the rejection.", func(p *parser, r *Rejection, e entry) { r.Fields = p.fields(e) }},
	},
	later:   map[string]string{"message": "the message names the rejection and its fields"},
	instead: fieldsInstead,
}

var commandShape = shape[Command]{
	what:     "a command",
	required: []string{"emits"},
	keys: []key[Command]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, c *Command, e entry) { c.Doc = p.doc(e) }},
		{"creates", oneWord("true", "maybe"), "Whether the stream is new: true, maybe; without it, the stream must exist.", func(p *parser, c *Command, e entry) { c.Creates = p.creates(e) }},
		{"fields", fieldsForm, "The fields of the command.", func(p *parser, c *Command, e entry) { c.Fields = p.fields(e) }},
		{"emits", listOf(aText), "The events that the command may cause: Event, maybe Event, some Event, many Event, EventA or EventB.", func(p *parser, c *Command, e entry) { c.Emits = p.emits(e) }},
		{"also", namedFields(element(func() *shape[Also] { return &alsoShape })), "The further streams that the command loads, each under a name.", func(p *parser, c *Command, e entry) { c.Also = p.also(e) }},
		{"in", listOf(aText), "The phases in which the command can be given.", func(p *parser, c *Command, e entry) { c.In = p.texts(e, "`in: [new, open]`") }},
		{"rejects", listOfNames, "The rejections that the decider may return.", func(p *parser, c *Command, e entry) { c.Rejects = p.texts(e, "`rejects: [NotOpen]`") }},
		{"check", checksForm, "Rules over several fields.", func(p *parser, c *Command, e entry) { c.Checks = p.checks(e) }},
	},
	later: map[string]string{
		"after": "deadlines belong to process managers, which come later",
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"events":      "what a command may cause are its `emits`",
		"errors":      "write `rejects: [NotOpen]`",
	},
}

func (p *parser) creates(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "true" && t.Value != "maybe" {
		p.errorf(diag.ValueNotAllowed, t.At, "write true or maybe, or leave `creates` out: the stream must then exist",
			"`creates` can't be %q", t.Value)
		return Text{}
	}
	return t
}
