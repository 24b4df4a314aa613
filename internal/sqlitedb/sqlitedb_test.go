package sqlitedb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *sqlite.Conn {
	t.Helper()
	c, err := Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func exec(t *testing.T, c *sqlite.Conn, query string) {
	t.Helper()
	require.NoError(t, sqlitex.ExecuteTransient(c, query, nil))
}

func pragma(t *testing.T, c *sqlite.Conn, name string) (value string) {
	t.Helper()
	require.NoError(t, sqlitex.ExecuteTransient(c, "PRAGMA "+name, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { value = stmt.ColumnText(0); return nil },
	}))
	return value
}

func TestEveryConnectionIsInWALModeAndSyncsEachCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for range 2 {
		c := open(t, path)
		assert.Equal(t, "wal", pragma(t, c, "journal_mode"))
		assert.Equal(t, "2", pragma(t, c, "synchronous"))
	}
}

func TestADatabaseMadeWithOtherSettingsIsMendedWhenOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	require.NoError(t, err)
	exec(t, c, "PRAGMA journal_mode=TRUNCATE")
	exec(t, c, "CREATE TABLE a (b)")
	require.NoError(t, c.Close())
	assert.Equal(t, "wal", pragma(t, open(t, path), "journal_mode"))
}

func TestASettingThatDoesNotStickIsRefusedByName(t *testing.T) {
	c, err := sqlite.OpenConn(":memory:", sqlite.OpenReadWrite)
	require.NoError(t, err)
	defer c.Close()
	var refused *SettingError
	require.ErrorAs(t, configure(t.Context(), c, "x.db"), &refused)
	assert.Equal(t, SettingError{Path: "x.db", Setting: "journal_mode", Want: "wal", Got: "memory"}, *refused)
	assert.ErrorContains(t, refused, "journal_mode")
}

func TestAFileThatIsNoDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	text := []byte(strings.Repeat("Dear Ada, ", 100))
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err := Open(t.Context(), path)
	var refused *OpenError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, NotDatabase, Classify(err))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, text, after)
}

func TestPathsAreTakenLiterally(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file:x?mode=memory", "100%41.db", ":memory:", "with space"} {
		c := open(t, filepath.Join(dir, name))
		exec(t, c, "CREATE TABLE a (b)")
		assert.FileExists(t, filepath.Join(dir, name))
	}
	_, err := Open(t.Context(), filepath.Join(dir, "a\x00b"))
	assert.ErrorContains(t, err, "NUL")
	_, err = Open(t.Context(), filepath.Join(dir, "missing", "a.db"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestManyConnectionsOpenOneNewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c, err := Open(context.Background(), path)
			if assert.NoError(t, err) {
				assert.NoError(t, c.Close())
			}
		})
	}
	wg.Wait()
}

func TestBeginWaitsForTheOtherWriterNoLongerThanItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a, b := open(t, path), open(t, path)
	require.NoError(t, Begin(t.Context(), a, 0))

	err := Begin(t.Context(), b, 5*time.Millisecond)
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, Busy, Classify(err))
	assert.GreaterOrEqual(t, busy.Waited, 5*time.Millisecond)

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, Begin(ctx, b, time.Hour), context.DeadlineExceeded)

	got := make(chan error)
	go func() { got <- Begin(context.Background(), b, time.Minute) }()
	require.NoError(t, Commit(a))
	require.NoError(t, <-got)
	Rollback(b)
}

func TestAFailedWriteLeavesNothingBehind(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "a.db"))
	exec(t, c, "CREATE TABLE a (b UNIQUE)")
	sentinel := errors.New("no")
	err := Write(t.Context(), c, 0, func() error {
		exec(t, c, "INSERT INTO a VALUES (1)")
		return sentinel
	})
	assert.ErrorIs(t, err, sentinel)
	assert.Panics(t, func() {
		_ = Write(t.Context(), c, 0, func() error {
			exec(t, c, "INSERT INTO a VALUES (1)")
			panic("no")
		})
	})
	assert.True(t, c.AutocommitEnabled())
	require.NoError(t, Write(t.Context(), c, 0, func() error {
		exec(t, c, "INSERT INTO a VALUES (1)")
		return nil
	}))
	n, err := sqlitex.ResultInt64(c.Prep("SELECT count(*) FROM a"))
	require.NoError(t, err)
	assert.EqualValues(t, 1, n)
}

func TestErrorsAreToldApart(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "a.db"))
	exec(t, c, "CREATE TABLE a (b UNIQUE)")
	exec(t, c, "PRAGMA max_page_count=8")
	assert.Equal(t, None, Classify(nil))
	assert.Equal(t, Other, Classify(errors.New("x")))
	assert.Equal(t, Other, Classify(sqlitex.ExecuteTransient(c, "SELECT nonsense", nil)))
	exec(t, c, "INSERT INTO a VALUES (1)")
	assert.Equal(t, Constraint, Classify(sqlitex.ExecuteTransient(c, "INSERT INTO a VALUES (1)", nil)))
	assert.Equal(t, Full, Classify(sqlitex.ExecuteTransient(c, "INSERT INTO a VALUES (randomblob(100000))", nil)))
	assert.Equal(t, IO, Classify(sqlite.ResultIOErrFsync.ToError()))
	assert.Equal(t, Other, Classify(sqlite.ResultIOErrNoMem.ToError()))
	assert.Equal(t, Corrupt, Classify(sqlite.ResultCorrupt.ToError()))
}

func TestThePoolLendsAtMostItsSize(t *testing.T) {
	prepared := 0
	p := NewPool(filepath.Join(t.TempDir(), "a.db"), 2, func(*sqlite.Conn) error { prepared++; return nil })
	a, err := p.Get(t.Context())
	require.NoError(t, err)
	b, err := p.Get(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = p.Get(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	p.Put(a)
	again, err := p.Get(t.Context())
	require.NoError(t, err)
	assert.Same(t, a, again)
	assert.Equal(t, 2, prepared)

	waiting, closed := make(chan error), make(chan error)
	go func() { _, err := p.Get(context.Background()); waiting <- err }()
	go func() { closed <- p.Close() }()
	assert.ErrorIs(t, <-waiting, cqrs.ErrClosed)
	p.Put(b)
	p.Put(again)
	assert.NoError(t, <-closed)
	assert.NoError(t, p.Close())
	_, err = p.Get(t.Context())
	assert.ErrorIs(t, err, cqrs.ErrClosed)
}

func TestAConnectionThatCannotBePreparedIsNotLent(t *testing.T) {
	sentinel := errors.New("no")
	p := NewPool(filepath.Join(t.TempDir(), "a.db"), 1, func(*sqlite.Conn) error { return sentinel })
	for range 2 {
		_, err := p.Get(t.Context())
		assert.ErrorIs(t, err, sentinel)
	}
	assert.NoError(t, p.Close())
}

func TestTheEndOfTheContextInterruptsWhatRuns(t *testing.T) {
	p := NewPool(filepath.Join(t.TempDir(), "a.db"), 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := p.Get(ctx)
	require.NoError(t, err)
	require.NoError(t, Begin(ctx, c, 0))
	time.AfterFunc(20*time.Millisecond, cancel)
	endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n"
	assert.Equal(t, Interrupted, Classify(sqlitex.ExecuteTransient(c, endless, nil)))
	p.Put(c)

	c, err = p.Get(t.Context())
	require.NoError(t, err)
	assert.True(t, c.AutocommitEnabled(), "the transaction was rolled back")
	exec(t, c, "CREATE TABLE a (b)")
	p.Put(c)
	require.NoError(t, p.Close())
}
