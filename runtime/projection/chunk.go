package projection

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

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
	// kinds has the number of each record's type, streams a hash of the id of each record's stream.
	kinds   []uint16
	streams []uint32
	bytes   int

	refs atomic.Int32
	// pooled chunks have buffers for a full chunk, which are used again.
	pooled bool
}

var chunkPool = sync.Pool{New: func() any {
	return &chunk{
		pooled:  true,
		records: make([]cqrs.Record, 0, chunkRecords), kinds: make([]uint16, 0, chunkRecords),
		streams: make([]uint32, 0, chunkRecords),
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

var streamSeed = maphash.MakeSeed()

func (c *chunk) add(rec *cqrs.Record, kind uint16) {
	c.records = append(c.records, *rec)
	c.kinds = append(c.kinds, kind)
	c.streams = append(c.streams, uint32(maphash.String(streamSeed, rec.Stream.ID)))
	c.bytes += len(rec.Data)
}

func (c *chunk) full(records int) bool { return len(c.records) >= records || c.bytes >= chunkBytes }

func (c *chunk) hold(n int) { c.refs.Add(int32(n)) }

// release gives up a hold. After the last one the buffers are used again.
func (c *chunk) release() {
	if c.refs.Add(-1) > 0 || !c.pooled {
		return
	}
	clear(c.records)
	records, kinds, streams := c.records[:0], c.kinds[:0], c.streams[:0]
	*c = chunk{pooled: true, records: records, kinds: kinds, streams: streams}
	chunkPool.Put(c)
}
