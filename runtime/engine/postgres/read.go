package postgres

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"sync/atomic"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/jackc/pgx/v5"
)

// ReadStream implements eventlog.Log.
func (l *Log) ReadStream(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return l.readStream(ctx, &streamReader{log: l, stream: stream, next: max(1, from), pace: l.newPace()})
}

// ReadStreamBackwards implements eventlog.Log.
func (l *Log) ReadStreamBackwards(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	if from <= 0 {
		from = math.MaxInt64
	}
	return l.readStream(ctx, &streamReader{log: l, stream: stream, next: from, backwards: true, pace: l.newPace()})
}

func (l *Log) readStream(ctx context.Context, start *streamReader) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		r := *start // an iteration may be started again
		if err := r.stream.Validate(); err != nil {
			yield(nil, err)
			return
		}
		l.each(ctx, r.fetch, eventlog.ReadError{Stream: r.stream}, yield)
	}
}

// Read implements eventlog.Log.
func (l *Log) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		r := logReader{log: l, query: q, after: max(0, q.After), through: q.Through, pace: l.newPace()}
		l.each(ctx, r.fetch, eventlog.ReadError{Position: r.after}, yield)
	}
}

// fetcher reads the next run of records into a chunk.
type fetcher func(context.Context, *pgx.Conn, *chunk) error

// each yields what fetch reads. While the caller is at one chunk, the next one is read. At is where reading begins.
func (l *Log) each(
	ctx context.Context, fetch fetcher, at eventlog.ReadError, yield func(*cqrs.Record, error) bool,
) {
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
		if !current.yield(&at, yield) || !fetching {
			return
		}
		<-fetched
		fetching = false
		current, spare = spare, current
	}
}

// yield hands out the chunk's records, and its error after them. It reports whether the caller wants more.
func (c *chunk) yield(at *eventlog.ReadError, yield func(*cqrs.Record, error) bool) bool {
	for i := range c.records {
		at.Position, at.Version = c.records[i].Position, c.records[i].Version
		if !yield(&c.records[i], nil) {
			return false
		}
	}
	if c.err != nil {
		at.Err = c.err
		yield(nil, at)
		return false
	}
	return true
}

// fetch fills a chunk. After an error it is empty.
func (l *Log) fetch(ctx context.Context, fetch fetcher, into *chunk) {
	var kinds []kind
	read := func(ctx context.Context, c *pgx.Conn) error {
		into.reset()
		if into.kinds = kinds; kinds == nil {
			into.kinds = l.kinds.snapshot() // a connection that was made just now has emptied it
		}
		return fetch(ctx, c, into)
	}
	err := l.withConn(ctx, read)
	if unknown := (*unknownKindError)(nil); errors.As(err, &unknown) {
		err = l.withConn(ctx, func(ctx context.Context, c *pgx.Conn) (err error) {
			kinds, err = l.loadKinds(ctx, c)
			return err
		})
		if err == nil {
			err = l.withConn(ctx, read)
		}
		if errors.As(err, &unknown) {
			err = corruptf("%v", unknown)
		}
	}
	if err != nil {
		into.records, into.more, into.err = into.records[:0], false, err
		return
	}
	into.seal()
}

// loadKinds learns the kinds that are not known yet, and returns all.
func (l *Log) loadKinds(ctx context.Context, c *pgx.Conn) ([]kind, error) {
	known := l.kinds.snapshot()
	all := slices.Clip(known)
	if len(all) == 0 {
		all = make([]kind, 1) // ids begin with 1
	}
	err := l.queryOn(ctx, c, selectKinds, func(row [][]byte) error {
		id, k := decodeKind(row)
		if id != int32(len(all)) {
			return corruptf("the kinds of events have the id %d where %d must be", id, len(all))
		}
		all = append(all, k)
		return nil
	}, int32Param(int32(len(all)-1)))
	if err == nil && len(all) > len(known) {
		l.kinds.add(known, all)
	}
	return all, err
}

// maxRows bounds the rows of a chunk, firstRows those of the first one.
const (
	maxRows   = 4096
	firstRows = 1024
)

// pace decides how many rows the next chunk asks for, so that it is likely to fill the buffer and not more.
type pace struct {
	budget int // of payloads and strings, in bytes
	rows   int
	// size is what a row of this log had last, in bytes: where the next iteration begins.
	size *atomic.Int64
}

