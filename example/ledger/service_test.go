package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// The servers that the tests share end with the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("os/exec.(*Cmd).Wait"))
}

// service is the whole ledger, with its projections running.
type service struct {
	*ledger.App
	log  engine
	stop func()
}

// engine is what every engine is.
type engine interface {
	aggregate.Store
	Close() error
}

// place is where a service is kept: its read models in a folder, its log wherever open opens it.
type place struct {
	dir  string
	open func(ctx context.Context) (engine, error)
}

// onEachEngine runs a test with the log on each of the engines.
func onEachEngine(t *testing.T, test func(t *testing.T, at place)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, onFiles(t.TempDir()))
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := testserver.Postgres(t)
		test(t, place{t.TempDir(), func(ctx context.Context) (engine, error) {
			return postgres.Open(ctx, dsn, postgres.Migrate())
		}})
	})
	t.Run("jetstream", func(t *testing.T) {
		url := testserver.NATS(t)
		test(t, place{t.TempDir(), func(ctx context.Context) (engine, error) {
			return jetstream.Open(ctx, url, jetstream.Migrate())
		}})
	})
}

// onFiles keeps the log in the folder as well.
func onFiles(dir string) place {
	return place{dir, func(ctx context.Context) (engine, error) { return embedded.Open(ctx, dir) }}
}

// start opens the service at a place. It stops at the end of the test, or before.
func start(t *testing.T, at place, opts ...aggregate.Option) *service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, err := at.open(ctx)
	require.NoError(t, err)
	rows, err := sqlite.Open(ctx, filepath.Join(at.dir, "readmodels.db"))
	require.NoError(t, err)
	app, err := ledger.New(ctx, log, rows, ledger.Deciders{}, ledger.Projections{}, opts...)
	require.NoError(t, err)
	running := make(chan error, 1)
	go func() { running <- app.Run(ctx) }()
	s := &service{App: app, log: log, stop: sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-running)
		app.Close()
		assert.NoError(t, rows.Close())
		assert.NoError(t, log.Close())
	})}
	t.Cleanup(s.stop)
	return s
}

// timeout bounds what a test waits for.
func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func money(amount int64, c ledger.Currency) ledger.Money {
	return ledger.Money{Amount: amount, Currency: c}
}

func (s *service) open(t *testing.T, id ledger.AccountID) cqrs.Receipt {
	t.Helper()
	r, err := s.Account.OpenAccount(t.Context(), id, ledger.OpenAccount{Owner: "Ada"})
	require.NoError(t, err)
	return r
}

func (s *service) deposit(t *testing.T, id ledger.AccountID, m ledger.Money, opts ...cqrs.CommandOption) cqrs.Receipt {
	t.Helper()
	r, err := s.Account.Deposit(t.Context(), id, ledger.Deposit{Money: m}, opts...)
	assert.NoError(t, err) // which may be in a goroutine of the test
	return r
}

// rows are both read models, as they are once they reflect a position.
type rows struct {
	balances map[ledger.BalanceByCurrencyKey]ledger.BalanceByCurrencyRow
	totals   map[ledger.CurrencyTotalsKey]ledger.CurrencyTotalsRow
}

func newRows() rows {
	return rows{
		map[ledger.BalanceByCurrencyKey]ledger.BalanceByCurrencyRow{}, map[ledger.CurrencyTotalsKey]ledger.CurrencyTotalsRow{},
	}
}

func (s *service) rows(t *testing.T, at cqrs.Position) rows {
	t.Helper()
	r := newRows()
	for e, err := range s.BalanceByCurrency.All(timeout(t), cqrs.AtLeast(at)) {
		require.NoError(t, err)
		r.balances[e.Key] = e.Row
	}
	for e, err := range s.CurrencyTotals.All(timeout(t), cqrs.AtLeast(at)) {
		require.NoError(t, err)
		r.totals[e.Key] = e.Row
	}
	return r
}

