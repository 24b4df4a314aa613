// Package postgres is the event log, and the snapshot store, in a PostgreSQL database: the engine of a service whose
// data is on a server. PostgreSQL 14 is the oldest release that is supported. The log can be read with psql; its view
// event_log is made for people.
//
// # Durability
//
// Append returns after the server has committed with synchronous_commit on, or stronger, which is verified together
// with fsync and full_page_writes in each transaction: an acknowledged commit survives a crash of the process, of the
// server, and the loss of power. One goroutine writes, and puts the commits that wait into one transaction, so that
// concurrent callers share a sync. Command ids are kept for ever.
//
// Where the connection is lost between COMMIT and its answer, the log connects again, waits until the old transaction
// has ended, and looks whether it is there. Only if that can't be done within half a minute does Append say so, with an
// *eventlog.UnknownOutcomeError.
//
// # Several processes
//
// Any number of processes may open one log. Positions have no gaps and are given under a lock, in the order of commits,
// and each process sees what the others acknowledged. A process that stalls while it has the lock loses it after five
// seconds, by the server's hand. The server must be a primary; a replica is refused.
package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/cqrsgen/cqrsgen/internal/inline"
	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	textOID = pgtype.TextOID
	int4OID = pgtype.Int4OID
)

// maxReaders bounds the connections that read at the same time, unless the address has pool_max_conns. A read keeps one
// for milliseconds only.
const maxReaders = 8

// Log is an event log in a database. It is safe for concurrent use.
type Log struct {
	settings *settings
	writing  *pgx.ConnConfig
	readers  *pgxpool.Pool
	writer   *writer
	news     *news
	kinds    kindTable
	rowSize  atomic.Int64
	// database is the database's name, and inline has those who take part in transactions.
	database string
	inline   inline.Set
	sql      struct{ events, scanned, indexed, forwards, backwards string }

	closing sync.Once
}

var (
	_ eventlog.Transfer = (*Log)(nil)
	_ snapshot.Store    = (*Log)(nil)
)

// Open opens the log in the database at dsn, an address or a list of keywords and values as psql takes them; those of
// pgxpool, such as pool_max_conns, are known too. The end of ctx ends the opening; it has no effect on the log
// afterwards.
//
// Errors: *SchemaError if the tables are not there, or of another version; *UnsafeSettingError and *RefusedError for a
// server that would lose data, a replica, a role without privileges; eventlog.ErrUnavailable if the server can't be
// reached.
func Open(ctx context.Context, dsn string, options ...Option) (*Log, error) {
	s := newSettings(options)
	if err := s.check(); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, &RefusedError{Reason: "its address can't be read", Err: err}
	}
	database, err := s.prepareDatabase(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	l := &Log{settings: &s, writing: config.ConnConfig.Copy(), database: database}
	for into, sql := range map[*string]string{
		&l.sql.events: selectEvents, &l.sql.scanned: selectScanned, &l.sql.indexed: selectIndexed,
		&l.sql.forwards: selectForwards, &l.sql.backwards: selectBackwards,
	} {
		*into = postgresdb.InSchema(sql, s.schema)
	}
	config.MaxConns = readersOf(config)
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		l.kinds.forget()
		return s.prepareReader(ctx, c)
	}
	if l.readers, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	l.news = newNews(l)
	writing := newSession(&s, l.writing)
	writing.log, writing.inline = l, &l.inline
	l.writer = newWriter(writing, func(head cqrs.Position) { l.news.announce(head, true) })
	return l, nil
}

// readersOf returns how many connections may read: what the address says, but two at least, because one stays busy
// while somebody waits for news.
func readersOf(config *pgxpool.Config) int32 {
	given, err := pgx.ParseConfig(config.ConnString())
	if err != nil || given.RuntimeParams["pool_max_conns"] == "" {
		return maxReaders
	}
	return max(2, config.MaxConns)
}

// prepareDatabase checks the server and the log's tables, and makes them if it may. It returns the database's name.
func (s *settings) prepareDatabase(ctx context.Context, config *pgx.ConnConfig) (name string, err error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case lost(nil, err):
		return "", unavailable(err)
	case err != nil:
		return "", err
	}
	err = s.checkServer(ctx, conn)
	if err == nil {
		err = ensureSchema(ctx, conn, s.schema, migrations, s.migrate)
	}
	if err == nil {
		name, err = postgresdb.Identity(ctx, conn)
	}
	return name, explain(ctx, errors.Join(err, conn.Close(ctx)))
}

