package folds

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Board decides as its caller wishes: the tests are about folds.
type Board struct{}

// script is what Do returns.
var script func(s BoardState) DoResult

// Open decides the command on a new stream.
func (Board) Open(c Open, _ cqrs.CommandMeta) (BoardOpened, error) {
	return BoardOpened(c), nil
}

// Close decides the command.
func (Board) Close(_ BoardState, c Close, _ cqrs.CommandMeta) (BoardClosed, error) {
	return BoardClosed(c), nil
}

// Do decides the command. It may reject it with Closed.
func (Board) Do(s BoardState, _ Do, _ cqrs.CommandMeta) (DoResult, error) {
	if !s.Open {
		return DoResult{}, Closed{}
	}
	return script(s), nil
}

// Plan decides the command.
func (Board) Plan(_ BoardState, c Plan, _ cqrs.CommandMeta) (StayPlanned, error) {
	return StayPlanned{Stay: c.Stay}, nil
}

// Sum decides the command. What it says of the state is replaced.
func (Board) Sum(_ BoardState, c Sum, _ cqrs.CommandMeta) (Summed, error) {
	return Summed{Total: -1, Next: -1, Members: cqrs.SetOf[User]("nobody"), Note: c.Note}, nil
}

// ApplyBoardClosed changes the state as the event says.
func (Board) ApplyBoardClosed(s *BoardState, _ *BoardClosed) error {
	s.Open = false
	return nil
}
