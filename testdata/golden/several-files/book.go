package library

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Book decides the commands of Book, and applies its events to its state. It implements BookDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Book struct{}

// AddBook decides the command on a new stream.
func (Book) AddBook(c AddBook, m cqrs.CommandMeta) (BookAdded, error) {
	return BookAdded{Title: c.Title}, nil
}

// LendBook decides the command. It may reject it with AlreadyLent.
func (Book) LendBook(s BookState, c LendBook, m cqrs.CommandMeta) (BookLent, error) {
	if _, lent := s.Lent.Get(); lent {
		return BookLent{}, AlreadyLent{Until: c.Until}
	}
	return BookLent{To: c.To, Until: c.Until}, nil
}

// ReturnBook decides the command.
func (Book) ReturnBook(s BookState, c ReturnBook, m cqrs.CommandMeta) (ReturnBookResult, error) {
	if !s.Lent.Present() {
		return ReturnBookResult{}, nil
	}
	return ReturnBookResult{BookReturned: cqrs.Some(BookReturned{})}, nil
}

// ApplyBookAdded changes the state as the event says.
func (Book) ApplyBookAdded(s *BookState, e *BookAdded) error {
	return nil
}

// ApplyBookLent changes the state as the event says.
func (Book) ApplyBookLent(s *BookState, e *BookLent) error {
	s.Lent = cqrs.Some(e.To)
	return nil
}

// ApplyBookReturned changes the state as the event says.
func (Book) ApplyBookReturned(s *BookState, e *BookReturned) error {
	s.Lent = cqrs.Optional[MemberID]{}
	return nil
}
