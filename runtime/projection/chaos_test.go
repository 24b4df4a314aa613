package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
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

// faultyStore is a store whose server is away now and then, before it did what it was asked to or afterwards, and answers
// late: some answers take longer than a lease lasts.
type faultyStore struct {
	readmodel.Store
	faults *faults
}

type faults struct {
	mu  sync.Mutex
	rnd *rand.Rand
	off atomic.Bool
}

func (f *faults) roll(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.off.Load() && f.rnd.IntN(n) == 0
}

// around calls f, and lets it fail before or after.
func (f *faults) around(do func() error) error {
	if f.roll(50) {
		time.Sleep(leaseTime / 2)
	}
	if f.roll(400) {
		time.Sleep(3 * leaseTime)
	}
	if f.roll(40) {
		return fmt.Errorf("reset: %w", readmodel.ErrUnavailable)
	}
	if err := do(); err != nil {
		return err
	}
	if f.roll(40) {
		return fmt.Errorf("no answer: %w", readmodel.ErrUnavailable)
	}
	return nil
}

func (s faultyStore) Table(ctx context.Context, schema *readmodel.Schema) (t readmodel.Table, err error) {
	err = s.faults.around(func() error {
		t, err = s.Store.Table(ctx, schema)
		return err
	})
	return faultyTable{t, s.faults}, err
}

type faultyTable struct {
	readmodel.Table
	faults *faults
}

func (t faultyTable) Checkpoint(ctx context.Context) (at readmodel.Checkpoint, err error) {
	err = t.faults.around(func() (err error) {
		at, err = t.Table.Checkpoint(ctx)
		return err
	})
	return at, err
}

func (t faultyTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	return t.faults.around(func() error { return t.Table.Apply(ctx, b) })
}

func (t faultyTable) Get(
	ctx context.Context, keys [][]readmodel.Value, found func(int, []readmodel.Value, cqrs.Position) error,
) (at readmodel.Checkpoint, err error) {
	err = t.faults.around(func() (err error) {
		at, err = t.Table.Get(ctx, keys, found)
		return err
	})
	return at, err
}

func (t faultyTable) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	return t.faults.around(func() error { return t.Table.Hold(ctx, holder, ttl, report) })
}

// TestTwoProcessesOverAFaultyStoreAndLogEndInTheSimpleFold lets two processes, each with several projections, work on a log
// that grows, while the store and the log are away now and then.
func TestTwoProcessesOverAFaultyStoreAndLogEndInTheSimpleFold(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { projectWithFaults(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func projectWithFaults(t *testing.T, rnd *rand.Rand) {
	var w writer
	log, store := newLog(), memory.New()
	f := &faults{rnd: rand.New(rand.NewPCG(rnd.Uint64(), 1))}
	grow := func(commits int) {
		for range commits {
			i := rnd.IntN(60)
			records := []cqrs.Record{deposited(fmt.Sprint("acc-", i), "EUR", 1), noted(), transferred(fmt.Sprint("acc-", i%7), "x", "EUR", 2)}
			for n := range records {
				if rnd.IntN(2) == 0 && records[n].Type == "Deposited" {
					records[n].StreamNumber = uint32(i + 1)
				}
			}
			log.append(w.commitOf(records...)...)
		}
	}
	grow(rnd.IntN(3000))
	log.onRead = func(*cqrs.Record) error {
		if f.roll(20_000) {
			return fmt.Errorf("reset: %w", eventlog.ErrUnavailable)
		}
		return nil
	}
	quiet := WithLogger(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 3)
	project := func(defs ...Definition[balanceKey, balance]) {
		g := NewGroup(log, quiet)
		g.feed.chunkRecords = 1 + rnd.IntN(60)
		for _, def := range defs {
			p := New(g, faultyStore{store, f}, def, CacheRows(1+rnd.IntN(80)))
			p.settings.batch, p.settings.lanes = 1+rnd.IntN(100), 1+rnd.IntN(4)
			p.settings.building, p.settings.bulk = time.Duration(rnd.IntN(200))*time.Millisecond, 50*time.Millisecond
		}
		go func() { ended <- g.Run(ctx) }()
	}
	defs := []Definition[balanceKey, balance]{deposits("One", "Deposited"), deposits("Two", "Deposited", "Transferred")}
	balances := definition(&folds{})
	later := balances
	later.Codec.Schema.Fingerprint = "2222222222222222"
	project(append(defs, balances)...)
	project(append(defs, balances)...)
	queried := make(chan int, 1)
	go func() { queried <- queryAll(ctx, t, store, log, later) }()
	release, released := rnd.IntN(90), false
	for i := range 100 {
		// It is the later one of two whose generation was made later.
		if i >= release && !released && has(t, store, balances.Codec.Schema) {
			released = true
			project(later)
		}
		grow(rnd.IntN(20))
		time.Sleep(time.Duration(rnd.IntN(1500)) * time.Millisecond)
	}
	f.off.Store(true)
	time.Sleep(time.Minute)
	synctest.Wait()
	cancel()
	require.NoError(t, errors.Join(<-ended, <-ended, <-ended))
	require.Positive(t, <-queried)
	for _, schema := range []readmodel.Schema{balances.Codec.Schema, later.Codec.Schema} {
		table, err := store.Table(t.Context(), &schema)
		require.NoError(t, err)
		require.Equal(t, w.position, requireReflects(t, table, log.all()).Position)
	}
	require.Equal(t, later.Codec.Schema.Fingerprint, activeOf(t, store, later.Name))
	for i, want := range []int64{int64(w.commit), 2 * int64(w.commit)} {
		require.Equal(t, want, movements(t, store, defs[i]))
	}
}

func has(t *testing.T, store readmodel.Store, schema readmodel.Schema) bool {
	generations, err := store.Generations(t.Context(), schema.Projection)
	require.NoError(t, err)
	return slices.ContainsFunc(generations, func(g readmodel.Generation) bool {
		return g.Schema.Fingerprint == schema.Fingerprint
	})
}

// queryAll asks for all rows again and again, and checks that each answer is that of one whole generation. It returns how
// many there were.
func queryAll(
	ctx context.Context, t *testing.T, store readmodel.Store, log *sliceLog, def Definition[balanceKey, balance],
) (answers int) {
	model := readmodel.NewModel(store, log, def.Codec)
	for ctx.Err() == nil {
		time.Sleep(300 * time.Millisecond)
		entries, fresh, err := model.Find(ctx, readmodel.Find{Index: -1})
		if ctx.Err() != nil || errors.As(err, new(*readmodel.NotBuiltError)) {
			continue
		}
		got := map[balanceKey]balance{}
		for _, e := range entries {
			got[e.Key] = e.Row
		}
		if !assert.NoError(t, err) || !assert.True(t, fresh.Built) ||
			!assert.Equal(t, simpleFold(t, log.all(), fresh.Position), got) {
			return answers
		}
		answers++
	}
	return answers
}
