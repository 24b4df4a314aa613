// Package sqlite keeps the checkpoints of subscriptions in a SQLite file: of their own, or that of read models. Processes
// share it on one machine.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// writeWait bounds the waiting for another process's write transaction.
const writeWait = time.Minute

// Times are texts of this layout, in UTC, which sort; an empty one is no time.
const timeLayout = "2006-01-02T15:04:05.000000Z"

const ddl = `
CREATE TABLE IF NOT EXISTS cqrs_subscriptions (
	name       TEXT PRIMARY KEY,
	position   INTEGER NOT NULL DEFAULT 0,
	commit_id  TEXT NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	passed     INTEGER NOT NULL DEFAULT 0,
	started    INTEGER NOT NULL DEFAULT 0,
	holder     TEXT NOT NULL DEFAULT '',
	held_until TEXT NOT NULL DEFAULT '',
	report     TEXT NOT NULL DEFAULT '',
	reported   TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cqrs_parked_streams (
	subscription TEXT NOT NULL,
	category     TEXT NOT NULL,
	id           TEXT NOT NULL,
	version      INTEGER NOT NULL,
	position     INTEGER NOT NULL,
	type         TEXT NOT NULL,
	attempts     INTEGER NOT NULL,
	error        TEXT NOT NULL,
	since        TEXT NOT NULL,
	retry        INTEGER NOT NULL,
	PRIMARY KEY (subscription, category, id)
) STRICT`

// Store implements subscription.Store. It is safe for concurrent use, also by several processes on one file.
type Store struct{ writer, readers *sqlitedb.Pool }

// Open opens the file at path, and creates it if there is none. Its directory must exist.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{writer: sqlitedb.NewPool(path, 1, nil), readers: sqlitedb.NewPool(path, 4, nil)}
	err := s.write(ctx, func(c *sqlite.Conn) error { return sqlitex.ExecuteScript(c, ddl, nil) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open subscriptions in %s: %w", path, err), s.Close())
	}
	return s, nil
}

// Close waits for running calls and closes the file. Every later call fails with cqrs.ErrClosed.
func (s *Store) Close() error { return errors.Join(s.readers.Close(), s.writer.Close()) }

func (s *Store) read(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := s.readers.Get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.Put(c)
	return interrupted(ctx, sqlitedb.Read(c, func() error { return f(c) }))
}

func (s *Store) write(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := s.writer.Get(ctx)
	if err != nil {
		return err
	}
	defer s.writer.Put(c)
	return interrupted(ctx, sqlitedb.Write(ctx, c, writeWait, func() error { return f(c) }))
}

// interrupted turns the error of a statement that the context's end interrupted into the context's own.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && sqlitedb.Classify(err) == sqlitedb.Interrupted {
		return ctx.Err()
	}
	return err
}

// run executes a statement with arguments, and calls each for its rows.
func run(c *sqlite.Conn, text string, each func(*sqlite.Stmt) error, args ...any) error {
	return sqlitex.Execute(c, text, &sqlitex.ExecOptions{Args: args, ResultFunc: each})
}

// Load implements subscription.Store.
func (s *Store) Load(ctx context.Context, name string) (at subscription.Checkpoint, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return run(c, "SELECT position, commit_id, passed, started FROM cqrs_subscriptions WHERE name = ?",
			func(stmt *sqlite.Stmt) (err error) {
				at, err = checkpoint(stmt, 0)
				return err
			}, name)
	})
	return at, err
}

// checkpoint reads a checkpoint from the statement's columns from first on.
func checkpoint(stmt *sqlite.Stmt, first int) (subscription.Checkpoint, error) {
	commit, err := uuid.Parse(stmt.ColumnText(first + 1))
	return subscription.Checkpoint{
		Position: cqrs.Position(stmt.ColumnInt64(first)), Commit: cqrs.CommitID(commit), Passed: stmt.ColumnInt64(first + 2),
		Started: stmt.ColumnBool(first + 3),
	}, err
}

func commitText(c subscription.Checkpoint) string { return uuid.UUID(c.Commit).String() }

