// Package memory is the event log, and the snapshot store, that lives in the process: for tests, and to try a model
// out. It keeps every promise of eventlog.Log but durability.
package memory

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// Log is an event log in memory. The zero value is not usable: New makes one. It is safe for concurrent use.
type Log struct {
	mu     sync.RWMutex
	closed bool
	// news is there while somebody waits. It is closed when the log grows or is closed.
	news chan struct{}

	records  records
	streams  map[cqrs.StreamID]*stream
	types    map[string]int64
	commands map[string]command
	// ids are the commands' ids in the order in which they came, which is that of their positions.
	ids       []string
	snapshots map[cqrs.StreamID][]byte
}

// stream has the positions of a stream's records, which only ever grow.
type stream struct{ positions []cqrs.Position }

func (s *stream) version() cqrs.Version {
	if s == nil {
		return 0
	}
	return cqrs.Version(len(s.positions))
}

// command is what is kept of a command that had an id.
type command struct {
	hash    [32]byte
	outcome eventlog.Appended
}

var (
	_ eventlog.Transfer = (*Log)(nil)
	_ snapshot.Store    = (*Log)(nil)
)

// New returns an empty log.
func New() *Log {
	return &Log{
		streams:   make(map[cqrs.StreamID]*stream),
		types:     make(map[string]int64),
		commands:  make(map[string]command),
		snapshots: make(map[cqrs.StreamID][]byte),
	}
}

// Close makes every later call fail with cqrs.ErrClosed and wakes whoever waits. Closing twice is harmless.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
	return nil
}

// wake wakes whoever waits. The lock must be held.
func (l *Log) wake() {
	if l.news != nil {
		close(l.news)
		l.news = nil
	}
}

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if err := c.Check(); err != nil {
		return eventlog.Appended{}, err
	}
	if err := ctx.Err(); err != nil {
		return eventlog.Appended{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return eventlog.Appended{}, cqrs.ErrClosed
	}
	if first, ok, err := l.command(c.Meta.CommandID, c.CommandHash); ok || err != nil {
		return first, err
	}
	return l.append(&c)
}

// append stores a checked commit, whose command id is new. The lock must be held.
func (l *Log) append(c *eventlog.Commit) (eventlog.Appended, error) {
	for i := range c.Streams {
		if err := l.expect(&c.Streams[i]); err != nil {
			return eventlog.Appended{}, err
		}
	}
	// One way to write a time, without a monotonic reading, whatever the caller's looked like.
	c.Meta.Time = time.UnixMicro(c.Meta.Time.UnixMicro()).UTC()
	outcome := eventlog.Appended{Version: c.Version, Meta: c.Meta}
	for i := range c.Streams {
		if v := l.store(c, &c.Streams[i]); i == 0 {
			outcome.Version = v
		}
	}
	outcome.Position = l.head()
	l.wake()
	if c.Meta.CommandID != "" {
		l.commands[c.Meta.CommandID] = command{hash: c.CommandHash, outcome: outcome}
		l.ids = append(l.ids, c.Meta.CommandID)
	}
	return outcome, nil
}

func (l *Log) expect(s *eventlog.StreamAppend) error {
	actual := l.streams[s.Stream].version()
	if s.Expected == eventlog.Any || s.Expected == eventlog.Exactly(actual) {
		return nil
	}
	return &cqrs.ConflictError{Stream: s.Stream, Expected: cqrs.Version(s.Expected), Actual: actual}
}

