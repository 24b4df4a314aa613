package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// RunAll runs each projection until ctx ends. One that fails stops alone, visibly in its Status, and the others go on;
// since they may do so for long, its error is logged at once. While the log is not available, as eventlog.ErrUnavailable
// says, a projection is no failure: it is logged and run again until it works. When all have stopped, RunAll returns
// their failures, joined.
func RunAll(ctx context.Context, logger *slog.Logger, runners ...Runner) error {
	failures := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() {
			err := keepRunning(ctx, logger, r)
			if err == nil {
				return
			}
			logger.ErrorContext(ctx, "projection stopped", "projection", r.Name(), "error", err)
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
