// Package readmodeltest is the conformance suite of read models: what every sink has to pass, so that a projection
// gives the same answers wherever it keeps its rows.
package readmodeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Option says what a sink does not promise.
type Option int

// RowsAhead is for sinks that can't store rows and checkpoint in one step: rows may be ahead of the checkpoint that is
// read with them, but never behind it.
const RowsAhead Option = iota

// test is one test of the suite.
type test struct {
	name string
	run  func(*testing.T, readmodel.Store)
}

// Run runs the suite. Each call of newStore returns an empty store, and releases it with t.Cleanup. Every test is of
// built generations, unless its name says otherwise.
//
// Sinks differ from each other where the documentation of readmodel.Table and readmodel.Store leaves it open: in whether
// Get finds a tombstone for a deleted row, and in whether tables and stores are Watchers. An Option stands for anything
// else that a sink does not promise.
func Run(t *testing.T, newStore func(t *testing.T) readmodel.Store, options ...Option) {
	for _, c := range append(tables(slices.Contains(options, RowsAhead)), generations()...) {
		t.Run(c.name, func(t *testing.T) { c.run(t, newStore(t)) })
	}
}

// tables are the tests of what a table does with rows, which may be ahead of their checkpoint.
func tables(ahead bool) []test {
	return []test{
		{"a new table is empty and never started", testNewTable},
		{"every kind survives with its extremes, in rows and in keys", testFidelity},
		{"null is neither empty nor zero", testNull},
		{"rows sort by every kind, null first", testOrder},
		{"pages of any size give the rows of the whole", testPages},
		{"get finds each of many keys in one call", testGetMany},
		{"changed and deleted rows are gone from every index", testChange},
		{"a batch from another checkpoint is fenced and changes nothing", testFence},
		{"of many projectors exactly one applies each batch", testRaces},
		{"other fingerprints and projections are other tables", testFingerprints},
		{"a table opened again has its rows and any new index", testReopen},
		{"names that a database reserves or folds are just names", testNames},
		{"names are as long as a model's may be", testLongNames},
		{"a projection may have nothing but a key", testKeyOnly},
		{"what can't be stored faithfully is refused before anything is written", testRefusals},
		{"queries that do not fit the schema are refused", testInvalidQueries},
		{"conditions select by every kind and operation", testConditions},
		{"conditions that do not fit the schema are refused", testInvalidConditions},
		{"pages of a condition neither repeat nor hide rows while others come and go", testFilteredPages},
		{"an iteration ends when its callback says so", testStop},
		{"an ended context ends every call", testContext},
		{"readers see rows and checkpoint of one moment", func(t *testing.T, s readmodel.Store) { testMoments(t, s, ahead) }},
		{"waiting queries are woken by a batch", testWatcher},
		{"a large batch is one step", testLargeBatch},
		{"random operations agree with a plain map", testRandom},
	}
}

var fingerprints atomic.Uint64

// withFingerprint returns the schema with a fingerprint that was never used.
func withFingerprint(s readmodel.Schema) *readmodel.Schema {
	s.Fingerprint = fmt.Sprintf("%016x", fingerprints.Add(1))
	return &s
}

func open(t require.TestingT, store readmodel.Store, s *readmodel.Schema) readmodel.Table {
	table, err := store.Table(context.Background(), s)
	require.NoError(t, err)
	return table
}

// balances is the schema of most tests.
func balances() *readmodel.Schema {
	return withFingerprint(readmodel.Schema{
		Projection: "BalanceByCurrency",
		Key:        []readmodel.Column{{Name: "account", Kind: readmodel.String}, {Name: "currency", Kind: readmodel.String}},
		Row:        []readmodel.Column{{Name: "balance", Kind: readmodel.Int64}},
		Indexes:    [][]string{{"account"}, {"currency", "balance"}},
	})
}

func key(account, currency string) []readmodel.Value {
	return []readmodel.Value{readmodel.OfString(account), readmodel.OfString(currency)}
}

func row(balance int64) []readmodel.Value { return []readmodel.Value{readmodel.OfInt64(balance)} }

