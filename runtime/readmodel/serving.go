package readmodel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// serving finds the generation that answers queries, and waits for it.
type serving struct {
	store  Store
	log    eventlog.Log
	schema *Schema
	// stopped is nil if nothing is known of the projector.
	stopped func() error
	lag     lag

	// turn has room for one: who looks for the generation.
	turn chan struct{}
	mu   sync.Mutex
	now  *opened
	// looked is when now was found, and changed tells that this process has changed generations since.
	looked  time.Time
	changed <-chan struct{}
}

// opened is a generation that answers queries.
type opened struct {
	table   Table
	schema  *Schema
	created time.Time
	// indexes has, for each index of the querying schema, the one over the same columns here, or -1.
	indexes []int
	own     *Schema
	// checked says that the generation is known to be made from the log, or not to be: then history says so.
	checked bool
	history *HistoryError
	// unattended says that nobody had the lease when the generation was looked for.
	unattended bool
}

// translate turns a query of the querying schema into one of the generation's.
func (g *opened) translate(f Find) Find {
	if f.Index < 0 {
		return f
	}
	if here := g.indexes[f.Index]; here >= 0 {
		f.Index = here
		return f
	}
	f.Order, f.Index = g.own.Indexes[f.Index], -1
	return f
}

func (g *opened) isOwn() bool { return g.schema.Fingerprint == g.own.Fingerprint }

func newServing(store Store, log eventlog.Log, schema *Schema) *serving {
	return &serving{store: store, log: log, schema: schema, turn: make(chan struct{}, 1)}
}

// answer lets ask ask the generation that serves, after it reflects what the options want. ask is called again when the
// generation was dropped meanwhile. The log's head is read before the rows: an answer that reaches it reflects
// everything that was acknowledged before the query began.
func (s *serving) answer(ctx context.Context, opts []cqrs.QueryOption, ask func(*opened) (Checkpoint, error)) (Freshness, error) {
	began := time.Now()
	head, err := s.log.Head(ctx)
	if err != nil {
		return Freshness{}, err
	}
	want := options(opts).AtLeast
	for {
		g, err := s.await(ctx, want, head)
		if err != nil {
			return reached(err), err
		}
		at, err := ask(g)
		if errors.Is(err, ErrNoGeneration) || err == nil && at.Position < want {
			s.forget(g)
			continue
		}
		if err != nil {
			return Freshness{}, err
		}
		return s.freshness(ctx, g, at, head, began)
	}
}

// reached returns what the error of a wait says of how far it came.
func reached(err error) Freshness {
	var stale *StaleError
	if errors.As(err, &stale) {
		return stale.Reached
	}
	return Freshness{}
}

func (s *serving) freshness(
	ctx context.Context, g *opened, at Checkpoint, head cqrs.Position, began time.Time,
) (Freshness, error) {
	f := Freshness{
		Position: at.Position, Head: max(head, at.Position), Generation: g.schema.Fingerprint, Built: at.Built,
	}
	var err error
	f.Behind, err = s.lag.behind(ctx, s.log, f, began)
	return f, err
}

// patience is how long another process's promotion may stay unnoticed.
const patience = time.Second

// find returns the generation that serves now.
func (s *serving) find(ctx context.Context) (*opened, error) {
	if g := s.known(); g != nil {
		return g.verdict()
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.turn }()
	g := s.known()
	if g == nil {
		var err error
		if g, err = s.look(ctx); err != nil {
			return nil, err
		}
	}
	return g.verdict()
}

func (g *opened) verdict() (*opened, error) {
	if g.history != nil {
		return nil, g.history
	}
	return g, nil
}

// known returns what was found a moment ago, if nothing says that it changed.
func (s *serving) known() *opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil || time.Since(s.looked) >= patience {
		return nil
	}
	select {
	case <-s.changed:
		return nil
	default:
		return s.now
	}
}

// forget says that a generation turned out to be gone.
func (s *serving) forget(g *opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == g {
		s.now = nil
	}
}

// look asks the store which generation serves, and opens it unless it is the one that served before.
func (s *serving) look(ctx context.Context) (*opened, error) {
	var changed <-chan struct{}
	if w, ok := s.store.(Watcher); ok {
		changed = w.Changed() // before the look, so that nothing in between is missed
	}
	looked := time.Now()
	for {
		generations, err := s.store.Generations(ctx, s.schema.Projection)
		if err != nil {
			return nil, err
		}
		chosen, err := choose(generations, s.schema)
		if err != nil {
			return nil, err
		}
		g, err := s.open(ctx, chosen)
		if errors.Is(err, ErrNoGeneration) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.now, s.looked, s.changed = g, looked, changed
		s.mu.Unlock()
		return g, nil
	}
}

// choose returns the generation that answers the queries of a schema.
func choose(generations []Generation, schema *Schema) (*Generation, error) {
	var own, active *Generation
	for i := range generations {
		g := &generations[i]
		if g.Schema.Fingerprint == schema.Fingerprint {
			own = g
		}
		if g.Active && g.Schema.SameShape(schema) {
			active = g
		}
	}
	switch {
	case active != nil:
		return active, nil
	case own != nil && own.Checkpoint.Built:
		return own, nil
	}
	e := &NotBuiltError{Projection: schema.Projection, Generation: schema.Fingerprint}
	if own != nil {
		e.Position = own.Checkpoint.Position
	}
	return nil, e
}

