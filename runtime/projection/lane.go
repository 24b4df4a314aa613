package projection

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// lane is a part of a projection's keys, with their rows. While a projection catches up there is one for each core, each
// in a goroutine of its own: all of them go through the same chunks, and each folds what leads to its keys. They meet
// only when rows and checkpoint are written.
type lane[K comparable, R any] struct {
	*worker[K, R]
	rows Rows[K, R]
	// number of lanes is this one.
	number, of uint32
	// n is the number of records since missing rows were loaded.
	n int
	// streams has the hashes of streams, which divide them among lanes.
	streams hashes
	touch   cqrs.Position
	// held are the chunks that deferred records belong to.
	held []*chunk
	// cached is the number of rows in memory, at the end of the last chunk.
	cached atomic.Int64

	work chan piece
	// err ends the lane: it lets everything pass then.
	err error

	values  []readmodel.Value
	changes []readmodel.Change
}

// piece is what a lane has to do: to fold what a chunk has behind a position, or, without a chunk, to get ready for a
// write.
type piece struct {
	*chunk
	after cqrs.Position
	done  *sync.WaitGroup
}

func (w *worker[K, R]) newLane(number, of int, complete bool) *lane[K, R] {
	l := &lane[K, R]{worker: w, number: uint32(number), of: uint32(of)}
	l.rows.def, l.rows.folds = &w.def, w.def.NewFold(number)
	if of > 1 && !w.def.ByStream {
		l.rows.lane, l.rows.lanes = uint64(number), uint64(of)
	}
	l.rows.reset(complete)
	return l
}

// split divides the work among n lanes. Nothing may be folded that is not written.
func (w *worker[K, R]) split(n int, complete bool) {
	w.unite()
	w.lanes = w.lanes[:0]
	for i := range n {
		w.lanes = append(w.lanes, w.newLane(i, n, complete))
	}
	if n == 1 {
		return
	}
	for _, l := range w.lanes {
		work := make(chan piece, 8)
		l.work = work
		w.running.Go(func() { l.run(work) }) // which may begin after unite has forgotten it
	}
}

// join goes on in one lane, with the rows of all of them. Nothing may be folded that is not written.
func (w *worker[K, R]) join() {
	if len(w.lanes) == 1 {
		return
	}
	w.unite()
	one := w.newLane(0, 1, true)
	for _, l := range w.lanes {
		one.rows.adopt(&l.rows)
	}
	one.cached.Store(int64(one.rows.cache.rows))
	w.lanes = append(w.lanes[:0], one)
}

// unite ends the goroutines of lanes.
func (w *worker[K, R]) unite() {
	for _, l := range w.lanes {
		if l.work != nil {
			close(l.work)
			l.work = nil
		}
	}
	w.running.Wait()
}

func (l *lane[K, R]) run(work <-chan piece) {
	for p := range work {
		switch {
		case l.err != nil:
		case p.chunk == nil:
			l.err = l.endBatch(l.io)
		default:
			l.err = l.fold(l.io, p.chunk, p.after)
		}
		if l.err != nil {
			l.failed.Store(true)
		}
		if p.chunk != nil {
			p.release()
		}
		if p.done != nil {
			p.done.Done()
		}
	}
}

// foldChunk lets all lanes fold what a chunk has behind a position.
func (w *worker[K, R]) foldChunk(c *chunk, after cqrs.Position) error {
	if w.def.Keys != nil {
		if err := w.def.Keys.Prefetch(w.io, c.records); err != nil {
			return err
		}
	}
	if len(w.lanes) == 1 {
		return w.lanes[0].fold(w.io, c, after)
	}
	if w.failed.Load() {
		return w.settle()
	}
	c.hold(len(w.lanes))
	for _, l := range w.lanes {
		l.work <- piece{chunk: c, after: after}
	}
	return nil
}

// settle returns when every lane has folded all that it was given, or with the failure of the first event that failed.
func (w *worker[K, R]) settle() error {
	if len(w.lanes) == 1 {
		return w.lanes[0].endBatch(w.io)
	}
	var ready sync.WaitGroup
	ready.Add(len(w.lanes))
	for _, l := range w.lanes {
		l.work <- piece{done: &ready}
	}
	ready.Wait()
	var first *FoldError
	var other error
	for _, l := range w.lanes {
		failed, ok := l.err.(*FoldError)
		switch {
		case !ok:
			other = errors.Join(other, l.err)
		case first == nil || failed.Position < first.Position:
			first = failed
		}
	}
	if other == nil && first != nil {
		return first
	}
	return other
}

var streamSeed = maphash.MakeSeed()

// hashes are those of streams' ids, by the numbers of the streams; 0 is none.
type hashes []uint32

// of returns the hash of the id of a record's stream. It is the same with a number and without.
func (h *hashes) of(rec *cqrs.Record) uint32 {
	n := int(rec.StreamNumber)
	if n == 0 {
		return uint32(maphash.String(streamSeed, rec.Stream.ID))
	}
	if n >= len(*h) {
		*h = append(*h, make([]uint32, n+1-len(*h))...)
	}
	known := &(*h)[n]
	if *known == 0 {
		*known = uint32(maphash.String(streamSeed, rec.Stream.ID))
	}
	return *known
}

// maxHeld bounds the chunks that a lane holds: where few of a chunk's records are the projection's, a batch is spread over
// very many of them.
const maxHeld = 64

// touched is for how many records rows are brought near at once: as many as a small cache has room for.
const touched = 128

