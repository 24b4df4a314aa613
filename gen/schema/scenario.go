package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Scenario declares a test by example. What its values mean depends on the types of the model, so that they are kept as
// they are written.
type Scenario struct {
	Decl
	At Text
	// Each is nil where its key is not there.
	Given, When, Then, Rows *Value
}

// ValueKind tells the forms of a value apart.
type ValueKind int

// The forms of a value.
const (
	Nothing   ValueKind = iota + 1 // nothing was written
	PlainText                      // a text without quotes
	QuotedText
	Sequence // Items
	Mapping  // Entries
)

// Value is a value as it is written, to be read by a type.
type Value struct {
	Kind    ValueKind
	Text    string
	Items   []*Value
	Entries []ValueEntry
	At      diag.Span
	// Faulty marks a value of which something was reported.
	Faulty bool
}

// ValueEntry is one key of a mapping with its value.
type ValueEntry struct {
	Key   Text
	Value *Value
}

// String returns the value's form in words.
func (k ValueKind) String() string {
	switch k {
	case Nothing:
		return "nothing"
	case Sequence:
		return "a list"
	case Mapping:
		return "keys and values"
	default:
		return "a text"
	}
}

var (
	happened      = listOf(named(either(aWritten, listOf(named(aWritten)))))
	scenarioShape = shape[Scenario]{
		what: "a scenario",
		keys: []key[Scenario]{
			{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, s *Scenario, e entry) { s.Doc = p.doc(e) }},
			{"given", happened, "What happened before: events, or streams with their events.", func(p *parser, s *Scenario, e entry) { s.Given = p.value(e) }},
			{"at", aText, "The time of all that happens: 2026-03-01T10:00:00Z.", func(p *parser, s *Scenario, e entry) { s.At, _ = p.text(e) }},
			{"when", named(either(aWritten, named(aWritten))), "The command, or the stream with its command.", func(p *parser, s *Scenario, e entry) { s.When = p.value(e) }},
			{"then", either(happened, named(named(aWritten))), "What the command leads to: events, none (`[]`), or a `rejection`.", func(p *parser, s *Scenario, e entry) { s.Then = p.value(e) }},
			{"rows", named(listOf(named(aWritten))), "The rows of projections, afterwards.", func(p *parser, s *Scenario, e entry) { s.Rows = p.value(e) }},
		},
		instead: map[string]string{
			"description": "a description is a `doc`",
			"events":      "what happened before is `given`, what is expected is `then`",
			"expect":      "what is expected is `then`",
			"rejection":   "write `then: {rejection: {Name: {}}}`",
			"rejected":    "write `then: {rejection: {Name: {}}}`",
			"command":     "the command is `when`",
			"time":        "the time is `at`",
			"now":         "the time is `at`",
		},
	}
)

// value reads a value of any form.
func (p *parser) value(e entry) *Value {
	n := e.value
	v := &Value{At: p.span(n), Text: n.Value}
	before := p.faults
	switch {
	case p.unusable[n]:
		p.faults++
	case isNull(n):
		v.Kind, v.At = Nothing, e.key.At
	case n.Kind == yaml.SequenceNode:
		v.Kind = Sequence
		for _, item := range p.items(e, "") {
			v.Items = append(v.Items, p.value(entry{key: Text{Value: e.key.Value, At: p.span(item)}, value: item}))
		}
	case n.Kind == yaml.MappingNode:
		v.Kind = Mapping
		v.Entries = p.valueEntries(e)
	case n.Style != 0:
		v.Kind = QuotedText
	default:
		v.Kind = PlainText
		p.freeText(e)
	}
	v.Faulty = p.faults != before
	return v
}

func (p *parser) valueEntries(e entry) []ValueEntry {
	entries, _ := p.entries(e, "`"+e.key.Value+"`")
	var list []ValueEntry
	for _, c := range entries {
		if !c.duplicate {
			list = append(list, ValueEntry{Key: c.key, Value: p.value(c)})
		}
	}
	return list
}
