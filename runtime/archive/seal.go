package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// ErrNotKeeper says that another program keeps the archive in the same directory up to date.
var ErrNotKeeper = fmt.Errorf("the replay archive is kept by another program: %w", vfs.ErrLocked)

// Run seals what is appended to the log, until ctx ends, and then returns nil. What fails is logged and tried again
// later: the log serves what the archive does not hold. It fails with cqrs.ErrClosed when the log or the archive is
// closed.
func (l *Log) Run(ctx context.Context) error {
	for {
		err := l.Seal(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, cqrs.ErrClosed):
			return err
		case err != nil && !errors.Is(err, ErrNotKeeper):
			l.logger.Warn("the replay archive could not be extended", "dir", l.dir, "error", err)
		}
		if !pause(ctx, l.every) {
			return nil
		}
	}
}

// pause waits, and reports false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Seal brings the archive up to the log's head. Files are never changed: what is new goes into further ones, and small
// ones that follow each other are merged into a larger one, in such a way that there are few, and that each event is
// rewritten a few times at most.
//
// Errors: ErrNotKeeper; eventlog.ErrFull; those of the log and of the file system. Whatever was sealed before stays.
func (l *Log) Seal(ctx context.Context) error {
	if err := l.takeOver(); err != nil {
		return explain(err)
	}
	l.sealing.Lock()
	defer l.sealing.Unlock()
	if !l.keeps() {
		return ErrNotKeeper
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	if _, err := l.verified(ctx); err != nil {
		return err
	}
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	var numbers *numbering
	for end, names := l.end(); end.last < head; end, names = l.end() {
		if numbers, err = numbers.begin(names, len(names), l.most); err != nil {
			return err
		}
		next, err := l.writeSegment(ctx, header{after: end.last, previous: end.commit}, numbers, head)
		if err != nil {
			return err
		}
		l.install(next)
	}
	return l.merge(ctx, numbers)
}

// end returns the trailer of the last segment, and the names of all streams that have numbers.
func (l *Log) end() (trailer, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.segments); n > 0 {
		return l.segments[n-1].trailer, l.names
	}
	return trailer{}, nil
}

// install puts a new segment behind the ones that it follows, in the place of those whose events it has. If it does not
// fit, because somebody found a segment to be wrong meanwhile, it is removed.
func (l *Log) install(s *segment) {
	l.mu.Lock()
	var end trailer
	keep := 0
	for keep < len(l.segments) && l.segments[keep].trailer.last <= s.header.after {
		end = l.segments[keep].trailer
		keep++
	}
	removed := []*segment{s}
	if end.last == s.header.after && end.commit == s.header.previous &&
		(keep == len(l.segments) || l.segments[len(l.segments)-1].trailer.last <= s.trailer.last) {
		removed = slices.DeleteFunc(slices.Clone(l.segments[keep:]), func(r *segment) bool { return r.name == s.name })
		l.setSegments(append(l.segments[:keep:keep], s))
		delete(l.refused, s.name)
	}
	l.mu.Unlock()
	for _, r := range removed {
		l.remove(r.name)
	}
}

// remove removes a file of the directory. Where that fails it is in nobody's way, and removed another time.
func (l *Log) remove(name string) {
	if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.logger.Warn("a file of the replay archive can't be removed", "dir", l.dir, "file", name, "error", err)
	}
}

// merge merges the last two segments as long as the last one is not the smaller one, and both together are not too
// large: so there are at most about as many small segments as a binary number has digits.
func (l *Log) merge(ctx context.Context, numbers *numbering) (err error) {
	for {
		l.mu.Lock()
		segments, names := l.segments, l.names
		l.mu.Unlock()
		n := len(segments)
		if n < 2 {
			return nil
		}
		a, b := segments[n-2], segments[n-1]
		if a.trailer.events > b.trailer.events || a.trailer.body+b.trailer.body > l.full {
			return nil
		}
		if numbers, err = numbers.begin(names, int(a.index.streams.first), l.most); err != nil {
			return err
		}
		merged, err := l.writeSegment(ctx, a.header, numbers, b.trailer.last)
		if err != nil {
			return err
		}
		l.install(merged)
		if merged.trailer.last != b.trailer.last {
			return nil // two segments are what it takes
		}
	}
}

// writeSegment writes what lies behind a position into a new file: up to and including through, or until it is full.
func (l *Log) writeSegment(
	ctx context.Context, h header, numbers *numbering, through cqrs.Position,
) (*segment, error) {
	h.numbered = true
	// Its name tells where it ends, which is not known yet.
	w, err := newWriter(l.fs, filepath.Join(l.dir, segmentPrefix+"next"), h, false)
	if err != nil {
		return nil, err
	}
	w.encoder.numbers = numbers
	var c commit
	for rec, err := range l.Read(ctx, eventlog.Query{After: h.after, Through: through}) {
		if err == nil && len(c.events) > 0 && c.id != rec.Commit {
			err = w.add(&c)
			c.events = c.events[:0]
			if err == nil && w.trailer.body >= l.full {
				break
			}
		}
		if err != nil {
			w.err = err
			return nil, w.abort()
		}
		c.id, c.meta = rec.Commit, metaOf(rec)
		c.events = append(c.events, *rec)
	}
	if len(c.events) > 0 {
		if err := w.add(&c); err != nil {
			return nil, w.abort()
		}
	}
	if w.through() == h.after {
		w.err = fmt.Errorf("%w: the log has no event behind position %d, but its head is %d",
			eventlog.ErrCorrupt, h.after, through)
		return nil, w.abort()
	}
	return l.publish(w, h)
}

// publish gives the file its name and reads what it says.
func (l *Log) publish(w *writer, h header) (*segment, error) {
	f := named{name: segmentName(h.after, w.through()), after: h.after, last: w.through()}
	w.path = filepath.Join(l.dir, f.name)
	if _, err := w.finish(); err != nil {
		return nil, err
	}
	return l.openSegment(f)
}