// Save implements subscription.Store.
func (s *Store) Save(ctx context.Context, name string, step *subscription.Step) error {
	return s.write(ctx, func(c *sqlite.Conn) error {
		if err := run(c, "INSERT INTO cqrs_subscriptions (name) VALUES (?) ON CONFLICT DO NOTHING", nil, name); err != nil {
			return err
		}
		from, to := step.From, step.To
		err := run(c, `UPDATE cqrs_subscriptions SET position = ?, commit_id = ?, passed = ?, started = ?
			WHERE name = ? AND position = ? AND commit_id = ? AND passed = ? AND started = ? AND holder IN ('', ?)`, nil,
			int64(to.Position), commitText(to), to.Passed, to.Started,
			name, int64(from.Position), commitText(from), from.Passed, from.Started, step.Holder)
		if err != nil {
			return err
		}
		if c.Changes() != 1 {
			return subscription.ErrFenced
		}
		for _, id := range step.Unpark {
			err := run(c, "DELETE FROM cqrs_parked_streams WHERE subscription = ? AND category = ? AND id = ?", nil,
				name, id.Category, id.ID)
			if err != nil {
				return err
			}
		}
		for i := range step.Park {
			if err := park(c, name, &step.Park[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func park(c *sqlite.Conn, name string, p *subscription.Parked) error {
	return run(c, `INSERT OR REPLACE INTO cqrs_parked_streams
		(subscription, category, id, version, position, type, attempts, error, since, retry)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, nil,
		name, p.Stream.Category, p.Stream.ID, int64(p.Version), int64(p.Position), p.Type, p.Attempts, p.Error,
		p.Since.UTC().Format(timeLayout), p.Retry)
}

// Parked implements subscription.Store.
func (s *Store) Parked(ctx context.Context, name string) (all []subscription.Parked, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return run(c, `SELECT category, id, version, position, type, attempts, error, since, retry
			FROM cqrs_parked_streams WHERE subscription = ? ORDER BY position`, func(stmt *sqlite.Stmt) error {
			since, err := parseTime(stmt.ColumnText(7))
			all = append(all, subscription.Parked{
				Stream:  cqrs.StreamID{Category: stmt.ColumnText(0), ID: stmt.ColumnText(1)},
				Version: cqrs.Version(stmt.ColumnInt64(2)), Position: cqrs.Position(stmt.ColumnInt64(3)),
				Type: stmt.ColumnText(4), Attempts: stmt.ColumnInt(5), Error: stmt.ColumnText(6), Since: since,
				Retry: stmt.ColumnBool(8),
			})
			return err
		}, name)
	})
	return all, err
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(timeLayout, text)
}

// Retry implements subscription.Store.
func (s *Store) Retry(ctx context.Context, name string, stream cqrs.StreamID) error {
	return s.write(ctx, func(c *sqlite.Conn) error {
		err := run(c, "UPDATE cqrs_parked_streams SET retry = 1 WHERE subscription = ? AND category = ? AND id = ?", nil,
			name, stream.Category, stream.ID)
		if err == nil && c.Changes() == 0 {
			err = subscription.ErrNotParked
		}
		return err
	})
}

// Hold implements subscription.Store. The clock is the machine's, which all processes on the file share.
func (s *Store) Hold(ctx context.Context, name, holder string, ttl time.Duration, report []byte) error {
	return s.write(ctx, func(c *sqlite.Conn) error {
		now := time.Now().UTC()
		var held *subscription.HeldError
		err := run(c, "SELECT holder, held_until FROM cqrs_subscriptions WHERE name = ? AND holder NOT IN ('', ?)",
			func(stmt *sqlite.Stmt) error {
				until, err := parseTime(stmt.ColumnText(1))
				if until.After(now) {
					held = &subscription.HeldError{Subscription: name, Holder: stmt.ColumnText(0), Until: until}
				}
				return err
			}, name, holder)
		if err != nil {
			return err
		}
		if held != nil {
			return held
		}
		return run(c, `INSERT INTO cqrs_subscriptions (name, holder, held_until, report, reported) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until,
				report = excluded.report, reported = excluded.reported`, nil,
			name, holder, now.Add(ttl).Format(timeLayout), string(report), now.Format(timeLayout))
	})
}

// Release implements subscription.Store.
func (s *Store) Release(ctx context.Context, name, holder string, report []byte) error {
	return s.write(ctx, func(c *sqlite.Conn) error {
		return run(c, `UPDATE cqrs_subscriptions SET holder = '', held_until = '', report = ?, reported = ?
			WHERE name = ? AND holder = ?`, nil, string(report), time.Now().UTC().Format(timeLayout), name, holder)
	})
}

// Subscriptions implements subscription.Store.
func (s *Store) Subscriptions(ctx context.Context) (all []subscription.Info, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		return run(c, `SELECT name, position, commit_id, passed, started, holder, held_until, report, reported,
				(SELECT count(*) FROM cqrs_parked_streams WHERE subscription = name)
			FROM cqrs_subscriptions ORDER BY name`, func(stmt *sqlite.Stmt) error {
			info := subscription.Info{Name: stmt.ColumnText(0), Holder: stmt.ColumnText(5), Parked: stmt.ColumnInt(9)}
			var errs [3]error
			info.Checkpoint, errs[0] = checkpoint(stmt, 1)
			info.Until, errs[1] = parseTime(stmt.ColumnText(6))
			info.Reported, errs[2] = parseTime(stmt.ColumnText(8))
			if report := stmt.ColumnText(7); report != "" {
				info.Report = []byte(report)
			}
			all = append(all, info)
			return errors.Join(errs[:]...)
		})
	})
	return all, err
}
