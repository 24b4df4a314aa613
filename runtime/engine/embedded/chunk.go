package embedded

import (
	"slices"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"zombiezen.com/go/sqlite"
)

// Bounds of what is read in one go. A chunk ends when it is at or above one of them.
const (
	chunkRecords = 1024
	chunkBytes   = 1 << 20
)

// eventColumns are the columns that chunk.add expects, in its order.
const eventColumns = `position, stream, version, type, commit_id, time, data,
	command_id, correlation_id, causation_id, actor`

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

// full says that the chunk takes no more records.
func (c *chunk) full() bool { return len(c.records) >= chunkRecords || len(c.data) >= chunkBytes }

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
	r.Stream = *stream
	r.Version = cqrs.Version(stmt.ColumnInt64(2))
	typ, err := names.eventType(stmt.ColumnInt64(3))
	if err != nil {
		return err
	}
	r.Type, r.SchemaVersion, r.ContentType = typ.name, typ.schemaVersion, typ.contentType
	if n := stmt.ColumnBytes(4, r.Commit[:]); n != len(r.Commit) {
		return corruptf("the commit id of the event at position %d has %d bytes", r.Position, n)
	}
	r.Time = time.UnixMicro(stmt.ColumnInt64(5)).UTC()

	var s sizes
	before := len(c.data)
	c.data = appendColumn(c.data, stmt, 6)
	s.data = len(c.data) - before
	for i := range s.meta {
		before := len(c.text)
		c.text = appendColumn(c.text, stmt, 7+i)
		s.meta[i] = len(c.text) - before
	}
	c.sizes = append(c.sizes, s)
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
