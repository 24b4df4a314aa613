package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// BoxesByName folds events into the rows of BoxesByName. It implements BoxesByNameFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type BoxesByName struct{}

// BoxNamed folds the event into its row.
func (BoxesByName) BoxNamed(row *BoxesByNameRow, e *BoxNamed, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxesByName.BoxNamed"}
}
