// Package memory keeps read models in the memory of the process: for tests, and for read models that are small enough
// to be rebuilt at each start.
package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cqrsgen/cqrsgen/internal/sortable"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// table is one opening of a generation: openings may declare other indexes over the same rows.
type table struct {
	*contents
	schema readmodel.Schema
	store  *Store
}

// contents are the rows of a generation. A row never changes once it is in the map, it is only replaced: whoever took it
// while holding mu may read it afterwards, so that no callback runs under the lock.
type contents struct {
	readmodel.Signal
	created readmodel.Schema

	mu sync.RWMutex
	// about has all but the checkpoint and the schema.
	about      readmodel.Generation
	checkpoint readmodel.Checkpoint
	dropped    bool
	// rows is keyed by the sortable encoding of the key.
	rows map[string]*row

	// sorted has, by the names of an index's columns, all rows in that order, until a batch makes it wrong.
	sortMu sync.Mutex
	sorted map[string][]sortedRow
}

type row struct {
	key, values []readmodel.Value
	position    cqrs.Position
}

type sortedRow struct {
	by string
	*row
}

// there returns readmodel.ErrNoGeneration if the generation was dropped. It is called under mu.
func (c *contents) there() error {
	if c.dropped {
		return fmt.Errorf("read model %s: %w: %s was dropped", c.created.Projection, readmodel.ErrNoGeneration,
			c.created.Fingerprint)
	}
	return nil
}

// Checkpoint implements readmodel.Table.
func (t *table) Checkpoint(ctx context.Context) (readmodel.Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return readmodel.Checkpoint{}, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.checkpoint, t.there()
}

// RowsAhead implements readmodel.Table.
func (t *table) RowsAhead() bool { return false }

// Apply implements readmodel.Table.
func (t *table) Apply(ctx context.Context, b *readmodel.Batch) error {
	if err := cmp.Or(t.schema.CheckBatch(b), ctx.Err()); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.there(); err != nil {
		return err
	}
	if t.checkpoint != b.From {
		return readmodel.ErrFenced
	}
	t.checkpoint = b.To
	if len(b.Changes) > 0 {
		t.sortMu.Lock()
		t.sorted = nil
		t.sortMu.Unlock()
	}
	if n := len(b.Changes); len(t.rows) == 0 && n >= bulk {
		t.rows = make(map[string]*row, n)
	}
	keep := keeper{bulk: len(b.Changes) >= bulk}
	var buf []byte
	for i := range b.Changes {
		c := &b.Changes[i]
		buf = sortable.Append(buf[:0], c.Key)
		if c.Row == nil {
			delete(t.rows, string(buf))
			continue
		}
		if old := t.rows[string(buf)]; old != nil {
			t.rows[string(buf)] = &row{old.key, slices.Clone(c.Row), c.Position}
		} else {
			t.rows[string(buf)] = keep.row(c)
		}
	}
	t.Notify()
	if b.To.Built && !b.From.Built {
		t.store.Notify()
	}
	return nil
}

// bulk is the number of changes from which the new rows of a batch are kept in large pieces of memory: that takes far less
// time. A row that replaces another has memory of its own. A piece is free only when all rows in it are gone: were rows
// replaced in pieces over and over, most of what they hold would be rows that nobody sees any more.
const bulk = 1000

// keeper copies the new rows of a batch.
type keeper struct {
	bulk bool
	rows []row
	all  []readmodel.Value
}

func (k *keeper) row(c *readmodel.Change) *row {
	key := k.values(c.Key)
	if !k.bulk {
		return &row{key, slices.Clone(c.Row), c.Position}
	}
	if len(k.rows) == 0 {
		k.rows = make([]row, 256)
	}
	r := &k.rows[0]
	k.rows = k.rows[1:]
	*r = row{key, k.values(c.Row), c.Position}
	return r
}

func (k *keeper) values(v []readmodel.Value) []readmodel.Value {
	if !k.bulk {
		return slices.Clone(v)
	}
	if len(k.all) < len(v) {
		k.all = make([]readmodel.Value, max(1024, len(v)))
	}
	kept := k.all[:len(v):len(v)]
	k.all = k.all[len(v):]
	copy(kept, v)
	return kept
}

// Get implements readmodel.Table.
func (t *table) Get(ctx context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return readmodel.Checkpoint{}, err
	}
	rows, at, err := t.lookUp(keys)
	if err != nil {
		return readmodel.Checkpoint{}, err
	}
	for i, r := range rows {
		if r == nil {
			continue
		}
		if err := found(i, r.values, r.position); err != nil {
			return readmodel.Checkpoint{}, err
		}
	}
	return at, nil
}

