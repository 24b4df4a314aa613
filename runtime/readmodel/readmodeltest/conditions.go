package readmodeltest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var comparisons = []readmodel.Op{
	readmodel.Equal, readmodel.NotEqual, readmodel.Less, readmodel.LessOrEqual, readmodel.Greater, readmodel.GreaterOrEqual,
}

// meets says of an entry whether it meets a condition, in the plainest way.
func (o *oracle) meets(e entry, c *readmodel.Condition) bool {
	all := append(slices.Clone(e.Key), e.Row...)
	at := func(name string) readmodel.Value {
		return all[slices.IndexFunc(o.schema.Columns(), func(c readmodel.Column) bool { return c.Name == name })]
	}
	met := func(part readmodel.Condition) bool { return o.meets(e, &part) }
	switch c.Op {
	case readmodel.Always, readmodel.Never:
		return c.Op == readmodel.Always
	case readmodel.And:
		return !slices.ContainsFunc(c.Parts, func(part readmodel.Condition) bool { return !met(part) })
	case readmodel.Or:
		return slices.ContainsFunc(c.Parts, met)
	case readmodel.Not:
		return !met(c.Parts[0])
	case readmodel.In:
		return slices.ContainsFunc(c.Values, func(v readmodel.Value) bool { return compare(at(c.Column), v) == 0 })
	}
	other := readmodel.Value{}
	if c.Other != "" {
		other = at(c.Other)
	} else {
		other = c.Values[0]
	}
	return holds(c.Op, compare(at(c.Column), other))
}

func holds(op readmodel.Op, order int) bool {
	return map[readmodel.Op]bool{
		readmodel.Equal: order == 0, readmodel.NotEqual: order != 0, readmodel.Less: order < 0,
		readmodel.LessOrEqual: order <= 0, readmodel.Greater: order > 0, readmodel.GreaterOrEqual: order >= 0,
	}[op]
}

func testConditions(t *testing.T, store readmodel.Store) {
	for _, kind := range sortable {
		table := open(t, store, withFingerprint(readmodel.Schema{
			Projection: "Conditions",
			Key:        []readmodel.Column{{Name: "id", Kind: readmodel.Int64}},
			Row:        []readmodel.Column{{Name: "plain", Kind: kind}, {Name: "maybe", Kind: kind, Optional: true}},
			Indexes:    [][]string{{"plain"}},
		}))
		values := extremes(kind)
		var rows []entry
		for i, v := range values {
			maybe := values[(i+1)%len(values)]
			if i%3 == 0 {
				maybe = readmodel.Value{}
			}
			rows = append(rows, entry{
				Key: []readmodel.Value{readmodel.OfInt64(int64(i))}, Row: []readmodel.Value{v, maybe},
			})
		}
		fill(t, table, rows)
		check := func(c readmodel.Condition, want func(row []readmodel.Value) bool) {
			t.Helper()
			var selected []entry
			for _, e := range rows {
				if want(e.Row) {
					selected = append(selected, e)
				}
			}
			f := readmodel.Find{Index: -1, Where: c}
			got, _ := find(t, table, f)
			assert.Equal(t, selected, got, "%s: %v", kind, c)
			assert.EqualValues(t, len(selected), count(t, table, f), "%s: %v", kind, c)
		}
		for _, op := range comparisons {
			for _, v := range values {
				check(readmodel.Compare("plain", op, v), func(row []readmodel.Value) bool { return holds(op, compare(row[0], v)) })
			}
		}
		for _, v := range append(values, readmodel.Value{}) {
			for _, op := range comparisons[:2] {
				check(readmodel.Compare("maybe", op, v), func(row []readmodel.Value) bool { return holds(op, compare(row[1], v)) })
			}
			check(readmodel.None(readmodel.OneOf("maybe", []readmodel.Value{v})),
				func(row []readmodel.Value) bool { return compare(row[1], v) != 0 })
		}
		check(readmodel.CompareColumns("plain", readmodel.NotEqual, "maybe"),
			func(row []readmodel.Value) bool { return compare(row[0], row[1]) != 0 })
		check(readmodel.CompareColumns("plain", readmodel.LessOrEqual, "plain"), func([]readmodel.Value) bool { return true })
		check(readmodel.OneOf("plain", nil), func([]readmodel.Value) bool { return false })
		check(readmodel.OneOf("plain", values), func([]readmodel.Value) bool { return true })
	}
}

