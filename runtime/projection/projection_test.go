package projection

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func openTable(t require.TestingT) readmodel.Table {
	codec := balanceCodec()
	table, err := memory.New().Table(context.Background(), &codec.Schema)
	require.NoError(t, err)
	return table
}

// run starts the projector and returns what ends it and waits for it.
func run(t *testing.T, p Runner) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func TestARunCatchesUpAndThenFollowsTheLog(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 5), deposited("b", "GBP", 7))...), openTable(t)
	p := over(log, table, definition(&folds{}))
	model := modelOf(table, log)
	stop := run(t, p)
	for range 20 {
		log.append(w.commitOf(transferred("a", "b", "EUR", 1), noted())...)
		row, fresh, err := model.Get(t.Context(), balanceKey{"b", "EUR"}, cqrs.AtLeast(w.position))
		require.NoError(t, err)
		assert.True(t, fresh.Current())
		assert.Equal(t, w.position, fresh.Position)
		assert.Equal(t, row.Movements, row.Balance)
	}
	require.NoError(t, stop())
	assert.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
	assert.Equal(t, Idle, p.Status().Phase)
}

func TestCatchUpReturnsAtTheHead(t *testing.T) {
	var w writer
	log, table := newLog(), openTable(t)
	p := over(log, table, definition(&folds{}))
	require.NoError(t, p.CatchUp(t.Context()))
	_, at := stored(t, table)
	assert.Equal(t, readmodel.Checkpoint{Built: true}, at, "of an empty log nothing is missing")

	log.append(w.commitOf(deposited("a", "EUR", 5))...)
	log.append(w.commitOf(noted())...)
	require.NoError(t, p.CatchUp(t.Context()))
	assert.EqualValues(t, 2, requireReflects(t, table, log.all()).Position, "also where it handles nothing")
	require.NoError(t, p.CatchUp(t.Context()))
}

func TestAQuietProjectionFollowsTheLogWithinTheHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, table := newLog(), openTable(t)
		stop := run(t, over(log, table, definition(&folds{})))
		model := modelOf(table, log)
		synctest.Wait()
		for range 5 {
			log.append(w.commitOf(noted(), noted())...)
			start := time.Now()
			_, fresh, err := model.GetMany(t.Context(), nil, cqrs.AtLeast(w.position))
			require.NoError(t, err)
			assert.True(t, fresh.Current())
			assert.LessOrEqual(t, time.Since(start), 100*time.Millisecond)
		}
		require.NoError(t, stop())
	})
}

func TestTheCheckpointOfAQuietProjectionIsNotWrittenWithEveryCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, table := newLog(), &countingTable{Table: openTable(t)}
		stop := run(t, over(log, table, definition(&folds{})))
		for range 1000 {
			log.append(w.commitOf(noted())...)
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, stop())
		assert.InDelta(t, 10, table.applies, 3)
		assert.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
	})
}

func TestAWaitForAProjectionThatNeverStartedEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, table := newLog(w.commitOf(noted())...), openTable(t)
		model := modelOf(table, log)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := model.Get(ctx, balanceKey{"a", "EUR"}, cqrs.AtLeast(1))
		var stale *readmodel.StaleError
		require.ErrorAs(t, err, &stale)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.EqualValues(t, 1, stale.Want)
		assert.Zero(t, stale.Reached.Position)
		_, _, err = model.GetMany(t.Context(), nil)
		assert.ErrorAs(t, err, new(*readmodel.NotBuiltError))
	})
}

func TestAWaitForAProjectionThatStoppedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
		log.append(w.commitOf(deposited("a", "EUR", 1))...)
		broken := errors.New("broken")
		p := over(log, table, definition(&folds{broken: map[cqrs.Position]error{2: broken}}))
		model := modelOf(table, log)
		model.StopsWith(p.Err)
		stop := run(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _, err := model.Get(ctx, balanceKey{"a", "EUR"}, cqrs.AtLeast(2))
		var stale *readmodel.StaleError
		require.ErrorAs(t, err, &stale)
		assert.EqualValues(t, 1, stale.Reached.Position)
		assert.ErrorIs(t, err, broken)
		_, _, err = model.Get(t.Context(), balanceKey{"a", "EUR"}, cqrs.AtLeast(1))
		assert.ErrorAs(t, err, new(*readmodel.StaleError), "a generation that was never built does not answer")
		assert.ErrorIs(t, stop(), broken)
	})
}

