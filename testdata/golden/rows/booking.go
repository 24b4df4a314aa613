package rows

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Booking accepts every command, and keeps no state.
type Booking struct{}

func (Booking) BookRoom(_ BookingState, c BookRoom, _ cqrs.CommandMeta) (RoomBooked, error) {
	return RoomBooked(c), nil
}

func (Booking) DropBooking(_ BookingState, c DropBooking, _ cqrs.CommandMeta) (BookingDropped, error) {
	return BookingDropped(c), nil
}

func (Booking) CountItem(_ BookingState, c CountItem, _ cqrs.CommandMeta) (ItemCounted, error) {
	return ItemCounted(c), nil
}

func (Booking) ApplyRoomBooked(*BookingState, *RoomBooked) error { return nil }

func (Booking) ApplyBookingDropped(*BookingState, *BookingDropped) error { return nil }

func (Booking) ApplyItemCounted(*BookingState, *ItemCounted) error { return nil }
