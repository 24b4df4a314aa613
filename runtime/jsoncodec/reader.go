package jsoncodec

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Strings says what the strings that a Reader returns are made of.
type Strings int

const (
	// CopyStrings makes each string a copy: what was decoded keeps nothing of the data.
	CopyStrings Strings = iota
	// ViewStrings makes each string without escapes a part of the data, without an allocation. Such a string changes
	// when the data does, and keeps all of it in memory: it is for data that nobody writes to again, like that of a
	// cqrs.Record, and for values that are soon done with.
	ViewStrings
)

// Reader reads the JSON of one value. Its methods are called in the order of the text. After the first error all of
// them return zero values and loops over fields and elements end, so that only Finish needs to be asked.
//
// A Reader is for one goroutine, and lives as long as the function that made it. It never writes to the data.
type Reader struct {
	data []byte
	pos  int
	// first says that the object or list just began, so that no comma is expected.
	first   bool
	strings Strings
	zero    bool // the zero values of enums and days are allowed
	depth   int
	// name is the name of the field last read, and last the offset of the value last read, where an error may need it.
	name    []byte
	escaped bool // the name had escapes
	last    int
	// scratch holds the last string that had escapes.
	scratch []byte
	fault   *fault
	with    any // what With gave
}

// NewReader returns a Reader of data.
func NewReader(data []byte, strings Strings) Reader { return Reader{data: data, strings: strings} }

// AllowZero makes the Reader take "" for the zero values of enums and days, as a Writer in the same mode writes them.
func (r *Reader) AllowZero() { r.zero = true }

// Finish says whether the data was one value of the type named typ and nothing else. The error is nil or a
// *cqrs.DecodingError; what was decoded is then incomplete.
func (r *Reader) Finish(typ string) error {
	if r.fault == nil {
		if r.peek(); r.pos == len(r.data) {
			return nil
		}
		r.fail(r.pos, "the data goes on after its end")
	}
	f := r.fault
	return &cqrs.DecodingError{Type: typ, Field: f.field(), Offset: f.at, Reason: f.explain(), Err: f.err}
}

// fail remembers the first error, and leaves nothing to read.
//
//go:noinline
func (r *Reader) fail(at int, reason string) {
	if r.fault == nil {
		r.fault = &fault{text: r.data, at: at, reason: reason}
		r.data, r.pos, r.first = nil, 0, false
	}
}

// expected fails because what should come next does not.
func (r *Reader) expected(what string) {
	c := r.peek()
	if r.fault != nil {
		return
	}
	found := "the end of the data"
	if r.pos < len(r.data) {
		found = kindOf(c)
	}
	at := r.pos
	if r.wrapped(sealedName) {
		r.unmarked()
		return
	}
	r.fail(at, "found "+found+" where "+what+" should be")
}

// kindOf names the value that starts with c.
func kindOf(c byte) string {
	switch {
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a string"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	case c == 't' || c == 'f':
		return "a boolean"
	case c == 'n':
		return "null"
	}
	return fmt.Sprintf("the byte %q", rune(c))
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *Reader) peek() byte {
	if r.pos < len(r.data) {
		if c := r.data[r.pos]; c > ' ' {
			return c
		}
	}
	return r.peekFurther()
}

func (r *Reader) peekFurther() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// Object begins an object. Field then goes through its fields.
func (r *Reader) Object() {
	if r.peek() != '{' {
		r.expected("an object")
		return
	}
	r.pos++
	r.first = true
}

// Field goes on to the next field of the object, after the value of the one before was read, and reports false at its
// end.
func (r *Reader) Field() bool {
	data, i := r.data, r.pos
	if i < len(data) && !r.first {
		if data[i] == '}' {
			r.pos = i + 1
			return false
		}
		if data[i] == ',' {
			i++
		}
	}
	// What does not look as the Writer writes it is left, with its mistakes, to the slow path.
	if (r.first || i != r.pos) && i < len(data) && data[i] == '"' {
		i++
		n, ascii := plain(data[i:])
		if end := i + n; ascii && end+1 < len(data) && data[end] == '"' && data[end+1] == ':' {
			r.name, r.escaped = data[i:end], false
			r.pos, r.first = end+2, false
			return true
		}
	}
	return r.field()
}

