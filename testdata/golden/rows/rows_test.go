package rows

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// service is the app over one log and one sink, which survive its restarts.
type service struct {
	*App
	t    *testing.T
	log  *enginememory.Log
	rows readmodel.Store
}

func eachSink(t *testing.T, test func(*service)) {
	t.Run("memory", func(t *testing.T) {
		test(&service{t: t, log: enginememory.New(), rows: memory.New()})
	})
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rows.db"))
		require.NoError(t, err)
		defer func() { require.NoError(t, store.Close()) }()
		test(&service{t: t, log: enginememory.New(), rows: store})
	})
}

// restart makes the app anew, so that no row is in its memory.
func (s *service) restart() {
	app, err := New(s.t.Context(), s.log, s.rows, Deciders{}, Projections{})
	require.NoError(s.t, err)
	s.App = app
}

func (s *service) catchUp() {
	for _, p := range s.Projectors() {
		require.NoError(s.t, p.CatchUp(s.t.Context()))
	}
}

func (s *service) done(_ cqrs.Receipt, err error) { require.NoError(s.t, err) }

func order(n byte) OrderID { return OrderID(uuid.UUID{15: n}) }

func rowsOf[K comparable, R any](t *testing.T, m *readmodel.Model[K, R]) map[K]R {
	rows := map[K]R{}
	for e, err := range m.All(t.Context()) {
		require.NoError(t, err)
		rows[e.Key] = e.Row
	}
	return rows
}

func day(n int) cqrs.Date { return cqrs.Date{Year: 2026, Month: time.March, Day: n} }

func TestAnEventChangesManyRowsAndDeletesSome(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		ctx := s.t.Context()
		s.done(s.Order.PlaceOrder(ctx, order(1), PlaceOrder{
			Customer: "ada", Lines: []Line{{Sku: "pen", Quantity: 2}, {Sku: "ink", Quantity: 1}, {Sku: "pen", Quantity: 3}},
			Tags: cqrs.SetOf("Red", "BLUE"), Prices: map[SKU]int64{"pen": 150, "ink": 900, "gift": 0},
		}, cqrs.WithActor("bob")))
		s.done(s.Booking.CountItem(ctx, "x", CountItem{Sku: "ink", Count: 40}))
		s.catchUp()
		assert.Equal(s.t, map[DemandKey]DemandRow{
			{Sku: "pen"}: {Ordered: 5, Orders: 2}, {Sku: "ink"}: {Ordered: 1, Orders: 1, Counted: 40},
		}, rowsOf(s.t, s.Demand.Model))
		assert.Equal(s.t, map[PricesKey]PricesRow{
			{Sku: "pen"}: {Price: 150, Order: order(1)}, {Sku: "ink"}: {Price: 900, Order: order(1)},
			{Sku: "red"}: {Tags: 1}, {Sku: "blue"}: {Tags: 1},
		}, rowsOf(s.t, s.Prices.Model), "a where that is false makes no row")
		open := rowsOf(s.t, s.OpenOrders.Model)[OpenOrdersKey{Order: order(1)}]
		assert.Equal(s.t, "ada", open.Customer)
		assert.Equal(s.t, "bob", open.By)
		assert.Equal(s.t, PhaseOpen, open.Phase)
		assert.EqualValues(s.t, 3, open.Lines)
		assert.Equal(s.t, cqrs.SetOf("Red", "BLUE"), open.Tags)
		assert.False(s.t, open.Placed.IsZero())

		s.restart()
		s.done(s.Order.MoveOrder(ctx, order(1), MoveOrder{From: "Rome", To: "OSLO", Weight: 0}))
		s.done(s.Order.ShipOrder(ctx, order(1), ShipOrder{
			Customer: "ada", Lines: []Line{{Sku: "pen", Quantity: 5}, {Sku: "ink", Quantity: 1}, {Sku: "pen", Quantity: 0 + 1}},
		}))
		s.done(s.Booking.CountItem(ctx, "x", CountItem{Sku: "ink", Count: 41}))
		s.catchUp()
		assert.Empty(s.t, rowsOf(s.t, s.OpenOrders.Model))
		assert.Equal(s.t, map[DemandKey]DemandRow{{Sku: "ink"}: {Orders: 1, Counted: 41, Before: 40}}, rowsOf(s.t, s.Demand.Model),
			"the second fold sees what the first one did; all values of a set see the row as it was")

		s.done(s.Order.PlaceOrder(ctx, order(1+1), PlaceOrder{Lines: []Line{{Sku: "pen", Quantity: 7}}}))
		s.catchUp()
		assert.Equal(s.t, DemandRow{Ordered: 7, Orders: 1}, rowsOf(s.t, s.Demand.Model)[DemandKey{Sku: "pen"}],
			"a row that was deleted starts anew")
	})
}

