package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// term is a column with the value that a row's is compared with.
type term struct {
	column column
	value  readmodel.Value
}

// selection is one statement of a query: the rows whose columns equal some values, and of which another column, if
// greater is not nil, is greater than a value. Its rows are consecutive in the order of one index.
type selection struct {
	equal   []term
	greater *term
	// filter is what the rows must meet besides, and wanted its values.
	filter string
	wanted []readmodel.Value
}

// selections splits a query into statements that a single range of the index answers each, in the order of their
// rows. To continue behind (1, 2, 3) is to take those with (1, 2, >3), then those with (1, >2), then those with (>1):
// unlike SQL's comparison of rows that is right for nulls too, and never reads a row in vain.
func (t *table) selections(f *readmodel.Find) []selection {
	order := t.schema.Order(f)
	filter, wanted := t.filter(&f.Where)
	var fixed []term
	for i, v := range f.Equal {
		fixed = append(fixed, term{t.columns[order[i]], v})
	}
	if len(f.After) == 0 {
		return []selection{{equal: fixed, filter: filter, wanted: wanted}}
	}
	after := order[len(order)-len(f.After):]
	var all []selection
	for i := len(after) - 1; i >= 0; i-- {
		s := selection{equal: fixed, greater: &term{t.columns[after[i]], f.After[i]}, filter: filter, wanted: wanted}
		for j, n := range after[:i] {
			s.equal = append(s.equal[:len(s.equal):len(s.equal)], term{t.columns[n], f.After[j]})
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
		if e.column.number == s.greater.column.number && e.value == s.greater.value {
			return true
		}
	}
	return false
}

// where returns the condition; null sorts before every value.
func (s *selection) where() string {
	conditions := []string{s.filter}
	for _, e := range s.equal {
		if e.column.Optional {
			conditions = append(conditions, e.column.quoted+" IS ?")
		} else {
			conditions = append(conditions, e.column.quoted+" = ?")
		}
	}
	if g := s.greater; g != nil && g.value.Kind() == readmodel.Null {
		conditions = append(conditions, g.column.quoted+" IS NOT NULL")
	} else if g != nil {
		conditions = append(conditions, g.column.quoted+" > ?")
	}
	return strings.Join(conditions, " AND ")
}

// bind binds the values of where, and returns the number of the next parameter.
func (s *selection) bind(stmt *sqlite.Stmt) int {
	next := bindAll(stmt, 1, s.wanted)
	for i := range s.equal {
		bind(stmt, next, &s.equal[i].value)
		next++
	}
	if s.greater != nil && s.greater.value.Kind() != readmodel.Null {
		bind(stmt, next, &s.greater.value)
		next++
	}
	return next
}

// sql returns the statement that selects the rows in the order of a query, a number of them at most.
func (s *selection) sql(t *table, f *readmodel.Find) string {
	var order []string
	for _, c := range t.order(f) {
		if !s.fixes(c) {
			order = append(order, c.quoted)
		}
	}
	orderBy := ""
	if len(order) > 0 {
		orderBy = " ORDER BY " + strings.Join(order, ", ")
	}
	return fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s%s LIMIT ?",
		t.allColumns, positionColumn, quote(t.name), s.where(), orderBy)
}

func (s *selection) fixes(c column) bool {
	for _, e := range s.equal {
		if e.column.number == c.number {
			return true
		}
	}
	return false
}

// Find implements readmodel.Table.
func (t *table) Find(ctx context.Context, f readmodel.Find,
	found func(key, row []readmodel.Value, at cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	if err := t.schema.CheckFind(&f); err != nil {
		return readmodel.Checkpoint{}, err
	}
	limit := int64(f.Limit)
	if limit <= 0 {
		limit = -1
	}
	var at readmodel.Checkpoint
	err := t.store.read(ctx, func(c *sqlite.Conn) (err error) {
		at, err = t.checkpoint(c)
		for _, s := range t.selections(&f) {
			if err != nil || limit == 0 {
				break
			}
			err = t.findRange(c, &s, &f, &limit, found)
		}
		if errors.Is(err, readmodel.ErrStop) {
			err = nil
		}
		return err
	})
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return at, nil
}

// findRange calls found for the rows of one statement, and takes their number off the limit, unless that is negative.
func (t *table) findRange(c *sqlite.Conn, s *selection, f *readmodel.Find, limit *int64,
	found func(key, row []readmodel.Value, at cqrs.Position) error,
) error {
	stmt, err := c.Prepare(s.sql(t, f))
	if err != nil {
		return err
	}
	stmt.BindInt64(s.bind(stmt), *limit)
	values := make([]readmodel.Value, len(t.columns))
	keys := len(t.schema.Key)
	return rows(stmt, func(stmt *sqlite.Stmt) error {
		if *limit > 0 {
			*limit--
		}
		if err := t.scanAll(stmt, 0, t.columns, values); err != nil {
			return err
		}
		return found(values[:keys:keys], values[keys:], cqrs.Position(stmt.ColumnInt64(len(t.columns))))
	})
}

// Count implements readmodel.Table.
func (t *table) Count(ctx context.Context, f readmodel.Find) (int64, readmodel.Checkpoint, error) {
	f.After = nil
	if err := t.schema.CheckFind(&f); err != nil {
		return 0, readmodel.Checkpoint{}, err
	}
	var n int64
	var at readmodel.Checkpoint
	err := t.store.read(ctx, func(c *sqlite.Conn) (err error) {
		if at, err = t.checkpoint(c); err != nil {
			return err
		}
		s := t.selections(&f)[0]
		stmt, err := c.Prepare(fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", quote(t.name), s.where()))
		if err != nil {
			return err
		}
		s.bind(stmt)
		return rows(stmt, func(stmt *sqlite.Stmt) error {
			n = stmt.ColumnInt64(0)
			return nil
		})
	})
	return n, at, t.wrap(err)
}
