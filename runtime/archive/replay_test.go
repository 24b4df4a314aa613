package archive

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// opened puts an archive of small files in front of a log.
func opened(t testing.TB, fsys vfs.FS, log Store, opts ...Option) *Log {
	t.Helper()
	a, err := with(context.Background(), small(fsys), log, "/archive", opts...)
	require.NoError(t, err)
	a.full = 8 << 10
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	return a
}

// counting counts what a log is asked for.
type counting struct {
	*memory.Log
	mu      sync.Mutex
	records int
}

func (c *counting) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		for r, err := range c.Log.Read(ctx, q) {
			c.mu.Lock()
			c.records++
			c.mu.Unlock()
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestAReadThatEndsEarlyLeavesNoGoroutine(t *testing.T) {
	log := filled(t, 54, 1000)
	a := opened(t, vfs.NewMemory(), log)
	require.NoError(t, a.Seal(t.Context()))
	before := goleak.IgnoreCurrent()
	for range 20 {
		for r := range a.Read(t.Context(), eventlog.Query{}) {
			if r.Position > 10 {
				break
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range a.Read(ctx, eventlog.Query{}) {
			cancel()
		}
		cancel()
		assert.Panics(t, func() {
			for range a.Read(t.Context(), eventlog.Query{}) {
				panic("the caller's own fault")
			}
		})
	}
	goleak.VerifyNone(t, before)
}

func TestAnyQueryIsAnsweredAsTheLogAnswersIt(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		log := memory.New()
		fill := newFiller(rapid.Uint64().Draw(r, "seed"), 1+rapid.IntRange(0, 30).Draw(r, "streams"))
		a := opened(t, vfs.NewMemory(), log)
		for range rapid.IntRange(0, 5).Draw(r, "seals") {
			fill.fill(t, log, rapid.IntRange(0, 40).Draw(r, "commits"))
			require.NoError(r, a.Seal(context.Background()))
		}
		fill.fill(t, log, rapid.IntRange(0, 20).Draw(r, "more"))
		head, _ := log.Head(context.Background())
		position := rapid.Int64Range(-1, int64(head)+2)
		for range 20 {
			requireSame(t, log, a, eventlog.Query{
				After: cqrs.Position(position.Draw(r, "after")), Through: cqrs.Position(position.Draw(r, "through")),
				Types: rapid.SliceOfN(rapid.SampledFrom([]string{"Opened", "Deposited", "Closed", "Unknown"}), 0, 3).
					Draw(r, "types"),
				Categories: rapid.SliceOfN(rapid.SampledFrom([]string{"Account", "Order", "Unknown"}), 0, 2).
					Draw(r, "categories"),
			})
		}
	})
}

func TestWhatIsSealedIsNotReadFromTheLog(t *testing.T) {
	log := &counting{Log: filled(t, 40, 1000)}
	a := opened(t, vfs.NewMemory(), log)
	require.NoError(t, a.Seal(t.Context()))
	newFiller(41, 5).fill(t, log, 10)
	all := len(records(t, log.Log, eventlog.Query{}))
	sealed := int(a.Status().Events)
	log.records = 0
	require.Len(t, records(t, a, eventlog.Query{}), all)
	assert.Equal(t, all-sealed+1, log.records, "the log is asked for what is new, and whether the archive is its own")
}

func TestBlocksWithoutWantedEventsAreNotRead(t *testing.T) {
	log := memory.New()
	append := func(typ string, n int) {
		for i := range n {
			_, err := log.Append(t.Context(), eventlog.Commit{
				ID: cqrs.CommitID{byte(n), byte(i), byte(i >> 8), typ[0]}, Meta: cqrs.CommandMeta{Time: start},
				Streams: []eventlog.StreamAppend{{
					Stream: cqrs.StreamID{Category: typ + "s", ID: "1"}, Expected: eventlog.Any,
					Events: []eventlog.NewEvent{{Type: typ, SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte("{}")}},
				}},
			})
			require.NoError(t, err)
		}
	}
	append("Common", 1000)
	append("Rare", 1)
	append("Common", 999)
	faulty := &vfs.Faulty{FS: vfs.NewMemory()}
	a := opened(t, faulty, log)
	require.NoError(t, a.Seal(t.Context()))
	reads := func(q eventlog.Query) int {
		before := faulty.Operations()
		requireSame(t, log, a, q)
		return faulty.Operations() - before
	}
	all := reads(eventlog.Query{})
	assert.Greater(t, all, 30)
	files := a.Status().Files
	for _, q := range []eventlog.Query{
		{Types: []string{"Rare"}}, {Categories: []string{"Rares"}}, {Types: []string{"Rare"}, Categories: []string{"Rares"}},
	} {
		assert.LessOrEqual(t, reads(q), 2*files+2, "each file is opened and closed, and a block of one is read")
	}
}

// TestAnArchiveOfAnotherLogIsDropped opens an archive in front of logs that it does not belong to: another one, one
// that lost its end, and one that went on differently from some place, as after a failover to a replica that lagged.
func TestAnArchiveOfAnotherLogIsDropped(t *testing.T) {
	m := vfs.NewMemory()
	fill := newFiller(42, 5)
	whole, part := memory.New(), memory.New()
	var kept cqrs.Position
	a := opened(t, m, whole)
	for i := range 200 {
		c := fill.commit()
		_, err := whole.Append(t.Context(), c)
		require.NoError(t, err)
		if i < 150 {
			got, err := part.Append(t.Context(), c)
			require.NoError(t, err)
			kept = got.Position
		}
		if i%30 == 0 {
			require.NoError(t, a.Seal(t.Context()))
		}
	}
	require.NoError(t, a.Seal(t.Context()))
	require.NoError(t, a.Close())
	image := map[string][]byte{}
	names, err := m.ReadDir("/archive")
	require.NoError(t, err)
	for _, n := range names {
		image[n], _ = m.Bytes("/archive/" + n)
	}
	another := filled(t, 43, 300)
	diverged := memory.New()
	copyLog(t, part, diverged)
	newFiller(44, 6).fill(t, diverged, 100)
	for name, log := range map[string]*memory.Log{
		"another": another, "shorter": part, "diverged": diverged, "empty": memory.New(),
	} {
		var out strings.Builder
		m := vfs.NewMemory()
		require.NoError(t, m.MkdirAll("/archive"))
		for n, b := range image {
			m.Put("/archive/"+n, b)
		}
		b := opened(t, m, log, WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
		assert.Less(t, b.Status().Through, headOf(whole), name)
		assert.Contains(t, out.String(), "the log does not have commit", name)
		if log == part || log == diverged {
			assert.NotZero(t, b.Status().Events, "what is right of it is kept")
			assert.LessOrEqual(t, b.Status().Through, kept)
		}
		requireSame(t, log, b)
		require.NoError(t, b.Seal(t.Context()))
		requireSame(t, log, b)
		requireTidy(t, m, b)
	}
}

func headOf(l *memory.Log) cqrs.Position {
	head, _ := l.Head(context.Background())
	return head
}

func copyLog(t testing.TB, from, to *memory.Log) {
	m := vfs.NewMemory()
	_, err := export(context.Background(), small(m), from, "x", Range{}, nil)
	require.NoError(t, err)
	_, err = importFile(context.Background(), small(m), "x", to, nil)
	require.NoError(t, err)
}

// TestALogThatIsReplacedUnderAnOpenArchiveIsNoticed is the failover without a restart: positions are used again.
func TestALogThatIsReplacedUnderAnOpenArchiveIsNoticed(t *testing.T) {
	engine := &replaceable{Log: filled(t, 45, 200)}
	a := opened(t, vfs.NewMemory(), engine)
	require.NoError(t, a.Seal(t.Context()))
	engine.Log = filled(t, 46, 200)
	requireSame(t, engine.Log, a)
	require.NoError(t, a.Seal(t.Context()))
	requireSame(t, engine.Log, a)
	assert.Equal(t, headOf(engine.Log), a.Status().Through)
}

type replaceable struct{ *memory.Log }

func TestOneOfTwoProgramsKeepsTheArchive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	log := filled(t, 47, 100)
	fill := newFiller(48, 9)
	open := func() *Log {
		a, err := With(t.Context(), log, dir)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, a.Close()) })
		a.fs.block, a.full = 1<<10, 16<<10
		return a
	}
	keeper, other := open(), open()
	assert.True(t, keeper.Status().Keeper)
	assert.False(t, other.Status().Keeper)
	for range 20 {
		fill.fill(t, log, 10)
		require.NoError(t, keeper.Seal(t.Context()))
		require.ErrorIs(t, other.Seal(t.Context()), ErrNotKeeper)
		requireSame(t, log, other)
		requireSame(t, log, keeper)
		assert.Equal(t, keeper.Status().Through, other.Status().Through, "it reads what the keeper sealed")
	}
	require.NoError(t, keeper.Close())
	fill.fill(t, log, 10)
	require.NoError(t, other.Seal(t.Context()), "the other one takes over")
	assert.True(t, other.Status().Keeper)
	requireSame(t, log, other)
	require.ErrorIs(t, keeper.Seal(t.Context()), cqrs.ErrClosed)
	requireSame(t, log, keeper)
}

