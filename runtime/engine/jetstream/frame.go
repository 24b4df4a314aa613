package jetstream

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"
	"unsafe"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// A commit is stored as one message, or as several that follow each other: its parts. A part holds events of one
// stream, or is a note, which holds none. All numbers are variable-length integers but where a width is given:
//
//	format(1) crc32c of the rest(4)
//	flags(1) commit(16) index parts time                    which part of which commit
//	command correlation causation actor                     strings: length, bytes
//	[flagCommand: hash(32) attempt(8) version count]        the outcome, in the first part of a commit with a command id
//	[flagStream: category id version]                       version is that of the first event; of a note: as expected
//	[flagEvents: previous types {name schema content} events {type length data}]
//	[else: position of the last event that the writer knew]
const format = 1

const (
	flagCommand = 1 << iota
	flagStream
	flagEvents
	// flagContinued is of a part whose stream's previous message is the one before.
	flagContinued
)

// frameHeader is what precedes the flags.
const frameHeader = 5

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// part is one message of a commit.
type part struct {
	flags  byte
	commit cqrs.CommitID
	// index is the part's place among the parts of its commit, from 0.
	index, parts uint64
	meta         cqrs.CommandMeta

	// Of a command: its digest, a number that tells the call of Append from others for the same commit, the version of
	// the outcome, and how many events the last part has, 0 if there is none.
	hash      [32]byte
	attempt   uint64
	outcome   cqrs.Version
	lastCount uint64

	stream cqrs.StreamID
	// version is that of the first event. A note repeats the version that is expected.
	version cqrs.Version
	// previous is the sequence of the message before, of the same stream; 0 is none.
	previous uint64
	types    []eventType
	count    uint64
	events   []byte

	// known is the position of an event that precedes a note. Those between are not known.
	known cqrs.Position
}

// eventType is what events of one type have in common.
type eventType struct {
	name    string
	schema  int
	content cqrs.ContentType
}

func (p *part) has(flag byte) bool { return p.flags&flag != 0 }

// last returns the version of the part's last event.
func (p *part) last() cqrs.Version { return p.version + cqrs.Version(p.count) - 1 }

// positionOf returns the position of an event, counted from 0, of the message with this sequence.
func positionOf(sequence, index uint64) cqrs.Position { return cqrs.Position(sequence<<16 | index) }

func sequenceOf(p cqrs.Position) uint64 { return uint64(max(0, p)) >> 16 }

// appendHead appends the frame up to where events or known follow.
func (p *part) appendHead(b []byte) []byte {
	b = append(b, format, 0, 0, 0, 0, p.flags)
	b = append(b, p.commit[:]...)
	b = binary.AppendUvarint(b, p.index)
	b = binary.AppendUvarint(b, p.parts)
	b = binary.AppendVarint(b, p.meta.Time.UnixMicro())
	for _, s := range [...]string{p.meta.CommandID, p.meta.CorrelationID, p.meta.CausationID, p.meta.Actor} {
		b = appendString(b, s)
	}
	if p.has(flagCommand) {
		b = append(b, p.hash[:]...)
		b = binary.LittleEndian.AppendUint64(b, p.attempt)
		b = binary.AppendVarint(b, int64(p.outcome))
		b = binary.AppendUvarint(b, p.lastCount)
	}
	if p.has(flagStream) {
		b = appendString(b, p.stream.Category)
		b = appendString(b, p.stream.ID)
		b = binary.AppendUvarint(b, uint64(p.version))
	}
	return b
}

// appendNote appends the whole frame of a note.
func (p *part) appendNote(b []byte) []byte {
	start := len(b)
	b = binary.AppendUvarint(p.appendHead(b), uint64(p.known))
	return seal(b, start)
}

// appendEvents appends the whole frame of a part with events.
func (p *part) appendEvents(b []byte, events []eventlog.NewEvent) []byte {
	start := len(b)
	b = binary.AppendUvarint(p.appendHead(b), p.previous)
	index := make([]int, len(events))
	types := make([]eventType, 0, 8)
	for i := range events {
		index[i] = typeIndex(&types, &events[i])
	}
	b = binary.AppendUvarint(b, uint64(len(types)))
	for _, t := range types {
		b = appendString(b, t.name)
		b = binary.AppendUvarint(b, uint64(t.schema))
		b = appendString(b, string(t.content))
	}
	b = binary.AppendUvarint(b, uint64(len(events)))
	for i := range events {
		b = binary.AppendUvarint(b, uint64(index[i]))
		b = binary.AppendUvarint(b, uint64(len(events[i].Data)))
		b = append(b, events[i].Data...)
	}
	return seal(b, start)
}

// maxTypes bounds the types of a part that are looked for one by one: with more, a type may be there twice.
const maxTypes = 32

