package readmodel

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Scanner reads the values of a key or of a row, one after the other, in the order of their columns. The first
// failure sticks: from then on it returns zero values, and Err says what was wrong, so that generated code checks
// once per row. A Scanner is for one goroutine.
type Scanner struct {
	projection string
	columns    []Column
	values     []Value
	next       int
	err        error
}

// NewScanner returns a Scanner of values that have the given columns.
func NewScanner(projection string, columns []Column, values []Value) *Scanner {
	s := &Scanner{projection: projection, columns: columns}
	s.Reset(values)
	return s
}

// Reset starts again with other values of the same columns.
func (s *Scanner) Reset(values []Value) {
	s.values, s.next, s.err = values, 0, nil
	if len(values) != len(s.columns) {
		s.fail("", fmt.Sprintf("%d values are stored for %d columns", len(values), len(s.columns)))
	}
}

// Err returns the first failure, a *CorruptError, or nil.
func (s *Scanner) Err() error { return s.err }

// Fail records that the value read last can't be what its column declares.
func (s *Scanner) Fail(reason string) {
	column := ""
	if s.next > 0 && s.next <= len(s.columns) {
		column = s.columns[s.next-1].Name
	}
	s.fail(column, reason)
}

func (s *Scanner) fail(column, reason string) {
	if s.err == nil {
		s.err = &CorruptError{Projection: s.projection, Column: column, Reason: reason}
	}
}

// Null reports whether the next value is null, and only then steps over it. Generated code asks it of optional
// columns; in another column a null is a failure, which the reading of the value reports.
func (s *Scanner) Null() bool {
	if s.err != nil || s.next >= len(s.values) {
		return false
	}
	null := s.values[s.next].kind == Null && s.columns[s.next].Optional
	if null {
		s.next++
	}
	return null
}

var null Value

// take returns the next value if it is of the kind, else null's zero content.
func (s *Scanner) take(kind Kind) *Value {
	if s.err != nil {
		return &null
	}
	if s.next >= len(s.values) {
		s.fail("", fmt.Sprintf("more than %d columns are read", len(s.columns)))
		return &null
	}
	v := &s.values[s.next]
	s.next++
	if v.kind != kind {
		s.Fail(fmt.Sprintf("is %s, and read as %s", v.kind, kind))
		return &null
	}
	return v
}

// The readers, one for each kind.

// Bool reads a Bool.
func (s *Scanner) Bool() bool { return s.take(Bool).Bool() }

// Int64 reads an Int64.
func (s *Scanner) Int64() int64 { return s.take(Int64).Int64() }

// Uint64 reads a Uint64.
func (s *Scanner) Uint64() uint64 { return s.take(Uint64).Uint64() }

// Float64 reads a Float64.
func (s *Scanner) Float64() float64 { return s.take(Float64).Float64() }

// String reads a String.
func (s *Scanner) String() string { return s.take(String).Text() }

// Bytes reads a Bytes, into a slice of its own. Empty bytes are nil, as those of a new row and of a decoded event are.
func (s *Scanner) Bytes() []byte {
	if v := s.take(Bytes); len(v.str) > 0 {
		return []byte(v.str)
	}
	return nil
}

// Time reads a Time, in UTC; after a failure it returns the zero time.
func (s *Scanner) Time() time.Time {
	if v := s.take(Time); v.kind == Time {
		return v.Time()
	}
	return time.Time{}
}

// Duration reads a Duration.
func (s *Scanner) Duration() time.Duration { return s.take(Duration).Duration() }

// UUID reads a UUID.
func (s *Scanner) UUID() uuid.UUID { return s.take(UUID).UUID() }

// Date reads a Date; after a failure it returns the zero date.
func (s *Scanner) Date() cqrs.Date {
	if v := s.take(Date); v.kind == Date {
		return v.Date()
	}
	return cqrs.Date{}
}

// Decimal reads a Decimal; after a failure it returns 0.
func (s *Scanner) Decimal() cqrs.Decimal {
	if v := s.take(Decimal); v.kind == Decimal {
		return v.Decimal()
	}
	return cqrs.Decimal{}
}

// JSON reads the text of a JSON.
func (s *Scanner) JSON() string { return s.take(JSON).Text() }
