package aggregate

import (
	"fmt"
	"slices"
	"strings"
)

// Moves has the phases in which events can happen, by the events' wire names. An event that is not in it can happen in
// any phase. Generated code makes it.
type Moves[P ~string] map[string][]P

// Check returns a *MoveError if a new event can't happen in a phase. Stored events are never checked: they happened.
func (m Moves[P]) Check(phase P, event string) error {
	allowed, depends := m[event]
	if !depends || slices.Contains(allowed, phase) {
		return nil
	}
	e := &MoveError{Event: event, Phase: string(phase)}
	for _, p := range allowed {
		e.Allowed = append(e.Allowed, string(p))
	}
	return e
}

// MoveError says that a decider returned an event that can't happen in the phase that its stream is in, so that
// nothing was stored. The decider is at fault: where the caller is, the command is rejected before it is decided.
type MoveError struct {
	Event, Phase string
	// Allowed are the phases in which the event can happen.
	Allowed []string
}

func (e *MoveError) Error() string {
	return fmt.Sprintf("the decider returned the event %s, which moves from %s and can't happen in %s",
		e.Event, oneOf(e.Allowed), e.Phase)
}

// NotInPhase is the text of the rejection of a command that is given in a phase in which it can't be.
func NotInPhase[P ~string](aggregate, command string, phase P, allowed []P) string {
	return fmt.Sprintf("%s needs the %s to be %s, and it is %s", command, aggregate, oneOf(allowed), phase)
}

// oneOf lists names as a choice: "new, open or closed".
func oneOf[P ~string](names []P) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(n))
	}
	return b.String()
}
