package ledger

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// BalanceByCurrency folds events into the rows of BalanceByCurrency. It implements BalanceByCurrencyFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type BalanceByCurrency struct{}

// MoneyDeposited folds the event into its row.
func (BalanceByCurrency) MoneyDeposited(row *BalanceByCurrencyRow, e *MoneyDeposited, m cqrs.EventMeta) error {
	return row.move(e.Money.Amount, m)
}

// MoneyWithdrawn folds the event into its row.
func (BalanceByCurrency) MoneyWithdrawn(row *BalanceByCurrencyRow, e *MoneyWithdrawn, m cqrs.EventMeta) error {
	return row.move(-e.Money.Amount, m)
}

func (row *BalanceByCurrencyRow) move(amount int64, m cqrs.EventMeta) (err error) {
	row.Balance, err = add(row.Balance, amount)
	row.Movements++
	row.LastMovement = m.Time
	return err
}
