// Package sortable writes the values of rows as bytes that sort as the values do, for sinks that keep rows in the order of
// bytes.
package sortable

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Append appends an encoding of the values whose bytes sort as the values do, column by column. No value's
// encoding is a prefix of another's, so that the encoding of the first columns of a key is a prefix of exactly
// the keys that have them.
//
//	null    0
//	others  1 and then
//	        numbers, times, dates: 8 bytes, big-endian, signed ones with the sign bit flipped
//	        floats: their bits, the sign bit flipped if positive, all bits if negative
//	        texts: their bytes, each 0 as 0 255, and 0 0 at the end
func Append(b []byte, values []readmodel.Value) []byte {
	for i := range values {
		v := &values[i]
		if v.Kind() == readmodel.Null {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		switch v.Kind() {
		case readmodel.Bool, readmodel.Uint64:
			b = binary.BigEndian.AppendUint64(b, v.Uint64())
		case readmodel.Int64, readmodel.Duration, readmodel.Time, readmodel.Date:
			b = binary.BigEndian.AppendUint64(b, v.Uint64()^1<<63)
		case readmodel.Float64:
			b = binary.BigEndian.AppendUint64(b, sortableFloat(v.Float64()))
		default:
			b = appendText(b, v.Text())
		}
	}
	return b
}

func sortableFloat(f float64) uint64 {
	bits := math.Float64bits(f)
	if bits>>63 == 0 {
		return bits | 1<<63
	}
	return ^bits
}

func appendText(b []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(append(b, s...), 0, 0)
		}
		b = append(append(b, s[:i]...), 0, 255)
		s = s[i+1:]
	}
}