func (t *table) lookUp(keys [][]readmodel.Value) ([]*row, readmodel.Checkpoint, error) {
	rows := make([]*row, len(keys))
	var buf []byte
	t.mu.RLock()
	defer t.mu.RUnlock()
	if err := t.there(); err != nil {
		return nil, readmodel.Checkpoint{}, err
	}
	for i, key := range keys {
		if err := t.schema.CheckKey(key); err != nil {
			return nil, readmodel.Checkpoint{}, err
		}
		buf = sortable.Append(buf[:0], key)
		rows[i] = t.rows[string(buf)]
	}
	return rows, t.checkpoint, nil
}

// Find implements readmodel.Table.
func (t *table) Find(ctx context.Context, f readmodel.Find,
	found func(key, row []readmodel.Value, at cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := cmp.Or(t.schema.CheckFind(&f), ctx.Err()); err != nil {
		return readmodel.Checkpoint{}, err
	}
	rows, at, err := t.inOrder(&f)
	if err != nil {
		return at, err
	}
	rows = rows[after(rows, &f):]
	equal := string(sortable.Append(nil, f.Equal))
	matches := t.schema.Matcher(&f.Where)
	n := 0
	for _, r := range rows {
		if f.Limit > 0 && n == f.Limit || !strings.HasPrefix(r.by, equal) {
			break
		}
		if !matches(r.key, r.values) {
			continue
		}
		n++
		if err := found(r.key, r.values, r.position); errors.Is(err, readmodel.ErrStop) {
			break
		} else if err != nil {
			return readmodel.Checkpoint{}, err
		}
	}
	return at, nil
}

// after returns the number of the first row that f can select.
func after(rows []sortedRow, f *readmodel.Find) int {
	if len(f.After) == 0 {
		return search(rows, string(sortable.Append(nil, f.Equal)))
	}
	var last []byte
	if f.Index >= 0 || len(f.Order) > 0 {
		last = sortable.Append(last, f.Equal)
	}
	by := string(sortable.Append(last, f.After))
	i := search(rows, by)
	if i < len(rows) && rows[i].by == by {
		i++
	}
	// A place before the rows that f fixes selects all of these.
	return max(i, search(rows, string(sortable.Append(nil, f.Equal))))
}

func search(rows []sortedRow, by string) int {
	i, _ := slices.BinarySearchFunc(rows, by, func(r sortedRow, by string) int { return strings.Compare(r.by, by) })
	return i
}

// Count implements readmodel.Table.
func (t *table) Count(ctx context.Context, f readmodel.Find) (int64, readmodel.Checkpoint, error) {
	f.After = nil
	if err := cmp.Or(t.schema.CheckFind(&f), ctx.Err()); err != nil {
		return 0, readmodel.Checkpoint{}, err
	}
	rows, at, err := t.inOrder(&f)
	if err != nil {
		return 0, at, err
	}
	equal := string(sortable.Append(nil, f.Equal))
	rows = rows[search(rows, equal):]
	// The encoding is free of prefixes, so that the rows that begin with equal stand together.
	n, _ := slices.BinarySearchFunc(rows, equal, func(r sortedRow, equal string) int {
		if strings.HasPrefix(r.by, equal) {
			return -1
		}
		return 1
	})
	if f.Where.Op == readmodel.Always {
		return int64(n), at, nil
	}
	count, matches := int64(0), t.schema.Matcher(&f.Where)
	for _, r := range rows[:n] {
		if matches(r.key, r.values) {
			count++
		}
	}
	return count, at, nil
}

// inOrder returns all rows in the order of a query, and the checkpoint that they reflect. It sorts them at the
// first query after a change.
func (t *table) inOrder(f *readmodel.Find) ([]sortedRow, readmodel.Checkpoint, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if err := t.there(); err != nil {
		return nil, readmodel.Checkpoint{}, err
	}
	t.sortMu.Lock()
	defer t.sortMu.Unlock()
	name := strings.Join(f.Order, ",")
	if f.Index >= 0 {
		name = strings.Join(t.schema.Indexes[f.Index], ",")
	}
	if rows, ok := t.sorted[name]; ok {
		return rows, t.checkpoint, nil
	}
	rows := t.sort(t.schema.Order(f))
	if t.sorted == nil {
		t.sorted = map[string][]sortedRow{}
	}
	t.sorted[name] = rows
	return rows, t.checkpoint, nil
}

func (t *table) sort(order []int) []sortedRow {
	rows := make([]sortedRow, 0, len(t.rows))
	var buf []byte
	for _, r := range t.rows {
		buf = buf[:0]
		for _, n := range order {
			if n < len(r.key) {
				buf = sortable.Append(buf, r.key[n:n+1])
			} else {
				buf = sortable.Append(buf, r.values[n-len(r.key):][:1])
			}
		}
		rows = append(rows, sortedRow{string(buf), r})
	}
	slices.SortFunc(rows, func(a, b sortedRow) int { return strings.Compare(a.by, b.by) })
	return rows
}
