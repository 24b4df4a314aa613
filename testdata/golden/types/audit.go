package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Audit folds events into the rows of Audit. It implements AuditFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Audit struct{}

// CrateBuilt folds the event into its row.
func (Audit) CrateBuilt(row *AuditRow, e *CrateBuilt, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "Audit.CrateBuilt"}
}

// BoxMoved folds the event into its row.
func (Audit) BoxMoved(row *AuditRow, e *BoxMoved, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "Audit.BoxMoved"}
}
