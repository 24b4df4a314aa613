// Package postgres keeps the checkpoints of subscriptions in a PostgreSQL database: of the log, of read models, or
// another one. Processes on several machines share it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// ddl makes the tables, in the first schema of the search path. The lock keeps two processes from making them at the same
// time, which PostgreSQL answers with an error. The hash is of the tables' names.
const ddl = `
SELECT pg_advisory_xact_lock(hashtext('cqrs_subscriptions'), hashtext(current_schema()));
CREATE TABLE IF NOT EXISTS cqrs_subscriptions (
	name       text COLLATE "C" PRIMARY KEY,
	position   bigint NOT NULL DEFAULT 0,
	commit_id  uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	passed     bigint NOT NULL DEFAULT 0,
	started    boolean NOT NULL DEFAULT false,
	holder     text NOT NULL DEFAULT '',
	held_until timestamptz,
	report     text NOT NULL DEFAULT '',
	reported   timestamptz
);
CREATE TABLE IF NOT EXISTS cqrs_parked_streams (
	subscription text NOT NULL,
	category     text NOT NULL,
	id           text NOT NULL,
	version      bigint NOT NULL,
	position     bigint NOT NULL,
	type         text NOT NULL,
	attempts     bigint NOT NULL,
	error        text NOT NULL,
	since        timestamptz NOT NULL,
	retry        boolean NOT NULL,
	PRIMARY KEY (subscription, category, id)
)`

// Store implements subscription.Store. It is safe for concurrent use, also by several processes on one database.
type Store struct{ pool *pgxpool.Pool }

// Open connects to a database, postgres://user@host/database, and makes the tables cqrs_subscriptions and
// cqrs_parked_streams if they are not there.
func Open(ctx context.Context, dsn string) (*Store, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("open subscriptions in PostgreSQL: %w", err)
	}
	s := &Store{pool}
	if err := s.create(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open subscriptions in PostgreSQL: %w", err)
	}
	return s, nil
}

// create makes the tables. A role that may not create them finds them, or fails.
func (s *Store) create(ctx context.Context) error {
	var there bool
	err := s.pool.QueryRow(ctx, `SELECT to_regclass('cqrs_subscriptions') IS NOT NULL
		AND to_regclass('cqrs_parked_streams') IS NOT NULL`).Scan(&there)
	if err == nil && !there {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			_, err := tx.Conn().PgConn().Exec(ctx, ddl).ReadAll()
			return err
		})
	}
	return failed(ctx, err)
}

// Close waits for running calls and closes all connections. Every later call fails with cqrs.ErrClosed.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// passing are the classes of errors, and errors, that pass by themselves: of connections, of resources, of a server that
// stops or starts, and of transactions that met another one.
var passing = []string{"08", "53", "57P", "58", "40", "25006"}

// failed gives an error its meaning: that of the context, cqrs.ErrClosed, or subscription.ErrUnavailable for what passes.
func failed(ctx context.Context, err error) error {
	var (
		answer  *pgconn.PgError
		network net.Error
	)
	switch {
	case err == nil || errors.Is(err, subscription.ErrFenced) || errors.Is(err, subscription.ErrNotParked) ||
		errors.As(err, new(*subscription.HeldError)):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.Contains(err.Error(), "closed pool"):
		return cqrs.ErrClosed
	case errors.As(err, &answer):
		for _, class := range passing {
			if strings.HasPrefix(answer.Code, class) {
				return fmt.Errorf("%w: %w", subscription.ErrUnavailable, err)
			}
		}
		return err
	case errors.As(err, &network) || errors.As(err, new(*pgconn.ConnectError)) || pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF"):
		return fmt.Errorf("%w: %w", subscription.ErrUnavailable, err)
	}
	return err
}

// write runs f in a transaction.
func (s *Store) write(ctx context.Context, f func(tx pgx.Tx) error) error {
	return failed(ctx, pgx.BeginFunc(ctx, s.pool, f))
}

// Load implements subscription.Store.
func (s *Store) Load(ctx context.Context, name string) (at subscription.Checkpoint, err error) {
	err = s.pool.QueryRow(ctx, "SELECT position, commit_id, passed, started FROM cqrs_subscriptions WHERE name = $1", name).
		Scan(&at.Position, (*[16]byte)(&at.Commit), &at.Passed, &at.Started)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return at, failed(ctx, err)
}

// Save implements subscription.Store.
func (s *Store) Save(ctx context.Context, name string, step *subscription.Step) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		from, to := step.From, step.To
		if _, err := tx.Exec(ctx, "INSERT INTO cqrs_subscriptions (name) VALUES ($1) ON CONFLICT DO NOTHING", name); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `UPDATE cqrs_subscriptions SET position = $2, commit_id = $3, passed = $4, started = $5
			WHERE name = $1 AND position = $6 AND commit_id = $7 AND passed = $8 AND started = $9 AND holder IN ('', $10)`,
			name, to.Position, [16]byte(to.Commit), to.Passed, to.Started,
			from.Position, [16]byte(from.Commit), from.Passed, from.Started, step.Holder)
		if err != nil {
			return err
		}
		if done.RowsAffected() != 1 {
			return subscription.ErrFenced
		}
		return tx.SendBatch(ctx, parking(name, step)).Close()
	})
}

