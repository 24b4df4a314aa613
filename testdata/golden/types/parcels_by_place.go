package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// ParcelsByPlace folds events into the rows of ParcelsByPlace. It implements ParcelsByPlaceFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type ParcelsByPlace struct{}

// ParcelSent folds the event into its row.
func (ParcelsByPlace) ParcelSent(row *ParcelsByPlaceRow, e *ParcelSent, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "ParcelsByPlace.ParcelSent"}
}
