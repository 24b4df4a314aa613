package guards

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// OpenTickets folds events into the rows of OpenTickets. It implements OpenTicketsFolds.
type OpenTickets struct{}

// TicketOpened makes the row.
func (OpenTickets) TicketOpened(row *OpenTicketsRow, e *TicketOpened, _ cqrs.EventMeta) error {
	row.Title, row.Phase = e.Title, TicketPhaseNew
	return nil
}

// TicketClosed keeps the phase.
func (OpenTickets) TicketClosed(row *OpenTicketsRow, _ *TicketClosed, _ cqrs.EventMeta) error {
	row.Phase = TicketPhaseClosed
	return nil
}
