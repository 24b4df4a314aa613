package aggregate

import (
	"context"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// Store is what an engine offers to the command side.
type Store interface {
	eventlog.Log
	snapshot.Store
}

// Runtime is what all aggregates of a program share: the store, the background writer of snapshots, the clock. It is
// safe for concurrent use.
type Runtime struct {
	store     Store
	snapshots *snapshot.Writer
	counts    counts
	verifiers []func(context.Context) iter.Seq2[snapshot.Finding, error] // one for each aggregate
	locks     locks
	cached    int
	clock     func() time.Time
	lookFor   time.Duration
	logger    *slog.Logger
	claimKey  []byte
	book      *claim.Book
	keys      *personal.Keys
}

// Option is an option of a Runtime.
type Option func(*Runtime)

// WithClock replaces time.Now as the source of the commands' times.
func WithClock(clock func() time.Time) Option {
	return func(r *Runtime) { r.clock = clock }
}

// WithLogger makes the runtime log what needs attention but fails no command. It is silent by default.
func WithLogger(l *slog.Logger) Option {
	return func(r *Runtime) { r.logger = l }
}

// defaultCached is the number of states that each aggregate keeps, unless WithCache says otherwise.
const defaultCached = 10_000

// WithCache sets the number of states that each aggregate keeps in memory between commands; 0 keeps none. The default
// is 10,000. It changes no result: what is decided on a state in memory is only true if nothing is new in its stream.
func WithCache(states int) Option {
	return func(r *Runtime) { r.cached = states }
}

// WithKeys gives a bounded context with personal data the keys that these are encrypted with.
func WithKeys(keys *personal.Keys) Option {
	return func(r *Runtime) { r.keys = keys }
}

// NewRuntime returns a runtime over a store, which it does not close. Close ends it.
func NewRuntime(store Store, opts ...Option) *Runtime {
	r := &Runtime{
		store: store, clock: time.Now, lookFor: lookFor, cached: defaultCached, logger: slog.New(slog.DiscardHandler),
	}
	for _, o := range opts {
		o(r)
	}
	r.book = claim.NewBook(store, r.claimKey, r.now)
	r.snapshots = snapshot.NewWriter(store, r.logger)
	return r
}

// Close writes the snapshots that wait to be written. Commands may still run, without snapshots. The store stays
// open.
func (r *Runtime) Close() { r.snapshots.Close() }

// counts is what SnapshotStats says of loads.
type counts struct{ used, stale, damaged, foreign, unread atomic.Int64 }

// SnapshotStats says what became of snapshots since the runtime began.
func (r *Runtime) SnapshotStats() snapshot.Stats {
	s := snapshot.Stats{
		Used: r.counts.used.Load(), Stale: r.counts.stale.Load(), Damaged: r.counts.damaged.Load(),
		Foreign: r.counts.foreign.Load(), Unread: r.counts.unread.Load(),
	}
	s.Written, s.Failed, s.Dropped = r.snapshots.Stats()
	return s
}

// Keys returns what WithKeys set, nil without it.
func (r *Runtime) Keys() *personal.Keys { return r.keys }

// Logger returns what WithLogger set.
func (r *Runtime) Logger() *slog.Logger { return r.logger }

// now is the time of a command: UTC, cut to what every store keeps.
func (r *Runtime) now() time.Time { return r.clock().UTC().Truncate(time.Microsecond) }