func TestFoldsOfOneEventSeeEachOther(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		s.done(s.Order.PlaceOrder(s.t.Context(), order(1), PlaceOrder{}))
		s.done(s.Order.MoveOrder(s.t.Context(), order(1), MoveOrder{From: "Rome", To: "ROME", Weight: 51}))
		s.done(s.Order.MoveOrder(s.t.Context(), order(1), MoveOrder{From: "Rome", To: "Oslo", Weight: 100}))
		s.catchUp()
		assert.Equal(s.t, map[WeightsKey]WeightsRow{
			{Place: "rome"}: {Out: 151, In: 51, Heavy: true}, {Place: "oslo"}: {In: 100},
		}, rowsOf(s.t, s.Weights.Model))
	})
}

func TestDaysAreRowsEach(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		ctx := s.t.Context()
		s.done(s.Booking.BookRoom(ctx, "a", BookRoom{Guest: "ada", From: day(1), To: day(4)}))
		s.done(s.Booking.BookRoom(ctx, "b", BookRoom{Guest: "bob", From: day(3), To: day(5)}))
		s.catchUp()
		s.restart()
		s.done(s.Booking.DropBooking(ctx, "a", DropBooking{From: day(1), To: day(4)}))
		s.catchUp()
		assert.Equal(s.t, map[NightsKey]NightsRow{
			{Night: day(3)}: {Guests: 1, Last: "bob", Names: []string{"ada", "bob"}}, {Night: day(4)}: {Guests: 1, Last: "bob", Names: []string{"bob"}},
		}, rowsOf(s.t, s.Nights.Model))
	})
}

func TestKeysFromGo(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		ctx := s.t.Context()
		s.done(s.Order.PlaceOrder(ctx, order(1), PlaceOrder{}))
		s.done(s.Order.CancelOrder(ctx, order(1), CancelOrder{Reason: "too late too dear"}))
		s.catchUp()
		s.restart()
		s.done(s.Order.ShipOrder(ctx, order(1), ShipOrder{Customer: "late nobody"}))
		s.catchUp()
		assert.Equal(s.t, map[WordsKey]WordsRow{
			{Word: "too"}:  {Count: 2, Last: "too: too late too dear"},
			{Word: "late"}: {Count: 2, Last: "late: too late too dear"},
			{Word: "dear"}: {Count: 1, Last: "dear: too late too dear"},
		}, rowsOf(s.t, s.Words.Model))
	})
}

func TestRowsOfOneEventShareNothing(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		ctx := s.t.Context()
		lines := []Line{{Sku: "pen", Quantity: 2, Note: cqrs.Some("blue")}, {Sku: "ink", Quantity: 1}}
		s.done(s.Order.PlaceOrder(ctx, order(1), PlaceOrder{Customer: "Ada", Lines: lines}))
		s.done(s.Order.PlaceOrder(ctx, order(2), PlaceOrder{Customer: "Bob", Lines: lines}))
		s.done(s.Order.ShipOrder(ctx, order(1), ShipOrder{Customer: "Ada", Lines: lines[:1]}))
		s.catchUp()
		shipped := []Line{{Sku: "pen", Note: cqrs.Some("blue")}, lines[1]}
		assert.Equal(s.t, map[ShelvesKey]ShelvesRow{
			{Sku: "pen"}: {Lines: shipped, Notes: map[string]Line{"Bob": {Sku: "pen", Quantity: 2}}, Seen: cqrs.SetOf("bob")},
			{Sku: "ink"}: {
				Lines: lines, Notes: map[string]Line{"Ada": {Sku: "ink", Quantity: 1}, "Bob": {Sku: "ink", Quantity: 1}}, Seen: cqrs.SetOf("ada", "bob"),
			},
		}, rowsOf(s.t, s.Shelves.Model))
	})
}

func TestIdsOfSeveralPartsAndStreamsWithoutOne(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		ctx := s.t.Context()
		s.done(s.Room.CleanRoom(ctx, RoomID{Hotel: "ritz", Number: 7}, CleanRoom{Found: []string{"key"}}, cqrs.WithActor("ada")))
		s.done(s.Room.CleanRoom(ctx, RoomID{Hotel: "ritz", Number: 8}, CleanRoom{}, cqrs.WithActor("bob")))
		s.done(s.House.CloseHouse(ctx, CloseHouse{}))
		s.catchUp()
		assert.Equal(s.t, HotelsRow{}, rowsOf(s.t, s.Hotels.Model)[HotelsKey{"all"}], "a set of nothing makes the row")
		s.restart()
		s.done(s.House.CloseHouse(ctx, CloseHouse{Reason: cqrs.Some("winter")}))
		s.done(s.House.CloseHouse(ctx, CloseHouse{Reason: cqrs.Some("spring")}))
		s.done(s.Room.CleanRoom(ctx, RoomID{Hotel: "ritz", Number: 7}, CleanRoom{Found: []string{"hat"}}, cqrs.WithActor("eve")))
		s.catchUp()
		assert.Equal(s.t, map[HotelsKey]HotelsRow{
			{"all"}: {Closed: cqrs.Some("winter")},
			{"ritz"}: {
				Rooms: []RoomID{{"ritz", 7}, {"ritz", 8}, {"ritz", 7}}, Hotel2: "ritz", Last: 7, Found: []string{"key", "hat"}, By: "eve",
			},
		}, rowsOf(s.t, s.Hotels.Model))
	})
}

