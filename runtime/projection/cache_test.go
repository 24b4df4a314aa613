package projection

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// drawRecord returns a record of one of a few streams, of one category or two, with or without its stream's number.
func drawRecord(t *rapid.T, categories int) *cqrs.Record {
	rec := &cqrs.Record{}
	id, category := rapid.IntRange(0, 5).Draw(t, "stream"), rapid.IntRange(0, categories-1).Draw(t, "category")
	rec.Stream = cqrs.StreamID{Category: fmt.Sprint("Category", category), ID: fmt.Sprint("id", id)}
	if rapid.IntRange(0, 9).Draw(t, "numbered") > 0 {
		rec.StreamNumber = uint32(1 + 2*id + category)
	}
	return rec
}

// TestRowsAreFoundByNumberAsByKey does random things to a cache, and the same to a map.
func TestRowsAreFoundByNumberAsByKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c cache[balanceKey, balance]
		c.reset(true)
		want := map[balanceKey]*entry[balanceKey, balance]{}
		categories := rapid.IntRange(1, 2).Draw(t, "categories")
		rows := rapid.IntRange(1, 3*maxHanging).Draw(t, "rows of a stream")
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			rec := drawRecord(t, categories)
			key := balanceKey{rec.Stream.ID, fmt.Sprint(rapid.IntRange(0, rows).Draw(t, "row"))}
			e := c.find(rec, key)
			require.True(t, want[key] == e, "%v of %v", key, rec)
			switch rapid.IntRange(0, 40).Draw(t, "step") {
			case 0:
				c.reset(true)
				clear(want)
			case 1, 2, 3, 4:
				if e != nil {
					c.remove(e)
					delete(want, key)
				}
			default:
				if e == nil {
					e = &entry[balanceKey, balance]{key: key}
					c.add(rec, e)
					want[key] = e
				}
			}
			require.Equal(t, len(want), c.rows)
		}
	})
}

// TestGatheredRowsAreTheSame folds random records into rows that are gathered in between, and counts what was folded.
func TestGatheredRowsAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		def := definition(&folds{})
		def.ByStream = true
		r := Rows[balanceKey, balance]{def: &def}
		r.reset(true)
		want, dirty := map[balanceKey]int64{}, map[balanceKey]bool{}
		categories, rows := rapid.IntRange(1, 2).Draw(t, "categories"), rapid.IntRange(1, 2*maxHanging).Draw(t, "rows")
		for i := range rapid.IntRange(0, 300).Draw(t, "steps") {
			rec := drawRecord(t, categories)
			rec.Position = cqrs.Position(i + 1)
			key := balanceKey{rec.Stream.ID, fmt.Sprint(rapid.IntRange(0, rows).Draw(t, "row"))}
			r.record = rec
			r.At(key).Movements++
			want[key]++
			dirty[key] = true
			switch rapid.IntRange(0, 20).Draw(t, "then") {
			case 0:
				r.wrote()
				clear(dirty)
			case 1, 2, 3:
				r.gather()
			}
		}
		for _, e := range r.dirty {
			require.True(t, e.dirty && dirty[e.key], "%v", e.key)
			delete(dirty, e.key)
		}
		require.Empty(t, dirty, "every changed row is stored")
		r.cache.index()
		require.Len(t, r.cache.byKey, len(want))
		for key, e := range r.cache.byKey {
			require.Equal(t, want[key], e.row.Movements, "%v", key)
		}
	})
}
