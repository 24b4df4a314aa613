package evolve

import (
	"fmt"
	"strings"
)

// Text writes outcomes as people read them: a line for each, and below it why, and what else is to be known.
//
//	projection  Doors  rebuild    cae06467aff0ef3b -> 84863619888174a3
//	    changed: the row has the new field closed
func Text(list []Outcome) string {
	width := 0
	for _, o := range list {
		width = max(width, len(o.Name))
	}
	var b strings.Builder
	for _, o := range list {
		line := fmt.Sprintf("  %-10s  %-*s  %-9s", o.Element, width, o.Name, o.Action)
		if o.Action == Rebuild || o.Action == Build {
			line += "  " + strings.TrimPrefix(o.From+" -> "+o.To, " ")
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		for _, reason := range o.Reasons {
			if o.changed() {
				reason = "changed: " + reason
			}
			b.WriteString("      " + reason + "\n")
		}
		for _, note := range o.Notes {
			b.WriteString("      " + note + "\n")
		}
	}
	return b.String()
}

// changed reports whether there was something before, and is something now.
func (o *Outcome) changed() bool {
	return o.Action == Nothing || o.Action == Snapshots || o.Action == Rebuild
}
