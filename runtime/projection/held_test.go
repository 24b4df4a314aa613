package projection

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func TestABatchThatIsSpreadOverVeryManyChunksHoldsFewOfThem(t *testing.T) {
	w := warmWorker(t, benchLog(300, 30))
	l := w.lanes[0]
	l.rows.complete = false // rows that it does not have have to be loaded
	next := writer{position: w.scanned, commit: 1 << 40}
	fold := func(account string) {
		c := newChunk(false)
		defer c.release()
		rec := next.commitOf(deposited(account, "EUR", 1))
		c.add(&rec[0], w.group.feed.number(rec[0].Type))
		require.NoError(t, l.fold(w.io, c, w.scanned))
	}
	fold("missing")
	for range 10 {
		fold("acc-000000")
	}
	require.Len(t, l.held, 1, "the chunk that has the deferred record, and no other")
	for range 10 * maxHeld {
		fold("missing")
		assert.Less(t, len(l.held), maxHeld)
	}
}

func TestAReaderOfLargeEventsIsFullByTheirBytes(t *testing.T) {
	f := newFeed(newLog())
	r := &reader{feed: f, news: make(chan struct{}, 1)}
	large := cqrs.Record{Data: make([]byte, chunkBytes)}
	for range 8 {
		require.False(t, r.full())
		c := newChunk(true)
		c.add(&large, 0)
		r.push(c)
		c.release()
	}
	require.True(t, r.full(), "whatever few events that are")
	c, err := r.poll()
	require.NoError(t, err)
	c.release()
	assert.False(t, r.full())
}