// countingTable counts the calls of a table.
type countingTable struct {
	readmodel.Table
	gets, keys, applies, changes int
}

func (c *countingTable) Get(ctx context.Context, keys [][]readmodel.Value, found func(int, []readmodel.Value, cqrs.Position) error) (readmodel.Checkpoint, error) {
	c.gets++
	c.keys += len(keys)
	return c.Table.Get(ctx, keys, found)
}

func (c *countingTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	c.applies++
	c.changes += len(b.Changes)
	return c.Table.Apply(ctx, b)
}

func TestABuildFromTheStartLoadsNothingAndWritesOnce(t *testing.T) {
	var w writer
	log, table := newLog(), &countingTable{Table: openTable(t)}
	for i := range 20_000 {
		log.append(w.commitOf(deposited(fmt.Sprint("acc-", i%100), "EUR", 1))...)
	}
	def, copied := definition(&folds{}), 0
	own := def.OwnKey
	def.OwnKey = func(k balanceKey, id bool) balanceKey { copied++; return own(k, id) }
	require.NoError(t, over(log, table, def).CatchUp(t.Context()))
	assert.Equal(t, 100, copied, "a key is copied when its row is new, and not with every event")
	assert.Zero(t, table.gets)
	assert.Equal(t, 1, table.applies)
	assert.Equal(t, 100, table.changes)
	requireReflects(t, table, log.all())
}

func TestTheMissingRowsOfABatchAreLoadedInOneRoundTrip(t *testing.T) {
	var w writer
	log, table := newLog(), &countingTable{Table: openTable(t)}
	deposits := func() {
		for i := range 1000 {
			log.append(w.commitOf(deposited(fmt.Sprint("acc-", i%100), "EUR", 1), transferred("acc-1", fmt.Sprint("acc-", i%7), "EUR", 1))...)
		}
	}
	deposits()
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	deposits()
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	assert.Equal(t, 1, table.gets)
	assert.Equal(t, 100, table.keys, "each row once")
	requireReflects(t, table, log.all())
}

func TestARowThatIsAheadOfTheCheckpointSkipsWhatItReflects(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	_, at := stored(t, table)
	// Not every sink writes rows and checkpoint in one step: here the rows of 2 and 3 were stored before a crash.
	log.append(w.commitOf(transferred("a", "b", "EUR", 2))...)
	log.append(w.commitOf(transferred("b", "b", "EUR", 4))...)
	codec := balanceCodec()
	ahead := readmodel.Batch{From: at, To: at}
	for k, r := range simpleFold(t, log.all(), 3) {
		row, err := codec.AppendRow(nil, &r)
		require.NoError(t, err)
		position := map[string]cqrs.Position{"a": 2, "b": 3}[k.Account]
		ahead.Changes = append(ahead.Changes, readmodel.Change{Key: codec.AppendKey(nil, &k), Row: row, Position: position})
	}
	require.NoError(t, table.Apply(t.Context(), &ahead))
	log.append(w.commitOf(transferred("a", "b", "EUR", 8), transferred("b", "b", "EUR", 16))...)
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	requireReflects(t, table, log.all())
}

func TestAFullCacheIsWrittenBack(t *testing.T) {
	var w writer
	log, table := newLog(), &countingTable{Table: openTable(t)}
	for i := range 10_000 {
		log.append(w.commitOf(deposited(fmt.Sprint("acc-", i*7919%1000), "EUR", int64(i)))...)
	}
	p := over(log, table, definition(&folds{}), CacheRows(10))
	p.inBatches(50)
	require.NoError(t, p.CatchUp(t.Context()))
	assert.InDelta(t, 200, table.applies, 5)
	assert.InDelta(t, 199, table.gets, 5)
	requireReflects(t, table, log.all())
}

