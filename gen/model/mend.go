package model

import (
	"github.com/cqrsgen/cqrsgen/gen/schema"
	"slices"
)

// mended has the names that were declared in the wrong case, with what they should be.
type mended map[string]string

// mendNames reports the names that start with a letter of the wrong case, and goes on with what they should be, here
// and where they are used, so that nothing that follows speaks of the wrong ones. It changes the tree.
func (r *resolver) mendNames(f *schema.File) {
	m := mended{}
	declared := map[string]bool{}
	each := func(do func(kind string, d *schema.Decl)) { // everything that becomes a Go type
		for _, t := range f.Types {
			do("type", &t.Decl)
		}
		for _, a := range f.Aggregates {
			do("aggregate", &a.Decl)
			for _, e := range a.Events {
				do("event", &e.Decl)
			}
			for _, x := range a.Rejections {
				do("rejection", &x.Decl)
			}
			for _, c := range a.Commands {
				do("command", &c.Decl)
			}
		}
		for _, p := range f.Projections {
			do("projection", &p.Decl)
		}
	}
	each(func(_ string, d *schema.Decl) { declared[d.Name.Value] = true })
	each(func(kind string, d *schema.Decl) {
		v := d.Name.Value
		if d.Duplicate || !identifier.MatchString(v) || !isLower(v) || declared[upperFirst(v)] {
			return // the rest is said where names are declared
		}
		r.typeName(kind, d.Name)
		m[v] = upperFirst(v)
		d.Name.Value = upperFirst(v)
	})
	if len(m) > 0 {
		m.uses(f)
	}
}

// text mends a name that is used.
func (m mended) text(t *schema.Text) {
	if right, ok := m[t.Value]; ok {
		t.Value = right
	}
}

func (m mended) texts(list []schema.Text) {
	for i := range list {
		m.text(&list[i])
	}
}

// uses mends the names where they are used.
func (m mended) uses(f *schema.File) {
	for _, t := range f.Types {
		m.fields(t.Fields)
	}
	for _, a := range f.Aggregates {
		m.aggregate(a)
	}
	for _, p := range f.Projections {
		m.fields(p.Key)
		m.fields(p.Row)
		m.texts(p.Ignore)
		for _, h := range p.On {
			m.text(&h.Name)
		}
	}
}

func (m mended) aggregate(a *schema.Aggregate) {
	m.text(&a.ID)
	m.fields(a.IDFields)
	m.fields(a.State)
	for _, e := range slices.Concat(a.Events, a.Former) {
		m.fields(e.Fields)
		for _, step := range e.History {
			m.fields(step.Removed)
			m.fields(step.From)
		}
	}
	for _, x := range a.Rejections {
		m.fields(x.Fields)
	}
	for _, c := range a.Commands {
		m.fields(c.Fields)
		m.texts(c.Rejects)
		for i := range c.Emits {
			for j := range c.Emits[i].Events {
				m.text(&c.Emits[i].Events[j].Event)
			}
		}
	}
}

func (m mended) fields(list []*schema.Field) {
	for _, f := range list {
		m.typeExpr(f.Type)
	}
}

func (m mended) typeExpr(t *schema.TypeExpr) {
	if t == nil {
		return
	}
	if right, ok := m[t.Name]; ok {
		t.Name = right
	}
	m.typeExpr(t.Key)
	m.typeExpr(t.Elem)
}
