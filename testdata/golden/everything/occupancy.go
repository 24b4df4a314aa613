package everything

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Occupancy counts rooms.
type Occupancy struct{}

// RoomsAllotted adds to the rooms of all types.
func (Occupancy) RoomsAllotted(row *OccupancyRow, e *RoomsAllotted, _ cqrs.EventMeta) error {
	row.Rooms += int64(e.Rooms)
	return nil
}
