package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/memory"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/sqlite"
)

var errNo = errors.New("no")

func always(entries ...string) func(string, int) error {
	return func(entry string, _ int) error {
		if slices.Contains(entries, entry) {
			return errNo
		}
		return nil
	}
}

func TestEachEventIsDeliveredInTheOrderOfItsStream(t *testing.T) {
	log, store, b := fixture()
	add(t, log, noted, "a", "b", "a", "a")
	add(t, log, ignored, "a")
	s := subscribe(log, store, subscription.Beginning, b)
	stop := run(t, s)
	eventually(t, "what was there", func() bool { return len(b.read()) == 4 })
	add(t, log, noted, "b", "a")
	eventually(t, "the news", func() bool { return len(b.read()) == 6 })
	stop()
	assert.Equal(t, []string{"a1", "a2", "a3", "a5"}, b.of("a"))
	assert.Equal(t, []string{"b1", "b2"}, b.of("b"))
	head, err := log.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, head, s.Status().Position, "what was handled is saved before the end")

	run(t, subscribe(log, store, subscription.Beginning, b))
	add(t, log, noted, "c")
	eventually(t, "another run", func() bool { return len(b.of("c")) == 1 })
	assert.Len(t, b.read(), 7, "nothing is delivered again")
}

func TestEachEventHasAKeyOfItsOwnThatStays(t *testing.T) {
	log, _, b := fixture()
	add(t, log, noted, "a", "b", "a")
	var keys []map[string]string
	for range 2 {
		b = &book{}
		stop := run(t, subscribe(log, memory.New(), subscription.Beginning, b))
		eventually(t, "three events", func() bool { return len(b.read()) == 3 })
		stop()
		keys = append(keys, b.keys)
	}
	assert.Equal(t, keys[0], keys[1])
	assert.Len(t, map[string]bool{keys[0]["a1"]: true, keys[0]["a2"]: true, keys[0]["b1"]: true}, 3)
}

func TestASubscriptionBeginsWhereItSays(t *testing.T) {
	log, store, b := fixture()
	add(t, log, noted, "a", "a")
	stop := run(t, subscribe(log, store, subscription.Head, b))
	eventually(t, "a checkpoint", func() bool {
		at, err := store.Load(t.Context(), "notes")
		return err == nil && at.Started
	})
	stop()
	add(t, log, noted, "a")
	run(t, subscribe(log, store, subscription.Head, b))
	eventually(t, "what came while nothing ran", func() bool { return len(b.read()) == 1 })
	assert.Equal(t, []string{"a3"}, b.read())

	assert.Panics(t, func() { subscribe(log, store, 0, b) })
}

func TestTheHeadOfAnEmptyLogIsABeginning(t *testing.T) {
	log, store, b := fixture()
	stop := run(t, subscribe(log, store, subscription.Head, b))
	eventually(t, "a checkpoint", func() bool {
		at, err := store.Load(t.Context(), "notes")
		return err == nil && at.Started
	})
	stop()
	add(t, log, noted, "a")
	run(t, subscribe(log, store, subscription.Head, b))
	eventually(t, "the first event", func() bool { return len(b.read()) == 1 })
}

func TestAFailedEventIsTriedAgainAndHoldsItsStreamOnly(t *testing.T) {
	log, store, b := fixture()
	release := make(chan struct{})
	b.failing(func(entry string, attempt int) error {
		select {
		case <-release:
			return nil
		default:
		}
		if entry == "a1" {
			return fmt.Errorf("later: %w", subscription.ErrAway)
		}
		return nil
	})
	add(t, log, noted, "a", "a", "b", "b")
	s := subscribe(log, store, subscription.Beginning, b)
	run(t, s)
	eventually(t, "the other stream", func() bool { return len(b.of("b")) == 2 })
	eventually(t, "the status", func() bool { st := s.Status(); return st.Retrying == 1 && st.Lag == 2 && st.Behind > 0 })
	assert.Empty(t, b.of("a"), "and what is away parks nothing")
	close(release)
	eventually(t, "the failed stream", func() bool { return len(b.of("a")) == 2 })
	assert.Equal(t, []string{"a1", "a2"}, b.of("a"))
	eventually(t, "the status", func() bool { st := s.Status(); return st.Retrying == 0 && st.Lag == 0 && st.Behind == 0 })
}