func TestAFailingFoldStoresWhatComesBeforeItsCommitAndNothingOfIt(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name           string
		panics, loaded bool
	}{{"an error", false, false}, {"a panic", true, false}, {"an error over a loaded row", false, true}, {"a panic over a loaded row", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			var w writer
			log, table := newLog(), openTable(t)
			log.append(w.commitOf(deposited("a", "EUR", 1), deposited("b", "EUR", 1))...)
			if c.loaded {
				require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
			}
			log.append(w.commitOf(deposited("a", "EUR", 2), deposited("b", "EUR", 2))...)
			log.append(w.commitOf(deposited("b", "EUR", 4), deposited("a", "EUR", 4), deposited("b", "EUR", 4))...)
			log.append(w.commitOf(deposited("a", "EUR", 8))...)
			f := &folds{broken: map[cqrs.Position]error{6: boom}, panics: c.panics}
			p := over(log, table, definition(f))

			for range 2 {
				err := p.Run(t.Context())
				var failed *FoldError
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, cqrs.Position(6), failed.Position)
				assert.Equal(t, "account=a currency=EUR", failed.Key)
				assert.Equal(t, "Deposited", failed.Type)
				assert.Equal(t, cqrs.StreamID{Category: "Account", ID: "a"}, failed.Stream)
				var panicked *cqrs.PanicError
				assert.Equal(t, c.panics, errors.As(err, &panicked))
				assert.Equal(t, !c.panics, errors.Is(err, boom))
				assert.EqualValues(t, 4, requireReflects(t, table, log.all()).Position)
				status := p.Status()
				assert.Equal(t, Stopped, status.Phase)
				assert.Equal(t, err, status.Err)
				assert.EqualValues(t, 4, status.Position)
				assert.EqualValues(t, 4, status.Handled)
				assert.EqualValues(t, 8, status.Total)
			}
			f.broken = nil
			require.NoError(t, p.CatchUp(t.Context()))
			assert.EqualValues(t, 8, requireReflects(t, table, log.all()).Position)
			assert.NoError(t, p.Status().Err)
		})
	}
}

func TestTheFirstOfSeveralFailuresIsTheOneThatStops(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	// The row of "a" has to be loaded, so that its failures at 3 and 5 show after those of the others, whose rows exist
	// in the cache by then: 4 fails in the first pass of the third batch.
	log.append(w.commitOf(deposited("b", "EUR", 1))...)
	log.append(w.commitOf(deposited("a", "EUR", 1))...)
	log.append(w.commitOf(record("Deposited", "b", payload{}))...)
	log.append(w.commitOf(deposited("a", "EUR", 1))...)
	f := &folds{broken: map[cqrs.Position]error{3: errors.New("third"), 5: errors.New("fifth")}}
	log.records[3].Data = nil
	var failed *FoldError
	require.ErrorAs(t, over(log, table, definition(f)).CatchUp(t.Context()), &failed)
	assert.Equal(t, cqrs.Position(3), failed.Position)
	assert.EqualValues(t, 2, requireReflects(t, table, log.all()[:3]).Position)

	f.broken = nil
	require.ErrorAs(t, over(log, table, definition(f)).CatchUp(t.Context()), &failed)
	assert.Equal(t, cqrs.Position(4), failed.Position)
	assert.ErrorIs(t, failed, errPayload)
	assert.Empty(t, failed.Key, "the payload did not say which row it is about")
	assert.EqualValues(t, 3, requireReflects(t, table, log.all()[:3]).Position)
}

func TestARowThatCannotBeStoredStopsTheProjectionByItsKey(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1), deposited("b", "EUR", unstorable))...), openTable(t)
	var failed *RowError
	require.ErrorAs(t, over(log, table, definition(&folds{})).Run(t.Context()), &failed)
	assert.Equal(t, "account=b currency=EUR", failed.Key)
	assert.Equal(t, cqrs.Position(2), failed.Position)
	var encoding *cqrs.EncodingError
	assert.ErrorAs(t, failed, &encoding)
	rows, at := stored(t, table)
	assert.Empty(t, rows)
	assert.Zero(t, at)
}