// newPace returns the pace of an iteration, of which two chunks are in memory at a time.
func (l *Log) newPace() pace {
	p := pace{budget: max(1, l.settings.readBuffer/2), size: &l.rowSize}
	p.rows = min(firstRows, p.budget/max(1, int(p.size.Load()))+1)
	return p
}

func (p *pace) full(c *chunk) bool { return len(c.data)+len(c.text) >= p.budget }

// learn adapts to the sizes of the rows of a chunk.
func (p *pace) learn(c *chunk) {
	if n := len(c.records); n > 0 {
		each := max(1, (len(c.data)+len(c.text))/n)
		p.rows = max(1, min(2*p.rows, p.budget/each+1, maxRows))
		p.size.Store(int64(each))
	}
}

// fill adds the rows of a query to the chunk until its budget is used up, which it reports. What comes on top is not
// kept; if it is much the connection goes with it.
func (p *pace) fill(
	ctx context.Context, c *pgx.Conn, into *chunk, sql string, check func(*cqrs.Record) error, params ...[]byte,
) (full bool, err error) {
	sd, err := c.Prepare(ctx, sql, sql)
	if err != nil {
		return false, err
	}
	defer func() { p.learn(into) }()
	rows := c.PgConn().ExecStatement(ctx, sd, params, binaryFormat, binaryFormat)
	unwanted := 0
	for rows.NextRow() {
		row := rows.Values()
		switch {
		case err != nil || p.full(into):
			full = err == nil
			if unwanted += len(row[10]); unwanted > p.budget {
				closing, cancel := context.WithCancel(ctx)
				cancel() // there is nothing to wait for
				_ = c.Close(closing)
				return full, err
			}
		default:
			if err = into.add(row); err == nil {
				err = check(&into.records[len(into.records)-1])
			}
		}
	}
	_, closed := rows.Close()
	return full, errors.Join(closed, err)
}

// streamReader reads one stream.
type streamReader struct {
	log       *Log
	stream    cqrs.StreamID
	next      cqrs.Version
	backwards bool
	pace      pace
}

const (
	selectForwards = `SELECT ` + eventColumnNames + ` FROM {schema}.events
		WHERE stream = $1 AND version >= $2 ORDER BY version LIMIT $3::bigint`
	selectBackwards = `SELECT ` + eventColumnNames + ` FROM {schema}.events
		WHERE stream = $1 AND version <= $2 ORDER BY version DESC LIMIT $3::bigint`
)

func (r *streamReader) fetch(ctx context.Context, c *pgx.Conn, into *chunk) error {
	next, rows, sql := r.next, r.pace.rows, r.log.sql.forwards
	if r.backwards {
		sql = r.log.sql.backwards
	}
	full, err := r.pace.fill(ctx, c, into, sql, func(rec *cqrs.Record) error {
		switch {
		case r.backwards && len(into.records) == 1 && rec.Version <= next: // the stream's end
			next = rec.Version - 1
		case rec.Version != next:
			return corruptf("stream %s has version %d where %d must be", r.stream, rec.Version, next)
		case r.backwards:
			next--
		default:
			next++
		}
		return nil
	}, []byte(r.stream.String()), int64Param(int64(r.next)), int64Param(int64(rows)))
	if err != nil {
		return err
	}
	r.next = next
	into.more = (full || len(into.records) == rows) && next > 0
	return nil
}

// logReader reads the whole log, or the events of some kinds.
type logReader struct {
	log   *Log
	query eventlog.Query
	// after is the position of the last record that was read, or up to where none matched.
	after, through cqrs.Position
	pace           pace

	started bool
	// wanted are the ids of the kinds that are selected, if not all are; some is false if there is no such kind.
	wanted   []byte
	kinds    int
	selected bool
	// scanning says that reading past what is not wanted is cheaper than finding each event by the index; window is
	// how many positions are scanned next.
	scanning bool
	window   int64
}

const (
	selectEvents = `SELECT ` + eventColumnNames + ` FROM {schema}.events
		WHERE position > $1 AND position <= $2 ORDER BY position`
	// The expression keeps the planner from the index by kind, which would be sorted for each window.
	selectScanned = `SELECT ` + eventColumnNames + ` FROM {schema}.events
		WHERE position > $1 AND position <= $2 AND kind + 0 = ANY ($3::integer[]) ORDER BY position`
	// It merges the runs that the kinds have in the index.
	selectIndexed = `SELECT ` + eventColumnNames + ` FROM {schema}.events WHERE position = ANY (ARRAY (
			SELECT found.position FROM unnest($3::integer[]) wanted (kind), LATERAL (
				SELECT e.position FROM {schema}.events e
				WHERE e.kind = wanted.kind AND e.position > $1 AND e.position <= $2
				ORDER BY e.position LIMIT $4::bigint) found
			ORDER BY found.position LIMIT $4::bigint))
		ORDER BY position`
)

