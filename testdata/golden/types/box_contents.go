package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// BoxContents folds events into the rows of BoxContents. It implements BoxContentsFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type BoxContents struct{}

// BoxFilled folds the event into its row.
func (BoxContents) BoxFilled(row *BoxContentsRow, e *BoxFilled, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxContents.BoxFilled"}
}

// BoxOpened folds the event into its row.
func (BoxContents) BoxOpened(row *BoxContentsRow, e *BoxOpened, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxContents.BoxOpened"}
}

// BoxWeighed folds the event into its row.
func (BoxContents) BoxWeighed(row *BoxContentsRow, e *BoxWeighed, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxContents.BoxWeighed"}
}

// BoxNamed folds the event into its row.
func (BoxContents) BoxNamed(row *BoxContentsRow, e *BoxNamed, m cqrs.EventMeta) error {
	return &cqrs.NotImplementedError{Method: "BoxContents.BoxNamed"}
}
