package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// events emits events_gen.go: the sealed set of events of each aggregate, and each event.
func (e *emitter) events(f *jen.File) {
	for _, a := range e.Aggregates {
		e.eventSet(f, a)
		for _, ev := range a.Events {
			e.event(f, ev)
		}
		for _, ev := range a.Former {
			e.former(f, ev)
		}
	}
}

// eventSet emits
//
//	type AccountEvent interface {
//		cqrs.Event
//		isAccountEvent()
//	}
func (e *emitter) eventSet(f *jen.File, a *plan.Aggregate) {
	fileComments(f, a.Event+" is an event of "+a.Name+". No other type implements it.")
	f.Type().Id(a.Event).Interface(jen.Qual(cqrsPath, "Event"), jen.Id("is"+a.Event).Params())
	f.Line()
}

func (e *emitter) event(f *jen.File, ev *plan.Event) {
	fileComments(f, doc(ev.Go+" is an event of "+ev.Aggregate.Name+".", ev.Doc))
	e.strct(f, ev.Go, ev.Fields)
	f.Comment("// EventType returns the event's name in the log.")
	f.Func().Params(jen.Op("*").Id(ev.Go)).Id("EventType").Params().String().Block(jen.Return(jen.Lit(ev.Wire)))
	f.Line()
	if ev.Version > 1 {
		f.Comment("// EventVersion returns the version of the event's fields.")
		f.Func().Params(jen.Op("*").Id(ev.Go)).Id("EventVersion").Params().Int().Block(jen.Return(jen.Lit(ev.Version)))
		f.Line()
	}
	if from := ev.ReadableFrom(); from < ev.Version {
		fileComments(f, fmt.Sprintf(
			"EventEncoding returns how the event is stored: as JSON, which programs can read that know version %d.", from))
		f.Func().Params(jen.Op("*").Id(ev.Go)).Id("EventEncoding").Params().Qual(cqrsPath, "ContentType").
			Block(jen.Return(jen.Qual(cqrsPath, "JSON").Op("+").Lit(fmt.Sprintf(";from=%d", from))))
		f.Line()
	}
	f.Func().Params(jen.Op("*").Id(ev.Go)).Id("is" + ev.Aggregate.Event).Params().Block()
	f.Line()
}
