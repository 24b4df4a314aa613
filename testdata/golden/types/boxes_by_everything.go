package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// BoxesByEverything folds events into the rows of BoxesByEverything. It implements BoxesByEverythingFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type BoxesByEverything struct{}

// BoxOpened folds the event into its row.
func (BoxesByEverything) BoxOpened(row *BoxesByEverythingRow, e *BoxOpened, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxesByEverything.BoxOpened"}
}

// BoxFilled folds the event into its row.
func (BoxesByEverything) BoxFilled(row *BoxesByEverythingRow, e *BoxFilled, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxesByEverything.BoxFilled"}
}
