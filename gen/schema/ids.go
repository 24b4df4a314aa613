package schema

import (
	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// id reads what names the instances of an aggregate: the name of a type, or the parts of an id as fields.
func (p *parser) id(e entry, a *Aggregate) {
	a.IDAt = e.key.At
	if e.value.Kind == yaml.MappingNode {
		a.IDFields = p.fields(e)
		return
	}
	a.ID, _ = p.text(e)
}

// single reads whether an aggregate has one instance.
func (p *parser) single(e entry) Text {
	return p.onlyTrue(e, "leave `single` out, and give the aggregate an `id`")
}

// onlyTrue reads a key that is true or left out.
func (p *parser) onlyTrue(e entry, hint string) Text { return p.only("true", e, hint) }

// only reads a key that is one word or left out.
func (p *parser) only(word string, e entry, hint string) Text {
	t, ok := p.text(e)
	if ok && t.Value != word {
		p.errorf(diag.ValueNotAllowed, t.At, hint, "`%s` can't be %q", e.key.Value, t.Value)
		return Text{}
	}
	return t
}
