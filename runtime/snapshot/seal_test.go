package snapshot

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASealedSnapshotOpensAsItWas(t *testing.T) {
	for _, h := range []Header{
		{},
		{Fingerprint: "f", Version: 1, Commit: cqrs.CommitID{1, 2, 3}},
		{Fingerprint: strings.Repeat("x", 255), Version: 1<<63 - 1, Commit: cqrs.CommitID{15: 255}},
	} {
		for _, body := range []string{"", "{}", strings.Repeat("body", 10_000)} {
			before := []byte("what stands before it")
			sealed := Seal(before, h, []byte(body))
			require.True(t, bytes.HasPrefix(sealed, before))
			header, opened, ok := Open(sealed[len(before):])
			require.True(t, ok)
			assert.Equal(t, h, header)
			assert.Equal(t, body, string(opened))
		}
	}
}

func TestADamagedSnapshotDoesNotOpen(t *testing.T) {
	sealed := Seal(nil, Header{Fingerprint: "fingerprint", Version: 7, Commit: cqrs.CommitID{1}}, []byte("the body"))
	for i := range sealed {
		for bit := range 8 {
			damaged := bytes.Clone(sealed)
			damaged[i] ^= 1 << bit
			_, _, ok := Open(damaged)
			require.False(t, ok, "bit %d of byte %d was turned", bit, i)
		}
		_, _, ok := Open(sealed[:i])
		require.False(t, ok, "cut to %d bytes", i)
	}
	_, _, ok := Open(append(bytes.Clone(sealed), 0))
	assert.False(t, ok, "a byte was added")
	_, _, ok = Open(nil)
	assert.False(t, ok)
}

// FuzzOpen checks that whatever opens is what Seal would write again.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(Seal(nil, Header{}, nil))
	f.Add(Seal(nil, Header{Fingerprint: "fingerprint", Version: 7, Commit: cqrs.CommitID{1}}, []byte("the body")))
	f.Add(Seal(nil, Header{Fingerprint: strings.Repeat("x", 255), Version: -1}, nil))
	f.Add([]byte{format, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		for _, candidate := range [][]byte{sealed, mended(sealed)} {
			header, body, ok := Open(candidate)
			if ok && !bytes.Equal(candidate, Seal(nil, header, body)) {
				t.Fatalf("%x opens, but Seal writes %x", candidate, Seal(nil, header, body))
			}
		}
	})
}

// mended gives arbitrary bytes the right checksum, so that fuzzing gets past it.
func mended(sealed []byte) []byte {
	if len(sealed) < fixed {
		return sealed
	}
	b := bytes.Clone(sealed)
	b[0] = format
	binary.BigEndian.PutUint32(b[1:], crc32.Checksum(b[5:], castagnoli))
	return b
}
