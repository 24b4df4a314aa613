package jetstream

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// open opens a log, creates it if it is not there, and closes it when the test ends.
func open(t testing.TB, url string, opts ...Option) *Log {
	t.Helper()
	l, err := Open(t.Context(), url, append([]Option{Migrate()}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

func TestTheJetStreamLogConforms(t *testing.T) {
	t.Parallel()
	logtest.Run(t, harness)
}

func TestTheJetStreamLogKeepsItsPromisesUnderSeries(t *testing.T) {
	t.Parallel()
	logtest.RunSeries(t, harness)
}

func harness(t testing.TB) logtest.Harness {
	url := testserver.NATS(t)
	l := open(t, url)
	return logtest.Harness{
		Log: l, Snapshots: l, Close: l.Close,
		Again: func(t testing.TB) eventlog.Log { return open(t, url) },
	}
}
