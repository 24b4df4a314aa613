package emit

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// needsCheck says whether there is a value of a command that could be wrong.
func (e *emitter) needsCheck(c *plan.Command) bool {
	return len(c.Checks) > 0 || e.needsCheckFields(c.Fields)
}

// selfSpelling is how the rules over several fields read.
var selfSpelling = spelling{
	roots: map[string]func() *jen.Statement{"self": id("v")},
	fault: func() *jen.Statement { return jen.Op("&").Id("fault") },
}

// checksTogether emits the rules over several fields:
//
//	c.Holds("arrival", v.Arrival.Before(v.Departure), "leaves before it arrives")
func (e *emitter) checksTogether(g *jen.Group, list []*model.Check) {
	fails := func(c *model.Check) bool { return c.That.Fails() }
	if slices.ContainsFunc(list, fails) {
		faultVar(g)
	}
	for _, c := range list {
		that := e.expr(c.That, selfSpelling)
		if fails(c) {
			g.Id("c").Dot("HoldsComputed").Call(jen.Lit(c.Field), that, jen.Lit(c.Else), jen.Id("fault").Dot("Take").Call())
			continue
		}
		g.Id("c").Dot("Holds").Call(jen.Lit(c.Field), that, jen.Lit(c.Else))
	}
}
