package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// worker is one attempt of a Projector: from opening its table until something ends it.
type worker[K comparable, R any] struct {
	*Projector[K, R]
	// io is the context of all that the worker waits for. It outlives the end of the run by a grace.
	io context.Context
	// work ends with the run, or with the lease; fail ends it with an error.
	work  context.Context
	fail  context.CancelCauseFunc
	table readmodel.Table
	lease *lease

	reader  *reader
	handles []bool
	lanes   []*lane[K, R]
	running sync.WaitGroup
	// failed says that a lane has failed.
	failed atomic.Bool

	// stored is the table's checkpoint, folded that of the rows in memory. Both lie between two commits.
	stored, folded readmodel.Checkpoint
	// scanned is how far the log was read, and commit that of the event there, if it is known. There is nothing to fold
	// between folded and scanned.
	scanned cqrs.Position
	commit  cqrs.CommitID
	// total is the number of events that the log is known to hold for the projection.
	total int64
	// empty says that the table had neither a checkpoint nor rows when the run began.
	empty bool
	// live says that the rows follow the log's head.
	live bool
	// met says that the run was level with the live scan, and goal is where the log's head was then: the live scan may be
	// far behind it, where another projection holds it up.
	met  bool
	goal cqrs.Position
	// patient says that the run waits for verification before it goes on.
	patient bool

	wrote     time.Time
	writeTook time.Duration
	changes   []readmodel.Change
	// verifying is done by a goroutine while the projection goes on.
	verifying sync.WaitGroup
	// oldest is the time of the oldest event that is folded and not stored; zero if there is none.
	oldest time.Time
}

// stop says that the run is to end.
func (w *worker[K, R]) stop() bool { return w.work.Err() != nil }

// start finds out where the read model is, and that it belongs to this log.
func (w *worker[K, R]) start() error {
	at, err := w.table.Checkpoint(w.io)
	if err != nil {
		return err
	}
	if err := readmodel.CheckHistory(w.io, w.log, w.def.Name, at); err != nil {
		return err
	}
	log, err := w.backlog(w.io, at.Position)
	if err != nil {
		return err
	}
	w.total = log.total
	if _, computed := w.table.(readmodel.Refresher); at == (readmodel.Checkpoint{}) && !computed {
		// A sink may have stored rows without the checkpoint even then.
		rows, _, err := w.table.Count(w.io, readmodel.Find{Index: -1})
		if err != nil {
			return err
		}
		w.empty = rows == 0
	}
	w.stored, w.folded, w.scanned, w.commit = at, at, at.Position, at.Commit
	w.handles = w.group.feed.handled(w.def.Events)
	w.split(w.width(), w.empty)
	w.status.start(at, log)
	return nil
}

// fewEvents is how many events are folded by one lane: more than a moment's worth.
const fewEvents = 50_000

// width returns the number of lanes that a run starts with. Folding in one lane is what costs least, so that more of them
// are only for the time of catching up.
func (w *worker[K, R]) width() int {
	if w.settings.lanes > 0 {
		return w.settings.lanes
	}
	if w.total-w.folded.Handled < fewEvents {
		return 1
	}
	n := min(runtime.GOMAXPROCS(0), maxLanes)
	if !w.def.ByStream && n < manyCores {
		return 1
	}
	return n
}

// manyCores is from how many cores on lanes gain where each of them has to decode every event.
const manyCores = 4

// maxLanes bounds the lanes of a projection: each of them goes through all chunks.
const maxLanes = 16

// catchUp folds and stores everything up to the log's head, unless it is told to stop.
func (w *worker[K, R]) catchUp() error {
	if view, ok := w.table.(readmodel.Refresher); ok {
		return w.refreshNow(view)
	}
	w.patient = true
	head, err := w.log.Head(w.io)
	if err != nil {
		return err
	}
	for w.scanned < head && !w.stop() {
		if err := w.advance(); err != nil {
			return err
		}
	}
	if w.scanned < head {
		if err := w.write(); err != nil {
			return err
		}
		return w.work.Err()
	}
	if w.live {
		return w.write()
	}
	return w.arrive()
}

// follow catches up and then lives on the log's news, until it is told to stop.
func (w *worker[K, R]) follow() error {
	if view, ok := w.table.(readmodel.Refresher); ok {
		return w.keepRefreshed(view)
	}
	for !w.stop() {
		if err := w.advance(); err != nil {
			return err
		}
	}
	return w.write()
}

