package rows

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Nights folds the nights of a booking into their rows.
type Nights struct{}

// RoomBooked is called once for each night.
func (Nights) RoomBooked(row *NightsRow, e *RoomBooked, _ cqrs.Date, _ cqrs.EventMeta) error {
	row.Guests++
	row.Last = e.Guest
	row.Names = append(row.Names, string(e.Guest))
	return nil
}