// Choosing between scan and index: finding an event by the index costs about as much as scanning indexCost events. Each
// kind is one more run of the index to merge, so there is a bound to their number.
const (
	indexCost     = 8
	maxIndexKinds = 16
	maxWindow     = 1 << 16
)

func (r *logReader) fetch(ctx context.Context, c *pgx.Conn, into *chunk) error {
	if !r.started {
		if err := r.start(ctx, c); err != nil {
			return err
		}
		r.started = true
	}
	switch {
	case r.after >= r.through || r.selected && r.kinds == 0:
		return nil
	case !r.selected:
		return r.fetchAll(ctx, c, into)
	case r.scanning:
		return r.fetchScanned(ctx, c, into)
	}
	return r.fetchIndexed(ctx, c, into)
}

// start fixes where reading ends, and how.
func (r *logReader) start(ctx context.Context, c *pgx.Conn) error {
	head, err := r.log.headOn(ctx, c)
	if err != nil {
		return err
	}
	if r.through <= 0 || r.through > head {
		r.through = head
	}
	if len(r.query.Types) == 0 && len(r.query.Categories) == 0 {
		return nil
	}
	// Behind the head, so that no kind of an event up to it is missing.
	kinds, err := r.log.loadKinds(ctx, c)
	if err != nil {
		return err
	}
	ids, all := selectKindsOf(kinds, r.query.Types, r.query.Categories)
	r.selected, r.kinds = !all, len(ids)
	r.wanted = idsParam(ids)
	r.scanning, r.window = len(ids) > maxIndexKinds, firstRows
	return nil
}

func idsParam(ids []int32) []byte {
	var a array
	a.reset(int4OID)
	for _, id := range ids {
		a.int32(id)
	}
	return a.param()
}

func (r *logReader) fetchAll(ctx context.Context, c *pgx.Conn, into *chunk) error {
	after, end := r.after, min(r.through, r.after+cqrs.Position(r.pace.rows))
	full, err := r.pace.fill(ctx, c, into, r.log.sql.events, func(rec *cqrs.Record) error {
		if rec.Position != after+1 {
			return corruptf("the log has position %d where %d must be", rec.Position, after+1)
		}
		after++
		return nil
	}, int64Param(int64(r.after)), int64Param(int64(end)))
	if err != nil {
		return err
	}
	if !full && after != end {
		return corruptf("the log has no event at position %d", after+1)
	}
	r.after, into.more = after, after < r.through
	return nil
}

func (r *logReader) fetchScanned(ctx context.Context, c *pgx.Conn, into *chunk) error {
	after, end := r.after, min(r.through, r.after+cqrs.Position(r.window))
	full, err := r.pace.fill(ctx, c, into, r.log.sql.scanned, func(rec *cqrs.Record) error {
		after = rec.Position
		return nil
	}, int64Param(int64(r.after)), int64Param(int64(end)), r.wanted)
	if err != nil {
		return err
	}
	if !full {
		after = end
	}
	found, scanned := int64(len(into.records)), int64(after-r.after)
	// As many positions as are likely to hold a chunk of what is wanted, but not many more than now.
	r.window = min(2*r.window, maxWindow, max(firstRows, int64(r.pace.rows)*scanned/max(1, found)))
	r.scanning = r.kinds > maxIndexKinds || found*indexCost*2 > scanned
	r.after, into.more = after, after < r.through
	return nil
}

func (r *logReader) fetchIndexed(ctx context.Context, c *pgx.Conn, into *chunk) error {
	after, rows := r.after, r.pace.rows
	full, err := r.pace.fill(ctx, c, into, r.log.sql.indexed, func(rec *cqrs.Record) error {
		after = rec.Position
		return nil
	}, int64Param(int64(r.after)), int64Param(int64(r.through)), r.wanted, int64Param(int64(rows)))
	if err != nil {
		return err
	}
	if !full && len(into.records) < rows {
		after = r.through
	}
	found, span := int64(len(into.records)), int64(after-r.after)
	r.scanning = r.kinds > 1 && found*indexCost > span
	r.window = max(firstRows, span)
	r.after, into.more = after, after < r.through
	return nil
}
