package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
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
		return w.makeActive(slog.LevelDebug)
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

func (w *worker[K, R]) makeActive(level slog.Level) error {
	if err := w.store.Promote(w.io, w.def.Name, w.def.Codec.Schema.Fingerprint); err != nil {
		return err
	}
	w.status.active(true)
	w.group.logger.Log(w.io, level, "generation promoted", "projection", w.def.Name, "sink", w.store.Name(),
		"generation", w.def.Codec.Schema.Fingerprint)
	return nil
}

// verified promotes the generation if a sample of its rows is what the log says. If it is not, the generation is kept up
// to date, and says so, but nobody is led to it.
func (w *worker[K, R]) verified() error {
	w.status.phase(Verifying)
	defer w.status.phase(Live)
	err := w.verify(w.work)
	var differs *DifferenceError
	if errors.As(err, &differs) {
		w.status.refused(err)
		w.group.logger.ErrorContext(w.io, "generation is not promoted", "projection", w.def.Name, "sink", w.store.Name(), "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	return w.makeActive(slog.LevelInfo)
}

// sampled is about how many rows are folded again before a generation is promoted.
const sampled = 1000

// verify folds the log once more for a sample of the rows, and compares them with what is stored. What differs is looked
// at again: a row may have been changed since, or deleted.
func (w *worker[K, R]) verify(ctx context.Context) error {
	rows, _, err := w.table.Count(ctx, readmodel.Find{Index: -1})
	if err != nil {
		return err
	}
	parts := max(1, uint64(rows)/sampled)
	part := rand.Uint64N(parts)
	var differ []string
	for attempt := range 3 {
		again, through, err := w.differences(ctx, part, parts)
		if err != nil {
			return err
		}
		if attempt == 0 {
			differ = again
		}
		differ = slices.DeleteFunc(differ, func(key string) bool { return !slices.Contains(again, key) })
		if len(differ) == 0 {
			return nil
		}
		if attempt == 2 {
			return &DifferenceError{
				Projection: w.def.Name, Generation: w.def.Codec.Schema.Fingerprint, Through: through, Keys: differ,
			}
		}
	}
	return nil
}

// differences returns the keys of a part whose rows, folded again, are not what the table has, and the position through
// which that was.
func (w *worker[K, R]) differences(ctx context.Context, part, parts uint64) ([]string, cqrs.Position, error) {
	at, err := w.table.Checkpoint(ctx)
	if err != nil {
		return nil, 0, err
	}
	rows, err := refold(ctx, w.log, &w.def, at.Position, part, parts)
	if err != nil {
		return nil, 0, err
	}
	codec := &w.def.Codec
	var keys, want [][]readmodel.Value
	for k, r := range rows {
		row, err := codec.AppendRow(nil, &r)
		if err != nil {
			return nil, 0, err
		}
		keys, want = append(keys, codec.AppendKey(nil, &k)), append(want, row)
	}
	same := make([]bool, len(keys))
	_, err = w.table.Get(ctx, keys, func(i int, row []readmodel.Value, changed cqrs.Position) error {
		same[i] = changed > at.Position || slices.Equal(row, want[i])
		return nil
	})
	var differ []string
	for i := range same {
		if !same[i] {
			differ = append(differ, readmodel.KeyText(&codec.Schema, keys[i]))
		}
	}
	slices.Sort(differ)
	return differ, at.Position, err
}

// refold folds the log up to a position into the rows of a part of the keys, independently of any table.
func refold[K comparable, R any](
	ctx context.Context, log eventlog.Log, def *Definition[K, R], through cqrs.Position, part, parts uint64,
) (found map[K]R, err error) {
	rows := Rows[K, R]{def: def, folds: def.NewFold(0), lane: part, lanes: parts}
	rows.reset(true)
	defer func() {
		if v := recover(); v != nil {
			err = &cqrs.PanicError{In: "the fold of " + def.Name, Value: fmt.Sprint(v), Stack: debug.Stack()}
		}
	}()
	for rec, err := range log.Read(ctx, eventlog.Query{Through: through, Types: def.Events}) {
		if err != nil {
			return nil, err
		}
		if err := rows.fold(rec); err != nil {
			return nil, newFoldError(def.Name, rec, err)
		}
	}
	found = map[K]R{}
	rows.cache.index()
	for k, e := range rows.cache.byKey {
		if e.exists {
			found[k] = e.row
		}
	}
	return found, nil
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
