// Package contract says in other languages than Go what a model means to its readers.
package contract

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Mermaid returns a state diagram in the language of Mermaid, with the lifecycle of each aggregate that has one. It is
// empty if none has.
//
//	stateDiagram-v2
//	    state "Ticket" as Ticket_ {
//	        state "new" as Ticket_new
//	        [*] --> Ticket_new
//	        Ticket_new --> Ticket_closed: TicketClosed
//	        Ticket_closed --> [*]
//	    }
func Mermaid(m *model.Model) string {
	var b strings.Builder
	for _, a := range m.Aggregates {
		if a.Lifecycle == nil {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("stateDiagram-v2\n")
		}
		writeLifecycle(&b, a)
	}
	return b.String()
}

// writeLifecycle writes the phases of an aggregate and the events between them. Phases are named by their aggregate
// besides, so that none is a word of the diagram's own, such as "end".
func writeLifecycle(b *strings.Builder, a *model.Aggregate) {
	phases := a.Lifecycle.Phases.Values
	name := func(i int) string { return a.Name + "_" + phases[i].Name }
	line := func(parts ...string) { b.WriteString("        " + strings.Join(parts, "") + "\n") }

	b.WriteString(`    state "` + a.Name + `" as ` + a.Name + "_ {\n")
	for i, p := range phases {
		line(`state "`, p.Name, `" as `, name(i))
	}
	line("[*] --> ", name(0))
	for _, e := range a.Events {
		if e.Moves == nil {
			continue
		}
		for i := range phases {
			if e.Moves.From.Has(i) {
				line(name(i), " --> ", name(e.Moves.To), ": ", e.Name)
			}
		}
	}
	for i := range phases {
		if a.Ends(i) {
			line(name(i), " --> [*]")
		}
	}
	b.WriteString("    }\n")
}
