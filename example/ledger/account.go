package ledger

import (
	"github.com/cqrsgen/cqrsgen/runtime/checked"
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

// Transfer decides the command. It may reject it with AccountNotOpen or InsufficientFunds.
func (a Account) Transfer(
	s AccountState, also TransferAlso, c Transfer, m cqrs.CommandMeta,
) (TransferResult, error) {
	out, err := a.Withdraw(s, Withdraw{Money: c.Money, Reference: c.Reference}, m)
	if err != nil {
		return TransferResult{}, err
	}
	in, err := a.Deposit(also.Target, Deposit{Money: c.Money, Reference: c.Reference}, m)
	return TransferResult{MoneyWithdrawn: out, TargetMoneyDeposited: in}, err
}

// ApplyMoneyWithdrawn changes the state as the event says. Money that wraps around is the kind of wrong that must not be
// silent: an event whose fold fails is never stored.
func (Account) ApplyMoneyWithdrawn(s *AccountState, e *MoneyWithdrawn) error {
	var fault checked.Fault
	s.Balances[e.Money.Currency] = checked.Sub(fault.In("balances"), s.Balances[e.Money.Currency], e.Money.Amount)
	return fault.Err()
}
