package embedded

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The checksum of an event covers what SQLite has no checksums for: that each value is as it was written, and that the
// row belongs to the stream, the type and the position that it is found under.

// streamSum is where the checksums of a stream's events begin.
func streamSum(s *cqrs.StreamID) uint32 { return namesSum(s.Category, s.ID) }

// typeSum stands for a type in the checksums of its events.
func typeSum(t *eventType) uint32 {
	b := binary.LittleEndian.AppendUint64(nil, uint64(t.schemaVersion))
	return crc32.Update(namesSum(t.name, string(t.contentType)), castagnoli, b)
}

func namesSum(a, b string) uint32 {
	names := make([]byte, 0, 4+len(a)+len(b))
	names = binary.LittleEndian.AppendUint32(names, uint32(len(a)))
	names = append(names, a...)
	return crc32.Checksum(append(names, b...), castagnoli)
}

// eventHead is what a checksum covers before the strings and the payload of an event.
type eventHead struct {
	position, version, time int64
	typ                     uint32
	commit                  *cqrs.CommitID
	sizes                   *sizes
}

// append appends the head's encoding to b.
func (h *eventHead) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(h.position))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.version))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.time))
	b = binary.LittleEndian.AppendUint32(b, h.typ)
	for _, n := range h.sizes.meta {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return append(b, h.commit[:]...)
}
