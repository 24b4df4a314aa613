package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
)

// query runs f over read models that reflect the log. Where another process keeps them up to date, they are as it has
// them.
func query(ctx context.Context, at place, of func(*service) projection.Runner, f func(context.Context, *service) error) error {
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	if err = catchUp(ctx, of(s)); err == nil {
		err = f(ctx, s)
	}
	return errors.Join(err, s.Close())
}

// catchUp returns when the read model reflects the log, or another process works on it.
func catchUp(ctx context.Context, r projection.Runner) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.CatchUp(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Millisecond):
		}
		if s := r.Status(); s.Phase == projection.Waiting && s.Holder != "" {
			cancel()
			<-done
			return nil
		}
	}
}

// balances prints what an account holds.
func balances(ctx context.Context, at place, account ledger.AccountID) error {
	return query(ctx, at, func(s *service) projection.Runner { return s.BalanceByCurrency.Projector() },
		func(ctx context.Context, s *service) error { return s.printBalances(ctx, account, 0) })
}

// totals prints what all accounts hold together.
func totals(ctx context.Context, at place) error {
	return query(ctx, at, func(s *service) projection.Runner { return s.CurrencyTotals.Projector() },
		func(ctx context.Context, s *service) error {
			for e, err := range s.CurrencyTotals.All(ctx) {
				if err != nil {
					return err
				}
				fmt.Printf("%s  held %14.2f   in %14.2f   out %14.2f   movements %7d\n", e.Key.Currency,
					float64(e.Row.Held)/100, float64(e.Row.Deposited)/100, float64(e.Row.Withdrawn)/100, e.Row.Movements)
			}
			return nil
		})
}

// movements prints the last movements of an account, the oldest first.
func movements(ctx context.Context, at place, account ledger.AccountID) error {
	return query(ctx, at, func(s *service) projection.Runner { return s.RecentMovements.Projector() },
		func(ctx context.Context, s *service) error {
			rows, _, err := s.RecentMovements.ByAccountOrderedByNumber(ctx, account)
			for _, r := range rows {
				reference, _ := r.Row.Reference.Get()
				fmt.Printf("%8d  %s  %12.2f %s  %s\n", r.Key.Number, r.Row.Moved.Format(time.RFC3339),
					float64(r.Row.Amount)/100, r.Row.Currency, reference)
			}
			return err
		})
}

// accounts prints the accounts whose owner's name has the words, the best first. Where no store of the accounts can
// search, they are those whose owner's name is the words, just as they are written.
func accounts(ctx context.Context, at place, words string) error {
	searched := true
	return query(ctx, at, func(s *service) projection.Runner {
		s.Accounts, searched = s.searched()
		return s.Accounts.Projector()
	}, func(ctx context.Context, s *service) error {
		find := s.Accounts.Search
		if !searched {
			fmt.Fprintf(os.Stderr, "%s can't search: these are the accounts whose owner's name is just %q; "+
				"--accounts elastic searches\n", s.Accounts.Projector().Store().Name(), words)
			find = s.Accounts.ByOwner
		}
		rows, _, err := find(ctx, words)
		for _, r := range rows {
			fmt.Printf("%-12s  %-30s  since %s  %d movements\n", r.Key.Account, r.Row.Owner,
				r.Row.Opened.Format(time.DateOnly), r.Row.Movements)
		}
		return err
	})
}

// searched returns the accounts in the first of their stores that can search, or else in their first one.
func (s *service) searched() (*ledger.AccountsModel, bool) {
	if kept, err := s.Accounts.In("elastic"); err == nil {
		return kept, true
	}
	return s.Accounts, false
}
