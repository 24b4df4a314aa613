package readmodel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
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
}

// Freshness says what an answer reflects: every event up to Position that its projection handles, and none behind.
type Freshness struct {
	// Position is 0 if the projection never started.
	Position cqrs.Position
	// Head is the position of the last event of the log when the query began, or Position if that is later.
	Head cqrs.Position
}

// Current reports whether the answer reflects every event that the log held when the query began. The answer of a
// projection that never started is never current, not even over an empty log.
func (f Freshness) Current() bool { return f.Position > 0 && f.Position >= f.Head }

// Entry is a row with its key.
type Entry[K comparable, R any] struct {
	Key K
	Row R
}

// Model answers typed queries over a table. It is safe for concurrent use.
//
// Every query takes cqrs.AtLeast, and then waits until the table reflects that position. If ctx ends first, the
// error is a *StaleError; so it is if StopsWith was called and the projector stopped.
type Model[K comparable, R any] struct {
	table   Table
	log     eventlog.Log
	codec   Codec[K, R]
	stopped func() error // nil if nothing is known of the projector
}

// NewModel returns a Model over a table of the codec's schema. The log only tells its head.
func NewModel[K comparable, R any](table Table, log eventlog.Log, codec Codec[K, R]) *Model[K, R] {
	return &Model[K, R]{table: table, log: log, codec: codec}
}

// StopsWith ties the model to the projector that keeps its table up to date: err returns what stopped it, or nil while
// it runs or is idle. A query does not wait for a projector that stopped. It is called before the first query, once;
// err must be safe for concurrent use.
func (m *Model[K, R]) StopsWith(err func() error) { m.stopped = err }

// Get returns the row under a key. Without one the error wraps ErrNoRow, and the Freshness is that of the answer
// that there is none.
func (m *Model[K, R]) Get(ctx context.Context, key K, opts ...cqrs.QueryOption) (R, Freshness, error) {
	var row, none R
	head, err := m.begin(ctx, opts)
	if err != nil {
		return none, Freshness{}, err
	}
	values := m.codec.AppendKey(nil, &key)
	var s *Scanner
	position, err := m.table.Get(ctx, [][]Value{values}, func(_ int, stored []Value, _ cqrs.Position) error {
		if stored == nil {
			return nil
		}
		s = m.rowScanner(stored)
		m.codec.ReadRow(s, &row)
		return s.Err()
	})
	if err != nil {
		return none, Freshness{}, err
	}
	if s == nil {
		err = fmt.Errorf("read model %s: %w: %s", m.codec.Schema.Projection, ErrNoRow, KeyText(&m.codec.Schema, values))
	}
	return row, freshness(position, head), err
}

// GetMany returns the rows under several keys, in one round trip and of one moment. Keys without a row are not in
// the map.
func (m *Model[K, R]) GetMany(ctx context.Context, keys []K, opts ...cqrs.QueryOption) (map[K]R, Freshness, error) {
	head, err := m.begin(ctx, opts)
	if err != nil {
		return nil, Freshness{}, err
	}
	wanted := make([][]Value, len(keys))
	for i := range keys {
		wanted[i] = m.codec.AppendKey(nil, &keys[i])
	}
	rows := make(map[K]R, len(keys))
	s := m.rowScanner(nil)
	position, err := m.table.Get(ctx, wanted, func(i int, stored []Value, _ cqrs.Position) error {
		if stored == nil {
			return nil
		}
		var row R
		s.Reset(stored)
		m.codec.ReadRow(s, &row)
		rows[keys[i]] = row
		return s.Err()
	})
	if err != nil {
		return nil, Freshness{}, err
	}
	return rows, freshness(position, head), nil
}

// Find returns the rows that f selects, in its order and of one moment; with cqrs.InPage, a page of them.
func (m *Model[K, R]) Find(ctx context.Context, f Find, opts ...cqrs.QueryOption) ([]Entry[K, R], Freshness, error) {
	head, err := m.begin(ctx, opts)
	if err != nil {
		return nil, Freshness{}, err
	}
	var entries []Entry[K, R]
	var position cqrs.Position
	if page := options(opts).Page; page != nil {
		entries, position, err = m.page(ctx, f, page)
	} else {
		entries, position, err = m.find(ctx, f, nil)
	}
	if err != nil {
		return nil, Freshness{}, err
	}
	return entries, freshness(position, head), nil
}

// page asks for one row more than wanted: whether there is one says whether there is a next page.
func (m *Model[K, R]) page(ctx context.Context, f Find, page *cqrs.Page) ([]Entry[K, R], cqrs.Position, error) {
	page.Next = ""
	schema := &m.codec.Schema
	if err := schema.CheckFind(&f); err != nil {
		return nil, 0, err
	}
	if page.After != "" {
		behind, err := schema.behind(&f, page.After)
		if err != nil {
			return nil, 0, err
		}
		f.After = behind
	}
	if page.Limit <= 0 {
		return m.find(ctx, f, nil)
	}
	var last []Value
	rows := 0
	f.Limit = page.Limit + 1
	entries, position, err := m.find(ctx, f, func(key, row []Value) {
		if rows++; rows != page.Limit {
			return
		}
		for _, n := range schema.after(&f) {
			if n < len(key) {
				last = append(last, key[n])
			} else {
				last = append(last, row[n-len(key)])
			}
		}
	})
	if err == nil && len(entries) > page.Limit {
		entries = entries[:page.Limit:page.Limit]
		page.Next = schema.cursor(&f, last)
	}
	return entries, position, err
}

