package hotel

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Arrivals folds events into the rows of Arrivals. It implements ArrivalsFolds.
type Arrivals struct{}

// Booked folds the event into its row.
func (Arrivals) Booked(row *ArrivalsRow, e *Booked, m cqrs.EventMeta) error {
	row.Guests = e.Adults + e.Children
	return nil
}

// Moved folds the event into its row.
func (Arrivals) Moved(row *ArrivalsRow, e *Moved, m cqrs.EventMeta) error {
	row.Day = cqrs.Some(e.To)
	return nil
}

// Cancellations folds events into the rows of Cancellations. It implements CancellationsFolds.
type Cancellations struct{}

// Cancelled folds the event into its row.
func (Cancellations) Cancelled(row *CancellationsRow, e *Cancelled, m cqrs.EventMeta) error {
	row.Times++
	return nil
}
