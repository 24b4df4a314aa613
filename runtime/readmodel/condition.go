package readmodel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Condition selects rows by the values of their columns, in a way that every sink can run. The zero Condition selects
// every row. There are two truth values: null equals null, and differs from all else.
type Condition struct {
	Op Op
	// Column is what is compared: with Values, or with the column Other if that is not empty.
	Column, Other string
	// Values has one value, for In any number.
	Values []Value
	// Parts are what And and Or join; Not has one.
	Parts []Condition
}

// Op is the operation of a Condition.
type Op uint8

// The operations. Less and those behind it compare columns that are not optional.
const (
	Always Op = iota
	Never
	And
	Or
	Not
	Equal
	NotEqual
	In
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// Compare returns the condition that a column compares with a value.
func Compare(column string, op Op, v Value) Condition {
	return Condition{Op: op, Column: column, Values: []Value{v}}
}

// CompareColumns returns the condition that a column compares with another.
func CompareColumns(column string, op Op, other string) Condition {
	return Condition{Op: op, Column: column, Other: other}
}

// OneOf returns the condition that a column has one of some values.
func OneOf(column string, values []Value) Condition {
	return Condition{Op: In, Column: column, Values: values}
}

// ValuesOf returns what of makes of each element of a set.
func ValuesOf[T comparable](set cqrs.Set[T], of func(T) Value) []Value {
	values := make([]Value, 0, len(set))
	for x := range set {
		values = append(values, of(x))
	}
	slices.SortFunc(values, Value.Compare) // a cursor knows its query by them, in the same order each time
	return values
}

// Truth returns a condition that every row meets, or none.
func Truth(b bool) Condition {
	if b {
		return Condition{}
	}
	return Condition{Op: Never}
}

// All returns the condition that all parts are met.
func All(parts ...Condition) Condition { return Condition{Op: And, Parts: parts} }

// Any returns the condition that a part is met.
func Any(parts ...Condition) Condition { return Condition{Op: Or, Parts: parts} }

// None returns the condition that a part is not met.
func None(part Condition) Condition { return Condition{Op: Not, Parts: []Condition{part}} }

// Compare returns -1, 0 or 1 as v sorts before w, with it, or behind it. Both are of one column; null sorts first.
func (v Value) Compare(w Value) int {
	if v.kind == Null || w.kind == Null {
		return cmp.Compare(min(v.kind, 1), min(w.kind, 1))
	}
	switch v.kind {
	case Bool, Uint64:
		return cmp.Compare(v.num, w.num)
	case Int64, Time, Duration, Date:
		return cmp.Compare(int64(v.num), int64(w.num))
	case Float64:
		return cmp.Compare(v.Float64(), w.Float64())
	default:
		return strings.Compare(v.str, w.str)
	}
}

// Matcher returns what tells, for a sink that has no language of its own, whether a row meets a condition that
// CheckFind has accepted.
func (s *Schema) Matcher(c *Condition) func(key, row []Value) bool {
	switch c.Op {
	case Always, Never:
		is := c.Op == Always
		return func([]Value, []Value) bool { return is }
	case And, Or, Not:
		return s.joined(c)
	}
	left := s.reader(c.Column)
	if c.Op == In {
		return func(key, row []Value) bool { return slices.Contains(c.Values, left(key, row)) }
	}
	right := func([]Value, []Value) Value { return c.Values[0] }
	if c.Other != "" {
		right = s.reader(c.Other)
	}
	return func(key, row []Value) bool {
		order := left(key, row).Compare(right(key, row))
		switch c.Op {
		case Equal:
			return order == 0
		case NotEqual:
			return order != 0
		case Less:
			return order < 0
		case LessOrEqual:
			return order <= 0
		case Greater:
			return order > 0
		default:
			return order >= 0
		}
	}
}

func (s *Schema) joined(c *Condition) func(key, row []Value) bool {
	parts := make([]func(key, row []Value) bool, len(c.Parts))
	for i := range c.Parts {
		parts[i] = s.Matcher(&c.Parts[i])
	}
	if c.Op == Not {
		return func(key, row []Value) bool { return !parts[0](key, row) }
	}
	// Or ends with the first part that is met, And with the first that is not.
	ends := c.Op == Or
	return func(key, row []Value) bool {
		for _, part := range parts {
			if part(key, row) == ends {
				return ends
			}
		}
		return !ends
	}
}

// reader returns what reads a column of a row.
func (s *Schema) reader(column string) func(key, row []Value) Value {
	n := s.number(column)
	if n < len(s.Key) {
		return func(key, _ []Value) Value { return key[n] }
	}
	n -= len(s.Key)
	return func(_, row []Value) Value { return row[n] }
}

// MostValues bounds the values of In.
const MostValues = 10_000

// checkCondition refuses a condition that does not fit the schema.
func (s *Schema) checkCondition(c *Condition) error {
	switch {
	case c.Op > GreaterOrEqual:
		return s.invalid("a condition has the unknown operation %d", c.Op)
	case c.Op == Not && len(c.Parts) != 1:
		return s.invalid("a negation has %d parts", len(c.Parts))
	case c.Op <= Not:
		for i := range c.Parts {
			if err := s.checkCondition(&c.Parts[i]); err != nil {
				return err
			}
		}
		return nil
	}
	columns := s.Columns()
	n := s.number(c.Column)
	if n < 0 {
		return s.invalid("a condition names the column %.80q, which does not exist", c.Column)
	}
	if columns[n].Kind == JSON {
		return s.invalid("a condition compares the column %s, which is of kind json", c.Column)
	}
	if columns[n].Optional && c.Op >= Less {
		return s.invalid("a condition asks whether the column %s is less or greater, which is optional", c.Column)
	}
	if c.Other != "" {
		return s.checkOther(c, &columns[n])
	}
	return s.checkValues(c, &columns[n])
}

func (s *Schema) checkOther(c *Condition, column *Column) error {
	n := s.number(c.Other)
	if n < 0 {
		return s.invalid("a condition names the column %.80q, which does not exist", c.Other)
	}
	other := s.Columns()[n]
	switch {
	case c.Op == In || len(c.Values) > 0:
		return s.invalid("a condition compares the column %s with another one and with values", c.Column)
	case other.Kind != column.Kind:
		return s.invalid("a condition compares %s, of kind %s, with %s, of kind %s", c.Column, column.Kind, c.Other, other.Kind)
	case other.Optional && c.Op >= Less:
		return s.invalid("a condition asks whether the column %s is less or greater, which is optional", c.Other)
	}
	return nil
}

func (s *Schema) checkValues(c *Condition, column *Column) error {
	if c.Op != In && len(c.Values) != 1 || len(c.Values) > MostValues {
		return s.invalid("a condition compares the column %s with %d values", c.Column, len(c.Values))
	}
	for i := range c.Values {
		if fault := column.fault(&c.Values[i]); fault != "" {
			return &InvalidValueError{s.Projection, column.Name, fmt.Sprintf("a condition's value %s", fault)}
		}
	}
	return nil
}
