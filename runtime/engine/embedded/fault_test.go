package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func script(t *testing.T, path, query string) error {
	t.Helper()
	c, err := sqlitedb.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	return sqlitex.ExecuteTransient(c, query, nil)
}

func TestFilesThatAreNoLogAreRefusedByNameAndLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		make   func(path string)
		reason string
	}{
		{"a text", func(path string) {
			require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("Dear Ada, ", 100)), 0o600))
		}, "not a SQLite database"},
		{"another program's database", func(path string) {
			require.NoError(t, script(t, path, "PRAGMA application_id=7"))
		}, "application_id is 7"},
		{"a database of nobody in particular", func(path string) {
			require.NoError(t, script(t, path, "CREATE TABLE events (a)"))
		}, "application_id is 0"},
		{"another program's database with a rollback journal", func(path string) {
			c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
			require.NoError(t, err)
			require.NoError(t, sqlitex.ExecuteTransient(c, "CREATE TABLE rows (a)", nil))
			require.NoError(t, c.Close())
		}, "application_id is 0"},
		{"a newer release's log", func(path string) {
			l, err := Open(t.Context(), filepath.Dir(path))
			require.NoError(t, err)
			require.NoError(t, l.Close())
			require.NoError(t, script(t, path, "PRAGMA user_version=3"))
		}, "user_version is 3"},
		{"a truncated log", func(path string) {
			l, err := Open(t.Context(), filepath.Dir(path))
			require.NoError(t, err)
			require.NoError(t, l.Close())
			require.NoError(t, os.Truncate(path, 5000))
		}, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			c.make(path)
			before, err := os.ReadFile(path)
			require.NoError(t, err)
			_, err = Open(t.Context(), dir)
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, path, refused.Path)
			assert.ErrorContains(t, refused, c.reason)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(before, after), "the file was changed")
		})
	}
}

func TestUnsafeSettingsAndNetworkFileSystemsAreRefusedByName(t *testing.T) {
	var r *RefusedError
	require.ErrorAs(t, refused("x", &sqlitedb.SettingError{Setting: "synchronous", Want: "2", Got: "1"}), &r)
	assert.ErrorContains(t, r, "synchronous")
	require.ErrorAs(t, refused("x", &sqlitedb.NetworkError{FileSystem: "NFS"}), &r)
	assert.ErrorContains(t, r, "NFS")
}

func TestManyGoroutinesMayCreateOneLogAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			l, err := Open(context.Background(), dir)
			if assert.NoError(t, err) {
				_, err := l.Append(context.Background(), oneEvent(cqrs.StreamID{Category: "A", ID: fmt.Sprint(i)}, eventlog.New))
				assert.NoError(t, err)
				assert.NoError(t, l.Close())
			}
		})
	}
	wg.Wait()
	assert.Len(t, requireSound(t, open(t, dir)), 8)
}

func TestStoredEventsCannotBeChangedOrDeleted(t *testing.T) {
	l := open(t, t.TempDir())
	_, err := l.Append(t.Context(), oneEvent(cqrs.StreamID{Category: "A", ID: "1"}, eventlog.New))
	require.NoError(t, err)
	for _, query := range []string{
		"UPDATE events SET data = x'00'", "DELETE FROM events", "UPDATE streams SET name = 'b'", "DELETE FROM streams",
	} {
		err := script(t, l.Path(), query)
		assert.Equal(t, sqlitedb.Constraint, sqlitedb.Classify(err), query)
		assert.ErrorContains(t, err, "never")
	}
	requireSound(t, l)
}

func TestTheViewShowsEventsToPeople(t *testing.T) {
	l := open(t, t.TempDir())
	c := oneEvent(cqrs.StreamID{Category: "Account", ID: "acc/1"}, eventlog.New)
	c.Meta.Time = c.Meta.Time.Add(-1000)
	c.Meta.Actor = "ada"
	_, err := l.Append(t.Context(), c)
	require.NoError(t, err)
	conn, err := sqlitedb.Open(t.Context(), l.Path())
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	var row []string
	query := "SELECT position, stream, version, type, time, actor, data FROM event_log"
	require.NoError(t, sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			for i := range stmt.ColumnCount() {
				row = append(row, stmt.ColumnText(i))
			}
			return nil
		},
	}))
	assert.Equal(t, []string{"1", "Account/acc/1", "1", "Happened", "1969-12-31T23:59:59.999999Z", "ada", `{"of":1}`}, row)
}

