package embedded

import (
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog/logtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// open opens the log in dir, and closes it when the test ends.
func open(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l
}

func TestTheEmbeddedLogConforms(t *testing.T) { logtest.Run(t, harness) }

func TestTheEmbeddedLogKeepsItsPromisesUnderSeries(t *testing.T) { logtest.RunSeries(t, harness) }

func harness(t testing.TB) logtest.Harness {
	dir := t.TempDir()
	l := open(t, dir)
	return logtest.Harness{
		Log: l, Snapshots: l, Gapless: true, Close: l.Close,
		Again: func(t testing.TB) eventlog.Log { return open(t, dir) },
	}
}
