package readmodel_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

func TestPagesGiveTheRowsOfTheWhole(t *testing.T) {
	model, _, _ := owners(t, 10)
	for _, f := range []readmodel.Find{
		{Index: -1}, {Index: 0}, {Index: -1, Equal: []readmodel.Value{readmodel.OfString("eu")}},
		{Index: -1, Order: []string{"owner", "id"}},
		{Index: -1, Order: []string{"owner"}, Where: readmodel.Compare("id", readmodel.Less, readmodel.OfInt64(7))},
		{Index: 0, Equal: []readmodel.Value{readmodel.OfString("owner-1")}},
	} {
		whole, _, err := model.Find(t.Context(), f)
		require.NoError(t, err)
		require.NotEmpty(t, whole)
		for limit := range len(whole) + 2 {
			var got []readmodel.Entry[account, string]
			page := cqrs.Page{Limit: limit}
			for {
				rows, fresh, err := model.Find(t.Context(), f, cqrs.InPage(&page))
				require.NoError(t, err)
				assert.EqualValues(t, 10, fresh.Position)
				if limit > 0 {
					assert.LessOrEqual(t, len(rows), limit)
				}
				got = append(got, rows...)
				if page.Next == "" {
					break
				}
				page.After = page.Next
			}
			assert.Equal(t, whole, got, "%v in pages of %d", f, limit)
		}
	}
}

func TestAPageContinuesBehindARowThatIsGone(t *testing.T) {
	model, table, _ := owners(t, 4)
	page := cqrs.Page{Limit: 2}
	first, _, err := model.Find(t.Context(), readmodel.Find{Index: -1}, cqrs.InPage(&page))
	require.NoError(t, err)
	require.Len(t, first, 2)
	gone := []readmodel.Value{readmodel.OfString("eu"), readmodel.OfInt64(1)}
	early := []readmodel.Value{readmodel.OfString("eu"), readmodel.OfInt64(-1)}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{
		From: built(10), To: built(11),
		Changes: []readmodel.Change{{Key: gone}, {Key: early, Row: []readmodel.Value{readmodel.OfString("new")}}},
	}))
	page.After = page.Next
	rest, _, err := model.Find(t.Context(), readmodel.Find{Index: -1}, cqrs.InPage(&page))
	require.NoError(t, err)
	assert.Equal(t, []int64{2, 3}, []int64{rest[0].Key.ID, rest[1].Key.ID})
	assert.Empty(t, page.Next)
}

func TestACursorOfAnotherQueryIsRefused(t *testing.T) {
	model, _, _ := owners(t, 4)
	page := cqrs.Page{Limit: 2}
	_, _, err := model.Find(t.Context(), readmodel.Find{Index: 0}, cqrs.InPage(&page))
	require.NoError(t, err)
	own := page.Next
	for name, c := range map[string]struct {
		after cqrs.Cursor
		find  readmodel.Find
	}{
		"another order": {own, readmodel.Find{Index: -1}},
		"no base64":     {"?", readmodel.Find{Index: 0}},
		"cut":           {own[:len(own)-2], readmodel.Find{Index: 0}},
		"too short":     {own[:2], readmodel.Find{Index: 0}},
		"no values":     {own[:5], readmodel.Find{Index: 0}},
	} {
		page := cqrs.Page{Limit: 2, After: c.after, Next: "stale"}
		_, _, err := model.Find(t.Context(), c.find, cqrs.InPage(&page))
		var refused *readmodel.InvalidQueryError
		require.ErrorAs(t, err, &refused, name)
		assert.Contains(t, err.Error(), "is not one of this query", name)
		assert.Empty(t, page.Next, name)
	}
}

func TestNoCursorBreaksAnything(t *testing.T) {
	model, _, _ := owners(t, 4)
	page := cqrs.Page{Limit: 2}
	f := readmodel.Find{Index: 0}
	_, _, err := model.Find(t.Context(), f, cqrs.InPage(&page))
	require.NoError(t, err)
	own, err := base64.RawURLEncoding.DecodeString(string(page.Next))
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		b := append([]byte(nil), own...)
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			b[rapid.IntRange(4, len(b)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(rt, "length")]
		page := cqrs.Page{Limit: 2, After: cqrs.Cursor(base64.RawURLEncoding.EncodeToString(b))}
		rows, _, err := model.Find(t.Context(), f, cqrs.InPage(&page))
		if err == nil && len(rows) > 2 {
			rt.Fatal(fmt.Sprint(rows))
		}
	})
}
