// Package sqlitedb opens SQLite databases the one way in which this module's promises hold: in WAL mode with
// synchronous=FULL, set and read back on each connection, on a local file system. It knows nothing of events or rows.
//
// A *sqlite.Conn belongs to one goroutine at a time; everything else here is safe for concurrent use.
package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// BusyTimeout is how long any statement waits for another connection's lock, unless it was begun by Begin, which has
// its own bound. Readers in WAL mode only meet locks when a database is recovered after a crash.
const BusyTimeout = 10 * time.Second

// SettingError says that a database refused a setting without which nothing that it acknowledges would be safe.
type SettingError struct {
	Path, Setting, Want, Got string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("database %s: %s is %q and can't be made %q: refusing to use it", e.Path, e.Setting, e.Got, e.Want)
}

// NetworkError says that a database lies on a network file system, where SQLite's locks and its shared memory do not
// work.
type NetworkError struct {
	Path, FileSystem string
}

func (e *NetworkError) Error() string {
	return fmt.Sprintf("database %s is on the network file system %s, where SQLite loses data: use a local disk",
		e.Path, e.FileSystem)
}

// OpenError says that a database file can't be opened: Err has the reason, and Classify(Err) its kind. A file that is
// no database is of the kind NotDatabase.
type OpenError struct {
	Path string
	Err  error
}

func (e *OpenError) Error() string { return fmt.Sprintf("open database %s: %v", e.Path, e.Err) }

func (e *OpenError) Unwrap() error { return e.Err }

// Open opens a connection to the database file at path, and creates the file if there is none; its directory must
// exist. The path is taken literally, never as a URI. The end of ctx ends the waiting for locks; it has no effect on
// the opened connection.
//
// Errors: *SettingError, *NetworkError, *OpenError, or that of ctx.
func Open(ctx context.Context, path string) (*sqlite.Conn, error) {
	return OpenIf(ctx, path, func(*sqlite.Conn) error { return nil })
}

// OpenIf is Open for a file that may be another program's: before any setting of the file is changed, accept looks at
// it, in a read transaction, and OpenIf fails with the error of accept, or an *OpenError around it if it is SQLite's.
//
// A program must not look at a database by opening the file itself. On POSIX systems closing the file drops all locks
// that the process has on it, also those of SQLite's connections. Another process may then take itself for the only
// one, and delete the write-ahead log that is still written to: what is acknowledged afterwards would be lost
// (https://www.sqlite.org/howtocorrupt.html, section 2.2).
func OpenIf(ctx context.Context, path string, accept func(*sqlite.Conn) error) (*sqlite.Conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, &OpenError{Path: path, Err: err}
	}
	if strings.IndexByte(abs, 0) >= 0 {
		return nil, &OpenError{Path: path, Err: errors.New("the path holds a NUL")}
	}
	name, err := networkFileSystem(filepath.Dir(abs))
	if err != nil {
		return nil, &OpenError{Path: path, Err: err}
	}
	if name != "" {
		return nil, &NetworkError{Path: path, FileSystem: name}
	}
	c, err := sqlite.OpenConn(abs, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, &OpenError{Path: path, Err: err}
	}
	if err := examine(ctx, c, path, accept); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := configure(ctx, c, path); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func examine(ctx context.Context, c *sqlite.Conn, path string, accept func(*sqlite.Conn) error) error {
	c.SetBusyTimeout(0)
	err := retryBusy(ctx, BusyTimeout, func() error {
		return Read(c, func() error { return accept(c) })
	})
	if kind := Classify(err); kind != None && kind != Other {
		return &OpenError{Path: path, Err: err}
	}
	return err
}

// setting is a pragma that must have a value.
type setting struct{ pragma, value, readBack string }

var settings = []setting{
	{"journal_mode", "WAL", "wal"},
	{"synchronous", "FULL", "2"},
	// Without it an fsync on macOS does not reach the disk. Other systems take the setting and ignore it.
	{"fullfsync", "ON", "1"},
	{"checkpoint_fullfsync", "ON", "1"},
}

func configure(ctx context.Context, c *sqlite.Conn, path string) error {
	// Several processes that open one new file at the same time meet here: the one that is first makes it WAL.
	c.SetBusyTimeout(0)
	defer c.SetBusyTimeout(BusyTimeout)
	for _, s := range settings {
		err := retryBusy(ctx, BusyTimeout, func() error {
			return sqlitex.ExecuteTransient(c, "PRAGMA "+s.pragma+"="+s.value, nil)
		})
		if err == nil {
			err = verify(c, path, s)
		}
		if setting := (*SettingError)(nil); err != nil && !errors.As(err, &setting) && ctx.Err() == nil {
			err = &OpenError{Path: path, Err: err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func verify(c *sqlite.Conn, path string, s setting) error {
	var got string
	err := sqlitex.ExecuteTransient(c, "PRAGMA "+s.pragma, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			got = stmt.ColumnText(0)
			return nil
		},
	})
	if err == nil && got != s.readBack {
		err = &SettingError{Path: path, Setting: s.pragma, Want: s.readBack, Got: got}
	}
	return err
}
