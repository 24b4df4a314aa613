package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// RunAll runs each projection until ctx ends. One that fails stops alone, visibly in its Status, and the others go on;
// since they may do so for long, its error is logged at once. When all have stopped, RunAll returns their failures,
// joined.
func RunAll(ctx context.Context, logger *slog.Logger, runners ...Runner) error {
	failures := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() {
			err := r.Run(ctx)
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