// TestReadersSeeEachEventOnceWhileFilesAreMerged reads in two programs while a third seals and merges.
func TestReadersSeeEachEventOnceWhileFilesAreMerged(t *testing.T) {
	m := vfs.NewMemory()
	log := memory.New()
	fill := newFiller(49, 20)
	fill.fill(t, log, 200)
	keeper, other := opened(t, m, log), opened(t, m, log)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, a := range []*Log{keeper, other, keeper, other} {
		wg.Go(func() {
			for ctx.Err() == nil {
				last := cqrs.Position(0)
				for r, err := range a.Read(context.Background(), eventlog.Query{}) {
					if !assert.NoError(t, err) || !assert.Equal(t, last+1, r.Position) {
						return
					}
					last = r.Position
				}
			}
		})
	}
	for range 150 {
		fill.fill(t, log, 3)
		require.NoError(t, keeper.Seal(t.Context()))
	}
	cancel()
	wg.Wait()
	t.Log(keeper.Status())
	requireSame(t, log, keeper)
	requireSame(t, log, other)
	assert.Equal(t, headOf(log), keeper.Status().Through)
	assert.Less(t, keeper.Status().Files, 60, "small files are merged: there were 150 and more")
}

func TestRunSealsWhatIsAppended(t *testing.T) {
	log := filled(t, 50, 100)
	a := opened(t, vfs.NewMemory(), log, Every(time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	fill := newFiller(51, 5)
	for range 10 {
		fill.fill(t, log, 20)
		want := headOf(log)
		require.Eventually(t, func() bool { return a.Status().Through >= want }, 10*time.Second, time.Millisecond)
	}
	cancel()
	require.NoError(t, <-done)
	require.NoError(t, log.Close())
	require.ErrorIs(t, a.Run(t.Context()), cqrs.ErrClosed)
}

func TestWhatARecordHoldsStaysAsItIs(t *testing.T) {
	log := filled(t, 52, 2000)
	a := opened(t, vfs.NewMemory(), log)
	require.NoError(t, a.Seal(t.Context()))
	var kept []cqrs.Record
	var copies []string
	for r, err := range a.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		r.StreamNumber = 0
		kept = append(kept, *r)
		copies = append(copies, fmt.Sprint(*r))
		r.Type, r.Stream, r.Actor, r.CommandID, r.Time = "changed", cqrs.StreamID{}, "changed", "changed", time.Time{}
		r.ContentType, r.Data, r.CorrelationID, r.CausationID = "changed", nil, "changed", "changed"
	}
	for i := range kept {
		require.Equal(t, copies[i], fmt.Sprint(kept[i]))
	}
	for i, r := range records(t, log, eventlog.Query{}) {
		require.Equal(t, r, kept[i], "a caller that changes its record harms nobody")
	}
}

func TestAReadOfTheArchiveAllocatesNothingForAnEvent(t *testing.T) {
	log := filled(t, 53, 20_000)
	a := opened(t, vfs.NewMemory(), log)
	a.fs.block, a.full = blockBytes, fullSegment
	require.NoError(t, a.Seal(t.Context()))
	n := 0
	allocations := testing.AllocsPerRun(5, func() {
		n = 0
		for range a.Read(context.Background(), eventlog.Query{}) {
			n++
		}
	})
	assert.Less(t, allocations/float64(n), 0.01)
}

// TestTheArchiveServesEachEngine puts it in front of all engines: their positions differ, and so does what a read costs.
func TestTheArchiveServesEachEngine(t *testing.T) {
	m := vfs.NewMemory()
	_, err := export(t.Context(), small(m), filled(t, 55, 400), "x", Range{}, nil)
	require.NoError(t, err)
	for _, e := range engines {
		if testing.Short() && e.name != "memory" && e.name != "embedded" {
			continue
		}
		log := e.open(t)
		_, err := importFile(t.Context(), small(m), "x", log, nil)
		require.NoError(t, err)
		files := vfs.NewMemory()
		a := opened(t, files, log)
		fill := newFiller(56, 9)
		for range 4 {
			require.NoError(t, a.Seal(t.Context()))
			fill.fill(t, log, 5)
			for _, q := range []eventlog.Query{{}, {Types: []string{"Opened"}}, {Categories: []string{"Order"}}} {
				requireSame(t, log, a, q)
			}
		}
		require.NoError(t, a.Close())
		again := opened(t, files, log)
		assert.NotZero(t, again.Status().Events, e.name)
		requireSame(t, log, again)
	}
}
