package readmodeltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// generations are the tests of what a store knows of generations.
func generations() []test {
	return []test{
		{"a store lists what it keeps, as it was created", testList},
		{"a generation that does not exist can't be opened, promoted or dropped", testNoGeneration},
		{"a generation is opened with the schema that it was created with", testOpen},
		{"only a built generation is promoted, and one is active", testPromote},
		{"a dropped generation is gone for everybody, and the others are not", testDrop},
		{"the active generation and one that is held are not dropped", testDropRefused},
		{"readers see one active generation at every moment", testPromoteUnderReaders},
		{"readers see a generation whole, or see that it was dropped", testDropUnderReaders},
		{"being built is part of the fence, and stays", testBuilt},
		{"an empty log makes a built generation too", testBuiltEmpty},
		{"a generation that is being built is loaded in bulk and then indexed", testBulk},
		{"a lease belongs to one holder until it is given up", testLease},
		{"a lease ends by the store's clock", testLeaseEnds},
		{"of many processes one gets the lease", testLeaseRaces},
		{"a lease that could not be told from none is refused", testLeaseRefusals},
		{"whoever watches a store learns what becomes active", testStoreWatcher},
		{"rows come with the position of their last event in every order", testPositions},
		{"deleted rows never show", testTombstones},
	}
}

// built stores n rows in a generation, all of the balance, and makes it a built one.
func built(t require.TestingT, store readmodel.Store, s *readmodel.Schema, n int, balance int64) readmodel.Table {
	table := open(t, store, s)
	changes := make([]readmodel.Change, n)
	for i := range changes {
		changes[i] = readmodel.Change{Key: key(fmt.Sprintf("acc-%03d", i), "EUR"), Row: row(balance)}
	}
	apply(t, table, 1, changes...)
	return table
}

// list returns the generations of a projection by their fingerprints, without when that was.
func list(t require.TestingT, store readmodel.Store, projection string) map[string]readmodel.Generation {
	all, err := store.Generations(context.Background(), projection)
	require.NoError(t, err)
	by := map[string]readmodel.Generation{}
	for _, g := range all {
		assert.WithinDuration(t, time.Now(), g.Asked, time.Hour)
		g.Asked = time.Time{}
		by[g.Schema.Fingerprint] = g
	}
	return by
}

// leased reports whether somebody has the lease of a generation, and who had it last.
func leased(t require.TestingT, store readmodel.Store, schema *readmodel.Schema) (bool, string) {
	all, err := store.Generations(context.Background(), schema.Projection)
	require.NoError(t, err)
	for _, g := range all {
		if g.Schema.Fingerprint == schema.Fingerprint {
			return g.Held(), g.Lease.Holder
		}
	}
	return false, ""
}

func testList(t *testing.T, store readmodel.Store) {
	assert.NotEmpty(t, store.Name())
	all, err := store.Generations(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, all)

	first, second, other := balances(), balances(), balances()
	second.Row = append(second.Row, readmodel.Column{Name: "note", Kind: readmodel.JSON, Optional: true})
	second.Indexes = nil
	other.Projection = "Another"
	var kinds []readmodel.Column
	for _, kind := range sortable {
		kinds = append(kinds, readmodel.Column{Name: "of_" + kind.String(), Kind: kind, Optional: true})
	}
	other.Indexes = other.Indexes[:1]
	other.Row = append(kinds, readmodel.Column{Name: "select", Kind: readmodel.Int64})
	before := time.Now()
	open(t, store, first)
	open(t, store, second)
	open(t, store, other)
	open(t, store, first)
	apply(t, open(t, store, second), 1)

	all, err = store.Generations(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, 3)
	for i, want := range []*readmodel.Schema{other, first, second} {
		assert.Equal(t, *want, all[i].Schema, "by projection, then as they were created")
		assert.False(t, all[i].Active)
		assert.Zero(t, all[i].Promoted)
		assert.Zero(t, all[i].Lease)
		// A server's clock is its own.
		assert.WithinDuration(t, before, all[i].Created, time.Hour)
		assert.Equal(t, time.UTC, all[i].Created.Location())
	}
	assert.Zero(t, all[1].Checkpoint)
	assert.Equal(t, checkpoint(1), all[2].Checkpoint)
	assert.True(t, all[2].Created.After(all[1].Created))
	assert.Len(t, list(t, store, first.Projection), 2)
	assert.Len(t, list(t, store, other.Projection), 1)
	assert.Empty(t, list(t, store, "Nothing"))
}