func testInvalidConditions(t *testing.T, store readmodel.Store) {
	schema := balances()
	schema.Row = append(schema.Row, readmodel.Column{Name: "note", Kind: readmodel.String, Optional: true},
		readmodel.Column{Name: "tags", Kind: readmodel.JSON})
	table := open(t, store, schema)
	text, num := readmodel.OfString("a"), readmodel.OfInt64(1)
	for name, c := range map[string]readmodel.Condition{
		"no such column":            readmodel.Compare("owner", readmodel.Equal, text),
		"no such other column":      readmodel.CompareColumns("note", readmodel.Equal, "owner"),
		"another kind":              readmodel.Compare("balance", readmodel.Equal, text),
		"another kind of column":    readmodel.CompareColumns("balance", readmodel.Equal, "note"),
		"null where there is none":  readmodel.Compare("balance", readmodel.Equal, readmodel.Value{}),
		"what can't be":             readmodel.Compare("account", readmodel.Equal, readmodel.OfString("\x00")),
		"json":                      readmodel.Compare("tags", readmodel.Equal, readmodel.OfJSON([]byte("[]"))),
		"an optional by order":      readmodel.Compare("note", readmodel.Less, text),
		"by order to an optional":   readmodel.CompareColumns("account", readmodel.Less, "note"),
		"two values":                {Op: readmodel.Equal, Column: "balance", Values: []readmodel.Value{num, num}},
		"no value":                  {Op: readmodel.Equal, Column: "balance"},
		"a column and a value":      {Op: readmodel.Equal, Column: "balance", Other: "balance", Values: []readmodel.Value{num}},
		"too many values":           readmodel.OneOf("balance", slices.Repeat([]readmodel.Value{num}, readmodel.MostValues+1)),
		"an unknown operation":      {Op: 200, Column: "balance"},
		"a negation of two":         {Op: readmodel.Not, Parts: make([]readmodel.Condition, 2)},
		"something wrong far below": readmodel.None(readmodel.Any(readmodel.All(readmodel.Compare("owner", readmodel.Equal, text)))),
	} {
		f := readmodel.Find{Index: -1, Where: c}
		_, err := table.Find(t.Context(), f, nil)
		assert.Error(t, err, name)
		_, _, err = table.Count(t.Context(), f)
		assert.Error(t, err, name)
	}
	for name, f := range map[string]readmodel.Find{
		"the order of an unknown column": {Index: -1, Order: []string{"owner"}},
		"the order of a json column":     {Index: -1, Order: []string{"tags"}},
		"an order with a column twice":   {Index: -1, Order: []string{"balance", "balance"}},
		"an order beside an index":       {Index: 0, Order: []string{"balance"}},
	} {
		_, err := table.Find(t.Context(), f, nil)
		assert.Error(t, err, name)
	}
}

// testFilteredPages lets rows come and go between the pages of one query.
func testFilteredPages(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	var changes []readmodel.Change
	for i := range 30 {
		changes = append(changes, readmodel.Change{Key: key(string(rune('A'+i)), "EUR"), Row: row(int64(i * 10 % 70))})
	}
	apply(t, table, 1, changes...)
	f := readmodel.Find{Index: -1, Order: []string{"balance"}, Limit: 4, Where: readmodel.Compare("balance", readmodel.NotEqual, readmodel.OfInt64(30))}
	whole, _ := find(t, table, readmodel.Find{Index: -1, Order: f.Order, Where: f.Where})
	var got []entry
	for n := 2; ; n++ {
		page, _ := find(t, table, f)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		last := page[len(page)-1]
		f.After = append(clone(last.Row), last.Key...)
		// One row comes before the place, and the last one that was seen goes.
		apply(t, table, n, readmodel.Change{Key: key("early", string(rune('a'+n))), Row: row(-1)},
			readmodel.Change{Key: last.Key})
	}
	assert.Equal(t, whole, got)
}

func drawCondition(t *rapid.T, model *oracle, depth int) readmodel.Condition {
	columns := slices.DeleteFunc(model.schema.Columns(), func(c readmodel.Column) bool { return c.Kind == readmodel.JSON })
	kind := rapid.IntRange(0, 7).Draw(t, "condition")
	if depth == 0 {
		kind = max(kind, 4)
	}
	switch kind {
	case 0, 1, 2:
		var parts []readmodel.Condition
		for range rapid.IntRange(0, 3).Draw(t, "parts") {
			parts = append(parts, drawCondition(t, model, depth-1))
		}
		return []readmodel.Condition{readmodel.All(parts...), readmodel.Any(parts...), {}}[kind]
	case 3:
		return readmodel.None(drawCondition(t, model, depth-1))
	case 4:
		return readmodel.Truth(rapid.Bool().Draw(t, "truth"))
	}
	c := rapid.SampledFrom(columns).Draw(t, "column")
	ops := comparisons
	if c.Optional {
		ops = comparisons[:2]
	}
	op := rapid.SampledFrom(ops).Draw(t, "op")
	switch {
	case kind == 5:
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) readmodel.Value { return draw(t, c) }), 0, 5).Draw(t, "values")
		return readmodel.OneOf(c.Name, values)
	case kind == 6:
		o := rapid.SampledFrom(columns).Draw(t, "other")
		if o.Kind == c.Kind && (op <= readmodel.NotEqual || !o.Optional) {
			return readmodel.CompareColumns(c.Name, op, o.Name)
		}
	}
	return readmodel.Compare(c.Name, op, draw(t, c))
}
