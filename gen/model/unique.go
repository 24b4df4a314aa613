package model

import (
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Unique says that no two streams of an aggregate have the same values in some fields of their states.
type Unique struct {
	// Fields are those of the state, by their names: their order in the file means nothing.
	Fields []*Field
	// Trim and Lower say what is done to strings before they are compared, in this order.
	Trim, Lower bool
	// Rejects is the rejection of a value that another stream has. Each of its fields is one of Fields, by its name.
	Rejects *Rejection
	// Keep says that a value stays taken when its stream leaves it.
	Keep bool
	At   diag.Span
}

// Answers are the rejections that a command can be answered with: its decider's, that of the wrong phase, and those of
// values that are taken, which every command that changes the state can meet.
func (c *Command) Answers() []*Rejection {
	answers := slices.Clone(c.Rejects)
	for _, u := range c.Aggregate.Unique {
		if !slices.Contains(answers, u.Rejects) {
			answers = append(answers, u.Rejects)
		}
	}
	return answers
}

// unique resolves the unique values of an aggregate. Its state and its rejections are resolved already.
func (r *resolver) unique(a *schema.Aggregate, m *Aggregate, u *usage) {
	seen := map[string]diag.Span{}
	for _, s := range a.Unique {
		before := r.diags.Len()
		x := &Unique{Keep: s.Release.Given(), At: s.At}
		for _, f := range s.Fold {
			x.Trim, x.Lower = x.Trim || f.Value == schema.FoldTrim, x.Lower || f.Value == schema.FoldLower
		}
		known := r.uniqueFields(a, m, s, x)
		if s.Rejects.Given() {
			x.Rejects = r.ownRejection(s.Rejects, m, u)
		}
		if r.diags.Len() != before || !known || x.Rejects == nil {
			continue
		}
		if first, twice := seen[x.names()]; twice {
			r.clash(diag.UniqueTwice, s.Fields[0].At, first, "the first time", "%s is unique already", x.names())
			continue
		}
		seen[x.names()] = s.Fields[0].At
		r.foldable(s, x)
		r.fillable(s, x)
		m.Unique = append(m.Unique, x)
	}
	u.rejectsUnknown = u.rejectsUnknown || a.Keys["unique"] == schema.Faulty
}

// names are the names of the fields.
func (x *Unique) names() string {
	var names []string
	for _, f := range x.Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, " with ")
}

// uniqueFields resolves the fields. It reports false where one of them is not known for sure.
func (r *resolver) uniqueFields(a *schema.Aggregate, m *Aggregate, s *schema.Unique, x *Unique) bool {
	if s.Keys["fields"] == schema.Written && len(s.Fields) == 0 {
		r.errorf(diag.UnknownStateField, s.At, "write `fields: [email]`", "no field is unique here")
	}
	var names []string
	for _, f := range m.State {
		names = append(names, f.Name)
	}
	known := len(s.Fields) > 0
	for _, name := range s.Fields {
		i := slices.Index(names, name.Value)
		switch {
		case i < 0 && a.Keys["state"] == schema.Faulty:
			known = false
		case i < 0:
			r.errorf(diag.UnknownStateField, name.At, diag.DidYouMean(name.Value, names),
				"the state of %s has no field %q", m.Name, name.Value)
		case slices.Contains(x.Fields, m.State[i]):
			r.errorf(diag.UniqueTwice, name.At, "", "the field %s stands here twice", name.Value)
		case m.State[i].Type.broken():
			known = false
		case !canBeUnique(m.State[i].Type):
			r.errorf(diag.NeverUnique, name.At, "a unique field is a text, an integer, a time, a date, a bool, a uuid, bytes or an enum, optional or not",
				"%s is of the type %s, which can't be unique", name.Value, m.State[i].Type)
		default:
			x.Fields = append(x.Fields, m.State[i])
		}
	}
	slices.SortFunc(x.Fields, func(f, g *Field) int { return strings.Compare(f.Name, g.Name) })
	return known
}

// plain is the type without its optional.
func plain(t Type) Type {
	if t.Kind == Optional {
		return *t.Elem
	}
	return t
}

func canBeUnique(t Type) bool {
	switch plain(t).Scalar() {
	case String, Bool, Int, Int32, Int64, Uint32, Uint64, Bytes, Time, Duration, UUID, Date:
		return true
	}
	return false
}

// foldable reports a `fold` of fields that are no strings.
func (r *resolver) foldable(s *schema.Unique, x *Unique) {
	if len(s.Fold) > 0 && !slices.ContainsFunc(x.Fields, func(f *Field) bool { return Folds(f.Type) }) {
		r.errorf(diag.NothingToFold, s.Fold[0].At, "leave `fold` out", "`fold` is for strings, and %s is none", x.names())
	}
}

// Folds reports whether a unique value of the type is folded: a string that is no enum.
func Folds(t Type) bool {
	t = plain(t)
	return t.Scalar() == String && !t.isEnum()
}

// fillable reports the fields of the rejection that the state does not give.
func (r *resolver) fillable(s *schema.Unique, x *Unique) {
	for _, f := range x.Rejects.Fields {
		i := slices.IndexFunc(x.Fields, func(g *Field) bool { return g.Name == f.Name })
		switch {
		case f.Type.broken():
		case i < 0:
			r.clash(diag.RejectionNotFilled, s.Rejects.At, f.At, "this field",
				"%s can't be made here: its field %s is none of the unique ones", x.Rejects.Name, f.Name)
		case !f.Type.Equal(x.Fields[i].Type) && !f.Type.Equal(plain(x.Fields[i].Type)):
			r.clash(diag.RejectionNotFilled, s.Rejects.At, f.At, "this field",
				"%s can't be made here: its field %s is of the type %s, and in the state it is of the type %s",
				x.Rejects.Name, f.Name, f.Type, x.Fields[i].Type)
		}
	}
}
