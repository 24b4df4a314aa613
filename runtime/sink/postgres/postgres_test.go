package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel/readmodeltest"
)

func openStore(t testing.TB, dsn string, options ...Option) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, append([]Option{Migrate()}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func openTable(t testing.TB, s *Store, schema *readmodel.Schema) *table {
	t.Helper()
	opened, err := s.Table(t.Context(), schema)
	require.NoError(t, err)
	return opened.(*table)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	var n atomic.Int64
	readmodeltest.Run(t, func(t *testing.T) readmodel.Store {
		return openStore(t, dsn, Schema(fmt.Sprintf("store %d", n.Add(1))))
	})
}

// shell runs SQL as a person would, and returns the rows with their columns separated by bars.
func shell(t testing.TB, dsn, query string) (rows []string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	results, err := c.PgConn().Exec(t.Context(), query).ReadAll()
	require.NoError(t, err)
	for _, values := range results[len(results)-1].Rows {
		var columns []string
		for _, v := range values {
			columns = append(columns, string(v))
		}
		rows = append(rows, strings.Join(columns, "|"))
	}
	return rows
}

// as returns the address with another role.
func as(t testing.TB, dsn, role string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("user", role)
	u.RawQuery = q.Encode()
	return u.String()
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
	Indexes: [][]string{{"nickName"}, {"owner", "amount"}, {"accountID"}},
}

func everyKindRow() []readmodel.Value {
	return []readmodel.Value{
		readmodel.OfBool(true), readmodel.OfInt64(math.MinInt64), readmodel.OfUint64(math.MaxUint64), readmodel.OfFloat64(1.5),
		readmodel.OfString("Ada"), readmodel.OfBytes([]byte{1, 0xff}), readmodel.OfTime(time.Date(2026, 3, 1, 9, 0, 0, 5000, time.UTC)),
		readmodel.OfDuration(time.Second), readmodel.OfDate(cqrs.Date{Year: 815, Month: 12, Day: 10}),
		readmodel.OfDecimal(cqrs.MustDecimal("-12.50")),
		readmodel.OfJSON([]byte(`["a"]`)), {},
	}
}

var everyKindKey = []readmodel.Value{readmodel.OfUUID(uuid.UUID{15: 0xab})}

func storeEveryKind(t *testing.T, s *Store) *table {
	table := openTable(t, s, &everyKind)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		To:      readmodel.Checkpoint{Position: 42, Commit: cqrs.CommitID{15: 7}, Handled: 3, Built: true},
		Changes: []readmodel.Change{{Key: everyKindKey, Row: everyKindRow(), Position: 41}},
	}))
	return table
}

func TestRowsAreReadableAndTypedForHandWrittenSQL(t *testing.T) {
	dsn := testserver.Postgres(t)
	s := openStore(t, dsn)
	storeEveryKind(t, s)
	require.NoError(t, s.Promote(t.Context(), "EveryKind", "00000000000000ff"))
	assert.Equal(t, []string{"EveryKind|00000000000000ff|every_kind|every_kind_00000000000000ff|t|t|42|3"},
		shell(t, dsn, "SELECT projection, fingerprint, view_name, table_name, active, built, position, handled FROM readmodels.cqrs_read_models"))
	assert.Equal(t, []string{"00000000-0000-0000-0000-0000000000ab|41|t|-9223372036854775808|18446744073709551615|1.5|Ada|\\x01ff|" +
		"2026-03-01 09:00:00.000005+00|1000000000|0815-12-10|-12.5|[\"a\"]|"},
		shell(t, dsn, `SELECT * FROM readmodels.every_kind`))
	assert.Equal(t, []string{"account_id uuid NO", "cqrs_position bigint NO", "open boolean NO", "amount bigint NO", "size numeric NO",
		"rate double precision NO", "owner text NO", "digest bytea NO", "opened_at timestamp with time zone NO", "took bigint NO",
		"birthday date NO", "price numeric NO", "tags json NO", "nick_name text YES"},
		shell(t, dsn, `SELECT column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns
			WHERE table_name = 'every_kind_00000000000000ff' ORDER BY ordinal_position`))
	assert.Equal(t, []string{
		"every_kind_00000000000000ff_key CREATE UNIQUE INDEX every_kind_00000000000000ff_key ON readmodels.every_kind_00000000000000ff USING btree (account_id)",
		`every_kind_00000000000000ff(nick_name,account_id) CREATE INDEX "every_kind_00000000000000ff(nick_name,account_id)" ` +
			`ON readmodels.every_kind_00000000000000ff USING btree (nick_name NULLS FIRST, account_id)`,
		`every_kind_00000000000000ff(owner,amount,account_id) CREATE INDEX "every_kind_00000000000000ff(owner,amount,account_id)" ` +
			`ON readmodels.every_kind_00000000000000ff USING btree (owner, amount, account_id)`},
		shell(t, dsn, "SELECT indexname || ' ' || indexdef FROM pg_indexes WHERE tablename LIKE 'every_kind%' ORDER BY length(indexname)"),
		"the primary key is the index by account")
}

