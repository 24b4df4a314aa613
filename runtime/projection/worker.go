package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// start finds out where the read model is, and that it belongs to this log.
func (w *worker[K, R]) start(io context.Context) (err error) {
	if w.table, err = w.store.Table(io, &w.def.Codec.Schema); err != nil {
		return err
	}
	at, err := w.table.Checkpoint(io)
	if err != nil {
		return err
	}
	if err := readmodel.CheckHistory(io, w.log, w.def.Name, at); err != nil {
		return err
	}
	if w.goal, err = w.log.Head(io); err != nil {
		return err
	}
	total, err := w.log.Count(io, w.def.Events...)
	if err != nil {
		return err
	}
	if at == (readmodel.Checkpoint{}) {
		// A sink may have stored rows without the checkpoint even then.
		rows, _, err := w.table.Count(io, readmodel.Find{Index: -1})
		if err != nil {
			return err
		}
		w.empty = rows == 0
	}
	w.stored, w.folded, w.scanned = at, at, at.Position
	w.rows.reset(w.empty)
	w.status.start(at, total)
	return nil
}

// catchUp folds and stores everything up to the log's head, unless it is told to stop, and returns the head.
func (w *worker[K, R]) catchUp(io context.Context) (cqrs.Position, error) {
	head, err := w.log.Head(io)
	if err != nil {
		return 0, err
	}
	w.status.head(head)
	if err := w.scan(io, head); err != nil {
		return 0, err
	}
	return head, w.write(io)
}

// follow catches up and then lives on the log's news, until ctx ends.
func (w *worker[K, R]) follow(ctx, io context.Context) error {
	for live := false; !w.stop(); {
		start := time.Now()
		head, err := w.log.Head(io)
		if err != nil {
			return err
		}
		w.status.head(head)
		if err := w.scan(io, head); err != nil {
			return err
		}
		if !live && w.scanned == head && time.Since(start) < w.settings.heartbeat {
			// Whoever waits for the head always finds a busy log's head ahead: a short way is near enough.
			live = true
			w.status.phase(Live)
		}
		if live {
			if err := w.rest(ctx, io); err != nil {
				return err
			}
		}
	}
	return w.write(io)
}

// rest writes what is folded, at once. Where nothing was folded, it lets the checkpoint follow the log, but not with
// every commit of others. It returns when the log has news, or ctx ends.
func (w *worker[K, R]) rest(ctx, io context.Context) error {
	if len(w.rows.dirty) > 0 || !w.stored.Built && w.scanned >= w.goal {
		if err := w.write(io); err != nil {
			return err
		}
	}
	wait := ctx
	if w.scanned > w.stored.Position {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(ctx, w.wrote.Add(w.settings.heartbeat))
		defer cancel()
	}
	_, err := w.log.Wait(wait, w.scanned)
	switch {
	case ctx.Err() != nil:
		return nil
	case w.scanned > w.stored.Position && time.Since(w.wrote) >= w.settings.heartbeat:
		return w.write(io)
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	}
	return err
}

// scan reads and folds up to a position, unless it is told to stop. It writes in between where that is due.
func (w *worker[K, R]) scan(io context.Context, through cqrs.Position) (err error) {
	if through <= w.scanned {
		return nil
	}
	defer w.guard(&err)
	var (
		n        int
		position cqrs.Position
		commit   cqrs.CommitID
	)
	for rec, err := range w.log.Read(io, eventlog.Query{After: w.scanned, Through: through, Types: w.def.Events}) {
		if err != nil {
			return err
		}
		if rec.Commit != commit {
			stop := w.stop() || rec.Commit == w.limit
			if n > 0 && (n >= w.settings.batch || stop) {
				if err := w.endBatch(io, position, commit, n); err != nil {
					return err
				}
				n = 0
			}
			if stop {
				return nil
			}
			commit = rec.Commit
		}
		if err := w.rows.fold(rec); err != nil {
			return w.foldError(err)
		}
		// A panic is the fold's only while a record is being folded.
		w.rows.record = nil
		position = rec.Position
		n++
	}
	if n > 0 {
		if err := w.endBatch(io, position, commit, n); err != nil {
			return err
		}
	}
	w.scanned = through
	return nil
}

// endBatch folds what was deferred. All records up to position, the last one of a commit, are folded then.
func (w *worker[K, R]) endBatch(io context.Context, position cqrs.Position, commit cqrs.CommitID, n int) error {
	if len(w.rows.missing) > 0 {
		if err := w.load(io); err != nil {
			return err
		}
		if err := w.foldDeferred(); err != nil {
			return err
		}
	}
	w.folded.Position, w.folded.Commit = position, commit
	w.folded.Handled += int64(n)
	w.scanned = position
	w.status.folded(w.folded.Handled)
	// A read model that takes long to write is written less often, so that writing does not outweigh folding.
	due := time.Since(w.wrote) >= max(w.settings.bulk, 4*w.writeTook)
	if due || w.rows.cache.rows > w.settings.cacheRows {
		return w.write(io)
	}
	return nil
}