// advance folds the next chunk, or waits for one, and writes if that is due.
func (w *worker[K, R]) advance() error {
	if w.reader == nil {
		w.reader = w.group.feed.join(w.def.Events, w.scanned)
		w.group.joined(w.Projector)
	}
	c, err := w.reader.poll()
	if c == nil && err == nil {
		switch whole, err := w.whole(); {
		case err != nil:
			return err
		case whole:
			return w.arrive()
		}
		if w.live && w.folded.Handled > w.stored.Handled {
			return w.write()
		}
		c, err = w.await()
	}
	if errors.Is(err, errLeft) {
		w.reader.leave()
		w.reader, w.met = nil, false
		return nil
	}
	if err != nil {
		return err
	}
	if c != nil {
		err = w.take(c)
		c.release()
		if err != nil {
			return err
		}
	}
	if w.due() {
		return w.write()
	}
	return nil
}

// whole reports whether the read model has come to reflect the log's head.
func (w *worker[K, R]) whole() (bool, error) {
	if w.live || !w.reader.current(w.scanned) {
		return false, nil
	}
	if !w.met {
		head, err := w.log.Head(w.io)
		if err != nil {
			return false, err
		}
		w.met, w.goal = true, head
	}
	return w.scanned >= w.goal, nil
}

// await waits for a chunk, as long as no write is due and ctx lasts.
func (w *worker[K, R]) await() (*chunk, error) {
	wait := w.work
	if w.scanned > w.stored.Position {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(w.work, w.wrote.Add(w.interval()))
		defer cancel()
	}
	c, err := w.reader.next(wait)
	if err != nil && wait.Err() != nil {
		return nil, nil
	}
	return c, err
}

// interval is the time from one write to the next.
func (w *worker[K, R]) interval() time.Duration {
	if w.live || w.folded.Handled == w.stored.Handled {
		return w.settings.heartbeat
	}
	// A read model that takes long to write is written less often, so that writing does not outweigh folding.
	if !w.stored.Built {
		return max(w.settings.building, 8*w.writeTook)
	}
	return max(w.settings.bulk, 4*w.writeTook)
}

// due says that what is folded has to be written now: because it is time to, or because memory is bounded.
func (w *worker[K, R]) due() bool {
	if w.scanned == w.stored.Position {
		return false
	}
	rows := int64(0)
	for _, l := range w.lanes {
		rows += l.cached.Load()
	}
	return rows > int64(w.settings.cacheRows) || time.Since(w.wrote) >= w.interval()
}

// take folds a chunk.
func (w *worker[K, R]) take(c *chunk) error {
	first := 0
	for c.after < w.scanned && first < len(c.records) && c.records[first].Position <= w.scanned {
		first++
	}
	n := int64(0)
	for i, kind := range c.kinds[first:] {
		if w.handles[kind] {
			if n++; n == 1 && w.oldest.IsZero() {
				w.oldest = c.records[first+i].Time
			}
		}
	}
	if n > 0 {
		if err := w.foldChunk(c, w.scanned); err != nil {
			return err
		}
	}
	if c.through > w.scanned {
		w.scanned, w.commit = c.through, c.commit
	}
	w.folded.Handled += n
	w.status.folded(w.folded.Handled, c.head, w.oldest)
	if w.live && w.reader != nil { // nil where the scan left it behind, and the run ends
		w.status.known(w.folded.Handled + w.reader.queued(w.handles))
	}
	return nil
}

// arrive is called where the read model reflects the log's head: it is whole from then on.
func (w *worker[K, R]) arrive() error {
	w.folded.Built = true
	if err := w.write(); err != nil {
		return err
	}
	w.join()
	w.live = true
	w.status.phase(Live)
	return w.promote()
}

