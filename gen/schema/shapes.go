package schema

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Language is the version of the model language that this package reads.
const Language = 1

var fileShape = shape[File]{
	what: "a model",
	keys: []key[File]{
		{"cqrsgen", func(*parser, *File, entry) {}},
		{"package", func(p *parser, f *File, e entry) { f.Package, _ = p.text(e) }},
		{"doc", func(p *parser, f *File, e entry) { f.Doc = p.doc(e) }},
		{"types", func(p *parser, f *File, e entry) {
			f.Types = declared(p, e, &typeShape, func(t *Type) *Decl { return &t.Decl })
		}},
		{"aggregates", func(p *parser, f *File, e entry) {
			f.Aggregates = declared(p, e, &aggregateShape, func(a *Aggregate) *Decl { return &a.Decl })
		}},
		{"projections", func(p *parser, f *File, e entry) {
			f.Projections = declared(p, e, &projectionShape, func(j *Projection) *Decl { return &j.Decl })
		}},
	},
	later: map[string]string{
		"scenarios": "write them as Go tests",
		"imports":   "declare the types in this file",
	},
	instead: map[string]string{
		"version":     "the version of the language is `cqrsgen: 1`",
		"description": "a description is a `doc`",
	},
}

// file reads the root. It reports false if the file is written for another version of the language, of which nothing
// more can be said.
func (p *parser) file(root *yaml.Node, f *File) bool {
	start := p.span(root)
	if root.Kind == yaml.MappingNode {
		version, found := rootValue(root, "cqrsgen")
		if !found {
			p.errorf(diag.NoLanguageVersion, start, "write `cqrsgen: 1` first", "the version of the model language is missing")
		} else if !p.language(version) {
			return false
		}
	}
	f.Keys = read(p, &fileShape, entry{key: Text{Value: f.Name, At: start}, value: root}, f)
	if f.Doc == "" && f.Package.Given() {
		f.Doc = p.comment(diag.Pos{Line: f.Package.At.Line, Col: 1})
	}
	return true
}

func rootValue(root *yaml.Node, key string) (*yaml.Node, bool) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key {
			return root.Content[i+1], true
		}
	}
	return nil, false
}

// language checks the value of `cqrsgen`.
func (p *parser) language(n *yaml.Node) bool {
	if n.Value == strconv.Itoa(Language) {
		return true
	}
	hint := "write `cqrsgen: 1`"
	if v, err := strconv.Atoi(n.Value); err == nil && v > Language {
		hint = "update cqrsgen: `go get -tool github.com/cqrsgen/cqrsgen/cmd/cqrsgen@latest`"
	}
	p.errorf(diag.LanguageVersion, p.span(n), hint, "this cqrsgen reads version %d of the model language, not %q", Language, n.Value)
	return false
}

// declared reads a mapping from names to elements.
func declared[T any](p *parser, e entry, s *shape[T], decl func(*T) *Decl) []*T {
	return declaredBy(p, e, func(c entry, into *T) Keys { return read(p, s, c, into) }, decl)
}

// declaredBy is declared for elements that can be written in more ways than one.
func declaredBy[T any](p *parser, e entry, read func(entry, *T) Keys, decl func(*T) *Decl) []*T {
	entries, _ := p.entries(e, "`"+e.key.Value+"`")
	var list []*T
	for _, c := range entries {
		x := new(T)
		d := decl(x)
		d.Name, d.Duplicate = c.key, c.duplicate
		d.Keys = read(c, x)
		if d.Doc == "" {
			d.Doc = p.comment(c.key.At.Pos)
		}
		list = append(list, x)
	}
	return list
}

// doc reads a documentation.
func (p *parser) doc(e entry) string {
	t, _ := p.freeText(e)
	return strings.TrimSpace(t.Value)
}

// aType names declared types; a scalar in the place of one gets a hint of its own.
const aType = "a type"

var typeShape = shape[Type]{
	what: aType,
	keys: append([]key[Type]{
		{"doc", func(p *parser, t *Type, e entry) { t.Doc = p.doc(e) }},
		{"base", func(p *parser, t *Type, e entry) { t.Base, _ = p.text(e) }},
		{"enum", func(p *parser, t *Type, e entry) { t.Values = p.texts(e, "`enum: [open, closed]`") }},
		{"fields", func(p *parser, t *Type, e entry) { t.Fields = p.fields(e) }},
	}, ruleKeys(func(t *Type) *[]Rule { return &t.Rules })...),
	later: withLaterRules(map[string]string{"history": "declare a new event instead", "version": "declare a new event instead"}),
	instead: map[string]string{
		"type":        "the scalar below a named scalar is its `base`",
		"values":      "the values of an enum are its `enum: [A, B]`",
		"description": "a description is a `doc`",
		"properties":  "a struct has `fields`",
	},
}

