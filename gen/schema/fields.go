package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// aType names declared types; a scalar in the place of one gets a hint of its own.
const aType = "a type"

var typeShape = shape[Type]{
	what:    aType,
	justOne: []string{"base", "enum", "fields"},
	keys: append([]key[Type]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, t *Type, e entry) { t.Doc = p.doc(e) }},
		{"base", oneWord(scalarNames...), "The scalar below a named scalar.", func(p *parser, t *Type, e entry) { t.Base, _ = p.text(e) }},
		{"enum", listOf(aValue), "The values of an enum.", func(p *parser, t *Type, e entry) { t.Values = p.texts(e, "`enum: [open, closed]`") }},
		{"fields", fieldsForm, "The fields of a struct.", func(p *parser, t *Type, e entry) { t.Fields = p.fields(e) }},
		{"example", aWritten, "A value that it may have.", func(p *parser, t *Type, e entry) { t.Example = p.value(e) }},
		{"deprecated", aText, "What to use instead.", func(p *parser, t *Type, e entry) { t.Deprecated = p.deprecated(e) }},
		{"check", checksForm, "Rules over several fields of a struct.", func(p *parser, t *Type, e entry) { t.Checks = p.checks(e) }},
	}, ruleKeys(func(t *Type) *[]Rule { return &t.Rules })...),
	instead: map[string]string{
		"history":     "the events that hold a type have versions",
		"version":     "the events that hold a type have versions",
		"default":     "a default belongs to a field of a command",
		"type":        "the scalar below a named scalar is its `base`",
		"values":      "the values of an enum are its `enum: [A, B]`",
		"description": "a description is a `doc`",
		"properties":  "a struct has `fields`",
	},
}

var fieldShape = shape[Field]{
	what:     "a field",
	required: []string{"type"},
	keys: append([]key[Field]{
		{"type", aTypeExpr, "The type of the field.", func(p *parser, f *Field, e entry) { f.Type = p.typeExpr(e) }},
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, f *Field, e entry) { f.Doc = p.doc(e) }},
		{"example", aWritten, "A value that it may have.", func(p *parser, f *Field, e entry) { f.Example = p.value(e) }},
		{"default", aWritten, "The value of a command's field that was left out.", func(p *parser, f *Field, e entry) { f.Default = p.value(e) }},
		{"deprecated", aText, "What to use instead.", func(p *parser, f *Field, e entry) { f.Deprecated = p.deprecated(e) }},
		{"personal", personalForm, "Whether the value is about a person, and about whom.", func(p *parser, f *Field, e entry) { f.Personal = p.personal(e) }},
		{"from", aGoExpr, "Where an event's field takes its value from when the event happens: `state.assignees`.", func(p *parser, f *Field, e entry) { f.From, _ = p.expression(e) }},
		{"search", oneWord("text", "keyword"), "How rows are searched by the field: by the words of its text, or by the text as a whole.", func(p *parser, f *Field, e entry) { f.Search = p.searchable(e) }},
	}, ruleKeys(func(f *Field) *[]Rule { return &f.Rules })...),
	instead: map[string]string{
		"optional":    "write `type: optional T`",
		"nullable":    "write `type: optional T`",
		"required":    "every field is required unless its type is `optional T`",
		"description": "a description is a `doc`",
		"enum":        "declare the enum under `types` and use its name",
		"items":       "a list is `type: list of T`",
		"length":      "the bounds of a length are `minLength` and `maxLength`",
		"regex":       "a regular expression is a `pattern`",
	},
}

// fieldsForm is how fields are written: their short form (name: type) and their long one.
var fieldsForm = namedFields(either(aTypeExpr, element(func() *shape[Field] { return &fieldShape })))

// ruleForms are the rules, with what their bounds are.
var ruleForms = []keyInfo{
	{"min", "The least value of a number.", aNumber},
	{"max", "The greatest value of a number.", aNumber},
	{"minLength", "The least length: of a string in characters, of bytes in bytes.", aNumber},
	{"maxLength", "The greatest length: of a string in characters, of bytes in bytes.", aNumber},
	{"pattern", "A regular expression that strings must match.", aText},
	{"minItems", "The least number of items of a list, set or map.", aNumber},
	{"maxItems", "The greatest number of items of a list, set or map.", aNumber},
	{"distinct", "Whether no item of a list may stand twice.", aBool},
}

// scalarNames are the scalars of the language.
var scalarNames = []string{
	"bool", "bytes", "date", "decimal", "duration", "float64", "int", "int32", "int64", "string", "time", "uint32", "uint64", "uuid",
}

// ruleKeys are the keys of all rules.
func ruleKeys[T any](rules func(*T) *[]Rule) []key[T] {
	var keys []key[T]
	for _, rule := range ruleForms {
		keys = append(keys, key[T]{rule.name, rule.form, rule.doc, func(p *parser, into *T, e entry) {
			bound, ok := p.freeText(e)
			if ok {
				*rules(into) = append(*rules(into), Rule{Name: e.key, Bound: bound})
			}
		}})
	}
	return keys
}

// fields reads the fields of an element, in their short form (name: type) and their long one.
func (p *parser) fields(e entry) []*Field {
	return declaredBy(p, e, p.field, func(f *Field) *Decl { return &f.Decl })
}

func (p *parser) field(e entry, f *Field) Keys {
	switch {
	case e.value.Kind == yaml.MappingNode:
		keys := read(p, &fieldShape, e, f)
		if keys["type"] == Absent {
			p.errorf(diag.MissingKey, e.key.At, "add `type: …`", "the field %q has no type", e.key.Value)
		}
		return keys
	case isNull(e.value) && !p.unusable[e.value]:
		p.errorf(diag.MissingKey, e.key.At, "write `"+e.key.Value+": string`", "the field %q has no type", e.key.Value)
		return Keys{"type": Faulty}
	}
	f.Type = p.typeExpr(e)
	return Keys{"type": Written}
}

// searchable reads how a field is searched.
func (p *parser) searchable(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "text" && t.Value != "keyword" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `search: text` for the words of a text, `search: keyword` for a text as a whole",
			"`search` can't be %q", t.Value)
		return Text{}
	}
	return t
}
