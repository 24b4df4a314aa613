// Package postgres keeps the keys of personal data in a PostgreSQL database, for any number of processes.
//
// It is to be another database than that of the log, with backups of its own: a backup that has a key brings back whom
// the log has forgotten. PostgreSQL keeps old versions of rows until it vacuums, and all changes in its write-ahead log; what
// is left there of a key that was destroyed is wrapped by the master key.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// DDL is what Open runs with Migrate: for who does that by other means.
const DDL = `CREATE TABLE IF NOT EXISTS cqrs_personal_keys (
	subject_type text NOT NULL,
	subject_id   text NOT NULL,
	key_id       bytea UNIQUE,
	wrapped      bytea,
	PRIMARY KEY (subject_type, subject_id)
);
`

// Store is a personal.Store in PostgreSQL.
type Store struct{ pool *pgxpool.Pool }

var _ personal.Store = (*Store)(nil)

// Open opens the store in a database. The dsn is what pgxpool takes. With migrate it makes the table, if there is none, in
// the first schema of the search path.
func Open(ctx context.Context, dsn string, migrate bool) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("the store of personal keys: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, failed(err)
	}
	s := &Store{pool}
	if err := s.prepare(ctx, migrate); err != nil {
		pool.Close()
		return nil, failed(err)
	}
	return s, nil
}

// lockMigration is the advisory lock of those who make the table at the same time.
const lockMigration = 0x43514b31

func (s *Store) prepare(ctx context.Context, migrate bool) error {
	if migrate {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockMigration); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, DDL)
			return err
		})
	}
	var there bool
	if err := s.pool.QueryRow(ctx, "SELECT to_regclass('cqrs_personal_keys') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if !there {
		return errors.New("there is no table cqrs_personal_keys: run its DDL, or open it once with migrate")
	}
	return nil
}

// Close closes the store.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// failed says of an error what it means for the caller: what the server did not answer passes by itself, and so does what
// it says of its own state, in the classes 08, 40, 53, 55 and 57 of SQLSTATE.
func failed(err error) error {
	var answer *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &answer):
		switch answer.Code[:2] {
		case "08", "40", "53", "55", "57":
		default:
			return fmt.Errorf("the store of personal keys: %w", err)
		}
	case !errors.As(err, new(*pgconn.ConnectError)) && !pgconn.Timeout(err) && !pgconn.SafeToRetry(err) && !broken(err):
		return fmt.Errorf("the store of personal keys: %w", err)
	}
	return fmt.Errorf("%w: %w", personal.ErrUnavailable, err)
}

const columns = "SELECT subject_type, subject_id, key_id, wrapped FROM cqrs_personal_keys "

func record(row pgx.CollectableRow) (r personal.Record, err error) {
	var id []byte
	err = row.Scan(&r.Subject.Type, &r.Subject.ID, &id, &r.Wrapped)
	copy(r.ID[:], id)
	r.Destroyed = r.Wrapped == nil
	return r, err
}

// Find returns the key of a subject.
func (s *Store) Find(ctx context.Context, of personal.Subject) (personal.Record, error) {
	rows, err := s.pool.Query(ctx, columns+"WHERE subject_type = $1 AND subject_id = $2", of.Type, of.ID)
	if err != nil {
		return personal.Record{}, failed(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, record)
	if errors.Is(err, pgx.ErrNoRows) {
		return personal.Record{}, nil
	}
	return r, failed(err)
}

// Create stores a key for a subject that has none.
func (s *Store) Create(ctx context.Context, of personal.Subject, made personal.Record) (personal.Record, error) {
	_, err := s.pool.Exec(ctx, "INSERT INTO cqrs_personal_keys VALUES ($1, $2, $3, $4) ON CONFLICT (subject_type, subject_id) DO NOTHING",
		of.Type, of.ID, made.ID[:], made.Wrapped)
	if err != nil {
		return personal.Record{}, failed(err)
	}
	return s.Find(ctx, of)
}

// Get returns the keys of these ids.
func (s *Store) Get(ctx context.Context, ids []personal.KeyID) ([]personal.Record, error) {
	list := make([][]byte, len(ids))
	for i := range ids {
		list[i] = ids[i][:]
	}
	rows, err := s.pool.Query(ctx, columns+"WHERE key_id = ANY($1)", list)
	if err != nil {
		return nil, failed(err)
	}
	found, err := pgx.CollectRows(rows, record)
	return found, failed(err)
}

// destroyTimeout bounds the vacuum behind a destroyed key.
const destroyTimeout = time.Minute

// Destroy destroys the key of a subject, and vacuums the table, so that the row's old version goes.
func (s *Store) Destroy(ctx context.Context, of personal.Subject) error {
	_, err := s.pool.Exec(ctx, "INSERT INTO cqrs_personal_keys (subject_type, subject_id) VALUES ($1, $2) "+
		"ON CONFLICT (subject_type, subject_id) DO UPDATE SET wrapped = NULL", of.Type, of.ID)
	if err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(ctx, destroyTimeout)
	defer cancel()
	_, err = s.pool.Exec(ctx, "VACUUM cqrs_personal_keys")
	return failed(err)
}

// broken reports whether the connection broke under a query.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed)
}
