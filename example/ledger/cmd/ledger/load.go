package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// writers is the number of concurrent callers. They share the log's commits, and so its syncs.
const writers = 128

// treasury gets more movements than any other account, so that there is one long history.
const treasury ledger.AccountID = "treasury"

var currencies = []ledger.Currency{ledger.CurrencyEUR, ledger.CurrencyGBP, ledger.CurrencyUSD}

// movement is an acknowledged change of a balance.
type movement struct {
	position cqrs.Position
	account  ledger.AccountID
	currency ledger.Currency
	amount   int64 // below zero for a withdrawal
}

const movementFormat = "%d %s %s %d\n"

// load writes random movements from many callers at once, while the balances are projected, and reports each movement
// after it was acknowledged: what it reported must never be lost.
func load(ctx context.Context, dir string, events int, report io.Writer) error {
	s, err := open(ctx, dir)
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(ctx)
	projected := make(chan error, 1)
	go func() { projected <- s.BalanceByCurrency.Projector().Run(background) }()
	accounts, err := s.openAccounts(ctx, max(10, events/400))
	if err == nil {
		err = s.write(ctx, accounts, events, report)
	}
	stop()
	return errors.Join(err, <-projected, s.Close())
}

// openAccounts opens the accounts that do not exist yet.
func (s *service) openAccounts(ctx context.Context, n int) ([]ledger.AccountID, error) {
	accounts := []ledger.AccountID{treasury}
	for i := range n {
		accounts = append(accounts, ledger.AccountID(fmt.Sprintf("acc-%d", i+1)))
	}
	err := concurrently(func(w int) error {
		for i := w; i < len(accounts); i += writers {
			_, err := s.Account.OpenAccount(ctx, accounts[i], ledger.OpenAccount{Owner: "Owner of " + string(accounts[i])})
			var exists *cqrs.AlreadyExistsError
			if err != nil && !errors.As(err, &exists) {
				return err
			}
		}
		return nil
	})
	return accounts, err
}

func (s *service) write(ctx context.Context, accounts []ledger.AccountID, events int, report io.Writer) error {
	var written atomic.Int64
	var mu sync.Mutex
	return concurrently(func(int) error {
		for written.Load() < int64(events) {
			account := accounts[rand.IntN(len(accounts))]
			if rand.IntN(100) < 2 {
				account = treasury
			}
			m, err := s.move(ctx, account)
			if errors.As(err, new(ledger.InsufficientFunds)) {
				continue
			}
			if err != nil {
				return err
			}
			written.Add(1)
			mu.Lock()
			_, err = fmt.Fprintf(report, movementFormat, m.position, m.account, m.currency, m.amount)
			mu.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// move deposits or, one time in three, withdraws a random amount.
func (s *service) move(ctx context.Context, account ledger.AccountID) (m movement, err error) {
	money := ledger.Money{Amount: 1 + rand.Int64N(10_000), Currency: currencies[rand.IntN(len(currencies))]}
	m = movement{account: account, currency: money.Currency, amount: money.Amount}
	var receipt cqrs.Receipt
	if rand.IntN(3) == 0 {
		m.amount = -money.Amount
		receipt, err = s.Account.Withdraw(ctx, account, ledger.Withdraw{Money: money})
	} else {
		receipt, err = s.Account.Deposit(ctx, account, ledger.Deposit{Money: money, Reference: cqrs.Some("salary")})
	}
	m.position = receipt.Position
	return m, err
}

// concurrently calls f once for each writer, and returns when all have returned.
func concurrently(f func(writer int) error) error {
	failures := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { failures[w] = f(w) })
	}
	wg.Wait()
	return errors.Join(failures...)
}
