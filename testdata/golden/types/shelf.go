package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Shelf decides the commands of Shelf, and applies its events to its state. It implements ShelfDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Shelf struct{}

// PutOnShelf decides the command.
func (Shelf) PutOnShelf(s ShelfState, c PutOnShelf, m cqrs.CommandMeta) (PutOnShelfResult, error) {
	return PutOnShelfResult{}, &cqrs.NotImplementedError{Method: "Shelf.PutOnShelf"}
}

// ApplyShelfPut changes the state as the event says.
func (Shelf) ApplyShelfPut(s *ShelfState, e *ShelfPut) error {
	return &cqrs.NotImplementedError{Method: "Shelf.ApplyShelfPut"}
}
