package archive

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/s2"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// encoder packs commits into a block. Its buffers are used again for the next block.
type encoder struct {
	// full is the size from which a block takes no more commits.
	full                  int
	previous, last, first cqrs.Position
	events, items         int

	categories names[string]
	types      names[eventType]
	streams    names[cqrs.StreamID]
	// before has for each stream the version before its first event of the block; at is the version that it has now.
	before, at []cqrs.Version
	// numbers gives streams their numbers, in a segment; numbered has that of each stream, or noNumber.
	numbers  *numbering
	numbered []uint32
	// counts has for each type the number of its events.
	counts []int64

	commits, rows, text, payload []byte
	body, packed                 []byte
}

// eventType is what the events of a type have in common.
type eventType struct {
	name          string
	schemaVersion int
	contentType   cqrs.ContentType
}

// names numbers values in the order in which they come.
type names[T comparable] struct {
	numbers map[T]uint64
	values  []T
}

func (n *names[T]) reset() {
	clear(n.numbers)
	n.values = n.values[:0]
}

// number returns the number of a value, and whether it is a new one.
func (n *names[T]) number(v T) (uint64, bool) {
	i, ok := n.numbers[v]
	if !ok {
		if n.numbers == nil {
			n.numbers = map[T]uint64{}
		}
		i = uint64(len(n.values))
		n.numbers[v] = i
		n.values = append(n.values, v)
	}
	return i, !ok
}

// reset begins a block behind a position.
func (e *encoder) reset(previous cqrs.Position) {
	e.previous, e.first, e.last, e.events, e.items = previous, previous, previous, 0, 0
	e.categories.reset()
	e.types.reset()
	e.streams.reset()
	e.before, e.at, e.counts, e.numbered = e.before[:0], e.at[:0], e.counts[:0], e.numbered[:0]
	e.commits, e.rows, e.text, e.payload = e.commits[:0], e.rows[:0], e.text[:0], e.payload[:0]
}

// fits reports whether the block takes another commit.
func (e *encoder) fits(c *commit) bool {
	return e.items == 0 || e.size() < e.full && e.events+len(c.events) <= maxBlockEvents && e.items < maxBlockItems
}

// size is that of the body so far, without the names.
func (e *encoder) size() int { return len(e.commits) + len(e.rows) + len(e.text) + len(e.payload) }

// add packs a commit. It fails, with an error that wraps eventlog.ErrCorrupt, for what no log can hold.
func (e *encoder) add(c *commit) error {
	if reason := c.fault(); reason != "" {
		return fmt.Errorf("%w: commit %x behind position %d: %s", eventlog.ErrCorrupt, c.id, e.last, reason)
	}
	for i := range c.events {
		if err := e.addEvent(&c.events[i]); err != nil {
			return err
		}
	}
	e.items++
	e.addCommit(c)
	return nil
}

// flagRecorded marks a commit whose command is on record.
const flagRecorded = 1

// addCommit adds what the commit's events have in common.
//
//	id(16) time(8) sizes of command id, correlation id, causation id, actor(2 each) events(2) flags(2);
//	if the command is on record: hash(32) version(8)
func (e *encoder) addCommit(c *commit) {
	b := append(e.commits, c.id[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.meta.Time.UnixMicro()))
	for _, s := range [...]string{c.meta.CommandID, c.meta.CorrelationID, c.meta.CausationID, c.meta.Actor} {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
		e.text = append(e.text, s...)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(c.events)))
	var flags uint16
	if c.recorded {
		flags = flagRecorded
	}
	b = binary.LittleEndian.AppendUint16(b, flags)
	if c.recorded {
		b = append(b, c.hash[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(c.version))
	}
	e.commits = b
}

func (e *encoder) addEvent(r *cqrs.Record) error {
	if r.Position <= e.last || r.Version < 1 || r.SchemaVersion < 0 {
		return fmt.Errorf("%w: version %d of stream %s stands at position %d, behind position %d",
			eventlog.ErrCorrupt, r.Version, r.Stream, r.Position, e.last)
	}
	if e.events == 0 {
		e.first = r.Position
	}
	stream, isNew := e.streams.number(r.Stream)
	if isNew {
		e.before, e.at = append(e.before, r.Version-1), append(e.at, r.Version-1)
		e.categories.number(r.Stream.Category)
		e.numbered = append(e.numbered, e.numbers.number(r.Stream))
	}
	if e.at[stream]++; e.at[stream] != r.Version {
		return fmt.Errorf("%w: stream %s has version %d at position %d, where %d must be",
			eventlog.ErrCorrupt, r.Stream, r.Version, r.Position, e.at[stream])
	}
	typ, isNew := e.types.number(eventType{r.Type, r.SchemaVersion, r.ContentType})
	if isNew {
		e.counts = append(e.counts, 0)
	}
	e.counts[typ]++
	e.addRow(stream, typ, uint64(r.Position-e.last), len(r.Data))
	e.payload = append(e.payload, r.Data...)
	e.last = r.Position
	e.events++
	return nil
}

