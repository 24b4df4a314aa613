package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// own finds the generation of this fold among those of the projection; -1 if the store has it not.
func (p *Projector[K, R]) own(generations []readmodel.Generation) int {
	return slices.IndexFunc(generations, func(g readmodel.Generation) bool {
		return g.Schema.Fingerprint == p.def.Codec.Schema.Fingerprint
	})
}

// promote makes the generation the active one, once it is built: at once if there is none, else if a sample of its rows is
// what the log says, which is found out in the background unless the worker is patient. It does not where an operator wants to
// promote, or already chose another generation instead, or where a later release's generation is active.
func (w *worker[K, R]) promote() error {
	due, first, err := w.promotable()
	switch {
	case err != nil || !due:
		return err
	case first:
		return w.makeActive(slog.LevelDebug) // there is nothing to compare it with
	case w.patient:
		return w.verified()
	}
	w.verifying.Go(func() {
		if err := w.verified(); err != nil && w.work.Err() == nil {
			w.fail(err)
		}
	})
	return nil
}

// promotable reports whether the generation is due to be promoted by itself, and whether no other one is active.
func (w *worker[K, R]) promotable() (due, first bool, err error) {
	generations, err := w.store.Generations(w.io, w.def.Name)
	if err != nil {
		return false, false, err
	}
	i := w.own(generations)
	if i < 0 {
		return false, false, readmodel.ErrNoGeneration
	}
	own := &generations[i]
	w.status.active(own.Active)
	active := slices.IndexFunc(generations, func(g readmodel.Generation) bool { return g.Active })
	// One that was created before the active one is that of an older release, which was slower to build it.
	later := i > active && own.Promoted.IsZero()
	if active >= 0 && later && w.manual() {
		w.awaitOperator()
	}
	return !own.Active && (active < 0 || later && !w.manual()), active < 0, nil
}

// manual reports whether another generation only gives way to this one when an operator says so. It is also so where the
// meaning of a fold is not known: rows that the fold made before it was changed would be among the others.
func (p *Projector[K, R]) manual() bool {
	return p.def.Manual || !cqrs.KnownMeaning(p.def.Codec.Schema.Fingerprint)
}

// awaitOperator says once what an operator has to do for the generation to be promoted.
func (w *worker[K, R]) awaitOperator() {
	if w.awaiting {
		return
	}
	w.awaiting = true
	if !cqrs.KnownMeaning(w.def.Codec.Schema.Fingerprint) {
		w.group.logger.WarnContext(w.io, "generation is not promoted by itself: the meaning of a fold in Go was not known when the"+
			" code was generated", "projection", w.def.Name, "sink", w.store.Name(), "command", "cqrsgen generate")
	}
	w.group.logger.InfoContext(w.io, "generation waits to be promoted", "projection", w.def.Name, "sink", w.store.Name(),
		"generation", w.def.Codec.Schema.Fingerprint, "command", "projections promote "+w.def.Name)
}

func (w *worker[K, R]) makeActive(level slog.Level) error {
	if err := w.store.Promote(w.io, w.def.Name, w.def.Codec.Schema.Fingerprint); err != nil {
		return err
	}
	w.status.active(true)
	w.group.logger.Log(w.io, level, "generation promoted", "projection", w.def.Name, "sink", w.store.Name(),
		"generation", w.def.Codec.Schema.Fingerprint)
	return nil
}

// verified promotes the generation by the check that an operator does: if a sample of its rows is what the log says. If it
// is not, the generation is kept up to date, and says so, but nobody is led to it.
func (w *worker[K, R]) verified() error {
	w.status.phase(Verifying)
	defer w.status.phase(Live)
	report, err := generation.Check(w.work, w.log, w.Projector, generation.Options{Seed: rand.Uint64()})
	if err == nil {
		err = report.Err()
	}
	if errors.As(err, new(*generation.MismatchError)) {
		err = fmt.Errorf("the generation is not promoted: %w", err)
		w.status.refused(err)
		w.group.logger.ErrorContext(w.io, "generation is not promoted", "projection", w.def.Name, "sink", w.store.Name(), "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	// That took a while: an operator may have promoted the generation meanwhile, and even gone back already.
	if due, _, err := w.promotable(); err != nil || !due {
		return err
	}
	return w.makeActive(slog.LevelInfo)
}

// observe looks at what others may have changed, and at how much there is to do.
func (p *Projector[K, R]) observe(ctx context.Context) {
	p.look(ctx)
	if generations, err := p.store.Generations(ctx, p.def.Name); err == nil {
		if i := p.own(generations); i >= 0 {
			p.status.active(generations[i].Active)
		}
	}
}

// look finds out how much the log has for the projection, where that is due.
func (p *Projector[K, R]) look(ctx context.Context) {
	p.status.look(func(after cqrs.Position) (backlog, error) { return p.backlog(ctx, after) })
}

// backlog asks the log what lies behind a position.
func (p *Projector[K, R]) backlog(ctx context.Context, after cqrs.Position) (found backlog, err error) {
	if found.head, err = p.log.Head(ctx); err != nil {
		return found, err
	}
	if found.total, err = p.log.Count(ctx, p.def.Events...); err != nil {
		return found, err
	}
	for rec, err := range p.log.Read(ctx, eventlog.Query{After: after, Types: p.def.Events}) {
		if err != nil {
			return found, err
		}
		found.oldest = rec.Time
		break
	}
	return found, nil
}
