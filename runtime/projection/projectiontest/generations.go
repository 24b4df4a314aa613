package projectiontest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// TestGenerations builds a second generation beside one that is read, while the log grows: it is stopped and resumed three
// times, promoted, rolled back and promoted again. Programs of both releases query all the time, and each answer has to be
// that of one generation.
func TestGenerations(t *testing.T, store readmodel.Store) { testGenerations(t, store, false) }

func testGenerations(t *testing.T, store readmodel.Store, ahead bool) {
	log, err := embedded.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer func() { assert.NoError(t, log.Close()) }()
	h := &history{Log: log}
	for range 300 {
		h.add(t)
	}
	first := projection.New(newGroup(log), store, firstRelease.definition())
	require.NoError(t, first.CatchUp(t.Context()))
	requireActive(t, store, firstRelease)
	stopGrowing := h.grow(t, 2*time.Millisecond)
	defer stopGrowing()
	stopFirst := running(t, first)
	stopReading, answers := h.query(t, store, ahead)
	requireMore := func(r release) {
		before := answers(r)
		require.Eventually(t, func() bool { return answers(r) > before }, 30*time.Second, 5*time.Millisecond)
	}

	for range 3 {
		p := projection.New(newGroup(log), &slowStore{store}, secondRelease.definition(), projection.CacheRows(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+rand.IntN(30))*time.Millisecond)
		if err := p.Run(ctx); err != nil {
			require.ErrorIs(t, err, errStopped)
		}
		cancel()
		requireActive(t, store, firstRelease)
	}
	second := projection.New(newGroup(log), store, secondRelease.definition())
	stopSecond := running(t, second)
	require.Eventually(t, func() bool { return second.Status().Active }, 30*time.Second, 5*time.Millisecond)
	requireActive(t, store, secondRelease)
	requireMore(secondRelease)

	require.NoError(t, store.Promote(t.Context(), "Tallies", firstRelease.fingerprint()))
	requireMore(firstRelease)
	stopSecond()
	stopSecond = running(t, second)
	require.Eventually(t, func() bool { return second.Status().Phase == projection.Live }, 30*time.Second, 5*time.Millisecond)
	requireActive(t, store, firstRelease)
	require.NoError(t, store.Promote(t.Context(), "Tallies", secondRelease.fingerprint()))
	requireMore(secondRelease)
	stopReading()
	stopGrowing()
	stopFirst()
	stopSecond()
	t.Logf("soak: %d answers of the first generation, %d of the second", answers(firstRelease), answers(secondRelease))
	for _, r := range []release{firstRelease, secondRelease} {
		codec := r.codec()
		table, err := store.Table(t.Context(), &codec.Schema)
		require.NoError(t, err)
		h.check(t, table, r)
	}
}

// running runs a projector until the function that it returns is called.
func running(t *testing.T, p projection.Runner) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func requireActive(t *testing.T, store readmodel.Store, r release) {
	generations, err := store.Generations(t.Context(), "Tallies")
	require.NoError(t, err)
	for _, g := range generations {
		require.Equal(t, g.Schema.Fingerprint == r.fingerprint(), g.Active, "generation %s", g.Schema.Fingerprint)
	}
}

// slowStore makes building last, so that it can be stopped.
type slowStore struct{ readmodel.Store }

func (s *slowStore) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	table, err := s.Store.Table(ctx, schema)
	return &slowTable{table}, err
}

type slowTable struct{ readmodel.Table }

func (s *slowTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	time.Sleep(20 * time.Millisecond)
	if !b.To.Built {
		return s.Table.Apply(ctx, b)
	}
	unfinished := *b
	unfinished.To.Built = false
	return errors.Join(errStopped, s.Table.Apply(ctx, &unfinished))
}

// errStopped keeps a generation from being built.
var errStopped = errors.New("the process ends before its generation is built")

// query asks for all rows, as programs of both releases do, until stop is called. answers says how often a generation
// has answered.
func (h *history) query(t *testing.T, store readmodel.Store, ahead bool) (stop func(), answers func(release) int) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[release]int{}
	for _, r := range []release{firstRelease, secondRelease} {
		model := readmodel.NewModel(store, h.Log, r.codec())
		wg.Go(func() {
			for ctx.Err() == nil {
				rows, fresh, err := model.Find(ctx, readmodel.Find{Index: -1})
				if ctx.Err() != nil {
					return
				}
				if !assert.NoError(t, err) || !assert.True(t, fresh.Built, "half a rebuild answered") {
					return
				}
				answered := firstRelease
				if fresh.Generation == secondRelease.fingerprint() {
					answered = secondRelease
				}
				got := map[key]tally{}
				for _, e := range rows {
					got[e.Key] = e.Row
				}
				records := h.through(t, fresh.Position)
				want := answered.rows(records, fresh.Position)
				if ahead {
					want = answered.catchUp(want, got, h.all(t), fresh.Position)
				}
				if !assert.Equal(t, want, got, "generation %d", answered) {
					return
				}
				mu.Lock()
				seen[answered]++
				mu.Unlock()
			}
		})
	}
	stop = func() {
		cancel()
		wg.Wait()
	}
	answers = func(r release) int {
		mu.Lock()
		defer mu.Unlock()
		return seen[r]
	}
	return stop, answers
}

// through returns the log's records, those up to a position at least.
func (h *history) through(t require.TestingT, position cqrs.Position) []cqrs.Record {
	h.mu.Lock()
	records := h.records
	h.mu.Unlock()
	if n := len(records); n > 0 && records[n-1].Position >= position {
		return records
	}
	return h.all(t)
}

// catchUp lets rows at a position become those that an answer has, where a later event makes them so.
func (r release) catchUp(rows, answer map[key]tally, records []cqrs.Record, position cqrs.Position) map[key]tally {
	now := maps.Clone(rows)
	for i := range records {
		if records[i].Position <= position {
			continue
		}
		r.step(now, &records[i])
		k, _, err := decode(&records[i])
		row, exists := now[k]
		got, answered := answer[k]
		switch {
		case err != nil || exists != answered || row != got:
		case exists:
			rows[k] = row
		default:
			delete(rows, k)
		}
	}
	return rows
}
