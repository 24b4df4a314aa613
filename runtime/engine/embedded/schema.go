package embedded

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// applicationID marks a database file as a log: "CQRS" in ASCII. SQLite keeps it in the file's header.
const applicationID = 0x43515253

// schemaVersion is the user_version of the files that this package writes.
const schemaVersion = 2

//go:embed schema.sql
var schema string

// RefusedError says why a file is not used as a log. Nothing in the file was changed.
type RefusedError struct {
	Path   string
	Reason string
	// Err is the cause where there is one.
	Err error
}

func (e *RefusedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s is not used as an event log: %s: %v", e.Path, e.Reason, e.Err)
	}
	return fmt.Sprintf("%s is not used as an event log: %s", e.Path, e.Reason)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// refused gives the errors of opening that are about the file itself one type.
func refused(path string, err error) error {
	var setting *sqlitedb.SettingError
	var network *sqlitedb.NetworkError
	var old *oldSchemaError
	switch kind := sqlitedb.Classify(err); {
	case kind == sqlitedb.NotDatabase:
		return &RefusedError{Path: path, Reason: "it is not a SQLite database", Err: err}
	case kind == sqlitedb.Corrupt:
		return &RefusedError{Path: path, Reason: "it is damaged", Err: err}
	case errors.As(err, &old):
		return &RefusedError{Path: path, Reason: "its user_version is 1 and this program needs 2: open it once with embedded.Migrate()"}
	case errors.As(err, &setting):
		return &RefusedError{Path: path, Reason: "it does not take the setting " + setting.Setting, Err: err}
	case kind == sqlitedb.ReadOnly:
		return &RefusedError{Path: path, Reason: "it can't be written", Err: err}
	case kind == sqlitedb.CannotOpen:
		return &RefusedError{Path: path, Reason: "it can't be opened for writing, or its write-ahead log can't", Err: err}
	case errors.As(err, &network):
		return &RefusedError{Path: path, Reason: "it is on a network file system", Err: err}
	}
	return err
}

func foreign(path string, app int64) error {
	reason := fmt.Sprintf("its application_id is %d, so it is another program's database", app)
	return &RefusedError{Path: path, Reason: reason}
}

// oldSchemaError says that the option Migrate is needed.
type oldSchemaError struct{ path string }

func (e *oldSchemaError) Error() string { return e.path + " has the schema of an older release" }

// openDatabase opens the file for writing, with the tables in it. A file that is not ours is refused before anything in
// it is changed: setting it up would turn another program's database into one with a write-ahead log.
func openDatabase(ctx context.Context, path string) (*sqlite.Conn, error) {
	// SQLite takes a file that is shorter than any database for a new one, and would write over it.
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < minDatabase {
		return nil, &RefusedError{Path: path, Reason: "it is not a SQLite database"}
	}
	var empty bool
	conn, err := sqlitedb.OpenIf(ctx, path, func(c *sqlite.Conn) (err error) {
		empty, err = checkSchema(c, path)
		return err
	})
	if err != nil {
		return nil, refused(path, err)
	}
	if empty {
		if err := createSchema(ctx, conn, path); err != nil {
			return nil, errors.Join(refused(path, err), conn.Close())
		}
	}
	if err := tryWriting(ctx, conn); err != nil {
		return nil, errors.Join(refused(path, err), conn.Close())
	}
	return conn, nil
}

// tryWriting begins to write, because SQLite opens for reading alone what it can't write. Who holds the lock can write.
func tryWriting(ctx context.Context, c *sqlite.Conn) error {
	err := sqlitedb.Begin(ctx, c, 0)
	if err == nil || sqlitedb.Classify(err) == sqlitedb.Busy {
		sqlitedb.Rollback(c)
		return nil
	}
	return err
}

// minDatabase is the size of the smallest database, in bytes: one page of the smallest size.
const minDatabase = 512

func createSchema(ctx context.Context, c *sqlite.Conn, path string) error {
	return sqlitedb.Write(ctx, c, sqlitedb.BusyTimeout, func() error {
		// The lock that Open holds is advisory: the transaction decides.
		empty, err := checkSchema(c, path)
		if err != nil || !empty {
			return err
		}
		return sqlitex.ExecuteScript(c, DDL(), nil)
	})
}

// checkSchema reads several values that belong together, so that it must run in a transaction: between two of them
// another process may create the tables.
func checkSchema(c *sqlite.Conn, path string) (empty bool, err error) {
	app, err := integer(c, "PRAGMA application_id")
	if err != nil {
		return false, err
	}
	version, err := integer(c, "PRAGMA user_version")
	if err != nil {
		return false, err
	}
	tables, err := integer(c, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return false, err
	}
	switch {
	case app == 0 && version == 0 && tables == 0:
		return true, nil
	case app != applicationID:
		return false, foreign(path, app)
	case version > schemaVersion:
		return false, &RefusedError{Path: path, Reason: fmt.Sprintf(
			"its user_version is %d and this program knows versions up to %d: a newer release wrote it",
			version, schemaVersion)}
	case version == 1:
		return false, &oldSchemaError{path}
	case version < schemaVersion:
		reason := fmt.Sprintf("its user_version is %d, which no release wrote", version)
		return false, &RefusedError{Path: path, Reason: reason}
	}
	return false, nil
}

// integer returns the one number that a query yields.
func integer(c *sqlite.Conn, query string) (int64, error) {
	stmt, err := c.Prepare(query)
	if err != nil {
		return 0, err
	}
	return sqlitex.ResultInt64(stmt)
}