func testNoGeneration(t *testing.T, store readmodel.Store) {
	schema := balances()
	built(t, store, schema, 1, 1)
	for _, name := range [][2]string{{schema.Projection, "00000000000000ee"}, {"Nothing", schema.Fingerprint}} {
		_, _, err := store.Open(t.Context(), name[0], name[1])
		assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
		assert.ErrorIs(t, store.Promote(t.Context(), name[0], name[1]), readmodel.ErrNoGeneration)
		assert.ErrorIs(t, store.Drop(t.Context(), name[0], name[1]), readmodel.ErrNoGeneration)
	}
	assert.Len(t, list(t, store, ""), 1, "asking makes none")
}

func testOpen(t *testing.T, store readmodel.Store) {
	schema := balances()
	apply(t, open(t, store, schema), 1, readmodel.Change{Key: key("a", "EUR"), Row: row(7)})
	table, found, err := store.Open(t.Context(), schema.Projection, schema.Fingerprint)
	require.NoError(t, err)
	assert.Equal(t, schema, found)
	entries, at := find(t, table, readmodel.Find{Index: 1, Equal: key("a", "EUR")[1:]})
	assert.EqualValues(t, 1, at)
	assert.Equal(t, []entry{{Key: key("a", "EUR"), Row: row(7)}}, entries)
	apply(t, table, 2, readmodel.Change{Key: key("a", "EUR"), Row: row(8)})
	rows, _ := get(t, open(t, store, schema), key("a", "EUR"))
	assert.Equal(t, entry{key("a", "EUR"), row(8), 2}, rows[0])
}

func testPromote(t *testing.T, store readmodel.Store) {
	first, second, other := balances(), balances(), balances()
	other.Projection = "Another"
	building := open(t, store, first)
	load := readmodel.Batch{To: readmodel.Checkpoint{Position: 5, Handled: 3}}
	require.NoError(t, building.Apply(t.Context(), &load))
	var refused *readmodel.NotBuiltError
	require.ErrorAs(t, store.Promote(t.Context(), first.Projection, first.Fingerprint), &refused)
	assert.Equal(t, &readmodel.NotBuiltError{Projection: first.Projection, Generation: first.Fingerprint, Position: 5}, refused)

	end := readmodel.Batch{From: load.To, To: load.To}
	end.To.Built = true
	require.NoError(t, building.Apply(t.Context(), &end))
	assert.False(t, list(t, store, "")[first.Fingerprint].Active, "built is not active")
	built(t, store, second, 1, 1)
	built(t, store, other, 1, 1)
	promote := func(s *readmodel.Schema) map[string]readmodel.Generation {
		require.NoError(t, store.Promote(t.Context(), s.Projection, s.Fingerprint))
		return list(t, store, "")
	}
	promote(other)
	one := promote(first)
	assert.True(t, one[first.Fingerprint].Active)
	assert.True(t, one[other.Fingerprint].Active, "projections have an active generation each")
	assert.False(t, one[second.Fingerprint].Active)
	assert.False(t, one[first.Fingerprint].Promoted.Before(one[first.Fingerprint].Created))
	assert.Zero(t, one[second.Fingerprint].Promoted)

	two := promote(second)
	assert.False(t, two[first.Fingerprint].Active)
	assert.True(t, two[second.Fingerprint].Active)
	assert.Equal(t, one[first.Fingerprint].Promoted, two[first.Fingerprint].Promoted, "it stays when another one is")
	assert.True(t, two[second.Fingerprint].Promoted.After(two[first.Fingerprint].Promoted))
	assert.Equal(t, two, promote(second), "again changes nothing")

	three := promote(first)
	assert.True(t, three[first.Fingerprint].Active)
	assert.False(t, three[second.Fingerprint].Active)
	assert.True(t, three[first.Fingerprint].Promoted.After(three[second.Fingerprint].Promoted))
	assert.True(t, three[other.Fingerprint].Active)
}

