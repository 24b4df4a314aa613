package readmodel

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// SchemaError says that a schema can't be stored by any sink. Schemas are generated: it is a fault of the program.
type SchemaError struct {
	Projection string
	Reason     string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the schema of read model %.80q is not valid: %s", e.Projection, e.Reason)
}

// InvalidValueError refuses what no sink could store faithfully, or what the schema does not declare.
type InvalidValueError struct {
	Projection string
	Column     string
	Reason     string
}

func (e *InvalidValueError) Error() string {
	return fmt.Sprintf("read model %s: column %s: %s", e.Projection, e.Column, e.Reason)
}

// InvalidQueryError refuses a Find, a key or a batch that does not fit the schema.
type InvalidQueryError struct {
	Projection string
	Reason     string
}

func (e *InvalidQueryError) Error() string {
	return fmt.Sprintf("read model %s: %s", e.Projection, e.Reason)
}

// CheckLease refuses a lease that could not be told from none. Sinks call it in Hold.
func (s *Schema) CheckLease(holder string, ttl time.Duration) error {
	if holder == "" || len(holder) > 256 || !utf8.ValidString(holder) || strings.IndexByte(holder, 0) >= 0 {
		return s.invalid("a lease's holder is not a text of 1 to 256 bytes: %.80q", holder)
	}
	if ttl <= 0 {
		return s.invalid("a lease is to last %s", ttl)
	}
	return nil
}

// SameShape reports whether both have the same columns, so that one program reads the rows of both.
func (s *Schema) SameShape(other *Schema) bool {
	same := func(a, b Column) bool { return a.Name == b.Name && a.Kind == b.Kind && a.Optional == b.Optional }
	return slices.EqualFunc(s.Key, other.Key, same) && slices.EqualFunc(s.Row, other.Row, same)
}

// Columns returns all columns: those of the key, then those of the row.
func (s *Schema) Columns() []Column {
	return append(append(make([]Column, 0, len(s.Key)+len(s.Row)), s.Key...), s.Row...)
}

// Order returns the numbers, within Columns, of the columns that sort the rows of a Find: those of its index or its own
// Order, and then all of the key. It is nil for an index or a column that does not exist.
func (s *Schema) Order(f *Find) []int {
	if f.Index < -1 || f.Index >= len(s.Indexes) {
		return nil
	}
	names := f.Order
	if f.Index >= 0 {
		names = s.Indexes[f.Index]
	}
	var order []int
	for _, name := range names {
		n := s.number(name)
		if n < 0 {
			return nil
		}
		order = append(order, n)
	}
	for i := range s.Key {
		order = append(order, i)
	}
	return order
}

// after returns the columns whose values a Find continues behind.
func (s *Schema) after(f *Find) []int {
	order := s.Order(f)
	if f.own() {
		return order[len(f.Equal):]
	}
	return order
}

// own reports whether the rows have another order than that of the key.
func (f *Find) own() bool { return f.Index >= 0 || len(f.Order) > 0 }

// number returns the number of a column within Columns, or -1.
func (s *Schema) number(name string) int {
	for i, c := range s.Key {
		if c.Name == name {
			return i
		}
	}
	for i, c := range s.Row {
		if c.Name == name {
			return len(s.Key) + i
		}
	}
	return -1
}

// Check reports, as a *SchemaError, why no sink can keep rows of this schema. Sinks call it first in Table.
func (s *Schema) Check() error {
	reason := s.nameFault()
	if reason == "" {
		reason = s.columnFault()
	}
	if reason == "" {
		reason = s.indexFault()
	}
	if reason == "" {
		return nil
	}
	return &SchemaError{Projection: s.Projection, Reason: reason}
}

func (s *Schema) nameFault() string {
	if !identifier(s.Projection) {
		return "its name is not an identifier"
	}
	if len(s.Fingerprint) != 16 || strings.Trim(s.Fingerprint, "0123456789abcdef") != "" {
		return fmt.Sprintf("its fingerprint %.40q is not 16 hex digits", s.Fingerprint)
	}
	return ""
}

func (s *Schema) columnFault() string {
	if len(s.Key) == 0 {
		return "it has no key"
	}
	seen := map[string]bool{}
	for i, c := range s.Columns() {
		switch {
		case !identifier(c.Name):
			return fmt.Sprintf("column %.80q is not an identifier", c.Name)
		case seen[c.Name]:
			return fmt.Sprintf("column %s is declared twice", c.Name)
		case c.Kind == Null || int(c.Kind) >= len(kindNames):
			return fmt.Sprintf("column %s is of the kind %s", c.Name, c.Kind)
		case i < len(s.Key) && (c.Optional || c.Kind == JSON):
			return fmt.Sprintf("column %s can't be in a key: it is optional or of kind json", c.Name)
		case c.Search != NotSearched && (c.Kind != String || c.Search != SearchText && c.Search != SearchKeyword):
			return fmt.Sprintf("column %s of kind %s can't be searched by %.40q", c.Name, c.Kind, c.Search)
		}
		seen[c.Name] = true
	}
	return ""
}

