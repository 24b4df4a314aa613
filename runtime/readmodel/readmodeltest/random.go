package readmodeltest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// testMoments lets readers look while one projector writes: each batch gives all rows the number of its step, so that
// any mixture of moments shows. Rows may be ahead of the checkpoint if the sink says so.
func testMoments(t *testing.T, store readmodel.Store, ahead bool) {
	const rows, steps = 20, 60
	schema := balances()
	writer, reader := open(t, store, schema), open(t, store, schema)
	keys := make([][]readmodel.Value, rows)
	for i := range keys {
		keys[i] = key("a", fmt.Sprintf("%03d", i))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				assert.NoError(t, look(reader, keys, n%3+i, ahead))
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := 1; n <= steps; n++ {
		changes := make([]readmodel.Change, rows)
		for i := range changes {
			changes[i] = readmodel.Change{Key: keys[i], Row: row(int64(n))}
		}
		apply(t, writer, n, changes...)
	}
	close(done)
	wg.Wait()
}

// look reads all rows in one of three ways, and compares each with the checkpoint of the same answer.
func look(table readmodel.Table, keys [][]readmodel.Value, way int, ahead bool) error {
	var seen []int64
	var c readmodel.Checkpoint
	var err error
	switch way % 3 {
	case 0:
		c, err = table.Get(context.Background(), keys, func(_ int, row []readmodel.Value, at cqrs.Position) error {
			if int64(at) != row[0].Int64() {
				return fmt.Errorf("row %d says that it is of position %d", row[0].Int64(), at)
			}
			seen = append(seen, row[0].Int64())
			return nil
		})
	case 1:
		c, err = table.Find(context.Background(), readmodel.Find{Index: 0}, func(_, row []readmodel.Value, _ cqrs.Position) error {
			seen = append(seen, row[0].Int64())
			return nil
		})
	default:
		var n int64
		n, c, err = table.Count(context.Background(), readmodel.Find{Index: -1})
		if n == 0 && c.Position > 0 || n > 0 && c.Position == 0 && !ahead {
			return fmt.Errorf("%d rows at position %d", n, c.Position)
		}
		return err
	}
	at := c.Position
	if err == nil && at > 0 && len(seen) != len(keys) {
		return fmt.Errorf("%d rows at position %d", len(seen), at)
	}
	for _, n := range seen {
		if err == nil && (n < int64(at) || n > int64(at) && !ahead) {
			return fmt.Errorf("a row of step %d at position %d", n, at)
		}
	}
	return err
}

func testRandom(t *testing.T, store readmodel.Store) {
	rapid.Check(t, func(t *rapid.T) {
		schema := drawSchema(t)
		table, model := open(t, store, schema), newOracle(schema)
		pool := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []readmodel.Value { return drawAll(t, schema.Key) }), 1, 8).Draw(t, "keys")
		t.Repeat(map[string]func(*rapid.T){
			"apply": func(t *rapid.T) {
				b := drawBatch(t, model, pool)
				require.NoError(t, table.Apply(context.Background(), b))
				model.apply(b)
			},
			"fenced": func(t *rapid.T) {
				b := drawBatch(t, model, pool)
				b.From.Handled++
				require.ErrorIs(t, table.Apply(context.Background(), b), readmodel.ErrFenced)
			},
			"get": func(t *rapid.T) {
				keys := rapid.SliceOf(rapid.SampledFrom(pool)).Draw(t, "wanted")
				rows, at := get(t, table, keys...)
				require.Equal(t, model.checkpoint.Position, at)
				for i, k := range keys {
					want, ok := model.rows[readmodel.KeyText(schema, k)]
					got, found := rows[i]
					require.Equal(t, ok, found)
					if ok {
						require.Equal(t, want, got)
					}
				}
			},
			"find": func(t *rapid.T) {
				f := drawFind(t, model)
				entries, at := findAt(t, table, f)
				require.Equal(t, model.checkpoint, at)
				want := model.find(f)
				require.Len(t, entries, len(want))
				for i := range want {
					require.Equal(t, want[i], entries[i])
				}
				f.After, f.Limit = nil, 0
				require.EqualValues(t, len(model.find(f)), count(t, table, f))
			},
			"": func(t *rapid.T) {
				c, err := table.Checkpoint(context.Background())
				require.NoError(t, err)
				require.Equal(t, model.checkpoint, c)
			},
		})
	})
}

