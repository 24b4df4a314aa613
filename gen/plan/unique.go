package plan

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Unique is a value that no two streams of an aggregate have.
type Unique struct {
	*model.Unique
	// Space names the value among those of all aggregates, with what is compared: another space knows no claims.
	Space   string
	Fields  []*Field
	Rejects *Rejection
}

// newUnique plans the unique values of an aggregate whose state and rejections are planned.
func newUnique(a *Aggregate) []*Unique {
	var list []*Unique
	for _, m := range a.Aggregate.Unique {
		u := &Unique{Unique: m, Space: a.Name + "."}
		for i, f := range m.Fields {
			if i > 0 {
				u.Space += ","
			}
			u.Space += f.Name
			for _, g := range a.StateFields {
				if g.Field == f {
					u.Fields = append(u.Fields, g)
				}
			}
		}
		if m.Trim {
			u.Space += " trim"
		}
		if m.Lower {
			u.Space += " lower"
		}
		for _, r := range a.Rejections {
			if r.Rejection == m.Rejects {
				u.Rejects = r
			}
		}
		list = append(list, u)
	}
	return list
}

// HasUnique reports whether an aggregate has unique values.
func (p *Plan) HasUnique() bool {
	return slices.ContainsFunc(p.Aggregates, func(a *Aggregate) bool { return len(a.Unique) > 0 })
}

// Filled returns the state's field that a field of the rejection is filled with.
func (u *Unique) Filled(f *Field) *Field {
	for _, g := range u.Fields {
		if g.Name == f.Name {
			return g
		}
	}
	return nil
}