// folded computes both read models from the log, in the way of someone who does not know projections.
func folded(t *testing.T, log eventlog.Log) (r rows, head cqrs.Position) {
	r = newRows()
	for rec, err := range log.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		head = rec.Position
		var m ledger.Money
		sign := int64(1)
		switch rec.Type {
		case "MoneyDeposited":
			var e ledger.MoneyDeposited
			require.NoError(t, e.DecodeJSON(rec.Data, jsoncodec.CopyStrings))
			m = e.Money
		case "MoneyWithdrawn":
			var e ledger.MoneyWithdrawn
			require.NoError(t, e.DecodeJSON(rec.Data, jsoncodec.CopyStrings))
			m, sign = e.Money, -1
		default:
			continue
		}
		key := ledger.BalanceByCurrencyKey{Account: ledger.AccountID(rec.Stream.ID), Currency: m.Currency}
		b, c := r.balances[key], r.totals[ledger.CurrencyTotalsKey{Currency: m.Currency}]
		b.Balance, b.Movements, b.LastMovement = b.Balance+sign*m.Amount, b.Movements+1, rec.Time
		c.Held, c.Movements = c.Held+sign*m.Amount, c.Movements+1
		if sign > 0 {
			c.Deposited += m.Amount
		} else {
			c.Withdrawn += m.Amount
		}
		r.balances[key], r.totals[ledger.CurrencyTotalsKey{Currency: m.Currency}] = b, c
	}
	return r, head
}

func TestAnAccountGoesThroughItsLife(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		ctx := timeout(t)
		opened := s.open(t, "acc-1")
		assert.Equal(t, cqrs.Version(1), opened.Version)
		assert.Equal(t, cqrs.Version(2), s.deposit(t, "acc-1", eur(500)).Version)
		r, err := s.Account.Withdraw(ctx, "acc-1", ledger.Withdraw{Money: eur(200), Reference: cqrs.Some("rent")})
		require.NoError(t, err)
		assert.Equal(t, cqrs.Version(3), r.Version)
		assert.Greater(t, r.Position, opened.Position)

		state, v, err := s.Account.Load(ctx, "acc-1")
		require.NoError(t, err)
		assert.Equal(t, cqrs.Version(3), v)
		want := ledger.AccountState{Owner: "Ada", Open: true, Balances: map[ledger.Currency]int64{ledger.CurrencyEUR: 300}}
		assert.Equal(t, want, state)
		state, _, err = s.Account.Load(ctx, "acc-1", aggregate.AtVersion(2))
		require.NoError(t, err)
		assert.Equal(t, int64(500), state.Balances[ledger.CurrencyEUR])

		row, fresh, err := s.BalanceByCurrency.Get(ctx,
			ledger.BalanceByCurrencyKey{Account: "acc-1", Currency: ledger.CurrencyEUR}, cqrs.AtLeast(r.Position))
		require.NoError(t, err)
		assert.Equal(t, ledger.BalanceByCurrencyRow{Balance: 300, Movements: 2, LastMovement: r.Time}, row)
		assert.True(t, fresh.Current())
		assert.GreaterOrEqual(t, fresh.Position, r.Position)
		_, _, err = s.BalanceByCurrency.Get(ctx, ledger.BalanceByCurrencyKey{Account: "acc-1", Currency: ledger.CurrencyUSD})
		require.ErrorIs(t, err, readmodel.ErrNoRow)
	})
}

func TestAnOverdraftIsRejectedWithItsValues(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		s.open(t, "acc-1")
		s.deposit(t, "acc-1", eur(500))
		_, err := s.Account.Withdraw(t.Context(), "acc-1", ledger.Withdraw{Money: eur(501)})
		var insufficient ledger.InsufficientFunds
		require.ErrorAs(t, err, &insufficient)
		assert.Equal(t, ledger.InsufficientFunds{Available: 500, Requested: eur(501)}, insufficient)
		var rejection cqrs.Rejection
		require.ErrorAs(t, err, &rejection)
		assert.Equal(t, "InsufficientFunds", rejection.RejectionType())

		_, err = s.Account.Deposit(t.Context(), "acc-2", ledger.Deposit{Money: eur(1)})
		require.ErrorAs(t, err, new(*cqrs.NotFoundError))
		_, err = s.Account.OpenAccount(t.Context(), "acc-1", ledger.OpenAccount{Owner: "Bob"})
		require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
		_, _, err = s.Account.Load(t.Context(), "acc-2")
		require.ErrorAs(t, err, new(*cqrs.NotFoundError))
		n, err := s.log.Count(t.Context())
		require.NoError(t, err)
		assert.Equal(t, int64(2), n, "nothing of all that was stored")
	})
}