func TestIndexesAreMadeWhenAGenerationIsBuilt(t *testing.T) {
	dsn := testserver.Postgres(t)
	s := openStore(t, dsn)
	table := openTable(t, s, &ledger)
	indexes := func() int { return len(shell(t, dsn, "SELECT FROM pg_indexes WHERE tablename = '"+table.name+"'")) }
	changes := ledgerChanges(2 * bulkRows)
	first, second := checkpoint(1), checkpoint(2)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: first, Changes: changes}))
	assert.Equal(t, 1, indexes(), "the key's alone")
	second.Built = true
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: first, To: second, Changes: changes[:7]}))
	assert.Equal(t, 2, indexes())
	plan := strings.Join(shell(t, dsn, "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN "+
		"SELECT * FROM "+table.qualified()+" WHERE currency = 'EUR' ORDER BY balance, account"), "\n")
	assert.Contains(t, plan, "Index Scan")
	other := ledger
	other.Indexes = append(other.Indexes, []string{"lastMovement"})
	openTable(t, s, &other)
	assert.Equal(t, 3, indexes(), "a new index of a table that is built is made at once")
}

func checkpoint(n int) readmodel.Checkpoint {
	return readmodel.Checkpoint{Position: cqrs.Position(n), Commit: cqrs.CommitID{15: byte(n)}, Handled: int64(n)}
}

func TestWhatSomebodyElseWroteIntoATableIsNamed(t *testing.T) {
	dsn := testserver.Postgres(t)
	s := openStore(t, dsn)
	table := storeEveryKind(t, s)
	for column, value := range map[string]string{
		"size": "-1", "rate": "'NaN'", "opened_at": "'infinity'", "birthday": "'infinity'", "price": "'NaN'",
	} {
		shell(t, dsn, "UPDATE readmodels.every_kind_00000000000000ff SET "+column+" = "+value)
		_, err := table.Get(t.Context(), [][]readmodel.Value{everyKindKey}, func(int, []readmodel.Value, cqrs.Position) error { return nil })
		assert.ErrorAs(t, err, new(*readmodel.CorruptError), column)
		_, err = table.Find(t.Context(), readmodel.Find{Index: -1}, func(_, _ []readmodel.Value, _ cqrs.Position) error { return nil })
		assert.ErrorAs(t, err, new(*readmodel.CorruptError), column)
		to := checkpoint(43)
		to.Built = true
		from, err := table.Checkpoint(t.Context())
		require.NoError(t, err)
		to.Position = from.Position + 1
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: from, To: to,
			Changes: []readmodel.Change{{Key: everyKindKey, Row: everyKindRow(), Position: to.Position}}}))
	}
}

func TestLongNamesAreShortenedAndStayApart(t *testing.T) {
	dsn := testserver.Postgres(t)
	s := openStore(t, dsn)
	long := strings.Repeat("VeryLong", 7) + "Name"
	schema := readmodel.Schema{
		Projection: long, Fingerprint: "0000000000000001",
		Key: []readmodel.Column{{Name: long + "A", Kind: readmodel.Int64}, {Name: long + "B", Kind: readmodel.Int64}},
		Row: []readmodel.Column{{Name: "xmin", Kind: readmodel.Int64}, {Name: "cqrs_position", Kind: readmodel.Int64}},
	}
	schema.Indexes = [][]string{{long + "B"}, {"xmin", long + "B"}, {"cqrs_position", long + "B"}}
	table := openTable(t, s, &schema)
	to := checkpoint(1)
	to.Built = true
	values := func(n ...int64) (all []readmodel.Value) {
		for _, n := range n {
			all = append(all, readmodel.OfInt64(n))
		}
		return all
	}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: to, Changes: []readmodel.Change{{Key: values(1, 2), Row: values(3, 4)}}}))
	require.NoError(t, s.Promote(t.Context(), long, schema.Fingerprint))
	name := shell(t, dsn, "SELECT view_name FROM readmodels.cqrs_read_models")[0]
	assert.Len(t, name, maxIdentifier)
	assert.Equal(t, []string{"1|2|0|3|4"}, shell(t, dsn, "SELECT * FROM readmodels."+name))
	again := openTable(t, openStore(t, dsn), &schema)
	assert.Equal(t, table.name, again.name)
	n, _, err := again.Count(t.Context(), readmodel.Find{Index: 2, Equal: values(4, 2)})
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
	assert.Len(t, shell(t, dsn, "SELECT FROM pg_indexes WHERE tablename = '"+table.name+"'"), 4)
}

