package plan

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// HasPersonal reports whether a field, or one of a struct that it holds, is a person's.
func HasPersonal(fields []*model.Field) bool {
	return slices.ContainsFunc(fields, func(f *model.Field) bool { return f.Personal || typeHasPersonal(&f.Type) })
}

func typeHasPersonal(t *model.Type) bool {
	return t.Kind == model.Ref && t.Named.Kind == model.Struct && HasPersonal(t.Named.Fields) ||
		t.Elem != nil && typeHasPersonal(t.Elem)
}

// Personal reports whether the event has personal fields, or had some that are still read.
func (e *Event) Personal() bool {
	return HasPersonal(e.Event.Fields) || slices.ContainsFunc(e.Older, func(o *Older) bool {
		return slices.ContainsFunc(o.Fields, func(f *Field) bool { return HasPersonal([]*model.Field{f.Field}) })
	})
}

// Personal reports whether events or the state have personal fields, so that keys are needed.
func (a *Aggregate) Personal() bool {
	return HasPersonal(a.Aggregate.State) || slices.ContainsFunc(a.All(), (*Event).Personal)
}

// DecodesPersonal reports whether the state depends on events with personal fields.
func (a *Aggregate) DecodesPersonal() bool {
	return slices.ContainsFunc(a.Events, func(e *Event) bool { return e.Personal() && e.Decoded() }) ||
		slices.ContainsFunc(a.Former, (*Former).personal)
}

// Subject is the type of the ids of the persons whose data are in the aggregate's streams, unless a field says otherwise.
func (a *Aggregate) Subject() string {
	if a.ID == nil {
		return a.Name
	}
	return a.ID.Name
}

// Reveals reports whether the projection works with personal data: those of its rows, or those that the team's folds and
// upcasters may read. Other projections never decrypt anything.
func (pr *Projection) Reveals() bool {
	return HasPersonal(pr.Projection.Row) || slices.ContainsFunc(pr.Former(), (*Former).personal) || slices.ContainsFunc(pr.Handlers, func(h *Handler) bool {
		return h.Event.Personal() && (h.InGo || h.KeysInGo || slices.ContainsFunc(h.Event.Upcasters, (*Upcaster).personal))
	})
}

// personal reports whether the team's code is given personal data, on which all that it returns may depend.
func (u *Upcaster) personal() bool { return HasPersonal(u.From.origins) }

// DecodesPersonal reports whether the projection handles events with personal fields, or has them in its rows.
func (pr *Projection) DecodesPersonal() bool {
	return pr.Reveals() || slices.ContainsFunc(pr.Handlers, func(h *Handler) bool { return h.Event.Personal() })
}

// Personal reports whether the bounded context has personal data at all.
func (p *Plan) Personal() bool {
	return slices.ContainsFunc(p.Aggregates, (*Aggregate).Personal) ||
		slices.ContainsFunc(p.Projections, func(pr *Projection) bool { return HasPersonal(pr.Projection.Row) })
}

// IsSubject reports whether ids of the type name persons.
func (p *Plan) IsSubject(t *Named) bool {
	for _, a := range p.Aggregates {
		if a.ID == t && a.Personal() {
			return true
		}
		for _, e := range a.Events {
			if slices.ContainsFunc(e.Event.Fields, func(f *model.Field) bool { return namesBy(f, t) }) {
				return true
			}
		}
		if slices.ContainsFunc(a.Aggregate.State, func(f *model.Field) bool { return namesBy(f, t) }) {
			return true
		}
	}
	return false
}

func namesBy(f *model.Field, t *Named) bool {
	return f.PersonalOf != nil && f.PersonalOf.Type.Named == t.Named
}
