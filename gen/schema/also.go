package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

var alsoShape = shape[Also]{
	what:     "an entry of `also`",
	required: []string{"aggregate"},
	keys: []key[Also]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, a *Also, e entry) { a.Doc = p.doc(e) }},
		{"aggregate", aName, "The aggregate of the stream.", func(p *parser, a *Also, e entry) { a.Aggregate, _ = p.text(e) }},
		{"each", aGoExpr, "A list: there is one stream for each of its elements, each called item.", func(p *parser, a *Also, e entry) { a.Each, _ = p.text(e) }},
		{"id", either(aGoExpr, namedFields(aGoExpr)), "The id of the stream, or its parts, from the command and the item.", func(p *parser, a *Also, e entry) { p.alsoID(e, a) }},
		{"creates", oneWord("true", "maybe"), "Whether the stream is new: true, maybe; without it, the stream must exist.", func(p *parser, a *Also, e entry) { a.Creates = p.creates(e) }},
	},
	instead: map[string]string{
		"stream": "the stream is that of an `aggregate` and an `id`",
		"from":   "write `each: command.lines`",
	},
}

// also reads the further streams of a command.
func (p *parser) also(e entry) []*Also {
	return declared(p, e, &alsoShape, func(a *Also) *Decl { return &a.Decl })
}

// alsoID reads an id: one expression, or one for each of its parts.
func (p *parser) alsoID(e entry, a *Also) {
	if e.value.Kind != yaml.MappingNode {
		a.ID, _ = p.text(e)
		return
	}
	entries, _ := p.entries(e, "`id`")
	for _, c := range entries {
		if c.duplicate {
			continue
		}
		value, _ := p.text(c)
		a.Parts = append(a.Parts, KeyValue{Field: c.key, Value: value})
	}
}

// emitForms is the hint where an entry of emits is none.
const emitForms = "write `Event`, `maybe Event`, `some Event`, `many Event` or `EventA or EventB`"

// emits reads what a command emits.
func (p *parser) emits(e entry) []Emit {
	var list []Emit
	for _, t := range p.texts(e, "`emits: [Opened, maybe Flagged]`") {
		if m, ok := p.emit(t); ok {
			list = append(list, m)
		}
	}
	return list
}

// emit reads one entry: an event, how often it happens, or the events of which one happens.
func (p *parser) emit(t Text) (Emit, bool) {
	m := Emit{At: t.At}
	words := wordsOf(t.Value)
	text := func(w word) string { return t.Value[w.from:w.to] }
	if first := text(words[0]); first == "maybe" || first == "many" || first == "some" {
		m.Times = first
		words = words[1:]
	}
	for i, w := range words {
		if i%2 == 0 {
			m.Events = append(m.Events, p.emitted(t, w))
		} else if text(w) != "or" {
			words = nil
		}
	}
	switch {
	case len(words)%2 == 0, reserved[m.Events[len(m.Events)-1].Event.Value]:
		p.errorf(diag.EmitSpelling, t.At, emitForms, "%q is not what a command can emit", t.Value)
		return m, false
	case m.Times != "" && len(m.Events) > 1:
		p.errorf(diag.EmitSpelling, t.At, "write an entry for each, or leave `"+m.Times+"` out",
			"exactly one of several events happens: %q is not what a command can emit", t.Value)
		return m, false
	}
	return m, true
}

// reserved are words that an entry of emits needs beside the names of events.
var reserved = map[string]bool{"maybe": true, "many": true, "some": true, "or": true}

// emitted reads the name of an event, with that of the stream that gets it where there is one: target.MoneyDeposited.
func (p *parser) emitted(t Text, w word) Emitted {
	part := func(from, to int) Text {
		return Text{Value: t.Value[from:to], At: within(t.At, t.Value, from, to)}
	}
	for i := w.from; i < w.to; i++ {
		if t.Value[i] == '.' && isLower(t.Value[w.from]) {
			return Emitted{Alias: part(w.from, i), Event: part(i+1, w.to)}
		}
	}
	return Emitted{Event: part(w.from, w.to)}
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
