package inline

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Show decides the commands of Show, and applies its events to its state. It implements ShowDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Show struct{}

// Offer decides the command.
func (Show) Offer(s ShowState, c Offer, m cqrs.CommandMeta) (SeatsOffered, error) {
	return SeatsOffered{Hall: c.Hall, Seats: c.Seats}, nil
}

// Take decides the command.
func (Show) Take(s ShowState, c Take, m cqrs.CommandMeta) (SeatsTaken, error) {
	return SeatsTaken{Hall: c.Hall, Seats: c.Seats}, nil
}

// ApplySeatsOffered changes the state as the event says.
func (Show) ApplySeatsOffered(s *ShowState, e *SeatsOffered) error {
	return nil
}

// ApplySeatsTaken changes the state as the event says.
func (Show) ApplySeatsTaken(s *ShowState, e *SeatsTaken) error {
	return nil
}
