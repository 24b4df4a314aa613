package readmodeltest

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func testFidelity(t *testing.T, store readmodel.Store) {
	for _, kind := range append(sortable, readmodel.JSON) {
		schema := readmodel.Schema{
			Projection: "Fidelity",
			Key:        []readmodel.Column{{Name: "key", Kind: kind}},
			Row:        []readmodel.Column{{Name: "plain", Kind: kind}, {Name: "maybe", Kind: kind, Optional: true}},
		}
		if kind == readmodel.JSON {
			schema.Key[0].Kind = readmodel.Int64
		}
		table := open(t, store, withFingerprint(schema))
		var changes []readmodel.Change
		var keys [][]readmodel.Value
		for i, v := range extremes(kind) {
			k := v
			if kind == readmodel.JSON {
				k = readmodel.OfInt64(int64(i))
			}
			keys = append(keys, []readmodel.Value{k})
			changes = append(changes, readmodel.Change{Key: keys[i], Row: []readmodel.Value{v, v}})
		}
		apply(t, table, 1, changes...)
		rows, _ := get(t, table, keys...)
		require.Len(t, rows, len(keys), kind)
		entries, _ := find(t, table, readmodel.Find{Index: -1})
		require.Len(t, entries, len(keys), kind)
		for i, v := range extremes(kind) {
			assert.Equal(t, []readmodel.Value{v, v}, rows[i].Row, kind)
			assert.Equal(t, entry{Key: keys[i], Row: []readmodel.Value{v, v}}, entries[i], kind)
		}
	}
}

func testNull(t *testing.T, store readmodel.Store) {
	for _, kind := range append(sortable, readmodel.JSON) {
		table := open(t, store, withFingerprint(readmodel.Schema{
			Projection: "Nulls",
			Key:        []readmodel.Column{{Name: "id", Kind: readmodel.Int64}},
			Row:        []readmodel.Column{{Name: "maybe", Kind: kind, Optional: true}},
		}))
		first := extremes(kind)[0]
		apply(t, table, 1,
			readmodel.Change{Key: []readmodel.Value{readmodel.OfInt64(1)}, Row: []readmodel.Value{{}}},
			readmodel.Change{Key: []readmodel.Value{readmodel.OfInt64(2)}, Row: []readmodel.Value{first}})
		entries, _ := find(t, table, readmodel.Find{Index: -1})
		require.Len(t, entries, 2)
		assert.Equal(t, []readmodel.Value{{}}, entries[0].Row, kind)
		assert.Equal(t, []readmodel.Value{first}, entries[1].Row, kind)
	}
}

// byKind is a schema with one optional row column, and one index, of a kind.
func byKind(kind readmodel.Kind) *readmodel.Schema {
	return withFingerprint(readmodel.Schema{
		Projection: "Sorted",
		Key:        []readmodel.Column{{Name: "id", Kind: readmodel.Int64}, {Name: "part", Kind: readmodel.String}},
		Row:        []readmodel.Column{{Name: "maybe", Kind: kind, Optional: true}},
		Indexes:    [][]string{{"maybe"}, {"part", "maybe"}},
	})
}

// sortedRows has two rows for null and two for each extreme, in the order of the index.
func sortedRows(kind readmodel.Kind) (entries []entry) {
	values := append([]readmodel.Value{{}}, extremes(kind)...)
	for i, v := range values {
		for part := range 2 {
			// Ids go down while values go up, so that the order of the keys is another one.
			id := int64(2*(len(values)-i) + part)
			entries = append(entries, entry{
				Key: []readmodel.Value{readmodel.OfInt64(id), readmodel.OfString("x")},
				Row: []readmodel.Value{v},
			})
		}
	}
	return entries
}

func fill(t *testing.T, table readmodel.Table, entries []entry) {
	var changes []readmodel.Change
	for i := range entries {
		e := entries[(i+len(entries)/2)%len(entries)]
		changes = append(changes, readmodel.Change{Key: e.Key, Row: e.Row})
	}
	apply(t, table, 1, changes...)
}

func testOrder(t *testing.T, store readmodel.Store) {
	for _, kind := range sortable {
		table, want := open(t, store, byKind(kind)), sortedRows(kind)
		fill(t, table, want)
		got, _ := find(t, table, readmodel.Find{Index: 0})
		assert.Equal(t, want, got, kind)
		got, _ = find(t, table, readmodel.Find{Index: 1, Equal: want[0].Key[1:]})
		assert.Equal(t, want, got, kind)
		for i := 0; i < len(want); i += 2 {
			equal := readmodel.Find{Index: 0, Equal: want[i].Row}
			got, _ = find(t, table, equal)
			assert.Equal(t, want[i:i+2], got, "%s: equal to %s", kind, want[i].Row[0])
			assert.EqualValues(t, 2, count(t, table, equal), kind)
		}
	}
}

func testPages(t *testing.T, store readmodel.Store) {
	for _, kind := range sortable {
		table, want := open(t, store, byKind(kind)), sortedRows(kind)
		fill(t, table, want)
		for _, limit := range []int{1, 2, 3, len(want), len(want) + 1} {
			for index, equal := range [][]readmodel.Value{nil, want[0].Key[1:]} {
				f := readmodel.Find{Index: index, Equal: equal, Limit: limit}
				var got []entry
				for page, _ := find(t, table, f); len(page) > 0; page, _ = find(t, table, f) {
					assert.LessOrEqual(t, len(page), limit)
					got = append(got, page...)
					last := page[len(page)-1]
					f.After = append(clone(last.Row), last.Key...)
				}
				assert.Equal(t, want, got, "%s, pages of %d by index %d", kind, limit, index)
			}
		}
	}
}

