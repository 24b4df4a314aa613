package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// commands emits commands_gen.go: each command with its Validate, and what its decider returns.
func (e *emitter) commands(f *jen.File) {
	for _, a := range e.Aggregates {
		for _, c := range a.CommandList {
			e.command(f, a, c)
			e.alsoType(f, c)
			if !c.Single {
				e.result(f, c)
			}
			e.choices(f, c)
		}
	}
}

func (e *emitter) command(f *jen.File, a *plan.Aggregate, c *plan.Command) {
	fileComments(f, doc(c.Go+" is a command to "+a.Name+"."+outcomes(c), c.Doc))
	e.strct(f, c.Go, c.Fields)
	e.setDefaults(f, c)
	e.patterns(f, c.Fields)
	f.Comment("// Validate says which fields break the model's rules, with a *cqrs.ValidationError.")
	if !e.needsCheck(c) {
		f.Func().Params(jen.Id(c.Go)).Id("Validate").Params().Error().Block(jen.Return(jen.Nil()))
		f.Line()
		return
	}
	f.Func().Params(jen.Id("v").Id(c.Go)).Id("Validate").Params().Error().Block(
		jen.Var().Id("c").Qual(validatePath, "Checker"),
		jen.Id("v").Dot("check").Call(jen.Op("&").Id("c")),
		jen.Return(jen.Id("c").Dot("Err").Call(jen.Lit(c.Name))),
	)
	f.Line()
	e.checkMethod(f, c.Go, c.Fields, c.Checks)
}

// outcomes says what a command leads to.
func outcomes(c *plan.Command) string {
	var emits, rejects []string
	for _, em := range c.Emits {
		emits = append(emits, timesWords[em.Times]+eventNames(em))
	}
	for _, r := range c.Rejects {
		rejects = append(rejects, plan.RejectionGo(r))
	}
	s := " It leads to " + strings.Join(emits, ", ")
	if len(rejects) > 0 {
		s += ", or is rejected with " + strings.Join(rejects, ", ")
	}
	return s + "."
}

var timesWords = map[model.Times]string{
	model.Maybe: "maybe ", model.Some: "one or more ", model.Many: "any number of ",
}

// eventNames names the events of an entry, and who gets them.
func eventNames(em *plan.Emit) string {
	var names []string
	for _, ev := range em.Events {
		names = append(names, ev.Go)
	}
	s := strings.Join(names, " or ")
	if em.To != nil {
		s += " of " + em.To.Name
	}
	return s
}

// result emits
//
//	type CloseResult struct {
//		AccountClosed    AccountClosed
//		FeeCharged       cqrs.Optional[FeeCharged]
//		LinesAdded       []LineAdded
//		StockReserved    []cqrs.To[StockID, StockReserved]
//		PaidOrPartlyPaid ClosePaidOrPartlyPaid
//	}
func (e *emitter) result(f *jen.File, c *plan.Command) {
	fileComments(f, resultDoc(c))
	f.Type().Id(c.Result).StructFunc(func(g *jen.Group) {
		for _, em := range c.Emits {
			g.Id(em.Go).Add(resultType(em))
		}
	})
	f.Line()
}

func resultDoc(c *plan.Command) string {
	s := c.Result + " has the events that " + c.Go + " leads to. They are stored in the order of its fields"
	if len(c.Also) > 0 {
		s += ", stream by stream: first those of the command's own"
	}
	return s + "."
}

func resultType(em *plan.Emit) *jen.Statement {
	if em.Choice != "" {
		return jen.Id(em.Choice)
	}
	t := jen.Id(em.Events[0].Go)
	switch em.Times {
	case model.Maybe:
		return jen.Qual(cqrsPath, "Optional").Types(t)
	case model.Some, model.Many:
		if em.To != nil && em.To.Each != nil {
			t = jen.Qual(cqrsPath, "To").Types(jen.Id(em.To.Aggregate.ID.Name), t)
		}
		return jen.Index().Add(t)
	}
	return t
}

// choices emits, for each entry of which one of several events happens, the interface that these implement:
//
//	type PayResult interface {
//		cqrs.Event
//		isPayResult()
//	}
//
//	func (*Paid) isPayResult()       {}
//	func (*PartlyPaid) isPayResult() {}
func (e *emitter) choices(f *jen.File, c *plan.Command) {
	for _, em := range c.Emits {
		if em.Choice == "" {
			continue
		}
		var events []string
		for _, ev := range em.Events {
			events = append(events, "*"+ev.Go)
		}
		fileComments(f, em.Choice+" is one of "+strings.Join(events, ", ")+": what "+c.Go+" leads to.")
		marker := "is" + em.Choice
		f.Type().Id(em.Choice).Interface(jen.Qual(cqrsPath, "Event"), jen.Id(marker).Params())
		f.Line()
		for _, ev := range em.Events {
			f.Func().Params(jen.Op("*").Id(ev.Go)).Id(marker).Params().Block()
			f.Line()
		}
	}
}
