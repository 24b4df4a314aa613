package embedded

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite/sqlitex"
)

// schema1 is what the first version of this package created.
//
//go:embed testdata/schema1.sql
var schema1 string

const oldEvents = 3000

// writeVersion1 writes a log as the first version of this package did: three categories that share types, commands with
// and without events, and a snapshot.
func writeVersion1(t *testing.T, dir string) {
	t.Helper()
	c, err := sqlitedb.Open(t.Context(), filepath.Join(dir, fileName))
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	require.NoError(t, sqlitex.ExecuteScript(c, schema1+fmt.Sprintf(`
		PRAGMA application_id=%d; PRAGMA user_version=1;
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 29)
		INSERT INTO streams (id, category, name) SELECT i+1, 'Category'||(i%%3), 'name/'||i FROM n;
		INSERT INTO types VALUES (1, 'Opened', 1, 'application/json', 0), (2, 'Opened', 2, 'application/json', 0),
			(3, 'Closed', 1, 'text/plain', 0);
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < %d)
		INSERT INTO events SELECT i+1, i%%30+1, i/30+1, i%%7%%3+1, CAST(printf('%%016d', i) AS BLOB), -1000000+i*12345678,
			CASE i%%5 WHEN 0 THEN 'cmd-'||i END, CASE i%%2 WHEN 0 THEN 'correlation' END, NULL,
			CASE i%%3 WHEN 1 THEN 'ada' END, CAST('{"n":'||i||'}' AS BLOB) FROM n;
		UPDATE types SET events = (SELECT count(*) FROM events WHERE type = types.id);
		INSERT INTO commands SELECT command_id, zeroblob(32), position, version, time, correlation_id, causation_id, actor
			FROM events WHERE command_id IS NOT NULL;
		INSERT INTO commands VALUES ('alone', zeroblob(32), 1234, 17, 5, NULL, 'cause', NULL);
		INSERT INTO snapshots VALUES (7, x'00ff');
	`, applicationID, oldEvents-1), nil))
}

func TestALogOfTheFirstVersionIsRefusedUntilItIsUpgraded(t *testing.T) {
	dir := t.TempDir()
	writeVersion1(t, dir)
	_, err := Open(t.Context(), dir)
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	assert.ErrorContains(t, err, "user_version is 1")
	assert.ErrorContains(t, err, "embedded.Migrate")

	for range 2 {
		require.NoError(t, migrate(t.Context(), dir), "a second time it is no error")
	}
	l := open(t, dir)
	requireUpgraded(t, l)
	// The tables are those of a new log.
	assert.Equal(t, tables(t, open(t, t.TempDir())), tables(t, l))
	got, err := l.Append(t.Context(), oneEvent(cqrs.StreamID{Category: "Category0", ID: "name/0"}, oldEvents/30))
	require.NoError(t, err)
	assert.EqualValues(t, oldEvents+1, got.Position)
}

// migrate opens the log with the option Migrate, and closes it.
func migrate(ctx context.Context, dir string) error {
	l, err := Open(ctx, dir, Migrate())
	if err != nil {
		return err
	}
	return l.Close()
}

func requireUpgraded(t *testing.T, l *Log) {
	t.Helper()
	types := []eventType{{"Opened", 1, cqrs.JSON}, {"Opened", 2, cqrs.JSON}, {"Closed", 1, "text/plain"}}
	i, closed := 0, 0
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		typ := types[i%7%3]
		require.Equal(t, typ, eventType{r.Type, r.SchemaVersion, r.ContentType})
		require.Equal(t, cqrs.StreamID{Category: fmt.Sprint("Category", i%30%3), ID: fmt.Sprint("name/", i%30)}, r.Stream)
		require.EqualValues(t, i/30+1, r.Version)
		require.Equal(t, fmt.Sprintf(`{"n":%d}`, i), string(r.Data))
		require.Equal(t, fmt.Sprintf("%016d", i), string(r.Commit[:]))
		require.EqualValues(t, -1000000+i*12345678, r.Time.UnixMicro())
		require.Equal(t, i%2 == 0, r.CorrelationID == "correlation")
		require.Equal(t, i%3 == 1, r.Actor == "ada")
		if typ.name == "Closed" && r.Stream.Category == "Category1" {
			closed++
		}
		i++
	}
	require.Equal(t, oldEvents, i)
	n := 0
	for r, err := range l.Read(t.Context(), eventlog.Query{Types: []string{"Closed"}, Categories: []string{"Category1"}}) {
		require.NoError(t, err)
		require.Equal(t, "Closed", r.Type)
		require.Equal(t, "Category1", r.Stream.Category)
		n++
	}
	require.Equal(t, closed, n, "the index by type was built")
	count, err := l.Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, oldEvents, count)
	var ids []string
	for c, err := range l.Commands(t.Context()) {
		require.NoError(t, err)
		ids = append(ids, c.Outcome.Meta.CommandID)
	}
	require.Len(t, ids, oldEvents/5+1)
	require.Equal(t, 247, slices.Index(ids, "alone"), "in the order of positions")
	first, ok, err := l.Command(t.Context(), "alone", [32]byte{})
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 17, first.Version)
	require.Equal(t, "cause", first.Meta.CausationID)
	sealed, err := l.LoadSnapshot(t.Context(), cqrs.StreamID{Category: "Category0", ID: "name/6"})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 255}, sealed)
}

