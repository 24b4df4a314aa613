package minimal

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Door decides the commands of Door, and applies its events to its state. It implements DoorDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Door struct{}

// Open decides the command on a new stream.
func (Door) Open(c Open, m cqrs.CommandMeta) (Opened, error) {
	return Opened{}, &cqrs.NotImplementedError{Method: "Door.Open"}
}

// ApplyOpened changes the state as the event says.
func (Door) ApplyOpened(s *DoorState, e *Opened) error {
	return &cqrs.NotImplementedError{Method: "Door.ApplyOpened"}
}
