package postgres

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// sqlType is how the columns of a kind are declared, and how an array of its values is.
type sqlType struct {
	name, column string
	oid          uint32
}

// types are those of the kinds; the package's documentation says how values are written.
var types = map[readmodel.Kind]sqlType{
	readmodel.Bool:     {"boolean", "boolean", pgtype.BoolOID},
	readmodel.Int64:    {"bigint", "bigint", pgtype.Int8OID},
	readmodel.Uint64:   {"numeric", "numeric(20)", pgtype.NumericOID},
	readmodel.Float64:  {"double precision", "double precision", pgtype.Float8OID},
	readmodel.String:   {"text", `text COLLATE "C"`, pgtype.TextOID},
	readmodel.Bytes:    {"bytea", "bytea", pgtype.ByteaOID},
	readmodel.Time:     {"timestamptz", "timestamptz", pgtype.TimestamptzOID},
	readmodel.Duration: {"bigint", "bigint", pgtype.Int8OID},
	readmodel.UUID:     {"uuid", "uuid", pgtype.UUIDOID},
	readmodel.Date:     {"date", "date", pgtype.DateOID},
	readmodel.Decimal:  {"numeric", "numeric", pgtype.NumericOID},
	readmodel.JSON:     {"json", "json", pgtype.JSONOID},
}

// What is sent and read is in PostgreSQL's binary format, which is described with each type's send and recv functions:
// integers are big-endian, a timestamptz is microseconds and a date days since 2000, texts and byteas are their bytes.
var (
	epoch    = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	epochDay = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay
)

const secondsOfDay = 86400

// noDate is -infinity, which stands for the zero Date: it sorts before all days.
const noDate = math.MinInt32

// appendValue appends a value in the format of its kind's type. Null has none: appendField writes it.
func appendValue(b []byte, v *readmodel.Value) []byte {
	switch v.Kind() {
	case readmodel.Bool:
		return append(b, byte(v.Uint64()))
	case readmodel.Int64, readmodel.Duration, readmodel.Float64:
		return binary.BigEndian.AppendUint64(b, v.Uint64())
	case readmodel.Uint64:
		return appendUint64(b, v.Uint64())
	case readmodel.Time:
		return binary.BigEndian.AppendUint64(b, uint64(int64(v.Uint64())-epoch))
	case readmodel.Date:
		day := int32(noDate)
		if days := int64(v.Uint64()); days != math.MinInt64 {
			day = int32(days - epochDay)
		}
		return binary.BigEndian.AppendUint32(b, uint32(day))
	case readmodel.Decimal:
		return appendDecimal(b, v.Text())
	}
	return append(b, v.Text()...)
}

// appendField appends a value behind its length, as COPY and arrays have it. The length of null is -1.
func appendField(b []byte, v *readmodel.Value) []byte {
	start := len(b)
	b = append(b, 0xff, 0xff, 0xff, 0xff)
	if v.Kind() == readmodel.Null {
		return b
	}
	b = appendValue(b, v)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// param returns a value as a parameter; nil is null, and nothing else may be nil.
func param(v *readmodel.Value) []byte {
	if v.Kind() == readmodel.Null {
		return nil
	}
	return appendValue(make([]byte, 0, 16), v)
}

func int64Param(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func int32Param(n int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func boolParam(is bool) []byte {
	if is {
		return []byte{1}
	}
	return []byte{0}
}

func decodeInt64(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func decodeBool(b []byte) bool { return b[0] != 0 }

// array is a parameter: an array of one dimension, in binary.
type array struct{ b []byte }

const arrayHeader = 20

// reset makes it empty, of elements of a type, with room for some.
func (a *array) reset(oid uint32, n int) {
	a.b = a.b[:0]
	for _, field := range [arrayHeader / 4]uint32{1, 0, oid, uint32(n), 1} { // dimensions, has nulls, type, length, first
		a.b = binary.BigEndian.AppendUint32(a.b, field)
	}
}

func (a *array) add(v *readmodel.Value) {
	if v.Kind() == readmodel.Null {
		binary.BigEndian.PutUint32(a.b[4:], 1)
	}
	a.b = appendField(a.b, v)
}

func (a *array) addInt64(n int64) {
	a.b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(a.b, 8), uint64(n))
}

// arrayOf returns values of one kind as a parameter.
func arrayOf(kind readmodel.Kind, n int, value func(i int) *readmodel.Value) []byte {
	var a array
	a.reset(types[kind].oid, n)
	for i := range n {
		a.add(value(i))
	}
	return a.b
}

// decode reads a value; nil is null. It reports false for what appendValue never writes: somebody else wrote it.
func decode(b []byte, kind readmodel.Kind) (readmodel.Value, bool) {
	if b == nil {
		return readmodel.Value{}, true
	}
	switch kind {
	case readmodel.String:
		return readmodel.OfString(string(b)), true
	case readmodel.Bytes:
		return readmodel.OfBytes(b), true
	case readmodel.JSON:
		return readmodel.OfJSON(b), true
	case readmodel.Uint64, readmodel.Decimal:
		return decodeNumber(b, kind)
	case readmodel.Bool:
		return readmodel.OfBool(len(b) == 1 && b[0] != 0), len(b) == 1
	case readmodel.UUID:
		u, err := uuid.FromBytes(b)
		return readmodel.OfUUID(u), err == nil
	case readmodel.Date:
		return decodeDate(b)
	}
	if len(b) != 8 {
		return readmodel.Value{}, false
	}
	n := decodeInt64(b)
	switch kind {
	case readmodel.Int64:
		return readmodel.OfInt64(n), true
	case readmodel.Duration:
		return readmodel.OfDuration(time.Duration(n)), true
	case readmodel.Float64:
		f := math.Float64frombits(uint64(n))
		return readmodel.OfFloat64(f), !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	finite := n != math.MinInt64 && n != math.MaxInt64
	return readmodel.OfTime(time.UnixMicro(n + epoch)), finite
}

func decodeDate(b []byte) (readmodel.Value, bool) {
	if len(b) != 4 {
		return readmodel.Value{}, false
	}
	day := int32(binary.BigEndian.Uint32(b))
	if day == noDate {
		return readmodel.OfDate(cqrs.Date{}), true
	}
	d := cqrs.DateOf(time.Unix((int64(day)+epochDay)*secondsOfDay, 0).UTC())
	return readmodel.OfDate(d), day != math.MaxInt32
}
