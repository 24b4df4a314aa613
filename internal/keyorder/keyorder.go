// Package keyorder sorts the changes of a batch by their keys, so that a database meets the pages of the key's index one
// after the other.
package keyorder

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// few is up to how many changes are not worth preparing.
const few = 64

// Sort puts changes into the order of their keys, roughly: numbers below zero come last.
func Sort(changes []*readmodel.Change) {
	if len(changes) <= few || len(changes[0].Key) == 0 {
		slices.SortFunc(changes, compare)
		return
	}
	// Keys are somewhere else in memory each. Most comparisons are done by a part of them that is here.
	type short struct {
		begin  uint64
		change *readmodel.Change
	}
	sorted := make([]short, len(changes))
	same := commonPrefix(changes)
	for i, c := range changes {
		sorted[i] = short{begin(&c.Key[0], same), c}
	}
	slices.SortFunc(sorted, func(a, b short) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return compare(a.change, b.change)
	})
	for i := range sorted {
		changes[i] = sorted[i].change
	}
}

// compare compares whole keys.
func compare(a, b *readmodel.Change) int {
	for i := range a.Key {
		v, w := &a.Key[i], &b.Key[i]
		if c := cmp.Or(strings.Compare(v.Text(), w.Text()), cmp.Compare(v.Uint64(), w.Uint64())); c != 0 {
			return c
		}
	}
	return 0
}

// commonPrefix returns how many bytes the texts of all keys' first columns begin with that are the same.
func commonPrefix(changes []*readmodel.Change) int {
	first := changes[0].Key[0].Text()
	same := len(first)
	for _, c := range changes {
		text := c.Key[0].Text()
		same = min(same, len(text))
		for text[:same] != first[:same] {
			same--
		}
	}
	return same
}

// begin returns a number that sorts as the value does, as far as it goes: the value, or the first bytes of its text that
// not all have. Of two values with the same number, compare tells which is first.
func begin(v *readmodel.Value, same int) uint64 {
	text := v.Text()
	if text == "" {
		return v.Uint64()
	}
	var bytes [8]byte
	copy(bytes[:], text[same:])
	return binary.BigEndian.Uint64(bytes[:])
}
