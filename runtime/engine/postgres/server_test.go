package postgres

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// run runs a script as the role of the address.
func run(t testing.TB, dsn, script string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	return execScript(t.Context(), conn, script)
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

func TestUnsafeSettingsAreRefusedByName(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	require.NoError(t, open(t, server.DSN(), Migrate()).Close())
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		server.Stop(t)
		server.Set(t, map[string]string{setting: "off"})
		server.Start(t)
		_, err := Open(t.Context(), server.DSN())
		var unsafe *UnsafeSettingError
		require.ErrorAs(t, err, &unsafe)
		assert.Equal(t, UnsafeSettingError{Setting: setting, Value: "off", Want: "on"}, *unsafe)
		assert.ErrorContains(t, err, fmt.Sprintf("postgres.AcceptUnsafe(%q)", setting))

		l := open(t, server.DSN(), AcceptUnsafe(setting))
		_, err = l.Append(t.Context(), deposit(1, eventlog.Any))
		require.NoError(t, err, "it was asked for")
	}
	server.Stop(t)
	server.Set(t, nil)
	server.Start(t)
	for _, by := range []string{"ROLE postgres", "DATABASE postgres", "ROLE postgres IN DATABASE postgres"} {
		require.NoError(t, run(t, server.DSN(), "ALTER "+by+" SET synchronous_commit = off"))
		_, err := Open(t.Context(), server.DSN())
		require.ErrorAs(t, err, new(*UnsafeSettingError), by)
		require.NoError(t, run(t, server.DSN(), "ALTER "+by+" RESET synchronous_commit"))
	}
}

func TestASettingThatBecomesUnsafeStopsAppendsUntilItIsSafeAgain(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	l := open(t, server.DSN(), Migrate())
	for i, setting := range []string{"fsync", "full_page_writes"} {
		_, err := l.Append(t.Context(), deposit(1, eventlog.Exactly(cqrs.Version(i))))
		require.NoError(t, err)
		require.NoError(t, run(t, server.DSN(), "ALTER SYSTEM SET "+setting+" = off"))
		require.NoError(t, run(t, server.DSN(), "SELECT pg_reload_conf()"))
		var unsafe *UnsafeSettingError
		require.Eventually(t, func() bool {
			_, err := l.Append(t.Context(), deposit(2, eventlog.Any))
			return errors.As(err, &unsafe)
		}, 30*time.Second, time.Millisecond)
		assert.Equal(t, setting, unsafe.Setting)
		head, err := l.Head(t.Context())
		require.NoError(t, err)
		_, err = l.Append(t.Context(), deposit(3, eventlog.Any))
		require.ErrorAs(t, err, &unsafe)
		after, err := l.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, head, after, "nothing was stored")
		require.NoError(t, run(t, server.DSN(), "ALTER SYSTEM RESET "+setting))
		require.NoError(t, run(t, server.DSN(), "SELECT pg_reload_conf()"))
		require.Eventually(t, func() bool {
			_, err := l.Append(t.Context(), deposit(2, eventlog.Any))
			return err == nil
		}, 30*time.Second, time.Millisecond)
	}
}

func TestAWeakerSynchronousCommitIsMadeStrong(t *testing.T) {
	dsn := testserver.Postgres(t)
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	for value, want := range map[string]string{
		"local": "on", "remote_write": "on", "on": "on", "remote_apply": "remote_apply",
	} {
		require.NoError(t, run(t, dsn, "ALTER DATABASE "+config.Database+" SET synchronous_commit = "+value))
		l := open(t, dsn, Migrate())
		_, err := l.Append(t.Context(), deposit(1, eventlog.Any))
		require.NoError(t, err)
		require.NoError(t, l.Close())
		s := newSession(l.settings, l.writing)
		require.NoError(t, s.connect(t.Context()))
		var got string
		require.NoError(t, s.conn.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&got))
		s.close()
		assert.Equal(t, want, got, value)
	}
}

func TestAReplicaIsRefused(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	require.NoError(t, open(t, server.DSN(), Migrate()).Close())
	server.Stop(t)
	require.NoError(t, os.WriteFile(filepath.Join(server.DataDir(), "standby.signal"), nil, 0o600))
	server.Start(t)
	_, err := Open(t.Context(), server.DSN())
	require.ErrorAs(t, err, new(*RefusedError))
	assert.ErrorContains(t, err, "pg_is_in_recovery")
}

