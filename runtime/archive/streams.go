package archive

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Segments number the streams of the log in the order in which these first appear in it, from 0. So a stream's number
// depends on the log alone, is the same in every segment, and stays when segments are merged. Each segment has the names
// of those that appear first in it: together the segments of an archive have all of them.

const (
	// maxNumbered bounds how many streams have numbers: their names are in memory.
	maxNumbered = 1 << 20
	// noNumber stands for the number of a stream that came too late to have one.
	noNumber = 1<<32 - 1
	// byNumber stands in a block where the size of a stream's id does otherwise. No id has that size.
	byNumber = 1<<16 - 1
)

// dictionary has the streams that appear first in a segment.
type dictionary struct {
	// first is the number of the first one: how many there are in the segments before.
	first uint32
	// names are "Category/ID", by number. They are guarded by Log.mu, as the numbers of a Log are.
	names []string
}

func (d *dictionary) end() int { return int(d.first) + len(d.names) }

// append appends the dictionary: first, number of names, the size of each; then their text.
func (d *dictionary) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(d.first))
	b = binary.AppendUvarint(b, uint64(len(d.names)))
	for _, n := range d.names {
		b = binary.AppendUvarint(b, uint64(len(n)))
	}
	for _, n := range d.names {
		b = append(b, n...)
	}
	return b
}

// parse reads what append wrote.
func (d *dictionary) parse(t *table) {
	first := t.uvarint()
	sizes := make([]uint64, t.count(1))
	var size uint64
	for i := range sizes {
		sizes[i] = t.uvarint()
		size += min(sizes[i], cqrs.MaxCategory+1+cqrs.MaxID+1)
	}
	if t.bad || first+uint64(len(sizes)) > maxNumbered || size > uint64(len(t.b)-t.at) {
		t.bad = true
		return
	}
	text := string(t.b[t.at : t.at+int(size)])
	t.at += int(size)
	d.first, d.names = uint32(first), make([]string, len(sizes))
	for i, n := range sizes {
		if n > uint64(len(text)) {
			t.bad = true
			return
		}
		d.names[i], text = text[:n], text[n:]
	}
}

// numbering numbers the streams of a segment that is being written. A nil one gives no numbers.
type numbering struct {
	known map[string]uint32
	// names are all names that the archive has, as far as known has them.
	names []string
	// file has the streams that appeared first in the segment so far.
	file dictionary
	buf  []byte
	most int
}

// begin returns a numbering for a segment before which the first so many streams of an archive's appear: n itself, if it
// has these names.
func (n *numbering) begin(names []string, first, most int) (*numbering, error) {
	if n == nil || len(n.names) != len(names) {
		n = &numbering{known: make(map[string]uint32, len(names)), names: slices.Clip(names), most: most}
		for i, name := range names {
			n.known[name] = uint32(i)
		}
		if len(n.known) != len(names) {
			return nil, fmt.Errorf("%w: a stream has two numbers in the archive", eventlog.ErrCorrupt)
		}
	}
	n.file = dictionary{first: uint32(first)}
	return n, nil
}

// number returns the number of a stream, noNumber if it has none there.
func (n *numbering) number(s cqrs.StreamID) uint32 {
	if n == nil {
		return noNumber
	}
	n.buf = append(append(append(n.buf[:0], s.Category...), '/'), s.ID...)
	next := n.file.end()
	number, ok := n.known[string(n.buf)]
	switch {
	case ok && int(number) < next:
		return number
	case ok && int(number) == next: // a segment is written again
	case !ok && next == len(n.names) && next < n.most:
		number = uint32(next)
		n.names = append(n.names, string(n.buf))
		n.known[n.names[number]] = number
	default:
		return noNumber
	}
	n.file.names = append(n.file.names, n.names[number])
	return number
}

// setSegments makes segments, which follow each other from the beginning of the log, the archive. The caller holds mu.
// Numbers that would come to stand for other streams than before are not given any more: whoever reads has relied on
// them.
func (l *Log) setSegments(segments []*segment) {
	names, n := l.names, 0
	for _, s := range segments {
		d := &s.index.streams
		both := min(len(d.names), len(names)-n)
		if !slices.Equal(d.names[:both], names[n:n+both]) {
			names, both, l.renumbered = names[:n:n], 0, true
		}
		names = append(names, d.names[both:]...)
		n = d.end()
	}
	if n < len(names) {
		names, l.renumbered = names[:n:n], true
	}
	for _, s := range segments {
		d := &s.index.streams
		d.names = names[d.first:d.end():d.end()] // each name is kept once
	}
	l.segments, l.names = segments, names
}

// view is an archive as one reader sees it.
type view struct {
	segments []*segment
	// names are those of the streams, by number.
	names []string
	// lasting says that the numbers are the same for as long as the log is open.
	lasting bool
}

func (l *Log) view() view { return view{l.segments, l.names, !l.renumbered} }
