package schema

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Language is the version of the model language that this package reads.
const Language = 1

var fileShape = shape[File]{
	what:     "a model",
	required: []string{"cqrsgen", "package"}, // several files make one model, and one of them has aggregates
	keys: []key[File]{
		{"cqrsgen", oneWord("1"), "The version of the model language.", func(*parser, *File, entry) {}},
		{"package", aName, "The name of the Go package.", func(p *parser, f *File, e entry) { f.Package, _ = p.text(e) }},
		{"doc", aText, "What the bounded context is about. It becomes the documentation of the package.", func(p *parser, f *File, e entry) { f.Doc = p.doc(e) }},
		{"types", namedTypes(element(func() *shape[Type] { return &typeShape })), "Named scalars, enums and structs.", func(p *parser, f *File, e entry) {
			f.Types = declared(p, e, &typeShape, func(t *Type) *Decl { return &t.Decl })
		}},
		{"aggregates", namedTypes(element(func() *shape[Aggregate] { return &aggregateShape })), "The consistency boundaries, with their events and commands.", func(p *parser, f *File, e entry) {
			f.Aggregates = declared(p, e, &aggregateShape, func(a *Aggregate) *Decl { return &a.Decl })
		}},
		{"projections", namedTypes(element(func() *shape[Projection] { return &projectionShape })), "The read models, as keyed folds over events.", func(p *parser, f *File, e entry) {
			f.Projections = declared(p, e, &projectionShape, func(j *Projection) *Decl { return &j.Decl })
		}},
		{"scenarios", named(element(func() *shape[Scenario] { return &scenarioShape })), "Tests by example: given, when, then.", func(p *parser, f *File, e entry) {
			f.Scenarios = declared(p, e, &scenarioShape, func(s *Scenario) *Decl { return &s.Decl })
		}},
	},
	later: map[string]string{
		"imports": "declare the types in this file",
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
			p.errorf(diag.NoLanguageVersion, start, "write `cqrsgen: 1` first",
				"the version of the model language is missing")
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
	p.errorf(diag.LanguageVersion, p.span(n), hint,
		"this cqrsgen reads version %d of the model language, not %q", Language, n.Value)
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
