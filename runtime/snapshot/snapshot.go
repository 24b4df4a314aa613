// Package snapshot keeps the state of an aggregate at some version, so that loading it need not fold its whole
// history. A snapshot is a cache and never the truth: whatever does not fit (another fingerprint, a bad checksum,
// another history) is ignored and replaced, and a snapshot that can't be written costs nothing but time.
package snapshot

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Store keeps the newest snapshot of each stream. All methods are safe for concurrent use.
type Store interface {
	// LoadSnapshot returns the sealed snapshot of the stream, nil if there is none.
	LoadSnapshot(ctx context.Context, stream cqrs.StreamID) ([]byte, error)
	// SaveSnapshot replaces the stream's snapshot. It does not keep sealed. The store may lose it, but never
	// returns half of it.
	SaveSnapshot(ctx context.Context, stream cqrs.StreamID, sealed []byte) error
	// ListSnapshots yields the streams of a category that have a snapshot, in no particular order. Whether a snapshot is
	// listed that is saved meanwhile is left open. After an error the iteration is over.
	ListSnapshots(ctx context.Context, category string) iter.Seq2[cqrs.StreamID, error]
}

// Stats counts what became of snapshots since a program began. A snapshot that is not used costs a replay of the whole
// stream, and is replaced when the policy says so.
type Stats struct {
	// Used is how often a load began with a snapshot.
	Used int64
	// Stale is how often a snapshot was of another shape of the state, Damaged how often it was not what was written, and
	// Foreign how often it was of another history, such as that of the log before a restore. Unread is how often the
	// store failed to say whether there is one.
	Stale, Damaged, Foreign, Unread int64
	// Written is how many were written. Failed could not be encoded or written, and Dropped were not, because too many
	// waited.
	Written, Failed, Dropped int64
}

// Header says what a snapshot's body is. It is checked before the body is decoded.
type Header struct {
	// Fingerprint is that of the state's shape.
	Fingerprint string
	// Version is the stream's version that the state reflects; Commit is the commit that made it.
	Version cqrs.Version
	Commit  cqrs.CommitID
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// format is the first byte of a sealed snapshot:
//
//	format(1) crc32c of the rest(4) len(fingerprint)(1) fingerprint version(8) commit(16) body
const format = 1

const fixed = 1 + 4 + 1 + 8 + 16

// Seal appends the sealed snapshot to b. The fingerprint must be shorter than 256 bytes.
func Seal(b []byte, h Header, body []byte) []byte {
	start := len(b)
	b = append(b, format, 0, 0, 0, 0, byte(len(h.Fingerprint)))
	b = append(b, h.Fingerprint...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Version))
	b = append(b, h.Commit[:]...)
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[start+1:], crc32.Checksum(b[start+5:], castagnoli))
	return b
}

// Open checks a sealed snapshot and returns its header and body; the body is part of sealed. It reports false for
// whatever Seal did not write.
func Open(sealed []byte) (Header, []byte, bool) {
	if len(sealed) < fixed || sealed[0] != format {
		return Header{}, nil, false
	}
	n := int(sealed[5])
	if len(sealed) < fixed+n || crc32.Checksum(sealed[5:], castagnoli) != binary.BigEndian.Uint32(sealed[1:]) {
		return Header{}, nil, false
	}
	rest := sealed[6:]
	h := Header{Fingerprint: string(rest[:n]), Version: cqrs.Version(binary.BigEndian.Uint64(rest[n:]))}
	copy(h.Commit[:], rest[n+8:])
	return h, rest[n+24:], true
}
