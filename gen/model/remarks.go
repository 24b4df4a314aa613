package model

import (
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// remarks checks what is said about values besides their rules, once all types are known: examples, defaults, and whose
// data they are.
func (r *resolver) remarks(f *schema.File) {
	for i, t := range f.Types {
		n := r.model.Types[i]
		if t.Example != nil && n.Kind != 0 {
			n.Example = r.value(t.Example, Type{Kind: Ref, Named: n}, asCommand)
		}
		r.remarksOf(t.Fields, n.Fields, "a struct", nil)
	}
	for i, a := range f.Aggregates {
		m := r.model.Aggregates[i]
		r.remarksOf(a.State, m.State, "a state", scope{r.stateRoot(m)})
		for j, e := range a.Events {
			r.remarksOf(e.Fields, m.Events[j].Fields, "an event", scope{r.eventRoot(m.Events[j])})
		}
		for j, x := range a.Rejections {
			r.remarksOf(x.Fields, m.Rejections[j].Fields, "a rejection", nil)
		}
		for j, c := range a.Commands {
			command := fieldsRoot("command", m.Commands[j].Fields).called("the command " + m.Commands[j].Name)
			r.remarksOf(c.Fields, m.Commands[j].Fields, theCommand, scope{command})
		}
	}
	for i, p := range f.Projections {
		r.remarksOf(p.Key, r.model.Projections[i].Key, "a key", nil)
		r.remarksOf(p.Row, r.model.Projections[i].Row, "a row", nil)
	}
}

const theCommand = "a command"

// remarksOf is remarks for the fields of one element. in is what can name a person there, nil for nothing.
func (r *resolver) remarksOf(list []*schema.Field, fields []*Field, owner string, in scope) {
	for _, s := range list {
		m := fieldNamed(fields, s.Name.Value, equal)
		if m == nil || s.Duplicate || m.Type.broken() {
			continue
		}
		if s.Example != nil {
			m.Example = r.ruled(s.Example, m)
		}
		if s.Default != nil {
			r.defaultOf(s, m, owner)
		}
		r.personalOf(s, m, owner, in)
	}
}

// ruled reads a value that keeps the rules of its field.
func (r *resolver) ruled(s *schema.Value, f *Field) *Value {
	v := r.value(s, f.Type, asCommand)
	if v == nil || !r.keepsRules(v, f.Type, f.Rules) {
		return nil
	}
	return v
}

// defaultOf reads what stands for a field of a command that the caller left out.
func (r *resolver) defaultOf(s *schema.Field, m *Field, owner string) {
	switch {
	case owner != theCommand:
		r.errorf(diag.DefaultHere, s.Default.At, "leave it out; in the history of an event, `added` has the values of older events",
			"a default belongs to the field of a command, and not of %s: nobody leaves this one out", owner)
	case m.Type.Kind != Optional:
		r.errorf(diag.DefaultHere, s.Default.At, "write `type: optional "+m.Type.String()+"`",
			"%s has a default, so that it can be left out, and is not optional", m.Name)
	case absent(s.Default):
		r.errorf(diag.DefaultHere, s.Default.At, "leave it out", "an optional field has no value by default")
	default:
		m.Default = r.ruled(s.Default, m)
	}
}

// personalOf resolves whose data a field has.
func (r *resolver) personalOf(s *schema.Field, m *Field, owner string, in scope) {
	p := s.Personal
	if p.Erased != nil {
		m.Erased = r.value(p.Erased, m.Type, asGiven)
	}
	if !p.Of.Given() {
		return
	}
	if in == nil {
		r.errorf(diag.PersonalSubject, p.Of.At, "say it where an event, a command or a state has such a field",
			"%s does not know whose data it has", owner)
		return
	}
	x := r.expr(p.Of, in, Type{})
	if x == nil {
		return
	}
	if t := x.Type; t.Kind != Ref || t.Named.Kind != Scalar || !canBeID(t.Named.Base) {
		r.errorf(diag.PersonalSubject, p.Of.At, "a person is named by an id: a named scalar over string, uuid or an integer",
			"`%s` can't name a person: it is %s", p.Of.Value, article(t.String()))
		return
	}
	m.PersonalOf = x
}

func canBeID(base Kind) bool { return base == String || base == UUID || base.Integer() }
