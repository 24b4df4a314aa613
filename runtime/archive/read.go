package archive

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"sort"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Read implements eventlog.Log. Payloads and strings of what comes from the archive lie in blocks of about a quarter of
// a megabyte, so that whoever keeps one of them keeps a block.
func (l *Log) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		q.After = max(0, q.After)
		r := replay{log: l, query: q, yield: yield, last: q.After}
		if l.reaches(q) {
			if err := r.prepare(ctx); err != nil {
				r.fail(err)
				return
			}
			if !r.archived(ctx) {
				return
			}
		}
		r.rest(ctx)
	}
}

// reaches reports whether the archive has much of what a query asks for. To read a block and to ask the log whether the
// archive is right costs more than to ask the log for a few events.
func (l *Log) reaches(q eventlog.Query) bool {
	if l.mayBeBehind() {
		l.reload()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	blocks := 0
	for _, s := range l.segments {
		from, to := s.blocks(q)
		if blocks += to - from; blocks > 1 {
			return true
		}
	}
	return blocks == 1 && q.Through == 0
}

// mayBeBehind reports whether another program keeps the archive, and it is long ago that this one looked at it.
func (l *Log) mayBeBehind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lock == nil && !l.closed && time.Since(l.looked) >= l.every
}

// blocks returns the bounds of the blocks that may have events that a query asks for.
func (s *segment) blocks(q eventlog.Query) (from, to int) {
	all := s.index.blocks
	from = sort.Search(len(all), func(i int) bool { return all[i].last > q.After })
	to = len(all)
	if q.Through > 0 {
		to = sort.Search(len(all), func(i int) bool { return all[i].first > q.Through })
	}
	return from, max(from, to)
}

// replay is one iteration over archive and log.
type replay struct {
	log   *Log
	query eventlog.Query
	yield func(*cqrs.Record, error) bool
	view
	// last and version are those of the record that was yielded last.
	last    cqrs.Position
	version cqrs.Version
	// record is what is lent to the caller.
	record cqrs.Record
}

// fail ends the iteration with an error.
func (r *replay) fail(err error) {
	var stopped *eventlog.ReadError
	if errors.As(err, &stopped) {
		err = stopped.Err // what it says of its place may be about another read
	}
	r.yield(nil, &eventlog.ReadError{Position: r.last, Version: r.version, Err: err})
}

// prepare asks the log whether the archive is right, and where the iteration ends.
func (r *replay) prepare(ctx context.Context) (err error) {
	if r.view, err = r.log.verified(ctx); err != nil {
		return err
	}
	head, err := r.log.Head(ctx)
	if err != nil {
		return err
	}
	if r.query.Through <= 0 || r.query.Through > head {
		r.query.Through = head
	}
	return nil
}

// archived yields what the archive has, sets query.After to where it ends, and reports whether the caller wants more.
// What is wrong with the archive ends it early, and is dropped.
func (r *replay) archived(ctx context.Context) bool {
	for i := 0; i < len(r.segments); i++ {
		s := r.segments[i]
		from, to := s.blocks(r.query)
		if from == to {
			continue
		}
		// Files are read without the log, which may have been closed meanwhile.
		if _, err := r.log.Head(ctx); err != nil {
			r.fail(err)
			return false
		}
		more, err := r.segment(ctx, s, from, to)
		switch {
		case err == nil && !more:
			return false
		case err == nil:
		case ctx.Err() != nil:
			r.fail(ctx.Err())
			return false
		case errors.Is(err, fs.ErrNotExist) && r.log.merged(s):
			if r.view, err = r.log.verified(ctx); err != nil {
				r.fail(err)
				return false
			}
			i = -1 // what was yielded already is not yielded again: query.After stands behind it
		default:
			r.log.drop(s, err)
			return true
		}
	}
	return true
}

