package everything

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Guest decides what guests ask for.
type Guest struct{}

// Register takes a guest in. That no two have one address is what the model says.
func (Guest) Register(c Register, _ cqrs.CommandMeta) (GuestRegistered, error) {
	return GuestRegistered{Email: c.Email, Languages: c.Languages}, nil
}

// ChangeEmail leads to nothing where the address is the old one.
func (Guest) ChangeEmail(s GuestState, c ChangeEmail, _ cqrs.CommandMeta) (ChangeEmailResult, error) {
	if s.Email == c.Email {
		return ChangeEmailResult{}, nil
	}
	return ChangeEmailResult{EmailChanged: cqrs.Some(EmailChanged{Email: c.Email, Reason: c.Reason})}, nil
}

// Note keeps a note, or drops it.
func (d Guest) Note(s GuestState, c Note, m cqrs.CommandMeta) (NoteResult, error) {
	if text, ok := c.Text.Get(); ok {
		return &NoteKept{Name: c.Name, Text: text}, nil
	}
	e, err := d.DropNote(s, DropNote{Name: c.Name}, m)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// DropNote refuses to drop what is not there.
func (Guest) DropNote(s GuestState, c DropNote, _ cqrs.CommandMeta) (NoteDropped, error) {
	if _, ok := s.Notes[c.Name]; !ok {
		return NoteDropped{}, NoSuchNote{Name: c.Name}
	}
	return NoteDropped{Name: c.Name}, nil
}

// Pay leaves the number of visits to the model, which takes it from the state.
func (Guest) Pay(_ GuestState, c Pay, _ cqrs.CommandMeta) (VisitPaid, error) {
	return VisitPaid{Money: c.Money}, nil
}
