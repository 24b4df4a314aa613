package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// deposits is a projection of single streams, with a name and types of its own.
func deposits(name string, types ...string) Definition[balanceKey, balance] {
	def := definition(&folds{})
	def.Name, def.Events, def.ByStream = name, types, true
	def.Codec.Schema.Projection = name
	def.NewFold = func(int) func(*Rows[balanceKey, balance], *cqrs.Record) error {
		var e payload
		return func(rows *Rows[balanceKey, balance], rec *cqrs.Record) error {
			if err := e.decode(rec.Data); err != nil {
				return err
			}
			if row := rows.At(balanceKey{rec.Stream.ID, e.Currency}); row != nil {
				row.Balance += e.Amount
				row.Movements++
			}
			return nil
		}
	}
	return def
}

// movements adds up the rows of a projection.
func movements(t require.TestingT, store readmodel.Store, def Definition[balanceKey, balance]) (n int64) {
	table, err := store.Table(context.Background(), &def.Codec.Schema)
	require.NoError(t, err)
	rows, _ := stored(t, table)
	for _, r := range rows {
		n += r.Movements
	}
	return n
}

// historyOf appends deposits, and transfers between them.
func historyOf(log *sliceLog, w *writer, commits int) {
	for i := range commits {
		log.append(w.commitOf(
			deposited(fmt.Sprint("acc-", i%50), "EUR", 1), noted(), transferred(fmt.Sprint("acc-", i%7), "x", "EUR", 2))...)
	}
}

func TestOneScanFeedsAllProjectionsThatStartTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), memory.New()
		historyOf(log, &w, 5000)
		var reads atomic.Int64
		log.onRead = func(*cqrs.Record) error {
			reads.Add(1)
			return nil
		}
		g := NewGroup(log)
		all := []Definition[balanceKey, balance]{
			deposits("One", "Deposited"), deposits("Two", "Transferred"), deposits("Three", "Deposited", "Transferred"),
		}
		for _, def := range all {
			New(g, store, def)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		for _, s := range g.Status() {
			assert.Equal(t, Live, s.Phase, s.Projection)
		}
		assert.InDelta(t, 10_000, reads.Load(), 500, "each event that anybody handles is read once, and no other")
		reads.Store(0)
		historyOf(log, &w, 100)
		synctest.Wait()
		assert.InDelta(t, 200, reads.Load(), 10)
		cancel()
		require.NoError(t, <-done)
		for i, want := range []int64{5100, 5100, 10_200} {
			assert.Equal(t, want, movements(t, store, all[i]))
		}
	})
}

func TestAProjectionThatIsAddedCatchesUpAndThenSharesTheLiveScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store, g := newLog(), memory.New(), (*Group)(nil)
		historyOf(log, &w, 3000)
		g = NewGroup(log)
		old, added := deposits("Old", "Deposited"), deposits("Added", "Deposited", "Transferred")
		first, second := New(g, store, old), New(g, store, added)
		stopFirst := run(t, first)
		synctest.Wait()
		stopGrowing := make(chan struct{})
		var growing sync.WaitGroup
		growing.Go(func() {
			for {
				select {
				case <-stopGrowing:
					return
				case <-time.After(time.Millisecond):
					historyOf(log, &w, 1)
				}
			}
		})
		log.mu.Lock()
		log.onRead = func(*cqrs.Record) error {
			time.Sleep(100 * time.Microsecond) // the log grows while it is read
			return nil
		}
		log.mu.Unlock()
		stopSecond := run(t, second)
		time.Sleep(5 * time.Second)
		assert.Equal(t, Live, second.Status().Phase, "also while the log never rests")
		g.feed.mu.Lock()
		assert.Len(t, g.feed.scans, 1)
		g.feed.mu.Unlock()
		close(stopGrowing)
		growing.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		require.NoError(t, stopFirst())
		require.NoError(t, stopSecond())
		commits := int64(w.commit)
		assert.Equal(t, commits, movements(t, store, old))
		assert.Equal(t, 2*commits, movements(t, store, added))
	})
}

// stuckTable is one whose writes hang until it is free.
type stuckTable struct {
	readmodel.Table
	free chan struct{}
}

