package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	elasticsink "github.com/cqrsgen/cqrsgen/runtime/sink/elastic"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	postgressink "github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	redissink "github.com/cqrsgen/cqrsgen/runtime/sink/redis"
	sqlitesink "github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// live measures how long after its command was answered a row is there, for each sink: one command after the other, and
// while many callers give as many commands as they can without the read model falling behind.
func live(ctx context.Context, each time.Duration) error {
	fmt.Printf("\nFrom the answer to a durable command to its row: Get with AtLeast, in the process that projects; ms\n")
	fmt.Printf("  %-22s %8s %8s   %10s %8s %8s %10s  %s\n", "", "p50", "p99", "commands/s", "p50", "p99", "lag, most", "")
	return inFolder("", func(dir string) error {
		for _, target := range []struct {
			name string
			open liveOpen
		}{
			{"memory", following(func(context.Context, testing.TB, string) (liveStore, error) {
				return unclosed{memorysink.New()}, nil
			})},
			{"sqlite", following(func(ctx context.Context, _ testing.TB, dir string) (liveStore, error) {
				return sqlitesink.Open(ctx, filepath.Join(dir, "read.db"))
			})},
			{"postgres", following(func(ctx context.Context, t testing.TB, _ string) (liveStore, error) {
				return postgressink.Open(ctx, startPostgres(t), postgressink.Migrate())
			})},
			{"redis", following(func(ctx context.Context, t testing.TB, _ string) (liveStore, error) {
				return redissink.Open(ctx, startRedis(t))
			})},
			{elasticName(), following(func(ctx context.Context, t testing.TB, _ string) (liveStore, error) {
				return elasticsink.Open(ctx, testserver.Elasticsearch(t))
			})},
			{"sqlite, inline", inlineSQLite},
			{"postgres, inline", inlinePostgres},
		} {
			err := onServer(func(t testing.TB) error {
				own, err := os.MkdirTemp(dir, "live-")
				if err != nil {
					return err
				}
				to, err := target.open(ctx, t, own)
				if err != nil {
					return err
				}
				m := &liveMeter{liveTarget: to, each: each}
				return errors.Join(m.measure(ctx, target.name), to.close())
			})
			if err != nil {
				return fmt.Errorf("%s: %w", target.name, err)
			}
		}
		fmt.Println("  commands/s is all that the log takes from these callers; with a *, with more the read model falls behind")
		fmt.Println("  the log is the embedded one, but for postgres, inline; the commands of an inline projection wait for its rows")
		return nil
	})
}

// elasticName says whether it is a real one.
func elasticName() string {
	if os.Getenv(testserver.ElasticsearchVariable) != "" {
		return "elastic"
	}
	return "elastic (a double)"
}

// liveOpen opens one, with what it needs in a folder.
type liveOpen func(ctx context.Context, t testing.TB, dir string) (*liveTarget, error)

// liveTarget is a ledger whose balances are kept in some store.
type liveTarget struct {
	app *ledger.App
	// visible waits until the row of an account reflects a position.
	visible func(ctx context.Context, account ledger.AccountID, at cqrs.Position) error
	// reflected returns the position that the read model reflects; nil for one that reflects all.
	reflected func() cqrs.Position
	// close ends what keeps the read model up to date, and closes everything.
	close func() error
}

type liveStore interface {
	readmodel.Store
	Close() error
}

// unclosed is a store that needs no closing.
type unclosed struct{ *memorysink.Store }

func (unclosed) Close() error { return nil }

// following opens a ledger over the embedded log whose balances follow it, in the store that open opens.
func following(open func(context.Context, testing.TB, string) (liveStore, error)) liveOpen {
	return func(ctx context.Context, t testing.TB, dir string) (*liveTarget, error) {
		store, err := open(ctx, t, dir)
		if err != nil {
			return nil, err
		}
		return follow(ctx, dir, store)
	}
}

