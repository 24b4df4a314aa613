package model

import (
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
)

// personalData checks, in a model that is right otherwise, that personal data go nowhere else. A personal field has a type
// of its own in Go, so that the compiler finds what the team's code lets out; what the model says in expressions is found
// here.
func (r *resolver) personalData() {
	for _, t := range r.model.Types {
		r.personalHolders(t.Fields)
		r.hiddenInChecks(t.Checks)
	}
	for _, a := range r.model.Aggregates {
		r.personalAggregate(a)
	}
	for _, p := range r.model.Projections {
		r.neverPersonal(p.Key, "a key", "key the rows by an id that says nothing of the person")
		r.personalHolders(p.Row)
		for _, h := range p.On {
			for _, f := range h.Folds {
				r.personalFold(f)
			}
		}
		r.personalColumns(p)
	}
}

func (r *resolver) personalAggregate(a *Aggregate) {
	if a.ID != nil {
		r.neverPersonal(a.ID.Fields, "an id", "name the streams by an id that says nothing of the person")
	}
	r.personalHolders(a.State)
	r.personalSubjects(a.State)
	for _, e := range a.Events {
		r.personalHolders(e.Fields)
		r.personalSubjects(e.Fields)
		r.personalChange(e.Apply)
		for _, f := range e.Fields {
			if f.From != nil {
				r.goesTo(f.From, f)
			}
		}
	}
	for _, c := range a.Commands {
		r.personalHolders(c.Fields)
		r.personalSubjects(c.Fields)
		r.hiddenInChecks(c.Checks)
		for _, also := range c.Also {
			r.hidden(also.Each)
			r.hidden(also.ID)
			r.hidden(also.Parts...)
		}
	}
	for _, u := range a.Unique {
		for _, f := range u.Rejects.Fields {
			from := fieldNamed(u.Fields, f.Name, equal)
			if from != nil && (from.Personal != f.Personal || f.Personal && !from.Type.Equal(f.Type)) {
				r.errorf(diag.PersonalHere, f.At, "mark both `personal`, or neither, and give them one type",
					"%s is filled with the unique value, of which only one is personal", f.Name)
			}
		}
	}
}

// neverPersonal reports personal fields where names are made of them.
func (r *resolver) neverPersonal(fields []*Field, what, hint string) {
	for _, f := range fields {
		if f.Personal || holdsPersonal(f.Type) {
			r.errorf(diag.PersonalHere, f.At, hint, "%s is part of %s, which is not encrypted, and can't be personal", f.Name, what)
		}
	}
}

// personalHolders reports what is personal twice.
func (r *resolver) personalHolders(fields []*Field) {
	for _, f := range fields {
		if f.Personal && holdsPersonal(f.Type) {
			r.errorf(diag.PersonalHere, f.At, "mark the field, or the fields of its struct",
				"%s is personal, and so are fields of its type already", f.Name)
		}
	}
}

// holdsPersonal reports whether a struct in a type has personal fields.
func holdsPersonal(t Type) bool {
	if t.Elem != nil && holdsPersonal(*t.Elem) {
		return true
	}
	if t.Kind != Ref || t.Named.Kind != Struct {
		return false
	}
	for _, f := range t.Named.Fields {
		if f.Personal || holdsPersonal(f.Type) {
			return true
		}
	}
	return false
}

// personalSubjects reports persons who are named by what is personal itself.
func (r *resolver) personalSubjects(fields []*Field) {
	for _, f := range fields {
		r.hidden(f.PersonalOf)
	}
}

func (r *resolver) hiddenInChecks(checks []*Check) {
	for _, c := range checks {
		r.hidden(c.That)
	}
}

func (r *resolver) personalFold(f *Fold) {
	r.hidden(f.Where)
	r.hidden(f.Key...)
	if f.Each != nil {
		r.hidden(f.Each.Over)
	}
	r.personalChange(f.Change)
}

// personalChange checks the assignments of a fold.
func (r *resolver) personalChange(a *Apply) {
	if a == nil {
		return
	}
	for _, s := range a.Set {
		r.personalPlace(s.Place)
		if last := s.Place.Last(); last.Key == nil {
			r.goesTo(s.Value, last.Field)
			continue
		}
		r.hidden(s.Value)
	}
	for _, p := range a.Remove {
		r.personalPlace(p)
	}
}

// personalPlace reports a change within a personal field, which is one value, and keys that are personal.
func (r *resolver) personalPlace(p *Place) {
	for i, step := range p.Steps {
		if step.Key != nil {
			r.hiddenNode(step.Key)
		}
		if step.Field != nil && step.Field.Personal && i < len(p.Steps)-1 {
			r.errorf(diag.PersonalLeaks, p.At, "set all of it, or write the fold in Go",
				"`%s` changes a part of %s, which is personal: it is encrypted as a whole", p.Text, step.Field.Name)
			return
		}
	}
}

// goesTo checks an assignment: what is personal goes into a field that is personal too, as it is, and nothing else does.
func (r *resolver) goesTo(x *Expr, to *Field) {
	from := personalField(x.Node)
	switch {
	case from == nil && !to.Personal:
		r.hidden(x)
	case from == nil:
		if !r.hidden(x) {
			r.errorf(diag.PersonalLeaks, x.At, "set it from a personal field, or write the fold in Go",
				"%s is personal, and `%s` is not: nobody's data would be encrypted", to.Name, x.Text)
		}
	case !to.Personal:
		r.errorf(diag.PersonalLeaks, x.At, "mark "+to.Name+" `personal: true` too, or leave it out",
			"`%s` is personal, and %s is not", x.Text, to.Name)
	case !from.Type.Equal(to.Type):
		r.errorf(diag.PersonalLeaks, x.At, "give both the same type, or write the fold in Go",
			"`%s` is %s, and %s is %s: what is personal is copied as it is", x.Text, article(from.Type.String()), to.Name, article(to.Type.String()))
	}
}

// personalField returns the personal field that an expression is, nil if it is another one.
func personalField(n *expr.Node) *Field {
	if f, ok := n.Ref.(*Field); ok && n.Op == expr.OpSelect && f.Personal {
		return f
	}
	return nil
}

// hidden reports expressions that depend on what personal data say.
func (r *resolver) hidden(list ...*Expr) bool {
	found := false
	for _, x := range list {
		if x != nil {
			found = r.hiddenNode(x.Node) || found
		}
	}
	return found
}

func (r *resolver) hiddenNode(n *expr.Node) bool {
	found := false
	n.Walk(func(n *expr.Node) {
		f := personalField(n)
		if f == nil || found {
			return
		}
		found = true
		r.errorf(diag.PersonalLeaks, n.At, "write it in Go, where `Reveal` returns what it says",
			"%s is personal: an expression can copy it into another personal field, and do nothing else with it", f.Name)
	})
	return found
}

// personalColumns reports what can't be done with encrypted columns.
func (r *resolver) personalColumns(p *Projection) {
	report := func(f *Field, at diag.Span, what string) {
		if f.Personal {
			r.errorf(diag.PersonalHere, at, "leave it out", "%s is encrypted in rows, which can't be %s by it", f.Name, what)
		}
	}
	for _, f := range p.Row {
		if f.Search != "" {
			report(f, f.At, "searched")
		}
	}
	for _, ix := range p.Indexes {
		for _, f := range ix.Fields {
			report(f, ix.At, "found")
		}
	}
	for _, q := range p.Queries {
		r.hidden(q.Where)
		for _, f := range q.Order {
			report(f, q.At, "ordered")
		}
	}
}