func (s *stuckTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	<-s.free
	return s.Table.Apply(ctx, b)
}

func TestAProjectionThatIsStuckDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), memory.New()
		def, other := deposits("Stuck", "Deposited"), deposits("Free", "Deposited")
		table, err := store.Table(t.Context(), &def.Codec.Schema)
		require.NoError(t, err)
		slow := &stuckTable{Table: table, free: make(chan struct{})}
		close(slow.free)
		g := NewGroup(log)
		g.feed.chunkRecords = 10
		stuck := New(g, tableStore{schema: def.Codec.Schema, table: slow}, def)
		quick := New(g, store, other)
		stopStuck, stopQuick := run(t, stuck), run(t, quick)
		synctest.Wait()
		slow.free = make(chan struct{})
		historyOf(log, &w, 1000)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.EqualValues(t, 1000, movements(t, store, other))
		close(slow.free)
		time.Sleep(time.Second)
		synctest.Wait()
		require.NoError(t, stopStuck())
		require.NoError(t, stopQuick())
		assert.EqualValues(t, 1000, movements(t, store, def))
	})
}

// TestAnyLanesGiveTheSameRows folds random histories, with runs that end anywhere, in several lanes.
func TestAnyLanesGiveTheSameRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, log, store := &writer{}, newLog(), memory.New()
		def := deposits("Lanes", "Deposited", "Transferred")
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			for range rapid.IntRange(0, 60).Draw(t, "commits") {
				log.append(drawCommit(t, w)...)
			}
			p := New(NewGroup(log), store, def, CacheRows(rapid.IntRange(1, 20).Draw(t, "cache")))
			p.settings.lanes = rapid.IntRange(1, 8).Draw(t, "lanes")
			p.inBatches(rapid.IntRange(1, 30).Draw(t, "batch"))
			require.NoError(t, p.CatchUp(context.Background()))
		}
		want := map[balanceKey]int64{}
		for _, rec := range log.all() {
			var e payload
			if rec.Type != "Noted" && e.decode(rec.Data) == nil {
				want[balanceKey{rec.Stream.ID, e.Currency}] += e.Amount
			}
		}
		table, err := store.Table(context.Background(), &def.Codec.Schema)
		require.NoError(t, err)
		rows, _ := stored(t, table)
		got := map[balanceKey]int64{}
		for k, r := range rows {
			got[k] = r.Balance
		}
		require.Equal(t, want, got)
	})
}

func TestALaterGenerationIsPromotedOnlyIfItsRowsAreWhatTheLogSays(t *testing.T) {
	var w writer
	log, store := newLog(), memory.New()
	historyOf(log, &w, 200)
	active := func() (fingerprint string) {
		generations, err := store.Generations(t.Context(), "Sums")
		require.NoError(t, err)
		for _, g := range generations {
			if g.Active {
				fingerprint = g.Schema.Fingerprint
			}
		}
		return fingerprint
	}
	release := func(fingerprint string) Definition[balanceKey, balance] {
		def := deposits("Sums", "Deposited")
		def.Codec.Schema.Fingerprint = fingerprint
		return def
	}
	require.NoError(t, New(NewGroup(log), store, release("1111111111111111")).CatchUp(t.Context()))
	require.Equal(t, "1111111111111111", active(), "the first one is promoted as soon as it is built")

	// A fold that is no function of the events: each time it is made it adds something else.
	impure := release("2222222222222222")
	made := int64(0)
	impure.NewFold = func(int) func(*Rows[balanceKey, balance], *cqrs.Record) error {
		made++
		return func(rows *Rows[balanceKey, balance], rec *cqrs.Record) error {
			if row := rows.At(balanceKey{rec.Stream.ID, "EUR"}); row != nil {
				row.Balance += made
			}
			return nil
		}
	}
	p := New(NewGroup(log), store, impure)
	require.NoError(t, p.CatchUp(t.Context()))
	assert.Equal(t, "1111111111111111", active())
	generations, err := store.Generations(t.Context(), "Sums")
	require.NoError(t, err)
	var mismatch *generation.MismatchError
	require.ErrorAs(t, p.Status().Err, &mismatch)
	assert.EqualValues(t, 50, mismatch.Report.Mismatched)
	assert.True(t, generations[1].Checkpoint.Built)

	manual := release("3333333333333333")
	manual.Manual = true
	var text strings.Builder
	p = New(NewGroup(log, WithLogger(slog.New(slog.NewTextHandler(&text, nil)))), store, manual)
	require.NoError(t, p.CatchUp(t.Context()))
	require.NoError(t, p.CatchUp(t.Context()))
	assert.Equal(t, "1111111111111111", active(), "an operator promotes it")
	assert.Equal(t, 1, strings.Count(text.String(), "generation waits to be promoted"), text.String())
	assert.Contains(t, text.String(), `generation=3333333333333333 command="projections promote Sums"`)

	require.NoError(t, New(NewGroup(log), store, release("4444444444444444")).CatchUp(t.Context()))
	assert.Equal(t, "4444444444444444", active())
	require.NoError(t, store.Promote(t.Context(), "Sums", "1111111111111111"))
	log.append(w.commitOf(deposited("a", "EUR", 1))...)
	require.NoError(t, New(NewGroup(log), store, release("4444444444444444")).CatchUp(t.Context()))
	assert.Equal(t, "1111111111111111", active(), "what was rolled back is not promoted by itself")
}

