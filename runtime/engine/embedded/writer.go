package embedded

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Bounds of one transaction. A batch is closed once it is at or above one of them.
const (
	maxBatch      = 1024
	maxBatchBytes = 4 << 20
)

// lockWait is how long a batch waits for the transactions of other processes.
const lockWait = 30 * time.Second

// writer owns the connection that writes. One goroutine takes the requests that wait, puts them into one
// transaction, and answers them once that was committed.
type writer struct {
	conn   *sqlite.Conn
	tx     *transaction
	wal    walBound
	queue  chan *request
	done   chan struct{}
	closed error
	// announce tells the log's readers about the head after each commit.
	announce func(cqrs.Position)
	// failed is set once and for ever when the disk failed.
	failed atomic.Pointer[eventlog.FailedError]
	// last is the size of the batch before: as many callers are likely to come back.
	last int

	// mu is held for reading by whoever sends to queue, so that it is closed when nobody does.
	mu      sync.RWMutex
	stopped bool
}

// Settings of the connection that writes. Its cache, 32 MiB when it is full, holds the pages of the index by stream that
// appends touch: one for each stream of a batch. Pages that are written again and again between two checkpoints are
// moved to the database once, so that few checkpoints are cheap ones; one after 4,096 pages keeps the write-ahead log at
// 16 MiB.
const writerSettings = "PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4096;"

// newWriter starts the writer. It owns the connection unless there is an error.
func newWriter(conn *sqlite.Conn, l *Log) (*writer, error) {
	if err := sqlitex.ExecuteScript(conn, writerSettings, nil); err != nil {
		return nil, err
	}
	tx, err := newTransaction(conn, l)
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn: conn, tx: tx, announce: l.news.announce,
		wal:   walBound{path: l.path + "-wal", limit: walLimit, pause: walPause},
		queue: make(chan *request, maxBatch), done: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// close stops the writer once it has answered everything that was handed in.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
	return w.closed
}

// append hands a commit to the writer and waits for the answer.
func (w *writer) append(ctx context.Context, c *eventlog.Commit) (eventlog.Appended, error) {
	r := newCommitRequest(c)
	got, err := w.submit(ctx, r)
	if unanswered := (*unansweredError)(nil); errors.As(err, &unanswered) {
		err = &eventlog.UnknownOutcomeError{Commit: c.ID, Err: unanswered.Err}
	}
	return got, err
}

// unansweredError says that it is not known whether the request was carried out: ctx ended while the writer was at
// it, or the disk failed in the commit.
type unansweredError struct{ Err error }

func (e *unansweredError) Error() string { return e.Err.Error() }

func (e *unansweredError) Unwrap() error { return e.Err }

func (w *writer) submit(ctx context.Context, r *request) (eventlog.Appended, error) {
	if err := w.send(ctx, r); err != nil {
		return eventlog.Appended{}, err
	}
	select {
	case a := <-r.answer:
		return a.appended, a.err
	case <-ctx.Done():
		if r.abandon() {
			return eventlog.Appended{}, ctx.Err()
		}
		// Of two cases that are both ready select picks any: an answer that is there is not to be withheld.
		select {
		case a := <-r.answer:
			return a.appended, a.err
		default:
			return eventlog.Appended{}, &unansweredError{ctx.Err()}
		}
	}
}

func (w *writer) send(ctx context.Context, r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.stopped {
		return cqrs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed := w.failed.Load(); failed != nil {
		return failed
	}
	select {
	case w.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) run() {
	defer close(w.done)
	for batch := w.gather(nil); len(batch) > 0; batch = w.gather(batch[:0]) {
		w.process(batch)
		w.last = len(batch)
		if w.failed.Load() == nil {
			w.keepWALBounded()
		}
		// What was written must not be kept alive by the batch's memory.
		clear(batch)
	}
	w.closed = w.conn.Close()
}

// patience is how often the writer steps aside for other goroutines while fewer requests wait than it answered
// last. The callers that it has just woken need that to come back: without it they would always find a transaction
// under way that began with the first of them alone.
const patience = 32

// gather waits for requests and returns those of one transaction. It returns none when the writer is to stop.
func (w *writer) gather(batch []*request) []*request {
	for len(batch) == 0 {
		r, ok := <-w.queue
		if !ok {
			return nil
		}
		if r.take() {
			batch = append(batch, r)
		}
	}
	bytes, tries := batch[0].bytes, 0
	for len(batch) < maxBatch && bytes < maxBatchBytes {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return batch
			}
			if r.take() {
				batch = append(batch, r)
				bytes += r.bytes
			}
		default:
			if len(batch) >= w.last || tries == patience {
				return batch
			}
			tries++
			runtime.Gosched()
		}
	}
	return batch
}

