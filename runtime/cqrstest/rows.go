package cqrstest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// ReadModel is a generated read model: s.App.BalanceByCurrency.
type ReadModel[K comparable, R any] interface {
	All(ctx context.Context, opts ...cqrs.QueryOption) iter.Seq2[readmodel.Entry[K, R], error]
	Projector() projection.Runner
}

// ExpectedRow is a row that a read model must have, with what is not compared.
type ExpectedRow[K comparable, R any] struct {
	key    K
	row    R
	except []string
	line   int
}

// Row returns an expectation for a row.
func Row[K comparable, R any](key K, row R) ExpectedRow[K, R] {
	return ExpectedRow[K, R]{key: key, row: row}
}

// Except names fields of the key or the row that are not compared, with all below them.
func (e ExpectedRow[K, R]) Except(paths ...string) ExpectedRow[K, R] {
	e.except = append(slices.Clone(e.except), paths...)
	return e
}

// Line names the line in a model that the expectation was generated from.
func (e ExpectedRow[K, R]) Line(line int) ExpectedRow[K, R] {
	e.line = line
	return e
}

// Table is all rows that a read model must have.
type Table struct {
	name string
	rows []wantedRow
	read func(context.Context) ([]tree, error)
}

type wantedRow struct {
	tree
	except []string
	line   int
}

// Rows returns the expectation that a read model has these rows, in any order, and no others.
func Rows[K comparable, R any](model ReadModel[K, R], rows ...ExpectedRow[K, R]) Table {
	t := Table{name: model.Projector().Name()}
	for _, r := range rows {
		t.rows = append(t.rows, wantedRow{joined(r.key, r.row), r.except, r.line})
	}
	t.read = func(ctx context.Context) ([]tree, error) {
		if err := model.Projector().CatchUp(ctx); err != nil {
			return nil, err
		}
		var list []tree
		for e, err := range model.All(ctx) {
			if err != nil {
				return nil, err
			}
			list = append(list, joined(e.Key, e.Row))
		}
		return list, nil
	}
	return t
}

// joined returns the columns of key and row, whose names differ, as one tree.
func joined(key, row any) tree {
	all := map[string]any{}
	for _, part := range []any{key, row} {
		columns, ok := jsonOf(part).value.(map[string]any)
		if !ok {
			return jsonOf(part)
		}
		for name, v := range columns {
			all[name] = v
		}
	}
	return tree{all}
}

// ThenRows projects all that happened, and compares the rows of read models. It needs no When before it; a command
// that failed and that nobody looked at fails the test.
func (s *Scenario[A]) ThenRows(tables ...Table) *Scenario[A] {
	s.t.Helper()
	for _, t := range tables {
		got, err := t.read(s.env.Context)
		if err != nil {
			s.fail(0, fmt.Sprintf("  rows of %s: %v", t.name, err))
			continue
		}
		s.compareRows(&t, got)
	}
	return s
}

// compareRows pairs the rows that are equal, and then each other expectation with the row that is nearest to it.
func (s *Scenario[A]) compareRows(t *Table, got []tree) {
	s.t.Helper()
	left := pair(t.rows, got)
	var others []tree
	for i, w := range left.partner {
		if w < 0 {
			others = append(others, got[i])
		}
	}
	for _, w := range left.unpaired {
		i := w.nearest(others)
		if i < 0 {
			s.fail(w.line, fmt.Sprintf("  rows of %s:\n    want %s\n    got  no more row", t.name, w.text(w.except)))
			continue
		}
		s.fail(w.line, fmt.Sprintf("  row of %s, %s:\n%s", t.name, others[i].text(nil), w.diff(others[i], w.except)))
		others = slices.Delete(others, i, i+1)
	}
	for _, o := range others {
		s.fail(0, fmt.Sprintf("  rows of %s:\n    want no more row\n    got  %s", t.name, o.text(nil)))
	}
}

// pairing says which expectation each row meets, -1 for none, and which expectations no row meets.
type pairing struct {
	partner  []int
	unpaired []wantedRow
}

// pair finds as many pairs as there can be. An expectation that leaves fields out may be met by several rows, so that
// taking the first one is not enough: whoever finds its rows taken makes their owners look for others.
func pair(want []wantedRow, got []tree) pairing {
	p := pairing{partner: slices.Repeat([]int{-1}, len(got))}
	for w := range want {
		tried := make([]bool, len(got))
		if !p.find(want, got, w, tried) {
			p.unpaired = append(p.unpaired, want[w])
		}
	}
	return p
}

func (p *pairing) find(want []wantedRow, got []tree, w int, tried []bool) bool {
	for i := range got {
		if tried[i] || want[w].diff(got[i], want[w].except) != "" {
			continue
		}
		tried[i] = true
		if p.partner[i] < 0 || p.find(want, got, p.partner[i], tried) {
			p.partner[i] = w
			return true
		}
	}
	return false
}

// nearest returns the number of the row with the fewest differences, -1 if there is none.
func (w *wantedRow) nearest(rows []tree) int {
	best, fewest := -1, 0
	for i, r := range rows {
		if n := strings.Count(w.diff(r, w.except), "\n"); best < 0 || n < fewest {
			best, fewest = i, n
		}
	}
	return best
}