func TestADatabaseThatIsNotUnicodeIsRefused(t *testing.T) {
	dsn := testserver.Postgres(t)
	name := "latin_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	require.NoError(t, run(t, dsn, "CREATE DATABASE "+name+" ENCODING LATIN1 LOCALE 'C' TEMPLATE template0"))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), dsn)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), "DROP DATABASE "+name)
		require.NoError(t, err)
	})
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Path = "/" + name
	_, err = Open(t.Context(), u.String(), Migrate())
	require.ErrorAs(t, err, new(*RefusedError))
	assert.ErrorContains(t, err, "LATIN1")
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
	_, err = Open(t.Context(), dsn, ReadBuffer(0))
	require.ErrorAs(t, err, new(*RefusedError))
	for _, name := range []string{`a"; DROP SCHEMA public; --`, "Ünï cödé", "SELECT", strings.Repeat("x", 63), "{schema}", "it's"} {
		l := open(t, dsn, Schema(name), Migrate())
		_, err := l.Append(t.Context(), deposit(1, eventlog.New))
		require.NoError(t, err, "%q", name)
		_, err = l.Wait(t.Context(), 0)
		require.NoError(t, err, "%q", name)
	}
}

func TestTheSchemaIsOnlyCreatedWhenAsked(t *testing.T) {
	dsn := testserver.Postgres(t)
	_, err := Open(t.Context(), dsn)
	var schema *SchemaError
	require.ErrorAs(t, err, &schema)
	assert.Equal(t, SchemaError{Schema: "eventlog", Have: 0, Want: postgresdb.Newest(migrations)}, *schema)
	assert.ErrorContains(t, err, "postgres.Migrate()")
	l := open(t, dsn, Migrate())
	_, err = l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	head, err := open(t, dsn, Migrate()).Head(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, head, "asking again changes nothing")

	require.NoError(t, run(t, dsn, "UPDATE eventlog.log SET schema_version = 99"))
	_, err = Open(t.Context(), dsn, Migrate())
	require.ErrorAs(t, err, &schema)
	assert.Equal(t, 99, schema.Have)
	assert.ErrorContains(t, err, "a newer release")
}

func TestProcessesThatStartAtOnceCreateTheSchemaOnce(t *testing.T) {
	dsn := testserver.Postgres(t)
	opened := make(chan error)
	for range 8 {
		go func() {
			l, err := Open(t.Context(), dsn, Migrate())
			if err == nil {
				err = l.Close()
			}
			opened <- err
		}()
	}
	for range 8 {
		assert.NoError(t, <-opened)
	}
}

func TestStatementsThatWereRunByHandMakeTheSchema(t *testing.T) {
	dsn := testserver.Postgres(t)
	ddl := DDL(Schema("by hand"))
	require.NoError(t, run(t, dsn, ddl))
	l := open(t, dsn, Schema("by hand"))
	_, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	require.Error(t, run(t, dsn, ddl), "a version is run once")
	head, err := l.Head(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 1, head)
	assert.Contains(t, DDL(), "-- Version 1\nBEGIN;\n")
}

func TestAnOlderSchemaIsUpgradedWholeOrNotAtAll(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	_, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	later := append(append([]postgresdb.Migration{}, migrations...),
		postgresdb.Migration{Version: 2, Script: "ALTER TABLE {schema}.snapshots ADD COLUMN note text"},
		postgresdb.Migration{Version: 3, Script: "ALTER TABLE {schema}.snapshots ADD COLUMN {broken} text"})

	var schema *SchemaError
	require.ErrorAs(t, ensureSchema(t.Context(), conn, "eventlog", later[:2], false), &schema)
	assert.Equal(t, SchemaError{Schema: "eventlog", Have: 1, Want: 2}, *schema)
	assert.ErrorContains(t, schema, "versions above 1")

	require.ErrorContains(t, ensureSchema(t.Context(), conn, "eventlog", later, true), "version 3")
	version, err := schemaVersion(t.Context(), conn, "eventlog")
	require.NoError(t, err)
	assert.Equal(t, 1, version)
	require.Error(t, run(t, dsn, "SELECT note FROM eventlog.snapshots"), "version 2 went with version 3")

	require.NoError(t, ensureSchema(t.Context(), conn, "eventlog", later[:2], true))
	require.NoError(t, ensureSchema(t.Context(), conn, "eventlog", later[:2], false))
	require.NoError(t, run(t, dsn, "SELECT note FROM eventlog.snapshots"))
	_, err = Open(t.Context(), dsn)
	require.ErrorAs(t, err, &schema, "a release that only knows version 1")
	assert.Equal(t, SchemaError{Schema: "eventlog", Have: 2, Want: 1}, *schema)
}

