package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Crate decides the commands of Crate, and applies its events to its state. It implements CrateDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Crate struct{}

// BuildCrate decides the command on a new stream.
func (Crate) BuildCrate(c BuildCrate, m cqrs.CommandMeta) (CrateBuilt, error) {
	return CrateBuilt{}, &cqrs.NotImplementedError{Method: "Crate.BuildCrate"}
}

// BurnCrate decides the command.
func (Crate) BurnCrate(s CrateState, c BurnCrate, m cqrs.CommandMeta) (CrateBurned, error) {
	return CrateBurned{}, &cqrs.NotImplementedError{Method: "Crate.BurnCrate"}
}

// ApplyCrateBuilt changes the state as the event says.
func (Crate) ApplyCrateBuilt(s *CrateState, e *CrateBuilt) error {
	return &cqrs.NotImplementedError{Method: "Crate.ApplyCrateBuilt"}
}

// ApplyCrateBurned changes the state as the event says.
func (Crate) ApplyCrateBurned(s *CrateState, e *CrateBurned) error {
	return &cqrs.NotImplementedError{Method: "Crate.ApplyCrateBurned"}
}
