package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// term is a column with the value that a row's is compared with.
type term struct {
	column *column
	value  *readmodel.Value
}

// selection is one part of a query: the rows whose columns equal some values, and of which another column, if greater is
// not nil, is greater than a value. Its rows are consecutive in the order of one index.
type selection struct {
	equal   []term
	greater *term
}

// selections splits a query into parts that a single range of the index answers each, in the order of their rows. To
// continue behind (1, 2, 3) is to take those with (1, 2, >3), then those with (1, >2), then those with (>1): unlike SQL's
// comparison of rows that is right for nulls too.
func (t *table) selections(f *readmodel.Find) []selection {
	order := t.schema.Order(f)
	var fixed []term
	for i := range f.Equal {
		fixed = append(fixed, term{&t.columns[order[i]], &f.Equal[i]})
	}
	if len(f.After) == 0 {
		return []selection{{equal: fixed}}
	}
	after := order[len(order)-len(f.After):]
	var all []selection
	for i := len(after) - 1; i >= 0; i-- {
		s := selection{equal: slices.Clone(fixed), greater: &term{&t.columns[after[i]], &f.After[i]}}
		for j, n := range after[:i] {
			s.equal = append(s.equal, term{&t.columns[n], &f.After[j]})
		}
		if !s.empty() {
			all = append(all, s)
		}
	}
	return all
}

// empty reports whether no row can match: a column of the key that is in the index too is compared twice.
func (s *selection) empty() bool {
	for _, e := range s.equal {
		if e.column.number == s.greater.column.number && *e.value == *s.greater.value {
			return true
		}
	}
	return false
}

// where writes the condition; null sorts before every value.
func (s *selection) where(f *filter, rest *readmodel.Condition) {
	f.sql.WriteString(" WHERE ")
	for _, e := range s.equal {
		if e.value.Kind() == readmodel.Null {
			f.sql.WriteString(e.column.quoted + " IS NULL AND ")
		} else {
			f.sql.WriteString(e.column.quoted + " = " + f.value(e.column, e.value) + " AND ")
		}
	}
	if g := s.greater; g != nil && g.value.Kind() == readmodel.Null {
		f.sql.WriteString(g.column.quoted + " IS NOT NULL AND ")
	} else if g != nil {
		f.sql.WriteString(g.column.quoted + " > " + f.value(g.column, g.value) + " AND ")
	}
	f.write(rest)
}

// write writes the statement that selects the rows in the order of a query, a number of them at most.
func (s *selection) write(f *filter, find *readmodel.Find, limit string) {
	f.sql.WriteString(f.table.sql.rows)
	s.where(f, &find.Where)
	var order []string
	for _, c := range f.table.order(find) {
		if !s.fixes(&c) {
			order = append(order, sorted(c))
		}
	}
	if len(order) > 0 {
		f.sql.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	f.sql.WriteString(limit)
}

func (s *selection) fixes(c *column) bool {
	return slices.ContainsFunc(s.equal, func(e term) bool { return e.column.number == c.number })
}

// selects returns the statement of a query. Several parts are appended to each other in order, and read one after the
// other until there are enough rows: the server does so as long as it does not use several processes (prepareReader).
func (t *table) selects(find *readmodel.Find) (string, [][]byte) {
	f := &filter{table: t}
	limit := ""
	if find.Limit > 0 {
		limit = fmt.Sprintf(" LIMIT %d", find.Limit) // for the planner to see: there are few sizes of pages
	}
	parts := t.selections(find)
	switch len(parts) {
	case 0:
		return "", nil
	case 1:
		parts[0].write(f, find, limit)
		return f.sql.String(), f.params
	}
	for i := range parts {
		if i > 0 {
			f.sql.WriteString(" UNION ALL ")
		}
		f.sql.WriteString("(")
		parts[i].write(f, find, limit)
		f.sql.WriteString(")")
	}
	f.sql.WriteString(limit)
	return f.sql.String(), f.params
}

// drained is up to how many rows are read in vain when a query is stopped, rather than to give up its connection.
const drained = 1_000

// Find implements readmodel.Table.
func (t *table) Find(ctx context.Context, f readmodel.Find,
	found func(key, row []readmodel.Value, at cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := t.schema.CheckFind(&f); err != nil {
		return readmodel.Checkpoint{}, err
	}
	sql, params := t.selects(&f)
	if sql == "" {
		return t.Checkpoint(ctx)
	}
	values := make([]readmodel.Value, len(t.columns))
	last, keys := len(t.columns), len(t.schema.Key)
	bounded := f.Limit > 0 && f.Limit <= drained
	cp, err := t.read(ctx, query{sql: sql, params: params, row: func(row [][]byte) error {
		if err := t.decodeAll(row[:last], t.columns, values); err != nil {
			return err
		}
		return found(values[:keys:keys], values[keys:], cqrs.Position(decodeInt64(row[last])))
	}}, bounded)
	if err != nil && !errors.Is(err, readmodel.ErrStop) {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return cp, nil
}

// Count implements readmodel.Table.
func (t *table) Count(ctx context.Context, f readmodel.Find) (n int64, cp readmodel.Checkpoint, err error) {
	f.After = nil
	if err := t.schema.CheckFind(&f); err != nil {
		return 0, readmodel.Checkpoint{}, err
	}
	w := &filter{table: t}
	w.sql.WriteString(t.sql.count)
	t.selections(&f)[0].where(w, &f.Where)
	cp, err = t.read(ctx, query{sql: w.sql.String(), params: w.params, row: func(row [][]byte) error {
		n = decodeInt64(row[0])
		return nil
	}}, true)
	if err != nil {
		return 0, readmodel.Checkpoint{}, t.wrap(err)
	}
	return n, cp, nil
}