func TestAViewLeadsToTheActiveGenerationAndKeepsItsGrants(t *testing.T) {
	dsn := testserver.Postgres(t)
	s := openStore(t, dsn)
	build := func(fingerprint string, columns ...readmodel.Column) {
		schema := readmodel.Schema{
			Projection: "Balances", Fingerprint: fingerprint,
			Key: []readmodel.Column{{Name: "id", Kind: readmodel.Int64}}, Row: columns,
		}
		row := make([]readmodel.Value, len(columns))
		for i, c := range columns {
			row[i] = readmodel.OfInt64(int64(10 * (i + 1)))
			if c.Kind == readmodel.String {
				row[i] = readmodel.OfString("text")
			}
		}
		to := checkpoint(1)
		to.Built = true
		require.NoError(t, openTable(t, s, &schema).Apply(t.Context(), &readmodel.Batch{To: to,
			Changes: []readmodel.Change{{Key: []readmodel.Value{readmodel.OfInt64(1)}, Row: row, Position: 1}}}))
	}
	number := func(name string) readmodel.Column { return readmodel.Column{Name: name, Kind: readmodel.Int64} }
	build("0000000000000001", number("a"))
	build("0000000000000002", number("a"), number("b"))
	build("0000000000000003", readmodel.Column{Name: "a", Kind: readmodel.String})
	role := "reader_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	shell(t, dsn, fmt.Sprintf("CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA readmodels TO %s", role, role))
	t.Cleanup(func() {
		c, err := pgx.Connect(context.Background(), dsn)
		require.NoError(t, err)
		defer c.Close(context.Background())
		_, err = c.Exec(context.Background(), "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role)
		require.NoError(t, err)
	})
	promote := func(fingerprint string) error { return s.Promote(t.Context(), "Balances", fingerprint) }
	reader := as(t, dsn, role)
	require.NoError(t, promote("0000000000000001"))
	shell(t, dsn, "GRANT SELECT ON readmodels.balances TO "+role)
	assert.Equal(t, []string{"1|1|10"}, shell(t, reader, "SELECT * FROM readmodels.balances"))
	shell(t, dsn, "CREATE VIEW rich AS SELECT a FROM readmodels.balances WHERE a > 5")
	require.NoError(t, promote("0000000000000002"), "a field at the end leaves what is built upon the view alone")
	assert.Equal(t, []string{"1|1|10|20"}, shell(t, reader, "SELECT * FROM readmodels.balances"))

	err := promote("0000000000000003")
	require.ErrorAs(t, err, new(*RefusedError))
	assert.ErrorContains(t, err, "built upon the view")
	assert.Equal(t, []string{"1|1|10|20"}, shell(t, reader, "SELECT * FROM readmodels.balances"), "nothing has changed")
	shell(t, dsn, "DROP VIEW rich")
	require.NoError(t, promote("0000000000000003"))
	assert.Equal(t, []string{"1|1|text"}, shell(t, reader, "SELECT * FROM readmodels.balances"))
	require.NoError(t, promote("0000000000000001"))
	assert.Equal(t, []string{"1|1|10"}, shell(t, reader, "SELECT * FROM readmodels.balances"))
}

func TestAnUnfinishedQueryHoldsNoConnection(t *testing.T) {
	s := openStore(t, testserver.Postgres(t)+"&pool_max_conns=1")
	table := openTable(t, s, &ledger)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: checkpoint(1), Changes: ledgerChanges(20_000)}))
	for _, limit := range []int{0, 1, drained, drained + 1} {
		for _, end := range []error{readmodel.ErrStop, errors.New("no")} {
			_, err := table.Find(t.Context(), readmodel.Find{Index: -1, Limit: limit}, func(_, _ []readmodel.Value, _ cqrs.Position) error { return end })
			if end == readmodel.ErrStop {
				require.NoError(t, err)
			} else {
				require.Equal(t, fmt.Errorf("read model BalanceByCurrency: %w", end), err)
			}
		}
	}
	n, _, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.EqualValues(t, 20_000, n)
}

func TestAClosedStoreSaysSo(t *testing.T) {
	dsn := testserver.Postgres(t)
	before := goleak.IgnoreCurrent()
	s, err := Open(t.Context(), dsn, Migrate())
	require.NoError(t, err)
	table, err := s.Table(t.Context(), &ledger)
	require.NoError(t, err)
	entered, failed := make(chan struct{}), make(chan error)
	go func() {
		_, err := table.Find(context.Background(), readmodel.Find{Index: -1}, func(_, _ []readmodel.Value, _ cqrs.Position) error { return nil })
		if err == nil {
			close(entered)
			// A batch that waits for a lock is ended too.
			err = table.Apply(context.Background(), &readmodel.Batch{To: checkpoint(1)})
		}
		failed <- err
	}()
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	_, err = c.Exec(t.Context(), "BEGIN; LOCK TABLE readmodels.cqrs_checkpoints IN EXCLUSIVE MODE")
	require.NoError(t, err)
	<-entered
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	assert.ErrorIs(t, <-failed, cqrs.ErrClosed)
	require.NoError(t, c.Close(t.Context()))
	_, err = table.Checkpoint(t.Context())
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	assert.ErrorIs(t, table.Apply(t.Context(), &readmodel.Batch{}), cqrs.ErrClosed)
	_, err = s.Table(t.Context(), &ledger)
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	_, err = s.Generations(t.Context(), "")
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	goleak.VerifyNone(t, before)
}
