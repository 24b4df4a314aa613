package readmodel

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// place is what a cursor is good for: one order of the rows of one read model.
func (s *Schema) place(f *Find) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.Projection + " " + s.Fingerprint))
	for _, n := range s.after(f) {
		_, _ = h.Write([]byte(" " + strconv.Itoa(n)))
	}
	return h.Sum32()
}

// cursor writes the values that a query continues behind.
func (s *Schema) cursor(f *Find, values []Value) cqrs.Cursor {
	b := binary.BigEndian.AppendUint32(nil, s.place(f))
	for i := range values {
		v := &values[i]
		b = append(b, byte(v.kind))
		b = binary.AppendUvarint(b, v.num)
		b = binary.AppendUvarint(b, uint64(len(v.str)))
		b = append(b, v.str...)
	}
	return cqrs.Cursor(base64.RawURLEncoding.EncodeToString(b))
}

// behind reads the values that a query continues behind. What nobody here wrote is an *InvalidQueryError.
func (s *Schema) behind(f *Find, c cqrs.Cursor) ([]Value, error) {
	foreign := s.invalid("the cursor %.80q is not one of this query: start without one", string(c))
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || len(b) < 4 || binary.BigEndian.Uint32(b) != s.place(f) {
		return nil, foreign
	}
	b = b[4:]
	var values []Value
	for len(b) > 0 {
		v := Value{kind: Kind(b[0])}
		num, n := binary.Uvarint(b[1:])
		if n <= 0 {
			return nil, foreign
		}
		v.num, b = num, b[1+n:]
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return nil, foreign
		}
		v.str, b = string(b[n:n+int(length)]), b[n+int(length):]
		values = append(values, v)
	}
	next := *f
	next.After = values
	if len(values) == 0 || s.CheckFind(&next) != nil {
		return nil, foreign
	}
	return values, nil
}
