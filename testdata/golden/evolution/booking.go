package hotel

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Booking decides the commands of Booking, and applies its events to its state. It implements BookingDecider.
type Booking struct{}

// Book decides the command on a new stream.
func (Booking) Book(c Book, m cqrs.CommandMeta) (Booked, error) {
	return Booked{Adults: c.Adults, Source: SourceWeb}, nil
}

// Move decides the command.
func (Booking) Move(s BookingState, c Move, m cqrs.CommandMeta) (Moved, error) {
	return Moved{To: c.To}, nil
}

// Cancel decides the command.
func (Booking) Cancel(s BookingState, c Cancel, m cqrs.CommandMeta) (Cancelled, error) {
	return Cancelled{}, nil
}

// Pay decides the command.
func (Booking) Pay(s BookingState, c Pay, m cqrs.CommandMeta) (Paid, error) {
	return Paid{Amount: c.Amount, By: SourceWeb}, nil
}

// Note decides the command.
func (Booking) Note(s BookingState, c Note, m cqrs.CommandMeta) (Noted, error) {
	return Noted{Text: c.Text}, nil
}

// ApplyBooked changes the state as the event says.
func (Booking) ApplyBooked(s *BookingState, e *Booked) error {
	s.Guests = e.Adults + e.Children
	return nil
}

// ApplyMoved changes the state as the event says.
func (Booking) ApplyMoved(s *BookingState, e *Moved) error {
	s.To = cqrs.Some(e.To)
	return nil
}

// ApplyPaid changes the state as the event says.
func (Booking) ApplyPaid(s *BookingState, e *Paid) error {
	s.Paid += e.Amount.Amount
	return nil
}

// ApplyCancelled changes the state as the event says.
func (Booking) ApplyCancelled(s *BookingState, e *Cancelled) error {
	s.Cancelled = true
	return nil
}
