package projection

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// plainRunner fails with an error that does not name it.
type plainRunner struct {
	Runner
	err error
}

func (r plainRunner) Name() string              { return "Plain" }
func (r plainRunner) Run(context.Context) error { return r.err }

func TestAProjectionThatFailsIsLoggedAtOnceAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log := newLog(w.commitOf(deposited("a", "EUR", 1))...)
		broken, plain, disk := errors.New("broken"), errors.New("plain"), errors.New("disk")
		table := openTable(t)
		good := New(log, table, definition(&folds{}))
		failing := New(log, openTable(t), definition(&folds{broken: map[cqrs.Position]error{1: broken}}))
		unreadable := New(log, failingTable{openTable(t), disk}, definition(&folds{}))

		var text strings.Builder
		logger := slog.New(slog.NewTextHandler(&text, nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- RunAll(ctx, logger, good, failing, unreadable, plainRunner{err: plain}) }()

		synctest.Wait()
		assert.Equal(t, Live, good.Status().Phase)
		assert.Equal(t, Stopped, failing.Status().Phase)
		assert.Equal(t, 3, strings.Count(text.String(), `level=ERROR msg="projection stopped"`), text.String())
		assert.Contains(t, text.String(), "projection=Plain error=plain")
		log.append(w.commitOf(deposited("a", "EUR", 1))...)
		synctest.Wait()
		assert.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
		assert.Empty(t, done)

		cancel()
		err := <-done
		for _, cause := range []error{broken, disk, plain} {
			require.ErrorIs(t, err, cause)
		}
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, 3)
		assert.True(t, strings.HasPrefix(lines[0], "projection BalanceByCurrency stopped: it can't fold"), lines[0])
		assert.Equal(t, "projection BalanceByCurrency: disk", lines[1])
		assert.Equal(t, "projection Plain stopped: plain", lines[2])
	})
}

func TestRunAllOfProjectionsThatEndWellIsNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, RunAll(ctx, slog.New(slog.DiscardHandler), New(newLog(), openTable(t), definition(&folds{}))))
}

// failingTable can't read its checkpoint.
type failingTable struct {
	readmodel.Table
	err error
}

func (t failingTable) Checkpoint(context.Context) (readmodel.Checkpoint, error) {
	return readmodel.Checkpoint{}, t.err
}
