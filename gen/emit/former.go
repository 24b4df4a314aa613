package emit

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// former emits the type of an event that is read as others. It has no way to be stored.
func (e *emitter) former(f *jen.File, ev *plan.Former) {
	fileComments(f, doc(ev.Go+" was an event of "+ev.Aggregate.Name+". There are older ones, and no new ones.", ev.Doc))
	e.strct(f, ev.Go, ev.Fields)
	f.Comment("// EventType returns the event's name in the log.")
	f.Func().Params(jen.Op("*").Id(ev.Go)).Id("EventType").Params().String().Block(jen.Return(jen.Lit(ev.Wire)))
	f.Line()
}

// formerCodec emits how a former event is read.
func (e *emitter) formerCodec(f *jen.File, ev *plan.Former) {
	e.decodeMethods(f, ev.Event)
	e.readMethod(f, ev.Go, ev.Fields)
}

func formerDoc(ev *plan.Former) string {
	return fmt.Sprintf("%s turns an older event into what it is read as.", ev.Go)
}

// parts emits what the team's code returns for a former event, and the method that calls it:
//
//	type AdjustedParts struct {
//		Deposited Deposited
//		Charged   cqrs.Optional[Charged]
//	}
//
//	func (v *Adjusted) Events() ([]AccountEvent, error)
func (e *emitter) parts(f *jen.File, ev *plan.Former) {
	if len(ev.Becomes) == 0 {
		return
	}
	if !ev.Single {
		fileComments(f, ev.Result+" has the events that an older "+ev.Go+" is read as, in the order of its fields.")
		f.Type().Id(ev.Result).StructFunc(func(g *jen.Group) {
			for _, em := range ev.Becomes {
				g.Id(em.Go).Add(resultType(em))
			}
		})
		f.Line()
	}
	set := jen.Id(ev.Aggregate.Event)
	fileComments(f, "Events returns the events that this one is read as. They have its position and its version.")
	f.Func().Params(jen.Id("v").Op("*").Id(ev.Go)).Id("Events").Params().
		Params(jen.Index().Add(set.Clone()), jen.Error()).BlockFunc(func(g *jen.Group) {
		g.List(jen.Id("r"), jen.Err()).Op(":=").Id(plan.UpcastersVar).Dot(ev.Go).Call(jen.Op("*").Id("v"))
		g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), upcastError(ev.Event, ev.Version, jen.Err())))
		if ev.Single {
			g.Return(jen.Index().Add(set).Values(jen.Op("&").Id("r")), jen.Nil())
			return
		}
		e.collectParts(g, ev)
		g.Return(jen.Id("events"), jen.Nil())
	})
	f.Line()
}

// collectParts emits what puts the parts of a former event into one list.
func (e *emitter) collectParts(g *jen.Group, ev *plan.Former) {
	g.Var().Id("events").Index().Id(ev.Aggregate.Event)
	add := func(g *jen.Group, x jen.Code) {
		g.Id("events").Op("=").Append(jen.Id("events"), jen.Op("&").Add(x))
	}
	for _, em := range ev.Becomes {
		part := jen.Id("r").Dot(em.Go)
		switch em.Times {
		case model.Maybe:
			g.If(jen.List(jen.Id("e"), jen.Id("ok")).Op(":=").Add(part).Dot("Get").Call(), jen.Id("ok")).
				BlockFunc(func(g *jen.Group) { add(g, jen.Id("e")) })
		case model.Some, model.Many:
			if em.Times == model.Some {
				missing := jen.Qual("errors", "New").Call(jen.Lit("there is no " + em.Events[0].Name + ", of which it becomes some"))
				g.If(jen.Len(part.Clone()).Op("==").Lit(0)).Block(jen.Return(jen.Nil(), upcastError(ev.Event, ev.Version, missing)))
			}
			g.For(jen.Id("i").Op(":=").Range().Add(part.Clone())).
				BlockFunc(func(g *jen.Group) { add(g, part.Clone().Index(jen.Id("i"))) })
		default:
			add(g, part)
		}
	}
}

// upcastError is the error about an older event that the team's code refused.
func upcastError(ev *plan.Event, version int, err jen.Code) *jen.Statement {
	return jen.Op("&").Qual(cqrsPath, "UpcastError").Add(inline([]entry{
		{"Type", jen.Lit(ev.Name)}, {"Version", jen.Lit(version)}, {"Err", jen.Add(err)},
	}))
}

