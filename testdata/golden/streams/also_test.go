package streams

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// history returns what was stored behind a position, commit by commit, as "Deposited to b".
func history(t *testing.T, log eventlog.Log, after cqrs.Position) (commits [][]string) {
	t.Helper()
	var last cqrs.CommitID
	for rec, err := range log.Read(t.Context(), eventlog.Query{After: after}) {
		require.NoError(t, err)
		if rec.Commit != last {
			commits, last = append(commits, nil), rec.Commit
		}
		commits[len(commits)-1] = append(commits[len(commits)-1], rec.Type+" to "+rec.Stream.ID)
	}
	return commits
}

// fund makes accounts that hold so much each, and returns the head of the log.
func fund(t *testing.T, app *App, amount int64, ids ...AccountID) (head cqrs.Position) {
	t.Helper()
	for _, id := range ids {
		r, err := app.Account.Deposit(t.Context(), id, Deposit{Amount: amount})
		require.NoError(t, err)
		head = r.Position
	}
	return head
}

func requireBalances(t *testing.T, app *App, want map[AccountID]int64) {
	t.Helper()
	for id, balance := range want {
		state, _, err := app.Account.Load(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, balance, state.Balance, "%s", id)
	}
}

func TestATransferMovesMoneyInOneCommit(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	head := fund(t, app, 100, "a", "b")
	r, err := app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 30})
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(2), r.Version)
	_, err = app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 70})
	require.NoError(t, err)
	assert.Equal(t, [][]string{
		{"Withdrawn to a", "Deposited to b"},
		{"Withdrawn to a", "Emptied to a", "Deposited to b"},
	}, history(t, log, head), "the events of one stream come in the order of emits, the own stream's first")
	requireBalances(t, app, map[AccountID]int64{"a": 0, "b": 200})
	app.Close()
	requireBalances(t, open(t, log), map[AccountID]int64{"a": 0, "b": 200})
}

func TestATransferIsDecidedOnAllStates(t *testing.T) {
	app, ctx := open(t, memory.New()), t.Context()
	fund(t, app, 100, "a", "b")
	_, err := app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 101})
	var short InsufficientFunds
	require.ErrorAs(t, err, &short)
	assert.Equal(t, InsufficientFunds{Available: 100}, short)
	_, err = app.Settings.SetLimit(ctx, SetLimit{Limit: 120})
	require.NoError(t, err)
	_, err = app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 21})
	require.ErrorAs(t, err, new(LimitReached))
	_, err = app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 20})
	require.NoError(t, err)
}

func TestWhatIsWrongWithTheStreamsOfACommandIsSaidByType(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	head := fund(t, app, 100, "a", "b")
	_, err := app.Account.Transfer(ctx, "a", Transfer{To: "a", Amount: 1})
	var same *cqrs.SameStreamError
	require.ErrorAs(t, err, &same)
	assert.Equal(t, cqrs.SameStreamError{Command: "Transfer", Stream: cqrs.StreamID{Category: "Account", ID: "a"}}, *same)
	_, err = app.Account.Transfer(ctx, "a", Transfer{To: "nobody", Amount: 1})
	var missing *cqrs.NotFoundError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, cqrs.StreamID{Category: "Account", ID: "nobody"}, missing.Stream)
	_, err = app.Account.Split(ctx, "a", Split{Into: "b"})
	var exists *cqrs.AlreadyExistsError
	require.ErrorAs(t, err, &exists)
	assert.Equal(t, cqrs.StreamID{Category: "Account", ID: "b"}, exists.Stream)
	_, err = app.Account.Transfer(ctx, "a", Transfer{To: "", Amount: 0})
	var invalid *cqrs.ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Len(t, invalid.Fields, 2)
	_, err = app.Account.Collect(ctx, "a", Collect{From: []string{"b", ""}})
	require.ErrorAs(t, err, &invalid, "an id that is no field of the command is checked as well")
	assert.Equal(t, "also.sources", invalid.Fields[0].Path)
	_, err = app.Account.Collect(ctx, "a", Collect{From: []string{"b", "c", "b"}})
	require.ErrorAs(t, err, &same)
	assert.Empty(t, history(t, log, head))
}

func TestACommandOpensAnotherStream(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	head := fund(t, app, 100, "a")
	_, err := app.Account.Split(ctx, "a", Split{Into: "new"})
	require.NoError(t, err)
	assert.Equal(t, [][]string{{"Withdrawn to a", "Opened to new", "Deposited to new"}}, history(t, log, head))
	_, err = app.Account.Ask(ctx, "a", Ask{Whom: "new", Amount: 7})
	require.NoError(t, err)
	requireBalances(t, app, map[AccountID]int64{"a": 50, "new": 57})
}

