package aggregate

import (
	"context"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// part is what one stream has to do with a command: the state that was loaded, and the events that the decider returned
// for it.
type part[S any] struct {
	of     *Aggregate[S]
	stream cqrs.StreamID
	exists Stream
	loaded *loaded[S]
	exact  bool // the command asks for one version
	// fresh says that loaded was read from the log, or what is new behind it was, and not taken from memory as it is.
	fresh  bool
	events Events
	fold   Fold[S]
	record cqrs.Record // of a new event, while it is applied
	event  string      // the one that is applied, "" while unique values are read
	// changes are those of the unique values, where there are events.
	changes []claim.Change
}

// participant is the part of any state.
type participant interface {
	id() cqrs.StreamID
	load(ctx context.Context, again bool) error
	isFresh() bool
	drop()
	moved(ctx context.Context) error
	keep()
	apply(m cqrs.CommandMeta) error
	gets() int
	unique() []claim.Change
	announce(ctx context.Context) error
	appends() eventlog.StreamAppend
	stored(c cqrs.CommitID, at time.Time)
}

func (p *part[S]) id() cqrs.StreamID { return p.stream }

// load loads the state. One in memory is taken as it is, unless the command is decided again or asks for a version, or
// somebody else is known to change the stream.
func (p *part[S]) load(ctx context.Context, again bool) error {
	l, err := p.of.take(p.stream.ID), error(nil)
	p.fresh = l == nil || l.shared || again || p.exact
	switch {
	case l == nil:
		l, err = p.of.load(ctx, p.stream, loadOptions{through: latest})
	case p.fresh:
		err = p.of.news(ctx, p.stream, l)
	}
	if err != nil {
		return err
	}
	l.shared = l.shared || again
	p.loaded = l
	switch {
	case p.loaded.version == 0 && p.exists == MustExist:
		return &cqrs.NotFoundError{Stream: p.stream}
	case p.loaded.version > 0 && p.exists == MustBeNew:
		return &cqrs.AlreadyExistsError{Stream: p.stream}
	}
	return nil
}

func (p *part[S]) isFresh() bool { return p.fresh }

// clear forgets all that is a command's own.
func (p *part[S]) clear() {
	p.stream, p.loaded, p.record = cqrs.StreamID{}, nil, cqrs.Record{}
	p.events.clear()
	clear(p.changes)
	p.changes = p.changes[:0]
}

// drop forgets the events of the attempt before, and the state, which has them applied though they were not stored.
func (p *part[S]) drop() {
	p.loaded = nil
	p.events.reset()
}

// moved returns a *cqrs.ConflictError if the stream changed since it was loaded.
func (p *part[S]) moved(ctx context.Context) error {
	for rec, err := range p.of.runtime.store.ReadStream(ctx, p.stream, p.loaded.version+1) {
		if err != nil {
			return err
		}
		return &cqrs.ConflictError{Stream: p.stream, Expected: p.loaded.version, Actual: rec.Version}
	}
	return nil
}

// keep gives a state that nobody changed back to the cache.
func (p *part[S]) keep() {
	if p.loaded != nil && p.loaded.version > 0 {
		p.of.cache.put(p.stream.ID, p.loaded)
	}
	p.loaded = nil
}

func (p *part[S]) gets() int { return len(p.events.list) }

// apply applies the new events to the state, as they will be read back, by the same fold: a state that is kept can
// neither differ from the history nor share memory with the command.
func (p *part[S]) apply(m cqrs.CommandMeta) (err error) {
	p.changes = p.changes[:0]
	if len(p.events.list) == 0 {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = panicked(p.of.def.Category+"."+p.function(), v)
		}
	}()
	p.event = ""
	p.before()
	if p.fold == nil {
		p.fold = p.of.def.NewFold()
	}
	p.record.EventMeta = cqrs.EventMeta{
		Stream: p.stream, Version: p.loaded.version, Time: m.Time, Actor: m.Actor,
		CommandID: m.CommandID, CorrelationID: m.CorrelationID, CausationID: m.CausationID,
	}
	stored := p.events.stored()
	for i := range stored {
		if err := p.applyOne(&stored[i]); err != nil {
			return err
		}
	}
	p.event = ""
	p.after()
	return nil
}

// function names the function that apply calls.
func (p *part[S]) function() string {
	if p.event == "" {
		return "Unique"
	}
	return "Apply" + p.event
}

// applyOne applies one new event.
func (p *part[S]) applyOne(e *eventlog.NewEvent) error {
	p.event = e.Type
	if p.of.def.Admits != nil {
		if err := p.of.def.Admits(&p.loaded.state, e.Type); err != nil {
			return err
		}
	}
	rec := &p.record
	rec.Version++
	rec.Type, rec.SchemaVersion, rec.ContentType, rec.Data = e.Type, e.SchemaVersion, e.ContentType, e.Data
	if err := p.fold.Apply(&p.loaded.state, rec); err != nil {
		return &ApplyError{Type: e.Type, Err: err}
	}
	return nil
}

// appends is the stream's part of the commit. A stream that gets no event is still expected at the version that the
// decider saw.
func (p *part[S]) appends() eventlog.StreamAppend {
	return eventlog.StreamAppend{
		Stream: p.stream, Expected: eventlog.Exactly(p.loaded.version), Events: p.events.stored(),
	}
}

// stored keeps the state, which reflects the commit already.
func (p *part[S]) stored(c cqrs.CommitID, at time.Time) {
	l := p.loaded
	if n := len(p.events.list); n > 0 {
		l.version, l.commit = l.version+cqrs.Version(n), c
		l.since.Add(n, len(p.events.buf), at)
		p.of.takeSnapshot(p.stream, l, at)
	}
	p.keep()
}