// store stores the events of one stream, and returns its version afterwards.
func (l *Log) store(c *eventlog.Commit, a *eventlog.StreamAppend) cqrs.Version {
	s := l.streams[a.Stream]
	if len(a.Events) == 0 {
		return s.version()
	}
	if s == nil {
		s = &stream{}
		l.streams[a.Stream] = s
	}
	for i := range a.Events {
		e := &a.Events[i]
		rec := l.records.add()
		s.positions = append(s.positions, l.head())
		rec.EventMeta = cqrs.EventMeta{
			Position: l.head(), Stream: a.Stream, Version: s.version(), Commit: c.ID, Time: c.Meta.Time,
			CommandID: c.Meta.CommandID, CorrelationID: c.Meta.CorrelationID, CausationID: c.Meta.CausationID,
			Actor: c.Meta.Actor,
		}
		rec.Type, rec.SchemaVersion, rec.ContentType = e.Type, e.SchemaVersion, e.ContentType
		rec.Data = append([]byte{}, e.Data...)
		l.types[e.Type]++
	}
	return s.version()
}

func (l *Log) head() cqrs.Position { return cqrs.Position(l.records.n) }

// Command implements eventlog.Log.
func (l *Log) Command(ctx context.Context, id string, hash [32]byte) (eventlog.Appended, bool, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if err := l.usable(ctx); err != nil {
		return eventlog.Appended{}, false, err
	}
	return l.command(id, hash)
}

func (l *Log) command(id string, hash [32]byte) (eventlog.Appended, bool, error) {
	first, ok := l.commands[id]
	if !ok {
		return eventlog.Appended{}, false, nil
	}
	if first.hash != hash {
		return eventlog.Appended{}, false, &cqrs.CommandReusedError{CommandID: id}
	}
	first.outcome.Repeated = true
	return first.outcome, true, nil
}

// usable reports what speaks against answering. The lock must be held.
func (l *Log) usable(ctx context.Context) error {
	if l.closed {
		return cqrs.ErrClosed
	}
	return ctx.Err()
}

// Head implements eventlog.Log.
func (l *Log) Head(ctx context.Context) (cqrs.Position, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if err := l.usable(ctx); err != nil {
		return 0, err
	}
	return l.head(), nil
}

// Count implements eventlog.Log.
func (l *Log) Count(ctx context.Context, types ...string) (int64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if err := l.usable(ctx); err != nil {
		return 0, err
	}
	if len(types) == 0 {
		return int64(l.head()), nil
	}
	// Nobody counts an event twice because its type is named twice.
	distinct := make(map[string]int64, len(types))
	for _, t := range types {
		distinct[t] = l.types[t]
	}
	var n int64
	for _, c := range distinct {
		n += c
	}
	return n, nil
}

// Wait implements eventlog.Log.
func (l *Log) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	for {
		head, news, err := l.look(ctx, after)
		if err != nil {
			return 0, err
		}
		if head > after {
			return head, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// look returns the head, and what is closed when there is another one.
func (l *Log) look(ctx context.Context, after cqrs.Position) (cqrs.Position, chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head() <= after && l.news == nil && !l.closed {
		l.news = make(chan struct{})
	}
	return l.head(), l.news, l.usable(ctx)
}

// LoadSnapshot implements snapshot.Store.
func (l *Log) LoadSnapshot(ctx context.Context, stream cqrs.StreamID) ([]byte, error) {
	if err := stream.Validate(); err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if err := l.usable(ctx); err != nil {
		return nil, err
	}
	return bytes.Clone(l.snapshots[stream]), nil
}

// SaveSnapshot implements snapshot.Store.
func (l *Log) SaveSnapshot(ctx context.Context, stream cqrs.StreamID, sealed []byte) error {
	if err := stream.Validate(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx); err != nil {
		return err
	}
	l.snapshots[stream] = bytes.Clone(sealed)
	return nil
}

// ListSnapshots implements snapshot.Store.
func (l *Log) ListSnapshots(ctx context.Context, category string) iter.Seq2[cqrs.StreamID, error] {
	return func(yield func(cqrs.StreamID, error) bool) {
		l.mu.RLock()
		err := l.usable(ctx)
		streams := slices.Collect(maps.Keys(l.snapshots))
		l.mu.RUnlock()
		if err != nil {
			yield(cqrs.StreamID{}, err)
			return
		}
		for _, s := range streams {
			if s.Category == category && !yield(s, nil) {
				return
			}
		}
	}
}
