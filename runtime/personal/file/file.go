// Package file keeps the keys of personal data in a file, for one or several processes of one machine: a SQLite
// database in a directory of its own, that nobody but its owner can enter.
//
// Whatever a method acknowledged is on the disk. A key that is destroyed is overwritten, in the database and in its
// write-ahead log. What the disk itself, a file system that copies on write, or a backup still has of it is wrapped by the
// master key, which belongs elsewhere.
package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// fileName is the database's name in its directory.
const fileName = "keys.db"

// applicationID marks the database as one of keys.
const applicationID = 0x43514b31 // "CQK1"

const schema = `
CREATE TABLE IF NOT EXISTS keys (
	subject_type TEXT NOT NULL,
	subject_id   TEXT NOT NULL,
	key_id       BLOB,
	wrapped      BLOB,
	PRIMARY KEY (subject_type, subject_id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS keys_by_id ON keys (key_id);
`

const (
	connections = 4
	// wait is how long a write waits for those of other processes.
	wait = 10 * time.Second
)

// Store is a personal.Store in a file.
type Store struct {
	path string
	pool *sqlitedb.Pool
}

var _ personal.Store = (*Store)(nil)

// Open opens the store in a directory, which is made if there is none.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the store of personal keys: %w", err)
	}
	path := filepath.Join(dir, fileName)
	if err := prepare(ctx, dir, path); err != nil {
		return nil, fmt.Errorf("the store of personal keys %s: %w", path, err)
	}
	return &Store{path, sqlitedb.NewPool(path, connections, secure)}, nil
}

// prepare makes the database, if there is none, and refuses a file that is another one's.
func prepare(ctx context.Context, dir, path string) error {
	c, err := sqlitedb.OpenIf(ctx, path, accept)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	err = sqlitedb.Write(ctx, c, wait, func() error {
		return sqlitex.ExecuteScript(c, fmt.Sprintf("PRAGMA application_id=%d;\n%s", applicationID, schema), nil)
	})
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// accept refuses a database with content that is not of keys.
func accept(c *sqlite.Conn) error {
	var id, tables int64
	read := func(query string, to *int64) error {
		return sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			*to = s.ColumnInt64(0)
			return nil
		}})
	}
	err := errors.Join(read("PRAGMA application_id", &id), read("SELECT count(*) FROM sqlite_schema", &tables))
	if err == nil && id != applicationID && (id != 0 || tables > 0) {
		err = errors.New("it is a database of something else")
	}
	return err
}

// secure makes SQLite overwrite what it deletes.
func secure(c *sqlite.Conn) error {
	return sqlitex.ExecuteTransient(c, "PRAGMA secure_delete=ON", nil)
}

// Close closes the store.
func (s *Store) Close() error { return s.pool.Close() }

// with calls f with a connection.
func (s *Store) with(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := s.pool.Get(ctx)
	if err != nil {
		return s.failed(err)
	}
	defer s.pool.Put(c)
	return s.failed(f(c))
}

// failed says of an error what it means for the caller.
func (s *Store) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case sqlitedb.Classify(err) == sqlitedb.Busy, sqlitedb.Classify(err) == sqlitedb.Full:
		return fmt.Errorf("%w: %s: %w", personal.ErrUnavailable, s.path, err)
	}
	return fmt.Errorf("the store of personal keys %s: %w", s.path, err)
}

const columns = "SELECT subject_type, subject_id, key_id, wrapped FROM keys "

// record reads a row. What is destroyed has no wrapped key.
func record(stmt *sqlite.Stmt) (r personal.Record) {
	r.Subject = personal.Subject{Type: stmt.ColumnText(0), ID: stmt.ColumnText(1)}
	stmt.ColumnBytes(2, r.ID[:])
	if n := stmt.ColumnLen(3); n > 0 {
		r.Wrapped = make([]byte, n)
		stmt.ColumnBytes(3, r.Wrapped)
	}
	r.Destroyed = r.Wrapped == nil
	return r
}

// Find returns the key of a subject.
func (s *Store) Find(ctx context.Context, of personal.Subject) (r personal.Record, err error) {
	err = s.with(ctx, func(c *sqlite.Conn) error {
		r, err = find(c, of)
		return err
	})
	return r, err
}

func find(c *sqlite.Conn, of personal.Subject) (r personal.Record, err error) {
	err = sqlitex.Execute(c, columns+"WHERE subject_type = ? AND subject_id = ?", &sqlitex.ExecOptions{
		Args: []any{of.Type, of.ID},
		ResultFunc: func(stmt *sqlite.Stmt) error {
			r = record(stmt)
			return nil
		},
	})
	return r, err
}

// Create stores a key for a subject that has none.
func (s *Store) Create(ctx context.Context, of personal.Subject, made personal.Record) (r personal.Record, err error) {
	err = s.with(ctx, func(c *sqlite.Conn) error {
		return sqlitedb.Write(ctx, c, wait, func() error {
			if r, err = find(c, of); err != nil || r.ID != (personal.KeyID{}) || r.Destroyed {
				return err
			}
			r = personal.Record{ID: made.ID, Subject: of, Wrapped: made.Wrapped}
			return sqlitex.Execute(c, "INSERT INTO keys VALUES (?, ?, ?, ?)", &sqlitex.ExecOptions{
				Args: []any{of.Type, of.ID, made.ID[:], made.Wrapped},
			})
		})
	})
	return r, err
}

// Get returns the keys of these ids.
func (s *Store) Get(ctx context.Context, ids []personal.KeyID) (found []personal.Record, err error) {
	err = s.with(ctx, func(c *sqlite.Conn) error {
		return sqlitedb.Read(c, func() error {
			for _, id := range ids {
				err := sqlitex.Execute(c, columns+"WHERE key_id = ?", &sqlitex.ExecOptions{
					Args: []any{id[:]},
					ResultFunc: func(stmt *sqlite.Stmt) error {
						found = append(found, record(stmt))
						return nil
					},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	return found, err
}

// Destroy destroys the key of a subject. It fails with personal.ErrUnavailable while others read: then the key is
// destroyed, but still in the write-ahead log.
func (s *Store) Destroy(ctx context.Context, of personal.Subject) error {
	return s.with(ctx, func(c *sqlite.Conn) error {
		err := sqlitedb.Write(ctx, c, wait, func() error {
			return sqlitex.Execute(c, "INSERT INTO keys (subject_type, subject_id) VALUES (?, ?) "+
				"ON CONFLICT (subject_type, subject_id) DO UPDATE SET wrapped = NULL", &sqlitex.ExecOptions{
				Args: []any{of.Type, of.ID},
			})
		})
		if err != nil {
			return err
		}
		return truncate(c)
	})
}

// truncate empties the write-ahead log, which still has what was overwritten.
func truncate(c *sqlite.Conn) error {
	busy := false
	err := sqlitex.ExecuteTransient(c, "PRAGMA wal_checkpoint(TRUNCATE)", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			busy = stmt.ColumnInt(0) != 0
			return nil
		},
	})
	if err == nil && busy {
		err = fmt.Errorf("%w: others read the write-ahead log all the time, which still has the key", personal.ErrUnavailable)
	}
	return err
}
