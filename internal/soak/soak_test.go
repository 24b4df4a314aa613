package soak

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder stands for a test: it keeps what is logged, and can fail.
type recorder struct {
	testing.TB
	failed   bool
	lines    []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Name() string     { return "TestX" }
func (r *recorder) Failed() bool     { return r.failed }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Logf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func TestASeriesIsDoneWholeOnlyWhereThatWasAskedFor(t *testing.T) {
	t.Setenv(fullVariable, "1")
	assert.Equal(t, 1000, Rounds(50, 1000))
	assert.Equal(t, time.Hour, Box(t, time.Second, time.Hour).length)
	t.Setenv(fullVariable, "")
	if testing.Short() {
		assert.Equal(t, 2, Rounds(50, 1000))
		assert.Equal(t, 1, Rounds(3, 1000))
		assert.Equal(t, time.Second, Box(t, 4*time.Second, time.Hour).length)
		return
	}
	assert.Equal(t, 50, Rounds(50, 1000))
	want := 4 * time.Second
	if raceDetector {
		want /= 2
	}
	assert.Equal(t, want, Box(t, 4*time.Second, time.Hour).length)
}

func TestABoxEndsASeriesAndSaysWhatWasReached(t *testing.T) {
	r := &recorder{}
	box := Box(r, time.Hour, time.Hour)
	for i := range box.Rounds(10, "kills") {
		if i == 2 {
			box.started = time.Now().Add(-2 * time.Hour)
			assert.False(t, box.Open())
		}
	}
	require.Len(t, r.lines, 1)
	assert.Contains(t, r.lines[0], "soak: TestX: 3 of 10 kills in 2h")
	ctx, cancel := box.Context(t.Context())
	defer cancel()
	assert.Error(t, ctx.Err(), "its context has ended too")

	n := 0
	for range box.Rounds(10, "kills") {
		n++
	}
	assert.Equal(t, 1, n, "one round is always done")
}

func TestABoxWithoutALengthNeverEnds(t *testing.T) {
	box := Box(&recorder{}, 0, 0)
	box.started = time.Time{}
	assert.True(t, box.Open())
	ctx, cancel := box.Context(t.Context())
	defer cancel()
	assert.NoError(t, ctx.Err())
}

func TestAFailedTestPrintsItsSeedAndTheCommit(t *testing.T) {
	t.Setenv(seedVariable, "42")
	for _, failed := range []bool{false, true} {
		r := &recorder{failed: failed}
		assert.EqualValues(t, 42, Seed(r))
		for _, f := range r.cleanups {
			f()
		}
		if !failed {
			assert.Empty(t, r.lines)
			continue
		}
		require.Len(t, r.lines, 1)
		assert.Contains(t, r.lines[0], "to repeat: CQRSGEN_SEED=42, at commit ")
	}
	t.Setenv(seedVariable, "")
	first := Seed(&recorder{})
	assert.NotEqual(t, first, Seed(&recorder{}))
}
