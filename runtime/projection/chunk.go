package projection

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// The size of chunks: each ends with the commit that makes it this large.
const (
	chunkRecords = 1024
	chunkBytes   = 1 << 20
)

// chunk is a part of the log: what was read of it behind position after, up to position through, in whole commits. It is
// shared by all who fold it, and written by nobody once it is handed out.
type chunk struct {
	after, through cqrs.Position
	// commit is that of the event at position through; zero where nobody looked.
	commit cqrs.CommitID
	// head is the log's when the chunk was read.
	head cqrs.Position

	records []cqrs.Record
	// text has what the records point to: their payloads, and the strings that differ from event to event. It is used
	// again when the chunk is.
	text []byte
	// kinds has the number of each record's type.
	kinds []uint16
	bytes int

	refs atomic.Int32
	// pooled chunks have buffers for a full chunk, which are used again.
	pooled bool
}

var chunkPool = sync.Pool{New: func() any {
	return &chunk{
		pooled:  true,
		records: make([]cqrs.Record, 0, chunkRecords), kinds: make([]uint16, 0, chunkRecords),
	}
}}

// newChunk returns an empty chunk that its caller holds. Small ones stay in windows for long: they have no more memory
// than they need.
func newChunk(small bool) *chunk {
	c := &chunk{}
	if !small {
		c = chunkPool.Get().(*chunk)
	}
	c.refs.Store(1)
	return c
}

// add copies a record, which may be lent.
func (c *chunk) add(rec *cqrs.Record, kind uint16) {
	c.records = append(c.records, *rec)
	r := &c.records[len(c.records)-1]
	first := len(c.text)
	c.text = append(c.text, rec.Data...)
	r.Data = c.text[first:len(c.text):len(c.text)]
	if rec.StreamNumber == 0 {
		r.Stream.ID = c.copy(rec.Stream.ID)
	}
	if n := len(c.records) - 1; n > 0 && c.records[n-1].Commit == rec.Commit {
		before := &c.records[n-1]
		r.CommandID, r.CorrelationID = before.CommandID, before.CorrelationID
		r.CausationID, r.Actor = before.CausationID, before.Actor
	} else {
		r.CommandID, r.CorrelationID = c.copy(rec.CommandID), c.copy(rec.CorrelationID)
		r.CausationID, r.Actor = c.copy(rec.CausationID), c.copy(rec.Actor)
	}
	c.kinds = append(c.kinds, kind)
	c.bytes += len(rec.Data)
}

// copy copies a string into the chunk's text. Where the text moves to a larger place, what was copied before stays.
func (c *chunk) copy(s string) string {
	if s == "" {
		return ""
	}
	first := len(c.text)
	c.text = append(c.text, s...)
	return unsafe.String(&c.text[first], len(s))
}

func (c *chunk) full(records int) bool { return len(c.records) >= records || c.bytes >= chunkBytes }

func (c *chunk) hold(n int) { c.refs.Add(int32(n)) }

// release gives up a hold. After the last one the buffers are used again.
func (c *chunk) release() {
	if c.refs.Add(-1) > 0 || !c.pooled {
		return
	}
	records, kinds, text := c.records[:0], c.kinds[:0], c.text[:0]
	*c = chunk{pooled: true, records: records, kinds: kinds, text: text}
	chunkPool.Put(c)
}
