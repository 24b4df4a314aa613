package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// CrateTraffic folds events into the rows of CrateTraffic. It implements CrateTrafficFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type CrateTraffic struct{}

// CrateBuilt folds the event into its row.
func (CrateTraffic) CrateBuilt(row *CrateTrafficRow, e *CrateBuilt, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CrateTraffic.CrateBuilt"}
}

// BoxMoved folds the event into its row.
func (CrateTraffic) BoxMoved(row *CrateTrafficRow, e *BoxMoved, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CrateTraffic.BoxMoved"}
}

// ParcelSent folds the event into its row.
func (CrateTraffic) ParcelSent(row *CrateTrafficRow, e *ParcelSent, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "CrateTraffic.ParcelSent"}
}
