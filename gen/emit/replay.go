package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// replay emits replay_gen_test.go: that the team's functions do the same again.
//
//	func TestReplay(t *testing.T) {
//		cqrstest.Replay(t, map[string]any{
//			"Account.ApplyMoneyWithdrawn": scenarioDeciders.Account.ApplyMoneyWithdrawn,
//		}, CurrencyEUR, CurrencyGBP, CurrencyUSD)
//	}
func (e *emitter) replay(f *jen.File) {
	deciders, projections := plan.ScenarioDeciders, plan.ScenarioProjections
	if len(e.Model.Scenarios) == 0 {
		deciders, projections = plan.ReplayDeciders, plan.ReplayProjections
		e.replayTeam(f)
	}
	fileComments(f, plan.ReplayTest+" calls what the team wrote of folds with random values, twice: the same must come of it."+
		" "+"Nothing but the state or row that it is given may change.")
	f.Func().Id(plan.ReplayTest).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.Qual(cqrstestPath, "Replay").CallFunc(func(g *jen.Group) {
			g.Id("t")
			g.Map(jen.String()).Any().CustomFunc(listing(true), func(g *jen.Group) {
				for _, r := range e.Functions() {
					g.Lit(r.String()).Op(":").Add(e.ofTeam(r, deciders, projections)).Dot(r.Name)
				}
			})
			for _, t := range e.Types {
				if t.Kind == model.Enum {
					for _, v := range t.Values {
						g.Id(v.Go)
					}
				}
			}
		}),
	)
}

// replayTeam emits what functions are called on where there are no scenarios:
//
//	var replayDeciders Deciders
func (e *emitter) replayTeam(f *jen.File) {
	fileComments(f, "What the functions are called on. Where the team's types have fields that must be set, a test file of"+
		" the package sets them here, in an init function.")
	f.Var().DefsFunc(func(g *jen.Group) {
		for _, r := range e.Functions() {
			if e.isDecider(r) {
				g.Id(plan.ReplayDeciders).Id("Deciders")
				break
			}
		}
		if e.ProjectionsInGo() {
			g.Id(plan.ReplayProjections).Id("Projections")
		}
	})
	f.Line()
}

func (e *emitter) isDecider(r meaning.Root) bool {
	for _, a := range e.Aggregates {
		if a.Decider == r.Type {
			return true
		}
	}
	return false
}

// ofTeam is the value that has a method of the team's.
func (e *emitter) ofTeam(r meaning.Root, deciders, projections string) *jen.Statement {
	switch {
	case r.Type == plan.Upcasters && e.HasUpcasters():
		return jen.Id(plan.UpcastersVar)
	case e.isDecider(r):
		return jen.Id(deciders).Dot(r.Type)
	}
	return jen.Id(projections).Dot(r.Type)
}
