package jsoncodec

import (
	"encoding/base64"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// String reads a string. What it is made of is for the Reader's Strings to say.
func (r *Reader) String() string {
	b, escaped := r.text()
	if escaped || r.strings == CopyStrings {
		return string(b)
	}
	return view(b)
}

// view returns b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Text reads a string and returns its bytes without escapes. They are valid until the next call, and must not be
// changed.
func (r *Reader) Text() []byte {
	b, _ := r.text()
	return b
}

// text is Text, and says whether there were escapes: the bytes are then in scratch, otherwise in the data.
func (r *Reader) text() (b []byte, escaped bool) {
	if r.peek() != '"' {
		r.expected("a string")
		return nil, false
	}
	data, start := r.data, r.pos+1
	r.last = r.pos
	n, ascii := plain(data[start:])
	end := start + n
	if end < len(data) && data[end] == '"' && (ascii || r.checkUTF8(start, end)) {
		r.pos = end + 1
		return data[start:end], false
	}
	return r.unescape(start, end), true
}

func (r *Reader) checkUTF8(start, end int) bool {
	if utf8.Valid(r.data[start:end]) {
		return true
	}
	r.fail(start, "is not valid UTF-8")
	return false
}

// unescape reads a string that starts at start into scratch. What stands before end needs no unescaping.
func (r *Reader) unescape(start, end int) []byte {
	scratch := r.scratch[:0]
	for r.fault == nil {
		if !r.checkUTF8(start, end) {
			break
		}
		scratch = append(scratch, r.data[start:end]...)
		if end == len(r.data) {
			r.fail(end, "the data ends inside of a string")
			break
		}
		switch c := r.data[end]; c {
		case '"':
			r.pos, r.scratch = end+1, scratch
			return scratch
		case '\\':
			char, n := r.escape(end)
			scratch = utf8.AppendRune(scratch, char)
			start = end + n
		default:
			r.fail(end, fmt.Sprintf("has the unescaped control character %U", rune(c)))
		}
		if r.fault == nil {
			n, _ := plain(r.data[start:])
			end = start + n
		}
	}
	return nil
}

// escape returns the character that the escape at offset at stands for, and the length of the escape.
func (r *Reader) escape(at int) (rune, int) {
	if at+1 == len(r.data) {
		r.fail(at, "the data ends inside of a string")
		return 0, 0
	}
	switch c := r.data[at+1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return r.escapeUnicode(at)
	}
	r.fail(at, "has an escape that JSON does not know")
	return 0, 0
}

func (r *Reader) escapeUnicode(at int) (rune, int) {
	c := hex4(r.data[at+2:])
	switch {
	case c < 0:
		r.fail(at, `has a \u that four hexadecimal digits do not follow`)
		return 0, 0
	case c == 0:
		r.fail(at, "has a NUL character")
		return 0, 0
	case !utf16.IsSurrogate(c):
		return c, 6
	}
	if rest := r.data[at+6:]; len(rest) >= 2 && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(c, hex4(rest[2:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	r.fail(at, "has half of a surrogate pair")
	return 0, 0
}

// hex4 returns the number that the first four bytes of b spell, -1 if they do not.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var n rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|' ' >= 'a' && c|' ' <= 'f':
			c = c | ' ' - 'a' + 10
		default:
			return -1
		}
		n = n<<4 | rune(c)
	}
	return n
}

// invalid fails because the text just read is not what it must be.
func (r *Reader) invalid(text []byte, what string) {
	if r.fault == nil {
		r.fail(r.last, quote(string(text))+" is not "+what)
	}
}

// Bytes reads standard base64 with padding. It returns a copy, nil for no bytes and for null.
func (r *Reader) Bytes() []byte {
	if r.Null() {
		return nil
	}
	text := r.Text()
	if len(text) == 0 {
		return nil
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(b, text)
	if err != nil || base64.StdEncoding.EncodedLen(n) != len(text) { // the decoder would skip line ends
		r.invalid(text, "base64 with padding")
		return nil
	}
	return b[:n]
}

// Time reads an RFC 3339 time in UTC that is no finer than a microsecond.
func (r *Reader) Time() time.Time {
	text := r.Text()
	t, ok := parseTime(text)
	if !ok {
		r.invalid(text, "a time in UTC like 2006-01-02T15:04:05.999999Z")
	}
	return t
}

// parseTime is stricter than package time, which takes a comma before a fraction and an hour of one digit.
func parseTime(b []byte) (time.Time, bool) {
	const shortest, longest = len("2006-01-02T15:04:05Z"), len("2006-01-02T15:04:05.999999Z")
	if len(b) < shortest || len(b) > longest || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return time.Time{}, false
	}
	d, ok1 := parseDate(b[:10])
	hour, ok2 := decimal(b[11:13])
	minute, ok3 := decimal(b[14:16])
	second, ok4 := decimal(b[17:19])
	micros, ok5 := fraction(b[19 : len(b)-1])
	if !(ok1 && ok2 && ok3 && ok4 && ok5) || d.Year == 0 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return time.Date(d.Year, d.Month, d.Day, hour, minute, second, micros*1000, time.UTC), true
}

// fraction reads nothing, or a point and one to six digits, as microseconds.
func fraction(b []byte) (micros int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != '.' || len(b) == 1 {
		return 0, false
	}
	micros, ok = decimal(b[1:])
	for range 7 - len(b) {
		micros *= 10
	}
	return micros, ok
}

// UUID reads the 36 characters of a UUID.
func (r *Reader) UUID() uuid.UUID {
	text := r.Text()
	u, err := uuid.ParseBytes(text)
	if err != nil || len(text) != 36 {
		r.invalid(text, "a UUID like 6ba7b810-9dad-11d1-80b4-00c04fd430c8")
		return uuid.UUID{}
	}
	return u
}

// Date reads a day. If AllowZero was called, the empty text is the zero Date.
func (r *Reader) Date() cqrs.Date {
	text := r.Text()
	if r.zero && r.fault == nil && len(text) == 0 {
		return cqrs.Date{}
	}
	d, ok := parseDate(text)
	if !ok {
		r.invalid(text, "a day like 2006-01-02")
	}
	return d
}

func parseDate(b []byte) (cqrs.Date, bool) {
	if len(b) != len(time.DateOnly) || b[4] != '-' || b[7] != '-' {
		return cqrs.Date{}, false
	}
	year, ok1 := decimal(b[0:4])
	month, ok2 := decimal(b[5:7])
	day, ok3 := decimal(b[8:10])
	d := cqrs.Date{Year: year, Month: time.Month(month), Day: day}
	if !(ok1 && ok2 && ok3 && d.Valid()) {
		return cqrs.Date{}, false
	}
	return d, true
}

// decimal reads a short number without sign.
func decimal(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