func drawSchema(t *rapid.T) *readmodel.Schema {
	s := readmodel.Schema{Projection: "Random"}
	kinds := rapid.SampledFrom(sortable)
	for i := range rapid.IntRange(1, 3).Draw(t, "key columns") {
		s.Key = append(s.Key, readmodel.Column{Name: fmt.Sprintf("key%d", i), Kind: kinds.Draw(t, "kind")})
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "row columns") {
		s.Row = append(s.Row, readmodel.Column{
			Name: fmt.Sprintf("row%d", i), Kind: kinds.Draw(t, "kind"), Optional: rapid.Bool().Draw(t, "optional"),
		})
	}
	var names []string
	for _, c := range s.Columns() {
		names = append(names, c.Name)
	}
	for range rapid.IntRange(0, 2).Draw(t, "indexes") {
		index := rapid.Permutation(names).Draw(t, "index")
		s.Indexes = append(s.Indexes, index[:rapid.IntRange(1, min(3, len(index))).Draw(t, "width")])
	}
	if len(s.Row) > 0 && rapid.Bool().Draw(t, "json") {
		s.Row = append(s.Row, readmodel.Column{Name: "json", Kind: readmodel.JSON, Optional: true})
	}
	return withFingerprint(s)
}

func drawBatch(t *rapid.T, model *oracle, pool [][]readmodel.Value) *readmodel.Batch {
	b := &readmodel.Batch{From: model.checkpoint, To: model.checkpoint}
	b.To.Position += cqrs.Position(rapid.IntRange(1, 3).Draw(t, "events"))
	b.To.Commit[0]++
	b.To.Handled++
	b.To.Built = b.From.Built || rapid.IntRange(0, 2).Draw(t, "built") == 0
	changed := map[string]bool{}
	for _, key := range rapid.SliceOf(rapid.SampledFrom(pool)).Draw(t, "changed") {
		text := readmodel.KeyText(model.schema, key)
		if changed[text] {
			continue
		}
		changed[text] = true
		c := readmodel.Change{Key: key, Position: b.To.Position}
		if rapid.IntRange(0, 4).Draw(t, "delete") > 0 {
			c.Row = drawAll(t, model.schema.Row)
		}
		b.Changes = append(b.Changes, c)
	}
	return b
}

func drawFind(t *rapid.T, model *oracle) readmodel.Find {
	schema := model.schema
	f := readmodel.Find{
		Index: rapid.IntRange(-1, len(schema.Indexes)-1).Draw(t, "index"),
		Limit: rapid.IntRange(0, 3).Draw(t, "limit"),
	}
	own := len(schema.Key)
	if f.Index >= 0 {
		own = len(schema.Indexes[f.Index])
	} else if rapid.Bool().Draw(t, "order") {
		f.Order = drawOrder(t, schema)
		own = len(f.Order)
	}
	if rapid.Bool().Draw(t, "where") {
		f.Where = drawCondition(t, model, 3)
	}
	order := schema.Order(&f)
	columns := schema.Columns()
	values := make([]readmodel.Value, len(order))
	for i, n := range order {
		values[i] = draw(t, columns[n])
	}
	if existing := model.find(readmodel.Find{Index: -1}); len(existing) > 0 && rapid.Bool().Draw(t, "existing") {
		values = pick(rapid.SampledFrom(existing).Draw(t, "entry"), order)
	}
	equal := rapid.IntRange(0, own).Draw(t, "equal")
	f.Equal = values[:equal]
	if rapid.Bool().Draw(t, "after") {
		f.After = values
		if f.Index >= 0 || len(f.Order) > 0 {
			f.After = values[equal:]
		}
	}
	return f
}

func drawOrder(t *rapid.T, schema *readmodel.Schema) []string {
	var names []string
	for _, c := range schema.Columns() {
		if c.Kind != readmodel.JSON {
			names = append(names, c.Name)
		}
	}
	order := rapid.Permutation(names).Draw(t, "columns")
	return order[:rapid.IntRange(1, len(order)).Draw(t, "width")]
}
