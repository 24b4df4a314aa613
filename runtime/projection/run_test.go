package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// plainRunner fails with an error that does not name it.
type plainRunner struct {
	Runner
	err error
}

func (r plainRunner) Name() string              { return "Plain" }
func (r plainRunner) Run(context.Context) error { return r.err }

// runAll runs projectors as one group.
func runAll(ctx context.Context, logger *slog.Logger, runners ...Runner) error {
	g := NewGroup(nil, WithLogger(logger))
	for _, r := range runners {
		g.add(r)
	}
	return g.Run(ctx)
}

func TestAProjectionThatFailsIsLoggedAtOnceAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log := newLog(w.commitOf(deposited("a", "EUR", 1))...)
		broken, plain, disk := errors.New("broken"), errors.New("plain"), errors.New("disk")
		table := openTable(t)
		good := over(log, table, definition(&folds{}))
		failing := over(log, openTable(t), definition(&folds{broken: map[cqrs.Position]error{1: broken}}))
		unreadable := over(log, failingTable{openTable(t), disk}, definition(&folds{}))

		var text strings.Builder
		logger := slog.New(slog.NewTextHandler(&text, nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- runAll(ctx, logger, good, failing, unreadable, plainRunner{err: plain}) }()

		synctest.Wait()
		assert.Equal(t, Live, good.Status().Phase)
		assert.Equal(t, Stopped, failing.Status().Phase)
		assert.Equal(t, 3, strings.Count(text.String(), `level=ERROR msg="projection stopped"`), text.String())
		assert.Contains(t, text.String(), "projection=Plain error=plain")
		log.append(w.commitOf(deposited("a", "EUR", 1))...)
		synctest.Wait()
		assert.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
		assert.Empty(t, done)

		cancel()
		err := <-done
		for _, cause := range []error{broken, disk, plain} {
			require.ErrorIs(t, err, cause)
		}
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, 3)
		assert.True(t, strings.HasPrefix(lines[0], "projection BalanceByCurrency stopped: it can't fold"), lines[0])
		assert.Equal(t, "projection BalanceByCurrency: disk", lines[1])
		assert.Equal(t, "projection Plain stopped: plain", lines[2])
	})
}

func TestWhereAFoldPanickedIsLogged(t *testing.T) {
	var w writer
	log := newLog(w.commitOf(deposited("a", "EUR", 1))...)
	var text strings.Builder
	err := runAll(t.Context(), slog.New(slog.NewTextHandler(&text, nil)),
		over(log, openTable(t), definition(&folds{broken: map[cqrs.Position]error{1: errPayload}, panics: true})))
	require.ErrorAs(t, err, new(*cqrs.PanicError))
	assert.Equal(t, 1, strings.Count(text.String(), "projection.(*folds)."), text.String())
}

func TestAGroupOfProjectionsThatEndWellIsNoError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, runAll(ctx, slog.New(slog.DiscardHandler), over(newLog(), openTable(t), definition(&folds{}))))
}

// failingTable can't read its checkpoint.
type failingTable struct {
	readmodel.Table
	err error
}

func (t failingTable) Checkpoint(context.Context) (readmodel.Checkpoint, error) {
	return readmodel.Checkpoint{}, t.err
}

// absent is a log whose server is away for a while.
type absent struct {
	eventlog.Log
	until time.Time
	asked atomic.Int32
}

func (l *absent) Head(ctx context.Context) (cqrs.Position, error) {
	if l.asked.Add(1); time.Now().Before(l.until) {
		return 0, fmt.Errorf("connection refused: %w", eventlog.ErrUnavailable)
	}
	return l.Log.Head(ctx)
}

func TestAProjectionGoesOnWhenItsLogIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log := newLog(w.commitOf(deposited("a", "EUR", 1))...)
		away := &absent{Log: log, until: time.Now().Add(time.Minute)}
		table := openTable(t)
		p := over(away, table, definition(&folds{}))
		var text strings.Builder
		p.group.logger = slog.New(slog.NewTextHandler(&text, nil))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- runAll(ctx, p.group.logger, p) }()

		time.Sleep(30 * time.Second)
		synctest.Wait()
		require.ErrorIs(t, p.Status().Err, eventlog.ErrUnavailable)
		assert.Less(t, away.asked.Load(), int32(40), "it asks more and more seldom")

		time.Sleep(40 * time.Second)
		synctest.Wait()
		assert.Equal(t, Live, p.Status().Phase)
		requireReflects(t, table, log.all())
		cancel()
		require.NoError(t, <-done)
		assert.Contains(t, text.String(), `level=WARN msg="projection waits for the log" projection=BalanceByCurrency`)
	})
}

func TestAProjectionThatWaitsForItsLogEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := over(&absent{Log: newLog(), until: time.Now().Add(time.Hour)}, openTable(t), definition(&folds{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		require.NoError(t, runAll(ctx, slog.New(slog.DiscardHandler), p))
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

func TestAGroupOfWhichEveryProjectionStoppedSaysSoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, broken := newLog(w.commitOf(deposited("a", "EUR", 1))...), errors.New("broken")
		g := NewGroup(log, WithLogger(slog.New(slog.DiscardHandler)))
		New(g, memory.New(), definition(&folds{broken: map[cqrs.Position]error{1: broken}}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, g.Run(ctx), broken)
		assert.Less(t, time.Since(began), time.Minute)
	})
}

func TestSizesAreThoseOfAllProjectionsOfAGroupButForTheirOwnOptions(t *testing.T) {
	log := newLog()
	g := NewGroup(log, WithSizes(Sizes{Chunk: 2, Batch: 3, CacheRows: 4, Lanes: 5}))
	p := New(g, tableStore{table: openTable(t)}, definition(&folds{}), CacheRows(7))
	require.Equal(t, 2, g.feed.chunkRecords)
	require.Equal(t, []int{3, 7, 5}, []int{p.settings.batch, p.settings.cacheRows, p.settings.lanes})

	measured := New(NewGroup(log), tableStore{table: openTable(t)}, definition(&folds{})).settings
	none := New(NewGroup(log, WithSizes(Sizes{})), tableStore{table: openTable(t)}, definition(&folds{})).settings
	require.Equal(t, measured, none)
}
