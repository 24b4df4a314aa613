package jsoncodec

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Writer appends the JSON of one value to a buffer. Its methods are called in the order of the text; it does not
// check that they make up an object, which is the generator's part. It refuses each value that could not be read back
// as it was, and remembers the first one.
//
// A Writer is for one goroutine, and lives as long as the function that made it.
type Writer struct {
	b     []byte
	start int
	depth int
	zero  bool // the zero values of enums and days are allowed
	fault *fault
	with  any // what With gave
}

// NewWriter returns a Writer that appends to b.
func NewWriter(b []byte) Writer { return Writer{b: b, start: len(b)} }

// AllowZero makes the Writer take the zero values of enums and days, and write them as "". It is for what holds fields
// that nothing was assigned to yet, as states and rows do; in an event, such a field was forgotten.
func (w *Writer) AllowZero() { w.zero = true }

// Finish returns the buffer. The error is nil or a *cqrs.EncodingError for a value of the type named typ; the buffer
// then holds what it held before.
func (w *Writer) Finish(typ string) ([]byte, error) {
	if w.fault == nil {
		return w.b, nil
	}
	w.fault.text = w.b[w.start:]
	return w.b[:w.start], &cqrs.EncodingError{Type: typ, Field: w.fault.field(), Reason: w.fault.reason, Err: w.fault.err}
}

// fail remembers the first error.
//
//go:noinline
func (w *Writer) fail(reason string) {
	if w.fault == nil {
		w.fault = &fault{at: len(w.b) - w.start, reason: reason}
	}
}

// Raw appends text as it is.
func (w *Writer) Raw(text string) { w.b = append(w.b, text...) }

// Field appends the name of a field, which is given with quotes and colon, and a comma unless it is the first of its
// object.
func (w *Writer) Field(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, name...)
}

// Null appends null.
func (w *Writer) Null() { w.b = append(w.b, "null"...) }

// Bool appends true or false.
func (w *Writer) Bool(v bool) { w.b = strconv.AppendBool(w.b, v) }

// Int appends a whole number.
func (w *Writer) Int(v int64) { w.b = strconv.AppendInt(w.b, v, 10) }

// Uint appends a whole number.
func (w *Writer) Uint(v uint64) { w.b = strconv.AppendUint(w.b, v, 10) }

// Float appends the shortest number that reads as v, in the format of encoding/json. NaN and infinities are refused.
func (w *Writer) Float(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		w.fail("is " + strconv.FormatFloat(v, 'g', -1, 64) + ", not a finite number")
		return
	}
	abs := math.Abs(v)
	if abs == 0 || abs >= 1e-6 && abs < 1e21 {
		w.b = strconv.AppendFloat(w.b, v, 'f', -1, 64)
		return
	}
	w.b = strconv.AppendFloat(w.b, v, 'e', -1, 64)
	if n := len(w.b); w.b[n-4] == 'e' && w.b[n-3] == '-' && w.b[n-2] == '0' {
		w.b[n-2] = w.b[n-1] // e-09 becomes e-9
		w.b = w.b[:n-1]
	}
}

// String appends a string. One that is not valid UTF-8, or has a NUL, is refused.
func (w *Writer) String(s string) {
	start := len(w.b)
	w.b = append(append(w.b, '"'), s...)
	if n, ascii := plain(w.b[start+1:]); n != len(s) || !ascii {
		w.b = w.b[:start]
		w.escape(s)
		return
	}
	w.b = append(w.b, '"')
}

// escape is String for one that has more than plain ASCII.
func (w *Writer) escape(s string) {
	if !utf8.ValidString(s) {
		w.fail("is not valid UTF-8")
		return
	}
	if strings.IndexByte(s, 0) >= 0 {
		w.fail("has a NUL character")
		return
	}
	w.b = append(w.b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			w.b = append(w.b, s[from:i]...)
			w.b = appendEscaped(w.b, c)
			from = i + 1
		}
	}
	w.b = append(append(w.b, s[from:]...), '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// Enum appends the text of an enum's value, which is refused unless it is valid, or empty and AllowZero was called.
func (w *Writer) Enum(s string, valid bool) {
	if !valid && !(w.zero && s == "") {
		w.fail(quote(s) + " is not a declared value")
		return
	}
	w.String(s)
}

// Bytes appends v in standard base64 with padding.
func (w *Writer) Bytes(v []byte) {
	w.b = append(w.b, '"')
	w.b = base64.StdEncoding.AppendEncode(w.b, v)
	w.b = append(w.b, '"')
}

// Time appends an RFC 3339 time. One that is not in UTC, is finer than a microsecond or is outside of the years 1 to
// 9999 is refused.
func (w *Writer) Time(t time.Time) {
	switch year := t.Year(); {
	case t.Location() != time.UTC:
		w.fail("is not in UTC: use t.UTC()")
	case t.Nanosecond()%1000 != 0:
		w.fail("is finer than a microsecond: use t.Truncate(time.Microsecond)")
	case year < 1 || year > 9999:
		w.fail(fmt.Sprintf("is in the year %d, outside of 1 to 9999", year))
	default:
		w.b = append(w.b, '"')
		w.b = t.AppendFormat(w.b, time.RFC3339Nano)
		w.b = append(w.b, '"')
	}
}

// Duration appends a whole number of nanoseconds.
func (w *Writer) Duration(v time.Duration) { w.Int(int64(v)) }

// UUID appends the 36 characters of a UUID.
func (w *Writer) UUID(u uuid.UUID) {
	b := append(w.b, '"')
	b = append(hex.AppendEncode(b, u[0:4]), '-')
	b = append(hex.AppendEncode(b, u[4:6]), '-')
	b = append(hex.AppendEncode(b, u[6:8]), '-')
	b = append(hex.AppendEncode(b, u[8:10]), '-')
	w.b = append(hex.AppendEncode(b, u[10:16]), '"')
}

// Date appends a day as "2006-01-02". One that does not exist is refused, unless it is the zero Date and AllowZero was
// called.
func (w *Writer) Date(d cqrs.Date) {
	if w.zero && d == (cqrs.Date{}) {
		w.b = append(w.b, `""`...)
		return
	}
	if !d.Valid() {
		w.fail(d.String() + " is not a day")
		return
	}
	w.b = append(w.b, '"')
	w.b = d.AppendTo(w.b)
	w.b = append(w.b, '"')
}
