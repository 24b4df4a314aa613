package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Personal says whose data a field has.
type Personal struct {
	// Mark is "true", "false" or not given.
	Mark Text
	// Of is an expression that names the person, where it is not the subject of the stream. Erased is what is read once
	// the person's data were erased.
	Of     Text
	Erased *Value
	// At is where it stands.
	At diag.Span
}

// Given reports whether the field has a person's data.
func (p *Personal) Given() bool { return p.Mark.Value == "true" || p.Of.Given() || p.Erased != nil }

var personalShape = shape[Personal]{
	what: "`personal`",
	keys: []key[Personal]{
		{"of", aGoExpr, "The id of the person, if the stream's id does not name it: `event.customer`.", func(p *parser, x *Personal, e entry) { x.Of, _ = p.expression(e) }},
		{"erased", aWritten, "What is read once the person's data were erased.", func(p *parser, x *Personal, e entry) { x.Erased = p.value(e) }},
	},
}

var personalForm = either(aBool, element(func() *shape[Personal] { return &personalShape }))

// personal reads the mark of a person's data.
func (p *parser) personal(e entry) Personal {
	x := Personal{At: e.key.At}
	if e.value.Kind == yaml.MappingNode {
		before := p.faults
		read(p, &personalShape, e, &x)
		if p.faults == before && !x.Given() {
			p.errorf(diag.MissingKey, e.key.At, "write `personal: true`, or `personal: {of: event.customer}`",
				"`personal` says neither whose data it is nor what is left of it")
		}
		return x
	}
	t, ok := p.text(e)
	if ok && t.Value != "true" && t.Value != "false" {
		p.errorf(diag.ValueNotAllowed, t.At, "write `personal: true`", "`personal` is true or false, not %q", t.Value)
		return x
	}
	x.Mark = t
	if ok {
		x.At = t.At
	}
	return x
}

// deprecated reads why something should no longer be used.
func (p *parser) deprecated(e entry) Text {
	t, ok := p.text(e)
	if ok && (t.Value == "true" || t.Value == "false") {
		p.errorf(diag.ValueNotAllowed, t.At, "write `deprecated: use amount instead`", "`deprecated` says what to use instead")
		return Text{}
	}
	return t
}
