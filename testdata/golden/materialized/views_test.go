package materialized_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	sink "github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	"github.com/cqrsgen/cqrsgen/testdata/golden/materialized"
)

// fixture is a log in PostgreSQL with the same projections twice: computed by the server, and folded into memory.
type fixture struct {
	*postgres.Log
	views, folds *materialized.App
	store        *sink.Store
}

func open(t *testing.T) *fixture {
	t.Helper()
	dsn := testserver.Postgres(t)
	log, err := postgres.Open(t.Context(), dsn, postgres.Migrate())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	store, err := sink.Open(t.Context(), dsn, sink.Materialized("eventlog"), sink.Migrate())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	f := &fixture{Log: log, store: store}
	f.views, err = materialized.New(t.Context(), log, store, materialized.Deciders{})
	require.NoError(t, err)
	t.Cleanup(f.views.Close)
	f.folds, err = materialized.New(t.Context(), log, memory.New(), materialized.Deciders{})
	require.NoError(t, err)
	t.Cleanup(f.folds.Close)
	return f
}

// catchUp brings all read models of an app up to date.
func catchUp(t *testing.T, app *materialized.App) {
	t.Helper()
	for _, p := range app.Projectors() {
		require.NoError(t, p.CatchUp(t.Context()))
	}
}

// append appends events as a service's commands would have.
func (f *fixture) append(t *testing.T, shop string, at time.Time, actor string, events ...cqrs.Event) {
	t.Helper()
	commit := eventlog.Commit{
		ID:      cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta:    cqrs.CommandMeta{Time: at, Actor: actor},
		Streams: []eventlog.StreamAppend{{Stream: cqrs.StreamID{Category: "Shop", ID: shop}, Expected: eventlog.Any}},
	}
	for _, e := range events {
		data, err := e.AppendJSON(nil)
		require.NoError(t, err)
		commit.Streams[0].Events = append(commit.Streams[0].Events, eventlog.NewEvent{
			Type: e.EventType(), SchemaVersion: 1, ContentType: cqrs.JSON, Data: data,
		})
	}
	_, err := f.Append(t.Context(), commit)
	require.NoError(t, err)
}

// world draws events whose values are the ones that are easily wrong.
type world struct{ *rand.Rand }

func pick[T any](w world, values ...T) T { return values[w.IntN(len(values))] }

var tills = []materialized.TillID{
	materialized.TillID(uuid.MustParse("00000000-0000-0000-0000-000000000001")),
	materialized.TillID(uuid.MustParse("ffffffff-ffff-ffff-ffff-ffffffffffff")),
}

func (w world) receipt() materialized.Receipt {
	return materialized.Receipt{
		Till: pick(w, tills...),
		Total: materialized.Money{
			Amount: pick(w, 0, 1, -1, 999, 1000, 1001, -5000, w.Int64N(1<<50), -w.Int64N(1<<50)),
			Tender: pick(w, materialized.TenderCash, materialized.TenderCard),
		},
	}
}

func (w world) note() cqrs.Optional[string] {
	if w.IntN(3) == 0 {
		return cqrs.Optional[string]{}
	}
	return cqrs.Some(pick(w, "", "a", "M", "m", "n", "é", "it's \"so\"", `back\slash`, "\u2028\U0001f600", "`tick`", "null"))
}

func (w world) event() cqrs.Event {
	switch w.IntN(5) {
	case 0:
		return &materialized.Opened{Name: "ignored", At: time.Unix(0, 0).UTC()}
	case 1:
		return &materialized.Refunded{Receipt: w.receipt()}
	}
	sold := &materialized.Sold{Receipt: w.receipt(), Items: int32(w.IntN(100)) - 20, Note: w.note()}
	if w.IntN(2) == 0 {
		sold.Tip = cqrs.Some(w.Int64N(200) - 50)
	}
	return sold
}

