package schema

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Fold says what one event does to one row, or to several.
type Fold struct {
	// At is the place of the event's name, or of the fold's own first key where it stands in a list.
	At   diag.Span
	Doc  string
	Keys Keys
	// Each gives the values for each of which the fold happens, and As the name that stands for one of them.
	Each, As Text
	Where    Text
	// KeyInGo is `go` where the keys come from a function of the team's; else Key has an expression for each field of the
	// projection's key.
	KeyInGo Text
	Key     []KeyValue
	Set     []Assignment
	Remove  []Text
	Copy    []Text
	Delete  Text
}

// KeyValue gives a field a value.
type KeyValue struct {
	Field Text
	Value Text
}

var foldShape = shape[Fold]{
	what:     "a fold",
	required: []string{"key"},
	keys: []key[Fold]{
		{"doc", aText, "Documentation. A comment above the name of the event does the same.", func(p *parser, f *Fold, e entry) { f.Doc = p.doc(e) }},
		{"each", aGoExpr, "A list, set or map: the fold happens for each of its values.", func(p *parser, f *Fold, e entry) { f.Each, _ = p.expression(e) }},
		{"as", aName, "What a value of `each` is called; without it, it is item.", func(p *parser, f *Fold, e entry) { f.As, _ = p.text(e) }},
		{"where", aGoExpr, "The fold happens only where this is true.", func(p *parser, f *Fold, e entry) { f.Where, _ = p.expression(e) }},
		{"key", either(oneWord("go"), namedFields(aGoExpr)), "Where each field of the key comes from; go: a function of the team's says it.", func(p *parser, f *Fold, e entry) { p.foldKey(e, f) }},
		{"set", named(aGoExpr), "What changes in the row, and to which values.", func(p *parser, f *Fold, e entry) { f.Set = p.assignments(e) }},
		{"remove", listOf(aText), "The entries of maps and the elements of sets that are taken away.", func(p *parser, f *Fold, e entry) { f.Remove = p.removals(e) }},
		{"copy", listOfNames, "The fields of the row that get the values of the event's fields of the same names.", func(p *parser, f *Fold, e entry) { f.Copy = p.texts(e, "`copy: [title, priority]`") }},
		{"delete", oneWord("true"), "Deletes the row.", func(p *parser, f *Fold, e entry) { f.Delete = p.deletes(e) }},
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"if":          "a fold that does not always happen has a `where`",
		"when":        "a fold that does not always happen has a `where`",
		"for":         "a fold of many rows has an `each`",
		"apply":       "a row changes by `set`",
		"item":        "write `each: event.lines`, and `as: line` to name the element",
	},
}

// handlersForm is how events are handled: by one fold, or by a list of them.
var handlersForm = func() form {
	fold := element(func() *shape[Fold] { return &foldShape })
	return named(either(fold, listOf(fold)))
}()

// handler reads what a projection does with an event.
func (p *parser) handler(e entry, h *Handler) Keys {
	if e.value.Kind != yaml.SequenceNode || p.unusable[e.value] {
		f := &Fold{At: e.key.At}
		f.Keys = read(p, &foldShape, e, f)
		h.Doc, h.Folds = f.Doc, []*Fold{f}
		return f.Keys
	}
	for _, n := range p.items(e, "`[{where: …, key: …, set: …}]`") {
		f := &Fold{At: e.key.At}
		if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
			f.At = p.span(n.Content[0])
		}
		f.Keys = read(p, &foldShape, entry{key: e.key, value: n}, f)
		h.Folds = append(h.Folds, f)
	}
	return Keys{}
}

// foldKey reads how an event gives a row's key.
func (p *parser) foldKey(e entry, f *Fold) {
	if e.value.Kind != yaml.ScalarNode || isNull(e.value) || p.unusable[e.value] {
		f.Key = p.keyValues(e)
		return
	}
	if t, ok := p.text(e); ok && t.Value == "go" {
		f.KeyInGo = t
	} else if ok {
		p.errorf(diag.ValueNotAllowed, t.At, "write `key: {field: "+t.Value+"}` with the name of the key's field",
			"a key has a value for each of its fields, or is `go`")
	}
}

// keyValues reads which fields get which values.
func (p *parser) keyValues(e entry) []KeyValue {
	entries, _ := p.entries(e, "`"+e.key.Value+"`")
	var list []KeyValue
	for _, c := range entries {
		if c.duplicate {
			continue
		}
		value, _ := p.expression(c)
		list = append(list, KeyValue{Field: c.key, Value: value})
	}
	return list
}

func (p *parser) deletes(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "true" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `delete: true`, or leave it out", "`delete` can't be %q", t.Value)
		return Text{}
	}
	return t
}

var (
	othersOf   = regexp.MustCompile(`^others( of [A-Za-z][A-Za-z0-9]*)?$`)
	othersForm = form{kind: patternForm, pattern: othersOf.String()}
)

// ignore reads the events that a projection ignores: a list of names and of `others of Order`, or one of the latter.
func (p *parser) ignore(e entry) []Text {
	if e.value.Kind == yaml.ScalarNode && othersOf.MatchString(e.value.Value) && !p.unusable[e.value] {
		t, _ := p.text(e)
		return []Text{t}
	}
	return p.texts(e, "`ignore: [EventName]`")
}

// Others reports whether the text stands for all other events: of the aggregate of that name, or, if there is none, of
// all aggregates.
func (t Text) Others() (aggregate string, ok bool) {
	if !othersOf.MatchString(t.Value) {
		return "", false
	}
	_, aggregate, _ = strings.Cut(t.Value, " of ")
	return aggregate, true
}
