package emit

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// scenarios emits scenarios_gen_test.go: the scenarios as a table test.
func (e *emitter) scenarios(f *jen.File) {
	e.scenarioTeam(f)
	e.newScenario(f)
	e.scenarioTest(f)
}

// scenarioTeam emits
//
//	var (
//		scenarioDeciders    Deciders
//		scenarioProjections Projections
//	)
func (e *emitter) scenarioTeam(f *jen.File) {
	fileComments(f, "What the scenarios run with. Where the team's types have fields that must be set, a test file of"+
		" the package sets them here, in an init function.")
	f.Var().DefsFunc(func(g *jen.Group) {
		g.Id(plan.ScenarioDeciders).Id("Deciders")
		if e.ProjectionsInGo() {
			g.Id(plan.ScenarioProjections).Id("Projections")
		}
	})
	f.Line()
}

// newScenario emits
//
//	func newScenario(t *testing.T, line int) *cqrstest.Scenario[*App] {
//		return cqrstest.New(t, func(e cqrstest.Env) (*App, error) {
//			return New(e.Context, e.Store, e.Rows, scenarioDeciders, scenarioProjections, e.Options...)
//		}).From("ledger.cqrs.yaml", line)
//	}
func (e *emitter) newScenario(f *jen.File) {
	env := func(field string) *jen.Statement { return jen.Id("e").Dot(field) }
	open := jen.Return(jen.Id("New").CallFunc(func(g *jen.Group) {
		for _, arg := range []jen.Code{env("Context"), env("Store"), env("Rows"), jen.Id(plan.ScenarioDeciders)} {
			g.Add(arg)
		}
		if e.ProjectionsInGo() {
			g.Id(plan.ScenarioProjections)
		}
		g.Add(env("Options").Op("..."))
	}))
	if len(e.Projections) == 0 {
		open = jen.Return(jen.Id("New").Call(env("Store"), jen.Id(plan.ScenarioDeciders), env("Options").Op("...")), jen.Nil())
		if e.Personal() {
			open = jen.Return(jen.Id("New").Call(env("Context"), env("Store"), jen.Id(plan.ScenarioDeciders), env("Options").Op("...")))
		}
	}
	f.Comment("// " + plan.ScenarioNew + " opens the bounded context over memory.")
	function(f, nil, plan.ScenarioNew, []jen.Code{
		jen.Id("t").Op("*").Qual("testing", "T"), jen.Id("line").Int(),
	}, e.scenarioType()).Block(
		jen.Id("t").Dot("Helper").Call(),
		jen.Return(jen.Qual(cqrstestPath, "New").Call(jen.Id("t"),
			jen.Func().Params(jen.Id("e").Qual(cqrstestPath, "Env")).Params(jen.Op("*").Id("App"), jen.Error()).Block(open),
		).Dot("From").Call(jen.Lit(e.Model.File), jen.Id("line"))),
	)
	f.Line()
}

func (e *emitter) scenarioType() *jen.Statement {
	return jen.Op("*").Qual(cqrstestPath, "Scenario").Types(jen.Op("*").Id("App"))
}

// scenarioTest emits
//
//	func TestScenarios(t *testing.T) {
//		for _, c := range []struct {
//			line int
//			name string
//			run  func(*cqrstest.Scenario[*App])
//		}{
//			{93, "Money comes in", func(s *cqrstest.Scenario[*App]) { … }},
//		} {
//			t.Run(c.name, func(t *testing.T) { c.run(newScenario(t, c.line)) })
//		}
//	}
func (e *emitter) scenarioTest(f *jen.File) {
	f.Comment("// " + plan.ScenarioTest + " runs the scenarios of the model.")
	f.Func().Id(plan.ScenarioTest).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
		jen.For(jen.List(jen.Id("_"), jen.Id("c")).Op(":=").Range().Index().Struct(
			jen.Id("line").Int(), jen.Id("name").String(), jen.Id("run").Func().Params(e.scenarioType()),
		).CustomFunc(listing(true), func(g *jen.Group) {
			for _, s := range e.Model.Scenarios {
				g.Values(e.line(s.At), jen.Lit(s.Name),
					jen.Func().Params(jen.Id("s").Add(e.scenarioType())).BlockFunc(func(g *jen.Group) { e.scenario(g, s) }))
			}
		})).Block(
			jen.Id("t").Dot("Run").Call(jen.Id("c").Dot("name"), jen.Func().Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(
				jen.Id("c").Dot("run").Call(jen.Id(plan.ScenarioNew).Call(jen.Id("t"), jen.Id("c").Dot("line"))))),
		),
	)
	f.Line()
}

