package postgres

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// chunk is a run of records that were read by one query. A chunk is used again for a later run; only its buffers of
// payloads and strings are new each time, because they belong to whoever got the records.
type chunk struct {
	records []cqrs.Record
	// kinds are those that are known, by id.
	kinds []kind
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
	data   int
	stream int
	meta   [metaColumns]int
}

// metaColumns is how many columns of strings stand at the end of the columns of an event, before its data.
const metaColumns = 4

// reset makes the chunk empty. What the last one held tells how much room the next one is going to need.
func (c *chunk) reset() {
	c.data = make([]byte, 0, max(len(c.data)+len(c.data)/8, 1024))
	c.text, c.sizes, c.records = c.text[:0], c.sizes[:0], c.records[:0]
	c.more, c.err = false, nil
}

// add appends a row of eventColumnNames. Its strings and its payload are set by seal.
func (c *chunk) add(row [][]byte) error {
	// Every field of the record that stood here before is set, here or by seal.
	n := len(c.records)
	c.records = slices.Grow(c.records, 1)[:n+1]
	r := &c.records[n]
	r.Position = cqrs.Position(decodeInt64(row[0]))
	r.Version = cqrs.Version(decodeInt64(row[1]))
	r.Time = decodeTime(row[2])
	id := decodeInt32(row[3])
	if id < 1 || int(id) >= len(c.kinds) {
		c.records = c.records[:n]
		return &unknownKindError{id, r.Position}
	}
	k := &c.kinds[id]
	r.Type, r.SchemaVersion, r.ContentType, r.Stream.Category = k.name, int(k.schemaVersion), k.contentType, k.category
	copy(r.Commit[:], row[4])
	var s sizes
	slash := len(k.category)
	if stream := row[5]; len(stream) <= slash || stream[slash] != '/' || !bytes.HasPrefix(stream, []byte(k.category)) {
		c.records = c.records[:n]
		return corruptf("the event at position %d, of the category %s, is in stream %.80q", r.Position, k.category, row[5])
	}
	id0 := row[5][slash+1:]
	s.stream = len(id0)
	c.text = append(c.text, id0...)
	for i := range s.meta {
		s.meta[i] = len(row[6+i])
		c.text = append(c.text, row[6+i]...)
	}
	s.data = len(row[10])
	c.data = append(c.data, row[10]...)
	c.sizes = append(c.sizes, s)
	return nil
}

// unknownKindError says that an event's kind is not among those that the reader knows: it is newer, or does not exist.
type unknownKindError struct {
	id       int32
	position cqrs.Position
}

func (e *unknownKindError) Error() string {
	return fmt.Sprintf("the event at position %d has the kind %d, which does not exist", e.position, e.id)
}

// seal gives the records their strings and payloads: one allocation for all strings of the chunk.
func (c *chunk) seal() {
	text, data := string(c.text), c.data
	for i := range c.records {
		r, s := &c.records[i], &c.sizes[i]
		r.Data, data = data[:s.data:s.data], data[s.data:]
		r.Stream.ID, text = text[:s.stream], text[s.stream:]
		for j, field := range [metaColumns]*string{&r.CommandID, &r.CorrelationID, &r.CausationID, &r.Actor} {
			*field, text = text[:s.meta[j]], text[s.meta[j]:]
		}
	}
}