func (s *Schema) indexFault() string {
	columns := s.Columns()
	for i, index := range s.Indexes {
		if len(index) == 0 {
			return fmt.Sprintf("index %d has no column", i)
		}
		seen := map[string]bool{}
		for _, name := range index {
			n := s.number(name)
			switch {
			case n < 0:
				return fmt.Sprintf("index %d names the column %.80q, which does not exist", i, name)
			case columns[n].Kind == JSON:
				return fmt.Sprintf("index %d names the column %s, which can't be sorted: it is of kind json", i, name)
			case seen[name]:
				return fmt.Sprintf("index %d names the column %s twice", i, name)
			}
			seen[name] = true
		}
	}
	return ""
}

// maxName is how long a name of the model language may be, in bytes. A sink whose database takes less shortens it.
const maxName = 64

func identifier(s string) bool {
	for i := 0; i < len(s); i++ {
		b := s[i]
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_'
		if !letter && (i == 0 || b < '0' || b > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

// CheckBatch refuses a batch that does not fit the schema, or that not every sink could store faithfully. Sinks call
// it first in Apply, so that all of them refuse the same, before anything is written. The error is an
// *InvalidValueError or an *InvalidQueryError.
func (s *Schema) CheckBatch(b *Batch) error {
	if b.From.Built && !b.To.Built {
		return s.invalid("a batch makes a built generation one that is not")
	}
	if b.To.Position < b.From.Position {
		return s.invalid("a batch leads back from position %d to %d", b.From.Position, b.To.Position)
	}
	for i := range b.Changes {
		if err := s.CheckChange(&b.Changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// CheckChange refuses a change for which CheckBatch would refuse its batch, with the same error.
func (s *Schema) CheckChange(c *Change) error {
	if err := s.CheckKey(c.Key); err != nil {
		return err
	}
	if c.Row == nil {
		return nil
	}
	if len(c.Row) != len(s.Row) {
		return s.invalid("a row has %d values for %d columns", len(c.Row), len(s.Row))
	}
	for i := range c.Row {
		if fault := s.Row[i].fault(&c.Row[i]); fault != "" {
			return &InvalidValueError{s.Projection, s.Row[i].Name, fault}
		}
	}
	return nil
}

// CheckKey refuses a key that does not fit the schema. Sinks call it in Get.
func (s *Schema) CheckKey(key []Value) error {
	if len(key) != len(s.Key) {
		return s.invalid("a key has %d values for %d columns", len(key), len(s.Key))
	}
	for i := range key {
		if fault := s.Key[i].fault(&key[i]); fault != "" {
			return &InvalidValueError{s.Projection, s.Key[i].Name, fault}
		}
	}
	return nil
}

// CheckFind refuses a Find that does not fit the schema. Sinks call it first in Find and in Count.
func (s *Schema) CheckFind(f *Find) error {
	if err := s.checkOrder(f); err != nil {
		return err
	}
	order := s.Order(f)
	own := len(order)
	if f.own() {
		own -= len(s.Key)
	}
	if len(f.Equal) > own {
		return s.invalid("a query fixes %d of %d columns", len(f.Equal), own)
	}
	after := s.after(f)
	if len(f.After) > 0 && len(f.After) != len(after) {
		return s.invalid("a query continues behind %d values, which have to be %d", len(f.After), len(after))
	}
	columns := s.Columns()
	for i := range f.Equal {
		if c := columns[order[i]]; c.fault(&f.Equal[i]) != "" {
			return &InvalidValueError{s.Projection, c.Name, c.fault(&f.Equal[i])}
		}
	}
	for i := range f.After {
		if c := columns[after[i]]; c.fault(&f.After[i]) != "" {
			return &InvalidValueError{s.Projection, c.Name, c.fault(&f.After[i])}
		}
	}
	return s.checkCondition(&f.Where)
}

func (s *Schema) checkOrder(f *Find) error {
	if f.Index >= 0 && len(f.Order) > 0 {
		return s.invalid("a query has the order of index %d and one of its own", f.Index)
	}
	columns := s.Columns()
	for i, name := range f.Order {
		n := s.number(name)
		switch {
		case n < 0:
			return s.invalid("a query sorts by the column %.80q, which does not exist", name)
		case columns[n].Kind == JSON:
			return s.invalid("a query sorts by the column %s, which is of kind json", name)
		case slices.Contains(f.Order[:i], name):
			return s.invalid("a query sorts by the column %s twice", name)
		}
	}
	if s.Order(f) == nil {
		return s.invalid("it has no index %d", f.Index)
	}
	return nil
}

func (s *Schema) invalid(format string, args ...any) error {
	return &InvalidQueryError{Projection: s.Projection, Reason: fmt.Sprintf(format, args...)}
}

// fault says why the column can't hold the value; it returns "" if it can.
func (c *Column) fault(v *Value) string {
	if v.kind != c.Kind {
		if v.kind == Null && c.Optional {
			return ""
		}
		return fmt.Sprintf("is of the kind %s, not %s", c.Kind, v.kind)
	}
	switch v.kind {
	case Float64:
		if f := v.Float64(); math.IsNaN(f) || math.IsInf(f, 0) {
			return "is not a finite number"
		}
	case String, JSON:
		if !utf8.ValidString(v.str) || strings.IndexByte(v.str, 0) >= 0 {
			return "is not valid UTF-8 without NUL"
		}
	case Time:
		if i := int64(v.num); i < minTime || i > maxTime {
			return "is not in the years 1 to 9999"
		}
	case Date:
		if i := int64(v.num); v.num != zeroDate && (i < minDate || i > maxDate) {
			return "is not in the years 0 to 9999"
		}
	}
	return ""
}
