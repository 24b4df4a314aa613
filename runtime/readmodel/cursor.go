package readmodel

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// place is what a cursor is good for: one order of the rows of one read model, and one choice of them.
func (s *Schema) place(f *Find) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.Projection + " " + s.Fingerprint))
	for _, n := range s.after(f) {
		_, _ = h.Write([]byte(" " + strconv.Itoa(n)))
	}
	_, _ = h.Write(appendValues([]byte{'='}, f.Equal))
	_, _ = h.Write(f.Where.append([]byte{'?'}))
	_, _ = h.Write(binary.AppendVarint(nil, int64(f.Limit)))
	return h.Sum64()
}

// append appends what tells the condition from others.
func (c *Condition) append(b []byte) []byte {
	b = append(b, byte(c.Op), byte(min(len(c.Values), 1)))
	b = appendText(appendText(b, c.Column), c.Other)
	b = appendValues(b, c.Values)
	b = binary.AppendUvarint(b, uint64(len(c.Parts)))
	for i := range c.Parts {
		b = c.Parts[i].append(b)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendValues appends an encoding of values in which no two lists are the same.
func appendValues(b []byte, values []Value) []byte {
	b = binary.AppendUvarint(b, uint64(len(values)))
	for i := range values {
		v := &values[i]
		b = appendText(binary.AppendUvarint(append(b, byte(v.kind)), v.num), v.str)
	}
	return b
}

// cursor writes the values that a query continues behind, and how many rows it may still have; 0 is any number.
func (s *Schema) cursor(f *Find, values []Value, left int) cqrs.Cursor {
	b := binary.BigEndian.AppendUint64(nil, s.place(f))
	b = binary.AppendUvarint(b, uint64(left))
	b = appendValues(b, values)
	return cqrs.Cursor(base64.RawURLEncoding.EncodeToString(b))
}

// behind reads what cursor wrote. What nobody here wrote, or for another query, is an *InvalidQueryError.
func (s *Schema) behind(f *Find, c cqrs.Cursor) (values []Value, left int, err error) {
	foreign := s.invalid("the cursor %.80q is not one of this query: start without one", string(c))
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(b) < 8 || binary.BigEndian.Uint64(b) != s.place(f) {
		return nil, 0, foreign
	}
	r := cursorReader{rest: b[8:], ok: true}
	rows := r.number()
	for range min(r.number(), uint64(len(r.rest))) {
		v := Value{kind: Kind(r.byte()), num: r.number()}
		v.str = r.text()
		values = append(values, v)
	}
	next := *f
	next.After = values
	if !r.ok || len(r.rest) > 0 || len(values) == 0 || rows > uint64(max(f.Limit, 0)) || (rows == 0) != (f.Limit <= 0) {
		return nil, 0, foreign
	}
	if s.CheckFind(&next) != nil {
		return nil, 0, foreign
	}
	return values, int(rows), nil
}

// cursorReader reads a cursor; ok is whether everything that was read was there.
type cursorReader struct {
	rest []byte
	ok   bool
}

func (r *cursorReader) take(n int) []byte {
	if n <= 0 || n > len(r.rest) {
		r.ok = r.ok && n == 0
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *cursorReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *cursorReader) number() uint64 {
	u, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.ok, r.rest = false, nil
		return 0
	}
	r.rest = r.rest[n:]
	return u
}

func (r *cursorReader) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.ok = false
		return ""
	}
	return string(r.take(int(n)))
}
