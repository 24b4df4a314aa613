package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestSettingsThatTearRowsAndCheckpointApartAreRefusedByName(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	require.NoError(t, openStore(t, server.DSN()).Close())
	for _, setting := range integrity {
		server.Stop(t)
		server.Set(t, map[string]string{setting: "off"})
		server.Start(t)
		_, err := Open(t.Context(), server.DSN())
		var unsafe *UnsafeSettingError
		require.ErrorAs(t, err, &unsafe)
		assert.Equal(t, UnsafeSettingError{Setting: setting, Value: "off", Want: "on"}, *unsafe)
		assert.ErrorContains(t, err, fmt.Sprintf("postgres.AcceptUnsafe(%q)", setting))
		openTable(t, openStore(t, server.DSN(), AcceptUnsafe(setting)), &deposits)
	}
}

func TestAReplicaIsReadAndNotWritten(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	h := history{accounts: 7}
	s := openStore(t, server.DSN())
	_, err := h.project(t.Context(), openTable(t, s, &deposits), 10, true)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	server.Stop(t)
	require.NoError(t, os.WriteFile(filepath.Join(server.DataDir(), "standby.signal"), nil, 0o600))
	server.Start(t)
	s = openStore(t, server.DSN())
	table := openTable(t, s, &deposits)
	assert.EqualValues(t, 10, h.verify(t, table))
	_, err = h.project(t.Context(), table, 10, true)
	require.ErrorAs(t, err, new(*RefusedError))
	require.ErrorIs(t, err, readmodel.ErrUnavailable, "after a failover it passes")
}

func TestADatabaseThatIsNotUnicodeIsRefused(t *testing.T) {
	dsn := testserver.Postgres(t)
	name := "latin_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	shell(t, dsn, "CREATE DATABASE "+name+" ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
	t.Cleanup(func() { runAfter(t, dsn, "DROP DATABASE "+name) })
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	_, err = Open(t.Context(), strings.Replace(dsn, "/"+config.Database, "/"+name, 1), Migrate())
	require.ErrorAs(t, err, new(*RefusedError))
	assert.ErrorContains(t, err, "LATIN1")
}

// runAfter runs a statement when the test has ended.
func runAfter(t *testing.T, dsn, statement string) {
	c, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	require.NoError(t, execScript(context.Background(), c, statement))
}

func TestWhatCannotBeAnAddressOrASchemaIsRefused(t *testing.T) {
	dsn := testserver.Postgres(t)
	for _, name := range []string{"", strings.Repeat("x", 64), "a\x00b", "\xff"} {
		_, err := Open(t.Context(), dsn, Schema(name), Migrate())
		require.ErrorAs(t, err, new(*RefusedError), "%q", name)
	}
	_, err := Open(t.Context(), "postgres://%zz", Migrate())
	require.ErrorAs(t, err, new(*RefusedError))
	_, err = Open(t.Context(), dsn, AcceptUnsafe("fsnyc"))
	require.ErrorAs(t, err, new(*RefusedError))
	_, err = Open(t.Context(), as(t, dsn, "nobody_at_all"), Migrate())
	require.Error(t, err)
	assert.NotErrorIs(t, err, readmodel.ErrUnavailable, "waiting does not make a role")
	for _, name := range []string{`a"; DROP SCHEMA public; --`, "Ünï cödé", "SELECT", strings.Repeat("x", 63), "{schema}", "it's", "$1"} {
		s := openStore(t, dsn, Schema(name))
		table, h := openTable(t, s, &deposits), history{accounts: 3000}
		for _, step := range []cqrs.Position{2_500, 10} {
			_, err := h.project(t.Context(), table, step, true)
			require.NoError(t, err, "%q", name)
		}
		require.NoError(t, s.Promote(t.Context(), deposits.Projection, deposits.Fingerprint), "%q", name)
		assert.EqualValues(t, 2_510, h.verify(t, table))
		require.NoError(t, s.Close())
	}
}

