package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// A file is
//
//	file header, blocks, index block, trailer
//
// All fixed numbers are little-endian; those in tables are uvarints, as encoding/binary has them. Each header, each
// body and the trailer ends with, or is covered by, a CRC-32C.

// Versions of the format. In the second one, which segments of the replay archive have, blocks name streams by their
// numbers, and the index has the names.
const (
	exportFormat  = 1
	segmentFormat = 2
)

const (
	fileMagic    = "CQRSLOG\n"
	trailerMagic = "CQRSEND\n"
	blockMagic   = 0x314b4c42 // "BLK1"
)

const (
	headerSize      = 48
	blockHeaderSize = 72
	trailerSize     = 120
)

// Bounds of a block, which are checked before anything of that size is allocated.
const (
	// blockBytes is the size of the bodies of blocks, or a little more.
	blockBytes = 256 << 10
	// maxBody bounds a body: the largest commit has 8 MiB of payloads, and 10,000 events in 1,000 streams.
	maxBody = 32 << 20
	// maxBlockEvents and maxBlockItems bound the events of a block, and its commits and commands without events.
	maxBlockEvents = 1 << 16
	maxBlockItems  = 1 << 16
)

// Kinds of blocks.
const (
	kindEvents = 1
	kindIndex  = 2
)

// Encodings of a block's body.
const (
	plain      = 0
	compressed = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// header is the file's header. after and previous say where the file begins: behind that position, which is the last
// one of that commit; both are zero at the beginning of a log.
//
//	magic(8) version(4) flags(4) after(8) previous(16) reserved(4) crc(4)
type header struct {
	after    cqrs.Position
	previous cqrs.CommitID
	// numbered says that the file is of segmentFormat.
	numbered bool
}

func (h *header) version() uint32 {
	if h.numbered {
		return segmentFormat
	}
	return exportFormat
}

func (h *header) append(b []byte) []byte {
	start := len(b)
	b = append(b, fileMagic...)
	b = binary.LittleEndian.AppendUint32(b, h.version())
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.after))
	b = append(b, h.previous[:]...)
	b = binary.LittleEndian.AppendUint32(b, 0)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// parse reads what append wrote for a header of the same version, and says what is wrong with anything else.
func (h *header) parse(b []byte) string {
	version := binary.LittleEndian.Uint32(b[8:])
	switch {
	case string(b[:8]) != fileMagic:
		return "it does not begin as an archive does"
	case checksum(b[:headerSize-4]) != binary.LittleEndian.Uint32(b[headerSize-4:]):
		return "the file's header does not match its checksum"
	case version != h.version():
		return "" // told apart by open: the file is whole, but another release's, or of the other kind
	}
	h.after = cqrs.Position(binary.LittleEndian.Uint64(b[16:]))
	copy(h.previous[:], b[24:])
	if h.after < 0 {
		return "the file's header has a position below zero"
	}
	return ""
}

// blockHeader stands before each block's body, which consists of five parts in this order once it is decompressed.
//
//	magic(4) kind(1) encoding(1) reserved(2) stored(4) names(4) commits(4) rows(4) text(4) payload(4)
//	events(4) items(4) previous(8) first(8) last(8) body crc(4) crc(4)
type blockHeader struct {
	kind, encoding byte
	// stored is the body's size in the file.
	stored uint32
	// The sizes of the body's parts: the names of streams and types; the commits; one row for each event; the text that
	// names and commits refer to; the payloads.
	names, commits, rows, text, payload uint32
	// items is how many commits and commands without events there are.
	events, items uint32
	// previous is the position that the block begins behind; first and last are those of its events, equal to previous
	// if it has none.
	previous, first, last cqrs.Position
	body                  uint32
	// sum is the checksum of the header itself.
	sum uint32
}

// size is that of the body after decompression.
func (h *blockHeader) size() int {
	return int(h.names) + int(h.commits) + int(h.rows) + int(h.text) + int(h.payload)
}

