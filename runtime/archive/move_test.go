package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// engines opens an empty log of each engine.
var engines = []struct {
	name string
	open func(testing.TB) Store
}{
	{"memory", func(testing.TB) Store { return memory.New() }},
	{"embedded", func(t testing.TB) Store {
		l, err := embedded.Open(context.Background(), t.TempDir())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, l.Close()) })
		return l
	}},
	{"postgres", func(t testing.TB) Store {
		l, err := postgres.Open(context.Background(), testserver.Postgres(t), postgres.Migrate())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, l.Close()) })
		return l
	}},
	{"jetstream", func(t testing.TB) Store {
		l, err := jetstream.Open(context.Background(), testserver.NATS(t), jetstream.Migrate())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, l.Close()) })
		return l
	}},
}

// TestALogMovesFromEngineToEngine carries a log through all engines, from file to file, and loses nothing.
func TestALogMovesFromEngineToEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs all servers")
	}
	ctx := context.Background()
	events := int64(soak.Rounds(20_000, 1_000_000))
	source := memory.New()
	fill := newFiller(soak.Seed(t), 500)
	for n := int64(0); n < events; n, _ = source.Count(ctx) {
		fill.fill(t, source, 100)
	}
	var log Store = source
	for _, e := range engines[1:] {
		path := filepath.Join(t.TempDir(), "log.archive")
		began := time.Now()
		exported, err := Export(ctx, log, path, Range{}, nil)
		require.NoError(t, err)
		took := time.Since(began)
		into := e.open(t)
		began = time.Now()
		_, err = Import(ctx, path, into, nil)
		require.NoError(t, err)
		imported := time.Since(began)
		began = time.Now()
		verified, err := Verify(ctx, path, into, nil)
		require.NoError(t, err)
		assert.False(t, verified.Behind)
		soak.Logf(t, "%s: %d events, %d commands; exported in %v, imported in %v, verified in %v", e.name,
			exported.Events, exported.Commands, took, imported, time.Since(began))
		log = into
	}
	requireSameContent(t, contentOf(t, source), contentOf(t, log))
}

func requireSameContent(t testing.TB, want, got content) {
	t.Helper()
	require.Equal(t, len(want.records), len(got.records))
	for i := range want.records {
		requireEqual(t, want.records[i], got.records[i])
	}
	require.Equal(t, len(want.commands), len(got.commands))
	for i := range want.commands {
		requireEqual(t, want.commands[i], got.commands[i])
	}
}

// TestACommandIsKnownAfterAMove repeats commands in the log that they were carried to.
func TestACommandIsKnownAfterAMove(t *testing.T) {
	ctx := context.Background()
	m := vfs.NewMemory()
	source := memory.New()
	fill := newFiller(30, 10)
	var commands []eventlog.Commit
	for range 200 {
		c := fill.commit()
		_, err := source.Append(ctx, c)
		require.NoError(t, err)
		if c.Meta.CommandID != "" {
			commands = append(commands, c)
		}
	}
	_, err := export(ctx, small(m), source, "x", Range{}, nil)
	require.NoError(t, err)
	for _, e := range engines {
		if testing.Short() && e.name != "memory" {
			continue
		}
		into := e.open(t)
		_, err := importFile(ctx, small(m), "x", into, nil)
		require.NoError(t, err)
		for _, c := range commands {
			want, _, err := source.Command(ctx, c.Meta.CommandID, c.CommandHash)
			require.NoError(t, err)
			got, known, err := into.Command(ctx, c.Meta.CommandID, c.CommandHash)
			require.NoError(t, err, e.name)
			require.True(t, known, e.name)
			require.Equal(t, want.Version, got.Version, e.name)
			require.True(t, want.Meta.Time.Equal(got.Meta.Time), e.name)
			_, _, err = into.Command(ctx, c.Meta.CommandID, [32]byte{1})
			var reused *cqrs.CommandReusedError
			require.ErrorAs(t, err, &reused, e.name)
		}
	}
}

// stoppingImport is a log whose imports fail after some commits.
type stoppingImport struct {
	*memory.Log
	left int
}