func TestTheCatalogueIsOnlyCreatedWhenAsked(t *testing.T) {
	dsn := testserver.Postgres(t)
	_, err := Open(t.Context(), dsn)
	var missing *SchemaError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, SchemaError{Schema: "readmodels", Have: 0, Want: postgresdb.Newest(migrations)}, *missing)
	assert.ErrorContains(t, err, "postgres.Migrate()")
	openTable(t, openStore(t, dsn), &deposits)
	openTable(t, openStore(t, dsn), &deposits)
	s, err := Open(t.Context(), dsn)
	require.NoError(t, err)
	require.NoError(t, s.Close())

	shell(t, dsn, "UPDATE readmodels.cqrs_catalogue SET version = 99")
	_, err = Open(t.Context(), dsn, Migrate())
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, 99, missing.Have)
	assert.ErrorContains(t, err, "a newer release")
}

func TestProcessesThatStartAtOnceCreateEverythingOnce(t *testing.T) {
	dsn := testserver.Postgres(t)
	opened := make(chan error)
	const n = 6
	for range n {
		go func() {
			s, err := Open(t.Context(), dsn, Migrate())
			if err == nil {
				_, err = s.Table(t.Context(), &deposits)
				_ = s.Close()
			}
			opened <- err
		}()
	}
	for range n {
		assert.NoError(t, <-opened)
	}
	assert.Equal(t, []string{"deposits"}, shell(t, dsn, "SELECT view_name FROM readmodels.cqrs_read_models"))
}

func TestStatementsThatWereRunByHandMakeWhatAProgramMakes(t *testing.T) {
	byHand, byProgram := testserver.Postgres(t), testserver.Postgres(t)
	long := deposits
	long.Projection, long.Fingerprint = strings.Repeat("Long", 15), "00000000000000d9"
	later := deposits
	later.Fingerprint = "00000000000000d1"
	like := deposits
	like.Projection = "deposits"
	schemas := []*readmodel.Schema{&everyKind, &deposits, &later, &like, &long}
	tables, err := TableDDL(schemas)
	require.NoError(t, err)
	shell(t, byHand, DDL()+tables)
	s := openStore(t, byProgram)
	for _, schema := range schemas {
		table := openTable(t, s, schema)
		to := checkpoint(1)
		to.Built = true // then it has all of its indexes
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: to}))
	}
	for _, query := range []string{
		"SELECT projection, view_name FROM readmodels.cqrs_projections ORDER BY 1",
		"SELECT projection, fingerprint, table_name, shape FROM readmodels.cqrs_generations ORDER BY id",
		"SELECT indexdef FROM pg_indexes WHERE schemaname = 'readmodels' ORDER BY 1",
		`SELECT table_name, column_name, data_type, collation_name, is_nullable FROM information_schema.columns
			WHERE table_schema = 'readmodels' ORDER BY table_name, ordinal_position`,
	} {
		assert.Equal(t, shell(t, byProgram, query), shell(t, byHand, query), query)
	}
	h := history{accounts: 5}
	table := openTable(t, openStore(t, byHand), &deposits)
	_, err = h.project(t.Context(), table, 30, true)
	require.NoError(t, err)
	h.verify(t, table)
	_, err = TableDDL([]*readmodel.Schema{{Projection: "no key"}})
	require.ErrorAs(t, err, new(*readmodel.SchemaError))
}

