package projection

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// benchLog has n deposits, each its own commit, that lead to the given number of rows in no order.
func benchLog(n, rows int) *sliceLog {
	var w writer
	records := make([]cqrs.Record, 0, n)
	currencies := []string{"EUR", "GBP", "USD"}
	names := make([]string, rows/3+1)
	for i := range names {
		names[i] = fmt.Sprintf("acc-%06d", i)
	}
	for i := range n {
		// Multiplying by a large prime visits all rows, far apart in memory.
		row := i * 1_000_003 % rows
		// Each event has an id of its own, as if it had just been read.
		records = append(records, w.commitOf(deposited(strings.Clone(names[row/3]), currencies[row%3], 1))...)
	}
	log := newLog(records...)
	log.inPlace = true
	return log
}

// handWritten is the loop that a person writes: it decodes each event and adds it to a row in a map.
func handWritten(records []cqrs.Record) (map[balanceKey]*balance, error) {
	rows := map[balanceKey]*balance{}
	var e payload
	for i := range records {
		rec := &records[i]
		if rec.Type != "Deposited" {
			continue
		}
		if err := e.decode(rec.Data); err != nil {
			return nil, err
		}
		r := rows[balanceKey{rec.Stream.ID, e.Currency}]
		if r == nil {
			r = &balance{Limit: 100}
			rows[balanceKey{rec.Stream.ID, strings.Clone(e.Currency)}] = r
		}
		r.Balance += e.Amount
		r.Movements++
		r.LastMovement = rec.Time
	}
	return rows, nil
}

// BenchmarkLanes builds a read model from a million events in memory, in one lane and in as many as there are cores.
// With by=key each lane decodes every event.
func BenchmarkLanes(b *testing.B) {
	const events = 1_000_000
	log := benchLog(events, 300_000)
	for _, byStream := range []bool{true, false} {
		def := deposits("Lanes", "Deposited")
		def.ByStream = byStream
		one := time.Duration(math.MaxInt64)
		for _, lanes := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("stream=%v/lanes=%d", byStream, lanes), func(b *testing.B) {
				best := time.Duration(math.MaxInt64)
				for b.Loop() {
					table := &timingTable{Table: openTable(b)}
					p := over(log, table, def)
					p.settings.lanes = lanes
					best = min(best, timed(func() { require.NoError(b, p.CatchUp(context.Background())) })-table.took)
				}
				if lanes == 1 {
					one = best
				}
				b.ReportMetric(events/best.Seconds()/1e6, "fold-M/s")
				b.ReportMetric(one.Seconds()/best.Seconds(), "times-one-lane")
			})
		}
	}
}

// BenchmarkFold builds a read model from a million events in memory, beside the hand-written loop over the same records,
// which stores nothing. The ratios are those of the shortest times: with the writing of the rows into the sink, and
// without it.
func BenchmarkFold(b *testing.B) {
	const events = 1_000_000
	for _, rows := range []int{3_000, 300_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			log := benchLog(events, rows)
			var byHand, folding, writing time.Duration = math.MaxInt64, math.MaxInt64, math.MaxInt64
			for b.Loop() {
				byHand = min(byHand, timed(func() {
					want, err := handWritten(log.records)
					require.NoError(b, err)
					require.Len(b, want, rows)
				}))
				table := &timingTable{Table: openTable(b)}
				took := timed(func() {
					require.NoError(b, over(log, table, definition(&folds{})).CatchUp(context.Background()))
				})
				folding, writing = min(folding, took-table.took), min(writing, took)
			}
			b.ReportMetric(events/byHand.Seconds()/1e6, "hand-M/s")
			b.ReportMetric(events/folding.Seconds()/1e6, "fold-M/s")
			b.ReportMetric(folding.Seconds()/byHand.Seconds(), "fold/hand")
			b.ReportMetric(writing.Seconds()/byHand.Seconds(), "fold+write/hand")
		})
	}
}

func timed(f func()) time.Duration {
	runtime.GC()
	start := time.Now()
	f()
	return time.Since(start)
}

// timingTable adds up how long the writing took.
type timingTable struct {
	readmodel.Table
	took time.Duration
}

func (t *timingTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	start := time.Now()
	defer func() { t.took += time.Since(start) }()
	return t.Table.Apply(ctx, b)
}

// warmWorker returns a worker whose cache has all rows of the log.
func warmWorker(t testing.TB, log *sliceLog) *worker[balanceKey, balance] {
	table := openTable(t)
	p := over(log, table, definition(&folds{}))
	work, fail := context.WithCancelCause(context.Background())
	l, err := p.hold(work, table, fail)
	require.NoError(t, err)
	w := &worker[balanceKey, balance]{Projector: p, io: work, work: work, fail: fail, table: table, lease: l, wrote: time.Now()}
	p.settings.lanes = 1
	t.Cleanup(func() {
		w.end()
		l.release(nil)
	})
	require.NoError(t, w.start())
	require.NoError(t, w.catchUp())
	return w
}

func TestAnEventAllocatesNothingOnceItsRowExists(t *testing.T) {
	const events = 10_000
	w := warmWorker(t, benchLog(events, 3_000))
	again := benchLog(2*events, 3_000).records[events:]
	c := newChunk(false)
	for i := range again {
		c.add(&again[i], w.group.feed.number(again[i].Type))
	}
	allocs := testing.AllocsPerRun(3, func() {
		// The same rows get later events.
		for i := range c.records {
			c.records[i].Position += w.scanned
		}
		c.through = c.records[events-1].Position
		require.NoError(t, w.take(c))
	})
	assert.Less(t, allocs, 50.0, "for %d events", events)
}

func TestARecordThatWaitsForItsRowKeepsItsChunk(t *testing.T) {
	w := warmWorker(t, benchLog(300, 30))
	l := w.lanes[0]
	l.rows.reset(false) // every row has to be loaded
	next := benchLog(301, 30).records[300]
	next.Position += w.scanned
	c := newChunk(false)
	c.add(&next, w.group.feed.number(next.Type))
	require.NoError(t, l.fold(w.io, c, w.scanned))
	require.Len(t, l.rows.deferred, 1)
	c.release()
	assert.Positive(t, c.refs.Load(), "its memory must not be used again")
	require.NoError(t, l.endBatch(w.io))
	assert.Zero(t, c.refs.Load())
}