func TestEachElementOfAListHasAStream(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	head := fund(t, app, 10, "a", "b", "c")
	_, err := app.Account.Open(ctx, "empty", Open{})
	require.NoError(t, err)
	head++
	r, err := app.Account.Collect(ctx, "all", Collect{From: []string{"c", "empty", "a", "b"}})
	require.NoError(t, err)
	assert.Equal(t, cqrs.Version(3), r.Version)
	assert.Equal(t, [][]string{{
		"Deposited to all", "Deposited to all", "Deposited to all",
		"Withdrawn to c", "Emptied to c", "Withdrawn to a", "Emptied to a", "Withdrawn to b", "Emptied to b",
	}}, history(t, log, head), "streams come in the order of the list")
	_, err = app.Account.Collect(ctx, "all", Collect{From: []string{"a"}})
	var none *cqrs.MissingEventError
	require.ErrorAs(t, err, &none)
	assert.Equal(t, cqrs.MissingEventError{Command: "Collect", Entry: "some Deposited"}, *none)
	_, err = app.Account.Collect(ctx, "all", Collect{})
	require.ErrorAs(t, err, &none, "no element, no stream")
	requireBalances(t, app, map[AccountID]int64{"all": 30, "a": 0, "b": 0, "c": 0})
}

func TestOneOfSeveralEventsHappens(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	head := fund(t, app, 10, "a", "b")
	for _, amount := range []int64{5, -3, -12} {
		_, err := app.Account.Settle(ctx, "a", Settle{Amount: amount})
		require.NoError(t, err)
	}
	_, err := app.Account.Settle(ctx, "a", Settle{Amount: -1})
	var none *cqrs.MissingEventError
	require.ErrorAs(t, err, &none)
	assert.Equal(t, cqrs.MissingEventError{Command: "Settle", Entry: "Deposited or Withdrawn or Emptied"}, *none)
	for _, amount := range []int64{4, -2} {
		_, err := app.Account.SettleWith(ctx, "a", SettleWith{With: "b", Amount: amount})
		require.NoError(t, err)
	}
	assert.Equal(t, [][]string{
		{"Deposited to a"}, {"Withdrawn to a"}, {"Emptied to a"},
		{"Deposited to a", "Withdrawn to b"}, {"Withdrawn to a", "Deposited to b"},
	}, history(t, log, head))
}

func skus(n int) (lines []Line) {
	for i := range n {
		lines = append(lines, Line{Sku: SKU(fmt.Sprintf("sku-%d", i)), Quantity: 1 + i%3})
	}
	return lines
}

func TestACheckoutReservesManyStockItemsOrNone(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	lines := skus(500)
	for _, line := range lines {
		_, err := app.Stock.Receive(ctx, line.Sku, Receive{Quantity: 3})
		require.NoError(t, err)
	}
	id := CartID(uuid.New())
	lines[250].Quantity = 4
	_, err := app.Cart.Checkout(ctx, id, Checkout{Lines: lines})
	var out OutOfStock
	require.ErrorAs(t, err, &out)
	assert.Equal(t, OutOfStock{Sku: "sku-250"}, out)
	lines[250].Quantity = 1
	_, err = app.Cart.Checkout(ctx, id, Checkout{Lines: lines}, cqrs.WithCommandID("1"))
	require.NoError(t, err)
	again, err := app.Cart.Checkout(ctx, id, Checkout{Lines: lines}, cqrs.WithCommandID("1"))
	require.NoError(t, err)
	assert.True(t, again.Repeated)
	_, err = app.Cart.Checkout(ctx, id, Checkout{Lines: lines})
	require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
	restarted := open(t, log)
	for _, line := range lines {
		state, version, err := restarted.Stock.Load(ctx, line.Sku)
		require.NoError(t, err)
		assert.Equal(t, StockState{Free: 3 - line.Quantity}, state)
		assert.Equal(t, cqrs.Version(2), version)
	}
}

