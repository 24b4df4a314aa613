package plan

import (
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Lifecycle has the names of what a lifecycle brings.
type Lifecycle struct {
	Phase      *Named     // TicketPhase
	NotInPhase *Rejection // TicketNotInPhase
	Field      string     // Phase: the state's field
	Guard      string     // ticketInPhase: the function that rejects commands
	Moves      string     // ticketMoves: the variable that says in which phases events can happen
	// Guards says that a command depends on the phase, Checks that an event does.
	Guards, Checks bool
}

// PhaseConst is the constant of the phase at place i.
func (l *Lifecycle) PhaseConst(i int) string { return l.Phase.Values[i].Go }

// PhaseConsts are the constants of a set of phases.
func (l *Lifecycle) PhaseConsts(s model.PhaseSet) []string {
	var names []string
	for i, v := range l.Phase.Values {
		if s.Has(i) {
			names = append(names, v.Go)
		}
	}
	return names
}

func (p *Plan) newLifecycle(a *Aggregate) *Lifecycle {
	m := a.Aggregate.Lifecycle
	if m == nil {
		return nil
	}
	l := &Lifecycle{
		Phase: p.named[m.Phases], Field: exported(model.PhaseField),
		Guard: unexported(a.Name) + "InPhase", Moves: unexported(a.Name) + "Moves",
	}
	for _, r := range a.Rejections {
		if r.Rejection == m.NotInPhase {
			l.NotInPhase = r
		}
	}
	for _, e := range a.Events {
		l.Checks = l.Checks || e.Checked()
	}
	for _, c := range a.CommandList {
		l.Guards = l.Guards || c.Guarded()
	}
	return l
}

// Checked reports whether there is a phase in which the event can't happen.
func (e *Event) Checked() bool {
	return e.Moves != nil && e.Moves.From != e.Aggregate.Aggregate.Lifecycle.All()
}

// meaningOf is what a lifecycle adds to the fingerprint of a state: which phase the events lead to.
func (l *Lifecycle) meaningOf(events []*Event) string {
	if l == nil {
		return ""
	}
	text := "moves"
	for _, e := range events {
		if e.Moves != nil {
			text += ";" + e.Wire + ":" + strconv.Itoa(e.Moves.To)
		}
	}
	return text
}

func (l *Lifecycle) checkNames(s *scope, a *Aggregate) {
	if l == nil {
		return
	}
	if l.Guards {
		s.add(l.Guard, "the guard of "+a.Name, diag.Span{})
	}
	if l.Checks {
		s.add(l.Moves, "the moves of "+a.Name, diag.Span{})
	}
}
