package cqrs

import (
	"encoding"
	"fmt"
	"strconv"
	"strings"
)

// SingleID is the id of the only stream of an aggregate that the model calls single.
const SingleID = "single"

var escapePart = strings.NewReplacer("~", "~0", "/", "~1")

// JoinID makes one text of the parts of an id. They are separated by '/'; within a part '~' is written "~0" and '/' is
// written "~1", so that different parts never have the same text. ReadID leads back.
func JoinID(parts ...string) string {
	for i, p := range parts {
		if strings.ContainsAny(p, "~/") {
			parts[i] = escapePart.Replace(p)
		}
	}
	return strings.Join(parts, "/")
}

// IDReader reads the parts that JoinID joined, in their order. It accepts the one text that the parts have, and nothing
// else. Behind the first fault it returns zero values; Finish says what was wrong.
type IDReader struct {
	text, rest string
	parts      int // how many were read
	reason     string
}

// ReadID reads an id.
func ReadID(text string) IDReader { return IDReader{text: text, rest: text} }

// String reads a string. It may be part of the id's text.
func (r *IDReader) String() string {
	part, rest, more := strings.Cut(r.rest, "/")
	switch {
	case r.reason != "":
		return ""
	case r.parts < 0:
		r.fail("it has too few parts")
		return ""
	}
	r.rest, r.parts = rest, r.parts+1
	if !more {
		r.parts = -1 // this was the last one
	}
	if strings.IndexByte(part, '~') < 0 {
		return part
	}
	return r.unescape(part)
}

func (r *IDReader) unescape(part string) string {
	for i := range len(part) {
		if part[i] == '~' && (i+1 == len(part) || part[i+1] != '0' && part[i+1] != '1') {
			r.fail("`~` is written ~0")
			return ""
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
}

// Int reads an integer of so many bits, 0 for those of an int.
func (r *IDReader) Int(bits int) int64 {
	s := r.String()
	n, err := strconv.ParseInt(s, 10, bits)
	r.Must(err == nil && strconv.FormatInt(n, 10) == s)
	return n
}

// Uint reads an integer without sign of so many bits.
func (r *IDReader) Uint(bits int) uint64 {
	s := r.String()
	n, err := strconv.ParseUint(s, 10, bits)
	r.Must(err == nil && strconv.FormatUint(n, 10) == s)
	return n
}

// Text reads a value that has a text of its own: a date, a UUID.
func (r *IDReader) Text(v interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}) {
	s := r.String()
	if r.reason != "" {
		return
	}
	err := v.UnmarshalText([]byte(s))
	if err == nil {
		var b []byte
		b, err = v.MarshalText()
		r.Must(err == nil && string(b) == s)
	}
	r.Must(err == nil)
}

// Must says that the part which was read last is not what it should be, unless it is.
func (r *IDReader) Must(valid bool) {
	if !valid {
		r.fail("a part is not what it should be")
	}
}

func (r *IDReader) fail(reason string) {
	if r.reason == "" {
		r.reason = reason
	}
}

// Finish returns a *DecodingError if the text is not that of an id, of the type that is named, with the parts that were
// read.
func (r *IDReader) Finish(typ string) error {
	if r.parts >= 0 {
		r.fail("it has too many parts")
	}
	if r.reason == "" {
		return nil
	}
	return &DecodingError{Type: typ, Reason: fmt.Sprintf("%.80q: %s", r.text, r.reason)}
}
