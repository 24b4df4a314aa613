package everything

import (
	"strconv"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Booking decides what becomes of a booking.
type Booking struct{}

// RequestBooking takes a room for each night, or none at all.
func (Booking) RequestBooking(also RequestBookingAlso, c RequestBooking, _ cqrs.CommandMeta) (RequestBookingResult, error) {
	r := RequestBookingResult{
		BookingRequested: BookingRequested{Guest: c.Guest, Stay: c.Stay, Extras: c.Extras, From: c.From},
	}
	for i, night := range c.Nights {
		if !also.Settings.Open || also.Nights[i].Free == 0 {
			return r, FullyBooked{Night: night}
		}
		id := AllotmentID{Hotel: c.Hotel, RoomType: c.Room, Night: night}
		r.NightsRoomTaken = append(r.NightsRoomTaken, cqrs.To[AllotmentID, RoomTaken]{ID: id})
	}
	if visits := also.Payer.Visits; visits > 0 {
		r.PayerNoteKept = cqrs.Some(NoteKept{Name: "regular", Text: "came " + strconv.FormatInt(visits, 10) + " times"})
	}
	return r, nil
}

// ConfirmBooking confirms.
func (Booking) ConfirmBooking(_ BookingState, c ConfirmBooking, _ cqrs.CommandMeta) (BookingConfirmed, error) {
	return BookingConfirmed{Deposit: c.Deposit, Until: c.Until}, nil
}

// OrderExtra adds to the bill.
func (Booking) OrderExtra(_ BookingState, c OrderExtra, _ cqrs.CommandMeta) (ExtraOrdered, error) {
	return ExtraOrdered{Extra: c.Extra}, nil
}

// Arrive gives away a drink to everybody who waited.
func (Booking) Arrive(s BookingState, c Arrive, _ cqrs.CommandMeta) (ArriveResult, error) {
	r := ArriveResult{GuestArrived: GuestArrived{Room: c.Room, Waited: c.Waited}}
	if c.Waited > 0 {
		r.ExtraOrdered = []ExtraOrdered{{Extra: Extra{Name: "Drink", Quantity: s.Stay.Guests}}}
	}
	return r, nil
}

// Leave keeps the rating, if there is one.
func (Booking) Leave(_ BookingState, c Leave, _ cqrs.CommandMeta) (LeaveResult, error) {
	r := LeaveResult{GuestLeft: GuestLeft{Photo: c.Photo}}
	if rating, ok := c.Rating.Get(); ok {
		r.StayRated = cqrs.Some(StayRated{Rating: rating, Words: c.Words})
	}
	return r, nil
}

// CancelBooking is possible until the day of arrival.
func (Booking) CancelBooking(s BookingState, c CancelBooking, m cqrs.CommandMeta) (BookingCancelled, error) {
	if !cqrs.DateOf(m.Time).Before(s.Stay.Arrival) {
		return BookingCancelled{}, TooLate{}
	}
	return BookingCancelled{Reason: c.Reason}, nil
}

// ApplyStayRated is the one fold of the aggregate that is written out.
func (Booking) ApplyStayRated(s *BookingState, e *StayRated) error {
	s.Rating = cqrs.Some(e.Rating)
	return nil
}
