// Package postgres keeps read models in a PostgreSQL database, that of the log or any other one: typed, indexed tables
// that psql reads. PostgreSQL 14 is the oldest release that is supported.
//
// # For hand-written SQL
//
// A view with the projection's name in snake case, readmodels.balance_by_currency, leads to the active generation. It has
// one column per field, plus cqrs_position: the position of the last event that was folded into the row. It is there as
// soon as the first generation was promoted, and switches in one transaction. The view cqrs_read_models lists all
// generations, with the position that each reflects:
//
//	SELECT projection, view_name, table_name, active, position FROM readmodels.cqrs_read_models
//
// Every column sorts as its kind does, in the order of all sinks:
//
//	bool       boolean
//	int64      bigint
//	uint64     numeric(20)
//	float64    double precision
//	string     text COLLATE "C"
//	bytes      bytea
//	time       timestamptz
//	duration   bigint, in nanoseconds; an interval has microseconds only
//	date       date, and -infinity for the zero date
//	uuid       uuid
//	decimal    numeric
//	json       json
//
// Whatever is not optional is NOT NULL. Rows and their checkpoint change in one transaction, which does not wait for the
// disk: when the server crashes it may lose the last ones, rows and checkpoint together, and the projector folds them
// again. Settings that may tear them apart are refused.
//
// A key, and an index with the key behind it, hold about 2,700 bytes of a row after compression: what is longer stops its
// projection.
package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// How many connections a process has at most: for queries, unless the address has pool_max_conns, for batches, and for
// leases, promotions and the like, which must not wait for either.
const (
	maxReaders  = 8
	maxWriters  = 4
	maxControls = 2
)

// Store implements readmodel.Store. It is safe for concurrent use, also by several processes on one database.
type Store struct {
	readmodel.Signal // of promotions and drops through this store
	settings
	// database is the database's name.
	database string

	readers, writers, control *pgxpool.Pool

	// ctx ends when the store is closed.
	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// signals are by the generations' ids.
	signals map[int32]*readmodel.Signal
}

var _ readmodel.Store = (*Store)(nil)

// Open opens the read models in the database at dsn, an address or a list of keywords and values as psql takes them;
// those of pgxpool, such as pool_max_conns, are known too. The end of ctx ends the opening; it has no effect on the store
// afterwards.
//
// Errors: *SchemaError if the catalogue is not there, or of another version; *UnsafeSettingError and *RefusedError for a
// server that would keep wrong rows, or a role without privileges; readmodel.ErrUnavailable if the server can't be
// reached.
func Open(ctx context.Context, dsn string, options ...Option) (*Store, error) {
	s := &Store{settings: newSettings(options), signals: map[int32]*readmodel.Signal{}}
	if err := s.check(); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, &RefusedError{Reason: "the address can't be read", Err: err}
	}
	// A server that vanished without a word is noticed within a minute.
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 10 * time.Second, Count: 4,
	}}
	config.ConnConfig.DialFunc = dialer.DialContext
	if err := s.prepareDatabase(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for pool, p := range map[**pgxpool.Pool]struct {
		size    int32
		prepare func(context.Context, *pgx.Conn) error
	}{
		&s.readers: {readersOf(config), s.prepareReader},
		&s.writers: {maxWriters, s.prepareWriter}, &s.control: {maxControls, s.prepareControl},
	} {
		c := config.Copy()
		c.MinConns, c.MinIdleConns, c.MaxConns, c.AfterConnect = 0, 0, p.size, p.prepare
		if *pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// readersOf returns how many connections may read.
func readersOf(config *pgxpool.Config) int32 {
	given, err := pgx.ParseConfig(config.ConnString())
	if err != nil || given.RuntimeParams["pool_max_conns"] == "" {
		return maxReaders
	}
	return config.MaxConns
}

// prepareDatabase checks the server and the catalogue, and makes that if it may.
func (s *Store) prepareDatabase(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case lost(nil, err):
		return unavailable(err)
	case err != nil:
		return err
	}
	err = s.checkServer(ctx, conn)
	if err == nil {
		err = s.ensureCatalogue(ctx, conn)
	}
	if err == nil {
		s.database, err = postgresdb.Identity(ctx, conn)
	}
	return s.explain(ctx, errors.Join(err, conn.Close(ctx)))
}

// Close ends the calls that run and closes all connections. These and every later call fail with cqrs.ErrClosed. Closing
// twice is harmless.
func (s *Store) Close() error {
	s.cancel()
	for _, pool := range []*pgxpool.Pool{s.readers, s.writers, s.control} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}

// Name implements readmodel.Store.
func (s *Store) Name() string {
	if s.log != "" {
		return "materialized"
	}
	return "postgres"
}

// with lends f a connection of a pool, and gives errors of the server their meaning.
func (s *Store) with(ctx context.Context, pool *pgxpool.Pool, f func(context.Context, *pgx.Conn) error) error {
	_, err := s.try(ctx, pool, f)
	return err
}

// again is with for what may be done twice: if the connection turns out to be lost, f is called once more with another
// one, unless it says that this would do harm by now.
func (s *Store) again(
	ctx context.Context, pool *pgxpool.Pool, may func() bool, f func(context.Context, *pgx.Conn) error,
) error {
	broken, err := s.try(ctx, pool, f)
	if broken && may() {
		pool.Reset() // one broke: the others are likely to be broken too
		_, err = s.try(ctx, pool, f)
	}
	return err
}

func always() bool { return true }

// try reports besides whether the connection was lost.
func (s *Store) try(
	ctx context.Context, pool *pgxpool.Pool, f func(context.Context, *pgx.Conn) error,
) (broken bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	// A server that does not answer must not keep the store from being closed.
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	c, err := pool.Acquire(inner)
	if err != nil {
		broken = lost(nil, err)
	} else {
		err = f(inner, c.Conn())
		broken = lost(c.Conn(), err)
		c.Release()
	}
	own := (*callbackError)(nil)
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &own):
		return false, own.err
	case ctx.Err() != nil:
		return false, s.explain(ctx, err)
	case s.ctx.Err() != nil:
		return false, cqrs.ErrClosed
	case broken && sqlState(err) == "":
		return true, unavailable(err)
	}
	return broken, s.explain(ctx, err)
}
