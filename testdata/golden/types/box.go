package types

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Box decides the commands of Box, and applies its events to its state. It implements BoxDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Box struct{}

// FillBox decides the command. It may reject it with BoxIsFull or BoxIsLocked.
func (Box) FillBox(s BoxState, c FillBox, m cqrs.CommandMeta) (FillBoxResult, error) {
	return FillBoxResult{}, &cqrs.NotImplementedError{Method: "Box.FillBox"}
}

// OpenBox decides the command on a new stream.
func (Box) OpenBox(c OpenBox, m cqrs.CommandMeta) (BoxOpened, error) {
	return BoxOpened{}, &cqrs.NotImplementedError{Method: "Box.OpenBox"}
}

// WeighBox decides the command. It may reject it with BoxIsOdd.
func (Box) WeighBox(s BoxState, c WeighBox, m cqrs.CommandMeta) (WeighBoxResult, error) {
	return WeighBoxResult{}, &cqrs.NotImplementedError{Method: "Box.WeighBox"}
}

// NameBox decides the command.
func (Box) NameBox(s BoxState, c NameBox, m cqrs.CommandMeta) (NameBoxResult, error) {
	return NameBoxResult{}, &cqrs.NotImplementedError{Method: "Box.NameBox"}
}

// MoveBox decides the command.
func (Box) MoveBox(s BoxState, c MoveBox, m cqrs.CommandMeta) (MoveBoxResult, error) {
	return MoveBoxResult{}, &cqrs.NotImplementedError{Method: "Box.MoveBox"}
}

// CloseBox decides the command.
func (Box) CloseBox(s BoxState, c CloseBox, m cqrs.CommandMeta) (CloseBoxResult, error) {
	return CloseBoxResult{}, &cqrs.NotImplementedError{Method: "Box.CloseBox"}
}

// ApplyBoxFilled changes the state as the event says.
func (Box) ApplyBoxFilled(s *BoxState, e *BoxFilled) error {
	return &cqrs.NotImplementedError{Method: "Box.ApplyBoxFilled"}
}

// ApplyBoxOpened changes the state as the event says.
func (Box) ApplyBoxOpened(s *BoxState, e *BoxOpened) error {
	return &cqrs.NotImplementedError{Method: "Box.ApplyBoxOpened"}
}

// ApplyBoxWeighed changes the state as the event says.
func (Box) ApplyBoxWeighed(s *BoxState, e *BoxWeighed) error {
	return &cqrs.NotImplementedError{Method: "Box.ApplyBoxWeighed"}
}

// ApplyBoxNamed changes the state as the event says.
func (Box) ApplyBoxNamed(s *BoxState, e *BoxNamed) error {
	return &cqrs.NotImplementedError{Method: "Box.ApplyBoxNamed"}
}

// ApplyBoxClosed changes the state as the event says.
func (Box) ApplyBoxClosed(s *BoxState, e *BoxClosed) error {
	return &cqrs.NotImplementedError{Method: "Box.ApplyBoxClosed"}
}

// ApplyBoxMoved changes the state as the event says.
func (Box) ApplyBoxMoved(s *BoxState, e *BoxMoved) error {
	return &cqrs.NotImplementedError{Method: "Box.ApplyBoxMoved"}
}
