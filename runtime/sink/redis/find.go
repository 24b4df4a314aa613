package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/internal/sortable"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// span is a range of a set.
type span struct{ set, min, max string }

// span returns the range that a query selects from, and whether its order is that of a set. If it is not, the range is
// that of all rows.
func (t *table) span(f *readmodel.Find) (span, bool) {
	columns := f.Order
	if f.Index >= 0 {
		columns = t.schema.Indexes[f.Index]
	}
	equal := string(sortable.Append(nil, f.Equal))
	r := span{set: t.keys(), min: "[" + equal, max: "(" + equal + endOf}
	name := indexName(columns)
	switch {
	case len(columns) == 0:
		if len(f.After) > 0 {
			r.min = max(r.min, "["+string(sortable.Append(nil, f.After))+endOf)
		}
	case servedByKey(&t.schema, columns):
		r.min = max(r.min, t.behindKey(f, len(columns)))
	case t.indexes.Load().complete(name):
		r.set = t.index(name)
		if len(f.After) > 0 {
			r.min = max(r.min, "["+equal+string(sortable.Append(nil, f.After))+endOf)
		}
	default:
		return span{set: t.keys(), min: "-", max: "+"}, false
	}
	if len(f.Equal) == 0 {
		r.max = "+"
	}
	return r, true
}

// behindKey returns where a query goes on whose first columns are those of the key: the values of these come twice.
func (t *table) behindKey(f *readmodel.Find, columns int) string {
	if len(f.After) == 0 {
		return ""
	}
	key := f.After[len(f.After)-len(t.schema.Key):]
	first := append(slices.Clone(f.Equal), f.After[:len(f.After)-len(key)]...)
	in, of := sortable.Append(nil, first), sortable.Append(nil, key[:columns])
	switch strings.Compare(string(in), string(of)) {
	case 0:
		return "[" + string(sortable.Append(nil, key)) + endOf
	case 1:
		return "[" + string(in)
	}
	return "[" + string(in) + endOf
}

// found is a row of a query.
type found struct {
	values []readmodel.Value // of the key and the row
	at     cqrs.Position
}