func TestMigrationsAreReadFromTheirFile(t *testing.T) {
	got := postgresdb.Migrations("-- Version 1\n\nA;\n-- not a Version 7\nB;\n\n-- Version 2\nC;\n")
	assert.Equal(t, []postgresdb.Migration{{Version: 1, Script: "A;\n-- not a Version 7\nB;"}, {Version: 2, Script: "C;"}}, got)
	for i, m := range migrations {
		assert.Equal(t, i+1, m.Version)
	}
}

func TestNothingThatIsStoredCanBeChanged(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	c := deposit(1, eventlog.New)
	c.Meta.CommandID = "cmd"
	_, err := l.Append(t.Context(), c)
	require.NoError(t, err)
	for _, statement := range []string{
		"UPDATE eventlog.events SET data = ''", "DELETE FROM eventlog.events", "TRUNCATE eventlog.events",
		"UPDATE eventlog.commands SET version = 7", "DELETE FROM eventlog.commands", "TRUNCATE eventlog.commands",
		"UPDATE eventlog.kinds SET type = ''", "DELETE FROM eventlog.kinds", "TRUNCATE eventlog.kinds",
		"DELETE FROM eventlog.log", "TRUNCATE eventlog.log", "TRUNCATE eventlog.events, eventlog.commands CASCADE",
	} {
		err := run(t, dsn, statement)
		assert.Equal(t, "23001", sqlState(err), "%s, by a superuser: %v", statement, err)
	}
}

func TestRolesCanDoWhatTheyMustAndNoMore(t *testing.T) {
	dsn := testserver.Postgres(t)
	require.NoError(t, open(t, dsn, Migrate()).Close())
	suffix := strings.ReplaceAll(uuid.NewString(), "-", "")
	appender, reader, nobody := "appender_"+suffix, "reader_"+suffix, "nobody_"+suffix
	require.NoError(t, run(t, dsn, Roles(appender, reader)))
	require.NoError(t, run(t, dsn, fmt.Sprintf("ALTER ROLE %s LOGIN; ALTER ROLE %s LOGIN; CREATE ROLE %s LOGIN", appender, reader, nobody)))
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), dsn)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		for _, role := range []string{appender, reader, nobody} {
			require.NoError(t, execScript(context.Background(), conn, "DROP OWNED BY "+role+"; DROP ROLE "+role))
		}
	})

	l := open(t, as(t, dsn, appender))
	c := deposit(1, eventlog.New)
	c.Meta.CommandID = "cmd"
	_, err := l.Append(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, l.SaveSnapshot(t.Context(), c.Streams[0].Stream, []byte("x")))
	require.NoError(t, l.SaveSnapshot(t.Context(), c.Streams[0].Stream, []byte("y")))
	_, err = l.Import(t.Context(), deposits(10, 3))
	require.NoError(t, err)

	r := open(t, as(t, dsn, reader))
	n := 0
	for _, err := range r.Read(t.Context(), eventlog.Query{Categories: []string{"Account"}}) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 11, n)
	_, found, err := r.Command(t.Context(), "cmd", c.CommandHash)
	require.NoError(t, err)
	assert.True(t, found)
	_, err = r.Append(t.Context(), deposit(2, eventlog.New))
	require.ErrorAs(t, err, new(*RefusedError))
	assert.ErrorContains(t, err, "postgres.Roles")
	require.ErrorAs(t, r.SaveSnapshot(t.Context(), c.Streams[0].Stream, []byte("z")), new(*RefusedError))

	for _, role := range []string{appender, reader} {
		for _, statement := range []string{
			"UPDATE eventlog.events SET data = ''", "DELETE FROM eventlog.events", "TRUNCATE eventlog.events",
			"UPDATE eventlog.commands SET version = 7", "DELETE FROM eventlog.commands", "DELETE FROM eventlog.kinds",
			"UPDATE eventlog.log SET schema_version = 7", "DELETE FROM eventlog.log", "DROP TABLE eventlog.events",
			"ALTER TABLE eventlog.events DISABLE TRIGGER ALL", "CREATE TABLE eventlog.mine ()", "SET session_replication_role = replica",
		} {
			err := run(t, as(t, dsn, role), statement)
			assert.Equal(t, insufficient, sqlState(err), "%s: %s: %v", role, statement, err)
		}
	}
	for _, statement := range []string{
		"SELECT FROM eventlog.log FOR UPDATE", "BEGIN; LOCK TABLE eventlog.log IN ROW SHARE MODE", "SELECT FROM eventlog.snapshots",
		"INSERT INTO eventlog.kinds VALUES (9, 'a', 'b', 1, 'c')",
	} {
		assert.Equal(t, insufficient, sqlState(run(t, as(t, dsn, reader), statement)), statement)
	}
	_, err = Open(t.Context(), as(t, dsn, nobody))
	require.ErrorAs(t, err, new(*RefusedError))
	_, err = Open(t.Context(), as(t, dsn, "missing_"+suffix))
	require.Error(t, err)
	assert.NotErrorIs(t, err, eventlog.ErrUnavailable, "waiting does not make a role")
}

