package inline

import (
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// SeatsLeft folds events into the rows of SeatsLeft. It implements SeatsLeftFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type SeatsLeft struct{}

// SeatsTaken folds the event into its row.
func (SeatsLeft) SeatsTaken(row *SeatsLeftRow, e *SeatsTaken, m cqrs.EventMeta) error {
	if row.Left < e.Seats {
		return fmt.Errorf("%d seats of %d can't be taken", e.Seats, row.Left)
	}
	row.Left -= e.Seats
	return nil
}