var fieldShape = shape[Field]{
	what: "a field",
	keys: append([]key[Field]{
		{"type", func(p *parser, f *Field, e entry) { f.Type = p.typeExpr(e) }},
		{"doc", func(p *parser, f *Field, e entry) { f.Doc = p.doc(e) }},
		{"personal", func(p *parser, f *Field, e entry) { f.Personal = p.personal(e) }},
	}, ruleKeys(func(f *Field) *[]Rule { return &f.Rules })...),
	later: withLaterRules(map[string]string{
		"from":   "the decider fills the field from the state",
		"search": "read models have no full-text search",
	}),
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

// withLaterRules adds the rules that the language has and this version does not know.
func withLaterRules(later map[string]string) map[string]string {
	later["distinct"] = "the decider checks it"
	later["check"] = "the decider checks it"
	later["example"] = "put it into `doc`"
	later["default"] = "make the field optional"
	later["deprecated"] = "say so in `doc`"
	return later
}

// ruleKeys are the keys of all rules.
func ruleKeys[T any](rules func(*T) *[]Rule) []key[T] {
	var keys []key[T]
	for _, name := range []string{"min", "max", "minLength", "maxLength", "pattern", "minItems", "maxItems"} {
		keys = append(keys, key[T]{name, func(p *parser, into *T, e entry) {
			bound, ok := p.freeText(e)
			if ok {
				*rules(into) = append(*rules(into), Rule{Name: e.key, Bound: bound})
			}
		}})
	}
	return keys
}

// personal reads the mark of a person's data.
func (p *parser) personal(e entry) Text {
	if e.value.Kind == yaml.MappingNode && !p.unusable[e.value] {
		p.errorf(diag.NotYet, e.key.At, "write `personal: true`",
			"this version does not know another subject than the stream's id yet")
		return Text{}
	}
	t, ok := p.text(e)
	if ok && t.Value != "true" && t.Value != "false" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `personal: true`", "`personal` is true or false, not %q", t.Value)
		return Text{}
	}
	return t
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

var aggregateShape = shape[Aggregate]{
	what: "an aggregate",
	keys: []key[Aggregate]{
		{"doc", func(p *parser, a *Aggregate, e entry) { a.Doc = p.doc(e) }},
		{"id", func(p *parser, a *Aggregate, e entry) { a.ID = p.id(e) }},
		{"state", func(p *parser, a *Aggregate, e entry) { a.State = p.fields(e) }},
		{"snapshot", func(p *parser, a *Aggregate, e entry) { p.snapshot(e, a) }},
		{"events", func(p *parser, a *Aggregate, e entry) {
			a.Events = declared(p, e, &eventShape, func(v *Event) *Decl { return &v.Decl })
		}},
		{"rejections", func(p *parser, a *Aggregate, e entry) {
			a.Rejections = declared(p, e, &rejectionShape, func(r *Rejection) *Decl { return &r.Decl })
		}},
		{"commands", func(p *parser, a *Aggregate, e entry) {
			a.Commands = declared(p, e, &commandShape, func(c *Command) *Decl { return &c.Decl })
		}},
	},
	later: map[string]string{
		"lifecycle": "keep the phase in an enum field of `state`, and let deciders check it",
		"unique":    "uniqueness across streams can't be declared",
		"single":    "use a named scalar with one fixed value as the `id`",
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"fields":      "the fields of an aggregate are its `state`",
		"errors":      "the reasons to refuse a command are `rejections`",
		"snapshots":   "write `snapshot: {every: 500}`",
	},
}

// id reads the name of the type of an aggregate's id.
func (p *parser) id(e entry) Text {
	if e.value.Kind == yaml.MappingNode && !p.unusable[e.value] {
		p.errorf(diag.NotYet, e.key.At, "", "this version does not know ids of several fields yet: use one named scalar over string")
		return Text{}
	}
	t, _ := p.text(e)
	return t
}

var snapshotShape = shape[Aggregate]{
	what:    "`snapshot`",
	keys:    []key[Aggregate]{{"every", func(p *parser, a *Aggregate, e entry) { a.SnapshotEvery, _ = p.text(e) }}},
	instead: map[string]string{"after": "write `every: 500`"},
}

func (p *parser) snapshot(e entry, a *Aggregate) {
	if n := e.value; n.Kind == yaml.ScalarNode && !isNull(n) && !p.unusable[n] {
		p.errorf(diag.WrongForm, p.span(n), "write `snapshot: {every: "+n.Value+"}`", "`snapshot` says after how many events")
		return
	}
	if keys := read(p, &snapshotShape, e, a); keys["every"] == Absent {
		p.errorf(diag.MissingKey, e.key.At, "write `snapshot: {every: 500}`", "`snapshot` does not say after how many events")
	}
}

var eventShape = shape[Event]{
	what: "an event",
	keys: []key[Event]{
		{"doc", func(p *parser, v *Event, e entry) { v.Doc = p.doc(e) }},
		{"fields", func(p *parser, v *Event, e entry) { v.Fields = p.fields(e) }},
	},
	later: map[string]string{
		"apply":      "how an event changes the state is written in Go",
		"moves":      "keep the phase in an enum field of `state`",
		"version":    "an event can't change yet: declare a new one",
		"history":    "an event can't change yet: declare a new one",
		"upcast":     "an event can't change yet: declare a new one",
		"wire":       "an event is stored under its name",
		"deprecated": "say so in `doc`",
	},
	instead: fieldsInstead,
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
		{"doc", func(p *parser, r *Rejection, e entry) { r.Doc = p.doc(e) }},
		{"fields", func(p *parser, r *Rejection, e entry) { r.Fields = p.fields(e) }},
	},
	later:   map[string]string{"message": "the message names the rejection and its fields"},
	instead: fieldsInstead,
}

