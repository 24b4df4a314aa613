package streams

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Account decides the commands of Account, and applies its events to its state. It implements AccountDecider.
type Account struct{}

// Open decides the command on a new stream.
func (Account) Open(Open, cqrs.CommandMeta) (Opened, error) { return Opened{}, nil }

// Deposit decides the command.
func (Account) Deposit(_ AccountState, c Deposit, _ cqrs.CommandMeta) (Deposited, error) {
	return Deposited{Amount: c.Amount}, nil
}

// Transfer decides the command. It may reject it with InsufficientFunds or LimitReached.
func (Account) Transfer(s AccountState, also TransferAlso, c Transfer, _ cqrs.CommandMeta) (TransferResult, error) {
	if limit := also.Settings.Limit; limit > 0 && also.Target.Balance+c.Amount > int64(limit) {
		return TransferResult{}, LimitReached{}
	}
	if s.Balance < c.Amount {
		return TransferResult{}, InsufficientFunds{Available: s.Balance}
	}
	r := TransferResult{Withdrawn: Withdrawn{Amount: c.Amount}, TargetDeposited: Deposited{Amount: c.Amount}}
	if s.Balance == c.Amount {
		r.Emptied = cqrs.Some(Emptied{})
	}
	return r, nil
}

// Collect decides the command.
func (Account) Collect(_ AccountState, also CollectAlso, c Collect, _ cqrs.CommandMeta) (CollectResult, error) {
	var r CollectResult
	for i, source := range also.Sources {
		if source.Balance == 0 {
			continue
		}
		id := AccountID(c.From[i])
		r.Deposited = append(r.Deposited, Deposited{Amount: source.Balance})
		taken := Withdrawn{Amount: source.Balance}
		r.SourcesWithdrawn = append(r.SourcesWithdrawn, cqrs.To[AccountID, Withdrawn]{ID: id, Event: taken})
		r.SourcesEmptied = append(r.SourcesEmptied, cqrs.To[AccountID, Emptied]{ID: id})
	}
	return r, nil
}

// Split decides the command.
func (Account) Split(s AccountState, _ Split, _ cqrs.CommandMeta) (SplitResult, error) {
	half := s.Balance / 2
	return SplitResult{HalfDeposited: Deposited{Amount: half}, Withdrawn: Withdrawn{Amount: half}}, nil
}

// Settle decides the command.
func (Account) Settle(s AccountState, c Settle, _ cqrs.CommandMeta) (SettleResult, error) {
	switch {
	case c.Amount > 0:
		return &Deposited{Amount: c.Amount}, nil
	case -c.Amount < s.Balance:
		return &Withdrawn{Amount: -c.Amount}, nil
	case -c.Amount == s.Balance:
		return &Emptied{}, nil
	}
	return nil, nil // which is a mistake
}

// SettleWith decides the command.
func (Account) SettleWith(
	_ AccountState, _ SettleWithAlso, c SettleWith, _ cqrs.CommandMeta,
) (SettleWithResult, error) {
	if c.Amount < 0 {
		return SettleWithResult{&Withdrawn{Amount: -c.Amount}, &Deposited{Amount: -c.Amount}}, nil
	}
	return SettleWithResult{&Deposited{Amount: c.Amount}, &Withdrawn{Amount: c.Amount}}, nil
}

// Ask decides the command.
func (Account) Ask(_ AccountState, _ AskAlso, c Ask, _ cqrs.CommandMeta) (Deposited, error) {
	return Deposited{Amount: c.Amount}, nil
}

// ApplyOpened changes the state as the event says.
func (Account) ApplyOpened(*AccountState, *Opened) error { return nil }

// ApplyDeposited changes the state as the event says.
func (Account) ApplyDeposited(s *AccountState, e *Deposited) error {
	s.Balance += e.Amount
	return nil
}

// ApplyWithdrawn changes the state as the event says.
func (Account) ApplyWithdrawn(s *AccountState, e *Withdrawn) error {
	s.Balance -= e.Amount
	s.Transfers++
	return nil
}

// ApplyEmptied changes the state as the event says.
func (Account) ApplyEmptied(s *AccountState, _ *Emptied) error {
	s.Balance = 0
	return nil
}
