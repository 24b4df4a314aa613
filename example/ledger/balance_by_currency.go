package ledger

import (
	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// BalanceByCurrency folds events into the rows of BalanceByCurrency. It implements BalanceByCurrencyFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type BalanceByCurrency struct{}

// MoneyWithdrawn folds the event into its row.
func (BalanceByCurrency) MoneyWithdrawn(row *BalanceByCurrencyRow, e *MoneyWithdrawn, m cqrs.EventMeta) error {
	var fault checked.Fault
	row.Balance = checked.Sub(fault.In("balance"), row.Balance, e.Money.Amount)
	row.Movements++
	row.LastMovement = m.Time
	return fault.Err()
}
