package ledger

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// CurrencyTotals folds events into the rows of CurrencyTotals. It implements CurrencyTotalsFolds.
//
// This file is yours. It was written once, and is never changed by the generator.
type CurrencyTotals struct{}

// MoneyDeposited folds the event into its row.
func (CurrencyTotals) MoneyDeposited(row *CurrencyTotalsRow, e *MoneyDeposited, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CurrencyTotals.MoneyDeposited"}
}

// MoneyWithdrawn folds the event into its row.
func (CurrencyTotals) MoneyWithdrawn(row *CurrencyTotalsRow, e *MoneyWithdrawn, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CurrencyTotals.MoneyWithdrawn"}
}