func TestANewerEventIsTriedUntilAProgramKnowsIt(t *testing.T) {
	log, store, b := fixture()
	b.failing(func(entry string, attempt int) error {
		if entry == "a1" && attempt < 15 { // ten would park it
			return fmt.Errorf("decode: %w", &cqrs.NewerEventError{Type: noted, SchemaVersion: 2, Known: 1})
		}
		return nil
	})
	add(t, log, noted, "a", "a")
	s := subscribe(log, store, subscription.Beginning, b)
	run(t, s)
	eventually(t, "the stream", func() bool { return len(b.of("a")) == 2 })
	parked, err := s.Parked(t.Context())
	require.NoError(t, err)
	assert.Empty(t, parked)
}

func TestAnEventThatWasNotHandledIsBeforeNoCheckpoint(t *testing.T) {
	log, store, b := fixture()
	b.failing(func(entry string, _ int) error {
		if entry == "a1" {
			return fmt.Errorf("later: %w", subscription.ErrAway)
		}
		return nil
	})
	add(t, log, noted, "b", "a", "b", "b")
	s := subscribe(log, store, subscription.Beginning, b)
	stop := run(t, s)
	eventually(t, "the other stream", func() bool { return len(b.of("b")) == 3 })
	stop()
	assert.EqualValues(t, 1, s.Status().Position)

	b.failing(nil)
	run(t, subscribe(log, store, subscription.Beginning, b))
	eventually(t, "the failed event", func() bool { return len(b.of("a")) == 1 })
}

