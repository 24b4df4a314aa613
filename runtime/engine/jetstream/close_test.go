package jetstream

import (
	"context"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestNothingGoesOnWhenALogIsClosed(t *testing.T) {
	url := testserver.NATS(t)
	before := goleak.IgnoreCurrent()
	l, err := Open(t.Context(), url, Migrate())
	require.NoError(t, err)
	for i := range 200 {
		_, err := l.Append(t.Context(), deposit(i%3, eventlog.Any))
		require.NoError(t, err)
	}
	for range l.Read(t.Context(), eventlog.Query{}) {
		break // in the midst of what was asked for
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.Wait(ctx, 1<<40)
	require.Error(t, err)
	l.conn.mu.Lock()
	assert.Empty(t, l.conn.waiting, "nobody waits for an answer any more")
	l.conn.mu.Unlock()
	require.NoError(t, l.Close())
	goleak.VerifyNone(t, before)
}

func TestCountingDoesNotWaitLongerThanItMay(t *testing.T) {
	l := open(t, testserver.NATS(t))
	l.counts.turn <- struct{}{} // somebody reads a long log
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := l.Count(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	<-l.counts.turn
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}