func (s *stoppingImport) Import(ctx context.Context, commits iter.Seq2[*eventlog.Commit, error]) (int64, error) {
	return s.Log.Import(ctx, func(yield func(*eventlog.Commit, error) bool) {
		for c, err := range commits {
			if s.left--; s.left < 0 {
				yield(nil, errStopped)
				return
			}
			if !yield(c, err) {
				return
			}
		}
	})
}

// TestRangesThatFollowEachOtherAreTheWholeLog exports a log in random ranges while it grows, and imports the files one
// after the other, each of them twice, some of them after an import that was stopped.
func TestRangesThatFollowEachOtherAreTheWholeLog(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(r *rapid.T) {
		source, into, m := memory.New(), memory.New(), vfs.NewMemory()
		fill := newFiller(rapid.Uint64().Draw(r, "seed"), 1+rapid.IntRange(0, 20).Draw(r, "streams"))
		var done cqrs.Position
		for i := range rapid.IntRange(1, 5).Draw(r, "ranges") {
			fill.fill(t, source, rapid.IntRange(0, 40).Draw(r, "commits"))
			name := fmt.Sprint(i)
			s, err := export(ctx, small(m), source, name, Range{After: done}, nil)
			require.NoError(r, err)
			left := rapid.IntRange(0, 40).Draw(r, "stop")
			_, err = importFile(ctx, small(m), name, &stoppingImport{into, left}, nil)
			if err != nil {
				require.ErrorIs(r, err, errStopped)
				_, err = importFile(ctx, small(m), name, into, nil)
				require.NoError(r, err, "it goes on")
			}
			again, err := importFile(ctx, small(m), name, into, nil)
			require.NoError(r, err)
			require.GreaterOrEqual(r, again.Skipped, again.Commits)
			_, err = verify(ctx, small(m), name, source, nil)
			require.NoError(r, err)
			done = s.Range.Through
		}
		requireSameContent(t, contentOf(t, source), contentOf(t, into))
	})
}

// TestALogThatHoldsAnythingElseIsLeftAsItIs imports into logs that differ in one thing from a part of the archive.
func TestALogThatHoldsAnythingElseIsLeftAsItIs(t *testing.T) {
	ctx := context.Background()
	m := vfs.NewMemory()
	commits := []eventlog.Commit{}
	fill := newFiller(31, 3)
	source := memory.New()
	for range 60 {
		c := fill.commit()
		commits = append(commits, c)
		_, err := source.Append(ctx, c)
		require.NoError(t, err)
	}
	_, err := export(ctx, small(m), source, "x", Range{}, nil)
	require.NoError(t, err)
	for name, change := range map[string]func(c *eventlog.Commit){
		"commit id":      func(c *eventlog.Commit) { c.ID[3]++ },
		"time":           func(c *eventlog.Commit) { c.Meta.Time = c.Meta.Time.Add(time.Second) },
		"actor":          func(c *eventlog.Commit) { c.Meta.Actor += "x" },
		"payload":        func(c *eventlog.Commit) { c.Streams[0].Events[0].Data = []byte("{}") },
		"type":           func(c *eventlog.Commit) { c.Streams[0].Events[0].Type += "x" },
		"schema version": func(c *eventlog.Commit) { c.Streams[0].Events[0].SchemaVersion += 5 },
		"content type":   func(c *eventlog.Commit) { c.Streams[0].Events[0].ContentType += "x" },
		"stream":         func(c *eventlog.Commit) { c.Streams[0].Stream.ID += "x" },
		"one event more": func(c *eventlog.Commit) {
			c.Streams[0].Events = append(c.Streams[0].Events, fill.event())
		},
		"command id":   func(c *eventlog.Commit) { c.Meta.CommandID += "x"; c.CommandHash = sha256.Sum256(nil) },
		"command hash": func(c *eventlog.Commit) { c.CommandHash[0]++ },
		"without events": func(c *eventlog.Commit) {
			c.Meta.CommandID, c.CommandHash, c.Streams = "another", sha256.Sum256(nil), nil
		},
	} {
		into := memory.New()
		for i, c := range commits {
			if len(c.Streams) > 0 && i > 5 && (name != "command hash" || c.Meta.CommandID != "") {
				c.Streams = slices.Clone(c.Streams)
				c.Streams[0].Events = slices.Clone(c.Streams[0].Events)
				change(&c)
				_, err := into.Append(ctx, c)
				require.NoError(t, err)
				break
			}
			_, err := into.Append(ctx, c)
			require.NoError(t, err)
		}
		before := contentOf(t, into)
		_, err := importFile(ctx, small(m), "x", into, nil)
		var differs *DifferenceError
		require.ErrorAs(t, err, &differs, name)
		require.NotEmpty(t, differs.Error())
		_, err = verify(ctx, small(m), "x", into, nil)
		require.ErrorAs(t, err, &differs, name)
		requireSameContent(t, before, contentOf(t, into))
	}
	more := memory.New()
	_, err = importFile(ctx, small(m), "x", more, nil)
	require.NoError(t, err)
	newFiller(32, 3).fill(t, more, 8)
	_, err = importFile(ctx, small(m), "x", more, nil)
	var differs *DifferenceError
	require.ErrorAs(t, err, &differs, "a log that goes on behind the archive")
	verified, err := verify(ctx, small(m), "x", more, nil)
	require.NoError(t, err)
	assert.True(t, verified.Behind)
}

