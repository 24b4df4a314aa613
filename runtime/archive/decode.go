package archive

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// decoder reads the commits and events of one block, in order. Payloads and strings are parts of two buffers that belong
// to this block alone, so that they stay valid for as long as somebody holds them. Whatever a body says is checked before
// it is used: reason tells the first thing that was wrong.
type decoder struct {
	head    blockHeader
	types   []eventType
	streams []streamState
	text    string // what of the text was not given out yet
	commits table
	rows    table
	payload []byte // what of the payloads was not given out yet

	position cqrs.Position
	time     int64
	// items and events are how many are left, inCommit how many events of the current commit.
	items, events, inCommit int
	current                 commit
	// passed says that the event which was read last is not one that restrict selects.
	passed     bool
	otherTypes []bool // nil for no restriction
	reason     string
}

// streamState is a stream and the version of its last event that was read.
type streamState struct {
	id      cqrs.StreamID
	version cqrs.Version
	// other says that restrict does not select its events.
	other bool
}

// table is what is left of a part of a body that holds numbers.
type table struct {
	b  []byte
	at int
	// bad says that the part was shorter than what it had to hold.
	bad bool
}

func (t *table) uvarint() uint64 {
	if t.at < len(t.b) {
		if v := t.b[t.at]; v < 0x80 {
			t.at++
			return uint64(v)
		}
	}
	return t.long()
}

func (t *table) long() uint64 {
	v, n := binary.Uvarint(t.b[t.at:])
	if n <= 0 {
		t.bad = true
		return 0
	}
	t.at += n
	return v
}

