package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// open opens the log at dsn, and closes it when the test ends.
func open(t testing.TB, dsn string, options ...Option) *Log {
	t.Helper()
	l, err := Open(t.Context(), dsn, options...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

// schemas counts the logs: each has a schema of its own.
var schemas atomic.Int32

func harness(dsn string) func(testing.TB) logtest.Harness {
	return func(t testing.TB) logtest.Harness {
		name := fmt.Sprintf("log %d", schemas.Add(1))
		schema := Schema(name)
		l := open(t, dsn, schema, Migrate())
		return logtest.Harness{
			Log: l, Snapshots: l, Gapless: true, Close: l.Close,
			Again:       func(t testing.TB) eventlog.Log { return open(t, dsn, schema) },
			SlowCommits: func(t testing.TB) { slowCommits(t, dsn, name) },
		}
	}
}

func TestThePostgresLogConforms(t *testing.T) { logtest.Run(t, harness(testserver.Postgres(t))) }

func TestThePostgresLogKeepsItsPromisesUnderSeries(t *testing.T) {
	logtest.RunSeries(t, harness(testserver.Postgres(t)))
}

func TestTheAddressMaySayHowManyConnectionsRead(t *testing.T) {
	for address, want := range map[string]int32{
		"postgres://a@b/c": maxReaders, "postgres://a@b/c?pool_max_conns=3": 3, "postgres://a@b/c?pool_max_conns=40": 40,
		"host=b user=a pool_max_conns=1": 2,
	} {
		config, err := pgxpool.ParseConfig(address)
		require.NoError(t, err)
		assert.Equal(t, want, readersOf(config), address)
	}
}

func TestClosingDoesNotWaitForAServerThatDoesNotAnswer(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	holder, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer holder.Close(context.Background())
	require.NoError(t, execScript(t.Context(), holder, "BEGIN; LOCK TABLE eventlog.events"))
	failed := make(chan error)
	go func() {
		_, err := l.Head(context.Background())
		failed <- err
	}()
	waiting := "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'eventlog.events'::regclass"
	require.Eventually(t, func() bool {
		n := 0
		require.NoError(t, holder.QueryRow(t.Context(), waiting).Scan(&n))
		return n == 1
	}, 10*time.Second, time.Millisecond)
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		require.NoError(t, execScript(t.Context(), holder, "ROLLBACK"))
		<-failed
		<-closed
		t.Fatal("it waits for a read")
	}
	require.ErrorIs(t, <-failed, cqrs.ErrClosed)
}
