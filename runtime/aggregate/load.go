package aggregate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// Aggregate loads and changes the streams of one category. It is safe for concurrent use.
type Aggregate[S any] struct {
	runtime *Runtime
	def     Definition[S]
	cache   *cache[S]
	idle    sync.Pool // of *execution[S]
	// announced says of each of the definition's Replaced that the log is known to say it.
	announced []atomic.Bool
}

// New adds an aggregate to a runtime. It must not be called at the same time for the same runtime.
func New[S any](r *Runtime, def Definition[S]) *Aggregate[S] {
	if def.Snapshot.Any() && !cqrs.KnownMeaning(def.Fingerprint) {
		def.Snapshot = snapshot.Policy{}
		r.logger.Warn("no snapshots are taken: the meaning of a fold in Go was not known when the code was generated",
			"aggregate", def.Category, "command", "cqrsgen generate")
	}
	a := &Aggregate[S]{runtime: r, def: def, cache: newCache[S](r.cached), announced: make([]atomic.Bool, len(def.Replaced))}
	r.verifiers = append(r.verifiers, a.VerifySnapshots)
	return a
}

// LoadOption is an option of Load.
type LoadOption func(*loadOptions)

type loadOptions struct {
	through    cqrs.Version
	noSnapshot bool
}

// latest is the version through which everything is loaded.
const latest cqrs.Version = math.MaxInt64

// AtVersion loads the state as it was at version v, or the last one where the stream does not reach v. At version 0
// there is none.
func AtVersion(v cqrs.Version) LoadOption {
	return func(o *loadOptions) { o.through = v }
}

// WithoutSnapshot folds the whole history, whatever snapshots there are.
func WithoutSnapshot() LoadOption {
	return func(o *loadOptions) { o.noSnapshot = true }
}

// loaded is a state, the version it has, the commit that made it, and what happened since the last snapshot.
type loaded[S any] struct {
	state   S
	version cqrs.Version
	commit  cqrs.CommitID
	since   snapshot.Since
	// shared says that somebody else changed the stream behind a state in memory: commands read what is new first.
	shared bool
	// read says when personal fields of the state were decrypted.
	read personal.Moment

	// The rest is the cache's.
	id           string
	newer, older *loaded[S]
}

func (a *Aggregate[S]) empty() *loaded[S] {
	l := &loaded[S]{}
	if a.def.Init != nil {
		a.def.Init(&l.state)
	}
	l.read = a.moment()
	return l
}

// Load returns the state of a stream and its version. A stream without events is a *cqrs.NotFoundError.
func (a *Aggregate[S]) Load(ctx context.Context, id string, opts ...LoadOption) (S, cqrs.Version, error) {
	o := loadOptions{through: latest}
	for _, opt := range opts {
		opt(&o)
	}
	stream := cqrs.StreamID{Category: a.def.Category, ID: id}
	if err := stream.Validate(); err != nil {
		return *new(S), 0, err
	}
	l, err := a.load(ctx, stream, o)
	if err != nil {
		return *new(S), 0, err
	}
	if l.version == 0 {
		return *new(S), 0, &cqrs.NotFoundError{Stream: stream}
	}
	return l.state, l.version, nil
}

// load starts from the snapshot where there is one that fits, and else from the first event.
func (a *Aggregate[S]) load(ctx context.Context, stream cqrs.StreamID, o loadOptions) (*loaded[S], error) {
	if a.def.Snapshot.Any() && !o.noSnapshot {
		if l := a.fromSnapshot(ctx, stream, o.through); l != nil {
			fits, err := a.tail(ctx, stream, l, l.version, o.through)
			if err != nil {
				return l, err
			}
			if fits {
				a.runtime.counts.used.Add(1)
				return l, nil
			}
			a.runtime.counts.foreign.Add(1)
			a.runtime.logger.Warn("snapshot is not of this history and will be replaced", "stream", stream.String())
		}
	}
	l := a.empty()
	_, err := a.tail(ctx, stream, l, 1, o.through)
	return l, err
}

// refresh returns the newest state for a command, which then owns it: from the cache and the news behind it, or loaded.
func (a *Aggregate[S]) refresh(ctx context.Context, stream cqrs.StreamID) (*loaded[S], error) {
	if l := a.take(stream.ID); l != nil {
		return l, a.news(ctx, stream, l)
	}
	return a.load(ctx, stream, loadOptions{through: latest})
}

