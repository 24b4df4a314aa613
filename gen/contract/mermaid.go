package contract

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// markdown is a page for forges, which draw the diagrams in it: what commands lead to, what events are folded into, and
// the lifecycles.
func markdown(p *plan.Plan) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- %s -->\n\n# %s\n\n", Mark(p.Model.File), p.Model.Package)
	if p.Model.Doc != "" {
		b.WriteString(plainText(p.Model.Doc) + "\n\n")
	}
	fmt.Fprintf(&b, "```mermaid\n%s```\n", flow(p))
	if states := lifecycles(p.Model); states != "" {
		fmt.Fprintf(&b, "\n## Lifecycles\n\n```mermaid\n%s```\n", states)
	}
	for _, a := range p.Aggregates {
		writeAggregate(&b, a)
	}
	if len(p.Projections) > 0 {
		b.WriteString("\n## Projections\n\n| projection | folds | |\n|---|---|---|\n")
	}
	for _, pr := range p.Projections {
		var folds []string
		for _, h := range pr.Handlers {
			folds = append(folds, h.Event.Name)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", pr.Name, strings.Join(folds, ", "), cell(pr.Doc))
	}
	return []byte(b.String())
}

// writeAggregate writes the tables of an aggregate.
func writeAggregate(b *strings.Builder, a *plan.Aggregate) {
	fmt.Fprintf(b, "\n## %s\n\n", a.Name)
	if a.Doc != "" {
		b.WriteString(plainText(a.Doc) + "\n\n")
	}
	if len(a.CommandList) > 0 {
		b.WriteString("| command | leads to | can be refused with | |\n|---|---|---|---|\n")
	}
	for _, c := range a.CommandList {
		var emits, rejects []string
		for _, x := range c.Emits {
			emits = append(emits, x.Text)
		}
		for _, r := range c.Rejects {
			rejects = append(rejects, r.Name)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", c.Name, strings.Join(emits, ", "), strings.Join(rejects, ", "), cell(c.Doc))
	}
	if len(a.Events) > 0 {
		b.WriteString("\n| event | version | |\n|---|---|---|\n")
	}
	for _, e := range a.Events {
		text := paragraphs(e.Doc, retiredText(e), personalText(e.Event.Fields))
		fmt.Fprintf(b, "| %s | %d | %s |\n", e.Name, max(1, e.Version), cell(text))
	}
	if len(a.Former) > 0 {
		b.WriteString("\n| former event | last version | read as | |\n|---|---|---|---|\n")
	}
	for _, f := range a.Former {
		text := paragraphs(f.Doc, personalText(f.Event.Event.Fields))
		fmt.Fprintf(b, "| %s | %d | %s | %s |\n", f.Name, max(1, f.Version), cmp.Or(strings.Join(becomesOf(f), ", "), "nothing: it is skipped"), cell(text))
	}
}

// retiredText says of an event that is still folded that nothing leads to it any more.
func retiredText(e *plan.Event) string {
	if !e.Event.Retired {
		return ""
	}
	return "No command leads to it any more."
}

// personalText names the fields that hold a person's data.
func personalText(fields []*model.Field) string {
	var names []string
	for _, f := range fields {
		if f.Personal {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Personal: " + strings.Join(names, ", ") + "."
}

// cell is a text in a table.
func cell(text string) string {
	return strings.Join(strings.Fields(strings.Join(strings.Split(plainText(text), "\n"), " ")), " ")
}

// flow is a flowchart: commands lead to events, events to projections. Nodes are named by what they are besides, so
// that none is a word of the diagram's own.
func flow(p *plan.Plan) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, a := range p.Aggregates {
		fmt.Fprintf(&b, "    subgraph aggregate_%s [%q]\n", a.Name, a.Name)
		for _, c := range a.CommandList {
			fmt.Fprintf(&b, "        command_%s[%q]:::command\n", c.Go, c.Name)
		}
		for _, e := range a.Events {
			fmt.Fprintf(&b, "        event_%s[%q]:::event\n", e.Go, e.Name)
		}
		b.WriteString("    end\n")
	}
	for _, pr := range p.Projections {
		fmt.Fprintf(&b, "    projection_%s[(%q)]:::projection\n", pr.Name, pr.Name)
	}
	for _, a := range p.Aggregates {
		for _, c := range a.CommandList {
			for _, x := range c.Emits {
				for _, e := range x.Events {
					fmt.Fprintf(&b, "    command_%s --> %sevent_%s\n", c.Go, often(x.Emit), e.Go)
				}
			}
		}
	}
	for _, pr := range p.Projections {
		for _, h := range pr.Handlers {
			fmt.Fprintf(&b, "    event_%s --> projection_%s\n", h.Event.Go, pr.Name)
		}
	}
	b.WriteString("    classDef command fill:#cfe2ff,stroke:#1d4f91,color:#0b2545\n" +
		"    classDef event fill:#ffe3c2,stroke:#a65a00,color:#4a2800\n" +
		"    classDef projection fill:#d8f0d3,stroke:#2c6e2f,color:#10350f\n")
	return b.String()
}

// often is the label of an arrow to an event that need not happen just once.
func often(x *model.Emit) string {
	switch {
	case len(x.Events) > 1:
		return "|or| "
	case x.Times == model.Once:
		return ""
	}
	return "|" + timesWord[x.Times] + "| "
}

var timesWord = map[model.Times]string{model.Maybe: "maybe", model.Some: "some", model.Many: "many"}

// lifecycles is a state diagram in the language of Mermaid, with the lifecycle of each aggregate that has one. It is
// empty if none has.
//
//	stateDiagram-v2
//	    state "Ticket" as Ticket_ {
//	        state "new" as Ticket_new
//	        [*] --> Ticket_new
//	        Ticket_new --> Ticket_closed: TicketClosed
//	        Ticket_closed --> [*]
//	    }
func lifecycles(m *model.Model) string {
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