// farStep stands in a row for a step that follows the row.
const farStep = 255

// addRow adds the row of an event: the numbers of its stream and type, how far its position is from the one before, and
// the size of its payload.
//
//	stream(2) type(2) step(1) size(3); if the step is farStep: step(8)
func (e *encoder) addRow(stream, typ, step uint64, size int) {
	row := stream | typ<<16 | min(step, farStep)<<32 | uint64(size)<<40
	e.rows = binary.LittleEndian.AppendUint64(e.rows, row)
	if step >= farStep {
		e.rows = binary.LittleEndian.AppendUint64(e.rows, step)
	}
}

// block returns the block's header and body, which are valid until the next call. It is compressed if that is asked for
// and makes it smaller.
func (e *encoder) block(compress bool) (blockHeader, []byte, error) {
	h := blockHeader{
		kind: kindEvents, events: uint32(e.events), items: uint32(e.items),
		previous: e.previous, first: e.first, last: e.last,
	}
	e.body = e.appendNames(e.body[:0])
	h.names, h.commits, h.rows = uint32(len(e.body)), uint32(len(e.commits)), uint32(len(e.rows))
	e.body = append(append(e.body, e.commits...), e.rows...)
	text := len(e.body)
	e.body = append(e.appendText(e.body), e.text...)
	h.text, h.payload = uint32(len(e.body)-text), uint32(len(e.payload))
	e.body = append(e.body, e.payload...)
	body := e.body
	if compress {
		e.packed = s2.Encode(e.packed[:cap(e.packed)], e.body)
		if len(e.packed) < len(e.body) {
			h.encoding, body = compressed, e.packed
		}
	}
	h.stored, h.body = uint32(len(body)), checksum(body)
	if reason := h.fault(); reason != "" {
		return h, nil, fmt.Errorf("%w: the commit at position %d can't be archived: %s", eventlog.ErrCorrupt, e.last, reason)
	}
	return h, body, nil
}

// appendNames appends the tables of categories, types and streams: their sizes and numbers, not their text.
//
//	number of categories, each: size
//	number of types, each: size of its name, schema version, size of its content type
//	number of streams, each: where its id begins in the text(4) size of its id(2) category(2) version before(8)
//
// A stream with a number has that in the place of where its id begins, and byNumber in the place of the size.
func (e *encoder) appendNames(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(e.categories.values)))
	at := 0
	for _, c := range e.categories.values {
		b = binary.AppendUvarint(b, uint64(len(c)))
		at += len(c)
	}
	b = binary.AppendUvarint(b, uint64(len(e.types.values)))
	for _, t := range e.types.values {
		b = binary.AppendUvarint(b, uint64(len(t.name)))
		b = binary.AppendUvarint(b, uint64(t.schemaVersion))
		b = binary.AppendUvarint(b, uint64(len(t.contentType)))
		at += len(t.name) + len(t.contentType)
	}
	b = binary.AppendUvarint(b, uint64(len(e.streams.values)))
	for i, s := range e.streams.values {
		category, _ := e.categories.number(s.Category)
		where, size := uint32(at), len(s.ID)
		if number := e.numbered[i]; number != noNumber {
			where, size = number, byNumber
		} else {
			at += size
		}
		b = binary.LittleEndian.AppendUint32(b, where)
		b = binary.LittleEndian.AppendUint16(b, uint16(size))
		b = binary.LittleEndian.AppendUint16(b, uint16(category))
		b = binary.LittleEndian.AppendUint64(b, uint64(e.before[i]))
	}
	return b
}

// appendText appends the text of the tables, in their order. That of the commits follows.
func (e *encoder) appendText(b []byte) []byte {
	for _, c := range e.categories.values {
		b = append(b, c...)
	}
	for _, t := range e.types.values {
		b = append(append(b, t.name...), t.contentType...)
	}
	for i, s := range e.streams.values {
		if e.numbered[i] == noNumber {
			b = append(b, s.ID...)
		}
	}
	return b
}
