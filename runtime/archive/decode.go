package archive

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/klauspost/compress/s2"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// decoder reads the commits and events of one block, in order. Payloads and strings are parts of one buffer, which
// nobody ever writes to again unless they are lent, so that they stay valid for as long as somebody holds them; the
// decoder itself can be used for another block. Whatever a body says is checked before it is used: reason tells the first thing that was
// wrong.
//
// While garbage is collected, writing a pointer into memory costs far more than writing a number. There may be much to
// collect while a log is read, so places are kept as numbers, and strings that did not change are not written again.
type decoder struct {
	// stored and unpacked are buffers for a block as it is stored, and its body if that is compressed.
	stored, unpacked []byte

	head       blockHeader
	categories []string
	types      []eventType
	names      map[string]string
	// byNumber has "Category/ID" of the streams that have numbers. lasting says that records get these numbers.
	byNumber []string
	lasting  bool
	// lent says that payloads and strings are parts of the block's own buffer, which is used again.
	lent bool
	// tables has the three parts of a body that are numbers. They are used up before the decoder gets another block.
	tables                 []byte
	streams, commits, rows part
	// kept has the two other parts, the text and the payloads.
	kept          string
	text, payload part

	position cqrs.Position
	// seen has for each stream how many of its events were read; numbered has its name, if it has a number.
	seen     []uint32
	numbered []string
	// items and events are how many are left, inCommit how many events of the current commit.
	items, events, inCommit int
	// Of the current commit: its id, time, and where its strings are.
	commit   cqrs.CommitID
	time     time.Time
	meta     [4]part
	recorded bool
	hash     [32]byte
	version  cqrs.Version
	// otherTypes and otherCategories say what restrict does not select; nil is no restriction. passed says that the event
	// which was read last is of that.
	otherTypes, otherCategories []bool
	passed                      bool
	reason                      string
}

// part is what was not read yet of a part of a body.
type part struct{ at, end int }

// take cuts n bytes off, and reports whether there are as many.
func (p *part) take(n int) (at int, ok bool) {
	at = p.at
	if n < 0 || n > p.end-at {
		return 0, false
	}
	p.at += n
	return at, true
}

// Sizes of what a body's parts consist of.
const (
	streamSize   = 16
	commitSize   = 36
	recordedSize = 40
	rowSize      = 8
)

// start begins a block whose header was checked. The body must match the header's checksum, which the caller has
// checked as well; it must not change before the block was read. start returns what is wrong with the block.
func (d *decoder) start(head blockHeader, body []byte) string {
	*d = decoder{
		stored: d.stored, unpacked: d.unpacked, byNumber: d.byNumber, lasting: d.lasting, lent: d.lent, numbered: d.numbered,
		head: head, position: head.previous, items: int(head.items), events: int(head.events),
		types: d.types[:0], categories: d.categories[:0], names: d.names, seen: d.seen,
	}
	numbers := int(head.names) + int(head.commits) + int(head.rows)
	d.tables = body[:numbers]
	d.commits = part{int(head.names), int(head.names) + int(head.commits)}
	d.rows = part{d.commits.end, numbers}
	kept := body[numbers:]
	if !d.lent {
		// A copy takes less time than to read into new memory, which is cleared first.
		kept = append([]byte(nil), kept...)
	}
	d.kept = unsafe.String(unsafe.SliceData(kept), len(kept))
	d.text, d.payload = part{0, int(head.text)}, part{int(head.text), len(kept)}
	d.readNames(table{b: body[:head.names]})
	return d.reason
}

// decompress returns a block's body as it was before it was compressed.
func (d *decoder) decompress(h *blockHeader, stored []byte) (body []byte, reason string) {
	if h.encoding == plain {
		return stored, ""
	}
	if n, err := s2.DecodedLen(stored); err != nil || n != h.size() {
		return nil, "a compressed body does not have the size that its header says"
	}
	d.unpacked = slices.Grow(d.unpacked[:0], h.size())[:h.size()]
	body, err := s2.Decode(d.unpacked, stored)
	if err != nil {
		return nil, "a compressed body can't be decompressed: " + err.Error()
	}
	return body, ""
}

