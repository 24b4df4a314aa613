package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	tree "github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// alsoType emits the states that a decider gets of further streams:
//
//	type CheckoutAlso struct {
//		Wallet WalletState
//		Stock  []StockState
//	}
func (e *emitter) alsoType(f *jen.File, c *plan.Command) {
	if c.AlsoType == "" {
		return
	}
	fileComments(f, c.AlsoType+" has the states of the streams that "+c.Go+" loads besides its own.")
	f.Type().Id(c.AlsoType).StructFunc(func(g *jen.Group) {
		for _, a := range c.Also {
			if a.Go == "" {
				continue
			}
			comments(g, alsoDoc(a))
			t := jen.Id(a.Aggregate.State)
			if a.Each != nil {
				t = jen.Index().Add(t)
			}
			g.Id(a.Go).Add(t)
		}
	})
	f.Line()
}

func alsoDoc(a *plan.Also) string {
	s := "The " + a.Aggregate.Name + " that the command names."
	switch {
	case a.Each != nil:
		s = "One for each element of " + a.Each.Text + ", in its order."
	case a.Aggregate.Single:
		s = "The " + a.Aggregate.Name + "."
	case a.ID != nil:
		s = "The " + a.Aggregate.Name + " that " + a.ID.Text + " names."
	}
	return strings.TrimSpace(s + " " + a.Doc)
}

// alsoVars declares what the functions of a command share about its further streams:
//
//	var targetStream *aggregate.Other[AccountState]
//	var stockStreams aggregate.Others[StockState]
func alsoVars(g *jen.Group, c *plan.Command) {
	for _, a := range c.Also {
		state := jen.Id(a.Aggregate.State)
		if a.Each != nil {
			g.Var().Id(a.Var).Qual(aggregatePath, "Others").Types(state)
			continue
		}
		g.Var().Id(a.Var).Op("*").Qual(aggregatePath, "Other").Types(state)
	}
}

// alsoFunc emits
//
//	func(also *aggregate.Also) error {
//		targetStream = h.aggregate.With(also, string(c.To), aggregate.MustExist)
//		for _, item := range c.Lines {
//			stockStreams.With(h.stockAggregate, also, string(item.SKU), aggregate.MayExist)
//		}
//		return nil
//	}
func (e *emitter) alsoFunc(of *plan.Aggregate, c *plan.Command) *jen.Statement {
	x := alsoStreams{emitter: e, of: of, spelling: spelling{
		roots: map[string]func() *jen.Statement{"command": id("c"), "item": id("item")},
	}}
	for _, a := range c.Also {
		x.fails = x.fails || alsoFails(a)
		x.checks = x.checks || idIsChecked(a)
	}
	if x.fails {
		x.spelling = x.in("also")
	}
	return jen.Func().Params(jen.Id("also").Op("*").Qual(aggregatePath, "Also")).Error().BlockFunc(func(g *jen.Group) {
		if x.fails {
			faultVar(g)
		}
		if x.checks {
			g.Var().Id("check").Qual(validatePath, "Checker")
		}
		for _, a := range c.Also {
			x.add(g, a)
		}
		x.end(g, c)
	})
}

// alsoStreams emits how the further streams of a command are found.
type alsoStreams struct {
	*emitter
	spelling
	of *plan.Aggregate
	// fails says that there is arithmetic, and checks that there are ids that no field of the command has.
	fails, checks bool
}

