// Package projection keeps read models up to date with the event log.
//
// A projection is a keyed fold: an event leads to keys, and each key's row and the event to the row's new content, or to
// its end. The team writes the fold, or declares it, generated code is the rest of a Definition, and a Projector does all
// the work around it:
//
//   - It reads the events that the projection handles, in batches that end where a commit ends.
//   - It folds in memory, over a bounded cache of rows. The rows of a batch that are not cached are loaded in one round
//     trip, and none at all while a read model is built from the start of the log and fits into the cache.
//   - It writes changed rows and the checkpoint in one step, which fails if another projector wrote in between. While
//     catching up it writes rarely and in bulk, afterwards at once.
//   - It never skips an event. A fold that fails stops its projection, with a *FoldError; what comes before the failing
//     commit is stored, and Run goes on from there once the fold is mended. So does a newer release that stores events in
//     the place of one that the projection handles, which the projection does not know.
//
// A Projector imports no sink and no engine: it works with any eventlog.Log and any readmodel.Table.
package projection

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Definition is one projection. It is generated. Its functions are safe for concurrent use; what NewFold returns is not.
type Definition[K comparable, R any] struct {
	// Name is the projection's name in the model.
	Name string
	// Events are the wire names of the events that the fold handles. Ignores are those of others that it has no use for
	// though they are stored in the place of events that it handles: where the log says so, it goes on.
	Events  []string
	Ignores []string
	Codec   readmodel.Codec[K, R]
	// Init gives a new row its first content, if that is not the zero value; it may be nil.
	Init func(*R)
	// OwnKey copies the strings of a key that is kept for long: the memory of the event that they came from is used
	// again. It may be nil only where keys have no strings. The id of the event's stream is copied only if id is true: where a log gives numbers
	// to streams, ids are the log's own strings.
	OwnKey func(key K, id bool) K
	// ByStream says that a column of the key is the id of the event's stream, wherever an event leads to: events of two
	// streams with different ids never lead to the same row.
	ByStream bool
	// Manual says that a new generation waits for an operator who promotes it, also when it is built.
	Manual bool
	// Keys are those of the personal data of events and rows; nil where the fold reads none.
	Keys *personal.Keys
	// Inline says that rows change in the transaction that stores the events, once the group's Inline was called.
	Inline bool
	// NewFold returns the fold, with buffers of its own for each lane: lanes are small numbers, and two goroutines never
	// use the same one at the same time.
	//
	// The fold asks rows for the row of each key that the record leads to, all of them, and folds the record into those
	// that are not nil. A record may lead to one key several times, and what it does there then comes in that order. Which
	// keys these are depends on the record only: the fold is called a second time for a record that led to a row that had
	// to be loaded, and once in each lane, and must ask for the same keys then. It keeps neither rows nor the record,
	// nor anything that the record points to: that memory is used again.
	NewFold func(lane int) func(rows *Rows[K, R], rec *cqrs.Record) error
}

// Runner is a Projector of any key and row.
type Runner interface {
	// Name returns the projection's name in the model, Events the wire names of the events that it reads: those that it
	// handles, and cqrs.Replaced.
	Name() string
	Events() []string
	// Store returns where it keeps its rows, Schema what they are like, with the fingerprint of its generation.
	Store() readmodel.Store
	Schema() *readmodel.Schema
	Run(ctx context.Context) error
	CatchUp(ctx context.Context) error
	Status() Status
}

// Option is an option of New.
type Option func(*settings)

// settings are what a Projector trades memory, latency and speed by. The tests vary them; the defaults are measured.
type settings struct {
	// cacheRows bounds the rows in memory. It is exceeded by one batch at most.
	cacheRows int
	// batch is the number of events after which a batch ends at the next commit.
	batch int
	// bulk is how long a projection that catches up folds before it writes, building how long one does whose generation
	// nobody reads yet.
	bulk, building time.Duration
	// heartbeat is how often the checkpoint follows a log that moves without events that the projection handles.
	heartbeat time.Duration
	// lanes is the number of lanes that a run starts with; 0 stands for what the machine has.
	lanes int
}

// CacheRows bounds the rows that the projection keeps in memory; the default is a million. It is not for the result:
// that is the same with any bound above zero.
func CacheRows(n int) Option {
	return func(s *settings) { s.cacheRows = max(n, 1) }
}