// fold folds what a chunk has behind a position, as far as it leads to this lane's keys.
func (l *lane[K, R]) fold(io context.Context, c *chunk, after cqrs.Position) (err error) {
	defer l.guard(&err)
	byStream := l.of > 1 && l.def.ByStream
	deferred := len(l.rows.deferred)
	for i := range c.records {
		if i%touched == 0 {
			l.touch += l.rows.cache.touch(c.records[i:min(i+touched, len(c.records))])
		}
		rec := &c.records[i]
		if rec.Position <= after || !l.handles[c.kinds[i]] || byStream && l.streams.of(rec)%l.of != l.number {
			continue
		}
		if err := l.rows.fold(rec); err != nil {
			return l.foldError(err)
		}
		l.n++
	}
	// A panic is the fold's only while a record is being folded.
	l.rows.record = nil
	if len(l.rows.deferred) > deferred {
		c.hold(1)
		l.held = append(l.held, c)
	}
	l.rows.rest(len(c.records))
	if l.n >= l.settings.batch || len(l.held) >= maxHeld {
		err = l.endBatch(io)
	}
	l.cached.Store(int64(l.rows.cache.rows))
	return err
}

// endBatch folds what was deferred.
func (l *lane[K, R]) endBatch(io context.Context) (err error) {
	l.n = 0
	if len(l.rows.missing) == 0 {
		return nil
	}
	if err := l.load(io); err != nil {
		return err
	}
	defer l.guard(&err)
	return l.foldDeferred()
}

// load loads the missing rows of the batch in one round trip.
func (l *lane[K, R]) load(io context.Context) error {
	keys := make([][]readmodel.Value, len(l.rows.missing))
	l.values = l.values[:0]
	for i, e := range l.rows.missing {
		first := len(l.values)
		l.values = l.def.Codec.AppendKey(l.values, &e.key)
		keys[i] = l.values[first:len(l.values):len(l.values)]
	}
	schema := &l.def.Codec.Schema
	scanner := readmodel.NewScanner(schema.Projection, schema.Row, nil)
	at, err := l.table.Get(io, keys, func(i int, row []readmodel.Value, at cqrs.Position) error {
		e := l.rows.missing[i]
		e.position = at
		if row == nil {
			return nil
		}
		e.exists, e.stored = true, true
		scanner.Reset(row)
		l.def.Codec.ReadRow(scanner, &e.row)
		return scanner.Err()
	})
	if err != nil {
		return err
	}
	if at != l.stored {
		return readmodel.ErrFenced
	}
	for _, e := range l.rows.missing {
		if !e.exists {
			l.rows.init(e)
		}
		e.state = loaded
	}
	return nil
}

// foldDeferred is the second pass of a batch.
func (l *lane[K, R]) foldDeferred() error {
	r := &l.rows
	r.turn = loaded
	for i := range r.deferred {
		if err := r.fold(&r.deferred[i]); err != nil {
			return l.foldError(err)
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
	for _, c := range l.held {
		c.release()
	}
	clear(l.held)
	l.held = l.held[:0]
	return nil
}

// encode turns the changed rows into changes. A row that was made and deleted since the last write is none, unless a
// projector that was paused meanwhile can still store it.
func (l *lane[K, R]) encode() error {
	codec := &l.def.Codec
	l.values = slices.Grow(l.values[:0], len(l.rows.dirty)*(len(codec.Schema.Key)+len(codec.Schema.Row)))
	l.changes = slices.Grow(l.changes[:0], len(l.rows.dirty))
	for _, e := range l.rows.dirty {
		if !e.exists && !e.stored && !l.table.RowsAhead() {
			continue
		}
		if err := l.encodeRow(e); err != nil {
			return &RowError{l.def.Name, l.keyText(e), e.position, err}
		}
	}
	return nil
}

func (l *lane[K, R]) encodeRow(e *entry[K, R]) (err error) {
	codec := &l.def.Codec
	first := len(l.values)
	l.values = codec.AppendKey(l.values, &e.key)
	row := len(l.values)
	change := readmodel.Change{Key: l.values[first:row:row], Position: e.position}
	if e.exists {
		if l.values, err = codec.AppendRow(l.values, &e.row); err != nil {
			return err
		}
		change.Row = l.values[row:len(l.values):len(l.values)]
	}
	l.changes = append(l.changes, change)
	// The table would refuse it too, but without saying which row it is.
	return codec.Schema.CheckChange(&change)
}

// maxKept is how many values the buffers of a write are kept for; a bulk write's are not.
const maxKept = 1 << 16

func (l *lane[K, R]) trim() {
	clear(l.values)
	clear(l.changes)
	if cap(l.values) > maxKept {
		l.values, l.changes = nil, nil
	}
}

// foldError describes the failure of the record that is being folded.
func (l *lane[K, R]) foldError(err error) *FoldError {
	rec := l.rows.record
	e := newFoldError(l.def.Name, rec, err)
	if l.rows.asked != nil {
		e.Key = l.keyText(l.rows.asked)
	}
	return e
}

func (l *lane[K, R]) keyText(e *entry[K, R]) string {
	return readmodel.KeyText(&l.def.Codec.Schema, l.def.Codec.AppendKey(nil, &e.key))
}

// guard turns a panic of the fold into a *FoldError. It stands around whole chunks, so that an event costs nothing. A
// panic of anything else goes on.
func (l *lane[K, R]) guard(err *error) {
	if l.rows.record == nil {
		return
	}
	if v := recover(); v != nil {
		*err = l.foldError(&cqrs.PanicError{In: "the fold of " + l.def.Name, Value: fmt.Sprint(v), Stack: debug.Stack()})
	}
}
