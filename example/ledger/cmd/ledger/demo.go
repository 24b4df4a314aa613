package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// demo shows what a service made by cqrsgen does, step by step, and checks each step itself.
func demo(ctx context.Context, at place, events int) error {
	if events < 1000 {
		return fmt.Errorf("the demo needs at least 1000 events, not %d", events)
	}
	return withServer(at, func(at place, server server) error {
		at.beside()
		return withRedis(at, func(at place) error {
			at, cleanUp, err := folder(at)
			if err != nil {
				return err
			}
			defer cleanUp()
			if err := at.migrate(ctx); err != nil {
				return err
			}
			return show(ctx, at, server, events)
		})
	})
}

// beside keeps balances and totals in the database of the log as well, unless flags say where they are.
func (p *place) beside() {
	if p.engine == "postgres" {
		p.balances = cmp.Or(p.balances, "sqlite,postgres")
		p.totals = cmp.Or(p.totals, "sqlite,materialized")
	}
}

// folder returns the place with a folder to work in: a temporary one, unless the caller wants to keep the data.
func folder(at place) (place, func(), error) {
	var err error
	if at.data == "" {
		at.data, err = os.MkdirTemp("", "ledger-demo-")
		return at, func() { os.RemoveAll(at.data) }, err
	}
	if found, _ := filepath.Glob(filepath.Join(at.data, "*.db")); len(found) > 0 {
		return at, nil, fmt.Errorf("%s holds a ledger already: name another folder", at.data)
	}
	return at, func() { fmt.Printf("The data stays in %s.\n", at.data) }, nil
}

func show(ctx context.Context, at place, server server, events int) error {
	began := time.Now()
	if err := showCommands(ctx, at); err != nil {
		return err
	}
	acknowledged, err := showKill(ctx, at, server, events)
	if err != nil {
		return err
	}
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	err = errors.Join(s.showBooks(ctx, at, acknowledged), s.Close())
	fmt.Printf("\nDone in %.1f s.\n", time.Since(began).Seconds())
	return err
}

func step(title string) { fmt.Printf("\n== %s\n", title) }

// showCommands opens accounts, moves money from concurrent callers, and is refused an overdraft.
func showCommands(ctx context.Context, at place) error {
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	if err := s.mustBeEmpty(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	background, stop := context.WithCancel(ctx)
	projected := make(chan error, 1)
	go func() { projected <- s.Run(background) }()
	// The second read model is added later: until then only the balances are kept.
	err = s.showMovements(ctx)
	stop()
	return errors.Join(err, <-projected, s.Close())
}

// Run keeps the balances up to date; CurrencyTotals is added after the fact.
func (s *service) Run(ctx context.Context) error {
	return s.BalanceByCurrency.Projector().Run(ctx)
}

func (s *service) showMovements(ctx context.Context) error {
	step("Three accounts, three currencies, concurrent writers")
	people := []ledger.AccountID{"ada", "bob", "cem"}
	for _, p := range people {
		if _, err := s.Account.OpenAccount(ctx, p, ledger.OpenAccount{Owner: string(p)}); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	var last cqrs.Position
	err := concurrently(func(w int) error {
		money := ledger.Money{Amount: int64(100 * (w + 1)), Currency: currencies[w%3]}
		receipt, err := s.Account.Deposit(ctx, people[w/3%3], ledger.Deposit{Money: money})
		mu.Lock()
		defer mu.Unlock()
		last = max(last, receipt.Position)
		return err
	})
	if err != nil {
		return err
	}
	receipt, err := s.Account.Withdraw(ctx, "ada", ledger.Withdraw{Money: ledger.Money{Amount: 50, Currency: ledger.CurrencyEUR}})
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := s.printBalances(ctx, p, max(last, receipt.Position)); err != nil {
			return err
		}
	}
	return s.showOverdraft(ctx)
}

// printBalances prints an account's rows, and the position that they reflect.
func (s *service) printBalances(ctx context.Context, account ledger.AccountID, atLeast cqrs.Position) error {
	rows, fresh, err := s.BalanceByCurrency.ByAccount(ctx, account, cqrs.AtLeast(atLeast))
	if err != nil {
		return err
	}
	fmt.Printf("%-8s", account)
	for _, r := range rows {
		fmt.Printf("  %s %10.2f", r.Key.Currency, float64(r.Row.Balance)/100)
	}
	fmt.Printf("   (as of position %d)\n", fresh.Position)
	return nil
}

func (s *service) showOverdraft(ctx context.Context) error {
	step("An overdraft is rejected, with its reason as a Go type")
	_, err := s.Account.Withdraw(ctx, "ada", ledger.Withdraw{Money: ledger.Money{Amount: 1_000_000, Currency: ledger.CurrencyUSD}})
	var reason ledger.InsufficientFunds
	if !errors.As(err, &reason) {
		return fmt.Errorf("the overdraft was not rejected: %w", err)
	}
	fmt.Printf("%T: available %.2f, requested %.2f %s\n", reason,
		float64(reason.Available)/100, float64(reason.Requested.Amount)/100, reason.Requested.Currency)
	return nil
}

// showKill runs the load in a process of its own, kills it in the middle, and starts it again. Where the log is on a
// server, that is killed as well, under the second load, which goes on as soon as it may.
func showKill(ctx context.Context, at place, server server, events int) (map[cqrs.Position]movement, error) {
	step(fmt.Sprintf("%d movements from %d concurrent writers; SIGKILL in the middle", events, writers))
	acknowledged := map[cqrs.Position]movement{}
	first := &child{at: at, events: events, acknowledged: acknowledged, faultAt: events * 2 / 5}
	killed := false
	first.fault = func(load *os.Process) error {
		killed = true
		return load.Kill()
	}
	if err := first.run(ctx); err != nil && !killed {
		return nil, err
	}
	fmt.Printf("killed after %d acknowledged movements; started again\n", len(acknowledged))
	second := &child{at: at, events: max(events-len(acknowledged), 1), acknowledged: acknowledged}
	if server != nil {
		second.faultAt, second.fault = second.events/3, func(*os.Process) error { return server.crash() }
	}
	return acknowledged, second.run(ctx)
}

// child is "ledger load" in a process of its own.
type child struct {
	at           place
	events       int
	acknowledged map[cqrs.Position]movement
	// fault, if not nil, is called once faultAt movements were reported.
	faultAt int
	fault   func(load *os.Process) error
}

// run collects what the load reports.
func (c *child) run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"load", "--events", strconv.Itoa(c.events)}, c.at.args()...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = c.collect(out, cmd.Process)
	if failed := cmd.Wait(); failed != nil {
		err = errors.Join(fmt.Errorf("the load failed: %w", failed), err)
	}
	return errors.Join(err, ctx.Err())
}