// formerCase emits what happens with a stored event that is read as others: each of them is given to call.
func formerCase(g *jen.Group, recv string, ev *plan.Former, call *jen.Statement) {
	if len(ev.Becomes) == 0 {
		g.Return(jen.Id("rec").Dot("CheckVersion").Call(jen.Lit(ev.Version)))
		return
	}
	g.Var().Id("old").Id(ev.Go)
	fails := func(err *jen.Statement) *jen.Statement {
		return jen.If(jen.Err().Op(":=").Add(err), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	}
	decode := jen.Id("old").Dot("DecodeRecord").Call(jen.Id("rec"), jen.Qual(jsoncodecPath, "CopyStrings"))
	if ev.Personal() {
		decode = jen.Id("old").Dot("DecodeSealed").Call(jen.Id("rec"), jen.Qual(jsoncodecPath, "CopyStrings"), jen.Id(recv).Dot("coder"))
	}
	g.Add(fails(decode))
	g.List(jen.Id("events"), jen.Err()).Op(":=").Id("old").Dot("Events").Call()
	g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	g.For(jen.List(jen.Id("_"), jen.Id("e")).Op(":=").Range().Id("events")).Block(fails(call))
	g.Return(jen.Nil())
}

// partSwitch emits the switch over the events that older ones are read as.
func partSwitch(g *jen.Group, events []*plan.Event, used bool, body func(*jen.Group, *plan.Event)) {
	of := jen.Id("part").Assert(jen.Type())
	if used {
		of = jen.Id("e").Op(":=").Add(of)
	}
	g.Switch(of).BlockFunc(func(g *jen.Group) {
		for _, ev := range events {
			g.Case(jen.Op("*").Id(ev.Go)).BlockFunc(func(g *jen.Group) { body(g, ev) })
		}
	})
	g.Return(jen.Nil())
}

// applyPart emits how an aggregate applies what an older event is read as.
func (e *emitter) applyPart(f *jen.File, a *plan.Aggregate) {
	events := a.Successors()
	if len(events) == 0 {
		return
	}
	fileComments(f, "applyPart applies one of the events that a stored one is read as.")
	function(f, jen.Id("f").Op("*").Id(a.Fold), "applyPart", []jen.Code{
		jen.Id("s").Op("*").Id(a.State), jen.Id("rec").Op("*").Qual(cqrsPath, "Record"), jen.Id("part").Id(a.Event),
	}, jen.Error()).BlockFunc(func(g *jen.Group) {
		partSwitch(g, events, slices.ContainsFunc(events, (*plan.Event).Decoded),
			func(g *jen.Group, ev *plan.Event) { e.applyCall(g, a, ev) })
	})
	f.Line()
}

// foldParts emits, for each aggregate of which a projection handles events that older ones are read as, how it folds them.
func (e *emitter) foldParts(f *jen.File, p *plan.Projection) {
	for _, a := range e.Aggregates {
		var events []*plan.Event
		handlers := map[*plan.Event]*plan.Handler{}
		used := false
		for _, h := range p.Handlers {
			if h.Event.Aggregate == a && slices.Contains(a.Successors(), h.Event) {
				events, handlers[h.Event] = append(events, h.Event), h
				used = used || h.UsesEvent()
			}
		}
		if len(events) == 0 {
			continue
		}
		fileComments(f, foldPartOf(a)+" folds one of the events that a stored one is read as.")
		function(f, jen.Id("p").Op("*").Id(p.Engine), foldPartOf(a), []jen.Code{
			jen.Id("rows").Op("*").Qual(projectionPath, "Rows").Types(jen.Id(p.Key), jen.Id(p.Row)),
			jen.Id("rec").Op("*").Qual(cqrsPath, "Record"), jen.Id("part").Id(a.Event),
		}, jen.Error()).BlockFunc(func(g *jen.Group) {
			partSwitch(g, events, used, func(g *jen.Group, ev *plan.Event) { e.handlerBody(g, p, handlers[ev]) })
		})
		f.Line()
	}
}

func foldPartOf(a *plan.Aggregate) string { return "fold" + a.Name + "Part" }