// tables returns the definitions in the file.
func tables(t *testing.T, l *Log) string {
	t.Helper()
	c, err := l.readers.Get(t.Context())
	require.NoError(t, err)
	defer l.readers.Put(c)
	text, err := sqlitex.ResultText(c.Prep("SELECT group_concat(sql, ';' ORDER BY type, name) FROM sqlite_schema"))
	require.NoError(t, err)
	return text
}

func TestAnUpgradeThatDoesNotComeToItsEndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	writeVersion1(t, dir)
	path := filepath.Join(dir, fileName)
	require.NoError(t, script(t, path, "DROP TRIGGER events_are_not_deleted"))
	require.NoError(t, script(t, path, "CREATE TABLE kept AS SELECT * FROM events WHERE position = 1500"))
	require.NoError(t, script(t, path, "DELETE FROM events WHERE position = 1500"))
	require.NoError(t, script(t, path, `CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
		BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END`))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	err = migrate(t.Context(), dir)
	require.ErrorIs(t, err, eventlog.ErrCorrupt)
	assert.ErrorContains(t, err, "lacks 1 position")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, migrate(ctx, dir), context.Canceled)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)

	require.NoError(t, script(t, path, "INSERT INTO events SELECT * FROM kept"))
	require.NoError(t, migrate(t.Context(), dir))
	requireUpgraded(t, open(t, dir))
}

func TestALogThatIsOpenElsewhereIsNotUpgraded(t *testing.T) {
	dir := t.TempDir()
	writeVersion1(t, dir)
	path := filepath.Join(dir, fileName)
	old, err := sqlitedb.Open(t.Context(), path)
	require.NoError(t, err)
	// It has read before, and reads nothing now.
	_, err = integer(old, "SELECT count(*) FROM events")
	require.NoError(t, err)
	var refused *RefusedError
	require.ErrorAs(t, migrate(t.Context(), dir), &refused)
	assert.ErrorContains(t, refused, "open")
	names, err := sqlitex.ResultText(old.Prep("SELECT group_concat(name ORDER BY id) FROM types"))
	require.NoError(t, err)
	assert.Equal(t, "Opened,Opened,Closed", names, "nothing was changed")
	require.NoError(t, old.Close())
	require.NoError(t, migrate(t.Context(), dir))
	requireUpgraded(t, open(t, dir))
}

func TestOnlyALogIsUpgraded(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, script(t, filepath.Join(dir, fileName), "CREATE TABLE mine (a)"))
	var refused *RefusedError
	require.ErrorAs(t, migrate(t.Context(), dir), &refused)
	assert.ErrorContains(t, refused, "application_id is 0")

	l := open(t, t.TempDir())
	_, err := l.Append(t.Context(), oneEvent(contended, eventlog.New))
	require.NoError(t, err)
	require.NoError(t, migrate(t.Context(), filepath.Dir(l.Path())))
	requireSound(t, l)
}

func TestTheSchemaCanBePrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), fileName)
	c, err := sqlitedb.Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteScript(c, DDL(), nil))
	require.NoError(t, c.Close())
	l := open(t, filepath.Dir(path))
	_, err = l.Append(t.Context(), oneEvent(contended, eventlog.New))
	require.NoError(t, err)
	requireSound(t, l)
}