func checkpoint(n int) readmodel.Checkpoint {
	if n == 0 {
		return readmodel.Checkpoint{}
	}
	return readmodel.Checkpoint{
		Position: cqrs.Position(n), Commit: cqrs.CommitID{15: byte(n)}, Handled: int64(n) * 2, Built: true,
	}
}

// apply stores the changes as step n of a table.
func apply(t require.TestingT, table readmodel.Table, n int, changes ...readmodel.Change) {
	for i := range changes {
		changes[i].Position = cqrs.Position(n)
	}
	b := readmodel.Batch{From: checkpoint(n - 1), To: checkpoint(n), Changes: changes}
	require.NoError(t, table.Apply(context.Background(), &b))
}

func find(t require.TestingT, table readmodel.Table, f readmodel.Find) ([]entry, cqrs.Position) {
	entries, at := findAt(t, table, f)
	for i := range entries {
		entries[i].At = 0 // most tests are not about it
	}
	return entries, at.Position
}

func findAt(t require.TestingT, table readmodel.Table, f readmodel.Find) ([]entry, readmodel.Checkpoint) {
	var entries []entry
	at, err := table.Find(context.Background(), f, func(key, row []readmodel.Value, at cqrs.Position) error {
		entries = append(entries, entry{Key: clone(key), Row: clone(row), At: at})
		return nil
	})
	require.NoError(t, err)
	return entries, at
}

// clone is slices.Clone, but never nil, so that a row without columns is still a row.
func clone(values []readmodel.Value) []readmodel.Value { return append([]readmodel.Value{}, values...) }

func get(t require.TestingT, table readmodel.Table, keys ...[]readmodel.Value) (map[int]entry, cqrs.Position) {
	rows := map[int]entry{}
	at, err := table.Get(context.Background(), keys, func(i int, row []readmodel.Value, at cqrs.Position) error {
		if row != nil { // else it is a tombstone, which not every sink keeps
			rows[i] = entry{keys[i], clone(row), at}
		}
		return nil
	})
	require.NoError(t, err)
	return rows, at.Position
}

func count(t require.TestingT, table readmodel.Table, f readmodel.Find) int64 {
	n, _, err := table.Count(context.Background(), f)
	require.NoError(t, err)
	return n
}

func testNewTable(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	c, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Zero(t, c)
	rows, at := get(t, table, key("a", "EUR"))
	assert.Empty(t, rows)
	assert.Zero(t, at)
	for index := -1; index < 2; index++ {
		entries, at := find(t, table, readmodel.Find{Index: index})
		assert.Empty(t, entries)
		assert.Zero(t, at)
		assert.Zero(t, count(t, table, readmodel.Find{Index: index}))
	}
}

func testGetMany(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	const n = 3000
	changes := make([]readmodel.Change, n)
	keys := make([][]readmodel.Value, 0, 2*n)
	for i := range changes {
		account := fmt.Sprintf("acc-%d", i)
		changes[i] = readmodel.Change{Key: key(account, "EUR"), Row: row(int64(i))}
		keys = append(keys, key(account, "EUR"), key(account, "GBP"))
	}
	apply(t, table, 1, changes...)
	for _, size := range []int{0, 1, 2, 15, 16, 17, 255, 256, 257, 2 * n} {
		rows, at := get(t, table, keys[:size]...)
		assert.EqualValues(t, 1, at)
		assert.Len(t, rows, (size+1)/2, "of %d keys", size)
		for i, r := range rows {
			assert.Equal(t, entry{keys[i], row(int64(i / 2)), 1}, r)
		}
	}
	rows, _ := get(t, table, keys[0], keys[1], keys[0])
	assert.Len(t, rows, 2, "a key that is asked for twice is answered twice")
}