// process writes a batch and answers all of its requests.
func (w *writer) process(batch []*request) {
	answers, err := w.write(batch)
	var culprit *requestError
	if errors.As(err, &culprit) && len(batch) > 1 {
		// SQLite refused one request for a reason of its own. The others must not suffer from it.
		for _, r := range batch {
			w.process([]*request{r})
		}
		return
	}
	if errors.As(err, &culprit) && len(batch[0].imported) > 1 {
		batch[0].answer <- w.importSingly(batch[0].imported)
		return
	}
	if err == nil {
		w.announce(w.tx.head)
	}
	for i, r := range batch {
		if err != nil {
			r.answer <- answer{err: err}
			continue
		}
		r.answer <- answers[i]
	}
}

// importSingly stores commits one after the other, up to the first that SQLite refuses.
func (w *writer) importSingly(commits []*eventlog.Commit) answer {
	for i := range commits {
		answers, err := w.write([]*request{{imported: commits[i : i+1]}})
		if err == nil {
			err = answers[0].err
		}
		if err != nil {
			return answer{imported: i, err: err}
		}
		w.announce(w.tx.head)
	}
	return answer{imported: len(commits)}
}

// write commits a batch in one transaction. Also a refusal is only an answer after the commit: it may be due to
// another request of the same batch.
func (w *writer) write(batch []*request) ([]answer, error) {
	if failed := w.failed.Load(); failed != nil {
		return nil, failed
	}
	if err := sqlitedb.Begin(context.Background(), w.conn, lockWait); err != nil {
		return nil, w.judge(err)
	}
	answers, err := w.tx.apply(batch)
	if err != nil {
		sqlitedb.Rollback(w.conn)
		w.tx.end(false)
		return nil, w.judge(err)
	}
	err = sqlitedb.Commit(w.conn)
	w.tx.end(err == nil)
	if err != nil {
		if sqlitedb.Classify(err) == sqlitedb.Full {
			return nil, w.judge(err)
		}
		return nil, &unansweredError{w.fail(err)}
	}
	return answers, nil
}

// judge says what an error before the commit means. If the disk or the file is bad, the log fails for good.
func (w *writer) judge(err error) error {
	switch sqlitedb.Classify(err) {
	case sqlitedb.IO, sqlitedb.Corrupt, sqlitedb.NotDatabase:
		return w.fail(err)
	}
	return explain(context.Background(), err)
}

func (w *writer) fail(err error) error {
	w.failed.CompareAndSwap(nil, &eventlog.FailedError{Err: explain(context.Background(), err)})
	return w.failed.Load()
}

// keepWALBounded shortens the write-ahead log when it has grown.
func (w *writer) keepWALBounded() {
	if err := w.wal.keep(w.conn); sqlitedb.Classify(err) == sqlitedb.IO {
		_ = w.fail(err)
	}
}

// walBound keeps the write-ahead log from growing for ever. SQLite moves its content to the database after each
// few thousand pages, but can only start it again from the front when no reader needs it: under readers that follow each
// other without a gap it would grow on.
type walBound struct {
	path string
	// limit is the size, in bytes, above which appends wait for readers; pause is how often the size is looked at.
	limit int64
	pause time.Duration
	next  time.Time
}

const (
	walLimit = 64 << 20
	walPause = time.Second
	// walWait is how long a checkpoint may wait for readers, and appends for the checkpoint.
	walWait = 250 * time.Millisecond
)

func (b *walBound) keep(c *sqlite.Conn) error {
	now := time.Now()
	if now.Before(b.next) {
		return nil
	}
	b.next = now.Add(b.pause)
	info, err := os.Stat(b.path)
	if err != nil || info.Size() < b.limit {
		// Without a file there is nothing to bound.
		return nil
	}
	c.SetBusyTimeout(walWait)
	defer c.SetBusyTimeout(sqlitedb.BusyTimeout)
	_, err = integer(c, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}