// line is the line of the file in which something stands.
func (e *emitter) line(at diag.Span) *jen.Statement {
	_, line := e.Model.Place(at)
	return jen.Lit(line)
}

// scenario emits the steps of one scenario:
//
//	s.Given("Account/account-1", &AccountOpened{Owner: "Ada"})
//	s.When(cqrstest.Do(s.App.Account.Deposit, "account-1", Deposit{…}))
//	s.Line(97).Then(cqrstest.Event(&MoneyDeposited{…}).Except("reference"))
func (e *emitter) scenario(g *jen.Group, s *model.Scenario) {
	step := jen.Id("s").Clone
	if s.Doc != "" {
		comments(g, s.Doc)
	}
	if file, line := e.Model.Place(s.At); file != e.Model.File {
		g.Add(step()).Dot("From").Call(jen.Lit(file), jen.Lit(line))
	}
	if s.Time != "" {
		at, _ := time.Parse(time.RFC3339Nano, s.Time)
		g.Add(step()).Dot("At").Call(timeValue(at))
	}
	for _, given := range s.Given {
		var events []jen.Code
		for _, x := range given.Events {
			events = append(events, e.givenEvent(x))
		}
		g.Add(step()).Dot("Given").Call(arguments(jen.Lit(given.Stream.Name()), events))
	}
	if s.When != nil {
		g.Add(step()).Dot("When").Call(e.execution(s.When))
	}
	if s.Then != nil {
		e.outcome(g, s.Then)
	}
	for _, rows := range s.Rows {
		e.scenarioRows(g, rows)
	}
}

// arguments are those of a call: the first beside the name, the others on lines of their own if there are several.
func arguments(first jen.Code, others []jen.Code) *jen.Statement {
	return jen.ListFunc(func(g *jen.Group) {
		if first != nil {
			g.Add(first)
		}
		for _, x := range others {
			if len(others) == 1 {
				g.Add(x)
			} else {
				g.Line().Add(x)
			}
		}
		if len(others) > 1 {
			g.Line()
		}
	})
}

// givenEvent is an event that happened. One of an older version is written as it was stored.
func (e *emitter) givenEvent(x model.ScenarioEvent) *jen.Statement {
	if x.Version == x.Event.Version && !slices.Contains(x.Event.Aggregate.Former, x.Event) {
		return e.eventValue(x)
	}
	text := raw(storedJSON(x.Fields))
	if json := storedJSON(x.Fields); strings.Contains(json, "`") { // which a type of a Go package may have
		text = jen.Lit(json)
	}
	return jen.Qual(cqrstestPath, "Stored").Call(jen.Lit(x.Event.Wire), jen.Lit(x.Version), text)
}

func (e *emitter) eventValue(x model.ScenarioEvent) *jen.Statement {
	return jen.Op("&").Id(e.EventOf(x.Event).Go).Add(e.fieldValues(x.Fields.Fields))
}

func (e *emitter) execution(x *model.Execution) *jen.Statement {
	c := e.CommandOf(x.Command)
	execute := jen.Id("s").Dot("App").Dot(x.Stream.Aggregate.Name).Dot(c.Method)
	command := jen.Id(c.Go).Add(e.fieldValues(x.Fields.Fields))
	if x.Stream.ID == nil {
		return jen.Qual(cqrstestPath, "DoSingle").Call(execute, command)
	}
	return jen.Qual(cqrstestPath, "Do").Call(execute, e.value(x.Stream.ID), command)
}

