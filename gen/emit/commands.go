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
			if !c.Single {
				e.result(f, c)
			}
		}
	}
}

func (e *emitter) command(f *jen.File, a *plan.Aggregate, c *plan.Command) {
	fileComments(f, doc(c.Go+" is a command to "+a.Name+"."+outcomes(c), c.Doc))
	e.strct(f, c.Go, c.Fields)
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
		word := ""
		switch em.Times {
		case model.Maybe:
			word = "maybe "
		case model.Many:
			word = "any number of "
		}
		emits = append(emits, word+em.Event.Go)
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

// result emits
//
//	type CloseResult struct {
//		AccountClosed AccountClosed
//		FeeCharged    cqrs.Optional[FeeCharged]
//		LinesAdded    []LineAdded
//	}
func (e *emitter) result(f *jen.File, c *plan.Command) {
	fileComments(f, c.Result+" has the events that "+c.Go+" leads to. They are stored in the order of its fields.")
	f.Type().Id(c.Result).StructFunc(func(g *jen.Group) {
		for _, em := range c.Emits {
			t := jen.Id(em.Event.Go)
			switch em.Times {
			case model.Maybe:
				t = jen.Qual(cqrsPath, "Optional").Types(t)
			case model.Many:
				t = jen.Index().Add(t)
			}
			g.Id(em.Event.Go).Add(t)
		}
	})
	f.Line()
}
