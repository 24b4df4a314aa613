package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// CrateTraffic folds events into the rows of CrateTraffic. It implements CrateTrafficFolds.
//
// This file is yours. It was written once, and is never changed by the generator.
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