func testChange(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	a, b, c := key("a", "EUR"), key("a", "GBP"), key("b", "EUR")
	apply(t, table, 1, readmodel.Change{Key: a, Row: row(5)}, readmodel.Change{Key: b, Row: row(3)},
		readmodel.Change{Key: c, Row: row(4)})
	apply(t, table, 2, readmodel.Change{Key: a, Row: row(1)}, readmodel.Change{Key: b},
		readmodel.Change{Key: key("nobody", "EUR")})

	entries, at := find(t, table, readmodel.Find{Index: 1})
	assert.EqualValues(t, 2, at)
	assert.Equal(t, []entry{{Key: a, Row: row(1)}, {Key: c, Row: row(4)}}, entries)
	rows, _ := get(t, table, a, b, c)
	assert.Equal(t, map[int]entry{0: {a, row(1), 2}, 2: {c, row(4), 1}}, rows, "each row has the position of its own last event")
	assert.EqualValues(t, 1, count(t, table, readmodel.Find{Index: 0, Equal: a[:1]}))

	apply(t, table, 3, readmodel.Change{Key: b, Row: row(9)})
	rows, _ = get(t, table, b)
	assert.Equal(t, entry{b, row(9), 3}, rows[0], "a deleted row can come back")
}

func testFence(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	apply(t, table, 1, readmodel.Change{Key: key("a", "EUR"), Row: row(1)})
	apply(t, table, 2)
	for name, from := range map[string]readmodel.Checkpoint{
		"the start": {}, "an earlier one": checkpoint(1), "a later one": checkpoint(3),
		"another commit":    {Position: 2, Commit: cqrs.CommitID{15: 9}, Handled: 4, Built: true},
		"another counter":   {Position: 2, Commit: cqrs.CommitID{15: 2}, Handled: 5, Built: true},
		"one not built yet": {Position: 2, Commit: cqrs.CommitID{15: 2}, Handled: 4},
	} {
		b := readmodel.Batch{From: from, To: checkpoint(9), Changes: []readmodel.Change{
			{Key: key("a", "EUR"), Row: row(2), Position: 9}, {Key: key("b", "EUR"), Row: row(2), Position: 9}}}
		assert.ErrorIs(t, table.Apply(t.Context(), &b), readmodel.ErrFenced, name)
	}
	rows, at := get(t, table, key("a", "EUR"), key("b", "EUR"))
	assert.EqualValues(t, 2, at)
	assert.Equal(t, map[int]entry{0: {key("a", "EUR"), row(1), 1}}, rows)
	c, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, checkpoint(2), c)
}

func testRaces(t *testing.T, store readmodel.Store) {
	const projectors, steps = 4, 25
	schema := balances()
	var won [steps + 1]atomic.Int64
	var wg sync.WaitGroup
	for range projectors {
		table := open(t, store, schema)
		wg.Go(func() {
			for n := 1; n <= steps; n++ {
				b := readmodel.Batch{From: checkpoint(n - 1), To: checkpoint(n),
					Changes: []readmodel.Change{{Key: key("a", "EUR"), Row: row(int64(n)), Position: cqrs.Position(n)}}}
				err := table.Apply(context.Background(), &b)
				if err == nil {
					won[n].Add(1)
				} else {
					assert.ErrorIs(t, err, readmodel.ErrFenced)
				}
			}
		})
	}
	wg.Wait()
	for n := 1; n <= steps; n++ {
		assert.EqualValues(t, 1, won[n].Load(), "step %d", n)
	}
}

func testFingerprints(t *testing.T, store readmodel.Store) {
	first, second := balances(), balances()
	other := *first
	other.Projection = "Balance_By_Currency"
	third := *second
	third.Fingerprint = withFingerprint(third).Fingerprint
	third.Row = []readmodel.Column{{Name: "balance", Kind: readmodel.String}}
	text := []readmodel.Value{readmodel.OfString("much")}

	apply(t, open(t, store, first), 1, readmodel.Change{Key: key("a", "EUR"), Row: row(1)})
	apply(t, open(t, store, second), 1, readmodel.Change{Key: key("a", "EUR"), Row: row(2)})
	apply(t, open(t, store, &third), 1, readmodel.Change{Key: key("a", "EUR"), Row: text})
	apply(t, open(t, store, first), 2, readmodel.Change{Key: key("b", "EUR"), Row: row(3)})

	entries, at := find(t, open(t, store, first), readmodel.Find{Index: -1})
	assert.EqualValues(t, 2, at)
	assert.Len(t, entries, 2)
	entries, at = find(t, open(t, store, second), readmodel.Find{Index: -1})
	assert.EqualValues(t, 1, at)
	assert.Equal(t, []entry{{Key: key("a", "EUR"), Row: row(2)}}, entries)
	entries, _ = find(t, open(t, store, &third), readmodel.Find{Index: -1})
	assert.Equal(t, []entry{{Key: key("a", "EUR"), Row: text}}, entries)
	entries, at = find(t, open(t, store, &other), readmodel.Find{Index: -1})
	assert.Empty(t, entries, "a projection whose name differs in an underscore is another one")
	assert.Zero(t, at)
}