func (h *blockHeader) append(b []byte) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, blockMagic)
	b = append(b, h.kind, h.encoding, 0, 0)
	for _, v := range [...]uint32{h.stored, h.names, h.commits, h.rows, h.text, h.payload, h.events, h.items} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, p := range [...]cqrs.Position{h.previous, h.first, h.last} {
		b = binary.LittleEndian.AppendUint64(b, uint64(p))
	}
	b = binary.LittleEndian.AppendUint32(b, h.body)
	h.sum = checksum(b[start:])
	return binary.LittleEndian.AppendUint32(b, h.sum)
}

// parse reads what append wrote, and says what is wrong with anything else.
func (h *blockHeader) parse(b []byte) string {
	if binary.LittleEndian.Uint32(b) != blockMagic {
		return "no block begins here"
	}
	h.sum = binary.LittleEndian.Uint32(b[blockHeaderSize-4:])
	if checksum(b[:blockHeaderSize-4]) != h.sum {
		return "a block's header does not match its checksum"
	}
	h.kind, h.encoding = b[4], b[5]
	for i, v := range [...]*uint32{&h.stored, &h.names, &h.commits, &h.rows, &h.text, &h.payload, &h.events, &h.items} {
		*v = binary.LittleEndian.Uint32(b[8+4*i:])
	}
	for i, p := range [...]*cqrs.Position{&h.previous, &h.first, &h.last} {
		*p = cqrs.Position(binary.LittleEndian.Uint64(b[40+8*i:]))
	}
	h.body = binary.LittleEndian.Uint32(b[64:])
	return h.fault()
}

// fault says what of the header can't be.
func (h *blockHeader) fault() string {
	if h.kind == kindIndex {
		return "" // its size follows from the file's
	}
	for _, n := range [...]uint32{h.stored, h.names, h.commits, h.rows, h.text, h.payload} {
		if n > maxBody {
			return "a block is larger than any can be"
		}
	}
	switch {
	case h.size() > maxBody || h.events > maxBlockEvents || h.items > maxBlockItems:
		return "a block is larger than any can be"
	case h.encoding > compressed || h.encoding == plain && int(h.stored) != h.size():
		return "a block's body is not as long as its header says"
	case h.previous < 0 || h.first < h.previous || h.last < h.first || h.events > 0 && h.first == h.previous:
		return "a block's positions are not in order"
	}
	return ""
}

// trailer ends the file.
//
//	index(8) events(8) commits(8) commands(8) last(8) commit(16) body(8) digest(32) reserved(12) crc(4) magic(8)
type trailer struct {
	// index is where the index block begins.
	index int64
	// events, commits and commands are totals. Commands counts those with events too.
	events, commits, commands int64
	// last is the position that the file ends with, commit the commit that it belongs to: those of the last event, or of
	// the header if there is none.
	last   cqrs.Position
	commit cqrs.CommitID
	// body is the sum of the sizes of all blocks' bodies, decompressed.
	body int64
	// digest is that of all bytes before the trailer.
	digest [sha256.Size]byte
}

func (t *trailer) append(b []byte) []byte {
	start := len(b)
	for _, v := range [...]int64{t.index, t.events, t.commits, t.commands, int64(t.last)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	b = append(b, t.commit[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.body))
	b = append(b, t.digest[:]...)
	b = append(b, make([]byte, 12)...)
	b = binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
	return append(b, trailerMagic...)
}

// parse reads what append wrote, and says what is wrong with anything else.
func (t *trailer) parse(b []byte) string {
	const sum = trailerSize - 12
	if string(b[sum+4:]) != trailerMagic {
		return "it does not end as an archive does: its end is missing, or something follows it"
	}
	if checksum(b[:sum]) != binary.LittleEndian.Uint32(b[sum:]) {
		return "the trailer does not match its checksum"
	}
	for i, v := range [...]*int64{&t.index, &t.events, &t.commits, &t.commands} {
		*v = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	t.last = cqrs.Position(binary.LittleEndian.Uint64(b[32:]))
	copy(t.commit[:], b[40:])
	t.body = int64(binary.LittleEndian.Uint64(b[56:]))
	copy(t.digest[:], b[64:])
	if t.index < 0 || t.events < 0 || t.commits < 0 || t.commands < 0 || t.last < 0 || t.body < 0 {
		return "the trailer has a number below zero"
	}
	return ""
}