// load loads the missing rows of the batch in one round trip.
func (w *worker[K, R]) load(io context.Context) error {
	keys := make([][]readmodel.Value, len(w.rows.missing))
	w.values = w.values[:0]
	for i, e := range w.rows.missing {
		first := len(w.values)
		w.values = w.def.Codec.AppendKey(w.values, &e.key)
		keys[i] = w.values[first:len(w.values):len(w.values)]
	}
	schema := &w.def.Codec.Schema
	scanner := readmodel.NewScanner(schema.Projection, schema.Row, nil)
	at, err := w.table.Get(io, keys, func(i int, row []readmodel.Value, at cqrs.Position) error {
		e := w.rows.missing[i]
		e.position = at
		if row == nil {
			return nil
		}
		e.exists, e.stored = true, true
		scanner.Reset(row)
		w.def.Codec.ReadRow(scanner, &e.row)
		return scanner.Err()
	})
	if err != nil {
		return err
	}
	if at != w.stored {
		return readmodel.ErrFenced
	}
	for _, e := range w.rows.missing {
		if !e.exists {
			w.rows.init(e)
		}
		e.state = loaded
	}
	return nil
}

// foldDeferred is the second pass of a batch.
func (w *worker[K, R]) foldDeferred() error {
	r := &w.rows
	r.turn = loaded
	for i := range r.deferred {
		if err := r.fold(&r.deferred[i]); err != nil {
			return w.foldError(err)
		}
		r.record = nil
	}
	r.turn = settled
	for _, e := range r.missing {
		e.state = settled
	}
	clear(r.missing)
	clear(r.deferred)
	r.missing, r.deferred = r.missing[:0], r.deferred[:0]
	return nil
}

// write stores the changed rows and the checkpoint, which is as far as the log was scanned.
func (w *worker[K, R]) write(io context.Context) error {
	if w.scanned > w.folded.Position {
		commit, err := readmodel.CommitAt(io, w.log, w.scanned)
		if err != nil {
			return err
		}
		if commit == (cqrs.CommitID{}) {
			return fmt.Errorf("%w: no event at position %d, which was the head", eventlog.ErrCorrupt, w.scanned)
		}
		w.folded.Position, w.folded.Commit = w.scanned, commit
	}
	w.folded.Built = w.folded.Built || w.scanned >= w.goal
	if w.folded == w.stored {
		return nil
	}
	start := time.Now()
	if err := w.encode(); err != nil {
		return err
	}
	err := w.table.Apply(io, &readmodel.Batch{From: w.stored, To: w.folded, Changes: w.changes})
	w.trim()
	if err != nil {
		return err
	}
	if w.folded.Built && !w.stored.Built {
		if err := w.promoteFirst(io); err != nil {
			return err
		}
	}
	w.stored = w.folded
	w.wrote = time.Now()
	w.writeTook = w.wrote.Sub(start)
	w.rows.wrote()
	if w.rows.cache.rows > w.settings.cacheRows {
		w.rows.reset(false)
	}
	w.status.stored(w.stored.Position)
	return nil
}

// promoteFirst makes the generation that was just built the active one, if there is none.
func (w *worker[K, R]) promoteFirst(io context.Context) error {
	generations, err := w.store.Generations(io, w.def.Name)
	if err != nil || slices.ContainsFunc(generations, func(g readmodel.Generation) bool { return g.Active }) {
		return err
	}
	return w.store.Promote(io, w.def.Name, w.def.Codec.Schema.Fingerprint)
}

// encode turns the changed rows into changes. A row that was made and deleted since the last write is none.
func (w *worker[K, R]) encode() error {
	codec := &w.def.Codec
	w.values = slices.Grow(w.values[:0], len(w.rows.dirty)*(len(codec.Schema.Key)+len(codec.Schema.Row)))
	w.changes = slices.Grow(w.changes[:0], len(w.rows.dirty))
	for _, e := range w.rows.dirty {
		if !e.exists && !e.stored {
			continue
		}
		if err := w.encodeRow(e); err != nil {
			return &RowError{w.def.Name, w.keyText(e), e.position, err}
		}
	}
	return nil
}

func (w *worker[K, R]) encodeRow(e *entry[K, R]) (err error) {
	codec := &w.def.Codec
	first := len(w.values)
	w.values = codec.AppendKey(w.values, &e.key)
	row := len(w.values)
	change := readmodel.Change{Key: w.values[first:row:row], Position: e.position}
	if e.exists {
		if w.values, err = codec.AppendRow(w.values, &e.row); err != nil {
			return err
		}
		change.Row = w.values[row:len(w.values):len(w.values)]
	}
	w.changes = append(w.changes, change)
	// The table would refuse it too, but without saying which row it is.
	return codec.Schema.CheckChange(&change)
}

// maxKept is how many values the buffers of a write are kept for; a bulk write's are not.
const maxKept = 1 << 16

func (w *worker[K, R]) trim() {
	clear(w.values)
	clear(w.changes)
	if cap(w.values) > maxKept {
		w.values, w.changes = nil, nil
	}
}

// salvage stores everything before the commit of a failed record. What is in memory is part of that commit, or comes
// behind it, so that the good part is folded again, also if the run is to end. Should a record before it fail now, one
// that was deferred at the time, that one is what stopped the projection.
func (w *worker[K, R]) salvage(io context.Context, failed *FoldError) error {
	w.stop = func() bool { return false }
	for {
		w.rows.reset(w.empty && w.stored == readmodel.Checkpoint{})
		w.folded, w.scanned, w.limit = w.stored, w.stored.Position, failed.commit
		w.status.folded(w.folded.Handled)
		err := w.scan(io, failed.Position)
		earlier, ok := err.(*FoldError)
		switch {
		case ok && earlier.Position < failed.Position:
			failed = earlier
			continue
		case err == nil:
			err = w.write(io)
		}
		if err != nil {
			return errors.Join(failed, err)
		}
		return failed
	}
}