func (d *decoder) readNames(t table) {
	for range t.count(1) {
		d.categories = append(d.categories, d.name(t.uvarint()))
	}
	for range t.count(3) {
		typ := eventType{name: d.name(t.uvarint()), schemaVersion: int(t.uvarint() & (1<<31 - 1))}
		typ.contentType = cqrs.ContentType(d.name(t.uvarint()))
		d.types = append(d.types, typ)
	}
	streams := t.count(streamSize)
	d.streams = part{t.at, len(t.b)}
	if t.bad || len(t.b)-t.at != streams*streamSize || streams > d.events {
		d.fail("the names of a block are not as they must be")
		return
	}
	d.seen = slices.Grow(d.seen[:0], streams)[:streams]
	clear(d.seen)
	d.findNumbered(t.b[t.at:])
	// The text of the commits stands behind the id of the last stream without a number.
	for at := len(t.b) - streamSize; at >= d.streams.at; at -= streamSize {
		b := t.b[at:]
		where, size := int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint16(b[4:]))
		if size == byNumber {
			continue
		}
		if where+size > int64(d.text.end) {
			d.fail("the text of a block is shorter than it must be")
			return
		}
		d.text.at = int(where + size)
		return
	}
}

// findNumbered looks up the names of the streams that have numbers. They are far from each other in memory, which costs
// less in one go.
func (d *decoder) findNumbered(streams []byte) {
	d.numbered = d.numbered[:0]
	for ; len(streams) >= streamSize; streams = streams[streamSize:] {
		name := ""
		number := binary.LittleEndian.Uint32(streams)
		if binary.LittleEndian.Uint16(streams[4:]) == byNumber && int64(number) < int64(len(d.byNumber)) {
			name = d.byNumber[number]
		}
		d.numbered = append(d.numbered, name)
	}
}

func (d *decoder) fail(reason string) {
	if d.reason == "" {
		d.reason = reason
	}
}

// name returns the next n bytes of the text. It is the same string for all blocks, which makes comparing it cheap, and
// keeps no block.
func (d *decoder) name(n uint64) string {
	at, ok := d.text.take(int(min(n, maxBody)))
	if !ok {
		d.fail("the text of a block is shorter than it must be")
		return ""
	}
	s := d.kept[at:d.text.at]
	known, ok := d.names[s]
	if !ok {
		if d.names == nil || len(d.names) >= maxNames {
			d.names = map[string]string{}
		}
		known = strings.Clone(s)
		d.names[known] = known
	}
	return known
}

// maxNames bounds how many names are remembered from block to block.
const maxNames = 10_000

// nextCommit reads what the events of the next commit have in common, and reports whether there is one. The events of
// the one before must have been read.
func (d *decoder) nextCommit() bool {
	if d.reason != "" || d.inCommit > 0 {
		return false
	}
	if d.items == 0 {
		d.finish()
		return false
	}
	d.items--
	at, ok := d.commits.take(commitSize)
	if !ok {
		d.fail("the commits of a block are fewer than they must be")
		return false
	}
	b := d.tables[at:][:commitSize]
	d.commit = cqrs.CommitID(b[:16])
	d.time = time.UnixMicro(int64(binary.LittleEndian.Uint64(b[16:]))).UTC()
	for i := range d.meta {
		m := &d.meta[i]
		if m.at, ok = d.text.take(int(binary.LittleEndian.Uint16(b[24+2*i:]))); !ok {
			d.fail("the text of a block is shorter than it must be")
			return false
		}
		m.end = d.text.at
	}
	d.inCommit = int(binary.LittleEndian.Uint16(b[32:]))
	d.recorded = binary.LittleEndian.Uint16(b[34:])&flagRecorded != 0
	if d.recorded && !d.readRecorded() || !d.recorded && d.inCommit == 0 || d.inCommit > d.events {
		d.fail("a commit of a block is not as it must be")
	}
	return d.reason == ""
}

// readRecorded reads what is on record of the current commit's command.
func (d *decoder) readRecorded() bool {
	at, ok := d.commits.take(recordedSize)
	if !ok {
		return false
	}
	b := d.tables[at:][:recordedSize]
	d.hash = [32]byte(b[:32])
	d.version = cqrs.Version(binary.LittleEndian.Uint64(b[32:]))
	return d.version >= 0
}

// currentCommit returns the current commit without its events.
func (d *decoder) currentCommit() *commit {
	c := &commit{id: d.commit, recorded: d.recorded, hash: d.hash, version: d.version}
	if !d.recorded {
		c.hash, c.version = [32]byte{}, 0
	}
	c.meta.Time = d.time
	for i, s := range [...]*string{&c.meta.CommandID, &c.meta.CorrelationID, &c.meta.CausationID, &c.meta.Actor} {
		*s = d.metaString(i)
	}
	return c
}

