package ledger

import (
	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// CurrencyTotals folds events into the rows of CurrencyTotals. It implements CurrencyTotalsFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type CurrencyTotals struct{}

// MoneyDeposited folds the event into its row.
func (CurrencyTotals) MoneyDeposited(row *CurrencyTotalsRow, e *MoneyDeposited, _ cqrs.EventMeta) error {
	var fault checked.Fault
	row.Movements++
	row.Deposited = checked.Add(fault.In("deposited"), row.Deposited, e.Money.Amount)
	row.Held = checked.Add(fault.In("held"), row.Held, e.Money.Amount)
	return fault.Err()
}

// MoneyWithdrawn folds the event into its row.
func (CurrencyTotals) MoneyWithdrawn(row *CurrencyTotalsRow, e *MoneyWithdrawn, _ cqrs.EventMeta) error {
	var fault checked.Fault
	row.Movements++
	row.Withdrawn = checked.Add(fault.In("withdrawn"), row.Withdrawn, e.Money.Amount)
	row.Held = checked.Sub(fault.In("held"), row.Held, e.Money.Amount)
	return fault.Err()
}