func TestALockThatIsHeldForLongIsAnErrorThatNamesItsHolder(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate(), func(s *settings) { s.limits.lock = 100 * time.Millisecond })
	holder, err := pgx.Connect(t.Context(), dsn+"&application_name=forgotten")
	require.NoError(t, err)
	defer holder.Close(context.Background())
	_, err = holder.Exec(t.Context(), "BEGIN; SELECT FROM eventlog.log FOR UPDATE")
	require.NoError(t, err)
	_, err = l.Append(t.Context(), deposit(1, eventlog.New))
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
	assert.EqualValues(t, holder.PgConn().PID(), locked.PID)
	assert.Contains(t, locked.Holder, "forgotten")
	assert.Contains(t, locked.Holder, "idle in transaction")
	assert.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = holder.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	got, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.Position)
}

func TestRowsThatWereWrittenWithoutTheLockAreSeenBeforeItIsTooLate(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	_, err := l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	rogue, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer rogue.Close(context.Background())
	_, err = rogue.Exec(t.Context(), `BEGIN; INSERT INTO eventlog.events SELECT 2, 2, time, kind, gen_random_uuid(), stream,
		command_id, correlation_id, causation_id, actor, data FROM eventlog.events`)
	require.NoError(t, err)
	answered := make(chan error)
	go func() {
		// It finds version 1, and then waits for the other transaction in the unique index.
		_, err := l.Append(t.Context(), deposit(1, eventlog.Exactly(1)))
		answered <- err
	}()
	require.Eventually(t, func() bool {
		var n int
		err := rogue.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&n)
		return err == nil && n > 0
	}, 30*time.Second, time.Millisecond)
	_, err = rogue.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, <-answered, &conflict)
	assert.EqualValues(t, 2, conflict.Actual)
}

// childVariable makes TestAProcessThatStallsLosesTheLock the process that stalls.
const childVariable = "CQRSGEN_POSTGRES_CHILD"

func TestAProcessThatStallsLosesTheLock(t *testing.T) {
	stall := func(s *settings) { s.limits.stall = 200 * time.Millisecond }
	if dsn := os.Getenv(childVariable); dsn != "" {
		appendForEver(t, open(t, dsn, stall))
	}
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate(), stall)
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), childVariable+"="+dsn)
	said, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(said)
	require.True(t, lines.Scan(), "it appends")
	acknowledged := []string{lines.Text()}
	const rounds = 8
	for i := range rounds {
		require.NoError(t, child.Process.Signal(syscall.SIGSTOP))
		_, err := l.Append(t.Context(), deposit(1, eventlog.Exactly(cqrs.Version(i))))
		require.NoError(t, err, "the server takes the lock from the process that does not go on")
		require.NoError(t, child.Process.Signal(syscall.SIGCONT))
		require.True(t, lines.Scan(), "it goes on")
		acknowledged = append(acknowledged, lines.Text())
	}
	require.NoError(t, child.Process.Kill())
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
	}
	require.Error(t, child.Wait())
	stored := make(map[string]int)
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		stored[fmt.Sprintf("%x", r.Commit)]++
	}
	for _, id := range acknowledged {
		assert.Equal(t, 1, stored[id])
	}
}