// merged reports whether a segment is no part of the archive any more, because its events are in another file now.
func (l *Log) merged(s *segment) bool {
	if !l.keeps() {
		l.reload()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.Contains(l.segments, s)
}

// segment yields the records of some blocks of a file.
func (r *replay) segment(ctx context.Context, s *segment, from, to int) (more bool, err error) {
	file, err := r.log.fs.Open(s.path)
	if err != nil {
		return false, err
	}
	a := readAhead(&reader{path: s.path, file: file}, s.index.selected(&r.query, from, to), decoder{byNumber: r.names, lasting: r.lasting, lent: r.query.Lent})
	defer a.stop()
	for b := range a.ready {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if b.err != nil {
			return false, b.err
		}
		if !r.block(&b.decoder) {
			return false, nil
		}
		if b.decoder.reason != "" {
			return false, a.in.damaged(b.entry.offset, b.decoder.reason)
		}
		r.query.After = max(r.query.After, min(b.entry.last, r.query.Through))
		a.free <- b
	}
	// Behind the last block that was selected nothing was.
	r.query.After = max(r.query.After, min(s.index.blocks[to-1].last, r.query.Through))
	return true, nil
}

// ahead reads blocks in a goroutine of its own, while the caller is at an earlier one.
type ahead struct {
	in *reader
	// ready has blocks in order, and is closed behind the last one, or the first one that can't be read. What was read
	// goes back to free.
	ready, free chan *readBlock
	stopped     chan struct{}
	done        chan struct{}
}

type readBlock struct {
	entry   *entry
	decoder decoder
	err     error
}

// readAhead starts reading blocks of a file, which it closes, with decoders like d. The caller must call stop.
func readAhead(in *reader, entries []*entry, d decoder) *ahead {
	const buffers = 3 // one that the caller is at, one that is ready, one that is being read
	a := &ahead{
		in: in, ready: make(chan *readBlock, buffers), free: make(chan *readBlock, buffers),
		stopped: make(chan struct{}), done: make(chan struct{}),
	}
	for range min(buffers, len(entries)) {
		a.free <- &readBlock{decoder: d}
	}
	go a.run(entries)
	return a
}

func (a *ahead) run(entries []*entry) {
	defer close(a.done)
	defer a.in.close()
	defer close(a.ready)
	for _, e := range entries {
		select {
		case <-a.stopped:
			return
		case b := <-a.free:
			b.entry = e
			b.err = a.in.block(e, &b.decoder, nil)
			a.ready <- b
			if b.err != nil {
				return
			}
		}
	}
}

// stop ends the reading and waits until it has ended.
func (a *ahead) stop() {
	close(a.stopped)
	<-a.done
}

// selected returns those of some blocks that may have events that a query asks for.
func (x *index) selected(q *eventlog.Query, from, to int) []*entry {
	types, categories := wanted(x.types, q.Types), wanted(x.categories, q.Categories)
	var entries []*entry
	for i := from; i < to; i++ {
		if e := &x.blocks[i]; e.matches(types, categories) {
			entries = append(entries, e)
		}
	}
	return entries
}

// wanted says for each name of an index whether it is selected; nil selects all of them.
func wanted(names, selected []string) []bool {
	if len(selected) == 0 {
		return nil
	}
	all := make([]bool, len(names))
	for i, n := range names {
		all[i] = slices.Contains(selected, n)
	}
	return all
}

// matches reports whether a block may have events that are selected.
func (e *entry) matches(types, categories []bool) bool {
	return (types == nil || slices.ContainsFunc(e.types, func(t typeCount) bool { return types[t.typ] })) &&
		(categories == nil || slices.ContainsFunc(e.categories, func(c uint32) bool { return categories[c] }))
}

// block yields the block's records that are selected, and reports whether the caller wants more.
func (r *replay) block(d *decoder) bool {
	d.restrict(&r.query)
	for d.nextCommit() {
		for d.nextEvent(&r.record) {
			if d.position <= r.query.After || d.position > r.query.Through || d.passed {
				continue
			}
			r.query.After, r.last, r.version = d.position, d.position, r.record.Version
			if !r.yield(&r.record, nil) {
				return false
			}
		}
	}
	return true
}

// rest yields what the log has behind the archive.
func (r *replay) rest(ctx context.Context) {
	if r.segments != nil && r.query.After >= r.query.Through {
		return
	}
	for rec, err := range r.log.Store.Read(ctx, r.query) {
		if err != nil {
			r.fail(err)
			return
		}
		r.last, r.version = rec.Position, rec.Version
		if !r.yield(rec, nil) {
			return
		}
	}
}
