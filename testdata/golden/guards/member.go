package guards

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Member decides the commands of Member, and applies its events to its state. It implements MemberDecider.
type Member struct{}

// Join lets somebody in.
func (Member) Join(c Join, _ cqrs.CommandMeta) (MemberJoined, error) {
	return MemberJoined{Name: c.Name, Email: c.Email}, nil
}

// ChangeEmail changes the email, if it is another one.
func (Member) ChangeEmail(s MemberState, c ChangeEmail, _ cqrs.CommandMeta) (ChangeEmailResult, error) {
	if s.Email == c.Email {
		return ChangeEmailResult{}, nil
	}
	return ChangeEmailResult{EmailChanged: cqrs.Some(EmailChanged{Email: c.Email})}, nil
}

// RenameMember changes the name.
func (Member) RenameMember(_ MemberState, c RenameMember, _ cqrs.CommandMeta) (MemberRenamed, error) {
	return MemberRenamed{Name: c.Name}, nil
}

// TakeSeat takes a seat in a team.
func (Member) TakeSeat(_ MemberState, c TakeSeat, _ cqrs.CommandMeta) (SeatTook, error) {
	return SeatTook{Team: c.Team, Seat: c.Seat}, nil
}

// ApplyMemberJoined keeps name and email.
func (Member) ApplyMemberJoined(s *MemberState, e *MemberJoined) error {
	s.Name, s.Email = e.Name, e.Email
	return nil
}

// ApplyEmailChanged keeps the email.
func (Member) ApplyEmailChanged(s *MemberState, e *EmailChanged) error {
	s.Email = e.Email
	return nil
}

// ApplyMemberRenamed keeps the name.
func (Member) ApplyMemberRenamed(s *MemberState, e *MemberRenamed) error {
	s.Name = e.Name
	return nil
}

// ApplySeatTook keeps team and seat.
func (Member) ApplySeatTook(s *MemberState, e *SeatTook) error {
	s.Team, s.Seat = e.Team, e.Seat
	return nil
}