func TestARangeOfAnotherLogIsNotImported(t *testing.T) {
	ctx := context.Background()
	m := vfs.NewMemory()
	source := filled(t, 33, 50)
	half := contentOf(t, source).records[20].Commit
	var after cqrs.Position
	for r := range source.Read(ctx, eventlog.Query{}) {
		if r.Commit == half {
			after = r.Position
		}
	}
	_, err := export(ctx, small(m), source, "x", Range{After: after}, nil)
	require.NoError(t, err)
	for _, into := range []Store{memory.New(), filled(t, 34, 50)} {
		_, err = importFile(ctx, small(m), "x", into, nil)
		var differs *DifferenceError
		require.ErrorAs(t, err, &differs)
		_, err = verify(ctx, small(m), "x", into, nil)
		require.ErrorAs(t, err, &differs)
	}
	_, err = verify(ctx, small(m), "x", source, nil)
	require.NoError(t, err)
}

func TestARangeLiesBetweenCommits(t *testing.T) {
	ctx := context.Background()
	source := filled(t, 35, 50)
	head, _ := source.Head(ctx)
	last := map[cqrs.Position]bool{0: true, head: true}
	var before *cqrs.Record
	for _, r := range records(t, source, eventlog.Query{}) {
		if before != nil && before.Commit != r.Commit {
			last[before.Position] = true
		}
		before = &r
	}
	for at := cqrs.Position(-1); at < head+3; at++ {
		for _, r := range []Range{{After: at}, {Through: at}} {
			_, err := export(ctx, small(vfs.NewMemory()), source, "x", r, nil)
			if last[at] {
				require.NoError(t, err, "%+v", r)
				continue
			}
			var wrong *RangeError
			require.ErrorAs(t, err, &wrong, "%+v", r)
		}
	}
	_, err := export(ctx, small(vfs.NewMemory()), source, "x", Range{After: head, Through: 1}, nil)
	var wrong *RangeError
	require.ErrorAs(t, err, &wrong)
}

func TestProgressIsReported(t *testing.T) {
	ctx := context.Background()
	files := storage{vfs.NewMemory(), blockBytes}
	source := filled(t, 36, 10_000)
	n, _ := source.Count(ctx)
	for _, do := range []func(report func(Progress)) (Summary, error){
		func(report func(Progress)) (Summary, error) { return export(ctx, files, source, "x", Range{}, report) },
		func(report func(Progress)) (Summary, error) { return check(ctx, files, "x", report) },
		func(report func(Progress)) (Summary, error) { return importFile(ctx, files, "x", memory.New(), report) },
		func(report func(Progress)) (Summary, error) { return verify(ctx, files, "x", source, report) },
	} {
		var reports []Progress
		_, err := do(func(p Progress) { reports = append(reports, p) })
		require.NoError(t, err)
		require.Greater(t, len(reports), 3)
		for i, p := range reports {
			assert.Equal(t, n, p.Total)
			assert.True(t, i == 0 || p.Events > reports[i-1].Events)
		}
		assert.Equal(t, n, reports[len(reports)-1].Events)
	}
}