func (r *Reader) field() bool {
	if !r.more('}') {
		return false
	}
	if r.peek() != '"' {
		r.expected("the name of a field")
		return false
	}
	r.name, r.escaped = r.text()
	if r.peek() != ':' {
		r.expected("a colon after the name of a field")
		return false
	}
	r.pos++
	return true
}

// more goes to the next element or field and reports true, or past the end of the object or list and reports false.
func (r *Reader) more(end byte) bool {
	c := r.peek()
	first := r.first
	r.first = false
	switch {
	case c == end:
		r.pos++
		return false
	case first && c != 0:
		return true
	case c == ',':
		r.pos++
		return true
	}
	r.expected(fmt.Sprintf("a comma or '%c'", end))
	return false
}

// Name returns the name of the field that Field went to. It is valid until the next call.
func (r *Reader) Name() []byte { return r.name }

// Missing fails because the object that just ended lacks required fields: those of the names for which the bit of
// seen, from the lowest, is not set. There can be 64.
func (r *Reader) Missing(seen uint64, names ...string) {
	if r.fault != nil {
		return
	}
	r.fail(r.pos-1, "is missing")
	for i, name := range names {
		if seen&(1<<i) == 0 {
			r.fault.missing = append(r.fault.missing, name)
		}
	}
}

// Unknown fails because the text that was just read is no value of the enum named typ. It does nothing for the empty
// text if AllowZero was called: the value is then to stay zero.
func (r *Reader) Unknown(typ string) {
	if r.fault != nil {
		return
	}
	raw := r.data[r.last+1 : r.pos-1]
	if r.zero && len(raw) == 0 {
		return
	}
	r.fail(r.last, quote(string(raw))+" is not a value of "+typ)
}

// Null reports whether the next value is null, and goes past it if so.
func (r *Reader) Null() bool {
	if r.peek() != 'n' || !r.word("null") {
		return false
	}
	r.pos += len("null")
	return true
}

func (r *Reader) word(w string) bool {
	return len(r.data)-r.pos >= len(w) && string(r.data[r.pos:r.pos+len(w)]) == w
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	switch c := r.peek(); {
	case c == 't' && r.word("true"):
		r.pos += len("true")
		return true
	case c == 'f' && r.word("false"):
		r.pos += len("false")
		return false
	}
	r.expected("true or false")
	return false
}

// Skip goes past the next value, whatever it is, and checks that it is JSON that a Writer could have written.
func (r *Reader) Skip() {
	if len(r.name) > 0 && r.name[0] == sealedName[0] && string(r.name) == sealedName {
		r.unmarked()
		return
	}
	if c := r.peek(); c == '{' || c == '[' {
		r.skipNested()
	} else {
		r.skipScalar(c)
	}
}

func (r *Reader) skipNested() {
	var open [maxSkipped]byte // the brackets that end what is open
	for depth := 0; ; {
		if c := r.peek(); c != '{' && c != '[' {
			r.skipScalar(c)
		} else if depth == len(open) {
			r.fail(r.pos, fmt.Sprintf("is nested deeper than %d levels", maxSkipped))
		} else {
			open[depth] = c + 2 // in ASCII, both brackets end two places after they begin
			depth++
			r.pos++
			r.first = true
		}
		for depth > 0 && !r.skipTo(open[depth-1]) {
			depth--
		}
		if depth == 0 {
			return
		}
	}
}

// skipTo goes to the next value of an object or list, or past its end.
func (r *Reader) skipTo(end byte) bool {
	if end == '}' {
		return r.Field()
	}
	return r.more(end)
}

func (r *Reader) skipScalar(c byte) {
	switch {
	case c == '"':
		r.Text()
	case c == 't' || c == 'f':
		r.Bool()
	case c == 'n' && r.Null():
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	default:
		r.expected("a value")
	}
}

// enter begins a list or map, which is counted in depth, and reports false, having gone past it, for null.
func (r *Reader) enter(bracket byte, what string) bool {
	if r.peek() != bracket {
		if !r.Null() {
			r.expected(what)
		}
		return false
	}
	if r.depth == maxNesting {
		r.fail(r.pos, fmt.Sprintf("is nested deeper than %d lists and maps", maxNesting))
		return false
	}
	r.depth++
	r.pos++
	r.first = true
	return true
}

// leaveMap ends a map that began at start. A fault inside learns that its path goes through a map.
func (r *Reader) leaveMap(start int) {
	r.depth--
	if r.fault != nil {
		r.fault.maps = append(r.fault.maps, start)
	}
}
