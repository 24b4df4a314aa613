package schema

import "github.com/cqrsgen/cqrsgen/gen/diag"

// Step says what changed in an event with the version that is its name.
type Step struct {
	Decl
	// Added gives the new fields the values that older events have for them.
	Added []ValueEntry
	// Renamed has the fields' new names under their old ones.
	Renamed []Rename
	// Removed are the fields that older events have.
	Removed []*Field
	// Upcast is "go" where code of the team's does the step. From are then all fields of the older event.
	Upcast Text
	From   []*Field
}

// Rename gives a field another name.
type Rename struct{ Old, New Text }

var stepShape = shape[Step]{
	what: "a step",
	keys: []key[Step]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, s *Step, e entry) { s.Doc = p.doc(e) }},
		{"added", namedFields(aWritten), "The fields that are new, each with its value in older events.", func(p *parser, s *Step, e entry) { s.Added = p.valueEntries(e) }},
		{"renamed", namedFields(aName), "The fields that had another name: old: new.", func(p *parser, s *Step, e entry) { s.Renamed = p.renames(e) }},
		{"removed", fieldsForm, "The fields that are gone, each with the type that it had.", func(p *parser, s *Step, e entry) { s.Removed = p.fields(e) }},
		{"upcast", oneWord("go"), "go: a function of the team's turns the older event into the newer one.", func(p *parser, s *Step, e entry) { s.Upcast = p.upcast(e) }},
		{"from", fieldsForm, "With upcast: go, all fields that the older event had.", func(p *parser, s *Step, e entry) { s.From = p.fields(e) }},
	},
	instead: map[string]string{
		"split":   "write `upcast: go, from: {field: type}`: a function turns the older event into the newer one",
		"merge":   "write `upcast: go, from: {field: type}`: a function turns the older event into the newer one",
		"changed": "write `upcast: go, from: {field: type}`: a function turns the older event into the newer one",
		"add":     "write `added: {field: value}`",
		"rename":  "write `renamed: {old: new}`",
		"remove":  "write `removed: {field: type}`",
		"fields":  "the fields of an event are those of its latest version",
	},
}

// history reads the steps between the versions of an event.
func (p *parser) history(e entry) []*Step {
	return declaredBy(p, e, func(c entry, s *Step) Keys {
		before := p.faults
		keys := read(p, &stepShape, c, s)
		if p.faults != before {
			keys["upcast"] = Faulty // what else changed is unknown
		}
		return keys
	}, func(s *Step) *Decl { return &s.Decl })
}

func (p *parser) renames(e entry) []Rename {
	entries, _ := p.entries(e, "`renamed: {old: new}`")
	var list []Rename
	for _, c := range entries {
		if t, ok := p.text(c); ok && !c.duplicate {
			list = append(list, Rename{Old: c.key, New: t})
		}
	}
	return list
}

func (p *parser) upcast(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "go" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `upcast: go`", "`upcast` can't be %q", t.Value)
		return Text{}
	}
	return t
}