func testReopen(t *testing.T, store readmodel.Store) {
	schema := balances()
	apply(t, open(t, store, schema), 1, readmodel.Change{Key: key("a", "EUR"), Row: row(2)}, readmodel.Change{Key: key("b", "EUR"), Row: row(1)})
	again := *schema
	again.Indexes = [][]string{{"balance"}}
	entries, at := find(t, open(t, store, &again), readmodel.Find{Index: 0})
	assert.EqualValues(t, 1, at)
	assert.Equal(t, []entry{{Key: key("b", "EUR"), Row: row(1)}, {Key: key("a", "EUR"), Row: row(2)}}, entries)
	entries, _ = find(t, open(t, store, schema), readmodel.Find{Index: 1, Equal: key("", "EUR")[1:]})
	assert.Len(t, entries, 2)

	other := *schema
	other.Row = []readmodel.Column{{Name: "balance", Kind: readmodel.String}}
	_, err := store.Table(t.Context(), &other)
	var refused *readmodel.SchemaError
	assert.ErrorAs(t, err, &refused, "other columns under one fingerprint are refused")
}

func testNames(t *testing.T, store readmodel.Store) {
	names := []string{"select", "table", "order", "group", "rowid", "oid", "cqrs_position", "cqrsPosition", "fooBar",
		"foo_bar", "FooBar", "foo_bar_2", "value", "k", "HTTPServer2", "i", "_", "index"}
	schema := readmodel.Schema{Projection: "Order"}
	var values []readmodel.Value
	for i, name := range names {
		schema.Row = append(schema.Row, readmodel.Column{Name: name, Kind: readmodel.Int64})
		schema.Indexes = append(schema.Indexes, []string{name})
		values = append(values, readmodel.OfInt64(int64(i)))
	}
	schema.Key, schema.Row = schema.Row[:3], schema.Row[3:]
	table := open(t, store, withFingerprint(schema))
	apply(t, table, 1, readmodel.Change{Key: values[:3], Row: values[3:]})
	for i := range names {
		entries, _ := find(t, table, readmodel.Find{Index: i, Equal: values[i : i+1]})
		assert.Equal(t, []entry{{Key: values[:3], Row: values[3:]}}, entries, names[i])
	}
	rows, _ := get(t, table, values[:3])
	assert.Equal(t, values[3:], rows[0].Row)
}

func testLongNames(t *testing.T, store readmodel.Store) {
	long := strings.Repeat("veryLong", 7) + "LongNam"
	schema := withFingerprint(readmodel.Schema{
		Projection: "L" + long,
		Key:        []readmodel.Column{{Name: long + "A", Kind: readmodel.Int64}},
		Row:        []readmodel.Column{{Name: long + "B", Kind: readmodel.Int64}, {Name: long + "C", Kind: readmodel.String}},
		Indexes:    [][]string{{long + "B"}, {long + "C", long + "B"}},
	})
	require.Len(t, schema.Row[0].Name, 64)
	table := open(t, store, schema)
	want := entry{
		Key: []readmodel.Value{readmodel.OfInt64(1)}, Row: []readmodel.Value{readmodel.OfInt64(2), readmodel.OfString("three")},
	}
	apply(t, table, 1, readmodel.Change{Key: want.Key, Row: want.Row})
	require.NoError(t, store.Promote(t.Context(), schema.Projection, schema.Fingerprint))
	for i, equal := range want.Row {
		entries, _ := find(t, table, readmodel.Find{Index: i, Equal: []readmodel.Value{equal}})
		assert.Equal(t, []entry{want}, entries)
	}
	generations, err := store.Generations(t.Context(), schema.Projection)
	require.NoError(t, err)
	require.Len(t, generations, 1)
	assert.Equal(t, schema.Key, generations[0].Schema.Key)
}

