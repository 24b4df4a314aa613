package readmodel

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// Codec turns the keys and rows of one projection into values and back. Its functions are generated.
type Codec[K comparable, R any] struct {
	Schema Schema
	// AppendKey and AppendRow append the values of all columns. AppendRow fails, with a *cqrs.EncodingError, for what
	// can't be encoded in a column of kind JSON. Other values that no sink stores, such as NaN, are appended as they
	// are: Schema.CheckChange refuses them.
	AppendKey func([]Value, *K) []Value
	AppendRow func([]Value, *R) ([]Value, error)
	// ReadKey and ReadRow read all columns. What they read stays valid for ever.
	ReadKey func(*Scanner, *K)
	ReadRow func(*Scanner, *R)
	// Keys are those of the sealed columns; nil where there are none.
	Keys *personal.Keys
}

// Entry is a row with its key.
type Entry[K comparable, R any] struct {
	Key K `json:"key"`
	Row R `json:"row"`
}

// Model answers typed queries about a read model. It is safe for concurrent use.
//
// The generation of the codec's fingerprint answers if it is the active one, or if it is built and the active one has
// another shape, or is not there; else the active one, if it has the same shape. So no query ever sees a generation that
// is being built; where there is nothing else, the error is a *NotBuiltError. Another generation that becomes active is
// noticed at once, if this process promoted it, and within a second otherwise. Where the generation is the work of another
// log, every query fails with a *HistoryError.
//
// Every query takes cqrs.AtLeast, and then waits until its generation reflects that position. If ctx ends first, the
// error is a *StaleError; so it is if StopsWith was called and the projector stopped. The Freshness that comes with it is
// what was reached.
type Model[K comparable, R any] struct {
	codec   Codec[K, R]
	serving *serving
}

// NewModel returns a Model over a store's generations of the codec's projection. Nothing is opened yet. The log tells its
// head, which events are not reflected, and whether a generation was made from it.
func NewModel[K comparable, R any](store Store, log eventlog.Log, codec Codec[K, R]) *Model[K, R] {
	schema := codec.Schema
	return &Model[K, R]{codec: codec, serving: newServing(store, log, &schema)}
}

// StopsWith ties the model to the projector that keeps its generation up to date: err returns what stopped it, or nil
// while it runs or is idle. A query does not wait for a projector that stopped. It is called before the first query,
// once; err must be safe for concurrent use.
func (m *Model[K, R]) StopsWith(err func() error) { m.serving.stopped = err }

// Get returns the row under a key. Without one the error wraps ErrNoRow, and the Freshness is that of the answer
// that there is none.
func (m *Model[K, R]) Get(ctx context.Context, key K, opts ...cqrs.QueryOption) (R, Freshness, error) {
	var row, none R
	values := m.codec.AppendKey(nil, &key)
	found := false
	fresh, err := m.serving.answer(ctx, opts, func(g *opened) (Checkpoint, error) {
		row, found = none, false
		return g.table.Get(ctx, [][]Value{values}, func(_ int, stored []Value, _ cqrs.Position) error {
			if stored == nil {
				return nil
			}
			found = true
			s := m.rowScanner(stored)
			m.codec.ReadRow(s, &row)
			return s.Err()
		})
	})
	if err != nil {
		return none, fresh, err
	}
	if !found {
		err = fmt.Errorf("read model %s: %w: %s", m.codec.Schema.Projection, ErrNoRow, KeyText(&m.codec.Schema, values))
	}
	return row, fresh, err
}

// GetMany returns the rows under several keys, in one round trip and of one moment. Keys without a row are not in
// the map.
func (m *Model[K, R]) GetMany(ctx context.Context, keys []K, opts ...cqrs.QueryOption) (map[K]R, Freshness, error) {
	wanted := make([][]Value, len(keys))
	for i := range keys {
		wanted[i] = m.codec.AppendKey(nil, &keys[i])
	}
	rows, read := make(map[K]R, len(keys)), make([]R, len(keys))
	var found []int
	fresh, err := m.serving.answer(ctx, opts, func(g *opened) (Checkpoint, error) {
		clear(read)
		found = found[:0]
		reading := m.reading(func(i int) *R { return &read[i] })
		at, err := g.table.Get(ctx, wanted, func(i int, stored []Value, _ cqrs.Position) error {
			if stored == nil {
				return nil
			}
			found = append(found, i)
			return reading.row(i, stored)
		})
		return at, reading.end(ctx, err)
	})
	if err != nil {
		return nil, fresh, err
	}
	for _, i := range found {
		rows[keys[i]] = read[i]
	}
	return rows, fresh, nil
}

// Find returns the rows that f selects, in its order and of one moment; with cqrs.InPage, a page of them. Index is that of
// the codec's schema. Limit bounds the rows of all pages together.
func (m *Model[K, R]) Find(ctx context.Context, f Find, opts ...cqrs.QueryOption) ([]Entry[K, R], Freshness, error) {
	var entries []Entry[K, R]
	page := options(opts).Page
	fresh, err := m.serving.answer(ctx, opts, func(g *opened) (at Checkpoint, err error) {
		if page != nil {
			entries, at, err = m.page(ctx, g, f, page)
		} else {
			entries, at, err = m.find(ctx, g, f, nil)
		}
		return at, err
	})
	if err != nil {
		return nil, fresh, err
	}
	return entries, fresh, nil
}

