package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Group is all that projects one log in a process. Its methods are safe for concurrent use.
type Group struct {
	log    eventlog.Log
	logger *slog.Logger

	mu      sync.Mutex
	runners []Runner
}

// GroupOption is an option of NewGroup.
type GroupOption func(*Group)

// WithLogger says where a group reports what stops its projections, or makes them wait; the default is slog.Default.
func WithLogger(logger *slog.Logger) GroupOption { return func(g *Group) { g.logger = logger } }

// NewGroup returns a group without projections: New adds them.
func NewGroup(log eventlog.Log, opts ...GroupOption) *Group {
	g := &Group{log: log, logger: slog.Default()}
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
// since they may do so for long, its error is logged at once. While the log is not available, as eventlog.ErrUnavailable
// says, a projection is no failure: it is logged and run again until it works. When all have stopped, Run returns their
// failures, joined.
func (g *Group) Run(ctx context.Context) error {
	runners := g.Runners()
	failures := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() {
			err := keepRunning(ctx, g.logger, r)
			if err == nil {
				return
			}
			g.logger.ErrorContext(ctx, "projection stopped", "projection", r.Name(), "error", err)
			if !namesProjection(err) {
				err = fmt.Errorf("projection %s stopped: %w", r.Name(), err)
			}
			failures[i] = err
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}

// A projection that waits for its log tries again after firstPause, and then more and more seldom.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

// keepRunning runs a projection over the times in which the log is not available.
func keepRunning(ctx context.Context, logger *slog.Logger, r Runner) error {
	pause := firstPause
	for {
		began := time.Now()
		err := r.Run(ctx)
		if !errors.Is(err, eventlog.ErrUnavailable) {
			return err
		}
		if time.Since(began) > lastPause {
			pause = firstPause // it has worked meanwhile
		}
		logger.WarnContext(ctx, "projection waits for the log", "projection", r.Name(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}