// nextEvent reads the next event of the current commit into r, all of it, and reports whether there is one.
func (d *decoder) nextEvent(r *cqrs.Record) bool {
	if d.inCommit == 0 {
		return false
	}
	at, ok := d.rows.take(rowSize)
	if !ok {
		d.fail("the events of a block are fewer than they must be")
		return false
	}
	row := binary.LittleEndian.Uint64(d.tables[at:])
	stream, typ, step, size := int(row&0xffff), int(row>>16&0xffff), row>>32&0xff, int(row>>40)
	if step == farStep {
		step = d.farStep()
	}
	data, ok := d.payload.take(size)
	if !ok || stream >= len(d.seen) || typ >= len(d.types) || step == 0 || step > uint64(d.head.last-d.position) ||
		!d.setStream(r, stream) {
		d.fail("an event of a block is not as it must be")
		return false
	}
	d.inCommit--
	d.events--
	d.position += cqrs.Position(step)
	t := &d.types[typ]
	r.Position, r.SchemaVersion = d.position, t.schemaVersion
	set(&r.Type, t.name)
	set(&r.ContentType, t.contentType)
	d.setMeta(r)
	r.Data = unsafe.Slice(unsafe.StringData(d.kept), len(d.kept))[data:d.payload.at:d.payload.at]
	d.passed = d.passed || d.otherTypes != nil && d.otherTypes[typ]
	return true
}

// setMeta sets what the record has from its commit.
func (d *decoder) setMeta(r *cqrs.Record) {
	r.Commit = d.commit
	if r.Time != d.time {
		r.Time = d.time
	}
	set(&r.CommandID, d.metaString(0))
	set(&r.CorrelationID, d.metaString(1))
	set(&r.CausationID, d.metaString(2))
	set(&r.Actor, d.metaString(3))
}

// metaString returns one of the current commit's strings.
func (d *decoder) metaString(i int) string {
	m := d.meta[i]
	if m.at == m.end {
		return ""
	}
	return d.kept[m.at:m.end]
}

// set sets a string unless it is the same one already.
func set[S ~string](dst *S, s S) {
	if len(*dst) != len(s) || unsafe.StringData(string(*dst)) != unsafe.StringData(string(s)) {
		*dst = s
	}
}

// farStep reads a step that follows its row.
func (d *decoder) farStep() uint64 {
	at, ok := d.rows.take(8)
	if !ok {
		return 0
	}
	return binary.LittleEndian.Uint64(d.tables[at:])
}

// setStream sets the stream of a record, its version, and whether its category is passed.
func (d *decoder) setStream(r *cqrs.Record, stream int) bool {
	b := d.tables[d.streams.at+stream*streamSize:][:streamSize]
	at, size := uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint16(b[4:]))
	category := int(binary.LittleEndian.Uint16(b[6:]))
	if category >= len(d.categories) {
		return false
	}
	switch {
	case size == byNumber:
		if name := d.numbered[stream]; len(name) <= len(d.categories[category]) {
			return false
		} else {
			r.Stream.ID, r.StreamNumber = name[len(d.categories[category])+1:], 0
		}
		if d.lasting {
			r.StreamNumber = uint32(at) + 1
		}
	case at+size > uint64(d.text.end):
		return false
	default:
		r.StreamNumber, r.Stream.ID = 0, d.kept[at:at+size]
	}
	d.seen[stream]++
	r.Version = cqrs.Version(binary.LittleEndian.Uint64(b[8:]) + uint64(d.seen[stream]))
	set(&r.Stream.Category, d.categories[category])
	d.passed = d.otherCategories != nil && d.otherCategories[category]
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
		d.otherCategories = make([]bool, len(d.categories))
		for i := range d.categories {
			d.otherCategories[i] = !slices.Contains(q.Categories, d.categories[i])
		}
	}
}

// finish checks that the block held what its header says and nothing else.
func (d *decoder) finish() {
	if d.events > 0 || d.commits.at < d.commits.end || d.rows.at < d.rows.end || d.text.at < d.text.end ||
		d.payload.at < d.payload.end || d.position != d.head.last {
		d.fail("a block does not hold what its header says")
	}
}

// table reads numbers and bytes from a part of a block.
type table struct {
	b  []byte
	at int
	// bad says that the part was shorter than what it had to hold.
	bad bool
}

func (t *table) uvarint() uint64 {
	v, n := binary.Uvarint(t.b[t.at:])
	if n <= 0 {
		t.bad = true
		return 0
	}
	t.at += n
	return v
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
