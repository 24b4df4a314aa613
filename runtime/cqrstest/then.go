package cqrstest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// Expected is an event that must have happened, with what is not compared. It is an event itself, so that Then takes
// either.
type Expected struct {
	cqrs.Event
	stream string
	except []string
	line   int
}

// Event returns an event as an expectation that can be made less, or more, exact.
func Event(e cqrs.Event) *Expected { return &Expected{Event: e} }

// On names the stream that the event must have happened on: "Account/acc-1".
func (e *Expected) On(stream string) *Expected {
	e.stream = stream
	return e
}

// Except names fields that are not compared, with all below them: "reference", "money.amount", "lines[0].note".
func (e *Expected) Except(paths ...string) *Expected {
	e.except = append(e.except, paths...)
	return e
}

// Line names the line in a model that the expectation was generated from.
func (e *Expected) Line(line int) *Expected {
	e.line = line
	return e
}

func expected(e cqrs.Event) *Expected {
	if x, ok := e.(*Expected); ok {
		return x
	}
	return Event(e)
}

// Then compares what happened with the events that the command was to lead to: all of them, in their order. Where the
// expectations name streams, each event is compared with the events of its stream. Without any, nothing may have
// happened.
func (s *Scenario[A]) Then(events ...cqrs.Event) *Scenario[A] {
	s.t.Helper()
	s.mustHaveExecuted()
	if s.err != nil {
		s.fail(0, "    want "+eventTypes(events)+"\n    got  "+s.errText())
		return s
	}
	happened := s.happened()
	for _, stream := range streamsOf(events, happened) {
		s.compare(stream, wantedOn(stream, events), happenedOn(stream, happened))
	}
	return s
}

func (s *Scenario[A]) mustHaveExecuted() {
	s.t.Helper()
	if !s.executed {
		s.t.Fatal("cqrstest: there is no When before this expectation")
	}
	s.looked = true
}

func eventTypes(events []cqrs.Event) string {
	if len(events) == 0 {
		return "no event"
	}
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.EventType()
	}
	return strings.Join(names, ", ")
}

// errText says what a command failed with.
func (s *Scenario[A]) errText() string {
	var r cqrs.Rejection
	if errors.As(s.err, &r) && !errors.As(s.err, new(*cqrs.UndeclaredRejectionError)) {
		return "the rejection " + r.RejectionType() + " " + jsonOf(r).text(nil)
	}
	return "the error: " + s.err.Error()
}

// record is an event that happened.
type record struct {
	stream, typ string
	data        []byte
	whole       cqrs.Record
}

// happened returns the events of the last command.
func (s *Scenario[A]) happened() []record {
	s.t.Helper()
	var list []record
	for rec, err := range s.env.Store.Read(s.env.Context, eventlog.Query{After: s.before}) {
		if err != nil {
			s.t.Fatalf("%s: %v", s.place(0), err)
		}
		if rec.Stream.Reserved() {
			continue // what the runtime stores for itself is nobody's expectation
		}
		list = append(list, record{rec.Stream.String(), rec.Type, rec.Data, *rec})
	}
	return list
}

// streamsOf returns the streams to compare one by one: those of the expectations, then others with events. Where no
// expectation names one, all events are compared as of one stream, "".
func streamsOf(events []cqrs.Event, happened []record) []string {
	var streams []string
	add := func(stream string) {
		if !slices.Contains(streams, stream) {
			streams = append(streams, stream)
		}
	}
	for _, e := range events {
		add(expected(e).stream)
	}
	if len(events) == 0 || len(streams) == 1 && streams[0] == "" {
		return []string{""}
	}
	for _, r := range happened {
		add(r.stream)
	}
	return streams
}

func wantedOn(stream string, events []cqrs.Event) []*Expected {
	var list []*Expected
	for _, e := range events {
		if x := expected(e); stream == "" || x.stream == stream {
			list = append(list, x)
		}
	}
	return list
}

func happenedOn(stream string, happened []record) []record {
	if stream == "" {
		return happened
	}
	return slices.DeleteFunc(slices.Clone(happened), func(r record) bool { return r.stream != stream })
}

// compare compares the events of one stream.
func (s *Scenario[A]) compare(stream string, want []*Expected, got []record) {
	s.t.Helper()
	for i := range max(len(want), len(got)) {
		name := fmt.Sprintf("event %d", i+1)
		if stream != "" {
			name += " on " + stream
		}
		switch {
		case i >= len(want):
			s.fail(0, fmt.Sprintf("  %s:\n    want no more event\n    got  %s %s", name, got[i].typ, got[i].data))
		case i >= len(got):
			s.fail(want[i].line, fmt.Sprintf("  %s:\n    want %s\n    got  no more event", name, want[i].text()))
		default:
			s.compareEvent(name, want[i], &got[i])
		}
	}
}

func (s *Scenario[A]) compareEvent(name string, want *Expected, got *record) {
	s.t.Helper()
	if want.EventType() != got.typ {
		s.fail(want.line, fmt.Sprintf("  %s:\n    want %s\n    got  %s %s", name, want.text(), got.typ, got.data))
		return
	}
	have, err := s.decoded(want.Event, got)
	if err != nil {
		s.fail(want.line, fmt.Sprintf("  %s: %v", name, err))
		return
	}
	if differences := jsonOf(want.Event).diff(have, want.except); differences != "" {
		s.fail(want.line, "  "+name+", "+got.typ+":\n"+differences)
	}
}

// text is the event as people read it, without what is not compared.
func (e *Expected) text() string { return e.EventType() + " " + jsonOf(e.Event).text(e.except) }

// decoded reads a stored event into a new one of the type of another, so that both are written in one way.
func (s *Scenario[A]) decoded(like cqrs.Event, got *record) (tree, error) {
	typ := reflect.TypeOf(like)
	if typ.Kind() != reflect.Pointer {
		return treeOf(got.data), nil
	}
	fresh := reflect.New(typ.Elem()).Interface()
	if e, ok := fresh.(interface {
		DecodeSealed(rec *cqrs.Record, mode jsoncodec.Strings, c *personal.Coder) error
	}); ok {
		err := e.DecodeSealed(&got.whole, jsoncodec.CopyStrings, personal.NewCoder(s.keys))
		return jsonOf(e), err
	}
	e, ok := fresh.(interface {
		DecodeJSON(data []byte, mode jsoncodec.Strings) error
	})
	if !ok {
		return treeOf(got.data), nil
	}
	err := e.DecodeJSON(got.data, jsoncodec.CopyStrings)
	return jsonOf(e), err
}

// ThenRejected expects that the command was rejected, and with what. The fields of except are not compared.
func (s *Scenario[A]) ThenRejected(want cqrs.Rejection, except ...string) *Scenario[A] {
	s.t.Helper()
	s.mustHaveExecuted()
	name := want.RejectionType()
	wanted := fmt.Sprintf("    want the rejection %s %s\n    got  ", name, jsonOf(want).text(except))
	if s.err == nil {
		happened := "no event"
		for i, r := range s.happened() {
			if i == 0 {
				happened = ""
			} else {
				happened += ", "
			}
			happened += fmt.Sprintf("%s %s", r.typ, r.data)
		}
		s.fail(0, wanted+happened)
		return s
	}
	var got cqrs.Rejection
	if errors.As(s.err, new(*cqrs.UndeclaredRejectionError)) || !errors.As(s.err, &got) || got.RejectionType() != name {
		s.fail(0, wanted+s.errText())
		return s
	}
	if differences := jsonOf(want).diff(jsonOf(got), except); differences != "" {
		s.fail(0, "  rejection "+name+":\n"+differences)
	}
	return s
}
