package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// deciders emits deciders_gen.go: what the team implements for each aggregate, and the state that it is given.
func (e *emitter) deciders(f *jen.File) {
	for _, a := range e.Aggregates {
		fileComments(f, a.State+" is what the events of one "+a.Name+" add up to: all that its deciders can know.")
		e.strct(f, a.State, a.StateFields)
		e.initFunc(f, a.State, a.StateFields, firstPhase(a)...)
		e.decider(f, a)
	}
	f.Comment("// Deciders has the team's deciders.")
	f.Type().Id("Deciders").StructFunc(func(g *jen.Group) {
		for _, a := range e.Aggregates {
			g.Id(a.Decider).Id(a.Decider)
		}
	})
	f.Line()
}

// decider emits the interface and the line that makes the compiler say what is missing:
//
//	type AccountDecider interface {
//		OpenAccount(c OpenAccount, m cqrs.CommandMeta) (AccountOpened, error)
//		Withdraw(s AccountState, c Withdraw, m cqrs.CommandMeta) (MoneyWithdrawn, error)
//		ApplyMoneyWithdrawn(s *AccountState, e *MoneyWithdrawn) error
//	}
//
//	var _ AccountDecider = (*Account)(nil)
func (e *emitter) decider(f *jen.File, a *plan.Aggregate) {
	fileComments(f, doc(a.Interface+" is what "+a.Decider+" decides and how its events change its state."+
		" All methods are pure: no I/O, no clock, no randomness, and no change to what they are given, but for the state that an Apply method is there to change."+
		" They may be called again for the same command, and concurrently.", a.Doc))
	f.Type().Id(a.Interface).InterfaceFunc(func(g *jen.Group) {
		for _, c := range a.CommandList {
			comments(g, deciderDoc(c))
			g.Id(c.Method).Params(deciderParams(a, c)...).Params(jen.Id(c.Result), jen.Error())
		}
		for _, ev := range a.Events {
			if ev.Fold != nil {
				continue
			}
			comments(g, ev.Apply+" changes the state as the event says.")
			g.Id(ev.Apply).Params(jen.Id("s").Op("*").Id(a.State), jen.Id("e").Op("*").Id(ev.Go)).Error()
		}
	})
	f.Line()
	f.Var().Id("_").Id(a.Interface).Op("=").Parens(jen.Op("*").Id(a.Decider)).Call(jen.Nil())
	f.Line()
}

func deciderParams(a *plan.Aggregate, c *plan.Command) []jen.Code {
	params := []jen.Code{jen.Id("s").Id(a.State)}
	if c.Creates == model.MustBeNew {
		params = nil
	}
	params = append(params, alsoParam(c)...)
	return append(params, jen.Id("c").Id(c.Go), jen.Id("m").Qual(cqrsPath, "CommandMeta"))
}

func deciderDoc(c *plan.Command) string {
	s := c.Method + " decides the command"
	if c.Creates == model.MustBeNew {
		s += " on a new stream"
	}
	var rejects []string
	for _, r := range c.Rejects {
		if r.Generated {
			continue
		}
		rejects = append(rejects, plan.RejectionGo(r))
	}
	if len(rejects) > 0 {
		s += ". It may reject it with " + strings.Join(rejects, " or ")
	}
	return s + "."
}

// initFunc emits, for a struct with maps or sets, the function that makes them, so that a fold can write to them at once:
//
//	func initAccountState(v *AccountState) {
//		v.Balances = map[Currency]int64{}
//	}
func (e *emitter) initFunc(f *jen.File, name string, fields []*plan.Field, first ...jen.Code) {
	if !hasMaps(fields) && len(first) == 0 {
		return
	}
	f.Func().Id("init" + name).Params(jen.Id("v").Op("*").Id(name)).BlockFunc(func(g *jen.Group) {
		for _, c := range first {
			g.Add(c)
		}
		e.initMaps(g, id("v"), fields)
	})
	f.Line()
}

func (e *emitter) initMaps(g *jen.Group, x expr, fields []*plan.Field) {
	for _, field := range fields {
		switch {
		case field.Personal: // which never changes in place
		case field.Type.Kind == model.Map, field.Type.Kind == model.Set:
			g.Add(x()).Dot(field.Go).Op("=").Add(e.goType(&field.Type)).Values()
		case isStruct(&field.Type):
			e.initMaps(g, at(x, field.Go), e.NamedOf(field.Type.Named).Fields)
		}
	}
}

func hasMaps(fields []*plan.Field) bool {
	for _, f := range fields {
		if holdsMap(&f.Type) {
			return true
		}
	}
	return false
}

func holdsMap(t *model.Type) bool {
	if t.Kind == model.Map || t.Kind == model.Set {
		return true
	}
	if isStruct(t) {
		for _, f := range t.Named.Fields {
			if holdsMap(&f.Type) {
				return true
			}
		}
	}
	return false
}

// initOf is the function that makes a struct's maps, or nil.
func initOf(name string, fields []*plan.Field) *jen.Statement {
	if hasMaps(fields) {
		return jen.Id("init" + name)
	}
	return nil
}
