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
	events Events
	// changes are those of the unique values, where there are events.
	changes []claim.Change
}

// participant is the part of any state.
type participant interface {
	id() cqrs.StreamID
	load(ctx context.Context) error
	drop()
	moved(ctx context.Context) error
	keep()
	apply(m cqrs.CommandMeta) error
	gets() int
	unique() []claim.Change
	appends() eventlog.StreamAppend
	stored(c cqrs.CommitID, at time.Time)
}

func (p *part[S]) id() cqrs.StreamID { return p.stream }

// load loads the newest state, and forgets the events of the attempt before.
func (p *part[S]) load(ctx context.Context) error {
	p.events.reset()
	var err error
	if p.loaded, err = p.of.refresh(ctx, p.stream); err != nil {
		p.loaded = nil
		return err
	}
	switch {
	case p.loaded.version == 0 && p.exists == MustExist:
		return &cqrs.NotFoundError{Stream: p.stream}
	case p.loaded.version > 0 && p.exists == MustBeNew:
		return &cqrs.AlreadyExistsError{Stream: p.stream}
	}
	return nil
}

// drop forgets the state of the attempt before, which has events applied that were not stored.
func (p *part[S]) drop() { p.loaded = nil }

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
		p.of.cache.put(p.stream, p.loaded)
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
	in := "Unique"
	defer func() {
		if v := recover(); v != nil {
			err = panicked(p.of.def.Category+"."+in, v)
		}
	}()
	p.before()
	fold := p.of.def.NewFold()
	rec := cqrs.Record{EventMeta: cqrs.EventMeta{
		Stream: p.stream, Version: p.loaded.version, Time: m.Time, Actor: m.Actor,
		CommandID: m.CommandID, CorrelationID: m.CorrelationID, CausationID: m.CausationID,
	}}
	for _, e := range p.events.stored() {
		in = "Apply" + e.Type
		if p.of.def.Admits != nil {
			if err := p.of.def.Admits(&p.loaded.state, e.Type); err != nil {
				return err
			}
		}
		rec.Version++
		rec.Type, rec.SchemaVersion, rec.ContentType, rec.Data = e.Type, e.SchemaVersion, e.ContentType, e.Data
		if err := fold.Apply(&p.loaded.state, &rec); err != nil {
			return &ApplyError{Type: e.Type, Err: err}
		}
	}
	p.after()
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
