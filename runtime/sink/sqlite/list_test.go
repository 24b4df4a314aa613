package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

const indexesSQL = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"

func TestAFileOfAnEarlierReleaseGoesOnFromWhereItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	shell(t, path, listDDL)
	shell(t, path, `CREATE TABLE "balance_by_currency_0123456789abcdef" (
		"account" TEXT NOT NULL, "currency" TEXT NOT NULL, "balance" INTEGER NOT NULL, "movements" INTEGER NOT NULL,
		"last_movement" TEXT NOT NULL, cqrs_position INTEGER NOT NULL, PRIMARY KEY ("account", "currency")) STRICT, WITHOUT ROWID`)
	shell(t, path, `INSERT INTO "balance_by_currency_0123456789abcdef"
		VALUES ('a', 'EUR', 5, 1, '2026-03-01T10:00:00.000000Z', 3)`)
	described := newTable(nil, &ledger).describe()
	insert := "INSERT INTO cqrs_read_models (projection, fingerprint, table_name, columns, position, commit_id, handled) " +
		"VALUES ('BalanceByCurrency', '%s', 'balance_by_currency_%s', '" + described + "', 3, '00000000-0000-0000-0000-000000000001', 2)"
	shell(t, path, fmt.Sprintf(insert, ledger.Fingerprint, ledger.Fingerprint))

	store := openStore(t, path)
	_, _, err := store.Open(t.Context(), ledger.Projection, ledger.Fingerprint)
	assert.ErrorAs(t, err, new(*readmodel.SchemaError), "nobody wrote down what its columns are")
	table, err := store.Table(t.Context(), &ledger)
	require.NoError(t, err)
	at, err := table.Checkpoint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, readmodel.Checkpoint{Position: 3, Commit: cqrs.CommitID{15: 1}, Handled: 2}, at, "it has to show that it is whole")
	n, _, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
	to := at
	to.Built = true
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: at, To: to}))
	require.NoError(t, store.Promote(t.Context(), ledger.Projection, ledger.Fingerprint))
	_, schema, err := store.Open(t.Context(), ledger.Projection, ledger.Fingerprint)
	require.NoError(t, err)
	assert.Equal(t, &ledger, schema)
	assert.Equal(t, []string{"a|5"}, shell(t, path, "SELECT account, balance FROM balance_by_currency"))

	// The earlier release still adds its generations, should it be started again.
	shell(t, path, fmt.Sprintf(insert, "00000000000000aa", "00000000000000aa"))
	all, err := store.Generations(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "00000000000000aa", all[0].Schema.Fingerprint, "it was made at no known time")
	assert.False(t, all[0].Checkpoint.Built)
	require.NoError(t, openStore(t, path).Close(), "to open it again changes nothing")
}

func TestAViewLeadsToTheActiveGeneration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	shell(t, path, "CREATE TABLE balance_by_currency_2 (own TEXT)")
	store := openStore(t, path)
	schemas := []readmodel.Schema{ledger, ledger, ledger}
	schemas[1].Fingerprint = "00000000000000bb"
	schemas[2].Projection = "Balance_By_Currency"
	for i := range schemas {
		table, err := store.Table(t.Context(), &schemas[i])
		require.NoError(t, err)
		b := readmodel.Batch{To: readmodel.Checkpoint{Position: 1, Built: true}, Changes: ledgerChanges(1)}
		b.Changes[0].Row[0] = readmodel.OfInt64(int64(i))
		require.NoError(t, table.Apply(t.Context(), &b))
	}
	promote := func(s *readmodel.Schema) {
		require.NoError(t, store.Promote(t.Context(), s.Projection, s.Fingerprint))
	}
	const views = "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name"
	assert.Empty(t, shell(t, path, views))
	promote(&schemas[0])
	assert.Equal(t, []string{"0"}, shell(t, path, "SELECT balance FROM balance_by_currency"))
	promote(&schemas[1])
	assert.Equal(t, []string{"1"}, shell(t, path, "SELECT balance FROM balance_by_currency"))
	promote(&schemas[2])
	assert.Equal(t, []string{"2"}, shell(t, path, "SELECT balance FROM balance_by_currency_3"), "what has a name keeps it")
	assert.Equal(t, []string{"balance_by_currency", "balance_by_currency_3"}, shell(t, path, views))
	promote(&schemas[0])
	require.NoError(t, store.Drop(t.Context(), ledger.Projection, schemas[1].Fingerprint))
	assert.Equal(t, []string{"0"}, shell(t, path, "SELECT balance FROM balance_by_currency"))
	assert.Equal(t, []string{"balance_by_currency_0123456789abcdef|1"}, shell(t, path,
		"SELECT table_name, position FROM cqrs_read_models WHERE projection = 'BalanceByCurrency'"))
}

func TestATableGetsItsIndexesWhenItIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	table := openTable(t, path, &ledger)
	one := readmodel.Checkpoint{Position: 1}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: one, Changes: ledgerChanges(9)}))
	openTable(t, path, &ledger)
	assert.Empty(t, shell(t, path, indexesSQL))
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: one, To: readmodel.Checkpoint{Position: 1, Built: true}}))
	assert.Equal(t, []string{"balance_by_currency_0123456789abcdef(currency,balance,account)"}, shell(t, path, indexesSQL))
}

func TestConditionsTakeSeveralOfTheLongestLists(t *testing.T) {
	table := openTable(t, filepath.Join(t.TempDir(), "read.db"), &everyKind)
	long := func(column string, of func(i int) readmodel.Value) readmodel.Condition {
		values := make([]readmodel.Value, readmodel.MostValues)
		for i := range values {
			values[i] = of(i)
		}
		return readmodel.OneOf(column, values)
	}
	lists := []readmodel.Condition{
		long("amount", func(i int) readmodel.Value { return readmodel.OfInt64(int64(i) - 5000) }),
		long("size", func(i int) readmodel.Value { return readmodel.OfUint64(1<<63 + uint64(i)) }),
		long("owner", func(i int) readmodel.Value { return readmodel.OfString(fmt.Sprintf("\"<é>\u2028%d", i)) }),
		long("nickName", func(i int) readmodel.Value { return readmodel.OfString(fmt.Sprint(i)) }),
		long("openedAt", func(i int) readmodel.Value { return readmodel.OfTime(time.Unix(int64(i), 0)) }),
		long("birthday", func(i int) readmodel.Value { return readmodel.OfDate(cqrs.DateOf(time.Unix(int64(i)*86400, 0).UTC())) }),
		long("rate", func(i int) readmodel.Value { return readmodel.OfFloat64(float64(i)) }),
		long("digest", func(i int) readmodel.Value { return readmodel.OfBytes([]byte{byte(i), byte(i >> 8)}) }),
	}
	row := func(n int) []readmodel.Value {
		return []readmodel.Value{readmodel.OfBool(true), lists[0].Values[n], lists[1].Values[n], lists[6].Values[n],
			lists[2].Values[n], lists[7].Values[n], lists[4].Values[n], readmodel.OfDuration(1), lists[5].Values[n],
			readmodel.OfDecimal(cqrs.MustDecimal("1")), readmodel.OfJSON([]byte("[]")), lists[3].Values[n]}
	}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		To: readmodel.Checkpoint{Position: 1}, Changes: []readmodel.Change{{Key: []readmodel.Value{readmodel.OfUUID([16]byte{})}, Row: row(9999)}},
	}))
	n, _, err := table.Count(t.Context(), readmodel.Find{Index: -1, Where: readmodel.All(lists...)})
	require.NoError(t, err)
	assert.EqualValues(t, 1, n, "each list has the row's value")
	n, _, err = table.Count(t.Context(), readmodel.Find{Index: -1, Where: readmodel.None(readmodel.Any(lists...))})
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestALargeLoadOfAnotherProjectorLeavesNothing(t *testing.T) {
	table := openTable(t, filepath.Join(t.TempDir(), "read.db"), &ledger)
	at := readmodel.Checkpoint{Position: 1}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: at}))
	changes := ledgerChanges(2*loadRows + 1)
	for _, from := range []readmodel.Checkpoint{{}, {Position: 2}} {
		b := readmodel.Batch{From: from, To: readmodel.Checkpoint{Position: 3}, Changes: changes}
		assert.ErrorIs(t, table.Apply(t.Context(), &b), readmodel.ErrFenced)
	}
	n, c, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Equal(t, at, c)
}

// A projector that was paused in a load writes on, while another one, which took over, is in its own.
func TestARowOfALateLoadReplacesNoNewerOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "read.db")
	late, other := openTable(t, path, &ledger).(*table), openTable(t, path, &ledger).(*table)
	load := func(into *table, at cqrs.Position) []*readmodel.Change {
		changes := ledgerChanges(loadRows + 1)
		for i := range changes {
			changes[i].Position = at
		}
		rest, err := into.load(t.Context(), readmodel.Checkpoint{}, inKeyOrder(changes))
		require.NoError(t, err)
		return rest
	}
	rest := load(other, 2)
	load(late, 1)
	assert.Equal(t, []string{"2|20000"}, shell(t, path,
		"SELECT cqrs_position, count(*) FROM balance_by_currency_0123456789abcdef GROUP BY 1"))

	b := readmodel.Batch{To: readmodel.Checkpoint{Position: 3}}
	for _, change := range rest {
		b.Changes = append(b.Changes, *change)
	}
	require.NoError(t, other.Apply(t.Context(), &b))
	require.ErrorIs(t, late.Apply(t.Context(), &readmodel.Batch{To: readmodel.Checkpoint{Position: 1}}), readmodel.ErrFenced)
	assert.True(t, other.RowsAhead(), "so that a projector also deletes what it never saw stored")
}
