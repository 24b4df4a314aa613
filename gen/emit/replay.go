package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// replay emits replay_gen_test.go: that the team's functions do the same again, and that folds make the same rows.
func (e *emitter) replay(f *jen.File) {
	if len(e.Model.Scenarios) == 0 && len(e.Functions()) > 0 {
		e.replayTeam(f)
	}
	if e.HasReplayValues() {
		e.replayValues(f)
	}
	if len(e.Functions()) > 0 {
		e.replayFunctions(f)
	}
	if len(e.Projections) > 0 {
		e.replayRows(f)
	}
}

// replayTeamVars are the variables that have what the team wrote.
func (e *emitter) replayTeamVars() (deciders, projections string) {
	if len(e.Model.Scenarios) == 0 {
		return plan.ReplayDeciders, plan.ReplayProjections
	}
	return plan.ScenarioDeciders, plan.ScenarioProjections
}

// replayFunctions emits
//
//	func TestReplay(t *testing.T) {
//		cqrstest.Replay(t, map[string]any{
//			"Account.ApplyMoneyWithdrawn": scenarioDeciders.Account.ApplyMoneyWithdrawn,
//		}, replayValues...)
//	}
func (e *emitter) replayFunctions(f *jen.File) {
	deciders, projections := e.replayTeamVars()
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
			if e.HasReplayValues() {
				g.Id(plan.ReplayValues).Op("...")
			}
		}),
	)
	f.Line()
}

// replayValues emits
//
//	var replayValues = []any{
//		CurrencyEUR, CurrencyGBP, CurrencyUSD,
//		cqrstest.Matching[AccountID]("^[a-z0-9-]{1,64}$"),
//	}
func (e *emitter) replayValues(f *jen.File) {
	fileComments(f, plan.ReplayValues+" are those that types of a few values have, and the rules of other types.")
	f.Var().Id(plan.ReplayValues).Op("=").Index().Any().CustomFunc(listing(true), func(g *jen.Group) {
		for _, t := range e.Types {
			low, high, bounded := t.Bounds()
			switch {
			case t.Kind == model.Enum:
				g.ListFunc(func(g *jen.Group) {
					for _, v := range t.Values {
						g.Id(v.Go)
					}
				})
			case t.DrawnPattern() != "":
				g.Qual(cqrstestPath, "Matching").Types(jen.Id(t.Name)).Call(jen.Lit(t.DrawnPattern()))
			case bounded:
				g.Qual(cqrstestPath, "Between").Types(jen.Id(t.Name)).Call(jen.Lit(int(low)), jen.Lit(int(high)))
			}
		}
	})
	f.Line()
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
