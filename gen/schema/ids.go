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
	t, ok := p.text(e)
	if ok && t.Value != "true" {
		p.errorf(diag.ValueNotAllowed, t.At, "leave `single` out, and give the aggregate an `id`",
			"`single` can't be %q", t.Value)
		return Text{}
	}
	return t
}
