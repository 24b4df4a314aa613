package schema

import (
	"regexp"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

var projectionShape = shape[Projection]{
	what:     "a projection",
	required: []string{"key", "row", "on"},
	keys: []key[Projection]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, j *Projection, e entry) { j.Doc = p.doc(e) }},
		{"key", fieldsForm, "The fields that name a row.", func(p *parser, j *Projection, e entry) { j.Key = p.fields(e) }},
		{"row", fieldsForm, "The fields of a row.", func(p *parser, j *Projection, e entry) { j.Row = p.fields(e) }},
		{"on", named(element(func() *shape[Handler] { return &handlerShape })), "The events that change rows.", func(p *parser, j *Projection, e entry) {
			j.On = declaredBy(p, e, p.handler, func(h *Handler) *Decl { return &h.Decl })
		}},
		{"ignore", listOfNames, "The events that change nothing here, on purpose.", func(p *parser, j *Projection, e entry) { j.Ignore = p.ignore(e) }},
		{"indexes", listOf(listOfNames), "The lists of fields by which rows are found.", func(p *parser, j *Projection, e entry) { j.Indexes = p.indexes(e) }},
	},
	later: map[string]string{
		"queries": "rows are found by key and by the declared indexes",
		"sinks":   "the program chooses where rows are kept",
		"mode":    "projections follow the log",
		"version": "rows are made anew when their shape changes",
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"fields":      "a projection has the fields of its `key` and of its `row`",
		"events":      "the events that a projection handles stand under `on`",
		"index":       "write `indexes: [[field]]`",
	},
}

var handlerShape = shape[Handler]{
	what:     "a handler",
	required: []string{"key"},
	keys: []key[Handler]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, h *Handler, e entry) { h.Doc = p.doc(e) }},
		{"key", namedFields(aGoExpr), "Where each field of the key comes from.", func(p *parser, h *Handler, e entry) { h.Key = p.keyValues(e) }},
	},
	later: map[string]string{
		"set":    "a fold is written in Go",
		"copy":   "a fold is written in Go",
		"delete": "a fold is written in Go",
		"where":  "a fold is written in Go, and leaves the row as it is where it does not apply",
		"each":   "an event changes one row",
		"as":     "an event changes one row",
	},
}

func (p *parser) handler(e entry, h *Handler) Keys {
	if e.value.Kind == yaml.SequenceNode && !p.unusable[e.value] {
		p.errorf(diag.NotYet, e.key.At, "",
			"this version does not know several folds for one event yet: an event changes one row")
		return Keys{"key": Faulty}
	}
	return read(p, &handlerShape, e, h)
}

// keyValues reads how an event gives a row's key.
func (p *parser) keyValues(e entry) []KeyValue {
	if e.value.Value == "go" {
		p.errorf(diag.NotYet, p.span(e.value), "",
			"this version does not know `key: go` yet: put the key's parts into the event")
		return nil
	}
	entries, _ := p.entries(e, "`key`")
	var list []KeyValue
	for _, c := range entries {
		if c.duplicate {
			continue
		}
		value, _ := p.text(c)
		list = append(list, KeyValue{Field: c.key, Value: value})
	}
	return list
}

var othersOf = regexp.MustCompile(`^others( of \w+)?$`)

func (p *parser) ignore(e entry) []Text {
	if othersOf.MatchString(e.value.Value) {
		p.errorf(diag.NotYet, p.span(e.value), "write `ignore: [EventName]`",
			"this version does not know `%s` yet", e.value.Value)
		return nil
	}
	return p.texts(e, "`ignore: [EventName]`")
}

func (p *parser) indexes(e entry) []Index {
	const example = "`indexes: [[currency, balance]]`"
	var list []Index
	for _, n := range p.items(e, example) {
		if n.Kind == yaml.ScalarNode && !p.unusable[n] {
			p.errorf(diag.WrongForm, p.span(n), "write "+example, "an index is itself a list of fields")
			continue
		}
		before := p.faults
		x := Index{At: p.span(n), Fields: p.texts(entry{key: e.key, value: n}, example)}
		x.Faulty = p.faults != before
		list = append(list, x)
	}
	return list
}