// awayStore is a store whose server is away for a while.
type awayStore struct {
	readmodel.Store
	until time.Time
}

func (s *awayStore) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if time.Now().Before(s.until) {
		return nil, fmt.Errorf("connection refused: %w", readmodel.ErrUnavailable)
	}
	return s.Store.Table(ctx, schema)
}

func TestAProjectionWaitsForItsStoreVisibly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), &awayStore{memory.New(), time.Now().Add(time.Minute)}
		historyOf(log, &w, 10)
		def := deposits("Away", "Deposited")
		p := New(NewGroup(log), store, def)
		stop := run(t, p)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		assert.Equal(t, Waiting, p.Status().Phase)
		assert.ErrorIs(t, p.Status().Err, readmodel.ErrUnavailable)
		time.Sleep(40 * time.Second)
		synctest.Wait()
		assert.Equal(t, Live, p.Status().Phase)
		assert.NoError(t, p.Status().Err)
		require.NoError(t, stop())
		assert.EqualValues(t, 10, movements(t, store, def))
	})
}

func TestWhatStoppedAProjectionStandsInTheReportOfItsLease(t *testing.T) {
	var w writer
	log, store, codec := newLog(w.commitOf(deposited("a", "EUR", 1))...), memory.New(), balanceCodec()
	broken := errors.New("broken")
	p := New(NewGroup(log), store, definition(&folds{broken: map[cqrs.Position]error{1: broken}}))
	require.ErrorIs(t, p.CatchUp(t.Context()), broken)
	generations, err := store.Generations(t.Context(), codec.Schema.Projection)
	require.NoError(t, err)
	s := Reported(&generations[0])
	assert.Equal(t, Stopped, s.Phase)
	assert.Contains(t, s.Error, "broken")
	assert.Empty(t, s.Holder)
	assert.EqualValues(t, 1, s.Lag)
	assert.WithinDuration(t, time.Now(), s.At, time.Minute)
}

func TestCatchingUpIsDoneWhenAnotherProcessHasDoneIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), memory.New()
		historyOf(log, &w, 10)
		stop := run(t, New(NewGroup(log), store, deposits("Shared", "Deposited")))
		synctest.Wait()
		began := time.Now()
		second := New(NewGroup(log), store, deposits("Shared", "Deposited"))
		require.NoError(t, second.CatchUp(t.Context()))
		assert.Less(t, time.Since(began), 3*time.Second, "it does not wait for the lease")
		assert.Equal(t, Idle, second.Status().Phase)
		require.NoError(t, stop())
	})
}