func TestAViewHasTheRowsThatTheFoldsHave(t *testing.T) {
	f := open(t)
	w := world{soak.Rand(t)}
	for round := range soak.Rounds(12, 400) {
		for range 1 + w.IntN(30) {
			at := time.UnixMicro(w.Int64N(4e15) - 1e15).UTC()
			events := []cqrs.Event{w.event()}
			for w.IntN(3) == 0 {
				events = append(events, w.event())
			}
			f.append(t, fmt.Sprintf("shop-%d", w.IntN(4)), at, pick(w, "", "ada", "bob/é"), events...)
		}
		catchUp(t, f.views)
		catchUp(t, f.folds)
		assert.Equal(t, rowsOf(t, f.folds.Takings.Model), rowsOf(t, f.views.Takings.Model), "round %d", round)
		assert.Equal(t, rowsOf(t, f.folds.Tills.Model), rowsOf(t, f.views.Tills.Model), "round %d", round)
		if t.Failed() {
			return
		}
	}
}

func rowsOf[K comparable, R any](t *testing.T, m *readmodel.Model[K, R]) map[K]R {
	t.Helper()
	rows := map[K]R{}
	for e, err := range m.All(t.Context()) {
		require.NoError(t, err)
		rows[e.Key] = e.Row
	}
	return rows
}

func TestAViewIsQueriedAsEveryReadModelIs(t *testing.T) {
	f := open(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		f.append(t, fmt.Sprintf("shop-%d", i), noon, "ada", &materialized.Sold{Receipt: materialized.Receipt{
			Total: materialized.Money{Amount: int64(100 - i), Tender: materialized.TenderCash}, Till: tills[0],
		}, Items: 1})
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.views.Run(ctx) }()
	head, err := f.Head(t.Context())
	require.NoError(t, err)

	page := cqrs.Page{Limit: 3}
	entries, fresh, err := f.views.Takings.ByTenderOrderedByHeld(t.Context(), materialized.TenderCash,
		cqrs.AtLeast(head), cqrs.InPage(&page))
	require.NoError(t, err)
	assert.True(t, fresh.Current())
	require.Len(t, entries, 3)
	assert.EqualValues(t, 96, entries[0].Row.Held, "in the order of the index")
	assert.Equal(t, noon, entries[0].Row.LastSale)
	assert.NotEmpty(t, page.Next)

	f.append(t, "shop-0", noon, "ada", &materialized.Refunded{Receipt: materialized.Receipt{
		Total: materialized.Money{Amount: 100, Tender: materialized.TenderCash}, Till: tills[1],
	}})
	head, err = f.Head(t.Context())
	require.NoError(t, err)
	row, _, err := f.views.Takings.Get(t.Context(),
		materialized.TakingsKey{Shop: "shop-0", Tender: materialized.TenderCash}, cqrs.AtLeast(head))
	require.NoError(t, err)
	assert.Zero(t, row.Held, "whoever waits is answered from a view that was refreshed since")
	assert.True(t, row.Refunded)
	stop()
	require.NoError(t, <-done)
}

func TestAViewThatWasRefreshedIsNotBehind(t *testing.T) {
	f := open(t)
	f.append(t, "shop-1", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), "ada", &materialized.Opened{Name: "one"}, &materialized.Sold{
		Receipt: materialized.Receipt{Total: materialized.Money{Amount: 1, Tender: materialized.TenderCash}, Till: tills[0]},
	})
	catchUp(t, f.views)
	for _, s := range f.views.Status() {
		assert.Zero(t, s.Behind, s.Projection)
		assert.Zero(t, s.Lag, s.Projection)
	}
}