// rates is a projection whose fold writes what is given.
func rates(rate float64) Definition[string, float64] {
	return Definition[string, float64]{
		Name: "Rates", Events: []string{"Deposited"},
		Codec: readmodel.Codec[string, float64]{
			Schema: readmodel.Schema{
				Projection: "Rates", Fingerprint: "0123456789abcdef",
				Key: []readmodel.Column{{Name: "account", Kind: readmodel.String}},
				Row: []readmodel.Column{{Name: "rate", Kind: readmodel.Float64}},
			},
			AppendKey: func(v []readmodel.Value, k *string) []readmodel.Value { return append(v, readmodel.OfString(*k)) },
			AppendRow: func(v []readmodel.Value, r *float64) ([]readmodel.Value, error) {
				return append(v, readmodel.OfFloat64(*r)), nil
			},
			ReadKey: func(s *readmodel.Scanner, k *string) { *k = s.String() },
			ReadRow: func(s *readmodel.Scanner, r *float64) { *r = s.Float64() },
		},
		OwnKey: func(k string, _ bool) string { return strings.Clone(k) },
		NewFold: func(int) func(*Rows[string, float64], *cqrs.Record) error {
			return func(rows *Rows[string, float64], rec *cqrs.Record) error {
				if row := rows.At(rec.Stream.ID); row != nil {
					*row = rate
				}
				return nil
			}
		},
	}
}

func TestARowThatNoSinkTakesStopsTheProjectionByItsKey(t *testing.T) {
	for name, test := range map[string]struct {
		account, column, key string
		rate                 float64
	}{
		"in the row": {"a", "rate", "account=a", math.NaN()},
		"in the key": {"a\xff", "account", "account=a\xff", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var w writer
			def := rates(test.rate)
			table, err := memory.New().Table(t.Context(), &def.Codec.Schema)
			require.NoError(t, err)
			p := over(newLog(w.commitOf(noted(), deposited(test.account, "EUR", 1))...), table, def)
			var failed *RowError
			require.ErrorAs(t, p.Run(t.Context()), &failed)
			assert.Equal(t, test.key, failed.Key)
			assert.Equal(t, cqrs.Position(2), failed.Position)
			var refused *readmodel.InvalidValueError
			require.ErrorAs(t, failed, &refused)
			assert.Equal(t, test.column, refused.Column)
			assert.Equal(t, failed, p.Err())
		})
	}
}

func TestAFoldWhoseKeysAreNoFunctionOfTheEventIsStopped(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	log.append(w.commitOf(deposited("a", "EUR", 1))...)
	def := definition(&folds{})
	calls := 0
	def.NewFold = func(int) func(*Rows[balanceKey, balance], *cqrs.Record) error {
		return func(rows *Rows[balanceKey, balance], _ *cqrs.Record) error {
			calls++
			rows.At(balanceKey{Account: fmt.Sprint(calls), Currency: "EUR"})
			return nil
		}
	}
	var failed *FoldError
	require.ErrorAs(t, over(log, table, def).CatchUp(t.Context()), &failed)
	assert.ErrorIs(t, failed, errKeys)
}

func TestThePanicOfASinkIsNotTakenForTheFolds(t *testing.T) {
	var w writer
	log := newLog(w.commitOf(deposited("a", "EUR", 1))...)
	p := over(log, panickingTable{openTable(t)}, definition(&folds{}))
	p.settings.bulk, p.settings.building = 0, 0
	assert.PanicsWithValue(t, "disk", func() { _ = p.CatchUp(t.Context()) })
	assert.NotErrorIs(t, p.wrap(nil), ErrRunning)
}

type panickingTable struct{ readmodel.Table }

func (panickingTable) Apply(context.Context, *readmodel.Batch) error { panic("disk") }

// sleepingTable is the table of a process that can be stopped, as SIGSTOP does: nothing that it asks of the table happens
// until it wakes.
type sleepingTable struct {
	readmodel.Table
	mu    sync.Mutex
	awake chan struct{}
}

