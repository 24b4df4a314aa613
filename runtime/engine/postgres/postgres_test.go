package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
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

var schemas atomic.Int32

// nextSchema names a schema that no other log has.
func nextSchema() Option { return Schema(fmt.Sprintf("log %d", schemas.Add(1))) }

func harness(dsn string) func(testing.TB) logtest.Harness {
	return func(t testing.TB) logtest.Harness {
		schema := nextSchema()
		l := open(t, dsn, schema, Migrate())
		return logtest.Harness{
			Log: l, Snapshots: l, Gapless: true, Close: l.Close,
			Again: func(t testing.TB) eventlog.Log { return open(t, dsn, schema) },
		}
	}
}

func TestThePostgresLogConforms(t *testing.T) { logtest.Run(t, harness(testserver.Postgres(t))) }

func TestThePostgresLogKeepsItsPromisesUnderSeries(t *testing.T) {
	logtest.RunSeries(t, harness(testserver.Postgres(t)))
}
