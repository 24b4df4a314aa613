package projection

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var errCut = errors.New("cut")

// cutTable loses the answer of some writes, and some writes, as a process does that is killed.
type cutTable struct {
	readmodel.Table
	// left is the number of writes until the next cut; below zero there is none.
	left int
	// after says that the cut comes after the write.
	after bool
}

func (c *cutTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	c.left--
	if c.left != -1 {
		return c.Table.Apply(ctx, b)
	}
	if c.after {
		return errors.Join(errCut, c.Table.Apply(ctx, b))
	}
	return errCut
}

// drawCommit returns the records of one commit over few accounts, with a gap between the positions now and then.
func drawCommit(t *rapid.T, w *writer) []cqrs.Record {
	accounts := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
	currencies := rapid.SampledFrom([]string{"EUR", "GBP"})
	if rapid.IntRange(0, 3).Draw(t, "gap") == 0 {
		w.position += cqrs.Position(rapid.IntRange(1, 1<<20).Draw(t, "positions"))
	}
	records := make([]cqrs.Record, rapid.IntRange(1, 5).Draw(t, "events"))
	for i := range records {
		from, currency := accounts.Draw(t, "account"), currencies.Draw(t, "currency")
		switch rapid.IntRange(0, 3).Draw(t, "type") {
		case 0:
			records[i] = noted()
		case 1:
			records[i] = transferred(from, accounts.Draw(t, "to"), currency, 3)
		default:
			records[i] = deposited(from, currency, rapid.Int64Range(-9, 9).Draw(t, "amount"))
		}
	}
	return w.commitOf(records...)
}

// TestAnyHistoryOfRunsEndsInTheSimpleFold lets a projection run over random events with random bounds, and stops it,
// cuts its writes off and breaks its fold in random places. After each run the read model has to be the simple fold of
// the log up to its checkpoint, between two commits; and in the end, of the whole log.
func TestAnyHistoryOfRunsEndsInTheSimpleFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &writer{}
		log, table := newLog(), &cutTable{Table: openTable(t)}
		f := &folds{}
		last := cqrs.Position(0)
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			for range rapid.IntRange(0, 12).Draw(t, "commits") {
				log.append(drawCommit(t, w)...)
			}
			err := anyRun(t, log, table, f)
			at := requireReflects(t, table, log.all())
			require.GreaterOrEqual(t, at.Position, last)
			last = at.Position
			checkOutcome(t, err, at, log, f)
		}
		f.broken, table.left = nil, -2
		require.NoError(t, over(log, table, definition(f)).CatchUp(context.Background()))
		require.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
	})
}

// anyRun makes one run with bounds and faults of its own.
func anyRun(t *rapid.T, log *sliceLog, table *cutTable, f *folds) error {
	p := over(log, table, definition(f), CacheRows(rapid.IntRange(1, 12).Draw(t, "cache")))
	p.inBatches(rapid.IntRange(1, 20).Draw(t, "batch"))
	p.settings.lanes = rapid.IntRange(1, 4).Draw(t, "lanes")
	if rapid.Bool().Draw(t, "write often") {
		p.settings.bulk, p.settings.building = 0, 0
	}
	table.left, table.after = rapid.IntRange(-1, 4).Draw(t, "writes until cut")-1, rapid.Bool().Draw(t, "cut after")
	f.broken, f.panics = map[cqrs.Position]error{}, rapid.Bool().Draw(t, "panics")
	for range rapid.IntRange(0, 2).Draw(t, "breaks") {
		if records := log.all(); len(records) > 0 {
			at := rapid.SampledFrom(records).Draw(t, "broken").Position
			f.broken[at] = fmt.Errorf("broken at %d", at)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var reads atomic.Int64
	reads.Store(int64(rapid.IntRange(0, 60).Draw(t, "reads until stopped")))
	log.onRead = func(*cqrs.Record) error {
		if reads.Add(-1) == 0 {
			cancel()
		}
		return nil
	}
	defer func() { log.onRead = nil }()
	return p.CatchUp(ctx)
}

// checkOutcome checks that an error is one that was asked for, and that a failing fold stopped exactly before its commit.
func checkOutcome(t *rapid.T, err error, at readmodel.Checkpoint, log *sliceLog, f *folds) {
	var failed *FoldError
	switch {
	case err == nil:
		head, _ := log.Head(context.Background())
		require.Equal(t, head, at.Position)
	case errors.As(err, &failed):
		require.ErrorContains(t, failed.Err, fmt.Sprintf("broken at %d", failed.Position))
		require.Error(t, f.broken[failed.Position])
		if errors.Is(err, errCut) {
			return
		}
		var before cqrs.Position
		for _, r := range log.all() {
			if r.Commit == failed.commit {
				break
			}
			if r.Type != "Noted" {
				before = r.Position
			}
		}
		require.GreaterOrEqual(t, at.Position, before)
		require.Less(t, at.Position, failed.Position)
	default:
		require.True(t, errors.Is(err, errCut) || errors.Is(err, context.Canceled), "%v", err)
	}
}

func TestALiveRunUnderConcurrentAppendsEndsInTheSimpleFold(t *testing.T) {
	for _, size := range []struct{ cache, lanes int }{{1, 1}, {3, 2}, {1000, 1}, {1000, 3}} {
		w := &writer{}
		log, table := newLog(), openTable(t)
		p := over(log, table, definition(&folds{}), CacheRows(size.cache))
		p.inBatches(3)
		p.settings.lanes = size.lanes
		stop := run(t, p)
		for i := range 3000 {
			log.append(w.commitOf(deposited(fmt.Sprint(i%17), "EUR", 1), noted(), transferred(fmt.Sprint(i%5), "x", "EUR", 2))...)
			if i%500 == 0 {
				require.NoError(t, stop())
				requireReflects(t, table, log.all())
				stop = run(t, p)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, _, err := modelOf(table, log).GetMany(ctx, nil, cqrs.AtLeast(w.position))
		cancel()
		require.NoError(t, err)
		require.NoError(t, stop())
		require.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
	}
}