// fillUp appends until there is no room, and returns the acknowledged commits.
func fillUp(t *testing.T, l *Log, random *rand.Rand) map[cqrs.CommitID]bool {
	t.Helper()
	acknowledged := make(map[cqrs.CommitID]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		wg.Go(func() {
			for range 100_000 {
				c := randomCommit(random)
				_, err := l.Append(context.Background(), c)
				if err != nil {
					assert.ErrorIs(t, err, eventlog.ErrFull)
					return
				}
				mu.Lock()
				acknowledged[c.ID] = true
				mu.Unlock()
			}
			assert.Fail(t, "the disk never was full")
		})
	}
	wg.Wait()
	return acknowledged
}

func requireExactly(t *testing.T, l *Log, acknowledged map[cqrs.CommitID]bool) {
	t.Helper()
	stored := requireSound(t, l)
	require.Len(t, stored, len(acknowledged), "nothing refused was stored")
	for id := range acknowledged {
		require.NotZero(t, stored[id], "commit %x was acknowledged and is not there", id)
	}
}

func TestAFullDatabaseRefusesCleanlyAndWorksAgainLater(t *testing.T) {
	random := soak.Rand(t)
	dir := t.TempDir()
	l := open(t, dir)
	// Before anything is written the writer's connection is idle, and can be limited from here.
	require.NoError(t, sqlitex.ExecuteTransient(l.writer.conn, "PRAGMA max_page_count=200", nil))
	acknowledged := fillUp(t, l, random)
	requireExactly(t, l, acknowledged)
	require.ErrorIs(t, l.SaveSnapshot(t.Context(), contended, make([]byte, 1<<20)), eventlog.ErrFull)

	// The writer has answered everything, so that its connection is idle again.
	require.NoError(t, sqlitex.ExecuteTransient(l.writer.conn, "PRAGMA max_page_count=1000000", nil))
	for range 20 {
		c := randomCommit(random)
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
		acknowledged[c.ID] = true
	}
	requireExactly(t, l, acknowledged)
	require.NoError(t, l.Close())
	requireExactly(t, open(t, dir), acknowledged)
}

func TestACommitThatSQLiteRefusesTakesNoOtherWithIt(t *testing.T) {
	l := open(t, t.TempDir())
	// A trigger that somebody added stands for whatever else SQLite may refuse.
	require.NoError(t, script(t, l.Path(), `CREATE TRIGGER odd BEFORE INSERT ON events WHEN NEW.actor = 'mallory'
		BEGIN SELECT RAISE(ABORT, 'not you'); END`))
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			s := cqrs.StreamID{Category: "A", ID: fmt.Sprint(w)}
			for i := range 20 {
				c := oneEvent(s, eventlog.Exactly(cqrs.Version(i)))
				_, err := l.Append(t.Context(), c)
				assert.NoError(t, err)
				c = oneEvent(s, eventlog.Any)
				c.Meta.Actor = "mallory"
				_, err = l.Append(t.Context(), c)
				assert.ErrorContains(t, err, "not you")
			}
		})
	}
	wg.Wait()
	assert.Len(t, requireSound(t, l), 16*20)
}

