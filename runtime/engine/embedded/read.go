package embedded

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"zombiezen.com/go/sqlite"
)

// fetcher reads the next run of records into a chunk, in a read transaction on the connection.
type fetcher func(*sqlite.Conn, *chunk) error

// ReadStream implements eventlog.Log.
func (l *Log) ReadStream(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		if err := stream.Validate(); err != nil {
			yield(nil, err)
			return
		}
		r := streamReader{log: l, stream: stream, next: max(1, from)}
		l.each(ctx, r.fetch, &reading{stopped: eventlog.ReadError{Stream: stream}, yield: yield})
	}
}

// ReadStreamBackwards implements eventlog.Log.
func (l *Log) ReadStreamBackwards(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		if err := stream.Validate(); err != nil {
			yield(nil, err)
			return
		}
		r := streamReader{log: l, stream: stream, next: max(0, from), backwards: true}
		l.each(ctx, r.fetch, &reading{stopped: eventlog.ReadError{Stream: stream}, yield: yield})
	}
}

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		r := logReader{log: l, after: max(0, q.After), through: q.Through, names: q.Types, categories: q.Categories}
		// The first chunk says how the rest is read best, and often there is no rest.
		first := &chunk{}
		l.fetch(ctx, r.fetch, first)
		to := &reading{stopped: eventlog.ReadError{Position: max(0, q.After)}, yield: yield}
		switch more := first.more; {
		case !to.hand(ctx, first) || !more:
		case r.byIndex:
			l.each(ctx, r.fetch, to)
		default:
			l.scan(ctx, r, to)
		}
	}
}

// each yields what fetch reads. While the caller is at one chunk, the next one is read.
func (l *Log) each(ctx context.Context, fetch fetcher, to *reading) {
	current, spare := &chunk{}, &chunk{}
	l.fetch(ctx, fetch, current)
	// Only a second chunk needs a goroutine, and with it a context of its own.
	var ahead context.Context
	fetched, fetching := make(chan struct{}, 1), false
	defer func() {
		if fetching {
			<-fetched
		}
	}()
	for {
		if current.more {
			if ahead == nil {
				var cancel context.CancelFunc
				ahead, cancel = context.WithCancel(ctx)
				defer cancel()
			}
			fetching = true
			go func(into *chunk) {
				l.fetch(ahead, fetch, into)
				fetched <- struct{}{}
			}(spare)
		}
		if !to.hand(ctx, current) || !fetching {
			return
		}
		<-fetched
		fetching = false
		current, spare = spare, current
	}
}

// reading is an iteration on its way.
type reading struct {
	// stopped says where the iteration would stop now.
	stopped eventlog.ReadError
	yield   func(*cqrs.Record, error) bool
}

// hand yields the chunk's records, and its error after them. It reports whether the iteration goes on. That ctx ended is
// seen here and not by who reads ahead alone, which may have come to the end.
func (r *reading) hand(ctx context.Context, c *chunk) bool {
	if err := ctx.Err(); err != nil {
		return r.fail(err)
	}
	for i := range c.records {
		if !r.yield(&c.records[i], nil) {
			return false
		}
	}
	if n := len(c.records); n > 0 {
		r.stopped.Position, r.stopped.Version = c.records[n-1].Position, c.records[n-1].Version
	}
	if c.err != nil {
		return r.fail(c.err)
	}
	return true
}

func (r *reading) fail(err error) bool {
	r.stopped.Err = err
	r.yield(nil, &r.stopped)
	return false
}

// fetch fills a chunk. After an error it is empty.
func (l *Log) fetch(ctx context.Context, fetch fetcher, into *chunk) {
	into.reset()
	err := l.read(ctx, func(c *sqlite.Conn) error {
		return sqlitedb.Read(c, func() error { return fetch(c, into) })
	})
	if err != nil {
		into.records, into.more, into.err = into.records[:0], false, err
		return
	}
	into.seal()
}

// streamReader reads one stream.
type streamReader struct {
	log    *Log
	stream cqrs.StreamID
	// id is the stream's row, once it is known.
	id int64
	// next is the version that the next record has; reading backwards, 0 is that of the stream's last record.
	next      cqrs.Version
	backwards bool
}

// A bound of a range is an expression and not a bare parameter, here and below: SQLite would make its plan from the
// parameter's value, and prepare the statement again for each new one, which costs more than most reads.
const selectStreamEvents = `SELECT ` + eventColumns + ` FROM events
	WHERE stream = ?1 + 0 AND version >= ?2 + 0 ORDER BY version`

const selectStreamEventsBackwards = `SELECT ` + eventColumns + ` FROM events
	WHERE stream = ?1 + 0 AND version <= ?2 + 0 ORDER BY version DESC`

func (r *streamReader) fetch(c *sqlite.Conn, into *chunk) error {
	if r.id == 0 {
		stmt, err := c.Prepare(selectStream)
		if err != nil {
			return err
		}
		stmt.BindText(1, r.stream.Category)
		stmt.BindText(2, r.stream.ID)
		if r.id, err = number(stmt); r.id == 0 || err != nil {
			return err
		}
		// The index and the table both have the name, and a damaged file may have them differ.
		names := nameReader{r.log, c}
		switch named, err := names.stream(r.id); {
		case err != nil:
			return err
		case named.id != r.stream:
			return corruptf("the index has stream %s where the table has %s", r.stream, named.id)
		}
	}
	if r.backwards {
		return r.fetchBackwards(c, into)
	}
	stmt, err := c.Prepare(selectStreamEvents)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, r.id)
	stmt.BindInt64(2, int64(r.next))
	return r.log.fill(into, c, stmt, func(rec *cqrs.Record) error {
		if rec.Version != r.next {
			return corruptf("stream %s has version %d where %d must be", r.stream, rec.Version, r.next)
		}
		r.next++
		return nil
	})
}

