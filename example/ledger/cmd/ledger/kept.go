package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
)

// showStores builds each read model in each of the stores that it is kept in, from one scan of the log, and compares them
// with the books.
func (s *service) showStores(ctx context.Context, at place, b *books) error {
	step("All read models, each in the stores that its flag names, from one scan of one log")
	if err := projection.CatchUp(ctx, s.Projectors()...); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := runCommand(ctx, self, at, "projections", "status"); err != nil {
		return err
	}
	if err := s.checkStores(ctx, b); err != nil {
		return err
	}
	leftOut(at)
	return nil
}

// leftOut says which stores the demo has no server for.
func leftOut(at place) {
	if at.movements == "" {
		fmt.Println("left out: movements in Redis, as no server is installed (`make servers` installs it)")
	}
	if at.accounts == "" {
		fmt.Println("left out: accounts in Elasticsearch, which has to be there: --accounts http://host:9200/prefix-")
	}
	if at.engine != "postgres" {
		fmt.Println("left out: balances in PostgreSQL, totals as a materialized view: make demo LOG=postgres")
	}
}

// runCommand runs a command of a release of this program, as a person would.
func runCommand(ctx context.Context, program string, at place, command ...string) error {
	fmt.Printf("$ ledger %s\n", strings.Join(command, " "))
	cmd := exec.CommandContext(ctx, program, append(command, at.args()...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("ledger %s: %w", strings.Join(command, " "), err)
	}
	return nil
}

// runners returns what keeps a projection up to date, one for each of its stores.
func (s *service) runners(name string) (runners []projection.Runner) {
	for _, r := range s.Projectors() {
		if r.Name() == name {
			runners = append(runners, r)
		}
	}
	return runners
}

// storesOf names the stores of a projection.
func (s *service) storesOf(name string) (names []string) {
	for _, r := range s.runners(name) {
		names = append(names, r.Store().Name())
	}
	return names
}

// checkStores compares what is kept in each store with the books.
func (s *service) checkStores(ctx context.Context, b *books) error {
	for _, store := range s.storesOf("BalanceByCurrency") {
		kept, err := s.BalanceByCurrency.In(store)
		if err == nil {
			err = b.checkBalances(ctx, kept)
		}
		if err != nil {
			return fmt.Errorf("balances in %s: %w", store, err)
		}
	}
	for _, store := range s.storesOf("CurrencyTotals") {
		kept, err := s.CurrencyTotals.In(store)
		if err != nil {
			return err
		}
		found, _, err := countMovements(ctx, kept)
		if err != nil {
			return err
		}
		if !maps.Equal(found, b.movements) {
			return fmt.Errorf("the totals in %s count %v movements, the log has %v", store, found, b.movements)
		}
	}
	fmt.Printf("balances (%s) and totals (%s) are what the events add up to, in each store\n",
		strings.Join(s.storesOf("BalanceByCurrency"), ", "), strings.Join(s.storesOf("CurrencyTotals"), ", "))
	return s.checkMovements(ctx, b)
}

// checkMovements compares the last movements of the treasury, and prints some.
func (s *service) checkMovements(ctx context.Context, b *books) error {
	rows, _, err := s.RecentMovements.ByAccountOrderedByNumber(ctx, treasury)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if want := b.recent[r.Key.Number]; want.amount != r.Row.Amount || want.currency != r.Row.Currency {
			return fmt.Errorf("movement %d of %s is %+v, and the log has %+v", r.Key.Number, treasury, r.Row, want)
		}
	}
	if len(rows) != len(b.recent) {
		return fmt.Errorf("%s has %d recent movements, the log has %d", treasury, len(rows), len(b.recent))
	}
	fmt.Printf("the last movements of the treasury, from %s:\n", s.storesOf("RecentMovements")[0])
	for _, r := range rows[max(0, len(rows)-3):] {
		fmt.Printf("%8d  %s  %12.2f %s\n", r.Key.Number, r.Row.Moved.Format(time.RFC3339),
			float64(r.Row.Amount)/100, r.Row.Currency)
	}
	return nil
}

// moves counts movements per currency.
type moves map[ledger.Currency]int64

func (m moves) String() string {
	var list []string
	for _, c := range currencies {
		list = append(list, fmt.Sprintf("%s %d", c, m[c]))
	}
	return strings.Join(list, ", ")
}
