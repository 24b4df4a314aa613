package emit

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// decideFunc emits
//
//	func(s *AccountState, m cqrs.CommandMeta, out *aggregate.Events) error {
//		e, err := h.decider.Withdraw(*s, c, m)
//		if err != nil {
//			return err
//		}
//		return out.Add(&e)
//	}
func (e *emitter) decideFunc(a *plan.Aggregate, c *plan.Command) *jen.Statement {
	var args []jen.Code
	if c.Creates != model.MustBeNew {
		args = append(args, jen.Op("*").Id("s"))
	}
	args = append(append(args, alsoArg(c)...), jen.Id("c"), jen.Id("m"))
	result := "r"
	if c.Single {
		result = "e"
	}
	return jen.Func().Params(
		jen.Id("s").Op("*").Id(a.State), jen.Id("m").Qual(cqrsPath, "CommandMeta"),
		jen.Id("out").Op("*").Qual(aggregatePath, "Events"),
	).Error().BlockFunc(func(g *jen.Group) {
		g.List(jen.Id(result), jen.Err()).Op(":=").Id("h").Dot("decider").Dot(c.Method).Call(args...)
		g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
		if c.Single {
			x := emission{e, c, c.Emits[0], id("e")}
			x.demand(g)
			x.fill(g, x.pointer())
			g.Return(x.add(x.pointer()))
			return
		}
		for i, em := range c.Emits {
			x := emission{e, c, em, at(id("r"), em.Go)}
			if i == len(c.Emits)-1 && em.Times == model.Once {
				x.demand(g)
				x.fill(g, x.pointer())
				g.Return(x.add(x.pointer()))
				return
			}
			x.each(g)
		}
		g.Return(jen.Nil())
	})
}

// emission emits how the events of one entry of emits are added, which the decider returned as value.
type emission struct {
	*emitter
	command *plan.Command
	*plan.Emit
	value expr
}

// pointer is the pointer to an event that happens once. A choice is one already.
func (x emission) pointer() *jen.Statement {
	if x.Choice != "" {
		return x.value()
	}
	return jen.Op("&").Add(x.value())
}

// demand refuses a result without an event that the model demands:
//
//	if len(r.LineAdded) == 0 {
//		return &cqrs.MissingEventError{Command: "AddLines", Entry: "some LineAdded"}
//	}
func (x emission) demand(g *jen.Group) {
	missing := jen.Len(x.value()).Op("==").Lit(0)
	switch {
	case x.Choice != "":
		missing = x.value().Op("==").Nil()
	case x.Times != model.Some:
		return
	}
	g.If(missing).Block(jen.Return(jen.Op("&").Qual(cqrsPath, "MissingEventError").Add(inline([]entry{
		{"Command", jen.Lit(x.command.Name)}, {"Entry", jen.Lit(x.Text)},
	}))))
}

// each adds the events of an entry, and returns on an error.
func (x emission) each(g *jen.Group) {
	x.demand(g)
	element := func() *jen.Statement { return jen.Op("&").Add(x.value()).Index(jen.Id("i")) }
	switch {
	case x.Times == model.Once:
		x.one(g, x.pointer)
	case x.Times == model.Maybe:
		g.If(jen.List(jen.Id("e"), jen.Id("ok")).Op(":=").Add(x.value()).Dot("Get").Call(), jen.Id("ok")).BlockFunc(
			func(g *jen.Group) { x.one(g, func() *jen.Statement { return jen.Op("&").Id("e") }) })
	default:
		g.For(jen.Id("i").Op(":=").Range().Add(x.value())).BlockFunc(func(g *jen.Group) {
			if x.To != nil && x.To.Each != nil {
				g.Id("to").Op(":=").Add(element())
				element = func() *jen.Statement { return jen.Op("&").Id("to").Dot("Event") }
			}
			x.one(g, element)
		})
	}
}

// one fills and adds the event that ptr points to.
func (x emission) one(g *jen.Group, ptr expr) {
	x.fill(g, ptr())
	g.If(jen.Err().Op(":=").Add(x.add(ptr())), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
}

// fill gives an event what it takes from the state of its stream. Of several that may happen, it asks which one it is.
func (x emission) fill(g *jen.Group, ptr *jen.Statement) {
	if !slices.ContainsFunc(x.Events, func(ev *plan.Event) bool { return ev.Fill != nil }) {
		return
	}
	switch {
	case x.Choice != "":
		for _, ev := range x.Events {
			if ev.Fill != nil {
				is := jen.List(jen.Id("e"), jen.Id("ok")).Op(":=").Add(ptr.Clone()).Assert(jen.Op("*").Id(ev.Go))
				g.If(is, jen.Id("ok")).BlockFunc(func(g *jen.Group) { fill(g, ev, x.state(), jen.Id("e")) })
			}
		}
	case x.To != nil && x.To.Each != nil:
		g.If(jen.Id("s").Op(":=").Add(x.state()), jen.Id("s").Op("!=").Nil()).BlockFunc(
			func(g *jen.Group) { fill(g, x.Events[0], jen.Id("s"), ptr) })
	default:
		fill(g, x.Events[0], x.state(), ptr)
	}
}

// state is the state of the stream that gets the events.
func (x emission) state() *jen.Statement {
	switch {
	case x.To == nil:
		return jen.Id("s")
	case x.To.Each != nil:
		return jen.Id(x.To.Var).Dot("State").Call(idText(x.To.Aggregate, at(id("to"), "ID")))
	}
	return jen.Id(x.To.Var).Dot("State").Call()
}

// add adds the event that ptr points to, to the stream that gets it.
func (x emission) add(ptr *jen.Statement) *jen.Statement {
	switch {
	case x.To == nil:
		return jen.Id("out").Dot("Add").Call(ptr)
	case x.To.Each != nil:
		return jen.Id(x.To.Var).Dot("Add").Call(idText(x.To.Aggregate, at(id("to"), "ID")), ptr)
	}
	return jen.Id(x.To.Var).Dot("Events").Call().Dot("Add").Call(ptr)
}