// page asks for one row more than wanted: whether there is one says whether there is a next page.
func (m *Model[K, R]) page(ctx context.Context, g *opened, f Find, page *cqrs.Page) ([]Entry[K, R], Checkpoint, error) {
	page.Next = ""
	schema := &m.codec.Schema
	if err := schema.CheckFind(&f); err != nil {
		return nil, Checkpoint{}, err
	}
	bound := f // what the cursor is good for
	if page.After != "" {
		after, left, err := schema.behind(&bound, page.After)
		if err != nil {
			return nil, Checkpoint{}, err
		}
		f.After, f.Limit = after, left
	}
	if page.Limit <= 0 || f.Limit > 0 && f.Limit <= page.Limit {
		return m.find(ctx, g, f, nil)
	}
	left := f.Limit
	f.Limit = page.Limit + 1
	var last []Value
	rows := 0
	entries, at, err := m.find(ctx, g, f, func(key, row []Value) {
		if rows++; rows == page.Limit {
			last = schema.pick(schema.after(&f), key, row)
		}
	})
	if err == nil && len(entries) > page.Limit {
		entries = entries[:page.Limit:page.Limit]
		page.Next = schema.cursor(&bound, last, max(0, left-page.Limit))
	}
	return entries, at, err
}

// pick returns the values of some columns, by their numbers.
func (s *Schema) pick(columns []int, key, row []Value) (values []Value) {
	for _, n := range columns {
		if n < len(key) {
			values = append(values, key[n])
		} else {
			values = append(values, row[n-len(key)])
		}
	}
	return values
}

// find reads the rows that f selects, and shows the values of each to look, if that is not nil.
func (m *Model[K, R]) find(
	ctx context.Context, g *opened, f Find, look func(key, row []Value),
) ([]Entry[K, R], Checkpoint, error) {
	if err := m.codec.Schema.CheckFind(&f); err != nil {
		return nil, Checkpoint{}, err
	}
	var entries []Entry[K, R]
	ks := NewScanner(m.codec.Schema.Projection, m.codec.Schema.Key, nil)
	reading := m.reading(func(i int) *R { return &entries[i].Row })
	at, err := g.table.Find(ctx, g.translate(f), func(key, row []Value, _ cqrs.Position) error {
		entries = append(entries, Entry[K, R]{})
		e := &entries[len(entries)-1]
		ks.Reset(key)
		m.codec.ReadKey(ks, &e.Key)
		if look != nil {
			look(key, row)
		}
		return errors.Join(ks.Err(), reading.row(len(entries)-1, row))
	})
	if err := reading.end(ctx, err); err != nil {
		return nil, Checkpoint{}, err
	}
	return entries, at, nil
}

// pageSize is how many rows All reads at once.
const pageSize = 500

// All yields every row in the order of the keys. It reads page by page, so that no table is held while the caller's
// code runs: each page is of one moment, all of them together need not be, but they are of one generation, also if
// another one becomes active meanwhile. Should that one be dropped, the error wraps ErrNoGeneration. After an error the
// iteration is over.
func (m *Model[K, R]) All(ctx context.Context, opts ...cqrs.QueryOption) iter.Seq2[Entry[K, R], error] {
	return func(yield func(Entry[K, R], error) bool) {
		var g *opened
		var page []Entry[K, R]
		f := Find{Index: -1, Limit: pageSize}
		_, err := m.serving.answer(ctx, opts, func(first *opened) (at Checkpoint, err error) {
			g = first
			page, at, err = m.find(ctx, g, f, nil)
			return at, err
		})
		for {
			if err != nil {
				yield(Entry[K, R]{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			f.After = m.codec.AppendKey(f.After[:0], &page[len(page)-1].Key)
			page, _, err = m.find(ctx, g, f, nil)
		}
	}
}

// Count returns the number of rows that f selects without After and Limit.
func (m *Model[K, R]) Count(ctx context.Context, f Find, opts ...cqrs.QueryOption) (int64, Freshness, error) {
	f.After = nil
	if err := m.codec.Schema.CheckFind(&f); err != nil {
		return 0, Freshness{}, err
	}
	var n int64
	fresh, err := m.serving.answer(ctx, opts, func(g *opened) (at Checkpoint, err error) {
		n, at, err = g.table.Count(ctx, g.translate(f))
		return at, err
	})
	if err != nil {
		return 0, fresh, err
	}
	return n, fresh, nil
}

func (m *Model[K, R]) rowScanner(values []Value) *Scanner {
	return NewScanner(m.codec.Schema.Projection, m.codec.Schema.Row, values)
}

func options(opts []cqrs.QueryOption) (o cqrs.QueryOptions) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}
