package guards

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Ticket decides the commands of Ticket, and applies its events to its state. It implements TicketDecider.
type Ticket struct{}

// OpenTicket opens a ticket, which may be closed at once.
func (Ticket) OpenTicket(c OpenTicket, _ cqrs.CommandMeta) (OpenTicketResult, error) {
	if c.Title == "" {
		return OpenTicketResult{}, NoTitle{}
	}
	r := OpenTicketResult{TicketOpened: TicketOpened{Title: c.Title}}
	if c.Closed {
		r.TicketClosed = cqrs.Some(TicketClosed{})
	}
	return r, nil
}

// RenameTicket changes the title.
func (Ticket) RenameTicket(_ TicketState, c RenameTicket, _ cqrs.CommandMeta) (TicketRenamed, error) {
	return TicketRenamed{Title: c.Title}, nil
}

// StartTicket gives the ticket to somebody.
func (Ticket) StartTicket(_ TicketState, c StartTicket, _ cqrs.CommandMeta) (TicketStarted, error) {
	return TicketStarted{Assignee: c.Assignee}, nil
}

// LookAtTicket stalls the ticket, in whatever phase it is: that is wrong, and has to be found.
func (Ticket) LookAtTicket(_ TicketState, c LookAtTicket, _ cqrs.CommandMeta) (LookAtTicketResult, error) {
	if !c.Stall {
		return LookAtTicketResult{}, nil
	}
	return LookAtTicketResult{TicketStalled: cqrs.Some(TicketStalled{})}, nil
}

// CloseTicket closes the ticket.
func (Ticket) CloseTicket(_ TicketState, _ CloseTicket, _ cqrs.CommandMeta) (TicketClosed, error) {
	return TicketClosed{}, nil
}

// RestartTicket opens the ticket anew and gives it to somebody.
func (Ticket) RestartTicket(_ TicketState, c RestartTicket, _ cqrs.CommandMeta) (RestartTicketResult, error) {
	return RestartTicketResult{TicketStarted: TicketStarted{Assignee: c.Assignee}}, nil
}

// ApplyTicketOpened keeps the title.
func (Ticket) ApplyTicketOpened(s *TicketState, e *TicketOpened) error {
	s.Title = e.Title
	return nil
}

// ApplyTicketRenamed keeps the title.
func (Ticket) ApplyTicketRenamed(s *TicketState, e *TicketRenamed) error {
	s.Title = e.Title
	return nil
}

// ApplyTicketStarted keeps the assignee.
func (Ticket) ApplyTicketStarted(s *TicketState, e *TicketStarted) error {
	s.Assignee = cqrs.Some(e.Assignee)
	return nil
}

// ApplyTicketStalled changes nothing but the phase.
func (Ticket) ApplyTicketStalled(*TicketState, *TicketStalled) error { return nil }

// ApplyTicketClosed changes nothing but the phase.
func (Ticket) ApplyTicketClosed(*TicketState, *TicketClosed) error { return nil }

// ApplyTicketReopened takes the ticket away from its assignee.
func (Ticket) ApplyTicketReopened(s *TicketState, _ *TicketReopened) error {
	s.Assignee = cqrs.Optional[string]{}
	return nil
}