// end emits what says whether the streams were found.
func (x alsoStreams) end(g *jen.Group, c *plan.Command) {
	fault, check := jen.Id("fault").Dot("Err").Call(), jen.Id("check").Dot("Err").Call(jen.Lit(c.Name))
	switch {
	case x.fails && x.checks:
		g.If(jen.Err().Op(":=").Add(fault), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
		g.Return(check)
	case x.fails:
		g.Return(fault)
	case x.checks:
		g.Return(check)
	default:
		g.Return(jen.Nil())
	}
}

// alsoFails says whether finding the streams can fail.
func alsoFails(a *plan.Also) bool {
	for _, x := range append([]*model.Expr{a.Each, a.ID}, a.Parts...) {
		if x != nil && x.Fails() {
			return true
		}
	}
	return false
}

// isField says whether an id is a field of the command, or of one of its structs, so that it was checked there.
func isField(x *model.Expr) bool {
	field := x != nil
	if field {
		x.Node.Walk(func(n *tree.Node) { field = field && (n.Op == tree.OpSelect || n.Op == tree.OpName) })
	}
	return field
}

// idIsChecked says whether an id can be wrong that no check of the command has seen.
func idIsChecked(a *plan.Also) bool { return idNeedsCheck(a.Aggregate) && !isField(a.ID) }

// add emits what adds the streams of one alias.
func (x alsoStreams) add(g *jen.Group, a *plan.Also) {
	if a.Each == nil {
		call := jen.Id(a.Var).Op("=").Add(x.aggregate(a)).Dot("With")
		x.one(g, a, func(name jen.Code) { g.Add(call).Call(jen.Id("also"), name, presence(a.Creates)) })
		return
	}
	items := jen.List(jen.Id("_"), jen.Id("item")).Op(":=").Range().Add(x.expr(a.Each, x.spelling))
	g.For(items).BlockFunc(func(g *jen.Group) {
		call := jen.Id(a.Var).Dot("With")
		x.one(g, a, func(name jen.Code) { g.Add(call).Call(x.aggregate(a), jen.Id("also"), name, presence(a.Creates)) })
	})
}

// one emits what one stream needs: its id, checked where no field of the command has it, and the call with its name.
func (x alsoStreams) one(g *jen.Group, a *plan.Also, call func(name jen.Code)) {
	if a.Aggregate.Single || isField(a.ID) || a.ID != nil && !idIsChecked(a) {
		call(idText(a.Aggregate, func() *jen.Statement { return x.expr(a.ID, x.spelling) }))
		return
	}
	v := a.Name + "ID"
	g.Id(v).Op(":=").Add(x.id(a))
	if idIsChecked(a) {
		checkID(g, a.Aggregate, v, "also."+a.Name)
	}
	call(idText(a.Aggregate, id(v)))
}

// id is the id of a further stream.
func (x alsoStreams) id(a *plan.Also) *jen.Statement {
	if a.ID != nil {
		return x.expr(a.ID, x.spelling)
	}
	var parts []entry
	for i, part := range a.Parts {
		parts = append(parts, entry{a.Aggregate.ID.Fields[i].Go, x.expr(part, x.spelling)})
	}
	return jen.Id(a.Aggregate.ID.Name).Add(literal(parts))
}

// aggregate is what loads the streams of an alias.
func (x alsoStreams) aggregate(a *plan.Also) *jen.Statement {
	if a.Aggregate == x.of {
		return jen.Id("h").Dot("aggregate")
	}
	return jen.Id("h").Dot(a.Aggregate.OtherVar())
}

func presence(c model.Creates) *jen.Statement {
	names := map[model.Creates]string{
		model.MustExist: "MustExist", model.MustBeNew: "MustBeNew", model.MayExist: "MayExist",
	}
	return jen.Qual(aggregatePath, names[c])
}

// alsoArg is the argument with the states of the further streams: none, where the decider gets none.
func alsoArg(c *plan.Command) []jen.Code {
	if c.AlsoType == "" {
		return nil
	}
	var states []entry
	for _, a := range c.Also {
		switch {
		case a.Go == "":
		case a.Each != nil:
			states = append(states, entry{a.Go, jen.Id(a.Var).Dot("States").Call()})
		default:
			states = append(states, entry{a.Go, jen.Op("*").Id(a.Var).Dot("State").Call()})
		}
	}
	return []jen.Code{jen.Id(c.AlsoType).Add(inline(states))}
}

// alsoParam is the parameter for it.
func alsoParam(c *plan.Command) []jen.Code {
	if c.AlsoType == "" {
		return nil
	}
	return []jen.Code{jen.Id("also").Id(c.AlsoType)}
}

// linkOthers emits, in New, what gives the handlers of one aggregate the others whose streams they load:
//
//	a.Cart.stockAggregate = a.Stock.aggregate
func (e *emitter) linkOthers(g *jen.Group) {
	for _, a := range e.Aggregates {
		for _, other := range a.Others {
			g.Id("a").Dot(a.Name).Dot(other.OtherVar()).Op("=").Id("a").Dot(other.Name).Dot("aggregate")
		}
	}
}