func newSleepingTable(table readmodel.Table) *sleepingTable {
	awake := make(chan struct{})
	close(awake)
	return &sleepingTable{Table: table, awake: awake}
}

func (s *sleepingTable) sleep() (wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awake = make(chan struct{})
	return func() { close(s.awake) }
}

func (s *sleepingTable) wait() {
	s.mu.Lock()
	awake := s.awake
	s.mu.Unlock()
	<-awake
}

func (s *sleepingTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	s.wait()
	return s.Table.Apply(ctx, b)
}

func (s *sleepingTable) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	s.wait()
	return s.Table.Hold(ctx, holder, ttl, report)
}

func TestAProjectorThatWakesAfterAnotherOneTookOverIsFencedAndStandsBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, store, codec := newLog(w.commitOf(deposited("a", "EUR", 1))...), memory.New(), balanceCodec()
		table, err := store.Table(t.Context(), &codec.Schema)
		require.NoError(t, err)
		sleeper := newSleepingTable(table)
		first := over(log, sleeper, definition(&folds{}))
		second := New(NewGroup(log, WithLease(time.Second)), store, definition(&folds{}))
		stopFirst := run(t, first)
		synctest.Wait()
		stopSecond := run(t, second)
		synctest.Wait()
		require.Equal(t, Live, first.Status().Phase)
		require.Equal(t, Waiting, second.Status().Phase)
		assert.Equal(t, first.group.holder, second.Status().Holder)
		assert.EqualValues(t, 1, second.Status().Position, "as the store says")

		wake := sleeper.sleep()
		log.append(w.commitOf(deposited("a", "EUR", 2))...)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, Live, second.Status().Phase)
		log.append(w.commitOf(deposited("a", "EUR", 4))...)
		synctest.Wait()
		wake()
		synctest.Wait()
		requireReflects(t, table, log.all())
		assert.Equal(t, Waiting, first.Status().Phase)
		assert.NoError(t, first.Err())

		require.NoError(t, stopSecond())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, Live, first.Status().Phase, "a lease that is given up is taken at once")
		log.append(w.commitOf(deposited("a", "EUR", 8))...)
		synctest.Wait()
		require.NoError(t, stopFirst())
		at := requireReflects(t, table, log.all())
		assert.Equal(t, w.position, at.Position)
	})
}

// movingTable is one that another process moves on while rows are loaded from it, once.
type movingTable struct {
	countingTable
	move func()
}

func (m *movingTable) Get(ctx context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if m.move != nil {
		m.move()
		m.move = nil
	}
	return m.countingTable.Get(ctx, keys, found)
}

func TestARowThatMovedWhileItWasLoadedIsAFence(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	log.append(w.commitOf(deposited("a", "EUR", 2))...)
	from, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	late := &movingTable{countingTable: countingTable{Table: table}}
	late.move = func() {
		codec := balanceCodec()
		row, _ := codec.AppendRow(nil, &balance{100, 3, 2, log.records[1].Time})
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
			From: from, To: readmodel.Checkpoint{Position: 2, Commit: log.records[1].Commit, Handled: 2, Built: true},
			Changes: []readmodel.Change{{Key: codec.AppendKey(nil, &balanceKey{"a", "EUR"}), Row: row, Position: 2}},
		}))
	}
	require.NoError(t, over(log, late, definition(&folds{})).CatchUp(t.Context()))
	assert.Zero(t, late.applies, "nothing is folded into a row of another moment, where it could fail for no good reason")
	requireReflects(t, table, log.all())
}

func TestAReadModelOfAnotherLogIsRefused(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	_, at := stored(t, table)

	other := newLog((&writer{commit: 7}).commitOf(deposited("a", "EUR", 1))...)
	for name, log := range map[string]*sliceLog{"with another history": other, "that ends before": newLog()} {
		err := over(log, table, definition(&folds{})).Run(t.Context())
		var refused *readmodel.HistoryError
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, at.Commit, refused.Commit)
		assert.ErrorContains(t, err, "another log")
	}
	_, after := stored(t, table)
	assert.Equal(t, at, after)
}

func TestAProjectorRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, table := newLog(), openTable(t)
		p := over(log, table, definition(&folds{}))
		stop := run(t, p)
		synctest.Wait()
		assert.Equal(t, Live, p.Status().Phase)
		assert.ErrorIs(t, p.CatchUp(t.Context()), ErrRunning)
		require.NoError(t, stop())
		require.NoError(t, p.CatchUp(t.Context()))
	})
}

func TestAnEndedContextStopsBetweenTwoCommits(t *testing.T) {
	var w writer
	log, table := newLog(), openTable(t)
	for range 100 {
		log.append(w.commitOf(deposited("a", "EUR", 1), transferred("a", "b", "EUR", 1), deposited("c", "EUR", 1))...)
	}
	for _, at := range []cqrs.Position{1, 2, 50, 299, 300} {
		ctx, cancel := context.WithCancel(t.Context())
		p := over(log, table, definition(&folds{}))
		log.onRead = func(r *cqrs.Record) error {
			if r.Position == at {
				cancel()
			}
			return nil
		}
		err := p.CatchUp(ctx)
		if cp := requireReflects(t, table, log.all()); cp.Position < 300 {
			assert.ErrorIs(t, err, context.Canceled)
		} else {
			assert.NoError(t, err)
		}
		assert.Equal(t, Idle, p.Status().Phase)
	}
}

func TestALogThatFailsStopsTheProjection(t *testing.T) {
	var w writer
	log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
	torn := errors.New("torn")
	log.onRead = func(*cqrs.Record) error { return torn }
	p := over(log, table, definition(&folds{}))
	assert.ErrorIs(t, p.Run(t.Context()), torn)
	assert.ErrorContains(t, p.Status().Err, "BalanceByCurrency")
	log.onRead = nil
	require.NoError(t, p.CatchUp(t.Context()))
	requireReflects(t, table, log.all())
}

func TestAHangingLogIsLeftAfterAGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, table := newLog(w.commitOf(deposited("a", "EUR", 1))...), openTable(t)
		p := over(&hangingLog{log}, table, definition(&folds{}))
		stop := run(t, p)
		synctest.Wait()
		start := time.Now()
		assert.ErrorIs(t, stop(), context.Canceled)
		assert.Equal(t, stopGrace, time.Since(start))
	})
}

type hangingLog struct{ *sliceLog }

func (hangingLog) Head(ctx context.Context) (cqrs.Position, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestTheStatusCountsAndNeverInvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writer
		log, table := newLog(), openTable(t)
		for range 10_000 {
			log.append(w.commitOf(deposited("a", "EUR", 1), noted())...)
		}
		p := over(log, table, definition(&folds{}))
		p.inBatches(100)
		assert.Equal(t, Idle, p.Status().Phase)
		seen := 0
		log.onRead = func(r *cqrs.Record) error {
			if r.Position == 12_003 {
				s := p.Status()
				assert.Equal(t, Building, s.Phase)
				assert.InDelta(t, 6000, s.Handled, 110)
				assert.EqualValues(t, 10_000, s.Total)
				assert.Equal(t, 10_000-s.Handled, s.Lag)
				assert.EqualValues(t, 20_000, s.Head)
				assert.InDelta(t, 1000, s.Rate, 50)
				assert.InDelta(t, 4, s.ETA.Seconds(), 0.3)
				seen++
			}
			time.Sleep(time.Millisecond) // A thousand events take a second of the bubble's time.
			return nil
		}
		stop := run(t, p)
		time.Sleep(time.Minute)
		s := p.Status()
		assert.Equal(t, Status{
			Projection: "BalanceByCurrency", Sink: "memory", Generation: "0123456789abcdef", Phase: Live, Built: true, Active: true,
			Holder: p.group.holder, Position: 20_000, Head: 20_000, Handled: 10_000, Total: 10_000, Since: s.Since, At: s.At,
		}, s)
		require.NoError(t, stop())
		assert.Equal(t, 1, seen)
	})
}