func testRefusals(t *testing.T, store readmodel.Store) {
	schema := balances()
	schema.Row = []readmodel.Column{
		{Name: "text", Kind: readmodel.String, Optional: true}, {Name: "float", Kind: readmodel.Float64, Optional: true},
		{Name: "time", Kind: readmodel.Time, Optional: true}, {Name: "date", Kind: readmodel.Date, Optional: true},
		{Name: "json", Kind: readmodel.JSON, Optional: true}, {Name: "number", Kind: readmodel.Int64},
	}
	schema.Indexes = nil
	table := open(t, store, schema)
	good := []readmodel.Value{{}, {}, {}, {}, {}, readmodel.OfInt64(1)}
	for name, v := range map[string]struct {
		column int
		value  readmodel.Value
	}{
		"a NUL in a text":         {0, readmodel.OfString("a\x00b")},
		"a text that is no UTF-8": {0, readmodel.OfString("\xff")},
		"not a number":            {1, readmodel.OfFloat64(math.NaN())},
		"infinity":                {1, readmodel.OfFloat64(math.Inf(-1))},
		"a time before year 1":    {2, readmodel.OfTime(time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC))},
		"a time after year 9999":  {2, readmodel.OfTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))},
		"a date before year 0":    {3, readmodel.OfDate(cqrs.Date{Year: -1, Month: 12, Day: 31})},
		"a date after year 9999":  {3, readmodel.OfDate(cqrs.Date{Year: 10000, Month: 1, Day: 1})},
		"a JSON that is no UTF-8": {4, readmodel.OfJSON([]byte{'"', 0xff, '"'})},
		"another kind":            {0, readmodel.OfInt64(1)},
		"null":                    {5, readmodel.Value{}},
	} {
		bad := clone(good)
		bad[v.column] = v.value
		b := readmodel.Batch{To: checkpoint(1), Changes: []readmodel.Change{
			{Key: key("a", "EUR"), Row: good, Position: 1}, {Key: key("b", "EUR"), Row: bad, Position: 1}}}
		var refused *readmodel.InvalidValueError
		if assert.ErrorAs(t, table.Apply(t.Context(), &b), &refused, name) {
			assert.Equal(t, schema.Row[v.column].Name, refused.Column, name)
		}
	}
	for name, c := range map[string]readmodel.Change{
		"a short key": {Key: key("a", "EUR")[:1]}, "a long key": {Key: append(key("a", "EUR"), good[5])}, "a short row": {Key: key("a", "EUR"), Row: good[:5]},
	} {
		b := readmodel.Batch{To: checkpoint(1), Changes: []readmodel.Change{c}}
		var refused *readmodel.InvalidQueryError
		assert.ErrorAs(t, table.Apply(t.Context(), &b), &refused, name)
	}
	assert.Zero(t, count(t, table, readmodel.Find{Index: -1}))
	apply(t, table, 1, readmodel.Change{Key: key("a", "EUR"), Row: good})
	var refused *readmodel.InvalidQueryError
	assert.ErrorAs(t, table.Apply(t.Context(), &readmodel.Batch{From: checkpoint(1)}), &refused, "a checkpoint never goes back")
}

func testInvalidQueries(t *testing.T, store readmodel.Store) {
	table := open(t, store, balances())
	text, num := readmodel.OfString("a"), readmodel.OfInt64(1)
	type values = []readmodel.Value
	for name, f := range map[string]readmodel.Find{
		"no such index":           {Index: 2},
		"no such index below":     {Index: -2},
		"too much fixed":          {Index: 0, Equal: values{text, text}},
		"too much fixed by key":   {Index: -1, Equal: values{text, text, text}},
		"fixed by another kind":   {Index: 1, Equal: values{num}},
		"behind too little":       {Index: 1, After: values{text, num, text}},
		"behind too much":         {Index: 1, Equal: values{text}, After: values{text, num, text, text}},
		"behind part of a key":    {Index: -1, Equal: values{text}, After: values{text}},
		"behind another kind":     {Index: -1, After: values{text, num}},
		"behind a null in a key":  {Index: -1, After: values{text, {}}},
		"fixed by null in a key":  {Index: -1, Equal: values{{}}},
		"fixed by what can't be":  {Index: -1, Equal: values{readmodel.OfString("\x00")}},
		"a kind that is no kind ": {Index: 1, Equal: values{text, text}},
	} {
		_, err := table.Find(t.Context(), f, nil)
		assert.Error(t, err, name)
		if len(f.After) == 0 {
			_, _, err = table.Count(t.Context(), f)
			assert.Error(t, err, name)
		}
	}
	for name, k := range map[string]values{"short": {text}, "long": {text, text, text}, "another kind": {text, num}, "null": {text, {}}} {
		_, err := table.Get(t.Context(), [][]readmodel.Value{key("a", "EUR"), k}, func(int, values, cqrs.Position) error { return nil })
		assert.Error(t, err, "a key that is %s", name)
	}
	_, err := store.Table(t.Context(), &readmodel.Schema{Projection: "x; DROP", Fingerprint: "0123456789abcdef"})
	var refused *readmodel.SchemaError
	assert.ErrorAs(t, err, &refused)
}
