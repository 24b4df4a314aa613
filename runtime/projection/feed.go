package projection

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// A feed reads the log once for all readers that are at about the same place.
//
// Each scan reads on from a place, in a goroutine of its own, and hands what it reads to its readers. One scan is live: it
// follows the log's head, and reads all types of events that any projection of the group handles, so that every reader
// can join it. Scans behind it catch up, and when one meets the live scan its readers go over. They meet because a scan
// keeps its last chunks: whoever was at a place within this window gets the rest of the window first.
//
// A reader that is slow holds up those that share its scan, for a while: then it goes on alone.
type feed struct {
	log eventlog.Log
	// chunkRecords is the size of chunks.
	chunkRecords int

	mu sync.Mutex
	// kinds numbers the wire names of the events that projections handle.
	kinds map[string]uint16
	types []string
	scans []*scan
	live  *scan
	// starting is the number of projections that are about to join; waiting those that did, and wait for the others.
	starting int
	waiting  []*reader
	gather   *time.Timer
	// head is the last one that anybody saw.
	head cqrs.Position
}

// How long a reader may hold up the others of its scan, and the first reader waits for others that may share its scan.
const (
	livePatience    = 50 * time.Millisecond
	catchUpPatience = 5 * time.Second
	gatherTime      = 200 * time.Millisecond
)

// errLeft tells a reader that it was too slow for its scan, and has to join another one.
var errLeft = errors.New("the scan went on without its slowest reader")

func newFeed(log eventlog.Log) *feed {
	return &feed{log: log, chunkRecords: chunkRecords, kinds: map[string]uint16{}}
}

// declare makes the types of a projection's events known.
func (f *feed) declare(types []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kinds := maps.Clone(f.kinds) // scans read the old one
	for _, t := range types {
		if _, known := kinds[t]; !known {
			kinds[t] = uint16(len(kinds))
			f.types = append(f.types, t)
		}
	}
	f.kinds = kinds
}

// number returns the number of a type that was declared.
func (f *feed) number(name string) uint16 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kinds[name]
}

// handled says of each type, by its number, whether it is one of these.
func (f *feed) handled(types []string) []bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	handles := make([]bool, len(f.kinds))
	for _, t := range types {
		handles[f.kinds[t]] = true
	}
	return handles
}

// expect says that n projections are about to join, or that -n of them did, or will not.
func (f *feed) expect(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.starting += n; f.starting == 0 {
		f.form()
	}
}

// reader is a projection's place in a feed. One goroutine uses it.
type reader struct {
	feed  *feed
	types []string
	news  chan struct{}

	// What follows is guarded by the feed's mutex.
	scan    *scan
	want    cqrs.Position
	queue   []*chunk
	records int // in the queue, of all types
	bytes   int // in the queue
	err     error
}

// join returns a reader of what is behind a position. leave must be called.
func (f *feed) join(types []string, after cqrs.Position) *reader {
	r := &reader{feed: f, types: types, want: after, news: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.place(r)
	return r
}

// place finds a scan for a reader, or makes it wait for others that may share one.
func (f *feed) place(r *reader) {
	if f.live != nil && r.want >= f.live.start() {
		f.live.attach(r)
		return
	}
	for _, s := range f.scans {
		if s != f.live && r.want >= s.start() && f.near(s.frontier, r.want) && covers(s.types, r.types) {
			s.attach(r)
			return
		}
	}
	f.waiting = append(f.waiting, r)
	if f.starting <= 0 {
		f.form()
	} else if f.gather == nil {
		f.gather = time.AfterFunc(gatherTime, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.form()
		})
	}
}

// form makes scans for the readers that wait: readers that are near to each other share one.
func (f *feed) form() {
	if f.gather != nil {
		f.gather.Stop()
		f.gather = nil
	}
	slices.SortStableFunc(f.waiting, func(a, b *reader) int { return int(min(1, max(-1, a.want-b.want))) })
	var s *scan
	for _, r := range f.waiting {
		if s == nil || !f.near(s.frontier, r.want) {
			s = &scan{feed: f, frontier: r.want, span: firstSpan, room: make(chan struct{}, 1), done: make(chan struct{})}
			f.scans = append(f.scans, s)
			var ctx context.Context
			ctx, s.cancel = context.WithCancel(context.Background())
			formed := s
			defer func() { go formed.run(ctx) }()
		}
		for _, t := range r.types {
			if !slices.Contains(s.types, t) {
				s.types = append(s.types, t)
			}
		}
		s.attach(r)
	}
	f.waiting = nil
}

// near says whether waiting at a place for a scan that is not there yet costs less than reading the rest twice. It is the
// one use of the difference of positions, and only a matter of speed.
func (f *feed) near(frontier, place cqrs.Position) bool {
	return place <= frontier || place-frontier <= (f.head-place)/4
}

func covers(types, some []string) bool {
	return !slices.ContainsFunc(some, func(t string) bool { return !slices.Contains(types, t) })
}

// next returns the next chunk, which the caller has to release, when there is one, or nil when the reader may have become
// current. A chunk may begin before the reader's place.
func (r *reader) next(ctx context.Context) (*chunk, error) {
	if c, err := r.poll(); c != nil || err != nil {
		return c, err
	}
	select {
	case <-r.news:
		return r.poll()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// poll returns the next chunk, nil if there is none now.
func (r *reader) poll() (*chunk, error) {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	if len(r.queue) == 0 {
		return nil, r.err
	}
	c := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	r.records -= len(c.records)
	r.bytes -= c.bytes
	if r.scan != nil {
		signal(r.scan.room)
	}
	return c, nil
}

// current reports whether a reader that has folded everything through a position has reached the live scan.
func (r *reader) current(through cqrs.Position) bool {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	return len(r.queue) == 0 && r.scan != nil && r.scan == r.feed.live && through >= r.scan.frontier
}

// queued counts the records that wait for the reader, and of which handles says that they are handled.
func (r *reader) queued(handles []bool) (n int64) {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	for _, c := range r.queue {
		for _, k := range c.kinds {
			if handles[k] {
				n++
			}
		}
	}
	return n
}

// leave ends the reader. If it was the last one of its scan, that one has ended too when leave returns.
func (r *reader) leave() {
	f := r.feed
	f.mu.Lock()
	f.waiting = slices.DeleteFunc(f.waiting, func(o *reader) bool { return o == r })
	for _, c := range r.queue {
		c.release()
	}
	r.queue, r.records, r.bytes = nil, 0, 0
	s := r.scan
	last := s != nil && s.remove(r)
	f.mu.Unlock()
	if last {
		select {
		case <-s.done:
		case <-time.After(stopGrace): // a log that does not mind its context
		}
	}
}

// push gives the reader a chunk.
func (r *reader) push(c *chunk) {
	c.hold(1)
	r.queue = append(r.queue, c)
	r.records += len(c.records)
	r.bytes += c.bytes
	signal(r.news)
}

// full says that the reader has enough to do.
func (r *reader) full() bool {
	return r.records >= 8*r.feed.chunkRecords || r.bytes >= 8*chunkBytes || len(r.queue) >= maxWindow
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
