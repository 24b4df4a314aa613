package ledger

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// CurrencyTotals folds events into the rows of CurrencyTotals. It implements CurrencyTotalsFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type CurrencyTotals struct{}

// MoneyDeposited folds the event into its row.
func (CurrencyTotals) MoneyDeposited(row *CurrencyTotalsRow, e *MoneyDeposited, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CurrencyTotals.MoneyDeposited"}
}

// MoneyWithdrawn folds the event into its row.
func (CurrencyTotals) MoneyWithdrawn(row *CurrencyTotalsRow, e *MoneyWithdrawn, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CurrencyTotals.MoneyWithdrawn"}
}
