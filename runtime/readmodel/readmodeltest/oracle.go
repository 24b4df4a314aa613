package readmodeltest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// entry is one row with its key, in the order of the schema's columns.
type entry struct {
	Key, Row []readmodel.Value
	At       cqrs.Position
}

// oracle is the plainest table that can be: what every sink has to agree with.
type oracle struct {
	schema     *readmodel.Schema
	checkpoint readmodel.Checkpoint
	rows       map[string]entry
}

func newOracle(s *readmodel.Schema) *oracle { return &oracle{schema: s, rows: map[string]entry{}} }

func (o *oracle) apply(b *readmodel.Batch) {
	o.checkpoint = b.To
	for _, c := range b.Changes {
		key := readmodel.KeyText(o.schema, c.Key)
		if c.Row == nil {
			delete(o.rows, key)
		} else {
			o.rows[key] = entry{c.Key, c.Row, c.Position}
		}
	}
}

func (o *oracle) find(f readmodel.Find) []entry {
	order := o.schema.Order(&f)
	var selected []entry
	for _, e := range o.rows {
		values := pick(e, order)
		if compareAll(values[:len(f.Equal)], f.Equal) != 0 {
			continue
		}
		if f.Index >= 0 || len(f.Order) > 0 {
			values = values[len(f.Equal):]
		}
		if !o.meets(e, &f.Where) {
			continue
		}
		if len(f.After) == 0 || compareAll(values, f.After) > 0 {
			selected = append(selected, e)
		}
	}
	slices.SortFunc(selected, func(a, b entry) int { return compareAll(pick(a, order), pick(b, order)) })
	if f.Limit > 0 && len(selected) > f.Limit {
		selected = selected[:f.Limit]
	}
	return selected
}

// pick returns an entry's values in the order of a find.
func pick(e entry, order []int) []readmodel.Value {
	all := append(slices.Clone(e.Key), e.Row...)
	values := make([]readmodel.Value, len(order))
	for i, n := range order {
		values[i] = all[n]
	}
	return values
}

func compareAll(a, b []readmodel.Value) int { return slices.CompareFunc(a, b, compare) }

// compare says how two values of one column sort.
func compare(a, b readmodel.Value) int {
	if a.Kind() == readmodel.Null || b.Kind() == readmodel.Null {
		return cmp.Compare(min(a.Kind(), 1), min(b.Kind(), 1))
	}
	switch a.Kind() {
	case readmodel.Bool:
		return cmp.Compare(number(a.Bool()), number(b.Bool()))
	case readmodel.Int64:
		return cmp.Compare(a.Int64(), b.Int64())
	case readmodel.Uint64:
		return cmp.Compare(a.Uint64(), b.Uint64())
	case readmodel.Float64:
		return cmp.Compare(a.Float64(), b.Float64())
	case readmodel.Time:
		return a.Time().Compare(b.Time())
	case readmodel.Duration:
		return cmp.Compare(a.Duration(), b.Duration())
	case readmodel.Decimal:
		return a.Decimal().Cmp(b.Decimal())
	case readmodel.Date:
		return a.Date().Compare(b.Date())
	}
	return strings.Compare(a.Text(), b.Text())
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