func testDrop(t *testing.T, store readmodel.Store) {
	gone, kept := balances(), balances()
	table, other := built(t, store, gone, 3, 1), built(t, store, kept, 3, 2)
	require.NoError(t, store.Promote(t.Context(), kept.Projection, kept.Fingerprint))
	created := list(t, store, "")[gone.Fingerprint].Created
	require.NoError(t, store.Drop(t.Context(), gone.Projection, gone.Fingerprint))
	assertGone(t, table)
	assert.ErrorIs(t, store.Promote(t.Context(), gone.Projection, gone.Fingerprint), readmodel.ErrNoGeneration)
	assert.ErrorIs(t, store.Drop(t.Context(), gone.Projection, gone.Fingerprint), readmodel.ErrNoGeneration)
	assert.Len(t, list(t, store, ""), 1)
	assert.EqualValues(t, 3, count(t, other, readmodel.Find{Index: 0}))

	again := open(t, store, gone)
	c, err := again.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Zero(t, c)
	entries, _ := find(t, again, readmodel.Find{Index: -1})
	assert.Empty(t, entries, "what is made again has nothing of what was dropped")
	rows, _ := get(t, again, key("acc-000", "EUR"))
	assert.Empty(t, rows)
	assert.True(t, list(t, store, "")[gone.Fingerprint].Created.After(created))
	apply(t, again, 1, readmodel.Change{Key: key("acc-000", "EUR"), Row: row(9)})
	assert.EqualValues(t, 1, count(t, again, readmodel.Find{Index: 1}))
}

// assertGone checks that every call fails with readmodel.ErrNoGeneration.
func assertGone(t *testing.T, table readmodel.Table) {
	ctx := t.Context()
	_, err := table.Checkpoint(ctx)
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
	for _, from := range []readmodel.Checkpoint{{}, checkpoint(1)} {
		b := readmodel.Batch{From: from, To: checkpoint(2), Changes: []readmodel.Change{{Key: key("a", "EUR"), Row: row(1), Position: 2}}}
		assert.ErrorIs(t, table.Apply(ctx, &b), readmodel.ErrNoGeneration)
	}
	_, err = table.Get(ctx, [][]readmodel.Value{key("acc-000", "EUR")}, func(int, []readmodel.Value, cqrs.Position) error { return nil })
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
	_, err = table.Find(ctx, readmodel.Find{Index: 0}, func(_, _ []readmodel.Value, _ cqrs.Position) error { return nil })
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
	_, _, err = table.Count(ctx, readmodel.Find{Index: -1})
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
	assert.ErrorIs(t, table.Hold(ctx, "a", time.Minute, nil), readmodel.ErrNoGeneration)
	assert.ErrorIs(t, table.Release(ctx, "a", nil), readmodel.ErrNoGeneration)
}

func testDropRefused(t *testing.T, store readmodel.Store) {
	active, held := balances(), balances()
	one, two := built(t, store, active, 3, 1), built(t, store, held, 3, 2)
	require.NoError(t, store.Promote(t.Context(), active.Projection, active.Fingerprint))
	err := store.Drop(t.Context(), active.Projection, active.Fingerprint)
	var isActive *readmodel.ActiveError
	require.ErrorAs(t, err, &isActive)
	assert.Equal(t, &readmodel.ActiveError{Projection: active.Projection, Generation: active.Fingerprint}, isActive)

	require.NoError(t, two.Hold(t.Context(), "host-1", time.Hour, nil))
	err = store.Drop(t.Context(), held.Projection, held.Fingerprint)
	var isHeld *readmodel.HeldError
	require.ErrorAs(t, err, &isHeld)
	assert.Equal(t, "host-1", isHeld.Holder)
	for _, table := range []readmodel.Table{one, two} {
		assert.EqualValues(t, 3, count(t, table, readmodel.Find{Index: -1}), "nothing was lost")
	}
	require.NoError(t, two.Release(t.Context(), "host-1", nil))
	require.NoError(t, store.Drop(t.Context(), held.Projection, held.Fingerprint))
}