func TestRolesCanDoWhatTheyMustAndNoMore(t *testing.T) {
	dsn := testserver.Postgres(t)
	require.NoError(t, openStore(t, dsn).Close())
	suffix := strings.ReplaceAll(uuid.NewString(), "-", "")
	writer, reader := "writer_"+suffix, "reader_"+suffix
	shell(t, dsn, Roles(writer, reader)+"; ALTER ROLE "+reader+" LOGIN")
	t.Cleanup(func() {
		for _, role := range []string{writer, reader} {
			runAfter(t, dsn, "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role)
		}
	})
	s, err := Open(t.Context(), as(t, dsn, writer))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	table, h := openTable(t, s, &deposits), history{accounts: 3000}
	for _, step := range []cqrs.Position{2_500, 10} {
		_, err := h.project(t.Context(), table, step, true)
		require.NoError(t, err)
	}
	require.NoError(t, table.Hold(t.Context(), "me", time.Minute, []byte("{}")))
	require.NoError(t, table.Release(t.Context(), "me", nil))
	require.NoError(t, s.Promote(t.Context(), deposits.Projection, deposits.Fingerprint))
	assert.Len(t, shell(t, as(t, dsn, reader), "SELECT * FROM readmodels.deposits LIMIT 3"), 3, "views that were made later, too")
	assert.Len(t, shell(t, as(t, dsn, reader), "SELECT * FROM readmodels.cqrs_read_models"), 1)

	r, err := Open(t.Context(), as(t, dsn, reader))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	seen := openTable(t, r, &deposits)
	h.verify(t, seen)
	for name, err := range map[string]error{
		"a batch": seen.Apply(t.Context(), &readmodel.Batch{From: h.checkpoint(2_510, true), To: h.checkpoint(2_511, true)}),
		"a lease": seen.Hold(t.Context(), "me", time.Minute, nil), "a drop": r.Drop(t.Context(), deposits.Projection, deposits.Fingerprint),
		"a promotion": r.Promote(t.Context(), deposits.Projection, deposits.Fingerprint),
	} {
		require.ErrorAs(t, err, new(*RefusedError), name)
		assert.ErrorContains(t, err, "postgres.Roles", name)
	}
	_, err = r.Table(t.Context(), &ledger)
	require.ErrorAs(t, err, new(*RefusedError))
	for _, role := range []string{writer, reader} {
		for _, statement := range []string{"UPDATE readmodels.cqrs_catalogue SET version = 7", "DROP TABLE readmodels.cqrs_leases"} {
			c, err := pgx.Connect(t.Context(), as(t, dsn, role))
			require.NoError(t, err)
			assert.Equal(t, insufficient, sqlState(execScript(t.Context(), c, statement)), "%s: %s", role, statement)
			require.NoError(t, c.Close(t.Context()))
		}
	}
}

func TestWhatIsTooLongForAnIndexIsSaid(t *testing.T) {
	table := openTable(t, openStore(t, testserver.Postgres(t)), &ledger)
	var noise strings.Builder
	for range 200 {
		noise.WriteString(uuid.NewString())
	}
	c := ledgerChanges(1)[0]
	c.Key = []readmodel.Value{readmodel.OfString(noise.String()), readmodel.OfString("EUR")}
	err := table.Apply(t.Context(), &readmodel.Batch{To: checkpoint(1), Changes: []readmodel.Change{c}})
	require.ErrorAs(t, err, new(*RefusedError))
	assert.ErrorContains(t, err, "too long for an index")
	assert.NotErrorIs(t, err, readmodel.ErrUnavailable)
}

func TestAConnectionKeepsSoManyStatementsAndNoMore(t *testing.T) {
	s := openStore(t, testserver.Postgres(t)+"&pool_max_conns=1")
	table, h := openTable(t, s, &deposits), history{accounts: 97}
	_, err := h.project(t.Context(), table, 100, true)
	require.NoError(t, err)
	for limit := 1; limit < 3*maxStatements; limit++ {
		n := 0
		_, err := table.Find(t.Context(), readmodel.Find{Index: -1, Limit: limit}, func(_, _ []readmodel.Value, _ cqrs.Position) error { n++; return nil })
		require.NoError(t, err)
		require.Positive(t, n)
	}
	var prepared int
	require.NoError(t, s.readers.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&prepared))
	assert.LessOrEqual(t, prepared, maxStatements+1)
}

func TestTheStatementsOfOthersOnAConnectionStay(t *testing.T) {
	s := openStore(t, testserver.Postgres(t))
	err := s.with(t.Context(), s.readers, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Prepare(ctx, "of_others", "SELECT 1")
		require.NoError(t, err)
		for i := range 2*maxStatements + 1 {
			require.NoError(t, exchange(ctx, c, []query{{sql: fmt.Sprintf("SELECT %d", i)}}))
		}
		_, err = c.Exec(ctx, "of_others")
		return err
	})
	require.NoError(t, err)
}
