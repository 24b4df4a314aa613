package projection

import (
	"context"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// refresh lets the store compute the rows anew.
func (w *worker[K, R]) refresh(view readmodel.Refresher) error {
	began := time.Now()
	at, err := view.Refresh(w.work, w.def.Events, func(rec *cqrs.Record) error {
		return rec.CheckReplaced(w.def.Events, w.def.Ignores)
	})
	if err != nil {
		return err
	}
	first := !w.live
	w.stored, w.folded, w.scanned, w.live = at, at, at.Position, true
	w.wrote, w.writeTook = time.Now(), time.Since(began)
	w.status.folded(at.Handled, at.Position, time.Time{})
	w.status.stored(at)
	w.status.behind(time.Time{}) // what was behind is reflected, whatever came meanwhile
	if !first {
		return nil
	}
	w.status.phase(Live)
	return w.promote()
}

// refreshNow is catchUp for rows that the store computes.
func (w *worker[K, R]) refreshNow(view readmodel.Refresher) error {
	w.patient = true
	return w.refresh(view)
}

// keepRefreshed is follow for rows that the store computes. A refresh costs as much as it does however little is new, so
// that the store rests for four times as long.
func (w *worker[K, R]) keepRefreshed(view readmodel.Refresher) error {
	w.group.joined(w.Projector) // which reads nothing
	for !w.stop() {
		if err := w.refresh(view); err != nil {
			if w.stop() {
				return nil // it was interrupted, and changed nothing
			}
			return err
		}
		w.rest(w.wrote.Add(max(w.settings.heartbeat, 4*w.writeTook)))
		if err := w.awaitNews(w.stored.Position); err != nil {
			return err
		}
	}
	return nil
}

// rest returns at a time, or when the run is to end.
func (w *worker[K, R]) rest(until time.Time) {
	ctx, cancel := context.WithDeadline(w.work, until)
	defer cancel()
	<-ctx.Done()
}

// awaitNews returns when the log's head is beyond a position, or the run is to end.
func (w *worker[K, R]) awaitNews(after cqrs.Position) error {
	head, err := w.log.Wait(w.work, after)
	switch {
	case w.stop():
		return nil
	case err != nil:
		return err
	}
	w.status.folded(w.folded.Handled, head, time.Time{})
	return nil
}
