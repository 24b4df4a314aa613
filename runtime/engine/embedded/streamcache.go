package embedded

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// generationSize bounds each of the two generations of a streamCache.
const generationSize = 1 << 16

// streamCache remembers the streams that were used last. It has two generations: what is used moves to the young
// one, and when that is full it becomes the old one, whose streams are thereby forgotten.
type streamCache struct {
	young, old map[cqrs.StreamID]*streamRow
}

func (c *streamCache) clear() {
	c.young, c.old = make(map[cqrs.StreamID]*streamRow), nil
}

// get returns nil for a stream that is not remembered.
func (c *streamCache) get(id cqrs.StreamID) *streamRow {
	if row := c.young[id]; row != nil {
		return row
	}
	row := c.old[id]
	if row != nil {
		c.put(id, row)
	}
	return row
}

func (c *streamCache) put(id cqrs.StreamID, row *streamRow) {
	if len(c.young) >= generationSize {
		c.young, c.old = make(map[cqrs.StreamID]*streamRow), c.young
	}
	c.young[id] = row
}