// testPromoteUnderReaders lets readers follow the active generation while it changes: each has rows of its own kind.
func testPromoteUnderReaders(t *testing.T, store readmodel.Store) {
	const rows, switches = 20, 30
	schemas := []*readmodel.Schema{balances(), balances()}
	balance := map[string]int64{}
	for i, s := range schemas {
		built(t, store, s, rows, int64(i))
		balance[s.Fingerprint] = int64(i)
	}
	require.NoError(t, store.Promote(t.Context(), schemas[0].Projection, schemas[0].Fingerprint))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				assert.NoError(t, readActive(store, schemas[0].Projection, rows, balance))
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range switches {
		s := schemas[(i+1)%2]
		assert.NoError(t, store.Promote(t.Context(), s.Projection, s.Fingerprint))
	}
	close(done)
	wg.Wait()
}

// readActive reads the one active generation, whole.
func readActive(store readmodel.Store, projection string, rows int, balance map[string]int64) error {
	ctx := context.Background()
	all, err := store.Generations(ctx, projection)
	if err != nil {
		return err
	}
	var active []string
	for _, g := range all {
		if g.Active {
			active = append(active, g.Schema.Fingerprint)
		}
	}
	if len(active) != 1 {
		return fmt.Errorf("active are %v", active)
	}
	table, _, err := store.Open(ctx, projection, active[0])
	if err != nil {
		return err
	}
	n := 0
	_, err = table.Find(ctx, readmodel.Find{Index: 0}, func(_, row []readmodel.Value, _ cqrs.Position) error {
		n++
		if row[0].Int64() != balance[active[0]] {
			return fmt.Errorf("generation %s has the row of another", active[0])
		}
		return nil
	})
	if err == nil && n != rows {
		err = fmt.Errorf("generation %s has %d rows", active[0], n)
	}
	return err
}

func testDropUnderReaders(t *testing.T, store readmodel.Store) {
	const rows = 50
	for range 5 {
		schema := balances()
		table := built(t, store, schema, rows, 1)
		ready := make(chan struct{}, 3)
		var wg sync.WaitGroup
		for way := range 3 {
			wg.Go(func() {
				for i := 0; ; i++ {
					n, err := countRows(table, way)
					if i == 0 {
						ready <- struct{}{}
					}
					if errors.Is(err, readmodel.ErrNoGeneration) {
						return
					}
					if !assert.NoError(t, err) || !assert.Equal(t, rows, n) {
						return
					}
				}
			})
		}
		for range 3 {
			<-ready
		}
		require.NoError(t, store.Drop(t.Context(), schema.Projection, schema.Fingerprint))
		wg.Wait()
	}
}

// countRows counts the rows of a generation in one of three ways.
func countRows(table readmodel.Table, way int) (n int, err error) {
	ctx := context.Background()
	switch way {
	case 0:
		_, err = table.Find(ctx, readmodel.Find{Index: 1}, func(_, _ []readmodel.Value, _ cqrs.Position) error {
			n++
			return nil
		})
	case 1:
		var keys [][]readmodel.Value
		for i := range 50 {
			keys = append(keys, key(fmt.Sprintf("acc-%03d", i), "EUR"))
		}
		_, err = table.Get(ctx, keys, func(int, []readmodel.Value, cqrs.Position) error {
			n++
			return nil
		})
	default:
		var all int64
		all, _, err = table.Count(ctx, readmodel.Find{Index: -1})
		n = int(all)
	}
	return n, err
}

func testBuilt(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	one := readmodel.Checkpoint{Position: 1, Handled: 1}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: one}))
	wrong, whole := one, one
	wrong.Built, whole.Built = true, true
	assert.ErrorIs(t, table.Apply(t.Context(), &readmodel.Batch{From: wrong, To: wrong}), readmodel.ErrFenced)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: one, To: whole}))
	assert.ErrorIs(t, table.Apply(t.Context(), &readmodel.Batch{From: one, To: whole}), readmodel.ErrFenced)
	c, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, whole, c)
	var refused *readmodel.InvalidQueryError
	assert.ErrorAs(t, table.Apply(t.Context(), &readmodel.Batch{From: whole, To: one}), &refused)
}