func TestASumThatOverflowsStopsTheViewAndLeavesItsRows(t *testing.T) {
	f := open(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sell := func(amount int64) {
		f.append(t, "shop", noon, "", &materialized.Sold{Receipt: materialized.Receipt{
			Total: materialized.Money{Amount: amount, Tender: materialized.TenderCash}, Till: tills[0],
		}})
	}
	sell(math.MaxInt64)
	catchUp(t, f.views)
	before := rowsOf(t, f.views.Takings.Model)
	sell(1)
	for _, p := range f.views.Projectors() {
		if p.Name() == "Takings" {
			require.ErrorContains(t, p.CatchUp(t.Context()), "out of range")
		}
	}
	assert.Equal(t, before, rowsOf(t, f.views.Takings.Model))
}

func TestAnEventOfALaterVersionStopsTheViewUnlessItOnlyAdded(t *testing.T) {
	f := open(t)
	refund := func(version int, encoding cqrs.ContentType) {
		_, err := f.Append(t.Context(), eventlog.Commit{
			ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: time.Unix(0, 0).UTC()},
			Streams: []eventlog.StreamAppend{{
				Stream: cqrs.StreamID{Category: "Shop", ID: "shop"}, Expected: eventlog.Any,
				Events: []eventlog.NewEvent{{Type: "Refunded", SchemaVersion: version, ContentType: encoding, Data: []byte(
					`{"receipt":{"total":{"amount":5,"tender":"cash"},"till":"` + tills[0].String() + `"},"added":1}`)}},
			}},
		})
		require.NoError(t, err)
	}
	refund(2, cqrs.JSONFrom(1))
	catchUp(t, f.views)
	catchUp(t, f.folds)
	assert.Equal(t, rowsOf(t, f.folds.Takings.Model), rowsOf(t, f.views.Takings.Model))
	require.NotEmpty(t, rowsOf(t, f.views.Takings.Model))

	refund(3, cqrs.JSONFrom(2))
	refund(2, cqrs.JSON)
	for _, app := range []*materialized.App{f.views, f.folds} {
		for _, p := range app.Projectors() {
			if p.Name() == "Takings" {
				var newer *cqrs.NewerEventError
				require.ErrorAs(t, p.CatchUp(t.Context()), &newer)
				assert.Equal(t, cqrs.NewerEventError{
					Stream: cqrs.StreamID{Category: "Shop", ID: "shop"}, Version: 2, Position: 2,
					Type: "Refunded", SchemaVersion: 3, ReadableFrom: 2, Known: 1,
				}, *newer)
			}
		}
	}
}

func TestAViewIsNotRefreshedOnceAnEventIsReplacedByOneThatItsQueryDoesNotCount(t *testing.T) {
	f := open(t)
	replace := func(v cqrs.Replacement) {
		data, err := v.AppendJSON(nil)
		require.NoError(t, err)
		_, err = f.Append(t.Context(), eventlog.Commit{
			ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: time.Unix(0, 0).UTC()},
			Streams: []eventlog.StreamAppend{{Stream: v.Stream(), Expected: eventlog.New, Events: []eventlog.NewEvent{
				{Type: cqrs.Replaced, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data},
			}}},
		})
		require.NoError(t, err)
	}
	replace(cqrs.Replacement{Event: "Elsewhere", By: []string{"Nowhere"}})
	catchUp(t, f.views)
	before := rowsOf(t, f.views.Takings.Model)

	replace(cqrs.Replacement{Event: "Refunded", By: []string{"GivenBack"}})
	for _, app := range []*materialized.App{f.views, f.folds} {
		for _, p := range app.Projectors() {
			if p.Name() != "Takings" {
				continue
			}
			var replaced *cqrs.ReplacedEventError
			require.ErrorAs(t, p.CatchUp(t.Context()), &replaced)
			assert.Equal(t, cqrs.ReplacedEventError{
				Position: 2, Type: "Refunded", By: []string{"GivenBack"}, Unknown: []string{"GivenBack"},
			}, *replaced)
			assert.ErrorContains(t, p.Status().Err, "deploy the release that wrote it first")
		}
	}
	assert.Equal(t, before, rowsOf(t, f.views.Takings.Model))
}