// Find implements readmodel.Table. It reads pages; where the projector moves the checkpoint between them it begins
// again, and in the end reads everything at once, while the server does nothing else.
func (t *table) Find(ctx context.Context, f readmodel.Find,
	each func(key, row []readmodel.Value, at cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := t.schema.CheckFind(&f); err != nil {
		return readmodel.Checkpoint{}, err
	}
	rows, at, err := t.selected(ctx, &f)
	if err != nil {
		return at, t.wrap(err)
	}
	keys := len(t.schema.Key)
	for i := range rows {
		err := each(rows[i].values[:keys:keys], rows[i].values[keys:], rows[i].at)
		if errors.Is(err, readmodel.ErrStop) {
			break
		}
		if err != nil {
			return readmodel.Checkpoint{}, t.wrap(err)
		}
	}
	return at, nil
}

// Count implements readmodel.Table.
func (t *table) Count(ctx context.Context, f readmodel.Find) (int64, readmodel.Checkpoint, error) {
	f.After, f.Limit = nil, 0
	if err := t.schema.CheckFind(&f); err != nil {
		return 0, readmodel.Checkpoint{}, err
	}
	r, ordered := t.span(&f)
	if f.Where.Op != readmodel.Always || !ordered && len(f.Equal) > 0 {
		rows, at, err := t.selected(ctx, &f)
		return int64(len(rows)), at, t.wrap(err)
	}
	at, items, err := t.read(ctx, countScript, []string{t.key, r.set}, r.min, r.max)
	if err != nil {
		return 0, at, err
	}
	n, _ := items[4].(int64)
	return n, at, nil
}

// The pages of a query have so many rows, and it begins so often before it reads everything at once.
const (
	pageRows = 1000
	attempts = 3
)

// selected returns the rows of a query, of one moment.
func (t *table) selected(ctx context.Context, f *readmodel.Find) ([]found, readmodel.Checkpoint, error) {
	r, ordered := t.span(f)
	s := &selection{table: t, matches: t.matcher(f, ordered)}
	if ordered {
		s.limit = f.Limit
	}
	for attempt := 1; ; attempt++ {
		page := pageRows
		if s.limit > 0 && f.Where.Op == readmodel.Always {
			page = min(page, s.limit)
		}
		if attempt > attempts {
			page = -1
		}
		same, err := s.read(ctx, r, page)
		if err != nil {
			return nil, readmodel.Checkpoint{}, err
		}
		if same {
			break
		}
	}
	if !ordered {
		s.rows = t.sorted(s.rows, f)
	}
	return s.rows, s.at, nil
}

// matcher returns what tells whether a query selects a row. In the order of a set, the range has done the rest.
func (t *table) matcher(f *readmodel.Find, ordered bool) func(values []readmodel.Value) bool {
	where, keys := t.schema.Matcher(&f.Where), len(t.schema.Key)
	if ordered {
		return func(values []readmodel.Value) bool { return where(values[:keys], values[keys:]) }
	}
	order := t.schema.Order(f)
	return func(values []readmodel.Value) bool {
		for i, v := range f.Equal {
			if values[order[i]] != v {
				return false
			}
		}
		return where(values[:keys], values[keys:])
	}
}

// selection reads the rows of a range, page by page.
type selection struct {
	table   *table
	matches func(values []readmodel.Value) bool
	limit   int

	rows []found
	at   readmodel.Checkpoint
}

// read reads the range, in pages of so many rows or at once, and reports whether all was of one moment.
func (s *selection) read(ctx context.Context, r span, page int) (same bool, err error) {
	t := s.table
	args := []any{"", r.max, page, t.row(), positionField}
	for _, c := range t.schema.Columns() {
		args = append(args, c.Name)
	}
	s.rows = nil
	for first := true; ; first = false {
		args[0] = r.min
		at, items, err := t.read(ctx, findScript, []string{t.key, r.set}, args...)
		if err != nil {
			return false, err
		}
		if !first && at != s.at {
			return false, nil
		}
		s.at = at
		stored := list(items[4])
		if full, err := s.add(stored); err != nil || full {
			return true, err
		}
		if page < 0 || len(stored) < page {
			return true, nil
		}
		r.min = "(" + text(items, 5)
	}
}

// add adds those rows that the query selects, and reports whether that are as many as it wants.
func (s *selection) add(stored []any) (full bool, err error) {
	columns := s.table.schema.Columns()
	values := make([]readmodel.Value, len(stored)*len(columns))
	for _, row := range stored {
		fields := list(row)
		at, err := s.table.position(fields[0])
		if err != nil {
			return false, err
		}
		if err := s.table.scan(columns, fields[1:], values); err != nil {
			return false, err
		}
		if !s.matches(values[:len(columns)]) {
			continue
		}
		s.rows = append(s.rows, found{values[:len(columns):len(columns)], at})
		values = values[len(columns):]
		if s.limit > 0 && len(s.rows) == s.limit {
			return true, nil
		}
	}
	return false, nil
}

// sorted puts rows into an order of which there is no set, and takes those that the query wants.
func (t *table) sorted(rows []found, f *readmodel.Find) []found {
	order := t.schema.Order(f)
	keys := make([]string, len(rows))
	number := make([]int, len(rows))
	var buf []byte
	for i := range rows {
		buf = buf[:0]
		for _, n := range order {
			buf = sortable.Append(buf, rows[i].values[n:n+1])
		}
		keys[i], number[i] = string(buf), i
	}
	slices.SortFunc(number, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	if len(f.After) > 0 {
		behind := string(sortable.Append(sortable.Append(nil, f.Equal), f.After))
		n, same := slices.BinarySearchFunc(number, behind, func(i int, behind string) int { return cmp.Compare(keys[i], behind) })
		if same {
			n++
		}
		number = number[n:]
	}
	if f.Limit > 0 {
		number = number[:min(len(number), f.Limit)]
	}
	selected := make([]found, len(number))
	for i, n := range number {
		selected[i] = rows[n]
	}
	return selected
}