func testBuiltEmpty(t *testing.T, store readmodel.Store) {
	schema := balances()
	table := open(t, store, schema)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: readmodel.Checkpoint{Built: true}}))
	require.NoError(t, store.Promote(t.Context(), schema.Projection, schema.Fingerprint))
	c, err := table.Find(t.Context(), readmodel.Find{Index: 1}, nil)
	require.NoError(t, err)
	assert.Equal(t, readmodel.Checkpoint{Built: true}, c)
	assert.ErrorIs(t, table.Apply(t.Context(), &readmodel.Batch{To: checkpoint(1)}), readmodel.ErrFenced)
}

// testBulk builds a generation in three large steps; the third one makes it whole.
func testBulk(t *testing.T, store readmodel.Store) {
	n := 44_000 // half of which is more than any sink stores in one step while a generation is built
	if testing.Short() {
		n = 5_000
	}
	table := open(t, store, balances())
	changes := make([]readmodel.Change, n)
	for i := range changes {
		// An order that is not that of the keys.
		changes[i] = readmodel.Change{
			Key: key(fmt.Sprintf("acc-%d", i*7919%n), "EUR"), Row: row(int64(i % 100)), Position: cqrs.Position(i + 1),
		}
	}
	var at readmodel.Checkpoint
	step := func(changes []readmodel.Change, built bool) {
		b := readmodel.Batch{From: at, To: at, Changes: changes}
		b.To.Position += cqrs.Position(n)
		b.To.Handled += int64(n)
		b.To.Built = built
		require.NoError(t, table.Apply(t.Context(), &b))
		at = b.To
	}
	step(changes, false)
	// While it is built rows are loaded again, changed and deleted.
	rows, _ := get(t, table, changes[0].Key, changes[n-1].Key, key("nobody", "EUR"))
	assert.Equal(t, map[int]entry{0: {changes[0].Key, changes[0].Row, 1}, 1: {changes[n-1].Key, changes[n-1].Row, cqrs.Position(n)}}, rows)
	half := changes[: n/2 : n/2]
	for i := range half {
		half[i].Position, half[i].Row = cqrs.Position(n+i+1), row(200)
	}
	step(half, false)
	for i := range half[:n/4] {
		half[i].Position, half[i].Row = cqrs.Position(2*n+i+1), nil
	}
	step(half[:n/4], true)

	left := n - n/4
	for index := -1; index < 2; index++ {
		assert.EqualValues(t, left, count(t, table, readmodel.Find{Index: index}))
	}
	eur := key("", "EUR")[1]
	assert.EqualValues(t, left-n/2, count(t, table, readmodel.Find{Index: 1, Equal: []readmodel.Value{eur, readmodel.OfInt64(200)}}))
	entries, _ := find(t, table, readmodel.Find{Index: 1, Equal: []readmodel.Value{eur, readmodel.OfInt64(99)}})
	assert.Len(t, entries, n/2/100)
	entries, _ = find(t, table, readmodel.Find{Index: 1, Equal: []readmodel.Value{eur}, Limit: 1})
	assert.Equal(t, row(0), entries[0].Row)
	c, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, at, c)
}

