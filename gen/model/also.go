package model

import (
	"go/token"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// also resolves the further streams of a command.
func (r *resolver) also(c *schema.Command, m *Command) {
	command := fieldsRoot("command", m.Fields).called("the command " + m.Name)
	command.open = unread(c.Keys, "fields", len(c.Fields))
	for _, s := range c.Also {
		if s.Duplicate {
			continue
		}
		r.aliasName(s.Name)
		a := &Also{Name: s.Name.Value, Doc: s.Doc, At: s.Name.At, Creates: creates[s.Creates.Value]}
		m.Also = append(m.Also, a)
		in := scope{command}
		whole := s.Keys["each"] != schema.Faulty
		if s.Each.Given() {
			item, ok := r.alsoEach(s, a, in)
			in, whole = append(in, item), ok
		}
		if a.Aggregate = r.aggregateOf(s); a.Aggregate != nil && whole {
			before := r.diags.Len()
			r.alsoID(s, a, in)
			if r.diags.Len() == before {
				r.sameStream(s, a, m)
			}
		}
	}
}

// aliasName checks the name of further streams.
func (r *resolver) aliasName(name schema.Text) {
	switch {
	case !r.identifier("stream", name):
	case !isLower(name.Value):
		r.errorf(diag.WrongCase, name.At, did(lowerFirst(name.Value)),
			"the name of a stream of a command starts with a lower-case letter")
	case token.IsKeyword(name.Value):
		r.errorf(diag.ReservedName, name.At, "", "%q is a keyword of Go, and can't name a stream", name.Value)
	}
}

func isLower(name string) bool { return name[0] >= 'a' && name[0] <= 'z' }

var creates = map[string]Creates{"true": MustBeNew, "maybe": MayExist}

// aggregateOf finds the aggregate of further streams.
func (r *resolver) aggregateOf(s *schema.Also) *Aggregate {
	if missing(s.Keys, "aggregate", 1) {
		r.errorf(diag.MissingKey, s.Name.At, "add `aggregate: …`", "%s does not say of which aggregate it is", s.Name.Value)
	}
	if !s.Aggregate.Given() {
		return nil
	}
	var names []string
	for _, a := range r.model.Aggregates {
		if a.Name == s.Aggregate.Value {
			return a
		}
		names = append(names, a.Name)
	}
	if r.aggregatesUnknown {
		return nil
	}
	hint, _ := r.hint(s.Aggregate.Value, names)
	r.errorf(diag.UnknownAggregate, s.Aggregate.At, hint, "unknown aggregate %q", s.Aggregate.Value)
	return nil
}

// alsoEach resolves the list of which each element has a stream, and returns what the element is called.
func (r *resolver) alsoEach(s *schema.Also, a *Also, in scope) (item root, ok bool) {
	x := r.expr(s.Each, in, Type{})
	if x == nil {
		return item, false
	}
	if x.Type.Kind != List {
		r.errorf(diag.EachList, s.Each.At, "", "`each` takes a list of the command, and %s is %s", s.Each.Value, x.Type)
		return item, false
	}
	a.Each = x
	return valueRoot("item", *x.Type.Elem), true
}

// alsoID resolves which streams they are.
func (r *resolver) alsoID(s *schema.Also, a *Also, in scope) {
	given, at := s.Keys["id"] != schema.Absent, s.ID.At
	switch id := a.Aggregate.ID; {
	case a.Aggregate.Single && given:
		r.errorf(diag.AlsoID, s.Name.At, "leave `id` out", "%s is single, and has no id", a.Aggregate.Name)
	case a.Aggregate.Single && s.Each.Given():
		r.errorf(diag.AlsoID, s.Each.At, "leave `each` out", "%s is single: there is one stream of it", a.Aggregate.Name)
	case a.Aggregate.Single || id == nil || s.Keys["id"] == schema.Faulty:
	case !given:
		r.errorf(diag.AlsoID, s.Name.At, "add `id: command.…`", "%s does not say which %s it is", a.Name, a.Aggregate.Name)
	case s.ID.Given():
		a.ID = r.expr(s.ID, in, Type{Kind: Ref, Named: id})
		r.dependsOnItem(s, a, at, a.ID)
	case id.IDOf == nil:
		r.errorf(diag.AlsoID, s.Name.At, "write `id: command.…`", "the id of %s has no parts", a.Aggregate.Name)
	default:
		r.alsoParts(s, a, id, in)
	}
}

// alsoParts resolves an id of which each part is given.
func (r *resolver) alsoParts(s *schema.Also, a *Also, id *Named, in scope) {
	given := map[string]schema.Text{}
	for _, kv := range s.Parts {
		if fieldNamed(id.Fields, kv.Field.Value, equal) == nil {
			r.errorf(diag.AlsoID, kv.Field.At, diag.DidYouMean(kv.Field.Value, fieldNames(id.Fields)),
				"the id of %s has no part %q", a.Aggregate.Name, kv.Field.Value)
			given[diag.Nearest(kv.Field.Value, fieldNames(id.Fields))] = schema.Text{}
			continue
		}
		given[kv.Field.Value] = kv.Value
	}
	whole := true
	for _, f := range id.Fields {
		text, ok := given[f.Name]
		if !ok {
			r.errorf(diag.AlsoID, s.Name.At, "add `"+f.Name+": …` to its `id`",
				"%s gives the id's part %s no value", a.Name, f.Name)
		}
		x := r.expr(text, in, f.Type)
		a.Parts = append(a.Parts, x)
		whole = whole && x != nil
	}
	if whole {
		r.dependsOnItem(s, a, s.Name.At, a.Parts...)
	}
}

// dependsOnItem reports an id that is the same for each element.
func (r *resolver) dependsOnItem(s *schema.Also, a *Also, at diag.Span, ids ...*Expr) {
	if a.Each == nil || ids[0] == nil {
		return
	}
	depends := false
	for _, x := range ids {
		x.Node.Walk(func(n *expr.Node) { depends = depends || n.Op == expr.OpName && n.Name == "item" })
	}
	if !depends {
		r.errorf(diag.SameStream, at, "take the id from the element: `item`",
			"%s names the same stream for each element of %s", a.Name, s.Each.Value)
	}
}

// sameStream reports further streams that are always the same as others of the command.
func (r *resolver) sameStream(s *schema.Also, a *Also, m *Command) {
	if a.Aggregate.Single && a.Aggregate == m.Aggregate {
		r.errorf(diag.SameStream, s.Name.At, "", "%s is the command's own stream: %s is single", a.Name, m.Aggregate.Name)
		return
	}
	for _, other := range m.Also[:len(m.Also)-1] {
		if other.Aggregate == a.Aggregate && other.Each == nil && a.Each == nil && sameID(a, other) {
			r.clash(diag.SameStream, s.Name.At, other.At, "the first one", "%s is the same stream as %s", a.Name, other.Name)
			return
		}
	}
}

func sameID(a, b *Also) bool {
	switch {
	case a.Aggregate.Single:
		return true
	case a.ID != nil && b.ID != nil:
		return a.ID.Text == b.ID.Text
	case len(a.Parts) == 0 || len(a.Parts) != len(b.Parts):
		return false
	}
	for i := range a.Parts {
		if a.Parts[i] == nil || b.Parts[i] == nil || a.Parts[i].Text != b.Parts[i].Text {
			return false
		}
	}
	return true
}