// Close waits until the commits that were handed in are stored, wakes whoever waits for news, and closes all
// connections. Every later call fails with cqrs.ErrClosed, and so does an iteration that needs more from the server.
// Closing twice is harmless.
func (l *Log) Close() error {
	l.closing.Do(func() {
		l.writer.close()
		l.news.close()
		l.readers.Close()
	})
	return nil
}

func (l *Log) closed() bool { return l.news.ctx.Err() != nil }

// Append implements eventlog.Log. Besides the errors that are named there it returns *LockedError if another
// transaction holds the log's lock for too long, and *UnsafeSettingError or *RefusedError if the server changed into one
// that is refused: nothing was stored then.
func (l *Log) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if err := c.Check(); err != nil {
		return eventlog.Appended{}, err
	}
	return l.writer.append(ctx, &c)
}

const selectHead = `SELECT coalesce((SELECT position FROM {schema}.events ORDER BY position DESC LIMIT 1), 0)`

// Head implements eventlog.Log.
func (l *Log) Head(ctx context.Context) (head cqrs.Position, err error) {
	err = l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) error {
		head, err = l.headOn(ctx, c)
		return err
	})
	return head, err
}

func (l *Log) headOn(ctx context.Context, c *pgx.Conn) (head cqrs.Position, err error) {
	err = l.queryOn(ctx, c, selectHead, func(row [][]byte) error {
		head = cqrs.Position(decodeInt64(row[0]))
		return nil
	})
	return head, err
}

const countKinds = `SELECT count(*) FROM {schema}.events WHERE kind = ANY ($1::integer[])`

// Count implements eventlog.Log. To count events of some types the server walks through their entries in an index.
func (l *Log) Count(ctx context.Context, types ...string) (n int64, err error) {
	err = l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) error {
		head, err := l.headOn(ctx, c)
		if err != nil {
			return err
		}
		kinds, err := l.loadKinds(ctx, c)
		if err != nil {
			return err
		}
		ids, all := selectKindsOf(kinds, types, nil)
		if all {
			n = int64(head) // positions have no gaps
			return nil
		}
		return l.queryOn(ctx, c, countKinds, func(row [][]byte) error {
			n = decodeInt64(row[0])
			return nil
		}, idsParam(ids))
	})
	return n, err
}

// withConn lends f a connection, and gives errors of the server their meaning. If the connection turns out to be lost f
// is called once more with another one: nothing that it does may harm when it is done twice.
func (l *Log) withConn(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	lost, err := l.tryConn(ctx, f)
	if lost && ctx.Err() == nil {
		l.readers.Reset() // one broke: the others are likely to be broken too
		if lost, err = l.tryConn(ctx, f); lost && ctx.Err() == nil {
			err = unavailable(err)
		}
	}
	if err != nil && ctx.Err() == nil && l.closed() {
		return cqrs.ErrClosed
	}
	return err
}

func (l *Log) tryConn(
	ctx context.Context, f func(context.Context, *pgx.Conn) error,
) (broken bool, err error) {
	// A server that does not answer must not keep the log from being closed.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.news.ctx, cancel)()
	c, err := l.readers.Acquire(ctx)
	if err != nil {
		return lost(nil, err), explain(ctx, err)
	}
	defer c.Release()
	err = f(ctx, c.Conn())
	return lost(c.Conn(), err), explain(ctx, err)
}

// query runs a statement on some connection, and hands its rows to row, each valid until that returns.
func (l *Log) query(ctx context.Context, sql string, row func([][]byte) error, params ...[]byte) error {
	return l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) error { return l.queryOn(ctx, c, sql, row, params...) })
}

func (l *Log) queryOn(
	ctx context.Context, c *pgx.Conn, sql string, row func([][]byte) error, params ...[]byte,
) (err error) {
	sql = postgresdb.InSchema(sql, l.settings.schema)
	sd, err := c.Prepare(ctx, sql, sql)
	if err != nil {
		return err
	}
	rows := c.PgConn().ExecStatement(ctx, sd, params, binaryFormat, binaryFormat)
	for rows.NextRow() {
		if err == nil && row != nil {
			err = row(rows.Values())
		}
	}
	_, closed := rows.Close()
	return errors.Join(closed, err)
}
