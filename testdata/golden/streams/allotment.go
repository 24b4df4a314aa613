package streams

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Allotment decides the commands of Allotment, and applies its events to its state. It implements AllotmentDecider.
type Allotment struct{}

// Allot decides the command.
func (Allotment) Allot(_ AllotmentState, c Allot, _ cqrs.CommandMeta) (Allotted, error) {
	return Allotted{Rooms: c.Rooms}, nil
}

// Take decides the command. It may reject it with SoldOut.
func (Allotment) Take(s AllotmentState, _ Take, _ cqrs.CommandMeta) (Taken, error) {
	if s.Free == 0 {
		return Taken{}, SoldOut{}
	}
	return Taken{}, nil
}

// ApplyAllotted changes the state as the event says.
func (Allotment) ApplyAllotted(s *AllotmentState, e *Allotted) error {
	s.Free += e.Rooms
	return nil
}

// ApplyTaken changes the state as the event says.
func (Allotment) ApplyTaken(s *AllotmentState, _ *Taken) error {
	s.Free--
	return nil
}
