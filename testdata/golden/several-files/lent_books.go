package library

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// LentBooks folds events into the rows of LentBooks. It implements LentBooksFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type LentBooks struct{}

// BookLent folds the event into its row.
func (LentBooks) BookLent(row *LentBooksRow, e *BookLent, m cqrs.EventMeta) error {
	row.Until = e.Until
	return nil
}
