package minimal

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Door decides the commands of Door, and applies its events to its state. It implements DoorDecider.
//
// This file is yours. It was written once, and is never changed by the generator.
type Door struct{}

// Open decides the command on a new stream.
func (Door) Open(c Open, m cqrs.CommandMeta) (Opened, error) {
	return Opened{}, &cqrs.NotImplementedError{Method: "Door.Open"}
}

// ApplyOpened changes the state as the event says.
func (Door) ApplyOpened(s *DoorState, e *Opened) error {
	return &cqrs.NotImplementedError{Method: "Door.ApplyOpened"}
}