func follow(ctx context.Context, dir string, store liveStore) (*liveTarget, error) {
	log, err := embedded.Open(ctx, filepath.Join(dir, "log"))
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	app, err := ledger.New(ctx, log, store, ledger.Deciders{}, ledger.Projections{})
	if err != nil {
		return nil, errors.Join(err, log.Close(), store.Close())
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	projector := app.BalanceByCurrency.Projector()
	go func() { ended <- projector.Run(running) }()
	return &liveTarget{
		app: app,
		visible: func(ctx context.Context, account ledger.AccountID, at cqrs.Position) error {
			key := ledger.BalanceByCurrencyKey{Account: account, Currency: ledger.CurrencyEUR}
			_, _, err := app.BalanceByCurrency.Get(ctx, key, cqrs.AtLeast(at))
			return err
		},
		reflected: func() cqrs.Position { return projector.Status().Position },
		close: func() error {
			stop()
			err := <-ended
			app.Close()
			return errors.Join(err, log.Close(), store.Close())
		},
	}, nil
}

func inlineSQLite(ctx context.Context, _ testing.TB, dir string) (*liveTarget, error) {
	log, err := embedded.Open(ctx, filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	store, err := sqlitesink.In(ctx, log)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return inline(ctx, log, store, func() error { return errors.Join(store.Close(), log.Close()) })
}

func inlinePostgres(ctx context.Context, t testing.TB, _ string) (*liveTarget, error) {
	dsn := startPostgres(t)
	log, err := postgres.Open(ctx, dsn, postgres.Migrate())
	if err != nil {
		return nil, err
	}
	store, err := postgressink.Open(ctx, dsn, postgressink.Migrate())
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return inline(ctx, log, store, func() error { return errors.Join(store.Close(), log.Close()) })
}

// inline is a ledger whose balances change in the transactions that store the events.
func inline(
	ctx context.Context, log aggregate.Store, store readmodel.Store, closeBoth func() error,
) (*liveTarget, error) {
	app, err := ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{}) // which nobody runs
	if err != nil {
		return nil, errors.Join(err, closeBoth())
	}
	group := projection.NewGroup(log)
	balances := projection.Keep(group, store, inlineBalances)
	if err := group.Inline(); err != nil {
		return nil, errors.Join(err, closeBoth())
	}
	return &liveTarget{
		app: app,
		visible: func(ctx context.Context, account ledger.AccountID, at cqrs.Position) error {
			key := ledger.BalanceByCurrencyKey{Account: account, Currency: ledger.CurrencyEUR}
			_, _, err := balances.Get(ctx, key, cqrs.AtLeast(at))
			return err
		},
		close: func() error {
			app.Close()
			group.Close()
			return closeBoth()
		},
	}, nil
}

// liveMeter measures one ledger.
type liveMeter struct {
	*liveTarget
	each time.Duration
	// acknowledged is the highest position of a command that was answered.
	acknowledged atomic.Int64
}

// liveCallers are how many give commands at the same time.
const liveCallers = 64

func (m *liveMeter) measure(ctx context.Context, name string) error {
	if err := openAccounts(ctx, m.app); err != nil {
		return err
	}
	alone, err := m.run(ctx, 0)
	if err != nil {
		return err
	}
	many, err := m.run(ctx, math.Inf(1))
	mark := ""
	for tries := 0; err == nil && !many.bounded && tries < 8; tries++ {
		mark = "*"
		many, err = m.run(ctx, 0.75*many.rate)
	}
	if err != nil {
		return err
	}
	if !many.bounded {
		mark = "it falls behind at any rate that was tried"
	}
	fmt.Printf("  %-22s %8.2f %8.2f   %10.0f %8.2f %8.2f %10d  %s\n", name,
		alone.waited(0.5), alone.waited(0.99), many.rate, many.waited(0.5), many.waited(0.99), many.most, mark)
	return nil
}

// liveRun is what was seen while commands were given.
type liveRun struct {
	// waits are sorted, lags are in events.
	waits []time.Duration
	lags  []cqrs.Position
	most  cqrs.Position
	rate  float64
	// bounded says that the lag did not grow all the time.
	bounded bool
}

// waited returns a quantile of the waits in milliseconds.
func (r *liveRun) waited(quantile float64) float64 {
	if len(r.waits) == 0 {
		return math.NaN()
	}
	return float64(r.waits[int(quantile*float64(len(r.waits)-1))].Nanoseconds()) / 1e6
}

// run gives commands at a rate, 0 for none, and meanwhile looks again and again how long a row takes.
func (m *liveMeter) run(ctx context.Context, rate float64) (*liveRun, error) {
	if err := m.probe(ctx, new([]time.Duration)); err != nil { // nothing is left of the run before
		return nil, err
	}
	r := &liveRun{}
	var others sync.WaitGroup
	var failures [3]error
	ended := make(chan struct{})
	if rate > 0 {
		others.Go(func() {
			r.rate, failures[0] = driveEach(liveCallers, m.each, m.paced(ctx, rate))
			close(ended)
		})
	} else {
		time.AfterFunc(m.each, func() { close(ended) })
	}
	others.Go(func() {
		for !done(ended) && failures[1] == nil {
			failures[1] = m.probe(ctx, &r.waits)
		}
	})
	if m.reflected != nil {
		others.Go(func() { r.watch(m, ended) })
	}
	others.Wait()
	slices.Sort(r.waits)
	r.judge()
	return r, errors.Join(failures[:]...)
}

func done(ended chan struct{}) bool {
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

// paced returns callers that deposit, all together so many times a second.
func (m *liveMeter) paced(ctx context.Context, rate float64) caller {
	began := time.Now()
	return func(c int) func() error {
		n := c
		return func() error {
			time.Sleep(time.Until(began.Add(time.Duration(float64(n) / rate * float64(time.Second)))))
			n += liveCallers
			_, err := m.deposit(ctx, accountID(n*7919))
			return err
		}
	}
}

func (m *liveMeter) deposit(ctx context.Context, account ledger.AccountID) (cqrs.Position, error) {
	receipt, err := m.app.Account.Deposit(ctx, account, aDeposit)
	for {
		highest := m.acknowledged.Load()
		if int64(receipt.Position) <= highest || m.acknowledged.CompareAndSwap(highest, int64(receipt.Position)) {
			return receipt.Position, err
		}
	}
}

// probe deposits, and adds how long after the answer the row was there.
func (m *liveMeter) probe(ctx context.Context, waits *[]time.Duration) error {
	account := accountID(len(*waits))
	at, err := m.deposit(ctx, account)
	if err != nil {
		return err
	}
	answered := time.Now()
	if err := m.visible(ctx, account, at); err != nil {
		return err
	}
	*waits = append(*waits, time.Since(answered))
	return nil
}

// watch looks how far the read model is behind what was acknowledged.
func (r *liveRun) watch(m *liveMeter, ended chan struct{}) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ended:
			return
		case <-look.C:
		}
		lag := max(0, cqrs.Position(m.acknowledged.Load())-m.reflected())
		r.lags, r.most = append(r.lags, lag), max(r.most, lag)
	}
}

// judge finds out whether the lag grew all the time: it is three times as high then in the second half as in the first
// one. A fiftieth of a second's commands more or less are nothing.
func (r *liveRun) judge() {
	half := len(r.lags) / 2
	first, second := mean(r.lags[:half]), mean(r.lags[half:])
	r.bounded = second <= 2*first+r.rate/50
}

func mean(of []cqrs.Position) float64 {
	sum := cqrs.Position(0)
	for _, p := range of {
		sum += p
	}
	return float64(sum) / float64(max(1, len(of)))
}
