package ledger

import (
	"fmt"
	"math"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Account decides the commands of Account, and applies its events to its state. It implements AccountDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Account struct{}

// OpenAccount decides the command on a new stream.
func (Account) OpenAccount(c OpenAccount, _ cqrs.CommandMeta) (AccountOpened, error) {
	return AccountOpened{Owner: c.Owner}, nil
}

// Deposit decides the command. It may reject it with AccountNotOpen.
func (Account) Deposit(s AccountState, c Deposit, _ cqrs.CommandMeta) (MoneyDeposited, error) {
	if !s.Open {
		return MoneyDeposited{}, AccountNotOpen{}
	}
	return MoneyDeposited{Money: c.Money, Reference: c.Reference}, nil
}

// Withdraw decides the command. It may reject it with AccountNotOpen or InsufficientFunds.
func (Account) Withdraw(s AccountState, c Withdraw, _ cqrs.CommandMeta) (MoneyWithdrawn, error) {
	if !s.Open {
		return MoneyWithdrawn{}, AccountNotOpen{}
	}
	if available := s.Balances[c.Money.Currency]; available < c.Money.Amount {
		return MoneyWithdrawn{}, InsufficientFunds{Available: available, Requested: c.Money}
	}
	return MoneyWithdrawn{Money: c.Money, Reference: c.Reference}, nil
}

// ApplyAccountOpened changes the state as the event says.
func (Account) ApplyAccountOpened(s *AccountState, e *AccountOpened) error {
	s.Owner, s.Open = e.Owner, true
	return nil
}

// ApplyMoneyDeposited changes the state as the event says.
func (Account) ApplyMoneyDeposited(s *AccountState, e *MoneyDeposited) (err error) {
	s.Balances[e.Money.Currency], err = add(s.Balances[e.Money.Currency], e.Money.Amount)
	return err
}

// ApplyMoneyWithdrawn changes the state as the event says.
func (Account) ApplyMoneyWithdrawn(s *AccountState, e *MoneyWithdrawn) (err error) {
	s.Balances[e.Money.Currency], err = add(s.Balances[e.Money.Currency], -e.Money.Amount)
	return err
}

// add refuses a sum that does not fit: money that wraps around is the kind of wrong that must not be silent. An event
// whose fold fails is never stored.
func add(a, b int64) (int64, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return a, fmt.Errorf("%d and %d do not add up to an int64", a, b)
	}
	return a + b, nil
}