func TestAValidationErrorLeadsToEveryFieldAtFault(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		s.open(t, "acc-1")
		long := make([]byte, 201)
		for i := range long {
			long[i] = 'x'
		}
		deposit := func(id ledger.AccountID, c ledger.Deposit) func(context.Context) error {
			return func(ctx context.Context) error { _, err := s.Account.Deposit(ctx, id, c); return err }
		}
		open := func(id ledger.AccountID, owner string) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := s.Account.OpenAccount(ctx, id, ledger.OpenAccount{Owner: owner})
				return err
			}
		}
		german, nul := ledger.Deposit{Money: money(1, "DEM")}, ledger.Deposit{Money: eur(1), Reference: cqrs.Some("\x00")}
		for _, c := range []struct {
			name    string
			execute func(context.Context) error
			command string
			paths   []string
		}{
			{"no amount", deposit("acc-1", ledger.Deposit{Money: eur(0)}), "Deposit", []string{"money.amount"}},
			{"a negative amount", deposit("acc-1", ledger.Deposit{Money: eur(-1)}), "Deposit", []string{"money.amount"}},
			{"an unknown currency", deposit("acc-1", german), "Deposit", []string{"money.currency"}},
			{"nothing at all", deposit("acc-1", ledger.Deposit{}), "Deposit", []string{"money.amount", "money.currency"}},
			{"a NUL", deposit("acc-1", nul), "Deposit", []string{"reference"}},
			{"another pattern", deposit("Acc 1", ledger.Deposit{Money: eur(1)}), "Deposit", []string{"id"}},
			{"a line break behind", deposit("acc-1\n", ledger.Deposit{Money: eur(1)}), "Deposit", []string{"id"}},
			{"an id and a field", deposit("", ledger.Deposit{Money: eur(0)}), "Deposit", []string{"id", "money.amount"}},
			{"too short", open("acc-2", ""), "OpenAccount", []string{"owner"}},
			{"too long", open("acc-2", string(long)), "OpenAccount", []string{"owner"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				var invalid *cqrs.ValidationError
				require.ErrorAs(t, c.execute(t.Context()), &invalid)
				assert.Equal(t, c.command, invalid.Command)
				var paths []string
				for _, f := range invalid.Fields {
					paths = append(paths, f.Path)
					assert.NotEmpty(t, f.Message)
				}
				assert.Equal(t, c.paths, paths)
			})
		}
		require.NoError(t, open("acc-2", string(long[:200]))(t.Context()))
		require.ErrorAs(t, ledger.Withdraw{}.Validate(), new(*cqrs.ValidationError))
		require.NoError(t, ledger.Withdraw{Money: eur(1)}.Validate())
	})
}

func TestWhatWasWrittenIsReadWithItsReceipt(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		ctx := timeout(t)
		key := ledger.BalanceByCurrencyKey{Account: "acc-1", Currency: ledger.CurrencyEUR}
		r := s.open(t, "acc-1")
		_, _, err := s.BalanceByCurrency.Get(ctx, key, cqrs.AtLeast(r.Position))
		require.ErrorIs(t, err, readmodel.ErrNoRow, "an event that the projection ignores is waited for as well")
		for i := int64(1); i <= 50; i++ {
			r := s.deposit(t, "acc-1", eur(2))
			row, fresh, err := s.BalanceByCurrency.Get(ctx, key, cqrs.AtLeast(r.Position))
			require.NoError(t, err)
			require.Equal(t, 2*i, row.Balance)
			require.GreaterOrEqual(t, fresh.Position, r.Position)
		}
		far := r.Position + 1<<40
		ending, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, _, err = s.BalanceByCurrency.Get(ending, key, cqrs.AtLeast(far))
		require.ErrorIs(t, err, context.DeadlineExceeded, "the wait ends with its context")
		var stale *readmodel.StaleError
		require.ErrorAs(t, err, &stale)
		require.Equal(t, far, stale.Want)
	})
}

func TestRowsAreFoundInTheOrderOfTheirIndexes(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		ctx := timeout(t)
		var last cqrs.Receipt
		for i, id := range []ledger.AccountID{"c", "a", "d", "b"} {
			s.open(t, id)
			s.deposit(t, id, money(int64(100-i/2), ledger.CurrencyUSD)) // c and a have 100, d and b have 99
			last = s.deposit(t, id, money(int64(5+i), ledger.CurrencyEUR))
		}
		last = s.deposit(t, "a", money(1, ledger.CurrencyGBP))

		found, fresh, err := s.BalanceByCurrency.ByAccount(ctx, "a", cqrs.AtLeast(last.Position))
		require.NoError(t, err)
		assert.True(t, fresh.Current())
		assert.Equal(t, []string{"a EUR 6", "a GBP 1", "a USD 100"}, texts(found))
		found, _, err = s.BalanceByCurrency.ByCurrencyOrderedByBalance(ctx, ledger.CurrencyUSD)
		require.NoError(t, err)
		assert.Equal(t, []string{"b USD 99", "d USD 99", "a USD 100", "c USD 100"}, texts(found))
		found, _, err = s.BalanceByCurrency.ByAccount(ctx, "nobody")
		require.NoError(t, err)
		assert.Empty(t, found)

		known := ledger.BalanceByCurrencyKey{Account: "b", Currency: ledger.CurrencyEUR}
		missing := ledger.BalanceByCurrencyKey{Account: "b", Currency: ledger.CurrencyGBP}
		many, _, err := s.BalanceByCurrency.GetMany(ctx, []ledger.BalanceByCurrencyKey{missing, known, known})
		require.NoError(t, err)
		require.Len(t, many, 1)
		assert.Equal(t, int64(8), many[known].Balance)

		n, _, err := s.BalanceByCurrency.Count(ctx, readmodel.Find{Index: -1})
		require.NoError(t, err)
		assert.Equal(t, int64(9), n)
	})
}