func (s *serving) open(ctx context.Context, chosen *Generation) (*opened, error) {
	s.mu.Lock()
	before := s.now
	s.mu.Unlock()
	g := &opened{created: chosen.Created, own: s.schema}
	if before != nil && before.schema.Fingerprint == chosen.Schema.Fingerprint && before.created.Equal(chosen.Created) {
		*g = *before
	} else {
		var err error
		g.table, g.schema, err = s.store.Open(ctx, chosen.Schema.Projection, chosen.Schema.Fingerprint)
		if err != nil {
			return nil, err
		}
		for _, index := range s.schema.Indexes {
			g.indexes = append(g.indexes, slices.IndexFunc(g.schema.Indexes, func(there []string) bool {
				return slices.Equal(index, there)
			}))
		}
	}
	g.unattended = !chosen.Held()
	if g.checked || chosen.Checkpoint.Position == 0 {
		return g, nil
	}
	err := CheckHistory(ctx, s.log, chosen.Schema.Projection, chosen.Checkpoint)
	if err != nil && !errors.As(err, &g.history) {
		return nil, err
	}
	g.checked = true
	return g, nil
}

// settle is how long a log may take to show a commit that a read model reflects already: one that another process
// appended and projected.
const settle = time.Second

// CheckHistory fails with a *HistoryError if a checkpoint is not one of the log.
func CheckHistory(ctx context.Context, log eventlog.Log, projection string, c Checkpoint) error {
	if c.Position == 0 {
		return nil
	}
	found, err := CommitAt(ctx, log, c.Position)
	if err == nil && found == (cqrs.CommitID{}) && c.Commit != found {
		soon, cancel := context.WithTimeout(ctx, settle)
		defer cancel()
		if _, err = log.Wait(soon, c.Position-1); err == nil {
			found, err = CommitAt(ctx, log, c.Position)
		} else if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	}
	if err == nil && found != c.Commit {
		err = &HistoryError{projection, c.Position, c.Commit, found}
	}
	return err
}

// CommitAt returns the commit of the event at a position, zero if there is none. Positions are whole numbers, so that
// behind the number before there is no other one, however an engine chooses them.
func CommitAt(ctx context.Context, log eventlog.Log, at cqrs.Position) (commit cqrs.CommitID, err error) {
	for rec, err := range log.Read(ctx, eventlog.Query{After: at - 1, Through: at}) {
		if err != nil {
			return commit, err
		}
		commit = rec.Commit
	}
	return commit, nil
}

// The polling of a table that another process may write: it begins fast, because most waits are for an event that
// was appended a moment ago.
const (
	minPoll = time.Millisecond
	maxPoll = 50 * time.Millisecond
)

// await returns the generation that serves when it reflects position want. Every generation that serves reflects
// position 0.
func (s *serving) await(ctx context.Context, want, head cqrs.Position) (*opened, error) {
	if want <= 0 {
		return s.find(ctx)
	}
	timer := time.NewTimer(maxPoll)
	defer timer.Stop()
	var stale *StaleError // what to say if ctx ends; nobody knows before the first look
	for poll := minPoll; ; poll = min(2*poll, maxPoll) {
		// Whoever asked for the channel before looking can't miss what comes between.
		var promoted, changed <-chan struct{}
		if w, ok := s.store.(Watcher); ok {
			promoted = w.Changed()
		}
		// For the same reason, what the projector wrote before it stopped is read afterwards.
		stopped := s.stop()
		g, err := s.find(ctx)
		var at Checkpoint
		if err == nil {
			if w, ok := g.table.(Watcher); ok {
				changed = w.Changed()
			}
			at, err = g.table.Checkpoint(ctx)
		}
		if err == nil && at.Position >= want {
			return g, nil
		}
		switch {
		case errors.Is(err, ErrNoGeneration):
			s.forget(g)
			continue
		case err != nil && ctx.Err() != nil && stale != nil:
			stale.Err = ctx.Err()
			return nil, stale
		case err != nil && !errors.As(err, new(*NotBuiltError)):
			return nil, err
		}
		stale = s.stale(g, at, err, want, head)
		if stale.Err = stopped; stopped != nil && (g == nil || g.isOwn() || g.unattended) {
			return nil, stale
		}
		timer.Reset(poll)
		select {
		case <-ctx.Done():
			stale.Err = ctx.Err()
			return nil, stale
		case <-promoted:
		case <-changed:
		case <-timer.C:
		}
	}
}

// stop returns what stopped the projector for good: another process may move the table on, and a projector that waits
// for its log goes on once the log is back.
func (s *serving) stop() error {
	if s.stopped == nil {
		return nil
	}
	err := s.stopped()
	if errors.Is(err, ErrFenced) || errors.Is(err, eventlog.ErrUnavailable) || errors.As(err, new(*HeldError)) {
		return nil
	}
	return err
}

// stale says how far a wait has come: a generation is at a checkpoint, or none serves, as err says.
func (s *serving) stale(g *opened, at Checkpoint, err error, want, head cqrs.Position) *StaleError {
	e := &StaleError{Projection: s.schema.Projection, Want: want, Reached: Freshness{Head: head}}
	var building *NotBuiltError
	if errors.As(err, &building) {
		e.Reached.Generation, e.Reached.Position = building.Generation, building.Position
		e.Reached.Head = max(head, building.Position)
		return e
	}
	e.Reached = Freshness{
		Position: at.Position, Head: max(head, at.Position), Generation: g.schema.Fingerprint, Built: at.Built,
	}
	e.Unattended = !g.isOwn() && g.unattended
	return e
}

// KeyText returns a key as people read it: "account=acc-1 currency=EUR".
func KeyText(s *Schema, key []Value) string {
	var b strings.Builder
	for i, v := range key {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i < len(s.Key) {
			b.WriteString(s.Key[i].Name + "=")
		}
		b.WriteString(v.String())
	}
	return b.String()
}
