package projection

import (
	"context"
	"errors"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// stopGrace is how long a run may take to write what it has after its context has ended.
const stopGrace = 10 * time.Second

// A projection that waits for its log, its store or its lease tries again after firstPause, and then more and more
// seldom.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

// work runs f in one attempt after the other, until one ends well, or with an error that waiting does not mend. While
// another process works, enough says whether that one has done all there is to do; it may be nil.
func (p *Projector[K, R]) work(ctx context.Context, f func(*worker[K, R]) error, enough func() bool) error {
	if !p.running.TryLock() {
		return p.wrap(ErrRunning)
	}
	defer p.running.Unlock()
	defer p.group.joined(p)
	p.status.begin()
	first := min(firstPause, p.group.leaseTime/2)
	pause := first
	for said := ""; ; {
		began := time.Now()
		err := p.attempt(ctx, f)
		if err == nil || !passes(err) {
			return p.wrap(err)
		}
		p.group.joined(p)
		if enough != nil && standsBy(err) && enough() {
			p.status.end(nil, true)
			return nil
		}
		if time.Since(began) > lastPause {
			pause, said = first, "" // it has worked meanwhile
		}
		if why := reason(err); why != said {
			p.group.logger.WarnContext(ctx, why, "projection", p.Name(), "sink", p.store.Name(), "error", err)
			said = why
		}
		if !standsBy(err) {
			p.lookSoon(ctx)
		}
		select {
		case <-ctx.Done():
			p.status.end(nil, true)
			return ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// lookSoon looks at the log while the projection waits for its store; if it is the log that is away, not for long.
func (p *Projector[K, R]) lookSoon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastPause)
	defer cancel()
	p.look(ctx)
}

// passes reports whether an error ends by waiting.
func passes(err error) bool {
	return errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, readmodel.ErrUnavailable) ||
		errors.Is(err, personal.ErrUnavailable) || standsBy(err)
}

// standsBy reports whether another process works on the projection, or did a moment ago.
func standsBy(err error) bool {
	return errors.As(err, new(*readmodel.HeldError)) ||
		errors.Is(err, readmodel.ErrFenced) || errors.Is(err, readmodel.ErrNoGeneration)
}

// reason says in a log what a projection waits for.
func reason(err error) string {
	switch {
	case errors.Is(err, eventlog.ErrUnavailable):
		return "projection waits for the log"
	case errors.Is(err, readmodel.ErrUnavailable):
		return "projection waits for its store"
	case errors.Is(err, personal.ErrUnavailable):
		return "projection waits for the keys of personal data"
	case errors.Is(err, readmodel.ErrNoGeneration):
		return "projection begins again: its read model is gone from the store"
	case errors.Is(err, readmodel.ErrFenced):
		return "projection goes on from a checkpoint that it did not leave: another process wrote, or the store lost something"
	}
	return "projection stands by: another process works on it"
}

// attempt runs f with a worker that is where the read model is, under the lease of its generation. The worker's own
// context, io, outlives ctx by stopGrace, because ctx does not interrupt a write.
func (p *Projector[K, R]) attempt(ctx context.Context, f func(*worker[K, R]) error) (err error) {
	io, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(stopGrace):
			cancel()
		case <-io.Done():
		}
	})()
	table, err := p.store.Table(io, &p.def.Codec.Schema)
	if err != nil {
		p.outcome(ctx, err)
		return err
	}
	work, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	l, err := p.hold(io, table, lose)
	if err != nil {
		p.outcome(ctx, err)
		return err
	}
	defer func() {
		p.outcome(ctx, err)
		l.release(p.report())
	}()
	w := &worker[K, R]{
		Projector: p, io: io, work: work, fail: lose, table: table, lease: l, wrote: time.Now(),
	}
	defer w.end()
	if err = w.start(); err == nil {
		err = f(w)
	}
	if failed, ok := err.(*FoldError); ok {
		err = w.salvage(failed)
	}
	if lost := context.Cause(work); ctx.Err() == nil && lost != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = lost
	}
	return err
}

// outcome puts into the status how an attempt ended.
func (p *Projector[K, R]) outcome(ctx context.Context, err error) {
	switch {
	case err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()):
		p.status.end(nil, true)
	case !passes(err):
		p.status.end(p.wrap(err), false)
	case standsBy(err):
		other := p.reported(ctx)
		if held := (*readmodel.HeldError)(nil); other != nil && errors.As(err, &held) {
			other.Holder = held.Holder
		}
		p.status.wait(nil, other)
	default:
		p.status.wait(p.wrap(err), nil)
	}
}

// reported returns what the process that works on the projection says; nil if nothing is known.
func (p *Projector[K, R]) reported(ctx context.Context) *Status {
	generations, err := p.store.Generations(ctx, p.def.Name)
	if err != nil {
		return nil
	}
	for i := range generations {
		if g := &generations[i]; g.Schema.Fingerprint == p.def.Codec.Schema.Fingerprint {
			s := Reported(g)
			return &s
		}
	}
	return nil
}
