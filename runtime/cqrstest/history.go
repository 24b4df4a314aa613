package cqrstest

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// Streams are those that an aggregate may have in a random history.
type Streams struct {
	category string
	// id is the type of ids; nil where there is one stream.
	id            reflect.Type
	first, events []cqrs.Event
}

// StreamsOf returns the streams of an aggregate whose ids are of a type, with one value of each type of event.
func StreamsOf[ID any](category string, events ...cqrs.Event) Streams {
	return Streams{category: category, id: reflect.TypeFor[ID](), events: events}
}

// SingleStream returns the stream of an aggregate that the model calls single.
func SingleStream(category string, events ...cqrs.Event) Streams {
	return Streams{category: category, events: events}
}

// Starting returns the streams with events of which one is the first of each stream.
func (s Streams) Starting(events ...cqrs.Event) Streams {
	s.first = append(slices.Clone(s.first), events...)
	return s
}

// How much a random history has.
const (
	historyEvents = 120
	shortEvents   = 40
	historyIDs    = 4
	mostEncodings = 20
)

// history is a log of random events. Positions are from 1, without gaps.
type history struct {
	*drawing
	log     *enginememory.Log
	keys    *personal.Keys
	streams []*drawnStream
	commits int
	now     time.Time
	// records are those of the log.
	records []cqrs.Record
	// unwritten has, by types of events of which no value could be encoded, the reason.
	unwritten map[string]error
}

type drawnStream struct {
	id            cqrs.StreamID
	first, events []cqrs.Event
	started       bool
}

// drawHistory returns a log of n random events, most of them of the types that are wanted.
func drawHistory(ctx context.Context, d *drawing, all []Streams, wanted []string, n int) (*history, error) {
	h := &history{
		drawing: d, log: enginememory.New(), keys: Keys(), now: Noon, unwritten: map[string]error{},
	}
	for _, s := range all {
		h.open(s, wanted)
	}
	for events := 0; events < n && len(h.streams) > 0; {
		stored, err := h.commit(ctx)
		if err != nil {
			return nil, err
		}
		events += max(1, stored)
	}
	for rec, err := range h.log.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return nil, err
		}
		h.records = append(h.records, *rec)
	}
	return h, nil
}

// open draws the ids of streams that events of the wanted types are on.
func (h *history) open(s Streams, wanted []string) {
	isWanted := func(e cqrs.Event) bool { return slices.Contains(wanted, e.EventType()) }
	if !slices.ContainsFunc(s.events, isWanted) && !slices.ContainsFunc(s.first, isWanted) {
		return
	}
	events := slices.Clone(s.events)
	for _, e := range s.events {
		if isWanted(e) {
			events = append(events, e, e, e, e)
		}
	}
	ids := []string{cqrs.SingleID}
	if s.id != nil {
		ids = nil
		for range historyIDs {
			h.left = 60
			v := reflect.New(s.id).Elem()
			h.draw(v)
			if id := idText(v); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		stream := cqrs.StreamID{Category: s.category, ID: id}
		if stream.Validate() == nil {
			h.streams = append(h.streams, &drawnStream{id: stream, first: s.first, events: events})
		}
	}
}

// idText is the text of an id of any type that the model has for ids.
func idText(v reflect.Value) string {
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return s.String()
	}
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanConvert(reflect.TypeFor[uuid.UUID]()):
		return v.Convert(reflect.TypeFor[uuid.UUID]()).Interface().(uuid.UUID).String()
	}
	return v.String()
}

// commit appends up to four events on one stream or two, and returns how many.
func (h *history) commit(ctx context.Context) (n int, err error) {
	h.commits++
	h.now = h.now.Add(time.Duration(h.IntN(90)) * time.Minute)
	c := eventlog.Commit{Meta: cqrs.CommandMeta{
		Time: h.now, CommandID: "command-" + strconv.Itoa(h.commits), Actor: "actor-" + strconv.Itoa(h.IntN(3)),
		CorrelationID: "correlation-" + strconv.Itoa(h.commits/3),
	}}
	copy(c.ID[:], fmt.Sprintf("commit %9d", h.commits))
	for _, i := range h.Perm(len(h.streams))[:1+min(h.IntN(4)/3, len(h.streams)-1)] {
		part := h.part(h.streams[i])
		if n += len(part.Events); len(part.Events) > 0 {
			c.Streams = append(c.Streams, part)
		}
	}
	if n > 0 {
		_, err = h.log.Append(ctx, c)
	}
	return n, err
}