// find reads the rows that f selects, and shows the values of each to look, if that is not nil.
func (m *Model[K, R]) find(
	ctx context.Context, f Find, look func(key, row []Value),
) ([]Entry[K, R], cqrs.Position, error) {
	var entries []Entry[K, R]
	ks, rs := NewScanner(m.codec.Schema.Projection, m.codec.Schema.Key, nil), m.rowScanner(nil)
	position, err := m.table.Find(ctx, f, func(key, row []Value) error {
		entries = append(entries, Entry[K, R]{})
		e := &entries[len(entries)-1]
		ks.Reset(key)
		m.codec.ReadKey(ks, &e.Key)
		rs.Reset(row)
		m.codec.ReadRow(rs, &e.Row)
		if look != nil {
			look(key, row)
		}
		return errors.Join(ks.Err(), rs.Err())
	})
	if err != nil {
		return nil, 0, err
	}
	return entries, position, nil
}

// pageSize is how many rows All reads at once.
const pageSize = 500

// All yields every row in the order of the keys. It reads page by page, so that no table is held while the caller's
// code runs: each page is of one moment, all of them together need not be. After an error the iteration is over.
func (m *Model[K, R]) All(ctx context.Context, opts ...cqrs.QueryOption) iter.Seq2[Entry[K, R], error] {
	return func(yield func(Entry[K, R], error) bool) {
		if err := m.await(ctx, options(opts).AtLeast); err != nil {
			yield(Entry[K, R]{}, err)
			return
		}
		f := Find{Index: -1, Limit: pageSize}
		for {
			page, _, err := m.find(ctx, f, nil)
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
		}
	}
}

// Count returns the number of rows that f selects without After and Limit.
func (m *Model[K, R]) Count(ctx context.Context, f Find, opts ...cqrs.QueryOption) (int64, Freshness, error) {
	head, err := m.begin(ctx, opts)
	if err != nil {
		return 0, Freshness{}, err
	}
	n, position, err := m.table.Count(ctx, f)
	if err != nil {
		return 0, Freshness{}, err
	}
	return n, freshness(position, head), nil
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

func freshness(position, head cqrs.Position) Freshness {
	return Freshness{Position: position, Head: max(head, position)}
}

// begin waits for the position of AtLeast and returns the log's head. The head is read before the rows: an answer
// that reaches it reflects everything that was acknowledged before the query began.
func (m *Model[K, R]) begin(ctx context.Context, opts []cqrs.QueryOption) (cqrs.Position, error) {
	head, err := m.log.Head(ctx)
	if err != nil {
		return 0, err
	}
	return head, m.await(ctx, options(opts).AtLeast)
}

// The polling of a table that another process may write: it begins fast, because most waits are for an event that
// was appended a moment ago.
const (
	minPoll = time.Millisecond
	maxPoll = 50 * time.Millisecond
)

// await returns when the table reflects position want, or is not going to. Every table reflects position 0.
func (m *Model[K, R]) await(ctx context.Context, want cqrs.Position) error {
	if want <= 0 {
		return nil
	}
	watcher, _ := m.table.(Watcher)
	timer := time.NewTimer(maxPoll)
	defer timer.Stop()
	var stale *StaleError // what to say if ctx ends; nobody knows before the first look
	for poll := minPoll; ; poll = min(2*poll, maxPoll) {
		// Whoever asked for the channel before reading the checkpoint can't miss the batch that comes between.
		var changed <-chan struct{}
		if watcher != nil {
			changed = watcher.Changed()
		}
		// For the same reason, what it wrote before it stopped is read afterwards.
		var stopped error
		if m.stopped != nil {
			stopped = m.stopped()
		}
		if errors.Is(stopped, ErrFenced) || errors.Is(stopped, eventlog.ErrUnavailable) {
			stopped = nil // another process moves the table on, or the projector goes on once the log is back
		}
		c, err := m.table.Checkpoint(ctx)
		if err != nil && ctx.Err() != nil && stale != nil {
			stale.Err = ctx.Err()
			return stale
		}
		if err != nil {
			return err
		}
		if c.Position >= want {
			return nil
		}
		stale = &StaleError{Projection: m.codec.Schema.Projection, Want: want, Have: c.Position, Err: stopped}
		if stopped != nil {
			return stale
		}
		timer.Reset(poll)
		select {
		case <-ctx.Done():
			stale.Err = ctx.Err()
			return stale
		case <-changed:
		case <-timer.C:
		}
	}
}

// KeyText returns a key as people read it: "account=acc-1 currency=EUR".
func KeyText(s *Schema, key []Value) string {
	var b strings.Builder
	for i, v := range key {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i < len(s.Key) {
			b.WriteString(s.Key[i].Name + "=")
		}
		b.WriteString(v.String())
	}
	return b.String()
}