var commandShape = shape[Command]{
	what: "a command",
	keys: []key[Command]{
		{"doc", func(p *parser, c *Command, e entry) { c.Doc = p.doc(e) }},
		{"creates", func(p *parser, c *Command, e entry) { c.Creates = p.creates(e) }},
		{"fields", func(p *parser, c *Command, e entry) { c.Fields = p.fields(e) }},
		{"emits", func(p *parser, c *Command, e entry) { c.Emits = p.emits(e) }},
		{"rejects", func(p *parser, c *Command, e entry) { c.Rejects = p.texts(e, "`rejects: [NotOpen]`") }},
	},
	later: map[string]string{
		"in":    "the decider checks the phase",
		"also":  "a command addresses one stream",
		"check": "the decider checks it",
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

// emits reads what a command emits.
func (p *parser) emits(e entry) []Emit {
	var list []Emit
	for _, t := range p.texts(e, "`emits: [Opened, maybe Flagged]`") {
		words := wordsOf(t.Value)
		last := words[len(words)-1]
		m := Emit{Event: Text{Value: t.Value[last.from:last.to], At: within(t.At, t.Value, last.from, last.to)}}
		switch first := t.Value[words[0].from:words[0].to]; {
		case len(words) == 1 && first != "maybe" && first != "many" && first != "some":
		case len(words) == 2 && (first == "maybe" || first == "many"):
			m.Times = first
		case len(words) == 2 && first == "some":
			p.errorf(diag.NotYet, t.At, "write `many "+m.Event.Value+"`", "this version does not know `some` yet")
			continue
		case strings.Contains(t.Value, " or "):
			p.errorf(diag.NotYet, t.At, "write a `maybe` entry for each", "this version does not know `or` yet")
			continue
		default:
			p.errorf(diag.EmitSpelling, t.At, "write `Event`, `maybe Event` or `many Event`", "%q is not what a command can emit", t.Value)
			continue
		}
		list = append(list, m)
	}
	return list
}

var projectionShape = shape[Projection]{
	what: "a projection",
	keys: []key[Projection]{
		{"doc", func(p *parser, j *Projection, e entry) { j.Doc = p.doc(e) }},
		{"key", func(p *parser, j *Projection, e entry) { j.Key = p.fields(e) }},
		{"row", func(p *parser, j *Projection, e entry) { j.Row = p.fields(e) }},
		{"on", func(p *parser, j *Projection, e entry) {
			j.On = declaredBy(p, e, p.handler, func(h *Handler) *Decl { return &h.Decl })
		}},
		{"ignore", func(p *parser, j *Projection, e entry) { j.Ignore = p.ignore(e) }},
		{"indexes", func(p *parser, j *Projection, e entry) { j.Indexes = p.indexes(e) }},
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
	what: "a handler",
	keys: []key[Handler]{
		{"doc", func(p *parser, h *Handler, e entry) { h.Doc = p.doc(e) }},
		{"key", func(p *parser, h *Handler, e entry) { h.Key = p.keyValues(e) }},
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
		p.errorf(diag.NotYet, e.key.At, "", "this version does not know several folds for one event yet: an event changes one row")
		return Keys{"key": Faulty}
	}
	return read(p, &handlerShape, e, h)
}

// keyValues reads how an event gives a row's key.
func (p *parser) keyValues(e entry) []KeyValue {
	if e.value.Value == "go" {
		p.errorf(diag.NotYet, p.span(e.value), "", "this version does not know `key: go` yet: put the key's parts into the event")
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
		p.errorf(diag.NotYet, p.span(e.value), "write `ignore: [EventName]`", "this version does not know `%s` yet", e.value.Value)
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