// news folds what is new behind a state in memory.
func (a *Aggregate[S]) news(ctx context.Context, stream cqrs.StreamID, l *loaded[S]) error {
	_, err := a.tail(ctx, stream, l, l.version+1, latest)
	return err
}

// fromSnapshot returns nil where there is no snapshot that fits: a snapshot is a cache, so that no reason for which
// it can't be used is an error.
func (a *Aggregate[S]) fromSnapshot(ctx context.Context, stream cqrs.StreamID, through cqrs.Version) *loaded[S] {
	counts, logger := &a.runtime.counts, a.runtime.logger
	sealed, err := a.runtime.store.LoadSnapshot(ctx, stream)
	if err != nil {
		counts.unread.Add(1)
		logger.Warn("snapshot was not read", "stream", stream.String(), "error", err)
		return nil
	}
	if sealed == nil {
		return nil
	}
	h, body, ok := snapshot.Open(sealed)
	switch {
	case !ok || h.Version < 1:
		counts.damaged.Add(1)
		logger.Warn("snapshot is damaged and will be replaced", "stream", stream.String())
		return nil
	case h.Fingerprint != a.def.Fingerprint:
		counts.stale.Add(1)
		return nil
	case h.Version > through:
		return nil
	}
	l := &loaded[S]{version: h.Version, commit: h.Commit, read: a.moment()}
	switch err := a.decodeState(stream, body, &l.state); {
	case errors.Is(err, personal.ErrErasedSince):
		counts.stale.Add(1)
		return nil
	case errors.Is(err, personal.ErrUnavailable):
		counts.unread.Add(1)
		logger.Warn("snapshot was not read", "stream", stream.String(), "error", err)
		return nil
	case err != nil:
		counts.damaged.Add(1)
		logger.Warn("snapshot can't be decoded and will be replaced", "stream", stream.String(), "error", err)
		return nil
	}
	return l
}

// tail folds the events behind l, reading from version from: the next one, or l's own, to see whether l comes from this
// history. It reports false where it does not: a snapshot of another one, or of versions that are not there.
func (a *Aggregate[S]) tail(
	ctx context.Context, stream cqrs.StreamID, l *loaded[S], from, through cqrs.Version,
) (fits bool, err error) {
	var at *cqrs.Record
	defer a.recovered(stream, &at, &err)
	fold, next := a.def.NewFold(), from
	for rec, err := range a.runtime.store.ReadStream(ctx, stream, from) {
		if err != nil {
			return false, err
		}
		if rec.Version != next {
			return false, fmt.Errorf("%w: version %d of %s follows version %d", eventlog.ErrCorrupt, rec.Version, stream, next-1)
		}
		next++
		if rec.Version == l.version { // the last event that l reflects
			if rec.Commit != l.commit {
				return false, nil
			}
			l.since.Time = rec.Time
			continue
		}
		if rec.Version > through {
			break
		}
		at = rec
		if err := fold.Apply(&l.state, rec); err != nil {
			return false, &ApplyError{Stream: stream, Version: rec.Version, Type: rec.Type, Err: err}
		}
		l.version, l.commit, at = rec.Version, rec.Commit, nil
		l.since.Add(1, len(rec.Data), rec.Time)
	}
	return from > l.version || next > from, nil
}

// recovered turns a panic of an apply function into an error that names the event.
func (a *Aggregate[S]) recovered(stream cqrs.StreamID, at **cqrs.Record, err *error) {
	if *at == nil {
		return
	}
	if p := recover(); p != nil {
		*err = &ApplyError{Stream: stream, Version: (*at).Version, Type: (*at).Type,
			Err: &cqrs.PanicError{In: a.def.Category + ".Apply" + (*at).Type, Value: fmt.Sprint(p), Stack: debug.Stack()}}
	}
}

// takeSnapshot encodes the state, if the policy says so, and hands it to the background writer.
func (a *Aggregate[S]) takeSnapshot(stream cqrs.StreamID, l *loaded[S], now time.Time) {
	if !a.def.Snapshot.Due(l.since, now) {
		return
	}
	l.since = snapshot.Since{Time: now} // also where it fails: the next one is due after as much again
	body, err := a.appendState(stream, &l.state)
	if err != nil {
		a.runtime.snapshots.Refused(stream, err)
		return
	}
	h := snapshot.Header{Fingerprint: a.def.Fingerprint, Version: l.version, Commit: l.commit}
	a.runtime.snapshots.Write(stream, snapshot.Seal(nil, h, body))
}
