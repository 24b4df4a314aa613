package aggregate

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Also collects the streams that a command loads besides its own.
type Also struct{ parts []participant }

// Other is a stream that a command loads besides its own. Its events are stored in the same commit; where it gets none,
// the commit still expects it at the version that the decider saw.
type Other[S any] struct{ part[S] }

// With makes a stream of this aggregate take part in a command: Command.Also calls it. Both must be of one Runtime.
func (a *Aggregate[S]) With(also *Also, id string, stream Stream) *Other[S] {
	o := &Other[S]{part[S]{of: a, stream: cqrs.StreamID{Category: a.def.Category, ID: id}, exists: stream}}
	o.events.coder = a.coder(o.stream)
	also.parts = append(also.parts, o)
	return o
}

// State returns the state for Decide, which must not change it.
func (o *Other[S]) State() *S { return &o.loaded.state }

// Events collects what Decide adds to the stream.
func (o *Other[S]) Events() *Events { return &o.events }

// Others are streams of one aggregate that a command loads besides its own, one for each element of a list.
type Others[S any] struct {
	list []*Other[S]
	byID map[string]*Other[S]
}

// With adds a stream. See Aggregate.With.
func (o *Others[S]) With(a *Aggregate[S], also *Also, id string, stream Stream) {
	o.list = append(o.list, a.With(also, id, stream))
}

// States returns the states for Decide, in the order in which the streams were added.
func (o *Others[S]) States() []S {
	states := make([]S, len(o.list))
	for i, other := range o.list {
		states[i] = other.loaded.state
	}
	return states
}

// State returns the state of an id's stream, nil where the command did not load that.
func (o *Others[S]) State(id string) *S {
	if other := o.find(id); other != nil {
		return other.State()
	}
	return nil
}

// Add adds an event to the stream of an id. The error is a *cqrs.NotLoadedError where the command did not load that.
func (o *Others[S]) Add(id string, e cqrs.Event) error {
	other := o.find(id)
	if other == nil {
		return &cqrs.NotLoadedError{Event: e.EventType(), ID: id}
	}
	return other.events.Add(e)
}

func (o *Others[S]) find(id string) *Other[S] {
	if o.byID == nil {
		o.byID = make(map[string]*Other[S], len(o.list))
		for _, other := range o.list {
			o.byID[other.stream.ID] = other
		}
	}
	return o.byID[id]
}

// collect asks the command for its further streams.
func (x *execution[S]) collect() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(x.own.stream.Category+"."+x.cmd.Name, p)
		}
	}()
	var also Also
	if err := x.cmd.Also(&also); err != nil {
		return err
	}
	x.others = also.parts
	for _, p := range x.others {
		x.streams = append(x.streams, p.id())
	}
	return nil
}

// confirm returns a conflict if the states that the decider saw were never there at one moment: because a stream
// changed while the next ones, or claims, were loaded, or behind a state in memory. Only decisions without events ask:
// those with events are checked by the append.
func (x *execution[S]) confirm(ctx context.Context) error {
	last := len(x.others) - 1
	// Behind the last one nothing was loaded. One that must be new was not loaded either, and is looked at in the end.
	skip := func(i int, p participant) bool { return i == last && p.isFresh() && !x.claimed }
	if x.cmd.Stream != MustBeNew && !skip(-1, &x.own) {
		if err := x.own.moved(ctx); err != nil {
			return err
		}
	}
	for i, p := range x.others {
		if skip(i, p) {
			break
		}
		if err := p.moved(ctx); err != nil {
			return err
		}
	}
	return nil
}

func panicked(in string, value any) error {
	return &cqrs.PanicError{In: in, Value: fmt.Sprint(value), Stack: debug.Stack()}
}
