package archive

import (
	"encoding/binary"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// index says what each block of a file holds, so that a reader finds positions, and passes over blocks without events
// that it wants, without reading them.
type index struct {
	types, categories []string
	blocks            []entry
	// streams are those that a segment has first.
	streams dictionary
}

// entry is a block in the index.
type entry struct {
	// offset is where the block begins, size its length with its header, sum the checksum of its header.
	offset, size          int64
	sum                   uint32
	previous, first, last cqrs.Position
	events, items         uint32
	types                 []typeCount
	categories            []uint32
}

// typeCount is how many events a block has of a type, whatever their schema versions.
type typeCount struct {
	typ    uint32
	events uint32
}

// appendIndex appends the index, which parseIndex reads.
//
//	number of types, each: size, bytes
//	number of categories, each: size, bytes
//	number of blocks, each: size, checksum of its header(4), first - previous, last - first, events, items,
//	    number of types, each: type, events; number of categories, each: category
//
// That of a segment goes on with the dictionary.
func (x *index) append(b []byte, h *header) []byte {
	for _, names := range [...][]string{x.types, x.categories} {
		b = binary.AppendUvarint(b, uint64(len(names)))
		for _, n := range names {
			b = binary.AppendUvarint(b, uint64(len(n)))
			b = append(b, n...)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(x.blocks)))
	for i := range x.blocks {
		b = x.blocks[i].append(b)
	}
	if h.numbered {
		b = x.streams.append(b)
	}
	return b
}

func (e *entry) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(e.size))
	b = binary.LittleEndian.AppendUint32(b, e.sum)
	b = binary.AppendUvarint(b, uint64(e.first-e.previous))
	b = binary.AppendUvarint(b, uint64(e.last-e.first))
	b = binary.AppendUvarint(b, uint64(e.events))
	b = binary.AppendUvarint(b, uint64(e.items))
	b = binary.AppendUvarint(b, uint64(len(e.types)))
	for _, t := range e.types {
		b = binary.AppendUvarint(b, uint64(t.typ))
		b = binary.AppendUvarint(b, uint64(t.events))
	}
	b = binary.AppendUvarint(b, uint64(len(e.categories)))
	for _, c := range e.categories {
		b = binary.AppendUvarint(b, uint64(c))
	}
	return b
}

// parse reads an index of blocks that lie between the file's header and end, and says what is wrong with it.
func (x *index) parse(b []byte, h *header, end int64) string {
	t, after := table{b: b}, h.after
	x.types, x.categories = t.names(), t.names()
	// An entry has at least 11 bytes.
	x.blocks = make([]entry, t.count(11))
	offset := int64(headerSize)
	for i := range x.blocks {
		e := &x.blocks[i]
		e.offset, e.previous = offset, after
		if !x.parseEntry(&t, e) || e.size > end-offset {
			return "the index is not as it must be"
		}
		offset, after = offset+e.size, e.last
	}
	if h.numbered {
		x.streams.parse(&t)
	}
	if t.bad || t.at != len(t.b) || offset != end {
		return "the index does not match the blocks of the file"
	}
	return ""
}

func (x *index) parseEntry(t *table, e *entry) bool {
	var sum [4]byte
	size := t.uvarint()
	t.take(sum[:])
	e.sum = binary.LittleEndian.Uint32(sum[:])
	first, last, events, items := t.uvarint(), t.uvarint(), t.uvarint(), t.uvarint()
	const most = 1<<63 - 1
	if size < blockHeaderSize || size > blockHeaderSize+maxBody || events > maxBlockEvents || items > maxBlockItems ||
		first > uint64(most-e.previous) || last > uint64(most-e.previous)-first {
		return false
	}
	e.size, e.events, e.items = int64(size), uint32(events), uint32(items)
	e.first = e.previous + cqrs.Position(first)
	e.last = e.first + cqrs.Position(last)
	e.types = make([]typeCount, t.count(2))
	for i := range e.types {
		typ, n := t.uvarint(), t.uvarint()
		if typ >= uint64(len(x.types)) || n > events {
			return false
		}
		e.types[i] = typeCount{uint32(typ), uint32(n)}
	}
	e.categories = make([]uint32, t.count(1))
	for i := range e.categories {
		c := t.uvarint()
		if c >= uint64(len(x.categories)) {
			return false
		}
		e.categories[i] = uint32(c)
	}
	return !t.bad
}

// names reads a list of names.
func (t *table) names() []string {
	all := make([]string, t.count(1))
	for i := range all {
		n := t.uvarint()
		if n > uint64(len(t.b)-t.at) {
			t.bad = true
			return nil
		}
		all[i] = string(t.b[t.at : t.at+int(n)])
		t.at += int(n)
	}
	return all
}
