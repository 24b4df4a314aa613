package plan

import (
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Names of the generated tests, in the test files of the package.
const (
	ScenarioTest        = "TestScenarios"
	ScenarioNew         = "newScenario"
	ScenarioDeciders    = "scenarioDeciders"
	ScenarioProjections = "scenarioProjections"
)

// lookups leads from elements of the model to what is planned for them.
type lookups struct {
	events      map[*model.Event]*Event
	commands    map[*model.Command]*Command
	rejections  map[*model.Rejection]*Rejection
	projections map[*model.Projection]*Projection
}

func (p *Plan) newLookups() {
	p.of = lookups{
		events: map[*model.Event]*Event{}, commands: map[*model.Command]*Command{},
		rejections: map[*model.Rejection]*Rejection{}, projections: map[*model.Projection]*Projection{},
	}
	for _, a := range p.Aggregates {
		for _, e := range a.Events {
			p.of.events[e.Event] = e
		}
		for _, c := range a.CommandList {
			p.of.commands[c.Command] = c
		}
		for _, r := range a.Rejections {
			p.of.rejections[r.Rejection] = r
		}
	}
	for _, pr := range p.Projections {
		p.of.projections[pr.Projection] = pr
	}
}

// EventOf returns the plan of an event, and the others that of theirs.
func (p *Plan) EventOf(m *model.Event) *Event { return p.of.events[m] }

// CommandOf returns the plan of a command.
func (p *Plan) CommandOf(m *model.Command) *Command { return p.of.commands[m] }

// RejectionOf returns the plan of a rejection.
func (p *Plan) RejectionOf(m *model.Rejection) *Rejection { return p.of.rejections[m] }

// ProjectionOf returns the plan of a projection.
func (p *Plan) ProjectionOf(m *model.Projection) *Projection { return p.of.projections[m] }

// scenarioNames enters the names of the generated tests, where there are some.
func (p *Plan) scenarioNames(s *scope) {
	if len(p.Model.Scenarios) == 0 {
		return
	}
	for _, n := range []string{ScenarioTest, ScenarioNew, ScenarioDeciders, ScenarioProjections} {
		s.add(n, "the test of the scenarios", diag.Span{})
	}
}
