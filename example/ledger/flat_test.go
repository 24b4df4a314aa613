package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// phases is how often the heap is measured; the first phases fill caches.
const phases, warm = 6, 2

// footprint is what a program holds while it does nothing.
type footprint struct {
	heap       int64
	goroutines int
	events     int64
}

func TestHeapAndGoroutinesStayFlatUnderMixedLoad(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		first, last := underLoad(t, onFiles(t.TempDir()), 0)
		assert.Less(t, last.heap, first.heap*5/4+8<<20, "the heap grew from %d to %d bytes", first.heap, last.heap)
	})
	t.Run("memory", func(t *testing.T) {
		at := place{t.TempDir(), func(context.Context) (engine, error) { return memory.New(), nil }}
		most := int64(20_000)
		if testing.Short() {
			most = 3_000
		}
		first, last := underLoad(t, at, most)
		require.Greater(t, last.events, first.events)
		each := (last.heap - first.heap) / (last.events - first.events)
		assert.Less(t, each, int64(1_000), "the log is in the heap, and nothing else that grows with it")
	})
}

// underLoad runs all phases, of so many commands each, or for a time where commands is 0, and returns what the program
// holds after the warm ones and in the end.
func underLoad(t *testing.T, at place, commands int64) (first, last footprint) {
	random := soak.Rand(t)
	s := start(t, at, aggregate.WithCache(200)) // fewer than there are accounts
	for i := range flatAccounts {
		s.open(t, flatAccount(i))
	}
	_, _, err := s.BalanceByCurrency.GetMany(t.Context(), nil, cqrs.AtLeast(1)) // it is built from here on
	require.NoError(t, err)
	whole := 5 * time.Second
	switch {
	case soak.Full():
		whole = 10 * time.Minute
	case testing.Short():
		whole = time.Second
	}
	for phase := range phases {
		n := s.mixedLoad(t, random, whole/phases, commands)
		last = s.atRest(t)
		soak.Logf(t, "phase %d: %d commands, heap %d KiB, %d goroutines, %d events",
			phase, n, last.heap>>10, last.goroutines, last.events)
		if phase == warm-1 {
			first = last
		}
	}
	assert.LessOrEqual(t, last.goroutines, first.goroutines+2)
	return first, last
}

const flatAccounts = 500

func flatAccount(n int) ledger.AccountID { return ledger.AccountID(fmt.Sprintf("flat-%d", n)) }

// mixedLoad gives commands and asks queries from several callers, so many or for a time, and returns how many there were.
// A machine that is busy must not end a phase before caches are full.
func (s *service) mixedLoad(t *testing.T, random *rand.Rand, d time.Duration, commands int64) int64 {
	var n atomic.Int64
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for range 8 {
		random := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		wg.Go(func() {
			for commands == 0 && time.Now().Before(end) || n.Load() < commands {
				n.Add(1)
				if !assert.NoError(t, s.mixed(t.Context(), random)) {
					return
				}
			}
		})
	}
	wg.Wait()
	return n.Load()
}

// mixed gives one command, or asks something.
func (s *service) mixed(ctx context.Context, random *rand.Rand) error {
	id, other := flatAccount(random.IntN(flatAccounts)), flatAccount(random.IntN(flatAccounts))
	m := money(1+random.Int64N(100), ledger.CurrencyEUR)
	var opts []cqrs.CommandOption
	if random.IntN(4) == 0 {
		opts = append(opts, cqrs.WithCommandID(fmt.Sprint(random.Uint64())))
	}
	var err error
	switch random.IntN(12) {
	case 0, 1:
		_, err = s.Account.Withdraw(ctx, id, ledger.Withdraw{Money: m}, opts...)
	case 2, 3:
		_, err = s.Account.Transfer(ctx, id, ledger.Transfer{To: other, Money: m}, opts...)
	case 4:
		_, err = s.Account.OpenAccount(ctx, id, ledger.OpenAccount{Owner: "Ada"}, opts...)
	case 5:
		_, _, err = s.Account.Load(ctx, id)
	case 6:
		_, _, err = s.BalanceByCurrency.Get(ctx, ledger.BalanceByCurrencyKey{Account: id, Currency: m.Currency})
	default:
		_, err = s.Account.Deposit(ctx, id, ledger.Deposit{Money: m}, opts...)
	}
	if errors.As(err, new(cqrs.Rejection)) || errors.As(err, new(*cqrs.AlreadyExistsError)) ||
		errors.As(err, new(*cqrs.SameStreamError)) || errors.Is(err, readmodel.ErrNoRow) {
		return nil
	}
	return err
}

// atRest waits until the read models reflect everything, and measures.
func (s *service) atRest(t *testing.T) footprint {
	ctx := timeout(t)
	head, err := s.log.Head(ctx)
	require.NoError(t, err)
	for _, err := range s.BalanceByCurrency.All(ctx, cqrs.AtLeast(head)) {
		require.NoError(t, err)
	}
	for _, err := range s.CurrencyTotals.All(ctx, cqrs.AtLeast(head)) {
		require.NoError(t, err)
	}
	events, err := s.log.Count(ctx)
	require.NoError(t, err)
	runtime.GC()
	runtime.GC() // what was in pools is free after the second one
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return footprint{heap: int64(mem.HeapAlloc), goroutines: runtime.NumGoroutine(), events: events}
}
