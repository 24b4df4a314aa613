package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// RunAll runs each projection until ctx ends. One that fails stops alone, visibly in its Status, and the others go on.
// When all have stopped it returns their failures, joined.
func RunAll(ctx context.Context, runners ...Runner) error {
	failures := make([]error, len(runners))
	var wg sync.WaitGroup
	for i, r := range runners {
		wg.Go(func() {
			if err := r.Run(ctx); err != nil {
				failures[i] = fmt.Errorf("projection %s stopped: %w", r.Name(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}
