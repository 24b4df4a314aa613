package jsoncodec

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special returns a mask in which the lowest bit set tells, by its place, the first of the eight bytes in x that
// can't stand for itself in a JSON string: a quote, a backslash or a control character. Above that bit the mask may be
// wrong. The method is that of Lamport, "Multiple Byte Processing with Full-Word Instructions" (CACM 1975).
func special(x uint64) uint64 {
	quotes := x ^ '"'*ones
	slashes := x ^ '\\'*ones
	return ((quotes-ones)&^quotes | (slashes-ones)&^slashes | (x-' '*ones)&^x) & highs
}

// plain returns the length of the longest prefix of b whose bytes stand for themselves in a JSON string, and whether
// they are all ASCII.
func plain(b []byte) (n int, ascii bool) {
	var seen uint64
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		if m := special(x); m != 0 {
			first := bits.TrailingZeros64(m)
			seen |= x & (1<<(first&^7) - 1)
			return n + first>>3, seen&highs == 0
		}
		seen |= x
	}
	for ; n < len(b); n++ {
		c := b[n]
		if c < ' ' || c == '"' || c == '\\' {
			break
		}
		seen |= uint64(c)
	}
	return n, seen&highs == 0
}
