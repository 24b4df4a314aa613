package model

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// idTypes returns the declared types with a struct for each id of several parts: it is a type like any other, under the
// name of its aggregate.
func idTypes(f *schema.File) []*schema.Type {
	list := f.Types
	for _, a := range f.Aggregates {
		if len(a.IDFields) == 0 || a.Duplicate || !identifier.MatchString(a.Name.Value) {
			continue
		}
		name := a.Name.Value + "ID"
		list = append(list[:len(list):len(list)], &schema.Type{
			Decl: schema.Decl{
				Name: schema.Text{Value: name, At: a.IDAt},
				Doc:  name + " tells each " + a.Name.Value + " from the others.",
				Keys: schema.Keys{"fields": schema.Written},
			},
			Fields: a.IDFields, OfID: true,
		})
	}
	return list
}

// id resolves the type of an aggregate's id.
func (r *resolver) id(a *schema.Aggregate, m *Aggregate) *Named {
	switch {
	case a.Single.Given() && a.Keys["id"] != schema.Absent:
		r.clash(diag.SingleWithID, a.IDAt, a.Single.At, "it is single here",
			"%s has an id, although there is only one", m.Name)
	case a.Keys["single"] != schema.Absent:
	case missing(a.Keys, "id", 1):
		r.errorf(diag.NoID, a.Name.At, "add `id: "+m.Name+"ID`, and declare it under `types`; or `single: true`",
			"the aggregate %s has no id", m.Name)
	case len(a.IDFields) > 0:
		return r.idOfParts(a, m)
	case a.Keys["id"] == schema.Written && !a.ID.Given():
		r.errorf(diag.NoID, a.IDAt, "write `id: {hotel: HotelID, room: RoomID}`", "the id of %s has no parts", m.Name)
	case a.ID.Given():
		return r.namedID(a)
	}
	return nil
}

// namedID finds the type that an id names.
func (r *resolver) namedID(a *schema.Aggregate) *Named {
	if kind, ok := scalars[a.ID.Value]; ok {
		own := a.Name.Value + "ID"
		r.errorf(diag.IDType, a.ID.At, "write `id: "+own+"`, and under `types` `"+own+": {base: "+kind.String()+"}`",
			"an id has a declared type of its own, not %s", kind)
		return nil
	}
	n, ok := r.types[a.ID.Value]
	if !ok && r.typesUnknown {
		return nil
	}
	if !ok {
		r.errorf(diag.UnknownType, a.ID.At, r.typeHint(a.ID.Value), "unknown type %q", a.ID.Value)
		return nil
	}
	t := Type{Kind: Ref, Named: r.use(n)}
	if t.broken() {
		return nil
	}
	if b := n.Base; n.Kind != Scalar || b != String && b != UUID && !b.Integer() {
		r.errorf(diag.IDType, a.ID.At, "an id is a named scalar over string, uuid or an integer, or has parts: "+
			"`id: {hotel: HotelID, room: RoomID}`", "%s can't be an id", n.Name)
		return nil
	}
	return n
}

// idOfParts checks the parts of an id, which is declared among the types.
func (r *resolver) idOfParts(a *schema.Aggregate, m *Aggregate) *Named {
	n := r.types[m.Name+"ID"]
	if n == nil || n.At != a.IDAt {
		return nil // another type has its name, which was reported
	}
	r.use(n).IDOf = m
	if len(n.Fields) == 1 && a.Keys["id"] == schema.Written {
		r.errorf(diag.IDOfOnePart, a.IDAt, "write `id: "+n.Fields[0].Type.String()+"`", "the id of %s has one part", m.Name)
	}
	for _, f := range a.IDFields {
		if f.Duplicate || f.Type == nil {
			continue
		}
		if t := fieldNamed(n.Fields, f.Name.Value, strings.EqualFold).Type; !t.broken() && !inID(t) {
			r.errorf(diag.IDPart, f.Type.At,
				"a part is a string, an integer, a uuid, a date, an enum, or a named scalar over them",
				"%s can't be part of an id", t)
		}
	}
	return n
}

// inID reports whether each value of a type has one text.
func inID(t Type) bool {
	k := t.Scalar()
	return k == String || k.Integer() || k == UUID || k == Date
}