func TestAProjectionThatWaitsForItsStoreSaysHowFarItFallsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(), &goneStore{Store: memory.New()}
		p := New(NewGroup(log, WithLogger(slog.New(slog.DiscardHandler))), store, deposits("Far", "Deposited"))
		stop := run(t, p)
		historyOf(log, &w, 10)
		synctest.Wait()
		require.Equal(t, []int64{10, 0}, []int64{p.Status().Handled, p.Status().Lag})
		store.gone.Store(true)
		appended := time.Now()
		last := w.commitOf(deposited("a", "EUR", 1))
		last[0].Time = appended
		log.append(last...)
		time.Sleep(time.Minute)
		log.append(w.commitOf(deposited("a", "EUR", 1))...)
		time.Sleep(time.Minute)
		s := p.Status()
		assert.Equal(t, Waiting, s.Phase)
		assert.ErrorIs(t, s.Err, readmodel.ErrUnavailable)
		assert.Equal(t, []int64{10, 12, 2}, []int64{s.Handled, s.Total, s.Lag}, "what was in memory is gone")
		assert.Equal(t, 2*time.Minute, s.Behind)
		store.gone.Store(false)
		time.Sleep(10 * time.Second)
		assert.Equal(t, Live, p.Status().Phase)
		assert.Zero(t, p.Status().Behind)
		require.NoError(t, stop())
	})
}

// goneStore is a store that goes away with its tables.
type goneStore struct {
	readmodel.Store
	gone atomic.Bool
}

func (s *goneStore) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if s.gone.Load() {
		return nil, readmodel.ErrUnavailable
	}
	table, err := s.Store.Table(ctx, schema)
	return &goneTable{table, s}, err
}

type goneTable struct {
	readmodel.Table
	store *goneStore
}

func (g *goneTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	if g.store.gone.Load() {
		return readmodel.ErrUnavailable
	}
	return g.Table.Apply(ctx, b)
}

func TestTheReportOfAProcessThatDiedIsNotTakenForItsState(t *testing.T) {
	store, codec := memory.New(), balanceCodec()
	table, err := store.Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	report := []byte(`{"phase":"building","handled":70,"total":90,"rate":10,"eta":2000000000}`)
	require.NoError(t, table.Hold(t.Context(), "host-1", time.Millisecond, report))
	var g readmodel.Generation
	require.Eventually(t, func() bool {
		all, err := store.Generations(t.Context(), codec.Schema.Projection)
		require.NoError(t, err)
		g = all[0]
		return !g.Held()
	}, 10*time.Second, time.Millisecond)
	s := Reported(&g)
	assert.Equal(t, Idle, s.Phase)
	assert.Equal(t, g.Lease.Until, s.Since)
	assert.Empty(t, s.Holder)
	assert.Equal(t, "host-1", s.Lost)
	assert.Equal(t, []int64{0, 90, 90}, []int64{s.Handled, s.Total, s.Lag}, "what it had in memory is gone with it")
	assert.Zero(t, s.Rate)
	assert.Zero(t, s.ETA)
}

func TestWhoWritesForLongKeepsItsReport(t *testing.T) {
	store, codec := memory.New(), balanceCodec()
	table, err := store.Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	l := &lease{table: table, holder: "host-1", ttl: leaseTime}
	require.NoError(t, l.extend(t.Context(), 1_000_000, func() []byte { return []byte(`{"phase":"building"}`) }))
	all, err := store.Generations(t.Context(), codec.Schema.Projection)
	require.NoError(t, err)
	assert.Equal(t, Building, Reported(&all[0]).Phase)
	assert.Equal(t, "host-1", Reported(&all[0]).Holder)
	assert.WithinDuration(t, all[0].Asked.Add(leaseTime+100*time.Second), all[0].Lease.Until, time.Second)
}

func TestTheStatusOfAProjectionThatStoppedSaysHowFarItFallsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store := newLog(w.commitOf(deposited("a", "EUR", 1))...), memory.New()
		g := NewGroup(log, WithLogger(slog.New(slog.DiscardHandler)))
		p := New(g, store, definition(&folds{broken: map[cqrs.Position]error{1: errors.New("broken")}}))
		New(g, store, deposits("Healthy", "Deposited"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		synctest.Wait()
		require.Equal(t, Stopped, p.Status().Phase)
		assert.EqualValues(t, 1, p.Status().Lag)
		historyOf(log, &w, 10)
		time.Sleep(time.Minute)
		assert.EqualValues(t, 21, p.Status().Lag)
		assert.Equal(t, time.Since(log.records[0].Time), p.Status().Behind)
		cancel()
		require.Error(t, <-done)
	})
}
