package streams

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

// running keeps the read models up to date until the test ends.
func running(t *testing.T, app *App) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-ended)
	})
}