// collect reads movements to the end, while the fault happens beside it.
func (c *child) collect(out io.Reader, load *os.Process) error {
	bar := newBar("acknowledged", int64(c.events))
	faults := make(chan error, 1)
	lines := bufio.NewScanner(out)
	n := int64(0)
	for lines.Scan() {
		var m movement
		// A line that the kill cut short was not reported.
		if c, err := fmt.Sscanf(lines.Text()+"\n", movementFormat, &m.position, &m.account, &m.currency, &m.amount); c != 4 || err != nil {
			break
		}
		c.acknowledged[m.position] = m
		n++
		bar.show(n)
		if c.fault != nil && n == int64(c.faultAt) {
			go func() { faults <- c.fault(load) }()
		}
	}
	bar.end()
	if c.fault == nil || n < int64(c.faultAt) {
		return lines.Err()
	}
	return errors.Join(lines.Err(), <-faults)
}

// showBooks checks that nothing acknowledged was lost, adds the second read model, times the longest
// history, and changes a fold.
func (s *service) showBooks(ctx context.Context, at place, acknowledged map[cqrs.Position]movement) error {
	step("The books balance to the last acknowledged movement")
	if err := s.BalanceByCurrency.Projector().CatchUp(ctx); err != nil {
		return err
	}
	b, err := s.check(ctx, acknowledged)
	if err != nil {
		return err
	}
	fmt.Printf("%d events in %d streams without a gap; all %d acknowledged movements are there;\n"+
		"all %d balances of the read model equal the sum of the events\n", b.events, len(b.versions), len(acknowledged), len(b.balances))
	if err := s.showSecondReadModel(ctx, b); err != nil {
		return err
	}
	if err := s.showStores(ctx, at, b); err != nil {
		return err
	}
	if err := s.showSnapshot(ctx); err != nil {
		return err
	}
	return s.showRelease(ctx, at, b)
}

// showSecondReadModel builds a read model over the whole history, long after the events happened.
func (s *service) showSecondReadModel(ctx context.Context, b *books) error {
	step("A second read model, added after the fact, catches up over the whole history")
	projector := s.CurrencyTotals.Projector()
	done := make(chan error, 1)
	go func() { done <- projector.CatchUp(ctx) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	bar := newBar("folded", 0)
	bar.every = 100 * time.Millisecond // it is over in a moment
	bar.next = bar.began.Add(bar.every)
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			running = false
		case <-tick.C:
		}
		if st := projector.Status(); st.Total > 0 {
			bar.total = st.Total
			bar.show(st.Handled)
		}
	}
	bar.end()
	held := map[ledger.Currency]int64{}
	for key, amount := range b.balances {
		held[key.Currency] += amount
	}
	for _, c := range currencies {
		row, fresh, err := s.CurrencyTotals.Get(ctx, ledger.CurrencyTotalsKey{Currency: c})
		if err != nil {
			return err
		}
		if row.Held != held[c] {
			return fmt.Errorf("the totals say %d %s are held, the events say %d", row.Held, c, held[c])
		}
		fmt.Printf("%s  held %14.2f   in %14.2f   out %14.2f   movements %7d   (position %d)\n", c, float64(row.Held)/100,
			float64(row.Deposited)/100, float64(row.Withdrawn)/100, row.Movements, fresh.Position)
	}
	return nil
}

// showSnapshot loads the account with the longest history, from its first event and from its snapshot.
func (s *service) showSnapshot(ctx context.Context) error {
	step("The longest history, loaded from event 0 and from its snapshot")
	var states [2]ledger.AccountState
	var version cqrs.Version
	var took [2]time.Duration
	for i, opts := range [][]aggregate.LoadOption{{aggregate.WithoutSnapshot()}, nil} {
		took[i] = time.Hour
		for range 5 {
			began := time.Now()
			state, v, err := s.Account.Load(ctx, treasury, opts...)
			if err != nil {
				return err
			}
			took[i] = min(took[i], time.Since(began))
			states[i], version = state, v
		}
	}
	if !reflect.DeepEqual(states[0], states[1]) {
		return fmt.Errorf("the snapshot says %v, the events say %v", states[1], states[0])
	}
	fmt.Printf("%s has %d events: %v from event 0, %v from its snapshot (best of 5; equal states)\n", treasury, version,
		took[0].Round(time.Microsecond), took[1].Round(time.Microsecond))
	return nil
}
