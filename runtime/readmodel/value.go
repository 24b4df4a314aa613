package readmodel

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Kind is the type of a column.
type Kind uint8

// The kinds of columns. A sink keeps each in a type of its own that sorts as the kind does; Null is only the kind of
// a value.
const (
	Null Kind = iota
	Bool
	Int64
	Uint64
	Float64
	String
	Bytes
	Time     // UTC, in microseconds
	Duration // nanoseconds
	UUID
	Date
	Decimal
	JSON // a list, a map or a struct; not sortable
)

var kindNames = [...]string{"null", "bool", "int64", "uint64", "float64", "string", "bytes", "time", "duration", "uuid", "date", "decimal", "json"}

// String returns the kind's name in the model's words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText returns the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kindNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("there is no kind %.40q of columns", text)
	}
	*k = Kind(i)
	return nil
}

// Value is the value of one column: a small tagged union, so that rows travel between generated code and sinks
// without an interface, and so without an allocation, per column. The zero Value is null.
type Value struct {
	kind Kind
	num  uint64
	str  string
}

// The constructors, one for each kind.

// OfBool returns a Value of kind Bool.
func OfBool(b bool) Value {
	if b {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}

// OfInt64 returns a Value of kind Int64.
func OfInt64(i int64) Value { return Value{kind: Int64, num: uint64(i)} }

// OfUint64 returns a Value of kind Uint64.
func OfUint64(u uint64) Value { return Value{kind: Uint64, num: u} }

// OfFloat64 returns a Value of kind Float64. Negative zero becomes zero, because SQL databases don't tell them apart.
func OfFloat64(f float64) Value { return Value{kind: Float64, num: math.Float64bits(f + 0)} }

// OfString returns a Value of kind String.
func OfString(s string) Value { return Value{kind: String, str: s} }

// OfBytes returns a Value of kind Bytes. It copies b.
func OfBytes(b []byte) Value { return Value{kind: Bytes, str: string(b)} }

// OfTime returns a Value of kind Time; t is cut to microseconds.
func OfTime(t time.Time) Value { return Value{kind: Time, num: uint64(t.UnixMicro())} }

// OfDuration returns a Value of kind Duration.
func OfDuration(d time.Duration) Value { return Value{kind: Duration, num: uint64(d)} }

// OfUUID returns a Value of kind UUID.
func OfUUID(u uuid.UUID) Value { return Value{kind: UUID, str: string(u[:])} }

// zeroDate is the number of the zero Date, which is no day: as a signed number, it is below those of all days.
const zeroDate uint64 = 1 << 63

// OfDate returns a Value of kind Date. That of the zero Date, a field that nothing was assigned to, sorts before those
// of all days.
func OfDate(d cqrs.Date) Value {
	if d == (cqrs.Date{}) {
		return Value{kind: Date, num: zeroDate}
	}
	return Value{kind: Date, num: uint64(d.Time().Unix() / 86400)}
}

// OfDecimal returns a Value of kind Decimal.
func OfDecimal(d cqrs.Decimal) Value { return Value{kind: Decimal, str: string(d.AppendSortable(nil))} }

// OfJSON returns a Value of kind JSON. It copies b.
func OfJSON(b []byte) Value { return Value{kind: JSON, str: string(b)} }

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// The accessors. Each is for a value of its kind only; a sink switches over Kind first.

// Bool returns the value of a Bool.
func (v Value) Bool() bool { return v.num != 0 }

// Int64 returns the value of an Int64.
func (v Value) Int64() int64 { return int64(v.num) }

// Uint64 returns the value of a Uint64, and the bits of the number that any other kind but the texts is kept as: a
// Time's are the microseconds, a Date's the days since 1970, which for the zero Date are math.MinInt64.
func (v Value) Uint64() uint64 { return v.num }

// Float64 returns the value of a Float64.
func (v Value) Float64() float64 { return math.Float64frombits(v.num) }

// Text returns the value of a String, the bytes of a Bytes, UUID or JSON, and of a Decimal the text that sorts as the
// number does.
func (v Value) Text() string { return v.str }

// Time returns the value of a Time, in UTC.
func (v Value) Time() time.Time { return time.UnixMicro(int64(v.num)).UTC() }

// Duration returns the value of a Duration.
func (v Value) Duration() time.Duration { return time.Duration(v.num) }

// UUID returns the value of a UUID.
func (v Value) UUID() uuid.UUID {
	var u uuid.UUID
	copy(u[:], v.str)
	return u
}

// Date returns the value of a Date.
func (v Value) Date() cqrs.Date {
	if v.num == zeroDate {
		return cqrs.Date{}
	}
	return cqrs.DateOf(time.Unix(int64(v.num)*86400, 0).UTC())
}

// Decimal returns the value of a Decimal.
func (v Value) Decimal() cqrs.Decimal {
	d, _ := cqrs.ParseSortableDecimal(v.str)
	return d
}

// The first and the last Time and Date that every sink can keep.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	maxTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
	minDate = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86400
	maxDate = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix() / 86400
)

// TimeLayout is the layout in which a Value's String, and sinks without a type for it, write a Time: of fixed width, so
// that texts sort as times do.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// String returns the value as people read it, of whatever kind it is: in errors and in logs.
func (v Value) String() string {
	switch v.kind {
	case Null:
		return "null"
	case Bool:
		return strconv.FormatBool(v.Bool())
	case Int64:
		return strconv.FormatInt(v.Int64(), 10)
	case Uint64:
		return strconv.FormatUint(v.num, 10)
	case Float64:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	case Bytes:
		return fmt.Sprintf("%x", v.str)
	case Time:
		return v.Time().Format(TimeLayout)
	case Duration:
		return v.Duration().String()
	case UUID:
		return v.UUID().String()
	case Date:
		return v.Date().String()
	case Decimal:
		return v.Decimal().String()
	}
	return v.str
}
