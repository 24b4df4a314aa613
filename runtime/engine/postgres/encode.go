package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// What is sent and read is in PostgreSQL's binary format, which is described with each type's send and recv functions:
// integers are big-endian, a timestamptz is microseconds since 2000, texts and byteas are their bytes.

// epoch is the zero of a timestamptz, in microseconds since 1970.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

func encodeTime(t time.Time) int64 { return t.UnixMicro() - epoch }

func decodeTime(b []byte) time.Time { return time.UnixMicro(decodeInt64(b) + epoch).UTC() }

func decodeInt64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func decodeInt32(b []byte) int32 { return int32(binary.BigEndian.Uint32(b)) }

func int64Param(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func int32Param(n int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// array is a parameter: an array of one dimension without NULLs, in binary.
type array struct {
	b []byte
	n int
}

const arrayHeader = 20

// reset makes it empty, of elements of a type.
func (a *array) reset(oid uint32) {
	a.b, a.n = a.b[:0], 0
	for _, field := range [arrayHeader / 4]uint32{1, 0, oid, 0, 1} { // dimensions, has NULLs, type, length, first index
		a.b = binary.BigEndian.AppendUint32(a.b, field)
	}
}

// param returns the array, which is valid until it is changed.
func (a *array) param() []byte {
	binary.BigEndian.PutUint32(a.b[12:], uint32(a.n))
	return a.b
}

func (a *array) size(n int) {
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(n))
	a.n++
}

func (a *array) int64(n int64) {
	a.size(8)
	a.b = binary.BigEndian.AppendUint64(a.b, uint64(n))
}

func (a *array) int32(n int32) {
	a.size(4)
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(n))
}

func (a *array) bytes(b []byte) {
	a.size(len(b))
	a.b = append(a.b, b...)
}

func (a *array) string(s string) {
	a.size(len(s))
	a.b = append(a.b, s...)
}

// columns are arrays of one length: the rows of an INSERT, column by column.
type columns []array

func (c columns) reset(oids []uint32) {
	for i := range c {
		c[i].reset(oids[i])
	}
}

func (c columns) params() [][]byte {
	params := make([][]byte, len(c))
	for i := range c {
		params[i] = c[i].param()
	}
	return params
}

// binaryFormat says that all parameters, or all columns, are in binary.
var binaryFormat = []int16{pgtype.BinaryFormatCode}