func (t *table) varint() int64 {
	v := t.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// take fills dst with the next bytes.
func (t *table) take(dst []byte) {
	if len(t.b)-t.at < len(dst) {
		t.bad = true
		return
	}
	t.at += copy(dst, t.b[t.at:])
}

// count reads how many entries of at least so many bytes follow. There can't be more than have room.
func (t *table) count(entry int) int {
	n := t.uvarint()
	if n > uint64((len(t.b)-t.at)/entry) {
		t.bad = true
		return 0
	}
	return int(n)
}

// newDecoder returns a decoder of a block whose header was checked. The stored body must match the header's checksum,
// which the caller has checked as well; it is kept if it is not compressed.
func newDecoder(head blockHeader, stored []byte) (*decoder, string) {
	body := stored
	if head.encoding == compressed {
		if n, err := s2.DecodedLen(stored); err != nil || n != head.size() {
			return nil, "a compressed body does not have the size that its header says"
		}
		var err error
		if body, err = s2.Decode(make([]byte, head.size()), stored); err != nil {
			return nil, "a compressed body can't be decompressed: " + err.Error()
		}
	}
	cut := func(n uint32) []byte {
		part := body[:n:n]
		body = body[n:]
		return part
	}
	tables := table{b: cut(head.names)}
	d := &decoder{
		head: head, commits: table{b: cut(head.commits)}, rows: table{b: cut(head.rows)}, text: string(cut(head.text)),
		payload: cut(head.payload), position: head.previous, items: int(head.items), events: int(head.events),
	}
	d.readNames(&tables)
	return d, d.reason
}

func (d *decoder) readNames(t *table) {
	categories := make([]string, t.count(1))
	for i := range categories {
		categories[i] = d.string(t.uvarint())
	}
	d.types = make([]eventType, t.count(3))
	for i := range d.types {
		d.types[i] = eventType{name: d.string(t.uvarint()), schemaVersion: int(t.uvarint() & (1<<31 - 1))}
		d.types[i].contentType = cqrs.ContentType(d.string(t.uvarint()))
	}
	d.streams = make([]streamState, min(t.count(3), maxBlockEvents))
	for i := range d.streams {
		category := t.uvarint()
		if category >= uint64(len(categories)) {
			d.fail("a stream has no category")
			return
		}
		d.streams[i].id = cqrs.StreamID{Category: categories[category], ID: d.string(t.uvarint())}
		d.streams[i].version = cqrs.Version(t.uvarint() & (1<<63 - 1))
	}
	if t.bad || t.at != len(t.b) {
		d.fail("the names of a block are not as long as they must be")
	}
}

func (d *decoder) fail(reason string) {
	if d.reason == "" {
		d.reason = reason
	}
}

// string returns the next n bytes of the text.
func (d *decoder) string(n uint64) string {
	if n > uint64(len(d.text)) {
		d.fail("the text of a block is shorter than it must be")
		return ""
	}
	s := d.text[:n]
	d.text = d.text[n:]
	return s
}

// nextCommit reads the head of the next commit into current, and reports whether there is one. The events of the one
// before must have been read.
func (d *decoder) nextCommit() bool {
	if d.reason != "" || d.inCommit > 0 {
		return false
	}
	if d.items == 0 {
		d.finish()
		return false
	}
	d.items--
	t, c := &d.commits, &d.current
	var flags [1]byte
	t.take(flags[:])
	n := t.uvarint()
	if n > uint64(d.events) {
		d.fail("a commit has more events than its block")
		return false
	}
	d.inCommit = int(n)
	if c.id = (cqrs.CommitID{}); n > 0 {
		t.take(c.id[:])
	}
	d.time += t.varint()
	c.meta.Time = time.UnixMicro(d.time).UTC()
	c.meta.CommandID = d.string(t.uvarint())
	c.meta.CorrelationID = d.string(t.uvarint())
	c.meta.CausationID = d.string(t.uvarint())
	c.meta.Actor = d.string(t.uvarint())
	c.recorded, c.hash, c.version = flags[0]&flagRecorded != 0, [32]byte{}, 0
	if c.recorded {
		t.take(c.hash[:])
		c.version = cqrs.Version(t.uvarint() & (1<<63 - 1))
	}
	if t.bad || n == 0 && !c.recorded {
		d.fail("the commits of a block are not as they must be")
		return false
	}
	return true
}

// nextEvent reads the next event of the current commit into r, all of it, and reports whether there is one.
func (d *decoder) nextEvent(r *cqrs.Record) bool {
	if d.inCommit == 0 {
		return false
	}
	stream, typ := d.rows.uvarint(), d.rows.uvarint()
	step, size := d.rows.uvarint(), d.rows.uvarint()
	if stream >= uint64(len(d.streams)) || typ >= uint64(len(d.types)) || size > uint64(len(d.payload)) ||
		step == 0 || step > uint64(d.head.last-d.position) || d.rows.bad {
		d.fail("an event of a block is not as it must be")
		return false
	}
	d.inCommit--
	d.events--
	d.position += cqrs.Position(step)
	s, t, c := &d.streams[stream], &d.types[typ], &d.current
	s.version++
	r.Position, r.Stream, r.Version = d.position, s.id, s.version
	r.Commit, r.Time = c.id, c.meta.Time
	r.CommandID, r.CorrelationID, r.CausationID, r.Actor = c.meta.CommandID, c.meta.CorrelationID, c.meta.CausationID, c.meta.Actor
	r.Type, r.SchemaVersion, r.ContentType = t.name, t.schemaVersion, t.contentType
	r.Data = d.payload[:size:size]
	d.payload = d.payload[size:]
	d.passed = s.other || d.otherTypes != nil && d.otherTypes[typ]
	return true
}

// restrict makes passed true for the events that a query does not select by type or category.
func (d *decoder) restrict(q *eventlog.Query) {
	if len(q.Types) > 0 {
		d.otherTypes = make([]bool, len(d.types))
		for i := range d.types {
			d.otherTypes[i] = !slices.Contains(q.Types, d.types[i].name)
		}
	}
	if len(q.Categories) > 0 {
		for i := range d.streams {
			d.streams[i].other = !slices.Contains(q.Categories, d.streams[i].id.Category)
		}
	}
}

// finish checks that the block held what its header says and nothing else.
func (d *decoder) finish() {
	if d.events > 0 || d.commits.at != len(d.commits.b) || d.rows.at != len(d.rows.b) || len(d.text) > 0 ||
		len(d.payload) > 0 || d.position != d.head.last {
		d.fail("a block does not hold what its header says")
	}
}
