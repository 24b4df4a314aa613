package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Group is all that projects one log in a process. Its methods are safe for concurrent use.
type Group struct {
	log    eventlog.Log
	logger *slog.Logger
	feed   *feed
	// holder is who this process is in leases, leaseTime how long these are.
	holder    string
	leaseTime time.Duration
	sizes     Sizes

	mu      sync.Mutex
	runners []Runner
	// starting are those of which Run waits to hear what they are going to read.
	starting map[Runner]bool
	// leave has what inline projections need to be told to take part no longer.
	leave []func()
}

// GroupOption is an option of NewGroup.
type GroupOption func(*Group)

// WithLogger says where a group reports what stops its projections, or makes them wait; the default is slog.Default.
func WithLogger(logger *slog.Logger) GroupOption { return func(g *Group) { g.logger = logger } }

// WithLease says how long the leases are under which a group works; the default is 5 seconds. They are renewed well before
// they end: this is how long it takes until other processes take over from one that died or hangs.
func WithLease(ttl time.Duration) GroupOption {
	return func(g *Group) { g.leaseTime = max(ttl, 10*time.Millisecond) }
}

// NewGroup returns a group without projections: New adds them.
func NewGroup(log eventlog.Log, opts ...GroupOption) *Group {
	g := &Group{
		log: log, logger: slog.Default(), feed: newFeed(log), holder: newHolder(), leaseTime: leaseTime,
		starting: map[Runner]bool{},
	}
	for _, opt := range opts {
		opt(g)
	}
	return g
}

func (g *Group) add(r Runner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runners = append(g.runners, r)
}

// Runners returns the group's projectors, in the order in which New added them.
func (g *Group) Runners() []Runner {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.runners)
}

// Status returns how far each projector is, in the order of Runners. It does no I/O.
func (g *Group) Status() []Status {
	var list []Status
	for _, r := range g.Runners() {
		list = append(list, r.Status())
	}
	return list
}

// Run runs each projection until ctx ends. One that fails stops alone, visibly in its Status, and the others go on;
// since they may do so for long, its error is logged at once. When all have stopped, Run returns their failures, joined.
func (g *Group) Run(ctx context.Context) error {
	runners := g.Runners()
	g.expect(runners)
	failures := make([]error, len(runners))
	others, cancel := context.WithCancel(ctx)
	var wg, looking sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() {
			defer g.joined(r)
			err := r.Run(ctx)
			if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return
			}
			g.logger.ErrorContext(ctx, "projection stopped", stopAttributes(r, err)...)
			if !namesProjection(err) {
				err = fmt.Errorf("projection %s stopped: %w", r.Name(), err)
			}
			failures[i] = err
			if p, ok := r.(interface{ look(context.Context) }); ok {
				looking.Go(func() { keepLooking(others, p.look) })
			}
		})
	}
	wg.Wait()
	cancel()
	looking.Wait()
	return errors.Join(failures...)
}

// CatchUp lets projections catch up at the same time, and returns when all of them have, or have failed: their errors are
// joined. Those of one group share a scan of the log, which they might miss if each were told to by itself.
func CatchUp(ctx context.Context, runners ...Runner) error {
	for _, r := range runners {
		if p, ok := r.(interface{ in() *Group }); ok {
			p.in().expect([]Runner{r})
		}
	}
	failures := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() {
			failures[i] = r.CatchUp(ctx)
			if p, ok := r.(interface{ in() *Group }); ok {
				p.in().joined(r) // one that never read must not keep the others waiting
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

func (p *Projector[K, R]) in() *Group { return p.group }

// stopAttributes are what is logged of a projection that stopped: also where, if its fold panicked.
func stopAttributes(r Runner, err error) []any {
	list := []any{"projection", r.Name(), "error", err}
	if panicked := (*cqrs.PanicError)(nil); errors.As(err, &panicked) {
		list = append(list, "stack", string(panicked.Stack))
	}
	return list
}

// keepLooking lets the status of a projection that stopped say how far it falls behind, while others go on.
func keepLooking(ctx context.Context, look func(context.Context)) {
	every(ctx, leaseTime, func() bool {
		look(ctx)
		return true
	})
}

// expect says that these are about to read the log: who is first waits for the others, so that they can share a scan.
func (g *Group) expect(runners []Runner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range runners {
		if !g.starting[r] {
			g.starting[r] = true
			g.feed.expect(1)
		}
	}
}

// joined says that a projection reads the log, or is not going to now.
func (g *Group) joined(r Runner) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.starting[r] {
		delete(g.starting, r)
		g.feed.expect(-1)
	}
}