func (r *streamReader) fetchBackwards(c *sqlite.Conn, into *chunk) error {
	last, err := r.last(c)
	if err != nil {
		return err
	}
	if r.next == 0 || r.next > last {
		r.next = last
	}
	stmt, err := c.Prepare(selectStreamEventsBackwards)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, r.id)
	stmt.BindInt64(2, int64(r.next))
	err = r.log.fill(into, c, stmt, func(rec *cqrs.Record) error {
		if rec.Version != r.next {
			return corruptf("stream %s has version %d where %d must be", r.stream, rec.Version, r.next)
		}
		r.next--
		return nil
	})
	// At version 0 nothing is left; a later fetch would take it for the end of the stream.
	into.more = into.more && r.next > 0
	return err
}

// last returns the version of the stream's last event.
func (r *streamReader) last(c *sqlite.Conn) (cqrs.Version, error) {
	stmt, err := c.Prepare(selectLast)
	if err != nil {
		return 0, err
	}
	stmt.BindInt64(1, r.id)
	n, err := number(stmt)
	return cqrs.Version(n), err
}

// fill adds the rows of stmt to the chunk until it is full, and says whether there may be more.
func (l *Log) fill(into *chunk, c *sqlite.Conn, stmt *sqlite.Stmt, check func(*cqrs.Record) error) error {
	names := nameReader{l, c}
	for {
		row, err := stmt.Step()
		if !row || err != nil {
			return err
		}
		if !into.takes(stmt, l.bounds) {
			into.more = true
			return stmt.Reset()
		}
		if err := into.add(stmt, &names); err != nil {
			return err
		}
		if err := check(&into.records[len(into.records)-1]); err != nil {
			return err
		}
	}
}

// logReader reads the whole log, or the events of some types in streams of some categories.
type logReader struct {
	log *Log
	// after is the position of the last record that was read, or up to where none matched.
	after, through    cqrs.Position
	names, categories selection

	started bool
	// ids are the rows of the types that are wanted, nil if all are; byIndex says that they are so rare that finding each
	// by the index is cheaper than reading past all others.
	ids     []int64
	byIndex bool
	blocks  blocks
}

// indexCost is how many events can be scanned in about the time in which one is found by the index.
const indexCost = 8

// scanWindow bounds the positions that one transaction scans for events that match, so that it stays short.
const scanWindow = 32 << 10

func (r *logReader) fetch(c *sqlite.Conn, into *chunk) error {
	if !r.started {
		if err := r.start(c); err != nil {
			return err
		}
		r.started = true
	}
	switch {
	case r.after >= r.through || r.ids != nil && len(r.ids) == 0:
		return nil
	case r.ids == nil:
		return r.fetchAll(c, into)
	case r.byIndex:
		return r.fetchIndexed(c, into)
	}
	return r.fetchMatching(c, into)
}

// start fixes where reading ends, and how.
func (r *logReader) start(c *sqlite.Conn) error {
	head, err := selectHead(c)
	if err != nil {
		return err
	}
	if r.through <= 0 || r.through > head {
		r.through = head
	}
	if len(r.names) == 0 && len(r.categories) == 0 {
		return nil
	}
	counts, err := countTypes(c, r.names, r.categories)
	if err != nil {
		return err
	}
	if counts.matching < counts.all {
		r.ids = append([]int64{}, counts.ids...)
		r.byIndex = counts.matching < counts.all/indexCost
	}
	return nil
}

const selectEvents = `SELECT ` + eventColumns + ` FROM events WHERE position > ?1 + 0 AND position <= ?2 + 0 ORDER BY position`

func (r *logReader) fetchAll(c *sqlite.Conn, into *chunk) error {
	stmt, err := c.Prepare(selectEvents)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, int64(r.after))
	stmt.BindInt64(2, int64(r.through))
	err = r.log.fill(into, c, stmt, func(rec *cqrs.Record) error {
		if rec.Position != r.after+1 {
			return corruptf("the log has position %d where %d must be", rec.Position, r.after+1)
		}
		r.after++
		return nil
	})
	if err == nil && !into.more && r.after != r.through {
		return corruptf("the log ends at position %d where %d must be", r.after, r.through)
	}
	return err
}

// fetchMatching scans for events of the wanted types. Its statement is not kept: each selection has its own.
func (r *logReader) fetchMatching(c *sqlite.Conn, into *chunk) error {
	stmt, _, err := c.PrepareTransient(r.scanQuery())
	if err != nil {
		return err
	}
	defer stmt.Finalize()
	end := min(r.through, r.after+scanWindow)
	stmt.BindInt64(1, int64(r.after))
	stmt.BindInt64(2, int64(end))
	err = r.log.fill(into, c, stmt, func(rec *cqrs.Record) error {
		r.after = rec.Position
		return nil
	})
	if err == nil && !into.more {
		r.after = end
		into.more = end < r.through
	}
	return err
}

func (r *logReader) scanQuery() string {
	return fmt.Sprintf(`SELECT %s FROM events WHERE position > ?1 AND position <= ?2 AND type IN (%s) ORDER BY position`,
		eventColumns, strings.Trim(strings.ReplaceAll(fmt.Sprint(r.ids), " ", ","), "[]"))
}
