// Package soak says how long the tests run that gain from running long: series of kills, races and random operations.
// A usual run does a part of each series, within a time box; `go test -short` does a handful; with CQRSGEN_SOAK=1, which
// is what `make soak` sets, a series is done whole. What was done is logged in lines that begin with "soak:".
package soak

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	fullVariable = "CQRSGEN_SOAK"
	seedVariable = "CQRSGEN_SEED"
)

// Full reports whether every series is to be done whole.
func Full() bool { return os.Getenv(fullVariable) == "1" }

// shortPart is the part of a usual run that `go test -short` does.
const shortPart = 20

// Rounds returns how many rounds a series has: full of them where every series is done whole, otherwise ci, of which
// a short run does a handful.
func Rounds(ci, full int) int {
	switch {
	case Full():
		return full
	case testing.Short():
		return max(1, ci/shortPart)
	}
	return ci
}

// A TimeBox bounds how long a series runs. It is safe for concurrent use.
type TimeBox struct {
	t       testing.TB
	started time.Time
	// length is 0 for a box without an end.
	length time.Duration
}

// Box returns a time box that begins now: of the length ci, or full where every series is done whole. A length of 0 is
// no bound. A short run has a quarter of ci, and one with the race detector half of it: what it looks for is found soon.
func Box(t testing.TB, ci, full time.Duration) *TimeBox {
	b := &TimeBox{t: t, started: time.Now(), length: ci}
	switch {
	case Full():
		b.length = full
	case testing.Short():
		b.length = ci / 4
	case raceDetector:
		b.length = ci / 2
	}
	return b
}

// Open reports whether there is time left.
func (b *TimeBox) Open() bool { return b.length <= 0 || time.Since(b.started) < b.length }

// Context returns a context that ends with the box, and with ctx.
func (b *TimeBox) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if b.length <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, b.started.Add(b.length))
}

// Reached logs that done of all rounds were done: "37 of 50 kills in 15s".
func (b *TimeBox) Reached(done, all int, what string) {
	b.t.Helper()
	Logf(b.t, "%d of %d %s in %v", done, all, what, time.Since(b.started).Round(time.Millisecond))
}

// Rounds yields the numbers of a series' rounds, from 0, as long as the box is open, but at least the first one. It logs
// how many rounds were finished.
func (b *TimeBox) Rounds(all int, what string) iter.Seq[int] {
	return func(yield func(int) bool) {
		b.t.Helper()
		done := 0
		defer func() { b.Reached(done, all, what) }()
		for i := range all {
			if i > 0 && !b.Open() || !yield(i) {
				return
			}
			done++
		}
	}
}

// Logf logs what a test did, in the form that `make soak` prints.
func Logf(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Logf("soak: %s: %s", t.Name(), fmt.Sprintf(format, args...))
}

// Seed returns the seed of a test's random choices: that of CQRSGEN_SEED, or another one each time. If the test fails,
// the seed is printed, and the commit of the source.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat: %s=%d, at commit %s", seedVariable, seed, revision())
		}
	})
	return seed
}

// Rand returns a source of random choices from Seed.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), 0))
}

// revision returns what git calls the source that runs.
func revision() string {
	out, err := exec.CommandContext(context.Background(), "git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*").Output()
	if err != nil {
		return "unknown: " + err.Error()
	}
	return strings.TrimSpace(string(out))
}
