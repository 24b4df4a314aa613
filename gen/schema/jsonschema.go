package schema

import (
	"bytes"
	"encoding/json"
	"strings"
)

// jsonSchemaID is where editors find the schema of the newest release.
const jsonSchemaID = "https://raw.githubusercontent.com/cqrsgen/cqrsgen/main/gen/schema/cqrsgen.schema.json"

// JSONSchema builds the JSON Schema of the language from the parser's own tables. It is of draft 7, which every editor
// understands. What it refuses the parser refuses; the parser, and what follows it, refuse more. The file
// cqrsgen.schema.json beside this one holds the same.
func JSONSchema() []byte {
	w := &schemaWriter{}
	root := element(func() *shape[File] { return &fileShape })
	body := w.element(root.shape())
	doc := object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"$id", jsonSchemaID},
		{"title", "A model of cqrsgen, version 1 of the language"},
	}
	doc = append(doc, body...)
	// Shapes refer to shapes: the list grows while it is gone through.
	var definitions object
	for i := 0; i < len(w.shapes); i++ {
		definitions = append(definitions, member{w.shapes[i].name(), w.element(w.shapes[i])})
	}
	doc = append(doc, member{"definitions", definitions})
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		panic(err) // texts, numbers and lists always encode
	}
	return out.Bytes()
}

// object is a JSON object that keeps its order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schemaWriter collects the shapes that forms refer to.
type schemaWriter struct {
	shapes []shapeInfo
	seen   map[string]bool
}

// name is the shape's name among the definitions: "a command" is command.
func (s *shapeInfo) name() string {
	words := strings.Fields(strings.Trim(s.what, "`"))
	return words[len(words)-1]
}

// refer returns a reference to a shape.
func (w *schemaWriter) refer(s shapeInfo) object {
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	if !w.seen[s.name()] {
		w.seen[s.name()] = true
		w.shapes = append(w.shapes, s)
	}
	return object{{"$ref", "#/definitions/" + s.name()}}
}

// element is the schema of a mapping with known keys.
func (w *schemaWriter) element(s shapeInfo) object {
	var properties object
	for _, k := range s.keys {
		properties = append(properties, member{k.name, w.key(k)})
	}
	kind := any("object")
	if len(s.required) == 0 && len(s.justOne) == 0 && !s.notEmpty {
		kind = orNothing("object")
	}
	o := object{{"type", kind}, {"properties", properties}, {"additionalProperties", false}}
	if len(s.required) > 0 {
		o = append(o, member{"required", s.required})
	}
	if s.notEmpty {
		o = append(o, member{"minProperties", 1})
	}
	if len(s.justOne) > 0 {
		var each []any
		for _, name := range s.justOne {
			each = append(each, object{{"required", []string{name}}})
		}
		o = append(o, member{"oneOf", each})
	}
	return o
}

// key is the schema of one key: what its form allows, and its documentation. Beside a reference draft 7 ignores all
// else, so a documented reference stands in an allOf.
func (w *schemaWriter) key(k keyInfo) object {
	o := w.form(k.form)
	if o[0].name == "$ref" {
		o = object{{"allOf", []any{o}}}
	}
	return append(object{{"description", k.doc}}, o...)
}

// A value is read as the text that stands in the file, so where a text belongs, what YAML takes for a number or a truth
// value is one as well. Nothing at all reads as an empty mapping or list.
var texts = []string{"string", "number", "boolean"}

func orNothing(kind string) []string { return []string{kind, "null"} }

// The patterns of texts of some forms.
const (
	namePattern   = `^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$`
	numberPattern = `^[-+]?[0-9].*$`
	typePattern   = `^((optional|list\s+of|set\s+of|map\s+of\s+\S+\s+to)\s+)*(go:\S+|[A-Za-z][A-Za-z0-9]*)$`
)

// form is the schema of the values of a form.
func (w *schemaWriter) form(f form) object {
	switch f.kind {
	case textForm, goForm:
		return object{{"type", texts}}
	case valueForm:
		return object{{"type", append(texts[:len(texts):len(texts)], "null")}}
	case writtenForm:
		return object{{"type", []string{"string", "number", "boolean", "null", "array", "object"}}}
	case patternForm:
		return object{{"type", "string"}, {"pattern", f.pattern}}
	case numberForm:
		return object{{"type", []string{"number", "string"}}, {"pattern", numberPattern}}
	case boolForm:
		return wordsSchema([]string{"true", "false"})
	case wordForm:
		return wordsSchema(f.words)
	case nameForm:
		return object{{"type", texts}, {"pattern", namePattern}}
	case typeForm:
		// The alternatives overlap: the first ones are what editors offer.
		return object{{"type", "string"}, {"anyOf", []any{
			object{{"enum", scalarNames}}, object{{"pattern", typePattern}},
		}}}
	case listForm:
		return object{{"type", orNothing("array")}, {"items", w.form(*f.elem)}}
	case namedForm:
		o := object{{"type", orNothing("object")}}
		if f.keys != "" {
			o = append(o, member{"propertyNames", object{{"pattern", f.keys}}})
		}
		return append(o, member{"additionalProperties", w.form(*f.elem)})
	case elementForm:
		return w.refer(f.shape())
	case anyForm:
		var each []any
		for _, a := range f.any {
			each = append(each, w.form(a))
		}
		return object{{"anyOf", each}}
	}
	panic("a form of no kind: a key has none")
}

// wordsSchema allows some words. Those that YAML takes for another type are offered as that.
func wordsSchema(words []string) object {
	plain, offered := true, make([]any, len(words))
	for i, word := range words {
		offered[i] = word
		if word == "true" || word == "false" || strings.Trim(word, "0123456789") == "" {
			offered[i] = json.RawMessage(word)
			plain = false
		}
	}
	if plain {
		return object{{"enum", offered}}
	}
	quoted := object{{"type", "string"}, {"pattern", "^(" + strings.Join(words, "|") + ")$"}}
	return object{{"anyOf", []any{object{{"enum", offered}}, quoted}}}
}