// parking returns the statements that unpark and park.
func parking(name string, step *subscription.Step) *pgx.Batch {
	b := &pgx.Batch{}
	for _, id := range step.Unpark {
		b.Queue("DELETE FROM cqrs_parked_streams WHERE subscription = $1 AND category = $2 AND id = $3",
			name, id.Category, id.ID)
	}
	for i := range step.Park {
		p := &step.Park[i]
		b.Queue(`INSERT INTO cqrs_parked_streams
				(subscription, category, id, version, position, type, attempts, error, since, retry)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (subscription, category, id) DO UPDATE SET version = excluded.version, position = excluded.position,
				type = excluded.type, attempts = excluded.attempts, error = excluded.error, since = excluded.since,
				retry = excluded.retry`,
			name, p.Stream.Category, p.Stream.ID, p.Version, p.Position, p.Type, p.Attempts, p.Error, p.Since, p.Retry)
	}
	return b
}

// Parked implements subscription.Store.
func (s *Store) Parked(ctx context.Context, name string) ([]subscription.Parked, error) {
	rows, err := s.pool.Query(ctx, `SELECT category, id, version, position, type, attempts, error, since, retry
		FROM cqrs_parked_streams WHERE subscription = $1 ORDER BY position`, name)
	if err != nil {
		return nil, failed(ctx, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p subscription.Parked, err error) {
		err = row.Scan(&p.Stream.Category, &p.Stream.ID, &p.Version, &p.Position, &p.Type, &p.Attempts, &p.Error, &p.Since,
			&p.Retry)
		p.Since = p.Since.UTC()
		return p, err
	})
	return all, failed(ctx, err)
}

// Retry implements subscription.Store.
func (s *Store) Retry(ctx context.Context, name string, stream cqrs.StreamID) error {
	done, err := s.pool.Exec(ctx, `UPDATE cqrs_parked_streams SET retry = true
		WHERE subscription = $1 AND category = $2 AND id = $3`, name, stream.Category, stream.ID)
	if err == nil && done.RowsAffected() == 0 {
		err = subscription.ErrNotParked
	}
	return failed(ctx, err)
}

// Hold implements subscription.Store. The clock is the server's.
func (s *Store) Hold(ctx context.Context, name, holder string, ttl time.Duration, report []byte) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, `INSERT INTO cqrs_subscriptions AS s (name, holder, held_until, report, reported)
			VALUES ($1, $2, clock_timestamp() + $3, $4, clock_timestamp())
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until,
				report = excluded.report, reported = excluded.reported
			WHERE s.holder IN ('', excluded.holder) OR s.held_until <= clock_timestamp()`,
			name, holder, ttl, string(report))
		if err != nil || done.RowsAffected() == 1 {
			return err
		}
		held := &subscription.HeldError{Subscription: name}
		if err := tx.QueryRow(ctx, "SELECT holder, held_until FROM cqrs_subscriptions WHERE name = $1", name).
			Scan(&held.Holder, &held.Until); err != nil {
			return err
		}
		held.Until = held.Until.UTC()
		return held
	})
}

// Release implements subscription.Store.
func (s *Store) Release(ctx context.Context, name, holder string, report []byte) error {
	_, err := s.pool.Exec(ctx, `UPDATE cqrs_subscriptions
		SET holder = '', held_until = NULL, report = $3, reported = clock_timestamp()
		WHERE name = $1 AND holder = $2`, name, holder, string(report))
	return failed(ctx, err)
}

// Subscriptions implements subscription.Store.
func (s *Store) Subscriptions(ctx context.Context) ([]subscription.Info, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, position, commit_id, passed, started, holder, held_until, report, reported,
			(SELECT count(*) FROM cqrs_parked_streams WHERE subscription = name)
		FROM cqrs_subscriptions ORDER BY name`)
	if err != nil {
		return nil, failed(ctx, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (info subscription.Info, err error) {
		var (
			until, reported *time.Time
			report          string
			at              = &info.Checkpoint
		)
		err = row.Scan(&info.Name, &at.Position, (*[16]byte)(&at.Commit), &at.Passed, &at.Started, &info.Holder, &until,
			&report, &reported, &info.Parked)
		if until != nil {
			info.Until = until.UTC()
		}
		if reported != nil {
			info.Reported = reported.UTC()
		}
		if report != "" {
			info.Report = []byte(report)
		}
		return info, err
	})
	return all, failed(ctx, err)
}