func typeIndex(types *[]eventType, e *eventlog.NewEvent) int {
	t := eventType{e.Type, e.SchemaVersion, e.ContentType}
	from := max(0, len(*types)-maxTypes)
	for i, known := range (*types)[from:] {
		if known == t {
			return from + i
		}
	}
	*types = append(*types, t)
	return len(*types) - 1
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func seal(b []byte, start int) []byte {
	binary.LittleEndian.PutUint32(b[start+1:], crc32.Checksum(b[start+frameHeader:], castagnoli))
	return b
}

// decoder reads parts. What it hands out shares the memory of the frame, but for names, of which there are few.
type decoder struct {
	names map[string]string
	b     []byte
	bad   bool
}

// maxNames bounds the names that a decoder keeps.
const maxNames = 1 << 12

// part reads a frame.
func (d *decoder) part(frame []byte, p *part) error {
	if len(frame) <= frameHeader || frame[0] != format {
		return corruptf("it does not begin as a part of a commit")
	}
	if crc32.Checksum(frame[frameHeader:], castagnoli) != binary.LittleEndian.Uint32(frame[1:]) {
		return corruptf("its checksum is not that of its content")
	}
	d.b, d.bad = frame[frameHeader+1:], false
	*p = part{flags: frame[frameHeader], types: p.types[:0]}
	copy(p.commit[:], d.bytes(len(p.commit)))
	p.index, p.parts = d.number(), d.number()
	p.meta = cqrs.CommandMeta{
		Time: time.UnixMicro(d.signed()).UTC(), CommandID: d.view(), CorrelationID: d.view(), CausationID: d.view(), Actor: d.view(),
	}
	if p.has(flagCommand) {
		copy(p.hash[:], d.bytes(len(p.hash)))
		if b := d.bytes(8); b != nil {
			p.attempt = binary.LittleEndian.Uint64(b)
		}
		p.outcome, p.lastCount = cqrs.Version(d.signed()), d.number()
	}
	if p.has(flagStream) {
		p.stream = cqrs.StreamID{Category: d.name(), ID: d.view()}
		p.version = cqrs.Version(d.number())
	}
	if p.has(flagEvents) {
		d.events(p)
	} else {
		p.known = cqrs.Position(d.number())
	}
	if d.bad || p.index >= p.parts {
		return corruptf("its content is not that of a part")
	}
	return nil
}

// events reads what precedes the events, which are read one by one.
func (d *decoder) events(p *part) {
	p.previous = d.number()
	for range d.bounded(eventlog.MaxEvents) {
		p.types = append(p.types, eventType{d.name(), int(d.number()), cqrs.ContentType(d.name())})
	}
	p.count = d.bounded(eventlog.MaxEvents)
	p.events = d.b
	if p.count == 0 {
		d.bad = true
	}
}

// event reads the next event of a part into r.
func (p *part) event(r *cqrs.Record) error {
	typ, n := binary.Uvarint(p.events)
	if n <= 0 || typ >= uint64(len(p.types)) {
		return corruptf("an event's type is unknown")
	}
	size, m := binary.Uvarint(p.events[n:])
	if m <= 0 || size > uint64(len(p.events)-n-m) {
		return corruptf("an event is cut off")
	}
	start := n + m
	end := start + int(size)
	t := &p.types[typ]
	r.Type, r.SchemaVersion, r.ContentType = t.name, t.schema, t.content
	r.Data = p.events[start:end:end]
	p.events = p.events[end:]
	return nil
}

// record fills in what all events of the part have in common.
func (p *part) record(r *cqrs.Record) {
	r.EventMeta = cqrs.EventMeta{
		Stream: p.stream, Commit: p.commit, Time: p.meta.Time, CommandID: p.meta.CommandID,
		CorrelationID: p.meta.CorrelationID, CausationID: p.meta.CausationID, Actor: p.meta.Actor,
	}
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > math.MaxInt64 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) bounded(most uint64) uint64 {
	v := d.number()
	if v > most {
		d.bad = true
		return 0
	}
	return v
}

func (d *decoder) signed() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.b) {
		d.b, d.bad = nil, true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() []byte { return d.bytes(int(min(d.number(), math.MaxInt32))) }

// view returns a string that shares the frame's memory, which nobody ever writes to again.
func (d *decoder) view() string {
	b := d.text()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// name returns a string that does not.
func (d *decoder) name() string {
	b := d.text()
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if d.names == nil || len(d.names) == maxNames {
		d.names = make(map[string]string)
	}
	s := string(b)
	d.names[s] = s
	return s
}

// corruptf returns an error that wraps eventlog.ErrCorrupt.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", eventlog.ErrCorrupt, fmt.Sprintf(format, args...))
}
