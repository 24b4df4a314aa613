package streams

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Nights folds events into the rows of Nights. It implements NightsFolds.
type Nights struct{}

// Allotted folds the event into its row.
func (Nights) Allotted(row *NightsRow, e *Allotted, _ cqrs.EventMeta) error {
	row.Free += e.Rooms
	row.Rooms += e.Rooms
	return nil
}

// Taken folds the event into its row.
func (Nights) Taken(row *NightsRow, _ *Taken, _ cqrs.EventMeta) error {
	row.Free--
	return nil
}