func testKeyOnly(t *testing.T, store readmodel.Store) {
	schema := balances()
	schema.Row, schema.Indexes = nil, nil
	table := open(t, store, schema)
	apply(t, table, 1, readmodel.Change{Key: key("a", "EUR"), Row: []readmodel.Value{}})
	apply(t, table, 2, readmodel.Change{Key: key("a", "EUR"), Row: []readmodel.Value{}})
	rows, _ := get(t, table, key("a", "EUR"))
	assert.Equal(t, map[int]entry{0: {key("a", "EUR"), []readmodel.Value{}, 2}}, rows)
	apply(t, table, 3, readmodel.Change{Key: key("a", "EUR")})
	assert.Zero(t, count(t, table, readmodel.Find{Index: -1}))
}

func testStop(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	apply(t, table, 1, readmodel.Change{Key: key("a", "EUR"), Row: row(1)}, readmodel.Change{Key: key("b", "EUR"), Row: row(2)})
	sentinel := errors.New("no")
	for _, end := range []error{readmodel.ErrStop, sentinel} {
		calls := 0
		at, err := table.Find(t.Context(), readmodel.Find{Index: -1}, func(_, _ []readmodel.Value, _ cqrs.Position) error {
			calls++
			return fmt.Errorf("callback: %w", end)
		})
		assert.Equal(t, 1, calls)
		if end == sentinel {
			assert.ErrorIs(t, err, sentinel)
			continue
		}
		assert.NoError(t, err)
		assert.EqualValues(t, 1, at.Position)
	}
	_, err := table.Get(t.Context(), [][]readmodel.Value{key("a", "EUR"), key("b", "EUR")},
		func(int, []readmodel.Value, cqrs.Position) error { return sentinel })
	assert.ErrorIs(t, err, sentinel)
	apply(t, table, 2, readmodel.Change{Key: key("c", "EUR"), Row: row(3)})
	assert.EqualValues(t, 3, count(t, table, readmodel.Find{Index: -1}))
}

func testContext(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := table.Checkpoint(ctx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, table.Apply(ctx, &readmodel.Batch{To: checkpoint(1)}), context.Canceled)
	_, err = table.Get(ctx, [][]readmodel.Value{key("a", "EUR")}, nil)
	assert.ErrorIs(t, err, context.Canceled)
	_, err = table.Find(ctx, readmodel.Find{Index: -1}, nil)
	assert.ErrorIs(t, err, context.Canceled)
	_, _, err = table.Count(ctx, readmodel.Find{Index: -1})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = store.Table(ctx, balances())
	assert.ErrorIs(t, err, context.Canceled)
	apply(t, table, 1)
}

func testWatcher(t *testing.T, store readmodel.Store) {
	schema := balances()
	watcher, ok := open(t, store, schema).(readmodel.Watcher)
	if !ok {
		t.Skip("this sink's tables do not watch")
	}
	changed := watcher.Changed()
	select {
	case <-changed:
		t.Fatal("nothing has changed")
	default:
	}
	apply(t, open(t, store, schema), 1)
	<-changed
	select {
	case <-watcher.Changed():
		t.Fatal("nothing has changed since")
	default:
	}
}

func testLargeBatch(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	const n = 20_000
	changes := make([]readmodel.Change, n)
	for i := range changes {
		// An order that is not that of the keys.
		changes[i] = readmodel.Change{Key: key(fmt.Sprintf("acc-%d", i*7919%n), "EUR"), Row: row(int64(i))}
	}
	apply(t, table, 1, changes...)
	assert.EqualValues(t, n, count(t, table, readmodel.Find{Index: -1}))
	assert.EqualValues(t, n, count(t, table, readmodel.Find{Index: 1, Equal: key("", "EUR")[1:]}))
	for i := range changes {
		changes[i].Row = nil
	}
	apply(t, table, 2, changes...)
	assert.Zero(t, count(t, table, readmodel.Find{Index: -1}))
}