// part draws what a commit appends to one stream.
func (h *history) part(s *drawnStream) eventlog.StreamAppend {
	part := eventlog.StreamAppend{Stream: s.id, Expected: eventlog.Any}
	for range 1 + h.IntN(2) {
		from := s.events
		if !s.started && len(s.first) > 0 || len(from) == 0 {
			from = s.first
		}
		if e, ok := h.event(from[h.IntN(len(from))], s.id); ok {
			part.Events = append(part.Events, e)
			s.started = true
		}
	}
	return part
}

// event draws an event of a type. Values that can't be written are drawn again, for a while.
func (h *history) event(like cqrs.Event, stream cqrs.StreamID) (eventlog.NewEvent, bool) {
	for range mostEncodings {
		x, err := h.drawn(like)
		var data []byte
		if err == nil {
			data, err = personal.AppendEvent(nil, x, personal.OfStream(h.keys, stream))
		}
		if err == nil {
			delete(h.unwritten, like.EventType())
			return eventlog.NewEvent{
				Type: x.EventType(), SchemaVersion: cqrs.VersionOf(x), ContentType: cqrs.ContentTypeOf(x), Data: data,
			}, true
		}
		h.unwritten[like.EventType()] = err
	}
	return eventlog.NewEvent{}, false
}

// drawn returns an event of the same type.
func (h *history) drawn(like cqrs.Event) (cqrs.Event, error) {
	h.left = 60
	if o, ok := like.(*older); ok {
		return o.drawn(h.drawing)
	}
	e := reflect.New(reflect.TypeOf(like).Elem())
	h.draw(e.Elem())
	return e.Interface().(cqrs.Event), nil
}

// excerpt is a log that holds some events of another one, where they are.
type excerpt struct {
	*enginememory.Log
	records []cqrs.Record
	// in says of each record whether it is there.
	in []bool
}

// Head implements eventlog.Log.
func (x *excerpt) Head(context.Context) (cqrs.Position, error) {
	for i := len(x.in) - 1; i >= 0; i-- {
		if x.in[i] {
			return x.records[i].Position, nil
		}
	}
	return 0, nil
}

// Count implements eventlog.Log.
func (x *excerpt) Count(_ context.Context, types ...string) (n int64, err error) {
	for i := range x.records {
		if x.in[i] && (len(types) == 0 || slices.Contains(types, x.records[i].Type)) {
			n++
		}
	}
	return n, nil
}

// Read implements eventlog.Log.
func (x *excerpt) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		for rec, err := range x.Log.Read(ctx, q) {
			if err == nil && !x.in[rec.Position-1] {
				continue
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// Wait implements eventlog.Log.
func (x *excerpt) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	if head, err := x.Head(ctx); head > after || err != nil {
		return head, err
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

// excerpt returns the history's events that are in, up to a position.
func (h *history) excerpt(in []bool, through cqrs.Position) *excerpt {
	in = slices.Clone(in)
	for i := range in {
		in[i] = in[i] && h.records[i].Position <= through
	}
	return &excerpt{h.log, h.records, in}
}

// newDrawing returns a drawing whose values of some types are among the ones given.
func newDrawing(values []any) *drawing {
	d := &drawing{values: map[reflect.Type][]reflect.Value{}, rules: map[reflect.Type]rule{}}
	for _, x := range values {
		if r, ok := x.(rule); ok {
			d.rules[r.of] = r
			continue
		}
		v := reflect.ValueOf(x)
		d.values[v.Type()] = append(d.values[v.Type()], v)
	}
	return d
}

// seeded begins to draw anew.
func (d *drawing) seeded(seed, stream uint64) *drawing {
	d.Rand, d.left, d.backwards = rand.New(rand.NewPCG(seed, stream)), 60, false
	return d
}