// write stores the changed rows and the checkpoint, which is as far as the log was scanned.
func (w *worker[K, R]) write() error {
	if err := w.settle(); err != nil {
		return err
	}
	if w.scanned > w.folded.Position {
		if w.commit == (cqrs.CommitID{}) {
			var err error
			if w.commit, err = readmodel.CommitAt(w.io, w.log, w.scanned); err != nil {
				return err
			}
		}
		if w.commit == (cqrs.CommitID{}) {
			return fmt.Errorf("%w: no event at position %d, which was the head", eventlog.ErrCorrupt, w.scanned)
		}
		w.folded.Position, w.folded.Commit = w.scanned, w.commit
	}
	if w.folded == w.stored {
		return nil
	}
	start := time.Now()
	if err := w.apply(); err != nil {
		return err
	}
	w.stored = w.folded
	w.wrote = time.Now()
	w.writeTook = w.wrote.Sub(start)
	w.oldest = time.Time{}
	rows := 0
	for _, l := range w.lanes {
		l.rows.wrote()
		rows += l.rows.cache.rows
	}
	for _, l := range w.lanes {
		if rows > w.settings.cacheRows {
			l.rows.reset(false)
		}
		l.cached.Store(int64(l.rows.cache.rows))
	}
	w.status.stored(w.stored)
	return nil
}

// apply writes what all lanes have changed, as one batch.
func (w *worker[K, R]) apply() error {
	defer w.trim()
	errs := make([]error, len(w.lanes))
	var encoding sync.WaitGroup
	for i, l := range w.lanes[1:] {
		encoding.Go(func() { errs[i+1] = l.encode() })
	}
	errs[0] = w.lanes[0].encode()
	encoding.Wait()
	if err := cmp.Or(errs...); err != nil {
		return err
	}
	changes := w.lanes[0].changes
	if len(w.lanes) > 1 {
		for _, l := range w.lanes {
			w.changes = append(w.changes, l.changes...)
		}
		changes = w.changes
	}
	if err := w.lease.extend(w.io, len(changes), w.report); err != nil {
		return err
	}
	return w.table.Apply(w.io, &readmodel.Batch{From: w.stored, To: w.folded, Changes: changes})
}

// trim lets go of what was written.
func (w *worker[K, R]) trim() {
	clear(w.changes)
	if w.changes = w.changes[:0]; cap(w.changes) > maxKept {
		w.changes = nil
	}
	for _, l := range w.lanes {
		l.trim()
	}
}

// end lets go of all that the worker has.
func (w *worker[K, R]) end() {
	if w.reader != nil {
		w.reader.leave()
		w.reader = nil
	}
	w.unite()
	w.fail(nil)
	w.verifying.Wait()
}

// salvage stores everything before the commit of a failed record. What is in memory is part of that commit, or comes
// behind it, so that the good part is folded again, also if the run is to end. Should a record before it fail now, one
// that was deferred at the time, or that another lane was to fold, that one is what stopped the projection.
func (w *worker[K, R]) salvage(failed *FoldError) error {
	for {
		w.failed.Store(false)
		w.split(1, w.empty && w.stored == readmodel.Checkpoint{})
		w.folded, w.scanned, w.commit, w.oldest = w.stored, w.stored.Position, w.stored.Commit, time.Time{}
		w.status.folded(w.folded.Handled, 0, w.oldest)
		err := w.refoldTo(failed)
		earlier, ok := err.(*FoldError)
		switch {
		case ok && earlier.Position < failed.Position:
			failed = earlier
			continue
		case err == nil:
			err = w.write()
		}
		w.status.behind(failed.time)
		if err != nil {
			return errors.Join(failed, err)
		}
		return failed
	}
}

// refoldTo folds what lies between the stored checkpoint and the commit of a failed record.
func (w *worker[K, R]) refoldTo(failed *FoldError) error {
	c := newChunk(false)
	defer func() { c.release() }()
	c.after = w.scanned
	fold := func() error {
		if len(c.records) > 0 {
			last := &c.records[len(c.records)-1]
			c.through, c.commit = last.Position, last.Commit
		}
		return w.take(c)
	}
	q := eventlog.Query{After: w.scanned, Through: failed.Position, Types: w.def.Events}
	for rec, err := range w.log.Read(w.io, q) {
		if err != nil {
			return err
		}
		if rec.Commit == failed.commit {
			break
		}
		if n := len(c.records); n > 0 && c.full(w.group.feed.chunkRecords) && rec.Commit != c.records[n-1].Commit {
			if err := fold(); err != nil {
				return err
			}
			if w.due() {
				if err := w.write(); err != nil {
					return err
				}
			}
			c.release()
			c = newChunk(false)
			c.after = w.scanned
		}
		c.add(rec, w.group.feed.number(rec.Type))
	}
	if err := fold(); err != nil {
		return err
	}
	return w.settle()
}