func TestAnIDOfSeveralPartsIsMadeOfTheElement(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	lines := skus(3)
	for _, line := range lines {
		_, err := app.Stock.Receive(ctx, line.Sku, Receive{Quantity: 9})
		require.NoError(t, err)
	}
	room := AllotmentID{Hotel: "ritz", RoomType: RoomTypeDouble, Night: night, Floor: 2}
	head, err := app.Allotment.Allot(ctx, room, Allot{Rooms: 1})
	require.NoError(t, err)
	lines[1].Room = cqrs.Some(room)
	_, err = app.Cart.Checkout(ctx, CartID{1}, Checkout{Lines: lines, Nights: []cqrs.Date{night.AddDays(1)}})
	var stray *cqrs.NotLoadedError
	require.ErrorAs(t, err, &stray)
	assert.Equal(t, cqrs.NotLoadedError{Command: "Checkout", Event: "Taken", ID: room.String()}, *stray)
	assert.Empty(t, history(t, log, head.Position))
	nights := []cqrs.Date{night, night.AddDays(1)}
	_, err = app.Cart.Checkout(ctx, CartID{1}, Checkout{Lines: lines, Nights: nights})
	require.NoError(t, err)
	assert.Equal(t, [][]string{{
		"Ordered to " + CartID{1}.String(), "Reserved to sku-0", "Reserved to sku-1", "Reserved to sku-2",
		"Taken to " + room.String(),
	}}, history(t, log, head.Position))
	state, _, err := app.Allotment.Load(ctx, room)
	require.NoError(t, err)
	assert.Equal(t, 0, state.Free)
}

func TestARepeatedTransferHappensOnce(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	fund(t, app, 100, "a", "b", "c")
	first, err := app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 60}, cqrs.WithCommandID("t-1"))
	require.NoError(t, err)
	app.Close()
	for _, app := range []*App{app, open(t, log)} {
		again, err := app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 60}, cqrs.WithCommandID("t-1"))
		require.NoError(t, err)
		first.Repeated = true
		assert.Equal(t, first, again)
		_, err = app.Account.Transfer(ctx, "a", Transfer{To: "c", Amount: 60}, cqrs.WithCommandID("t-1"))
		require.ErrorAs(t, err, new(*cqrs.CommandReusedError))
		requireBalances(t, app, map[AccountID]int64{"a": 40, "b": 160, "c": 100})
	}
}

// TestOppositeTransfersKeepTheSum moves money in all directions at once, by two processes.
func TestOppositeTransfersKeepTheSum(t *testing.T) {
	log := memory.New()
	apps, ctx := []*App{open(t, log), open(t, log)}, t.Context()
	ids := []AccountID{"a", "b", "c", "d"}
	fund(t, apps[0], 100, ids...)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for i := range 8 {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for range 50 {
				from := random.IntN(len(ids))
				to := (from + 1 + random.IntN(len(ids)-1)) % len(ids)
				_, err := apps[i%2].Account.Transfer(ctx, ids[from], Transfer{To: ids[to], Amount: 1 + random.Int64N(80)})
				if !assert.True(t, err == nil || errors.As(err, new(InsufficientFunds)), "%v", err) {
					return
				}
			}
		})
	}
	wg.Wait()
	sum := int64(0)
	for _, id := range ids {
		state, _, err := open(t, log).Account.Load(ctx, id)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, state.Balance, int64(0))
		sum += state.Balance
		requireBalances(t, apps[0], map[AccountID]int64{id: state.Balance})
	}
	assert.Equal(t, int64(400), sum)
}

func TestAnEventTakesWhatItSaysFromTheStateOfItsOwnStream(t *testing.T) {
	log := memory.New()
	app, ctx := open(t, log), t.Context()
	fund(t, app, 10, "a", "b")
	head := fund(t, app, 20, "b")
	for _, err := range []error{
		second(app.Account.Transfer(ctx, "a", Transfer{To: "b", Amount: 1})),
		second(app.Account.Settle(ctx, "a", Settle{Amount: -1})),
		second(app.Account.SettleWith(ctx, "a", SettleWith{With: "b", Amount: 1})),
		second(app.Account.Collect(ctx, "c", Collect{From: []string{"b", "a"}})),
	} {
		require.NoError(t, err)
	}
	var before []string
	for rec, err := range log.Read(ctx, eventlog.Query{After: head, Types: []string{"Withdrawn"}}) {
		require.NoError(t, err)
		var e Withdrawn
		require.NoError(t, e.DecodeJSON(rec.Data, jsoncodec.CopyStrings))
		before = append(before, fmt.Sprintf("%s had %d", rec.Stream.ID, e.Before))
	}
	assert.Equal(t, []string{"a had 10", "a had 9", "b had 31", "b had 30", "a had 9"}, before)
}

func second(_ cqrs.Receipt, err error) error { return err }