func openSQLite(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

func TestAParkedStreamWaitsOverRestartsUntilItIsRetried(t *testing.T) {
	log, _, b := fixture()
	path := filepath.Join(t.TempDir(), "subscriptions.db")
	b.failing(always("a2"))
	add(t, log, noted, "a", "a", "a", "b")
	s := subscribe(log, openSQLite(t, path), subscription.Beginning, b)
	stop := run(t, s)
	eventually(t, "a parked stream", func() bool { all, err := s.Parked(t.Context()); return err == nil && len(all) == 1 })
	eventually(t, "the others", func() bool { return len(b.read()) == 2 })
	stop()

	s = subscribe(log, openSQLite(t, path), subscription.Beginning, b)
	run(t, s)
	add(t, log, noted, "a", "b")
	eventually(t, "the others", func() bool { return len(b.of("b")) == 2 })
	assert.Equal(t, []string{"a1"}, b.of("a"))
	all, err := s.Parked(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, []any{stream("a"), cqrs.Version(2), 3, "no", noted},
		[]any{all[0].Stream, all[0].Version, all[0].Attempts, all[0].Error, all[0].Type})
	eventually(t, "the status", func() bool { return s.Status().Parked == 1 && s.Status().Lag == 0 })

	require.ErrorIs(t, s.Retry(t.Context(), stream("b")), subscription.ErrNotParked)
	require.NoError(t, s.Retry(t.Context(), stream("a")))
	eventually(t, "another failure", func() bool {
		all, err := s.Parked(t.Context())
		return err == nil && len(all) == 1 && all[0].Attempts == 4 && !all[0].Retry
	})
	b.failing(nil)
	require.NoError(t, s.Retry(t.Context(), stream("a")))
	eventually(t, "the whole stream", func() bool { return len(b.of("a")) == 4 })
	eventually(t, "no parked stream", func() bool { all, err := s.Parked(t.Context()); return err == nil && len(all) == 0 })
	add(t, log, noted, "a")
	eventually(t, "the news", func() bool { return len(b.of("a")) == 5 })
	assert.Equal(t, []string{"a1", "a2", "a3", "a4", "a5"}, b.of("a"))
}

func TestAHandlerThatPanicsParksItsStream(t *testing.T) {
	log, store, b := fixture()
	b.failing(func(string, int) error { panic("a mistake") })
	add(t, log, noted, "a")
	var text strings.Builder
	s := subscribe(log, store, subscription.Beginning, b, subscription.Logger(slog.New(slog.NewTextHandler(&text, nil))))
	stop := run(t, s)
	eventually(t, "a parked stream", func() bool { return s.Status().Parked == 1 })
	assert.Equal(t, "event "+noted+", at position 1, version 1 of "+stream("a").String()+
		": subscription notes panicked: a mistake", s.Status().Error)
	stop()
	assert.Contains(t, text.String(), "event="+noted)
	assert.Contains(t, text.String(), "subscription_test.TestAHandlerThatPanicsParksItsStream.func", "where it panicked")
}

func TestStreamsAreHandledAtTheSameTimeAndNotTooMany(t *testing.T) {
	log, store, b := fixture()
	for i := range 40 {
		add(t, log, noted, string(rune('a'+i%20)))
	}
	var here atomic.Int64
	b.failing(func(string, int) error {
		here.Add(1)
		for deadline := time.Now().Add(time.Second); here.Load() < 4 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	run(t, subscribe(log, store, subscription.Beginning, b, subscription.Concurrency(4)))
	eventually(t, "all", func() bool { return len(b.read()) == 40 })
	assert.Equal(t, 4, b.most)
}

// The race detector is what this test is for: the reader adds to a stream whose first event a handler has.
func TestAStreamGrowsWhileItsEventIsHandled(t *testing.T) {
	log, store, b := fixture()
	other := make(chan struct{})
	b.failing(func(entry string, _ int) error {
		switch entry {
		case "a1":
			<-other
		case "b1":
			close(other)
		}
		return nil
	})
	run(t, subscribe(log, store, subscription.Beginning, b))
	add(t, log, noted, "a", "a", "a", "b")
	eventually(t, "all", func() bool { return len(b.read()) == 4 })
	assert.Equal(t, []string{"a1", "a2", "a3"}, b.of("a"))
}

func TestOneProcessWorksAndAnotherOneTakesOver(t *testing.T) {
	log, store, b := fixture()
	first, second := subscribe(log, store, subscription.Beginning, b), subscribe(log, store, subscription.Beginning, b)
	stop := run(t, first)
	add(t, log, noted, "a")
	eventually(t, "the first one", func() bool { return len(b.read()) == 1 })
	run(t, second)
	eventually(t, "the second one stands by", func() bool { return second.Status().Phase == subscription.Waiting && second.Status().Holder != "" })
	add(t, log, noted, "a")
	eventually(t, "the first one", func() bool { return len(b.read()) == 2 })
	stop()
	add(t, log, noted, "a")
	eventually(t, "the second one", func() bool { return len(b.read()) == 3 })
	assert.Equal(t, []string{"a1", "a2", "a3"}, b.read())
	assert.ErrorIs(t, second.Run(t.Context()), subscription.ErrRunning)
}

// deaf is a store that lets no lease be renewed once it is told.
type deaf struct {
	subscription.Store
	now atomic.Bool
}

func (d *deaf) Hold(ctx context.Context, name, holder string, ttl time.Duration, report []byte) error {
	if d.now.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return d.Store.Hold(ctx, name, holder, ttl, report)
}

func TestAProcessThatCanNotRenewItsLeaseBeginsNoOtherDelivery(t *testing.T) {
	log, store, b := fixture()
	cut := &deaf{Store: store}
	var second book
	lease := subscription.Lease(300 * time.Millisecond)
	s := subscribe(log, cut, subscription.Beginning, b, lease)
	run(t, s)
	add(t, log, noted, "a")
	eventually(t, "the first one", func() bool { return len(b.read()) == 1 })
	cut.now.Store(true)
	run(t, subscribe(log, store, subscription.Beginning, &second, lease))
	eventually(t, "another one took over", func() bool {
		infos, err := store.Subscriptions(t.Context())
		return err == nil && infos[0].Until.After(time.Now()) && s.Status().Phase == subscription.Waiting
	})
	add(t, log, noted, "a", "a", "a")
	eventually(t, "the second one", func() bool { return slices.Contains(second.read(), "a4") })
	assert.NotContains(t, b.read(), "a4")
}

func TestAnotherLogIsRefused(t *testing.T) {
	log, store, b := fixture()
	add(t, log, noted, "a", "a")
	s := subscribe(log, store, subscription.Beginning, b)
	stop := run(t, s)
	eventually(t, "both", func() bool { return s.Status().Position == 2 })
	stop()
	other := engine.New()
	add(t, other, noted, "a", "a")
	s = subscribe(other, store, subscription.Beginning, b)
	var history *subscription.HistoryError
	require.ErrorAs(t, s.Run(t.Context()), &history)
	assert.Equal(t, subscription.Stopped, s.Status().Phase)
	assert.EqualValues(t, 2, history.Position)
	assert.Len(t, b.read(), 2)
}

func TestWhateverFailsAndStopsEachStreamIsDeliveredInOrderAndWhole(t *testing.T) {
	seed := soak.Seed(t)
	for round := range soak.Box(t, 5*time.Second, 0).Rounds(soak.Rounds(30, 3000), "histories") {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		checkHistory(t, r, fmt.Sprintf("seed %d, round %d", seed, round))
	}
}

func checkHistory(t *testing.T, r *rand.Rand, name string) {
	log, store, b := fixture()
	streams := strings.Split("abcdefgh", "")[:1+r.IntN(8)]
	fails := map[string]int{} // how often each event fails
	chance := rand.New(rand.NewPCG(r.Uint64(), 0))
	b.failing(func(entry string, _ int) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, there := fails[entry]; !there {
			fails[entry] = max(0, int(chance.ExpFloat64()*3)-2)
		}
		if fails[entry]--; fails[entry] >= 0 {
			return errNo
		}
		return nil
	})
	versions := map[string]int{}
	runs := 1 + r.IntN(5)
	for range runs {
		s := subscribe(log, store, subscription.Beginning, b, subscription.Concurrency(1+r.IntN(4)))
		stop := run(t, s)
		for range r.IntN(40) {
			id := streams[r.IntN(len(streams))]
			add(t, log, noted, id)
			versions[id]++
			if r.IntN(10) == 0 {
				retryAll(t, s)
			}
		}
		stop()
	}
	head, err := log.Head(t.Context())
	require.NoError(t, err)
	s := subscribe(log, store, subscription.Beginning, b)
	stop := run(t, s)
	eventually(t, name, func() bool {
		retryAll(t, s)
		st := s.Status()
		return st.Position == head && st.Parked == 0
	})
	stop()
	for id, last := range versions {
		requireInOrder(t, b.of(id), id, last, runs, name)
	}
}

// requireInOrder demands that a stream was delivered whole and in order, and again only from a restart on.
func requireInOrder(t *testing.T, got []string, id string, last, restarts int, name string) {
	t.Helper()
	seen, back := 0, 0
	previous := 0
	for _, entry := range got {
		version, err := strconv.Atoi(strings.TrimPrefix(entry, id))
		require.NoError(t, err, "%s: %v", name, got)
		if version != previous+1 {
			back++
			require.LessOrEqual(t, version, seen, "%s: %v", name, got)
		}
		require.LessOrEqual(t, version, seen+1, "%s: %v", name, got)
		seen, previous = max(seen, version), version
	}
	require.Equal(t, last, seen, "%s: %v", name, got)
	require.LessOrEqual(t, back, restarts, "%s: %v", name, got)
}

func retryAll(t *testing.T, s *subscription.Subscription) {
	all, err := s.Parked(t.Context())
	require.NoError(t, err)
	for _, p := range all {
		if err := s.Retry(t.Context(), p.Stream); !errors.Is(err, subscription.ErrNotParked) {
			require.NoError(t, err)
		}
	}
}

func TestNoGoroutineOutlivesARun(t *testing.T) {
	before := goleak.IgnoreCurrent()
	log, store, b := fixture()
	add(t, log, noted, "a")
	stop := run(t, subscribe(log, store, subscription.Beginning, b))
	eventually(t, "one event", func() bool { return len(b.read()) == 1 })
	stop()
	require.NoError(t, log.Close())
	goleak.VerifyNone(t, before)
}

// hungStore is a store whose server has stopped: calls end with their contexts.
type hungStore struct {
	*memory.Store
	asked chan struct{}
}

func (s *hungStore) Load(ctx context.Context, _ string) (subscription.Checkpoint, error) {
	close(s.asked)
	<-ctx.Done()
	return subscription.Checkpoint{}, ctx.Err()
}

func TestARunEndsWhileItsStoreHangs(t *testing.T) {
	log, store, b := fixture()
	hung := &hungStore{store, make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- subscribe(log, hung, subscription.Beginning, b).Run(ctx) }()
	<-hung.asked
	cancel()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the store")
	}
}
