package projection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// scan is one reading of the log, for one reader or several. Its goroutine runs as long as it has readers.
type scan struct {
	feed   *feed
	cancel context.CancelFunc
	// room is signalled when a reader took a chunk.
	room chan struct{}
	// done is closed when the scan has ended.
	done chan struct{}
	// span is how far a segment reaches: about as far as is read in the time of segmentTime, because readers learn at its
	// end that there was nothing for them.
	span   cqrs.Position
	waited time.Duration
	// kinds is the feed's, and known has the ones of types that were just read: most logs have few types, and comparing
	// names takes less time than looking one up.
	kinds map[string]uint16
	known []kind
	// head is the log's head, as the scan saw it last, at headAt. current says that the scan had reached it then, or a moment
	// later.
	head    cqrs.Position
	headAt  time.Time
	current bool

	// What follows is guarded by the feed's mutex, but only the scan's goroutine changes types once it runs.
	types    []string
	frontier cqrs.Position
	readers  []*reader
	window   []*chunk
	records  int // in the window
	bytes    int
}

// The length of segments, and what a window keeps.
const (
	firstSpan   = 1 << 12
	maxSpan     = 1 << 48
	segmentTime = 50 * time.Millisecond

	maxWindow      = 256
	windowRecords  = 4 * chunkRecords
	windowMaxBytes = 8 << 20
)

// nearHead is how old the head may be that a scan reached for it to be live: whoever waits for the head of a busy log always
// finds that it has moved.
const nearHead = 500 * time.Millisecond

type kind struct {
	name   string
	number uint16
}

// maxKnown bounds the types that are known at once.
const maxKnown = 8

// kind returns the number of a type that projections handle.
func (s *scan) kind(name string) uint16 {
	for i := range s.known {
		if k := &s.known[i]; k.name == name {
			return k.number
		}
	}
	if len(s.known) == maxKnown {
		s.known = s.known[:0]
	}
	// The name may be lent.
	s.known = append(s.known, kind{strings.Clone(name), s.kinds[name]})
	return s.kinds[name]
}

// start is the place where the window begins.
func (s *scan) start() cqrs.Position {
	if len(s.window) > 0 {
		return s.window[0].after
	}
	return s.frontier
}

// attach gives the scan a reader that is within its window, or before the scan.
func (s *scan) attach(r *reader) {
	r.scan, r.err = s, nil
	s.readers = append(s.readers, r)
	for _, c := range s.window {
		if c.through > r.want {
			r.push(c)
		}
	}
}

// remove reports whether the reader was the last one.
func (s *scan) remove(r *reader) bool {
	r.scan = nil
	s.readers = slices.DeleteFunc(s.readers, func(o *reader) bool { return o == r })
	signal(s.room)
	if len(s.readers) > 0 {
		return false
	}
	s.end()
	return true
}

// end takes the scan out of the feed.
func (s *scan) end() {
	f := s.feed
	f.scans = slices.DeleteFunc(f.scans, func(o *scan) bool { return o == s })
	if f.live == s {
		f.live = nil
	}
	s.forget()
	s.cancel()
}

// forget empties the window.
func (s *scan) forget() {
	for _, c := range s.window {
		c.release()
	}
	s.window, s.records, s.bytes = nil, 0, 0
}

// run reads until no reader is left, or reading fails.
func (s *scan) run(ctx context.Context) {
	defer close(s.done)
	err := s.read(ctx)
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range s.readers {
		r.scan, r.err = nil, err
		signal(r.news)
	}
	s.readers = nil
	s.end()
}

