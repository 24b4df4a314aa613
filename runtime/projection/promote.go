package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"

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
// promote, or already chose another generation instead.
func (w *worker[K, R]) promote() error {
	generations, err := w.store.Generations(w.io, w.def.Name)
	if err != nil {
		return err
	}
	i := w.own(generations)
	if i < 0 {
		return readmodel.ErrNoGeneration
	}
	own := &generations[i]
	w.status.active(own.Active)
	first := !slices.ContainsFunc(generations, func(g readmodel.Generation) bool { return g.Active })
	switch {
	case own.Active, !first && (w.def.Manual || !own.Promoted.IsZero()):
		return nil
	case first:
		return w.makeActive()
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

// makeActive promotes the first generation, which nobody had anything to compare with.
func (w *worker[K, R]) makeActive() error {
	if err := w.store.Promote(w.io, w.def.Name, w.def.Codec.Schema.Fingerprint); err != nil {
		return err
	}
	w.promoted(slog.LevelDebug)
	return nil
}

func (w *worker[K, R]) promoted(level slog.Level) {
	w.status.active(true)
	w.group.logger.Log(w.io, level, "generation promoted", "projection", w.def.Name, "sink", w.store.Name(),
		"generation", w.def.Codec.Schema.Fingerprint)
}

// verified promotes the generation as an operator does: if a sample of its rows is what the log says. If it is not, the
// generation is kept up to date, and says so, but nobody is led to it.
func (w *worker[K, R]) verified() error {
	w.status.phase(Verifying)
	defer w.status.phase(Live)
	_, err := generation.Promote(w.work, w.log, w.Projector, false, generation.Options{Seed: rand.Uint64()})
	if errors.As(err, new(*generation.MismatchError)) {
		err = fmt.Errorf("the generation is not promoted: %w", err)
		w.status.refused(err)
		w.group.logger.ErrorContext(w.io, "generation is not promoted", "projection", w.def.Name, "sink", w.store.Name(), "error", err)
		return nil
	}
	if err == nil {
		w.promoted(slog.LevelInfo)
	}
	return err
}

// observe looks at what others may have changed, and at how much there is to do.
func (p *Projector[K, R]) observe(ctx context.Context) {
	p.recount(ctx)
	if generations, err := p.store.Generations(ctx, p.def.Name); err == nil {
		if i := p.own(generations); i >= 0 {
			p.status.active(generations[i].Active)
		}
	}
}

// recount counts the events that the log has for the projection, where that is due.
func (p *Projector[K, R]) recount(ctx context.Context) {
	p.status.recount(func() (int64, error) { return p.log.Count(ctx, p.def.Events...) })
}
