// Package logtest is the conformance suite of event logs: whatever passes it keeps the promises of eventlog.Log and of
// snapshot.Store. It assumes nothing about positions but their order, unless the harness says that they have no gaps.
package logtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Harness is an engine under test.
type Harness struct {
	// Log is empty.
	Log eventlog.Log
	// Snapshots is the engine's snapshot store, nil if it has none.
	Snapshots snapshot.Store
	// Gapless says that positions are consecutive over the whole log.
	Gapless bool
	// StaleReads says that a read may not see yet what was acknowledged elsewhere: what it sees is a prefix of the log,
	// never a shorter one than before.
	StaleReads bool
	// SlowCommits, if not nil, makes each of the engine's commits take up to 50 ms longer, between the moment at which its
	// positions are known and the moment at which it is visible.
	SlowCommits func(testing.TB)
	// Close closes Log.
	Close func() error
	// Again opens the same data once more, as another process would, also after Close; nil if the engine's data
	// ends with Log. What it opens is closed by the test's cleanup.
	Again func(testing.TB) eventlog.Log
}

// Run runs the suite. Each test opens its own log; closing it at the test's end is up to open.
func Run(t *testing.T, open func(testing.TB) Harness) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Append", appendTests},
		{"Limits", limitTests},
		{"Command", commandTests},
		{"Read", readTests},
		{"Stopped", stoppedTests},
		{"Transfer", transferTests},
		{"Wait", waitTests},
		{"Concurrency", concurrencyTests},
		{"Context", contextTests},
		{"Close", closeTests},
		{"Snapshot", snapshotTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			if testing.Short() && group.name == "Stopped" {
				t.Skip("it fills a log for each way to read, which is slow with the race detector: make race-whole does")
			}
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) { test.run(newFixture(t, open(t))) })
			}
		})
	}
}

// test is one sentence about a log's behaviour.
type test struct {
	name string
	run  func(*fixture)
}

// fixture is a log under test, with what the tests need to speak of it briefly.
type fixture struct {
	*testing.T
	engine Harness
	// log is the engine's, or what it was reopened as.
	log  eventlog.Log
	ctx  context.Context
	rand *rand.Rand
	// numbers are those that log has given to streams, both ways.
	numbers sync.Map
}

func newFixture(t *testing.T, h Harness) *fixture {
	return &fixture{T: t, engine: h, log: h.Log, ctx: t.Context(), rand: soak.Rand(t)}
}

// now is the time that the tests' commits have.
var now = time.Date(2026, 3, 1, 12, 30, 15, 123456000, time.UTC)

func stream(id string) cqrs.StreamID { return cqrs.StreamID{Category: "Account", ID: id} }

// event returns an event whose payload is JSON and tells it from others.
func event(typ string, n int) eventlog.NewEvent {
	return eventlog.NewEvent{Type: typ, SchemaVersion: 1, ContentType: cqrs.JSON, Data: fmt.Appendf(nil, `{"n":%d}`, n)}
}

// events returns count events of one type.
func events(typ string, count int) []eventlog.NewEvent {
	all := make([]eventlog.NewEvent, count)
	for i := range all {
		all[i] = event(typ, i)
	}
	return all
}

func to(s cqrs.StreamID, expected eventlog.Expected, events ...eventlog.NewEvent) eventlog.StreamAppend {
	return eventlog.StreamAppend{Stream: s, Expected: expected, Events: events}
}

func commit(streams ...eventlog.StreamAppend) eventlog.Commit {
	return eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: now}, Streams: streams,
	}
}

// command returns a commit under a command id; its hash is that of content.
func command(id, content string, streams ...eventlog.StreamAppend) eventlog.Commit {
	c := commit(streams...)
	c.Meta.CommandID, c.CommandHash = id, sha256.Sum256([]byte(content))
	return c
}

func (f *fixture) append(c eventlog.Commit) eventlog.Appended {
	f.Helper()
	got, err := f.log.Append(f.ctx, c)
	require.NoError(f, err)
	return got
}

// fill appends n events of one type to a stream, in commits of up to 100.
func (f *fixture) fill(s cqrs.StreamID, typ string, n int) {
	f.Helper()
	for from := 0; from < n; from += 100 {
		f.append(commit(to(s, eventlog.Any, events(typ, min(100, n-from))...)))
	}
}

// all collects an iteration. It copies what a record says, but not its payload: that belongs to whoever got it. Numbers of
// streams are checked, and left out: they belong to the open log, not to an event.
func (f *fixture) all(seq func(func(*cqrs.Record, error) bool)) []cqrs.Record {
	f.Helper()
	records := []cqrs.Record{}
	for r, err := range seq {
		require.NoError(f, err)
		records = append(records, f.unnumbered(r))
	}
	return records
}

// unnumbered copies a record without the number of its stream, which it checks: no number ever stands for two streams,
// and no two numbers for one.
func (f *fixture) unnumbered(r *cqrs.Record) cqrs.Record {
	f.Helper()
	kept := *r
	if n := r.StreamNumber; n != 0 {
		kept.StreamNumber = 0
		stream, _ := f.numbers.LoadOrStore(n, r.Stream)
		assert.Equal(f, stream, r.Stream, "the stream of number %d", n)
		number, _ := f.numbers.LoadOrStore(r.Stream, n)
		assert.Equal(f, number, n, "the number of stream %s", r.Stream)
	}
	return kept
}

func (f *fixture) readAll() []cqrs.Record {
	f.Helper()
	return f.all(f.log.Read(f.ctx, eventlog.Query{}))
}

func (f *fixture) readStream(s cqrs.StreamID) []cqrs.Record {
	f.Helper()
	return f.all(f.log.ReadStream(f.ctx, s, 1))
}

func (f *fixture) head() cqrs.Position {
	f.Helper()
	head, err := f.log.Head(f.ctx)
	require.NoError(f, err)
	return head
}

func (f *fixture) count(types ...string) int {
	f.Helper()
	n, err := f.log.Count(f.ctx, types...)
	require.NoError(f, err)
	return int(n)
}

// requireOrder checks what holds for every whole log: positions rise, without gaps where the engine says so; versions
// have no gaps; the events of a commit follow each other.
func (f *fixture) requireOrder(records []cqrs.Record) {
	f.Helper()
	last := cqrs.Position(0)
	versions := make(map[cqrs.StreamID]cqrs.Version)
	ended := make(map[cqrs.CommitID]bool)
	for i, r := range records {
		require.Greater(f, r.Position, last)
		if f.engine.Gapless && i > 0 {
			require.Equal(f, last+1, r.Position)
		}
		last = r.Position
		versions[r.Stream]++
		require.Equal(f, versions[r.Stream], r.Version, "the version of %s at position %d", r.Stream, r.Position)
		if i > 0 && records[i-1].Commit != r.Commit {
			ended[records[i-1].Commit] = true
		}
		require.False(f, ended[r.Commit], "the events of commit %x are torn apart", r.Commit)
	}
}

func positions(records []cqrs.Record) []cqrs.Position {
	all := make([]cqrs.Position, len(records))
	for i := range records {
		all[i] = records[i].Position
	}
	return all
}

// only returns the records that keep says.
func only(records []cqrs.Record, keep func(*cqrs.Record) bool) []cqrs.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r cqrs.Record) bool { return !keep(&r) })
}
