package readmodel

import (
	"context"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// reading decodes the rows of an answer: each at once, or, where they have personal data, all of them behind the last one.
// Then the keys of all are asked for together, and not while the table holds a connection.
type reading struct {
	read  func(i int, stored []Value) error
	keys  *personal.Keys
	later []unread
}

// unread is a row that waits for its keys.
type unread struct {
	i      int
	stored []Value
}

// reading returns what decodes rows, each to where into says that the one with its number goes.
func (m *Model[K, R]) reading(into func(i int) *R) *reading {
	s := m.rowScanner(nil)
	return &reading{keys: m.codec.Keys, read: func(i int, stored []Value) error {
		s.Reset(stored)
		m.codec.ReadRow(s, into(i))
		return s.Err()
	}}
}

// row takes a row, of which the slice is reused.
func (r *reading) row(i int, stored []Value) error {
	if r.keys == nil {
		return r.read(i, stored)
	}
	r.later = append(r.later, unread{i, slices.Clone(stored)})
	return nil
}

// end decodes what was left for later, unless the store failed.
func (r *reading) end(ctx context.Context, err error) error {
	if err != nil || len(r.later) == 0 {
		return err
	}
	var texts []string
	for _, u := range r.later {
		for _, v := range u.stored {
			if v.Kind() == String || v.Kind() == JSON {
				texts = append(texts, v.Text())
			}
		}
	}
	if err := r.keys.PrefetchColumns(ctx, texts); err != nil {
		return err
	}
	for _, u := range r.later {
		if err := r.read(u.i, u.stored); err != nil {
			return err
		}
	}
	return nil
}
