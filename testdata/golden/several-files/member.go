package library

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Member decides the commands of Member, and applies its events to its state. It implements MemberDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Member struct{}

// Join decides the command on a new stream.
func (Member) Join(c Join, m cqrs.CommandMeta) (MemberJoined, error) {
	return MemberJoined{Name: c.Name}, nil
}

// Leave decides the command.
func (Member) Leave(s MemberState, c Leave, m cqrs.CommandMeta) (MemberLeft, error) {
	return MemberLeft{}, nil
}

// ApplyMemberJoined changes the state as the event says.
func (Member) ApplyMemberJoined(s *MemberState, e *MemberJoined) error {
	return nil
}

// ApplyMemberLeft changes the state as the event says.
func (Member) ApplyMemberLeft(s *MemberState, e *MemberLeft) error {
	return nil
}
