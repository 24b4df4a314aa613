package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Unique says that no two streams of an aggregate have the same values in some fields of their states.
type Unique struct {
	Keys Keys
	At   diag.Span
	// Fields has the names of state fields.
	Fields []Text
	// Fold has what is done to strings before they are compared.
	Fold    []Text
	Rejects Text
	Release Text
}

// The words of `fold`.
const (
	FoldLower = "lower"
	FoldTrim  = "trim"
)

const uniqueExample = "`unique: [{fields: [email], rejects: EmailTaken}]`"

var uniqueShape = shape[Unique]{
	what:     "an entry of `unique`",
	required: []string{"fields", "rejects"},
	keys: []key[Unique]{
		{"fields", listOfNames, "The fields of the state that together are unique.", func(p *parser, u *Unique, e entry) { u.Fields = p.texts(e, "`fields: [email]`") }},
		{"fold", either(oneWord(FoldLower, FoldTrim), listOf(oneWord(FoldLower, FoldTrim))), "What is done to strings before they are compared.", func(p *parser, u *Unique, e entry) { u.Fold = p.fold(e) }},
		{"rejects", aName, "The rejection of a value that another stream has.", func(p *parser, u *Unique, e entry) { u.Rejects, _ = p.text(e) }},
		{"release", oneWord("never"), "When a value that a stream leaves is free again: at once, or never.", func(p *parser, u *Unique, e entry) { u.Release = p.release(e) }},
	},
	instead: map[string]string{
		"field": "write `fields: [email]`",
		"error": "write `rejects: EmailTaken`",
		"on":    "write `fields: [email]`",
		"case":  "write `fold: lower`",
	},
}

// unique reads the list of unique values.
func (p *parser) unique(e entry) []*Unique {
	var list []*Unique
	for _, n := range p.items(e, uniqueExample) {
		u := &Unique{At: p.span(n)}
		if n.Kind == yaml.ScalarNode && !isNull(n) && !p.unusable[n] {
			p.errorf(diag.WrongForm, u.At, "write `{fields: ["+n.Value+"], rejects: …}`",
				"an entry of `unique` says which fields, and which rejection")
			continue
		}
		u.Keys = read(p, &uniqueShape, entry{key: e.key, value: n}, u)
		for _, k := range uniqueShape.required {
			if u.Keys[k] == Absent {
				p.errorf(diag.MissingKey, u.At, "write "+uniqueExample, "an entry of `unique` has no `%s`", k)
			}
		}
		list = append(list, u)
	}
	return list
}

// fold reads one word or several.
func (p *parser) fold(e entry) []Text {
	var words, known []Text
	if e.value.Kind == yaml.SequenceNode {
		words = p.texts(e, "`fold: [trim, lower]`")
	} else if t, ok := p.text(e); ok {
		words = append(words, t)
	}
	for _, w := range words {
		if w.Value != FoldLower && w.Value != FoldTrim {
			p.errorf(diag.ValueNotAllowed, w.At, "`lower` is Unicode's lower case, `trim` drops white space at both ends",
				"`fold` is lower, trim or both, not %q", w.Value)
			continue
		}
		known = append(known, w)
	}
	return known
}

func (p *parser) release(e entry) Text {
	t, ok := p.text(e)
	if ok && t.Value != "never" {
		p.errorf(diag.ValueNotAllowed, t.At, "leave it out: a value that a stream leaves is free at once",
			"`release` can only be never, not %q", t.Value)
		return Text{}
	}
	return t
}