func (s *scan) read(ctx context.Context) error {
	for s.settle() {
		c, err := s.ahead(ctx)
		if err != nil {
			return err
		}
		if c == nil {
			s.current = true
			continue
		}
		if err := s.segment(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// settle says whether the scan goes on. A scan that met the live one hands its readers over; one that reached the head
// while there is none becomes the live one.
func (s *scan) settle() bool {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(s.readers) == 0 {
		return false
	}
	if f.live == nil && s.current {
		f.live = s
		s.forget()
		for _, r := range s.readers {
			signal(r.news)
		}
	}
	s.kinds, s.known = f.kinds, s.known[:0]
	if f.live == s {
		s.types = f.types
		return true
	}
	if f.live == nil || s.frontier < f.live.start() {
		return true
	}
	for _, r := range s.readers {
		r.want = max(r.want, s.frontier)
		f.live.attach(r)
		signal(r.news) // it may be current now
	}
	s.readers = nil
	return false
}

// ahead returns the first chunk of the next segment, which says how far that reaches; nil if there is nothing to read, and
// the scan is not live yet.
func (s *scan) ahead(ctx context.Context) (c *chunk, err error) {
	s.feed.mu.Lock()
	live := s.feed.live == s
	s.feed.mu.Unlock()
	if live {
		s.head, err = s.feed.log.Wait(ctx, s.frontier)
	} else {
		s.head, err = s.feed.log.Head(ctx)
	}
	if err != nil {
		return nil, err
	}
	if s.headAt = time.Now(); s.head <= s.frontier {
		return nil, nil
	}
	c = newChunk(live)
	c.after, c.through, c.head = s.frontier, s.head, s.head
	if s.head-s.frontier > s.span {
		if c.through, c.commit, err = s.boundary(ctx, s.frontier+s.span); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// boundary returns the position and the id of the last event of the commit that a position lies in, or before.
func (s *scan) boundary(ctx context.Context, at cqrs.Position) (cqrs.Position, cqrs.CommitID, error) {
	var commit cqrs.CommitID
	found := false
	for rec, err := range s.feed.log.Read(ctx, eventlog.Query{After: at - 1, Through: s.head}) {
		if err != nil {
			return 0, commit, err
		}
		if found && rec.Commit != commit {
			break
		}
		found, at, commit = true, rec.Position, rec.Commit
	}
	if !found {
		return 0, commit, fmt.Errorf("%w: no event between %d and the head at %d", eventlog.ErrCorrupt, at, s.head)
	}
	return at, commit, nil
}

// segment reads up to where its first chunk says, and publishes it, chunk by chunk.
func (s *scan) segment(ctx context.Context, c *chunk) error {
	defer func() { c.release() }()
	began := time.Now()
	s.waited = 0
	through, last := c.through, c.commit
	var position cqrs.Position
	var commit cqrs.CommitID
	for rec, err := range s.feed.log.Read(ctx, eventlog.Query{
		After: c.after, Through: through, Types: s.types, Lent: true,
	}) {
		if err != nil {
			return err
		}
		if rec.Commit != commit && c.full(s.feed.chunkRecords) {
			c.through, c.commit = position, commit
			next := newChunk(!c.pooled)
			next.after, next.head = position, c.head
			s.publish(ctx, c)
			c.release()
			c = next
			if ctx.Err() != nil {
				return nil
			}
		}
		position, commit = rec.Position, rec.Commit
		c.add(rec, s.kind(rec.Type))
	}
	c.through, c.commit = through, last
	if position == through {
		c.commit = commit
	}
	s.publish(ctx, c)
	s.current = through >= s.head && time.Since(s.headAt) < nearHead
	switch took := time.Since(began) - s.waited; {
	case took < segmentTime/2:
		s.span = min(2*s.span, maxSpan)
	case took > 2*segmentTime:
		s.span = max(s.span/2, firstSpan)
	}
	return nil
}

// publish gives a chunk to all readers, and waits until they have room for another one. One that makes the others wait
// for too long has to go on alone.
func (s *scan) publish(ctx context.Context, c *chunk) {
	f := s.feed
	f.mu.Lock()
	s.frontier = c.through
	f.head = max(f.head, c.head)
	for _, r := range s.readers {
		if c.through > r.want {
			r.push(c)
		}
	}
	s.keep(c)
	patience := catchUpPatience
	if s == f.live {
		patience = livePatience
	}
	full := s.full()
	f.mu.Unlock()
	if !full {
		return
	}
	began := time.Now()
	defer func() { s.waited += time.Since(began) }()
	var starving <-chan time.Time
	for {
		f.mu.Lock()
		full, starves := s.full(), s.starves()
		f.mu.Unlock()
		switch {
		case !full:
			return
		case !starves:
			starving = nil
		case starving == nil:
			starving = time.After(patience)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.room:
		case <-starving:
			s.shed()
		}
	}
}

func (s *scan) full() bool { return slices.ContainsFunc(s.readers, (*reader).full) }

// starves says that a reader has nothing to do.
func (s *scan) starves() bool {
	return slices.ContainsFunc(s.readers, func(r *reader) bool { return len(r.queue) == 0 })
}

// shed goes on without the readers that are full, if there are others.
func (s *scan) shed() {
	f := s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if !s.starves() {
		return
	}
	s.readers = slices.DeleteFunc(s.readers, func(r *reader) bool {
		if !r.full() {
			return false
		}
		r.scan, r.err = nil, errLeft
		return true
	})
}

// keep puts a chunk into the window.
func (s *scan) keep(c *chunk) {
	c.hold(1)
	s.window = append(s.window, c)
	s.records += len(c.records)
	s.bytes += c.bytes
	for len(s.window) > 1 && (len(s.window) > maxWindow || s.records > windowRecords || s.bytes > windowMaxBytes) {
		old := s.window[0]
		s.window[0] = nil
		s.window = s.window[1:]
		s.records -= len(old.records)
		s.bytes -= old.bytes
		old.release()
	}
}
