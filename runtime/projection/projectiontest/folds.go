package projectiontest

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	memorylog "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// holding is a row with what a sink may get wrong: numbers beyond int64, decimals, days, a column that may be null.
type holding struct {
	units uint64
	price cqrs.Decimal
	day   cqrs.Date
	note  cqrs.Optional[string]
}

type holdingKey struct {
	owner string
	slot  int64
}

func holdings(n int) readmodel.Codec[holdingKey, holding] {
	return readmodel.Codec[holdingKey, holding]{
		Schema: readmodel.Schema{
			Projection: "Holdings", Fingerprint: fmt.Sprintf("%016x", n),
			Key: []readmodel.Column{{Name: "owner", Kind: readmodel.String}, {Name: "slot", Kind: readmodel.Int64}},
			Row: []readmodel.Column{{Name: "units", Kind: readmodel.Uint64}, {Name: "price", Kind: readmodel.Decimal},
				{Name: "day", Kind: readmodel.Date}, {Name: "note", Kind: readmodel.String, Optional: true}},
			Indexes: [][]string{{"price"}, {"note", "units"}, {"day"}},
		},
		AppendKey: func(v []readmodel.Value, k *holdingKey) []readmodel.Value {
			return append(v, readmodel.OfString(k.owner), readmodel.OfInt64(k.slot))
		},
		AppendRow: func(v []readmodel.Value, r *holding) ([]readmodel.Value, error) {
			return append(v, readmodel.OfUint64(r.units), readmodel.OfDecimal(r.price), readmodel.OfDate(r.day),
				readmodel.OfOptional(r.note, readmodel.OfString)), nil
		},
		ReadKey: func(s *readmodel.Scanner, k *holdingKey) { k.owner, k.slot = s.String(), s.Int64() },
		ReadRow: func(s *readmodel.Scanner, r *holding) {
			r.units, r.price, r.day = s.Uint64(), s.Decimal(), s.Date()
			if !s.Null() {
				r.note = cqrs.Some(s.String())
			}
		},
	}
}

// moved is an event of which each byte is one effect on a row: which one, and what happens to it.
func moved(effects []byte) eventlog.NewEvent {
	return eventlog.NewEvent{Type: "Moved", SchemaVersion: 1, ContentType: cqrs.JSON, Data: effects}
}

func foldHolding(rows *projection.Rows[holdingKey, holding], rec *cqrs.Record) error {
	for i, effect := range rec.Data {
		key := holdingKey{rec.Stream.ID, int64(effect % 5)}
		if effect%7 == 0 {
			rows.Delete(key)
			continue
		}
		row := rows.At(key)
		if row == nil {
			continue
		}
		seed := binary.BigEndian.Uint64(rec.Commit[:8]) ^ uint64(i)*0x9e3779b97f4a7c15
		row.units = row.units*31 + seed
		row.price, _ = cqrs.NewDecimal(int64(row.units>>2)-1<<60, int(effect%19))
		row.day = cqrs.Date{}
		row.note = cqrs.Optional[string]{}
		if effect%3 == 0 {
			row.day = cqrs.Date{Year: int(row.units % 9999), Month: 1 + time.Month(effect%12), Day: 1 + int(effect%28)}
			row.note = cqrs.Some(string(rune('a'+effect%26)) + string(rune(0x100+int(effect))))
		}
	}
	return nil
}

func drawCommit(t *rapid.T, n int) eventlog.Commit {
	c := eventlog.Commit{ID: cqrs.CommitID(uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n, rapid.Uint64().Draw(t, "id"))))}
	c.Meta.Time = time.Unix(1_700_000_000, 0).UTC()
	for _, owner := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"Ada", "ada", "Äda", "b"}), 1, 2, rapid.ID).Draw(t, "owners") {
		var events []eventlog.NewEvent
		for range rapid.IntRange(1, 4).Draw(t, "events") {
			events = append(events, moved(rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "effects")))
		}
		c.Streams = append(c.Streams, eventlog.StreamAppend{
			Stream: cqrs.StreamID{Category: "Owner", ID: owner}, Expected: eventlog.Any, Events: events,
		})
	}
	return c
}

// rowsOf returns all rows, in the order of an index.
func rowsOf(t require.TestingT, store readmodel.Store, schema *readmodel.Schema, index int) (rows []string, at readmodel.Checkpoint) {
	table, err := store.Table(context.Background(), schema)
	require.NoError(t, err)
	at, err = table.Find(context.Background(), readmodel.Find{Index: index}, func(key, row []readmodel.Value, at cqrs.Position) error {
		rows = append(rows, fmt.Sprint(key, row, at))
		return nil
	})
	require.NoError(t, err)
	return rows, at
}

func testFolds(t *testing.T, store readmodel.Store) {
	n, box := 0, soak.Box(t, 4*time.Second, 0)
	defer func() { t.Logf("soak: %d folds", n) }()
	rapid.Check(t, func(t *rapid.T) {
		if !box.Open() {
			return
		}
		n++
		log, inMemory := memorylog.New(), memory.New()
		def := projection.Definition[holdingKey, holding]{
			Name: "Holdings", Events: []string{"Moved"}, Codec: holdings(n),
			OwnKey:  func(k holdingKey, _ bool) holdingKey { return holdingKey{strings.Clone(k.owner), k.slot} },
			NewFold: func(int) func(*projection.Rows[holdingKey, holding], *cqrs.Record) error { return foldHolding },
		}
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			for i := range rapid.IntRange(0, 20).Draw(t, "commits") {
				_, err := log.Append(context.Background(), drawCommit(t, n*1000+i))
				require.NoError(t, err)
			}
			for _, s := range []readmodel.Store{inMemory, store} {
				g := projection.NewGroup(log, projection.WithLogger(slog.New(slog.DiscardHandler)))
				p := projection.New(g, s, def, projection.CacheRows(rapid.IntRange(1, 12).Draw(t, "cache")))
				require.NoError(t, p.CatchUp(context.Background()))
			}
			for index := -1; index < 3; index++ {
				want, from := rowsOf(t, inMemory, &def.Codec.Schema, index)
				got, at := rowsOf(t, store, &def.Codec.Schema, index)
				require.Equal(t, want, got)
				require.Equal(t, from, at)
			}
		}
	})
}
