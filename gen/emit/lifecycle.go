package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// firstPhase emits what puts a new state into its first phase:
//
//	v.Phase = TicketPhaseNew
func firstPhase(a *plan.Aggregate) []jen.Code {
	if a.Lifecycle == nil {
		return nil
	}
	return []jen.Code{jen.Id("v").Dot(a.Lifecycle.Field).Op("=").Id(a.Lifecycle.PhaseConst(0))}
}

// moves emits
//
//	var ticketMoves = aggregate.Moves[TicketPhase]{
//		"TicketStarted": {TicketPhaseNew, TicketPhaseStalled},
//	}
func (e *emitter) moves(f *jen.File, a *plan.Aggregate) {
	l := a.Lifecycle
	if l == nil || !l.Checks {
		return
	}
	fileComments(f, l.Moves+" says in which phases new events can happen.")
	f.Var().Id(l.Moves).Op("=").Qual(aggregatePath, "Moves").Types(jen.Id(l.Phase.Name)).
		Add(jen.CustomFunc(jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true}, func(g *jen.Group) {
			for _, ev := range a.Events {
				if ev.Checked() {
					g.Lit(ev.Wire).Op(":").Values(ids(l.PhaseConsts(ev.Moves.From))...)
				}
			}
		}))
	f.Line()
}

// admits emits
//
//	func(s *TicketState, event string) error {
//		return ticketMoves.Check(s.Phase, event)
//	}
func (l lifecycle) admits() *jen.Statement {
	return jen.Func().Params(jen.Id("s").Op("*").Id(l.State), jen.Id("event").String()).Error().Block(
		jen.Return(jen.Id(l.Lifecycle.Moves).Dot("Check").Call(jen.Id("s").Dot(l.Lifecycle.Field), jen.Id("event"))))
}

// lifecycle is an aggregate that has phases.
type lifecycle struct{ *plan.Aggregate }

// guard emits
//
//	func ticketInPhase(s *TicketState, command string, allowed ...TicketPhase) error {
//		if slices.Contains(allowed, s.Phase) {
//			return nil
//		}
//		return TicketNotInPhase{Command: command, Phase: s.Phase, Allowed: allowed}
//	}
func (e *emitter) guard(f *jen.File, a *plan.Aggregate) {
	l := a.Lifecycle
	if l == nil || !l.Guards {
		return
	}
	phase := jen.Id("s").Dot(l.Field)
	fileComments(f, l.Guard+" rejects a command that can't be given in the phase that the "+a.Name+" is in.")
	f.Func().Id(l.Guard).Params(
		jen.Id("s").Op("*").Id(a.State), jen.Id("command").String(), jen.Id("allowed").Op("...").Id(l.Phase.Name),
	).Error().Block(
		jen.If(jen.Qual("slices", "Contains").Call(jen.Id("allowed"), phase.Clone())).Block(jen.Return(jen.Nil())),
		jen.Return(jen.Id(l.NotInPhase.Go).Add(inline([]entry{
			{l.NotInPhase.Fields[0].Go, jen.Id("command")}, {l.NotInPhase.Fields[1].Go, phase}, {l.NotInPhase.Fields[2].Go, jen.Id("allowed")},
		}))),
	)
	f.Line()
}

// guardFunc emits
//
//	func(s *TicketState) error {
//		return ticketInPhase(s, "CloseTicket", TicketPhaseNew)
//	}
func (l lifecycle) guardFunc(c *plan.Command) *jen.Statement {
	args := append([]jen.Code{jen.Id("s"), jen.Lit(c.Name)}, ids(l.Lifecycle.PhaseConsts(c.In))...)
	return jen.Func().Params(jen.Id("s").Op("*").Id(l.State)).Error().Block(
		jen.Return(jen.Id(l.Lifecycle.Guard).Call(args...)))
}

// phaseRejection emits the message of a command in the wrong phase:
//
//	func (r TicketNotInPhase) Error() string {
//		return aggregate.NotInPhase("Ticket", r.Command, r.Phase, r.Allowed)
//	}
func (e *emitter) phaseRejection(f *jen.File, r *plan.Rejection) {
	args := []jen.Code{jen.Lit(r.Aggregate.Name)}
	for _, field := range r.Fields {
		args = append(args, jen.Id("r").Dot(field.Go))
	}
	f.Comment("// Error names the phase, and those in which the command can be given.")
	f.Func().Params(jen.Id("r").Id(r.Go)).Id("Error").Params().String().Block(
		jen.Return(jen.Qual(aggregatePath, "NotInPhase").Call(args...)))
	f.Line()
}

// phaseDoc says, for the doc of a command, in which phases it can be given.
func phaseDoc(a *plan.Aggregate, c *plan.Command) string {
	if !c.Guarded() {
		return ""
	}
	names := a.Aggregate.Lifecycle.Names(c.In)
	return " In another phase than " + strings.Join(names, ", ") + " it is a " + a.Lifecycle.NotInPhase.Go + "."
}

func ids(names []string) []jen.Code {
	codes := make([]jen.Code, len(names))
	for i, n := range names {
		codes[i] = jen.Id(n)
	}
	return codes
}
