package ledger

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Account decides the commands of Account, and applies its events to its state. It implements AccountDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Account struct{}

// OpenAccount decides the command on a new stream.
func (Account) OpenAccount(c OpenAccount, m cqrs.CommandMeta) (AccountOpened, error) {
	return AccountOpened{}, &cqrs.NotImplementedError{Method: "Account.OpenAccount"}
}

// Deposit decides the command. It may reject it with AccountNotOpen.
func (Account) Deposit(s AccountState, c Deposit, m cqrs.CommandMeta) (MoneyDeposited, error) {
	return MoneyDeposited{}, &cqrs.NotImplementedError{Method: "Account.Deposit"}
}

// Withdraw decides the command. It may reject it with AccountNotOpen or InsufficientFunds.
func (Account) Withdraw(s AccountState, c Withdraw, m cqrs.CommandMeta) (MoneyWithdrawn, error) {
	return MoneyWithdrawn{}, &cqrs.NotImplementedError{Method: "Account.Withdraw"}
}

// ApplyAccountOpened changes the state as the event says.
func (Account) ApplyAccountOpened(s *AccountState, e *AccountOpened) error {
	return &cqrs.NotImplementedError{Method: "Account.ApplyAccountOpened"}
}

// ApplyMoneyDeposited changes the state as the event says.
func (Account) ApplyMoneyDeposited(s *AccountState, e *MoneyDeposited) error {
	return &cqrs.NotImplementedError{Method: "Account.ApplyMoneyDeposited"}
}

// ApplyMoneyWithdrawn changes the state as the event says.
func (Account) ApplyMoneyWithdrawn(s *AccountState, e *MoneyWithdrawn) error {
	return &cqrs.NotImplementedError{Method: "Account.ApplyMoneyWithdrawn"}
}
