package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// replayRows emits
//
//	func TestReplayRows(t *testing.T) {
//		cqrstest.ReplayRows(t, func(in cqrstest.Replaying) []projection.Runner {
//			return []projection.Runner{
//				newBalanceByCurrencyModel(in.Group, in.Rows, scenarioProjections.BalanceByCurrency).Projector(),
//			}
//		}, cqrstest.History{…})
//	}
func (e *emitter) replayRows(f *jen.File) {
	fileComments(f, plan.ReplayRowsTest+" folds a random history into the rows of each projection, in several ways: in other"+
		" batches, from checkpoints on, in several parts at the same time. The same rows must come of it.")
	runners := jen.Index().Qual(projectionPath, "Runner")
	f.Func().Id(plan.ReplayRowsTest).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Qual(cqrstestPath, "ReplayRows").Call(jen.Id("t"),
			jen.Func().Params(jen.Id("in").Qual(cqrstestPath, "Replaying")).Add(runners).Block(
				jen.Return(runners.Clone().CustomFunc(listing(true), func(g *jen.Group) {
					for _, p := range e.Projections {
						g.Add(e.replayedModel(p))
					}
				})),
			),
			jen.Qual(cqrstestPath, "History").Add(literal(e.replayHistory())),
		),
	)
	f.Line()
}

// replayedModel emits newBalanceByCurrencyModel(in.Group, in.Rows, scenarioProjections.BalanceByCurrency).Projector().
func (e *emitter) replayedModel(p *plan.Projection) *jen.Statement {
	_, team := e.replayTeamVars()
	return jen.Id("new" + p.Model).CallFunc(func(g *jen.Group) {
		g.Id("in").Dot("Group")
		g.Id("in").Dot("Rows")
		if p.InGo {
			g.Id(team).Dot(p.Team)
		}
		if p.Reveals() {
			g.Id("in").Dot("Keys")
		}
	}).Dot("Projector").Call()
}

func (e *emitter) replayHistory() []entry {
	history := []entry{{"Streams", jen.Index().Qual(cqrstestPath, "Streams").CustomFunc(listing(true), func(g *jen.Group) {
		for _, a := range e.Aggregates {
			g.Add(e.replayStreams(a))
		}
	})}}
	if e.HasReplayValues() {
		history = append(history, entry{"Values", jen.Id(plan.ReplayValues)})
	}
	return history
}

// replayStreams emits
//
//	cqrstest.StreamsOf[AccountID]("Account", new(MoneyDeposited), cqrstest.Older[MoneyDepositedV1]("MoneyDeposited", 1)).
//		Starting(new(AccountOpened))
func (e *emitter) replayStreams(a *plan.Aggregate) *jen.Statement {
	first, later := e.Starts(a)
	streams := jen.Qual(cqrstestPath, "SingleStream")
	if a.ID != nil {
		streams = jen.Qual(cqrstestPath, "StreamsOf").Types(jen.Id(a.ID.Name))
	}
	var events []jen.Code
	for _, ev := range later {
		events = append(append(events, jen.New(jen.Id(ev.Go))), e.pastVersions(ev)...)
	}
	for _, f := range a.Former {
		events = append(events, e.pastVersions(f.Event)...)
		events = append(events, older(jen.Id(f.Go), f.Event, f.Version))
	}
	streams.Call(arguments(jen.Lit(a.Name), events))
	if len(first) == 0 {
		return streams
	}
	var starts []jen.Code
	for _, ev := range first {
		starts = append(append(starts, jen.New(jen.Id(ev.Go))), e.pastVersions(ev)...)
	}
	return streams.Dot("Starting").Call(arguments(nil, starts))
}

// pastVersions are those of an event that nothing writes any more.
func (e *emitter) pastVersions(ev *plan.Event) (list []jen.Code) {
	for _, s := range ev.Past() {
		typ := jen.Id(s.Go)
		if s.Go == "" {
			typ = jen.StructFunc(func(g *jen.Group) { e.structFields(g, s.Fields) })
		}
		list = append(list, older(typ, ev, s.Version))
	}
	return list
}

func older(typ *jen.Statement, ev *plan.Event, version int) *jen.Statement {
	return jen.Qual(cqrstestPath, "Older").Types(typ).Call(jen.Lit(ev.Wire), jen.Lit(version))
}
