package embedded

import "sync/atomic"

// interned maps the ids of rows that never change to what they say, so that reading makes no string twice. It is a
// direct-mapped cache: each id has one slot, which it shares with the ids that are a multiple of the size away. Since
// ids are dense, as many rows as there are slots are all kept, and memory is bounded without any bookkeeping.
type interned[T any] struct {
	slots []atomic.Pointer[namedRow[T]]
}

type namedRow[T any] struct {
	id    int64
	value T
}

// newInterned returns an empty cache; size must be a power of two.
func newInterned[T any](size int) *interned[T] {
	return &interned[T]{slots: make([]atomic.Pointer[namedRow[T]], size)}
}

func (n *interned[T]) slot(id int64) *atomic.Pointer[namedRow[T]] {
	return &n.slots[uint64(id)&uint64(len(n.slots)-1)]
}

// get returns nil for a row that is not kept.
func (n *interned[T]) get(id int64) *T {
	if row := n.slot(id).Load(); row != nil && row.id == id {
		return &row.value
	}
	return nil
}

func (n *interned[T]) put(id int64, value T) *T {
	row := &namedRow[T]{id: id, value: value}
	n.slot(id).Store(row)
	return &row.value
}
