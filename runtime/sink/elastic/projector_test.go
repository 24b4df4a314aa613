package elastic

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	memorylog "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// holding is a row with what a sink may get wrong: numbers beyond int64, decimals, a column that may be null.
type holding struct {
	units uint64
	price cqrs.Decimal
	note  cqrs.Optional[string]
}

type holdingKey struct {
	owner string
	slot  int64
}

var holdings = readmodel.Codec[holdingKey, holding]{
	Schema: readmodel.Schema{
		Projection: "Holdings", Fingerprint: "00000000000000bb",
		Key: []readmodel.Column{{Name: "owner", Kind: readmodel.String}, {Name: "slot", Kind: readmodel.Int64}},
		Row: []readmodel.Column{{Name: "units", Kind: readmodel.Uint64}, {Name: "price", Kind: readmodel.Decimal},
			{Name: "note", Kind: readmodel.String, Optional: true, Search: readmodel.SearchText}},
		Indexes: [][]string{{"price"}, {"note", "units"}},
	},
	AppendKey: func(v []readmodel.Value, k *holdingKey) []readmodel.Value {
		return append(v, readmodel.OfString(k.owner), readmodel.OfInt64(k.slot))
	},
	AppendRow: func(v []readmodel.Value, r *holding) ([]readmodel.Value, error) {
		return append(v, readmodel.OfUint64(r.units), readmodel.OfDecimal(r.price), readmodel.OfOptional(r.note, readmodel.OfString)), nil
	},
	ReadKey: func(s *readmodel.Scanner, k *holdingKey) { k.owner, k.slot = s.String(), s.Int64() },
	ReadRow: func(s *readmodel.Scanner, r *holding) {
		r.units, r.price = s.Uint64(), s.Decimal()
		if !s.Null() {
			r.note = cqrs.Some(s.String())
		}
	},
}

// foldHolding takes each byte of an event as an effect on a row: which one, and what happens to it.
func foldHolding(rows *projection.Rows[holdingKey, holding], rec *cqrs.Record) error {
	for _, effect := range rec.Data {
		key := holdingKey{rec.Stream.ID, int64(effect % 5)}
		if effect%7 == 0 {
			rows.Delete(key)
			continue
		}
		row := rows.At(key)
		if row == nil {
			continue
		}
		// Whatever is folded twice, or into an older row, shows.
		row.units = row.units*31 + uint64(rec.Position) + uint64(effect)
		row.price, _ = cqrs.NewDecimal(int64(row.units>>2)-1<<60, int(effect%19))
		row.note = cqrs.Optional[string]{}
		if effect%3 == 0 {
			row.note = cqrs.Some(string(rune('a'+effect%26)) + string(rune(0x100+int(effect))))
		}
	}
	return nil
}

func appendMoves(t *testing.T, log eventlog.Log, rand *rand.Rand) {
	for range rand.IntN(20) {
		var events []eventlog.NewEvent
		for range 1 + rand.IntN(4) {
			effects := make([]byte, 1+rand.IntN(4))
			for i := range effects {
				effects[i] = byte(rand.IntN(256))
			}
			events = append(events, eventlog.NewEvent{Type: "Moved", SchemaVersion: 1, ContentType: cqrs.JSON, Data: effects})
		}
		_, err := log.Append(t.Context(), eventlog.Commit{
			ID: cqrs.CommitID(uuid.New()), Meta: cqrs.CommandMeta{Time: time.Unix(1_700_000_000, 0).UTC()},
			Streams: []eventlog.StreamAppend{{
				Stream:   cqrs.StreamID{Category: "Owner", ID: []string{"Ada", "ada", "Äda", "b/c"}[rand.IntN(4)]},
				Expected: eventlog.Any, Events: events,
			}},
		})
		require.NoError(t, err)
	}
}

func holdingsIn(t *testing.T, store readmodel.Store, index int) (rows []string, at readmodel.Checkpoint) {
	t.Helper()
	table, err := store.Table(t.Context(), &holdings.Schema)
	require.NoError(t, err)
	at, err = table.Find(t.Context(), readmodel.Find{Index: index}, func(key, row []readmodel.Value, at cqrs.Position) error {
		rows = append(rows, fmt.Sprint(key, row, at))
		return nil
	})
	require.NoError(t, err)
	return rows, at
}

// TestRandomFoldsGiveTheRowsOfMemoryThroughAllFaults lets projectors run, again and again, while a fifth of all requests
// meets a fault. Their caches are so small that rows are written and read back all the time.
func TestRandomFoldsGiveTheRowsOfMemoryThroughAllFaults(t *testing.T) {
	t.Parallel()
	proxy := testserver.NewElasticsearchProxy(t, testserver.Elasticsearch(t))
	store, inMemory, log := open(t, proxy.URL), memory.New(), memorylog.New()
	def := projection.Definition[holdingKey, holding]{
		Name: "Holdings", Events: []string{"Moved"}, Codec: holdings,
		OwnKey:  func(k holdingKey, _ bool) holdingKey { return holdingKey{strings.Clone(k.owner), k.slot} },
		NewFold: func(int) func(*projection.Rows[holdingKey, holding], *cqrs.Record) error { return foldHolding },
	}
	var mu sync.Mutex
	rand, draws, faults := soak.Rand(t), soak.Rand(t), 0
	rounds := soak.Rounds(25, 1000)
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		appendMoves(t, log, rand)
		proxy.Inject(func(*http.Request) testserver.Fault {
			mu.Lock()
			defer mu.Unlock()
			if draws.IntN(5) > 0 {
				return testserver.NoFault
			}
			faults++
			return testserver.Fault(1 + draws.IntN(int(testserver.PartialBulk)))
		})
		for _, s := range []readmodel.Store{inMemory, store} {
			g := projection.NewGroup(log, projection.WithLogger(slog.New(slog.DiscardHandler)))
			p := projection.New(g, s, def, projection.CacheRows(1+rand.IntN(12)))
			require.NoError(t, p.CatchUp(context.WithoutCancel(t.Context())))
		}
		proxy.Inject(nil)
		for index := -1; index < 2; index++ {
			want, from := holdingsIn(t, inMemory, index)
			got, at := holdingsIn(t, store, index)
			require.Equal(t, want, got)
			assert.Equal(t, from, at)
		}
	}
	soak.Logf(t, "%d rounds with %d faults", rounds, faults)
}
