package embedded

import (
	"hash/crc32"
	"slices"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"zombiezen.com/go/sqlite"
)

// bounds say how much is read in one go.
type bounds struct{ records, bytes int }

const (
	// chunkRecords is the most records of a chunk.
	chunkRecords = 1024
	// chunksAtOnce is how many chunks an iteration has at one time: those that are read ahead, and the caller's.
	chunksAtOnce = maxAhead + 1
	// recordBytes is about what a record takes besides its strings and its payload.
	recordBytes = 256
	// defaultReadBuffer bounds an iteration's memory unless the option ReadBuffer does.
	defaultReadBuffer = 5 << 20
)

// boundsOf divides what an iteration may hold among its chunks.
func boundsOf(readBuffer int) bounds {
	bytes := max(readBuffer/chunksAtOnce, 2*recordBytes)
	return bounds{records: min(chunkRecords, bytes/2/recordBytes), bytes: bytes}
}

// eventColumns are the columns that chunk.add expects, in its order.
const eventColumns = `position, stream, version, type, commit_id, time, data,
	command_id, correlation_id, causation_id, actor, checksum`

// metaColumns is how many columns of strings stand at the end of eventColumns.
const metaColumns = 4

// chunk is a run of records that were read in one transaction. A chunk is used again for a later run; only data is
// new each time, because it belongs to whoever got the records.
type chunk struct {
	records []cqrs.Record
	// more says that there may be records after these; err ends the iteration instead.
	more bool
	err  error

	// data has the payloads of all records and text their strings, one after the other; sizes has one entry per
	// record.
	data  []byte
	text  []byte
	sizes []sizes
	// head is a buffer for what a checksum covers first.
	head []byte
}

type sizes struct {
	data int
	meta [metaColumns]int
}

// reset makes the chunk empty. What the last one held tells how much room the next one is going to need.
func (c *chunk) reset() {
	c.data = make([]byte, 0, max(len(c.data)+len(c.data)/8, 1024))
	c.text, c.sizes, c.records = c.text[:0], c.sizes[:0], c.records[:0]
	c.more, c.err = false, nil
}

// takes reports whether the chunk has room for the row that stmt stands at. An empty chunk has.
func (c *chunk) takes(stmt *sqlite.Stmt, most bounds) bool {
	n := len(c.records)
	return n == 0 || n < most.records && (n+1)*recordBytes+len(c.data)+len(c.text)+stmt.ColumnLen(6) <= most.bytes
}

// add appends the row that stmt stands at. Its strings and its payload are set by seal.
func (c *chunk) add(stmt *sqlite.Stmt, names *nameReader) error {
	// Every field of the record that stood here before is set, here or by seal.
	n := len(c.records)
	c.records = slices.Grow(c.records, 1)[:n+1]
	r := &c.records[n]
	r.Position = cqrs.Position(stmt.ColumnInt64(0))
	stream, err := names.stream(stmt.ColumnInt64(1))
	if err != nil {
		return err
	}
	r.Stream = stream.id
	r.Version = cqrs.Version(stmt.ColumnInt64(2))
	typ, err := names.eventType(stmt.ColumnInt64(3))
	if err != nil {
		return err
	}
	r.Type, r.SchemaVersion, r.ContentType = typ.name, typ.schemaVersion, typ.contentType
	if n := stmt.ColumnBytes(4, r.Commit[:]); n != len(r.Commit) {
		return corruptf("the commit id of the event at position %d has %d bytes", r.Position, n)
	}
	micros := stmt.ColumnInt64(5)
	r.Time = time.UnixMicro(micros).UTC()

	var s sizes
	before := len(c.data)
	c.data = appendColumn(c.data, stmt, 6)
	s.data = len(c.data) - before
	text := len(c.text)
	for i := range s.meta {
		before := len(c.text)
		c.text = appendColumn(c.text, stmt, 7+i)
		s.meta[i] = len(c.text) - before
	}
	c.sizes = append(c.sizes, s)
	head := eventHead{
		position: int64(r.Position), version: int64(r.Version), time: micros, typ: typ.sum, commit: &r.Commit, sizes: &s,
	}
	c.head = head.append(c.head[:0])
	sum := crc32.Update(stream.sum, castagnoli, c.head)
	sum = crc32.Update(sum, castagnoli, c.text[text:])
	sum = crc32.Update(sum, castagnoli, c.data[before:])
	if stored := stmt.ColumnInt64(11); stored != int64(sum) {
		return corruptf("the event at position %d, version %d of stream %s, is not what was written: its checksum is %d "+
			"where %d must be", r.Position, r.Version, r.Stream, sum, stored)
	}
	return nil
}

// appendColumn appends the bytes of a column to b.
func appendColumn(b []byte, stmt *sqlite.Stmt, col int) []byte {
	n := stmt.ColumnBytes(col, b[len(b):cap(b)])
	if len(b)+n < cap(b) {
		return b[:len(b)+n]
	}
	// There may be more than b had room for.
	b = slices.Grow(b, stmt.ColumnLen(col)+1)
	n = stmt.ColumnBytes(col, b[len(b):cap(b)])
	return b[:len(b)+n]
}

// seal gives the records their strings and payloads: one allocation for all strings of the chunk.
func (c *chunk) seal() {
	text, data := string(c.text), c.data
	for i := range c.records {
		r, s := &c.records[i], &c.sizes[i]
		r.Data, data = data[:s.data:s.data], data[s.data:]
		for j, field := range [metaColumns]*string{&r.CommandID, &r.CorrelationID, &r.CausationID, &r.Actor} {
			*field, text = text[:s.meta[j]], text[s.meta[j]:]
		}
	}
}
