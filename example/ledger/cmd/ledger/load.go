package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

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
func load(ctx context.Context, at place, events int, report io.Writer) error {
	s, err := open(ctx, at)
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(ctx)
	projected := make(chan error, 1)
	go func() { projected <- s.Run(background) }()
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
			m, err := s.moveOnce(ctx, account)
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

// patience is how long a movement is tried, over the time that a server takes to come back.
const patience = time.Minute

// moveOnce tries until it gets an answer. The movement's id makes it happen once, also where an answer was lost on its way.
func (s *service) moveOnce(ctx context.Context, account ledger.AccountID) (movement, error) {
	m := movement{account: account, currency: currencies[rand.IntN(len(currencies))], amount: 1 + rand.Int64N(10_000)}
	if rand.IntN(3) == 0 {
		m.amount = -m.amount
	}
	var opts []cqrs.CommandOption
	if s.remote {
		opts = append(opts, cqrs.WithCommandID(uuid.NewString()))
	}
	for began := time.Now(); ; {
		receipt, err := s.move(ctx, m, opts...)
		m.position = receipt.Position
		if err == nil || !s.remote || errors.As(err, new(cqrs.Rejection)) || ctx.Err() != nil || time.Since(began) > patience {
			return m, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// move deposits an amount or, if it is below zero, withdraws it.
func (s *service) move(ctx context.Context, m movement, opts ...cqrs.CommandOption) (cqrs.Receipt, error) {
	if m.amount < 0 {
		money := ledger.Money{Amount: -m.amount, Currency: m.currency}
		return s.Account.Withdraw(ctx, m.account, ledger.Withdraw{Money: money}, opts...)
	}
	money := ledger.Money{Amount: m.amount, Currency: m.currency}
	return s.Account.Deposit(ctx, m.account, ledger.Deposit{Money: money, Reference: cqrs.Some("salary")}, opts...)
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
