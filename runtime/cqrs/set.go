package cqrs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Set is a set of values. It is a map, so that len, range, delete and maps.Keys work on it. Like a map it is shared by
// its copies, and not safe for concurrent use while it is changed. A nil Set can be read, and Add makes it.
//
// Ranging over it is in no order; see Sorted.
type Set[T comparable] map[T]struct{}

// SetOf returns a new set of the elements.
func SetOf[T comparable](elements ...T) Set[T] {
	s := make(Set[T], len(elements))
	s.Add(elements...)
	return s
}

// Has reports whether the set holds v.
func (s Set[T]) Has(v T) bool {
	_, ok := s[v]
	return ok
}

// Add adds the elements that are not there yet.
func (s *Set[T]) Add(elements ...T) {
	if *s == nil {
		*s = make(Set[T], len(elements))
	}
	for _, v := range elements {
		(*s)[v] = struct{}{}
	}
}

// Remove removes the elements that are there.
func (s Set[T]) Remove(elements ...T) {
	for _, v := range elements {
		delete(s, v)
	}
}

// Equal reports whether both sets hold the same elements.
func (s Set[T]) Equal(t Set[T]) bool {
	if len(s) != len(t) {
		return false
	}
	for v := range s {
		if !t.Has(v) {
			return false
		}
	}
	return true
}

// Sorted returns the elements in the order of compare: cmp.Compare for strings and numbers, CompareDates, CompareUUIDs.
// Pure code that ranges over a set ranges over this.
func (s Set[T]) Sorted(compare func(a, b T) int) []T {
	return s.AppendSorted(make([]T, 0, len(s)), compare)
}

// AppendSorted appends the elements to list, in the order of compare.
func (s Set[T]) AppendSorted(list []T, compare func(a, b T) int) []T {
	start := len(list)
	for v := range s {
		list = append(list, v)
	}
	slices.SortFunc(list[start:], compare)
	return list
}

// String returns the elements as fmt prints them, in the order of these texts.
func (s Set[T]) String() string {
	texts := make([]string, 0, len(s))
	for v := range s {
		texts = append(texts, fmt.Sprint(v))
	}
	slices.Sort(texts)
	return fmt.Sprint(texts)
}

// MarshalJSON lets encoding/json write a list without duplicates. It is in the order of the elements' texts, so that
// the same set always has the same JSON.
func (s Set[T]) MarshalJSON() ([]byte, error) {
	elements := make([]json.RawMessage, 0, len(s))
	for v := range s {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		elements = append(elements, b)
	}
	slices.SortFunc(elements, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	return json.Marshal(elements)
}

// UnmarshalJSON lets encoding/json read what the generated codecs write. Null is an empty set; a value that stands
// twice is refused.
func (s *Set[T]) UnmarshalJSON(b []byte) error {
	var list []T
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	set := SetOf(list...)
	if len(set) != len(list) {
		return fmt.Errorf("a set holds a value twice: %.100s", b)
	}
	*s = set
	return nil
}

// CompareUUIDs returns -1, 0 or 1 as a comes before b, is the same or comes after it, in the order of their text.
func CompareUUIDs[U interface{ ~[16]byte }](a, b U) int {
	x, y := uuid.UUID(a), uuid.UUID(b)
	return bytes.Compare(x[:], y[:])
}

// CompareDates returns -1, 0 or 1 as a is earlier than b, the same or later. It takes a Date and types over it.
func CompareDates[D interface {
	~struct {
		Year  int
		Month time.Month
		Day   int
	}
}](a, b D) int {
	return Date(a).Compare(Date(b))
}
