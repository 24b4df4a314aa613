package evolve

import (
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// projections compares what those see who query tables and views by hand.
func (c *comparer) projections() {
	before := map[string]bool{}
	for _, p := range c.old.Projections {
		before[p.Name] = true
	}
	for _, was := range c.old.Projections {
		i := slices.IndexFunc(c.new.Projections, func(p *lock.Projection) bool { return p.Name == was.Name })
		if i >= 0 {
			c.columns(was, c.new.Projections[i])
			continue
		}
		c.goneProjection(was, before)
	}
}

func (c *comparer) goneProjection(was *lock.Projection, before map[string]bool) {
	for _, p := range c.new.Projections {
		if !before[p.Name] && c.reads(was.Key, p.Key) && c.reads(was.Row, p.Row) {
			c.warn(diag.ProjectionGone, p.At, was.At, []string{Views}, "",
				"%s is called %s now: it is another read model, built anew; the rows of %s stay where they are, and nobody "+
					"keeps them up to date", was.Name, p.Name, was.Name)
			return
		}
	}
	c.warn(diag.ProjectionGone, c.section("projections"), was.At, []string{Views}, "",
		"the projection %s is gone: its rows stay where they are, and nobody keeps them up to date", was.Name)
}

func (c *comparer) columns(was, is *lock.Projection) {
	now := append(slices.Clone(is.Key), is.Row...)
	for _, f := range append(slices.Clone(was.Key), was.Row...) {
		g := fieldOf(now, f.Name)
		if g == nil {
			c.warn(diag.ColumnChanged, is.At, f.At, []string{Views}, "",
				"the column %s of %s is gone: queries that name it fail", f.Name, is.Name)
			continue
		}
		if changes := c.shapes.types(f.Type, g.Type); slices.ContainsFunc(changes, func(h change) bool {
			return h.certain() && h.kind != required
		}) {
			what := fmt.Sprintf("was %s, and is %s", f.Type, g.Type)
			if f.Type == g.Type {
				what = fmt.Sprintf("is %s, which changed", g.Type)
			}
			c.warn(diag.ColumnChanged, g.At, f.At, []string{Views}, "",
				"the column %s of %s %s: queries may read something else", f.Name, is.Name, what)
		}
	}
}