func testLease(t *testing.T, store readmodel.Store) {
	schema, other := balances(), balances()
	table := open(t, store, schema)
	lease := func() readmodel.Lease { return list(t, store, "")[schema.Fingerprint].Lease }
	isHeld := func() bool {
		held, _ := leased(t, store, schema)
		return held
	}
	assert.False(t, isHeld())
	require.NoError(t, table.Hold(t.Context(), "host-1", time.Hour, []byte(`{"phase":"building"}`)))
	held := lease()
	assert.Equal(t, "host-1", held.Holder)
	assert.JSONEq(t, `{"phase":"building"}`, string(held.Report))
	assert.WithinDuration(t, held.Reported.Add(time.Hour), held.Until, time.Second)
	assert.True(t, isHeld())

	var refused *readmodel.HeldError
	require.ErrorAs(t, open(t, store, schema).Hold(t.Context(), "host-2", time.Hour, []byte(`{}`)), &refused)
	assert.Equal(t, &readmodel.HeldError{
		Projection: schema.Projection, Generation: schema.Fingerprint, Holder: "host-1", Until: refused.Until,
	}, refused)
	assert.True(t, refused.Until.Equal(held.Until))
	require.NoError(t, table.Release(t.Context(), "host-2", []byte(`{}`)))
	assert.Equal(t, held, lease(), "who does not have it changes nothing")

	require.NoError(t, table.Hold(t.Context(), "host-1", 2*time.Hour, []byte(`{"phase":"live"}`)))
	assert.True(t, lease().Until.After(held.Until), "a lease is renewed")
	assert.JSONEq(t, `{"phase":"live"}`, string(lease().Report))
	require.NoError(t, open(t, store, other).Hold(t.Context(), "host-2", time.Hour, nil), "each generation has its own")
	apply(t, table, 1, readmodel.Change{Key: key("a", "EUR"), Row: row(1)})

	require.NoError(t, table.Release(t.Context(), "host-1", []byte(`{"phase":"stopped"}`)))
	released := lease()
	assert.Empty(t, released.Holder)
	assert.False(t, isHeld())
	assert.Zero(t, released.Until)
	assert.JSONEq(t, `{"phase":"stopped"}`, string(released.Report), "the last word stays")
	require.NoError(t, table.Hold(t.Context(), "host-2", time.Hour, nil))
	assert.Equal(t, "host-2", lease().Holder)
	assert.Empty(t, lease().Report)
}

func testLeaseEnds(t *testing.T, store readmodel.Store) {
	schema := balances()
	table := open(t, store, schema)
	require.NoError(t, table.Hold(t.Context(), "host-1", 200*time.Millisecond, []byte(`{"phase":"live"}`)))
	require.ErrorAs(t, table.Hold(t.Context(), "host-2", time.Hour, nil), new(*readmodel.HeldError))
	require.Eventually(t, func() bool {
		held, last := leased(t, store, schema)
		return !held && last == "host-1" && string(list(t, store, "")[schema.Fingerprint].Lease.Report) == `{"phase":"live"}`
	}, 10*time.Second, 10*time.Millisecond, "who did not give it up is known")
	require.Eventually(t, func() bool {
		return table.Hold(context.Background(), "host-2", time.Hour, []byte(`{"phase":"building"}`)) == nil
	}, 10*time.Second, 10*time.Millisecond)
	var refused *readmodel.HeldError
	require.ErrorAs(t, table.Hold(t.Context(), "host-1", time.Hour, nil), &refused, "who was too late has lost it")
	assert.Equal(t, "host-2", refused.Holder)

	gone := balances()
	table = built(t, store, gone, 1, 1)
	require.NoError(t, table.Hold(t.Context(), "host-1", 100*time.Millisecond, nil))
	require.Eventually(t, func() bool {
		return store.Drop(context.Background(), gone.Projection, gone.Fingerprint) == nil
	}, 10*time.Second, 10*time.Millisecond, "a lease that ended keeps nothing")
}

func testLeaseRaces(t *testing.T, store readmodel.Store) {
	const processes = 8
	table := open(t, store, balances())
	got := make(chan string, processes)
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			holder := fmt.Sprintf("host-%d", i)
			err := table.Hold(context.Background(), holder, time.Hour, nil)
			if err == nil {
				got <- holder
			} else {
				assert.ErrorAs(t, err, new(*readmodel.HeldError))
			}
		})
	}
	wg.Wait()
	assert.Len(t, got, 1)
}