func TestDamageIsNamedAndNeverSkipped(t *testing.T) {
	for name, damage := range map[string]string{
		"position":      "DROP TRIGGER events_are_not_deleted; DELETE FROM events WHERE position = 1500",
		"last position": "DROP TRIGGER events_are_not_updated; UPDATE events SET position = 5000 WHERE position = 2000",
		"version":       "DROP TRIGGER events_are_not_updated; UPDATE events SET version = 5000 WHERE position = 1500",
		"stream":        "DROP TRIGGER streams_are_not_deleted; DELETE FROM streams",
		"type":          "DELETE FROM types",
		"payload":       "DROP TRIGGER events_are_not_updated; UPDATE events SET data = x'7b' WHERE position = 1500",
		"time":          "DROP TRIGGER events_are_not_updated; UPDATE events SET time = time + 1 WHERE position = 1500",
		"actor":         "DROP TRIGGER events_are_not_updated; UPDATE events SET actor = 'mallory' WHERE position = 1500",
		"stream's name": "DROP TRIGGER streams_are_not_updated; UPDATE streams SET name = 'other'",
		"type's name":   "UPDATE types SET name = 'Other'",
		"commit id":     "DROP TRIGGER events_are_not_updated; UPDATE events SET commit_id = x'00' WHERE position = 1500",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := Open(t.Context(), dir)
			require.NoError(t, err)
			c := oneEvent(contended, eventlog.Any)
			c.Streams[0].Events = make([]eventlog.NewEvent, 2000)
			for i := range c.Streams[0].Events {
				c.Streams[0].Events[i] = eventlog.NewEvent{Type: "A", SchemaVersion: 1, ContentType: cqrs.JSON}
			}
			_, err = l.Append(t.Context(), c)
			require.NoError(t, err)
			require.NoError(t, l.Close())
			conn, err := sqlitedb.Open(t.Context(), l.Path())
			require.NoError(t, err)
			require.NoError(t, sqlitex.ExecuteScript(conn, damage, nil))
			require.NoError(t, conn.Close())

			l = open(t, dir)
			var failed []error
			for _, err := range l.Read(t.Context(), eventlog.Query{}) {
				failed = append(failed, err)
			}
			assert.ErrorIs(t, failed[len(failed)-1], eventlog.ErrCorrupt)
			failed = []error{nil}
			for _, err := range l.ReadStream(t.Context(), contended, 1) {
				failed = append(failed, err)
			}
			if name != "last position" && name != "stream" && name != "stream's name" {
				assert.ErrorIs(t, failed[len(failed)-1], eventlog.ErrCorrupt)
			}
			assert.NoError(t, errors.Join(failed[:len(failed)-1]...), "only the last is an error")
		})
	}
}

func TestAValueThatIsNotTheOneWrittenIsNamed(t *testing.T) {
	const unlocked = "DROP TRIGGER events_are_not_updated; DROP TRIGGER streams_are_not_updated; "
	for name, change := range map[string]string{
		"payload":     "UPDATE events SET data = x'00' WHERE position = 2",
		"time":        "UPDATE events SET time = time + 1 WHERE position = 2",
		"commit":      "UPDATE events SET commit_id = randomblob(16) WHERE position = 2",
		"actor":       "UPDATE events SET actor = 'mallory' WHERE position = 2",
		"command":     "UPDATE events SET command_id = 'x' WHERE position = 2",
		"correlation": "UPDATE events SET correlation_id = NULL WHERE position = 2",
		"string that moved": "UPDATE events SET causation_id = correlation_id, correlation_id = NULL " +
			"WHERE position = 2",
		"type":   "UPDATE types SET name = 'Else' WHERE id = (SELECT type FROM events WHERE position = 2)",
		"stream": "UPDATE streams SET name = 'else' WHERE id = (SELECT stream FROM events WHERE position = 2)",
		"two payloads": "UPDATE events SET data = (SELECT data FROM events o WHERE o.position = 5 - events.position) " +
			"WHERE position IN (2, 3)",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir)
			for i := range 3 {
				c := oneEvent(contended, eventlog.Exactly(cqrs.Version(i)))
				c.Meta.CorrelationID = "cor"
				c.Streams[0].Events[0].Data = fmt.Appendf(nil, `{"of":1,"n":%d}`, i)
				_, err := l.Append(t.Context(), c)
				require.NoError(t, err)
			}
			require.NoError(t, l.Close())
			conn, err := sqlitedb.Open(t.Context(), l.Path())
			require.NoError(t, err)
			require.NoError(t, sqlitex.ExecuteScript(conn, unlocked+change, nil))
			require.NoError(t, conn.Close())

			l = open(t, dir)
			var last error
			for _, err := range l.Read(t.Context(), eventlog.Query{}) {
				last = err
			}
			assert.ErrorIs(t, last, eventlog.ErrCorrupt)
			assert.ErrorContains(t, last, "is not what was written")
		})
	}
}
