package ledger

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// CurrencyTotals folds events into the rows of CurrencyTotals. It implements CurrencyTotalsFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type CurrencyTotals struct{}

// MoneyDeposited folds the event into its row.
func (CurrencyTotals) MoneyDeposited(row *CurrencyTotalsRow, e *MoneyDeposited, _ cqrs.EventMeta) (err error) {
	row.Movements++
	if row.Deposited, err = add(row.Deposited, e.Money.Amount); err != nil {
		return err
	}
	row.Held, err = add(row.Held, e.Money.Amount)
	return err
}

// MoneyWithdrawn folds the event into its row.
func (CurrencyTotals) MoneyWithdrawn(row *CurrencyTotalsRow, e *MoneyWithdrawn, _ cqrs.EventMeta) (err error) {
	row.Movements++
	if row.Withdrawn, err = add(row.Withdrawn, e.Money.Amount); err != nil {
		return err
	}
	row.Held, err = add(row.Held, -e.Money.Amount)
	return err
}
