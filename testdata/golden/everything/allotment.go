package everything

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Allotment decides about the rooms of one type for one night.
type Allotment struct{}

// Allot adds rooms.
func (Allotment) Allot(_ AllotmentState, c Allot, _ cqrs.CommandMeta) (RoomsAllotted, error) {
	return RoomsAllotted{Rooms: c.Rooms, Price: c.Price}, nil
}

// Take takes a room, also where there is none: the fold then refuses, since a number of rooms can't be negative.
func (Allotment) Take(AllotmentState, Take, cqrs.CommandMeta) (RoomTaken, error) {
	return RoomTaken{}, nil
}
