// Package embedded is the event log, and the snapshot store, in one SQLite file: the engine of a service on one
// machine. The file can be read with sqlite3; its view event_log is made for people.
//
// # Durability
//
// The database is in WAL mode with synchronous=FULL, which is verified on each connection. Append returns after the
// commit was synced to disk, never before: an acknowledged commit survives a crash of the process, of the system and
// the loss of power. One goroutine writes, and puts the commits that wait into one transaction, so that concurrent
// callers share a sync. Command ids are kept for ever.
//
// After an error of the disk the log fails with *eventlog.FailedError until it is opened again: a sync that failed
// once may succeed the next time without having written anything.
//
// # Several processes
//
// Any number of processes may open one directory. Positions have no gaps, and each process sees what the others
// acknowledged. Wait sees their news after at most 50 ms. The directory must not be on a network file system.
package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// fileName is the name of the database file in the log's directory.
const fileName = "log.db"

// maxReaders bounds the connections that read at the same time. More than there are cores gain nothing, and a read
// keeps one for milliseconds only.
const maxReaders = 8

// Log is an event log in a file. It is safe for concurrent use.
type Log struct {
	path    string
	readers *sqlitedb.Pool
	writer  *writer
	news    *news
	streams *interned[namedStream]
	types   *interned[namedType]
	bounds  bounds

	closing sync.Once
	closed  error
}

var (
	_ eventlog.Transfer  = (*Log)(nil)
	_ eventlog.InlineLog = (*Log)(nil)
	_ snapshot.Store     = (*Log)(nil)
)

// Option changes how a log is opened.
type Option func(*options)

type options struct {
	readBuffer int
	migrate    bool
}

// Migrate lets Open bring a log of an older release to the schema of this one. It happens in one transaction. As
// long as anybody else has the log open it is refused with a *RefusedError. The disk needs room for three times the size
// of the file, which is about twice as large afterwards, one half of it free for what comes.
func Migrate() Option { return func(o *options) { o.migrate = true } }

// ReadBuffer bounds what one iteration holds in memory, in bytes; unless it is given the bound is 5 MiB. A small bound
// makes reading slower. There is room for a few events in any case, however large they are. What the caller keeps of the
// records' payloads is not counted.
func ReadBuffer(bytes int) Option { return func(o *options) { o.readBuffer = bytes } }

// Open opens the log in the directory dir, and creates both if they do not exist. The end of ctx ends the opening;
// it has no effect on the log afterwards.
//
// Errors: *RefusedError for a file that is no log, of a newer release, of an older one without the option
// Migrate, on a network file system, or with settings that lose data; otherwise those of the file system.
func Open(ctx context.Context, dir string, opts ...Option) (*Log, error) {
	o := options{readBuffer: defaultReadBuffer}
	for _, opt := range opts {
		opt(&o)
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName)
	unlock, err := lockCreation(ctx, dir)
	if err != nil {
		return nil, err
	}
	var conn *sqlite.Conn
	if o.migrate {
		err = upgradeFile(ctx, path)
	}
	if err == nil {
		conn, err = openDatabase(ctx, path)
	}
	if err := errors.Join(err, unlock()); err != nil {
		if conn != nil {
			err = errors.Join(err, conn.Close())
		}
		return nil, err
	}
	l := &Log{
		path:    path,
		readers: sqlitedb.NewPool(path, maxReaders, readOnly),
		streams: newInterned[namedStream](1 << 18),
		types:   newInterned[namedType](1 << 10),
		bounds:  boundsOf(o.readBuffer),
	}
	l.news = newNews(l.readers)
	if l.writer, err = newWriter(conn, l); err != nil {
		return nil, errors.Join(refused(path, err), conn.Close())
	}
	return l, nil
}

// readOnly makes a connection that reads refuse to write.
func readOnly(c *sqlite.Conn) error {
	return sqlitex.ExecuteTransient(c, "PRAGMA query_only=ON", nil)
}

// makeDir creates dir and makes its name durable. SQLite does the same for the files in it.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// Path returns the path of the database file.
func (l *Log) Path() string { return l.path }

// WriteAheadLog returns the size of the write-ahead log, in bytes: what was appended since the last checkpoint is in it.
// It stays at about 16 MiB, or 64 MiB under many readers. If it grows on, another program has a transaction open that
// reads: as long as it does, nothing can be cut off.
func (l *Log) WriteAheadLog() (int64, error) {
	info, err := os.Stat(l.path + "-wal")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Close waits until the commits that were handed in are stored, wakes whoever waits for news, and closes the file.
// Every later call fails with cqrs.ErrClosed, and so does an iteration that needs more from the file. Closing twice
// is harmless.
func (l *Log) Close() error {
	l.closing.Do(func() {
		err := l.writer.close()
		l.news.close()
		l.closed = errors.Join(err, l.readers.Close())
	})
	return l.closed
}

// Append implements eventlog.Log.
func (l *Log) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if err := c.Check(); err != nil {
		return eventlog.Appended{}, err
	}
	return l.writer.append(ctx, &c)
}

// Command implements eventlog.Log.
func (l *Log) Command(ctx context.Context, id string, hash [32]byte) (first eventlog.Appended, ok bool, err error) {
	err = l.read(ctx, func(c *sqlite.Conn) error {
		stmt, err := c.Prepare(selectCommand)
		if err != nil {
			return err
		}
		first, ok, err = findCommand(stmt, id, hash)
		return err
	})
	return first, ok, err
}

// Head implements eventlog.Log.
func (l *Log) Head(ctx context.Context) (head cqrs.Position, err error) {
	err = l.read(ctx, func(c *sqlite.Conn) error {
		head, err = selectHead(c)
		return err
	})
	return head, err
}

// selectHead returns the position of the last event, 0 if there is none.
func selectHead(c *sqlite.Conn) (cqrs.Position, error) {
	n, err := integer(c, "SELECT coalesce(max(position), 0) FROM events")
	return cqrs.Position(n), err
}

// Count implements eventlog.Log.
func (l *Log) Count(ctx context.Context, types ...string) (n int64, err error) {
	err = l.read(ctx, func(c *sqlite.Conn) error {
		counts, err := countTypes(c, types, nil)
		n = counts.matching
		return err
	})
	return n, err
}

// read lends f a connection, and gives errors of the file their meaning.
func (l *Log) read(ctx context.Context, f func(*sqlite.Conn) error) error {
	c, err := l.readers.Get(ctx)
	if err != nil {
		return err
	}
	defer l.readers.Put(c)
	return explain(ctx, f(c))
}
