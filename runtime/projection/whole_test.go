package projection

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// builtTable notes where its generation became built.
type builtTable struct {
	readmodel.Table
	at *cqrs.Position
}

func (b builtTable) Apply(ctx context.Context, batch *readmodel.Batch) error {
	if batch.To.Built && !batch.From.Built {
		*b.at = batch.To.Position
	}
	return b.Table.Apply(ctx, batch)
}

func TestAGenerationIsNotBuiltBecauseItReachedALiveScanThatIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), memory.New()
		def, other := deposits("Stuck", "Deposited"), deposits("Late", "Deposited")
		table, err := store.Table(t.Context(), &def.Codec.Schema)
		require.NoError(t, err)
		slow := &stuckTable{Table: table, free: make(chan struct{})}
		close(slow.free)
		late, err := store.Table(t.Context(), &other.Codec.Schema)
		require.NoError(t, err)
		built := cqrs.Position(-1)
		g := NewGroup(log)
		g.feed.chunkRecords = 10
		stuck := New(g, tableStore{schema: def.Codec.Schema, table: slow}, def)
		joining := New(g, tableStore{schema: other.Codec.Schema, table: builtTable{late, &built}}, other)
		stopStuck := run(t, stuck)
		synctest.Wait()
		slow.free = make(chan struct{})
		historyOf(log, &w, 1000)
		synctest.Wait()
		stopJoining := run(t, joining)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, w.position, built, "the log's head when it arrived")
		close(slow.free)
		require.NoError(t, stopStuck())
		require.NoError(t, stopJoining())
	})
}

func TestAReaderThatTheLiveScanTakesOverLearnsThatItIsCurrent(t *testing.T) {
	f := newFeed(newLog())
	newScan := func() *scan {
		s := &scan{feed: f, frontier: 10, room: make(chan struct{}, 1), done: make(chan struct{})}
		f.scans = append(f.scans, s)
		return s
	}
	f.live = newScan()
	r := &reader{feed: f, want: 10, news: make(chan struct{}, 1)}
	behind := newScan()
	behind.attach(r)
	require.False(t, r.current(10))
	require.False(t, behind.settle(), "it has no reader any more")
	require.True(t, r.current(10))
	assert.Len(t, r.news, 1, "else it sleeps until something is appended")
}

func TestWhatComesBeforeAFailureIsStoredAlsoByAReaderThatWasLeftBehind(t *testing.T) {
	log := benchLog(300, 30)
	w := warmWorker(t, log)
	var failing writer
	failing.position, failing.commit = w.scanned, 1<<40
	log.append(failing.commitOf(deposited("before", "EUR", 1))...)
	log.append(failing.commitOf(deposited("failing", "EUR", 1))...)
	last := &log.records[len(log.records)-1]
	w.reader.leave()
	w.reader = nil // as errLeft leaves it
	failed := newFoldError("Balances", last, errPayload)
	require.Equal(t, failed, w.salvage(failed))
	at, err := w.table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, failing.position-1, at.Position)
}

func TestCatchingUpIsNotDoneWhereAnotherProcessHoldsAReadModelOfAnotherLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		codec, store := balanceCodec(), memory.New()
		table, err := store.Table(t.Context(), &codec.Schema)
		require.NoError(t, err)
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
			To: readmodel.Checkpoint{Position: 1, Commit: cqrs.CommitID{9}, Built: true},
		}))
		require.NoError(t, table.Hold(t.Context(), "another process", 3*time.Second, nil))
		p := New(NewGroup(newLog(w.commitOf(deposited("a", "EUR", 1))...)), store, definition(&folds{}))
		assert.ErrorAs(t, p.CatchUp(t.Context()), new(*readmodel.HistoryError))
	})
}