// outcome emits what the command leads to.
func (e *emitter) outcome(g *jen.Group, o *model.Outcome) {
	at := jen.Id("s").Dot("Line").Call(e.line(o.At))
	if o.Rejection != nil {
		r := e.RejectionOf(o.Rejection)
		args := []jen.Code{jen.Id(r.Go).Add(e.fieldValues(o.Fields.Fields))}
		g.Add(at).Dot("ThenRejected").Call(append(args, literals(leftOut("", o.Rejection.Fields, o.Fields))...)...)
		return
	}
	var events []jen.Code
	for _, stream := range o.Events {
		for _, x := range stream.Events {
			event := jen.Qual(cqrstestPath, "Event").Call(e.eventValue(x)).Dot("On").Call(jen.Lit(stream.Stream.Name()))
			events = append(events, then(event, e.line(x.At), leftOut("", x.Event.Fields, x.Fields)))
		}
	}
	g.Add(at).Dot("Then").CallFunc(func(g *jen.Group) {
		for _, x := range events {
			g.Line().Add(x)
		}
		if len(events) > 0 {
			g.Line()
		}
	})
}

func (e *emitter) scenarioRows(g *jen.Group, rows model.ScenarioRows) {
	p := e.ProjectionOf(rows.Projection)
	columns := append(append([]*model.Field(nil), rows.Projection.Key...), rows.Projection.Row...)
	var list []jen.Code
	for _, row := range rows.Rows {
		key, others := split(row.Fields, rows.Projection.Key)
		x := jen.Qual(cqrstestPath, "Row").Call(
			jen.Id(p.Key).Add(e.fieldValues(key)), jen.Id(p.Row).Add(e.fieldValues(others)))
		list = append(list, jen.Line().Add(then(x, e.line(row.At), leftOut("", columns, row))))
	}
	if len(list) > 0 {
		list = append(list, jen.Line())
	}
	g.Id("s").Dot("Line").Call(e.line(rows.At)).Dot("ThenRows").Call(
		jen.Qual(cqrstestPath, "Rows").Call(append([]jen.Code{jen.Id("s").Dot("App").Dot(p.Name)}, list...)...))
}

// then says, on lines of their own, where an expectation stands and what it leaves out.
func then(x *jen.Statement, line jen.Code, except []string) *jen.Statement {
	x.Op(".").Line().Id("Line").Call(line)
	if len(except) == 0 {
		return x
	}
	width := 0
	for _, path := range except {
		width += len(path) + 4
	}
	if width > mostWidth {
		return x.Op(".").Line().Id("Except").Call(arguments(nil, literals(except)))
	}
	return x.Dot("Except").Call(literals(except)...)
}

// split parts the values of the key's fields from the others.
func split(values []model.FieldValue, key []*model.Field) (in, out []model.FieldValue) {
	for _, v := range values {
		isKey := false
		for _, f := range key {
			isKey = isKey || f == v.Field
		}
		if isKey {
			in = append(in, v)
		} else {
			out = append(out, v)
		}
	}
	return in, out
}

func literals(texts []string) []jen.Code {
	codes := make([]jen.Code, len(texts))
	for i, text := range texts {
		codes[i] = jen.Lit(text)
	}
	return codes
}

// leftOut returns the paths of the fields that an expectation does not mention.
func leftOut(path string, fields []*model.Field, v *model.Value) []string {
	var paths []string
	for _, f := range fields {
		below := f.Name
		if path != "" {
			below = path + "." + f.Name
		}
		if x := v.Field(f); x != nil {
			paths = append(paths, leftOutOf(below, x)...)
		} else {
			paths = append(paths, below)
		}
	}
	return paths
}

func leftOutOf(path string, v *model.Value) []string {
	if isStruct(&v.Type) {
		return leftOut(path, v.Type.Named.Fields, v)
	}
	var paths []string
	for i, x := range v.Items {
		below := path
		if v.Type.Kind == model.List {
			below += "[" + strconv.Itoa(i) + "]"
		}
		paths = append(paths, leftOutOf(below, x)...)
	}
	for _, x := range v.Entries {
		paths = append(paths, leftOutOf(path+"."+x.Key.Text, x.Value)...)
	}
	return paths
}