// appendForEver prints each commit that was acknowledged.
func appendForEver(t *testing.T, l *Log) {
	for {
		c := deposit(2, eventlog.Any)
		_, err := l.Append(context.Background(), c)
		require.NoError(t, err)
		fmt.Printf("%x\n", c.ID)
	}
}

func TestAFullDiskIsSaidAndThereIsNothingHalfStored(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	disk := t.TempDir()
	if err := smallDisk(t, disk); err != nil {
		t.Skip("a file system can't be mounted here: ", err)
	}
	space := filepath.Join(disk, "space")
	require.NoError(t, os.Mkdir(space, 0o700))
	server.Own(t, space)
	// Only the tables are on the small disk: a server that has no room for its write-ahead log stops.
	require.NoError(t, run(t, server.DSN(), "CREATE TABLESPACE small LOCATION '"+space+"'"))
	require.NoError(t, run(t, server.DSN(), "ALTER DATABASE postgres SET default_tablespace = small"))
	l := open(t, server.DSN(), Migrate())
	book := newLedger()
	fill := filepath.Join(disk, "fill")
	for range 3 {
		_ = os.WriteFile(fill, make([]byte, 8<<20), 0o600) // as much of it as there is room for
		var err error
		for i := 0; err == nil && i < 10_000; i++ {
			c := deposit(i%10, eventlog.Any)
			c.Streams[0].Events[0].Data = make([]byte, 64<<10)
			_, _ = rand.Read(c.Streams[0].Events[0].Data) // the server compresses what can be
			err = book.append(t.Context(), l, c)
		}
		require.ErrorIs(t, err, eventlog.ErrFull)
		book.verify(t, l)
		require.NoError(t, os.Remove(fill))
		require.NoError(t, book.append(t.Context(), l, deposit(1, eventlog.Any)), "there is room again")
	}
	book.verify(t, l)
}

func TestWhoeverWaitsIsNotToldOfEventsThatTheServerLost(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	for range 5 {
		_, err := l.Append(t.Context(), deposit(1, eventlog.Any))
		require.NoError(t, err)
	}
	// As after a failover to a standby that was behind.
	require.NoError(t, run(t, dsn, "SET session_replication_role = replica; DELETE FROM eventlog.events WHERE position > 2"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := l.Wait(ctx, 2)
	require.ErrorIs(t, err, context.DeadlineExceeded, "there is nothing beyond 2 any more")

	woken := make(chan cqrs.Position)
	go func() {
		head, err := l.Wait(t.Context(), 2)
		assert.NoError(t, err)
		woken <- head
	}()
	_, err = open(t, dsn).Append(t.Context(), deposit(2, eventlog.Any))
	require.NoError(t, err)
	assert.EqualValues(t, 3, <-woken)
}

func TestWhatAppendsTellWhileTheServerIsAskedIsNotTakenBack(t *testing.T) {
	l := open(t, testserver.Postgres(t), Migrate())
	known := l.news.latest()
	l.news.announce(7, false)
	assert.False(t, l.news.polled(known, 5), "7 came while 5 was on its way")
	assert.EqualValues(t, 7, l.news.latest())
	assert.False(t, l.news.polled(7, 5))
	assert.EqualValues(t, 5, l.news.latest())
	assert.True(t, l.news.polled(5, 6))
}

func TestNoGoroutineOutlivesItsLog(t *testing.T) {
	dsn := testserver.Postgres(t)
	before := goleak.IgnoreCurrent()
	l := open(t, dsn, Migrate())
	other := open(t, dsn)
	for i := range 5 {
		woken := make(chan error)
		go func() {
			_, err := other.Wait(t.Context(), cqrs.Position(i))
			woken <- err
		}()
		_, err := l.Append(t.Context(), deposit(1, eventlog.Any))
		require.NoError(t, err)
		require.NoError(t, <-woken)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	_, err := other.Wait(ctx, 1000)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, l.Close())
	require.NoError(t, other.Close())
	goleak.VerifyNone(t, before)
}