func TestARowThatIsMadeBecauseOfWhatANewOneSaysIsChangedToo(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		s.done(s.House.CloseHouse(s.t.Context(), CloseHouse{Reason: cqrs.Some("winter")}))
		s.catchUp()
		assert.Equal(s.t, HotelsRow{Closed: cqrs.Some("winter")}, rowsOf(s.t, s.Hotels.Model)[HotelsKey{"all"}])
	})
}

func TestANumberThatDoesNotFitStopsTheProjectionAtItsEventAndRow(t *testing.T) {
	eachSink(t, func(s *service) {
		s.restart()
		ctx := s.t.Context()
		s.done(s.Order.PlaceOrder(ctx, order(1), PlaceOrder{}))
		s.done(s.Order.MoveOrder(ctx, order(1), MoveOrder{From: "rome", To: "oslo", Weight: math.MaxInt64}))
		require.NoError(s.t, s.Weights.Projector().CatchUp(ctx))
		receipt, err := s.Order.MoveOrder(ctx, order(1), MoveOrder{From: "oslo", To: "oslo", Weight: 1})
		require.NoError(s.t, err)
		err = s.Weights.Projector().CatchUp(ctx)
		var failed *projection.FoldError
		require.ErrorAs(s.t, err, &failed)
		assert.Equal(s.t, receipt.Position, failed.Position)
		assert.Equal(s.t, "place=oslo", failed.Key)
		assert.ErrorIs(s.t, err, checked.ErrOverflow)
		var overflow *checked.Error
		require.ErrorAs(s.t, err, &overflow)
		assert.Equal(s.t, "in", overflow.Field)
		assert.EqualValues(s.t, math.MaxInt64, rowsOf(s.t, s.Weights.Model)[WeightsKey{Place: "oslo"}].In, "what came before is stored")
	})
}

// demand is the loop that a person would write.
type demand map[DemandKey]DemandRow

func (d demand) place(lines []Line) {
	for _, l := range lines {
		r := d[DemandKey{l.Sku}]
		r.Ordered, r.Orders = r.Ordered+l.Quantity, r.Orders+1
		d[DemandKey{l.Sku}] = r
	}
}

func (d demand) ship(lines []Line) {
	for _, l := range lines {
		r := d[DemandKey{l.Sku}]
		r.Ordered -= l.Quantity
		d[DemandKey{l.Sku}] = r
	}
	for _, l := range lines {
		if r := d[DemandKey{l.Sku}]; r.Ordered <= 0 && r.Counted == 0 {
			delete(d, DemandKey{l.Sku})
		}
	}
}

func (d demand) count(sku SKU, n int64) {
	r := d[DemandKey{sku}]
	r.Counted, r.Before = n, r.Counted
	d[DemandKey{sku}] = r
}

func TestAnyHistoryEndsInTheSimpleLoop(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text, ok := os.LookupEnv("CQRSGEN_SEED"); ok {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("CQRSGEN_SEED=%d", seed)
	eachSink(t, func(s *service) {
		r := rand.New(rand.NewPCG(seed, 0))
		want := demand{}
		s.restart()
		s.done(s.Order.PlaceOrder(s.t.Context(), order(1), PlaceOrder{}))
		for range 300 {
			s.anyCommand(r, want)
			if r.IntN(10) == 0 {
				s.catchUp()
				s.restart()
			}
			if r.IntN(40) == 0 {
				s.catchUp()
				require.Equal(s.t, map[DemandKey]DemandRow(want), rowsOf(s.t, s.Demand.Model))
			}
		}
		s.catchUp()
		require.Equal(s.t, map[DemandKey]DemandRow(want), rowsOf(s.t, s.Demand.Model))
	})
}

func (s *service) anyCommand(r *rand.Rand, want demand) {
	ctx := context.WithoutCancel(s.t.Context())
	lines := make([]Line, r.IntN(5))
	for i := range lines {
		lines[i] = Line{Sku: SKU(fmt.Sprint("item-", r.IntN(6))), Quantity: 1 + r.Int64N(4)}
	}
	switch r.IntN(3) {
	case 0:
		s.done(s.Order.PlaceOrder(ctx, OrderID(uuid.New()), PlaceOrder{Lines: lines}))
		want.place(lines)
	case 1:
		s.done(s.Order.ShipOrder(ctx, order(1), ShipOrder{Lines: lines}))
		want.ship(lines)
	default:
		sku := SKU(fmt.Sprint("item-", r.IntN(6)))
		n := r.Int64N(2)
		s.done(s.Booking.CountItem(ctx, "x", CountItem{Sku: sku, Count: n}))
		want.count(sku, n)
	}
}
