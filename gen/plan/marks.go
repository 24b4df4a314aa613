package plan

import "strconv"

// InGo stands for a fold that the team writes: nothing is declared of what it does.
const InGo = "go"

// FoldMark tells apart what is declared of how the event changes the state; it is empty where nothing is, and the team
// writes the fold.
func (e *Event) FoldMark() string {
	moves := ""
	if e.Moves != nil {
		moves = "moves " + strconv.Itoa(e.Moves.To)
	}
	if e.Event.Apply == nil {
		return moves
	}
	return digest("apply", meaningOf([]*Event{e}), moves)
}

// FoldMark tells apart what is declared of how the event changes rows. Where a part of it is the team's, it begins with InGo.
func (h *Handler) FoldMark() string {
	parts, mark := []string{"fold"}, ""
	for _, f := range h.Folds {
		parts = append(parts, f.meaning()...)
		if f.InGo() || f.KeyInGo {
			mark = InGo + " "
		}
	}
	return mark + digest(parts...)
}
