package claim

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Value collects the fields of one unique value, in their order. Its zero value is ready to use.
//
// Nothing is claimed where a field is absent: an optional without a value, an empty string, the zero time, date or UUID.
// Neither is anything where all fields are zero. A zero number beside other fields is a number like any other.
type Value struct {
	buf     []byte
	some    bool // a field is not zero
	missing bool // a field is absent
}

// kinds keep values of different types apart.
const (
	kindText byte = iota + 1
	kindInt
	kindUint
	kindBool
)

// bytes returns the value's one encoding, nil where nothing is to be claimed. No two values have the same.
func (v *Value) bytes() []byte {
	if v.missing || !v.some {
		return nil
	}
	return v.buf
}

// Absent adds an optional without a value.
func (v *Value) Absent() { v.missing = true }

// Text adds a string.
func (v *Value) Text(s string) { v.text(s, s == "") }

// Bytes adds bytes.
func (v *Value) Bytes(b []byte) { v.text(string(b), len(b) == 0) }

// UUID adds a UUID.
func (v *Value) UUID(u uuid.UUID) { v.text(string(u[:]), u == uuid.Nil) }

// Time adds a time.
func (v *Value) Time(t time.Time) {
	v.missing, v.some = v.missing || t.IsZero(), v.some || !t.IsZero()
	v.Int(t.UnixMicro())
}

// Date adds a date.
func (v *Value) Date(d cqrs.Date) { v.text(d.String(), d == cqrs.Date{}) }

// Int adds an integer.
func (v *Value) Int(n int64) { v.number(kindInt, uint64(n)) }

// Uint adds an unsigned integer.
func (v *Value) Uint(n uint64) { v.number(kindUint, n) }

// Bool adds a truth value.
func (v *Value) Bool(b bool) {
	n := uint64(0)
	if b {
		n = 1
	}
	v.number(kindBool, n)
}

func (v *Value) text(s string, missing bool) {
	v.missing, v.some = v.missing || missing, v.some || !missing
	v.buf = binary.AppendUvarint(append(v.buf, kindText), uint64(len(s)))
	v.buf = append(v.buf, s...)
}

func (v *Value) number(kind byte, n uint64) {
	v.some = v.some || n != 0
	v.buf = binary.BigEndian.AppendUint64(append(v.buf, kind), n)
}

// Equal reports whether two values are the same, or both are none.
func (v *Value) Equal(w *Value) bool { return string(v.bytes()) == string(w.bytes()) }

// Claimed reports whether there is a value to be claimed.
func (v *Value) Claimed() bool { return v.bytes() != nil }