func texts(entries []readmodel.Entry[ledger.BalanceByCurrencyKey, ledger.BalanceByCurrencyRow]) (texts []string) {
	for _, e := range entries {
		texts = append(texts, fmt.Sprintf("%s %s %d", e.Key.Account, e.Key.Currency, e.Row.Balance))
	}
	return texts
}

func TestARestartKeepsEverything(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		s.open(t, "acc-1")
		var last cqrs.Receipt
		for range 10 {
			last = s.deposit(t, "acc-1", eur(7))
		}
		before := s.rows(t, last.Position)
		s.stop()

		s = start(t, at)
		assert.Equal(t, before, s.rows(t, 0), "the rows are there before anything is projected")
		state, v, err := s.Account.Load(t.Context(), "acc-1")
		require.NoError(t, err)
		assert.Equal(t, last.Version, v)
		assert.Equal(t, int64(70), state.Balances[ledger.CurrencyEUR])
		last = s.deposit(t, "acc-1", eur(1))
		assert.Equal(t, v+1, last.Version)
		want, _ := folded(t, s.log)
		assert.Equal(t, want, s.rows(t, last.Position))
	})
}

func TestDeletedReadModelsAreBuiltAgainEqual(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		last := s.load(t, 2, 40)
		before := s.rows(t, last)
		s.stop()
		files, err := filepath.Glob(filepath.Join(at.dir, "readmodels.db*"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, f := range files {
			require.NoError(t, os.Remove(f))
		}
		s = start(t, at)
		assert.Equal(t, before, s.rows(t, last))
	})
}

// accounts are those that load moves money in.
var accounts = []ledger.AccountID{"acc-1", "acc-2", "acc-3"}

func TestATransferChangesBothAccountsOrNeither(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s, ctx := start(t, at), timeout(t)
		for _, id := range []ledger.AccountID{"a", "b"} {
			s.open(t, id)
			s.deposit(t, id, eur(100))
		}
		var wg sync.WaitGroup
		for i := range 40 {
			from, to := ledger.AccountID("a"), ledger.AccountID("b")
			if i%2 == 0 {
				from, to = to, from
			}
			wg.Go(func() {
				_, err := s.Account.Transfer(ctx, from, ledger.Transfer{To: to, Money: eur(30)})
				assert.True(t, err == nil || errors.As(err, new(ledger.InsufficientFunds)), "%v", err)
			})
		}
		wg.Wait()
		_, err := s.Account.Transfer(ctx, "a", ledger.Transfer{To: "nobody", Money: eur(1)})
		require.ErrorAs(t, err, new(*cqrs.NotFoundError))
		_, err = s.Account.Transfer(ctx, "a", ledger.Transfer{To: "a", Money: eur(1)})
		require.ErrorAs(t, err, new(*cqrs.SameStreamError))
		head, err := s.log.Head(ctx)
		require.NoError(t, err)
		got := s.rows(t, head)
		sum := int64(0)
		for _, id := range []ledger.AccountID{"a", "b"} {
			row := got.balances[ledger.BalanceByCurrencyKey{Account: id, Currency: ledger.CurrencyEUR}]
			assert.GreaterOrEqual(t, row.Balance, int64(0))
			sum += row.Balance
		}
		assert.Equal(t, int64(200), sum)
		assert.Equal(t, int64(200), got.totals[ledger.CurrencyTotalsKey{Currency: ledger.CurrencyEUR}].Held)
	})
}

// newSeed returns a seed that is printed if the test fails, or the one of a failed run.
func newSeed(t *testing.T) uint64 {
	const variable = "CQRSGEN_SEED"
	seed, err := strconv.ParseUint(os.Getenv(variable), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat: %s=%d", variable, seed)
		}
	})
	return seed
}

