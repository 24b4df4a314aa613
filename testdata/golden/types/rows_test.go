package types

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

func eachSink(t *testing.T, test func(*testing.T, readmodel.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rows.db"))
		require.NoError(t, err)
		defer func() { require.NoError(t, store.Close()) }()
		test(t, store)
	})
}

// sink stores rows of one projection, each batch behind the one before.
type sink[K comparable, R any] struct {
	table readmodel.Table
	codec readmodel.Codec[K, R]
	model *readmodel.Model[K, R]
	at    readmodel.Checkpoint
}

func newSink[K comparable, R any](t *testing.T, store readmodel.Store, codec readmodel.Codec[K, R]) *sink[K, R] {
	table, err := store.Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	return &sink[K, R]{table: table, codec: codec, model: readmodel.NewModel(store, enginememory.New(), codec)}
}

func (s *sink[K, R]) store(t *rapid.T, rows map[K]R) {
	b := readmodel.Batch{From: s.at, To: readmodel.Checkpoint{Position: s.at.Position + 1, Built: true}}
	for k, r := range rows {
		row, err := s.codec.AppendRow(nil, &r)
		require.NoError(t, err)
		b.Changes = append(b.Changes, readmodel.Change{Key: s.codec.AppendKey(nil, &k), Row: row, Position: b.To.Position})
	}
	require.NoError(t, s.table.Apply(t.Context(), &b))
	s.at = b.To
}

func testRows[K comparable, R any](t *testing.T, store readmodel.Store, codec readmodel.Codec[K, R]) {
	s := newSink(t, store, codec)
	rapid.Check(t, func(t *rapid.T) {
		rows := map[K]R{}
		var keys []K
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			k := random[K](t)
			rows[k] = random[R](t)
			keys = append(keys, k)
		}
		s.store(t, rows)
		got, _, err := s.model.GetMany(t.Context(), keys)
		require.NoError(t, err)
		require.Equal(t, rows, got)
	})
	found, _, err := s.model.Find(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, e := range found {
		row, _, err := s.model.Get(t.Context(), e.Key)
		require.NoError(t, err)
		require.Equal(t, e.Row, row)
	}
}

func TestRowsSurviveEverySink(t *testing.T) {
	eachSink(t, func(t *testing.T, store readmodel.Store) {
		t.Run("BoxContents", func(t *testing.T) { testRows(t, store, boxContentsCodec) })
		t.Run("BoxesByEverything", func(t *testing.T) { testRows(t, store, boxesByEverythingCodec) })
		t.Run("BoxesByName", func(t *testing.T) { testRows(t, store, boxesByNameCodec) })
		t.Run("Audit", func(t *testing.T) { testRows(t, store, auditCodec) })
		t.Run("CrateTraffic", func(t *testing.T) { testRows(t, store, crateTrafficCodec) })
		t.Run("ParcelsByPlace", func(t *testing.T) { testRows(t, store, parcelsByPlaceCodec) })
	})
}

func TestFindersFindARowByEachOfItsIndexes(t *testing.T) {
	eachSink(t, func(t *testing.T, store readmodel.Store) {
		s := newSink(t, store, boxContentsCodec)
		m := BoxContentsModel{Kept: &projection.Kept[BoxContentsKey, BoxContentsRow]{Model: s.model}}
		rapid.Check(t, func(rt *rapid.T) {
			k, r, ctx := random[BoxContentsKey](rt), random[BoxContentsRow](rt), t.Context()
			s.store(rt, map[BoxContentsKey]BoxContentsRow{k: r})
			want := readmodel.Entry[BoxContentsKey, BoxContentsRow]{Key: k, Row: r}
			has := func(found []readmodel.Entry[BoxContentsKey, BoxContentsRow], _ readmodel.Freshness, err error) {
				require.NoError(rt, err)
				require.Contains(rt, found, want)
			}
			has(m.ByStringValue(ctx, r.StringValue))
			has(m.ByBoolValueOrderedByInt64Value(ctx, r.BoolValue))
			has(m.ByUint64ValueDateValueOrderedByBox(ctx, r.Uint64Value, r.DateValue))
			has(m.ByTimeValue(ctx, r.TimeValue))
			has(m.ByFloat64ValueOrderedByUUIDValue(ctx, r.Float64Value))
			has(m.ByBytesValue(ctx, r.BytesValue))
			has(m.ByOptStringOrderedByOptTime(ctx, r.OptString))
			has(m.ByColorValueOrderedByCodeValue(ctx, r.ColorValue))
			has(m.ByDurationValue(ctx, r.DurationValue))
			has(m.ByDecimalValueOrderedByOptPrice(ctx, r.DecimalValue))
			has(m.ByOptColor(ctx, r.OptColor))
		})
	})
}

func TestRowsKeepWhatIsAbsent(t *testing.T) {
	eachSink(t, func(t *testing.T, store readmodel.Store) {
		s := newSink(t, store, boxContentsCodec)
		var row BoxContentsRow
		initBoxContentsRow(&row)
		b := readmodel.Batch{To: readmodel.Checkpoint{Position: 1, Built: true}}
		values, err := s.codec.AppendRow(nil, &row)
		require.NoError(t, err)
		key := BoxContentsKey{Box: "box-1"}
		b.Changes = []readmodel.Change{{Key: s.codec.AppendKey(nil, &key), Row: values, Position: 1}}
		require.NoError(t, s.table.Apply(t.Context(), &b))
		got, _, err := s.model.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, row, got)
		require.False(t, got.OptString.Present() || got.OptPrice.Present() || got.OptDays.Present() || got.Everything.Present())
	})
}
