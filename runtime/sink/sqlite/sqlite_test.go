package sqlite

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	zombiezen "zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel/readmodeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t testing.TB, path string) *Store {
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// openBuilt opens a generation that is built, and so has its indexes.
func openBuilt(t testing.TB, path string, schema *readmodel.Schema) *table {
	opened := openTable(t, path, schema)
	require.NoError(t, opened.Apply(t.Context(), &readmodel.Batch{To: readmodel.Checkpoint{Built: true}}))
	return opened.(*table)
}

func openTable(t testing.TB, path string, schema *readmodel.Schema) readmodel.Table {
	table, err := openStore(t, path).Table(t.Context(), schema)
	require.NoError(t, err)
	return table
}

func TestConformance(t *testing.T) {
	readmodeltest.Run(t, func(t *testing.T) readmodel.Store {
		return openStore(t, filepath.Join(t.TempDir(), "read.db"))
	})
}

// shell runs SQL on the file as a person would, and returns the rows with their columns separated by bars.
func shell(t testing.TB, path, query string) (rows []string) {
	c, err := zombiezen.OpenConn(path, zombiezen.OpenReadWrite|zombiezen.OpenCreate)
	require.NoError(t, err)
	defer c.Close()
	stmt, err := c.Prepare(query)
	require.NoError(t, err)
	for {
		more, err := stmt.Step()
		require.NoError(t, err)
		if !more {
			return rows
		}
		var columns []string
		for i := range stmt.ColumnCount() {
			columns = append(columns, stmt.ColumnText(i))
		}
		rows = append(rows, strings.Join(columns, "|"))
	}
}

var everyKind = readmodel.Schema{
	Projection: "EveryKind", Fingerprint: "00000000000000ff",
	Key: []readmodel.Column{{Name: "accountID", Kind: readmodel.UUID}},
	Row: []readmodel.Column{
		{Name: "open", Kind: readmodel.Bool}, {Name: "amount", Kind: readmodel.Int64}, {Name: "size", Kind: readmodel.Uint64},
		{Name: "rate", Kind: readmodel.Float64}, {Name: "owner", Kind: readmodel.String}, {Name: "digest", Kind: readmodel.Bytes},
		{Name: "openedAt", Kind: readmodel.Time}, {Name: "took", Kind: readmodel.Duration}, {Name: "birthday", Kind: readmodel.Date},
		{Name: "price", Kind: readmodel.Decimal}, {Name: "tags", Kind: readmodel.JSON}, {Name: "nickName", Kind: readmodel.String, Optional: true},
	},
}

func everyKindKey() []readmodel.Value {
	return []readmodel.Value{readmodel.OfUUID(uuid.UUID{15: 0xab})}
}

func storeEveryKind(t *testing.T, path string) readmodel.Table {
	table := openTable(t, path, &everyKind)
	row := []readmodel.Value{
		readmodel.OfBool(true), readmodel.OfInt64(math.MinInt64), readmodel.OfUint64(math.MaxUint64), readmodel.OfFloat64(1.5),
		readmodel.OfString("Ada"), readmodel.OfBytes([]byte{1, 0xff}), readmodel.OfTime(time.Date(2026, 3, 1, 9, 0, 0, 5000, time.UTC)),
		readmodel.OfDuration(time.Second), readmodel.OfDate(cqrs.Date{Year: 815, Month: 12, Day: 10}),
		readmodel.OfDecimal(cqrs.MustDecimal("12.50")),
		readmodel.OfJSON([]byte(`["a"]`)), {},
	}
	commit := cqrs.CommitID{15: 7}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		To:      readmodel.Checkpoint{Position: 42, Commit: commit, Handled: 3},
		Changes: []readmodel.Change{{Key: everyKindKey(), Row: row, Position: 41}},
	}))
	return table
}

func TestRowsAreReadableAndTypedForHandWrittenSQL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	storeEveryKind(t, path)
	assert.Equal(t, []string{"EveryKind|00000000000000ff|every_kind_00000000000000ff|42|00000000-0000-0000-0000-000000000007|3"},
		shell(t, path, "SELECT projection, fingerprint, table_name, position, commit_id, handled FROM cqrs_read_models"))
	assert.Equal(t, []string{"00000000-0000-0000-0000-0000000000ab|1|-9223372036854775808|18446744073709551615|1.5|Ada|01FF|" +
		"2026-03-01T09:00:00.000005Z|1000000000|0815-12-10|00000000000000000012.5|[\"a\"]|1|41"},
		shell(t, path, `SELECT account_id, open, amount, size, rate, owner, hex(digest), opened_at, took, birthday, price, tags,
			nick_name IS NULL, cqrs_position FROM every_kind_00000000000000ff`))
	assert.Equal(t, []string{"account_id|TEXT|1", "open|INTEGER|0", "amount|INTEGER|0", "size|TEXT|0", "rate|REAL|0",
		"owner|TEXT|0", "digest|BLOB|0", "opened_at|TEXT|0", "took|INTEGER|0", "birthday|TEXT|0", "price|TEXT|0", "tags|TEXT|0",
		"nick_name|TEXT|0", "cqrs_position|INTEGER|0"},
		shell(t, path, "SELECT name, type, pk FROM pragma_table_info('every_kind_00000000000000ff')"))
}

func TestAColumnThatSomebodyElseBrokeIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	table := storeEveryKind(t, path)
	for column, c := range map[string][2]string{
		"open":     {"open = 2", "open = 1"},
		"size":     {"size = '7'", "size = '00000000000000000007'"},
		"openedAt": {"opened_at = 'yesterday'", "opened_at = '2026-03-01T09:00:00.000000Z'"},
		"birthday": {"birthday = '2026-02-30'", "birthday = '2026-02-28'"},
	} {
		shell(t, path, "UPDATE every_kind_00000000000000ff SET "+c[0])
		_, err := table.Get(t.Context(), [][]readmodel.Value{everyKindKey()}, nil)
		var corrupt *readmodel.CorruptError
		require.ErrorAs(t, err, &corrupt, column)
		assert.Equal(t, column, corrupt.Column)
		shell(t, path, "UPDATE every_kind_00000000000000ff SET "+c[1])
	}
	shell(t, path, "UPDATE every_kind_00000000000000ff SET account_id = '{00000000-0000-0000-0000-0000000000ab}'")
	_, err := table.Find(t.Context(), readmodel.Find{Index: -1}, nil)
	var corrupt *readmodel.CorruptError
	require.ErrorAs(t, err, &corrupt)
	assert.Equal(t, "accountID", corrupt.Column)
	shell(t, path, "UPDATE cqrs_read_models SET commit_id = 'x'")
	_, err = table.Checkpoint(t.Context())
	assert.ErrorAs(t, err, &corrupt)
}

func TestTheZeroDateIsEmptyText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	schema := readmodel.Schema{
		Projection: "Birthdays", Fingerprint: "00000000000000ff",
		Key: []readmodel.Column{{Name: "id", Kind: readmodel.Int64}},
		Row: []readmodel.Column{{Name: "birthday", Kind: readmodel.Date}},
	}
	table := openTable(t, path, &schema)
	key, row := []readmodel.Value{readmodel.OfInt64(1)}, []readmodel.Value{readmodel.OfDate(cqrs.Date{})}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		To:      readmodel.Checkpoint{Position: 1},
		Changes: []readmodel.Change{{Key: key, Row: row, Position: 1}},
	}))
	assert.Equal(t, []string{"text|"}, shell(t, path, "SELECT typeof(birthday), birthday FROM birthdays_00000000000000ff"))
	_, err := table.Get(t.Context(), [][]readmodel.Value{key}, func(_ int, got []readmodel.Value, _ cqrs.Position) error {
		assert.Equal(t, row, got)
		return nil
	})
	require.NoError(t, err)
}

func TestATableThatSomebodyTookOffTheListIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	table := storeEveryKind(t, path)
	shell(t, path, "DELETE FROM cqrs_read_models")
	_, err := table.Checkpoint(t.Context())
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
	err = table.Apply(t.Context(), &readmodel.Batch{To: readmodel.Checkpoint{Position: 1}})
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)
}

func TestNamesInSQLAreSnakeCaseAndUnique(t *testing.T) {
	for name, want := range map[string]string{
		"BalanceByCurrency": "balance_by_currency", "lastMovement": "last_movement", "AccountID": "account_id",
		"HTTPServer": "http_server", "a": "a", "A": "a", "foo_Bar": "foo_bar", "row2Col": "row2_col", "_x": "_x", "ABC": "abc",
	} {
		assert.Equal(t, want, snakeCase(name), name)
	}
	columns := nameColumns(&readmodel.Schema{Key: []readmodel.Column{{Name: "fooBar"}, {Name: "foo_bar_2"}, {Name: "FooBar"}, {Name: "cqrsPosition"}}})
	assert.Equal(t, `"foo_bar", "foo_bar_2", "foo_bar_3", "cqrs_position_2"`, list(columns, quoted))
	assert.Equal(t, `"a""b"`, quote(`a"b`))
}

// plans returns how SQLite runs the statements of a query.
func plans(t *testing.T, path string, table *table, f readmodel.Find) (plans []string) {
	for _, s := range table.selections(&f) {
		plans = append(plans, shell(t, path, "EXPLAIN QUERY PLAN "+s.sql(table, &f))...)
	}
	return plans
}

func TestAConditionUsesAnIndexThatFitsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	table := openBuilt(t, path, &ledger)
	text, num := readmodel.OfString("EUR"), readmodel.OfInt64(1)
	for _, plan := range plans(t, path, table, readmodel.Find{
		Index: -1, Order: []string{"balance"}, After: []readmodel.Value{num, text, text},
		Where: readmodel.All(
			readmodel.Compare("currency", readmodel.Equal, text), readmodel.Compare("balance", readmodel.Greater, num)),
	}) {
		assert.NotContains(t, plan, "TEMP B-TREE")
		assert.Contains(t, plan, "SEARCH")
	}
}

func TestListsOfAnyLengthShareStatements(t *testing.T) {
	table := openTable(t, filepath.Join(t.TempDir(), "read.db"), &ledger).(*table)
	statements := map[string]bool{}
	for n := range 100 {
		c := readmodel.OneOf("balance", slices.Repeat([]readmodel.Value{readmodel.OfInt64(int64(n))}, n))
		text, values := table.filter(&c)
		assert.Equal(t, strings.Count(text, "?"), len(values))
		statements[text] = true
	}
	assert.Len(t, statements, 9)
}

func TestEveryQueryIsOneRangeOfAnIndexWithoutSorting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	schema := ledger
	schema.Row = append(schema.Row[:2:2], readmodel.Column{Name: "lastMovement", Kind: readmodel.Time, Optional: true})
	schema.Indexes = [][]string{{"account"}, {"currency", "balance"}, {"lastMovement"}}
	table := openBuilt(t, path, &schema)
	text, num, null := readmodel.OfString("a"), readmodel.OfInt64(1), readmodel.Value{}
	at := readmodel.OfTime(time.Unix(0, 0))
	type values = []readmodel.Value
	for _, f := range []readmodel.Find{
		{Index: -1}, {Index: -1, Equal: values{text}}, {Index: -1, Equal: values{text}, After: values{text, text}},
		{Index: -1, After: values{text, text}},
		{Index: 0}, {Index: 0, Equal: values{text}}, {Index: 0, Equal: values{text}, After: values{text, text}},
		{Index: 1}, {Index: 1, Equal: values{text}}, {Index: 1, Equal: values{text, num}},
		{Index: 1, Equal: values{text}, After: values{num, text, text}},
		{Index: 2}, {Index: 2, Equal: values{null}}, {Index: 2, Equal: values{at}}, {Index: 2, After: values{null, text, text}},
		{Index: 2, After: values{at, text, text}},
	} {
		for _, plan := range plans(t, path, table, f) {
			assert.NotContains(t, plan, "TEMP B-TREE", "%v", f)
			if len(f.Equal)+len(f.After) > 0 {
				assert.Contains(t, plan, "SEARCH", "%v", f)
			}
		}
	}
	assert.Equal(t, []string{
		"balance_by_currency_0123456789abcdef(currency,balance,account)",
		"balance_by_currency_0123456789abcdef(last_movement,account,currency)",
	},
		shell(t, path, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"),
		"the primary key is the index by account")
	lookUp := strings.Join(shell(t, path, "EXPLAIN QUERY PLAN "+table.lookUp[1]), "\n")
	assert.Contains(t, lookUp, "SEARCH t USING PRIMARY KEY")
}

func TestTwoStoresOnOneFileFenceEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	first, second := openTable(t, path, &ledger), openTable(t, path, &ledger)
	changes := ledgerChanges(3)
	one, two := readmodel.Checkpoint{Position: 1}, readmodel.Checkpoint{Position: 2}
	require.NoError(t, first.Apply(t.Context(), &readmodel.Batch{To: one, Changes: changes[:1]}))
	require.NoError(t, second.Apply(t.Context(), &readmodel.Batch{From: one, To: two, Changes: changes[1:2]}))
	assert.ErrorIs(t, first.Apply(t.Context(), &readmodel.Batch{From: one, To: two, Changes: changes[2:]}), readmodel.ErrFenced)
	n, at, err := first.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.EqualValues(t, 2, n)
	assert.Equal(t, two, at)
}

func TestABatchThatIsInterruptedLeavesNothing(t *testing.T) {
	table := openTable(t, filepath.Join(t.TempDir(), "read.db"), &ledger)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := table.Apply(ctx, &readmodel.Batch{To: readmodel.Checkpoint{Position: 1}, Changes: ledgerChanges(200_000)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	n, at, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Zero(t, at)
}

func TestAClosedStoreSaysSo(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "read.db"))
	require.NoError(t, err)
	table, err := store.Table(t.Context(), &ledger)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
	_, err = table.Checkpoint(t.Context())
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	assert.ErrorIs(t, table.Apply(t.Context(), &readmodel.Batch{}), cqrs.ErrClosed)
	_, err = store.Table(t.Context(), &ledger)
	assert.ErrorIs(t, err, cqrs.ErrClosed)
}

func TestAFileThatCannotBeOpenedIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "read.db")
	_, err := Open(t.Context(), path)
	assert.ErrorContains(t, err, fmt.Sprintf("open read models in %s", path))
}