// load executes random commands, n by each of several writers, and returns the last position.
func (s *service) load(t *testing.T, writers, n int) cqrs.Position {
	seed := newSeed(t)
	for _, id := range accounts {
		s.open(t, id)
	}
	currencies := []ledger.Currency{ledger.CurrencyEUR, ledger.CurrencyGBP, ledger.CurrencyUSD}
	var wg sync.WaitGroup
	for w := range writers {
		random := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for range n {
				id := accounts[random.IntN(len(accounts))]
				m := money(1+random.Int64N(1000), currencies[random.IntN(len(currencies))])
				var err error
				if random.IntN(2) == 0 {
					_, err = s.Account.Deposit(t.Context(), id, ledger.Deposit{Money: m})
				} else {
					_, err = s.Account.Withdraw(t.Context(), id, ledger.Withdraw{Money: m})
				}
				if err != nil && !errors.As(err, new(ledger.InsufficientFunds)) {
					t.Errorf("command on %s: %v", id, err)
				}
			}
		})
	}
	wg.Wait()
	head, err := s.log.Head(t.Context())
	require.NoError(t, err)
	return head
}

func TestReadModelsAndStatesAddUpToTheLog(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		s.load(t, 8, 50)
		want, head := folded(t, s.log)
		require.NotEmpty(t, want.balances)
		assert.Equal(t, want, s.rows(t, head))
		for _, id := range accounts {
			state, _, err := s.Account.Load(t.Context(), id, aggregate.WithoutSnapshot())
			require.NoError(t, err)
			for c, balance := range state.Balances {
				assert.Equal(t, balance, want.balances[ledger.BalanceByCurrencyKey{Account: id, Currency: c}].Balance)
				assert.GreaterOrEqual(t, balance, int64(0), "nobody took what was not there")
			}
		}
	})
}

func TestACommandIdMovesMoneyOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		s.open(t, "acc-1")
		receipts := make([]cqrs.Receipt, 8)
		var wg sync.WaitGroup
		for i := range receipts {
			wg.Go(func() { receipts[i] = s.deposit(t, "acc-1", eur(5), cqrs.WithCommandID("pay-1")) })
		}
		wg.Wait()
		first := 0
		for _, r := range receipts {
			if !r.Repeated {
				first++
			}
			r.Repeated = receipts[0].Repeated
			assert.Equal(t, receipts[0], r)
		}
		assert.Equal(t, 1, first)

		withdraw := func() (cqrs.Receipt, error) {
			return s.Account.Withdraw(t.Context(), "acc-1", ledger.Withdraw{Money: eur(5)}, cqrs.WithCommandID("take-1"))
		}
		taken, err := withdraw()
		require.NoError(t, err)
		s.stop()
		s = start(t, at)
		again, err := withdraw()
		require.NoError(t, err, "it is not rejected for want of what it took itself")
		taken.Repeated = true
		assert.Equal(t, taken, again)
		_, err = s.Account.Deposit(t.Context(), "acc-1", ledger.Deposit{Money: eur(6)}, cqrs.WithCommandID("pay-1"))
		require.ErrorAs(t, err, new(*cqrs.CommandReusedError))
		state, v, err := s.Account.Load(t.Context(), "acc-1")
		require.NoError(t, err)
		assert.Equal(t, cqrs.Version(3), v)
		assert.Zero(t, state.Balances[ledger.CurrencyEUR])
	})
}

func TestALongHistoryIsTheSameFromItsSnapshot(t *testing.T) {
	onEachEngine(t, func(t *testing.T, at place) {
		s := start(t, at)
		s.open(t, "acc-1")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 80 {
					s.deposit(t, "acc-1", eur(1))
				}
			})
		}
		wg.Wait()
		s.stop()
		s = start(t, at)
		stored, err := s.log.LoadSnapshot(t.Context(), cqrs.StreamID{Category: "Account", ID: "acc-1"})
		require.NoError(t, err)
		require.NotEmpty(t, stored)
		with, v, err := s.Account.Load(t.Context(), "acc-1")
		require.NoError(t, err)
		without, w, err := s.Account.Load(t.Context(), "acc-1", aggregate.WithoutSnapshot())
		require.NoError(t, err)
		assert.Equal(t, cqrs.Version(641), v)
		assert.Equal(t, w, v)
		assert.Equal(t, without, with)
		assert.Equal(t, int64(640), with.Balances[ledger.CurrencyEUR])
	})
}