// Projector keeps one read model up to date. All methods are safe for concurrent use, but Run and CatchUp do not run
// at the same time: the second one fails with ErrRunning.
type Projector[K comparable, R any] struct {
	group    *Group
	log      eventlog.Log
	store    readmodel.Store
	def      Definition[K, R]
	settings settings

	running sync.Mutex
	status  tracker
	// awaiting says that it was logged that an operator is to promote the generation. Who has running changes it.
	awaiting bool
	// inline, if not nil, folds in the log's transactions.
	inline *inliner[K, R]
}

var _ Runner = (*Projector[int, int])(nil)

// New returns a Projector of the group, which folds the group's log into a table of the store. It does not use the store
// before it runs: where this is away then, the Projector waits for it. It is called before the group runs.
func New[K comparable, R any](
	g *Group, store readmodel.Store, def Definition[K, R], opts ...Option,
) *Projector[K, R] {
	p := &Projector[K, R]{group: g, log: g.log, store: store, def: def, settings: settings{
		cacheRows: 1 << 20, batch: 4096, bulk: 3 * time.Second, building: 15 * time.Second, heartbeat: 100 * time.Millisecond,
	}}
	if def.Inline {
		// While it is built, appends to the same database have to wait for each of its writes.
		p.settings.bulk, p.settings.building, p.settings.cacheRows = inlineStep, inlineStep, inlineRows
	}
	p.settings.apply(g.sizes)
	for _, opt := range opts {
		opt(&p.settings)
	}
	// Whoever reads for the projection also reads where events that it handles are replaced.
	p.def.Events = append(slices.Clip(def.Events), cqrs.Replaced)
	g.feed.declare(p.def.Events)
	p.status.set(Status{
		Projection: def.Name, Sink: store.Name(), Generation: def.Codec.Schema.Fingerprint, Manual: p.manual(),
	})
	g.add(p)
	return p
}

// Name returns the projection's name in the model.
func (p *Projector[K, R]) Name() string { return p.def.Name }

// Events returns the wire names of the events that the fold handles, and cqrs.Replaced.
func (p *Projector[K, R]) Events() []string { return p.def.Events }

// Store returns where the projection's rows are.
func (p *Projector[K, R]) Store() readmodel.Store { return p.store }

// Schema returns what the projection's rows are like, with the fingerprint of the generation that it writes.
func (p *Projector[K, R]) Schema() *readmodel.Schema { return &p.def.Codec.Schema }

// Status returns how far the projection is. It does no I/O: an idle projection has the status of its last run.
func (p *Projector[K, R]) Status() Status { return p.status.get(time.Now()) }

// Err returns what stopped the projection, or makes an inline one refuse commits; nil while it runs, waits or is idle, also
// where its status says what it waits for, or why it is not promoted.
func (p *Projector[K, R]) Err() error {
	err := p.Status().Err
	if passes(err) || errors.As(err, new(*generation.MismatchError)) {
		return nil
	}
	return err
}

// Run catches up with the log and then follows it. When ctx ends, it writes what it has folded and returns nil.
//
// Only one process works on a generation: while another one has its lease, Run waits, and takes over when that one ends
// or dies. It also waits while the log or the store is not available, as eventlog.ErrUnavailable and
// readmodel.ErrUnavailable say. Its Status has both.
//
// Errors: *FoldError; *RowError; *readmodel.HistoryError; ErrRunning; and those of the log and the table. After any of
// them Run may be called again, and goes on where the read model is.
func (p *Projector[K, R]) Run(ctx context.Context) error {
	if p.inline != nil {
		return p.runInline(ctx)
	}
	if err := p.work(ctx, (*worker[K, R]).follow, nil); err != ctx.Err() {
		return err
	}
	return nil // also if it was told to end while it waited
}

// CatchUp returns when the read model reflects every event that the log held when CatchUp was called, also where another
// process folded them. When ctx ends before, it writes what it has and returns ctx's error. Its other errors are those of
// Run.
func (p *Projector[K, R]) CatchUp(ctx context.Context) error {
	if p.inline != nil {
		return p.catchUpInline(ctx)
	}
	head := cqrs.Position(-1)
	return p.work(ctx, (*worker[K, R]).catchUp, func() bool {
		if head < 0 {
			var err error
			if head, err = p.log.Head(ctx); err != nil {
				head = -1
				return false
			}
		}
		table, err := p.store.Table(ctx, &p.def.Codec.Schema)
		if err != nil {
			return false
		}
		at, err := table.Checkpoint(ctx)
		return err == nil && at.Built && at.Position >= head &&
			readmodel.CheckHistory(ctx, p.log, p.def.Name, at) == nil // else the error comes once the lease is free
	})
}