func testLeaseRefusals(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	for _, holder := range []string{"", "a\x00", "\xff", string(make([]byte, 300))} {
		assert.Error(t, table.Hold(t.Context(), holder, time.Hour, nil), "%q", holder)
	}
	assert.Error(t, table.Hold(t.Context(), "host-1", 0, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, table.Hold(ctx, "host-1", time.Hour, nil), context.Canceled)
	require.NoError(t, table.Hold(t.Context(), "host-2", time.Hour, nil))
}

func testStoreWatcher(t *testing.T, store readmodel.Store) {
	watcher, ok := store.(readmodel.Watcher)
	if !ok {
		t.Skip("this store does not watch")
	}
	schema, other := balances(), balances()
	expect := func(what string, do func()) {
		changed := watcher.Changed()
		select {
		case <-changed:
			t.Fatal("nothing has changed")
		default:
		}
		do()
		select {
		case <-changed:
		default:
			t.Fatal(what)
		}
	}
	expect("it was built", func() { built(t, store, schema, 1, 1) })
	built(t, store, other, 1, 1)
	expect("it was promoted", func() {
		require.NoError(t, store.Promote(t.Context(), schema.Projection, schema.Fingerprint))
	})
	expect("another was dropped", func() {
		require.NoError(t, store.Drop(t.Context(), other.Projection, other.Fingerprint))
	})
}

func testPositions(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	apply(t, table, 1, readmodel.Change{Key: key("a", "EUR"), Row: row(3)}, readmodel.Change{Key: key("b", "EUR"), Row: row(2)})
	apply(t, table, 2, readmodel.Change{Key: key("b", "EUR"), Row: row(1)}, readmodel.Change{Key: key("c", "EUR"), Row: row(5)})
	apply(t, table, 3)
	want := map[string]cqrs.Position{"a": 1, "b": 2, "c": 2}
	for _, f := range []readmodel.Find{
		{Index: -1}, {Index: 0}, {Index: 1}, {Index: -1, Order: []string{"balance"}},
		{Index: -1, After: key("", "")}, {Index: 1, Equal: key("", "EUR")[1:], After: append(row(0), key("", "")...)},
	} {
		got := map[string]cqrs.Position{}
		c, err := table.Find(t.Context(), f, func(key, _ []readmodel.Value, at cqrs.Position) error {
			got[key[0].Text()] = at
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, checkpoint(3), c)
		assert.Equal(t, want, got, "%v", f)
	}
	n, c, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.EqualValues(t, 3, n)
	assert.Equal(t, checkpoint(3), c)
}

func testTombstones(t *testing.T, store readmodel.Store) {
	for _, building := range []bool{true, false} {
		table := open(t, store, balances())
		var at readmodel.Checkpoint
		step := func(changes ...readmodel.Change) {
			b := readmodel.Batch{From: at, To: at, Changes: changes}
			b.To.Position, b.To.Built = at.Position+1, !building
			for i := range changes {
				changes[i].Position = b.To.Position
			}
			require.NoError(t, table.Apply(t.Context(), &b))
			at = b.To
		}
		a, b := key("a", "EUR"), key("b", "EUR")
		step(readmodel.Change{Key: a, Row: row(1)}, readmodel.Change{Key: b, Row: row(2)})
		step(readmodel.Change{Key: a}, readmodel.Change{Key: key("nobody", "EUR")})
		for _, f := range []readmodel.Find{{Index: -1}, {Index: 0}, {Index: 1}, {Index: -1, Order: []string{"balance"}}} {
			entries, _ := find(t, table, f)
			assert.Equal(t, []entry{{Key: b, Row: row(2)}}, entries)
			assert.EqualValues(t, 1, count(t, table, f))
		}
		_, err := table.Get(t.Context(), [][]readmodel.Value{a, key("nobody", "EUR")}, func(_ int, row []readmodel.Value, at cqrs.Position) error {
			assert.Nil(t, row, "only a tombstone may be left")
			assert.EqualValues(t, 2, at)
			return nil
		})
		require.NoError(t, err)
		step(readmodel.Change{Key: a, Row: row(7)})
		rows, _ := get(t, table, a)
		assert.Equal(t, entry{a, row(7), 3}, rows[0])
		assert.EqualValues(t, 2, count(t, table, readmodel.Find{Index: 1}))
	}
}
