package schema

import (
	"regexp"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// AnyPhase stands for every phase in `moves`.
const AnyPhase = "any"

// Moves says from which phases an event can happen, and which phase it leads to. The zero Moves was not written, or was
// reported.
type Moves struct {
	// From are names of phases, or the one word AnyPhase.
	From []Text
	To   Text
}

// Given reports whether the moves were written.
func (m Moves) Given() bool { return m.To.Given() }

var movesForm = regexp.MustCompile(`^\s*([A-Za-z0-9_]+(?:\s*\|\s*[A-Za-z0-9_]+)*)\s*->\s*([A-Za-z0-9_]+)\s*$`)

// otherArrows are arrows of other notations.
var otherArrows = strings.NewReplacer("→", "->", "=>", "->", "-->", "->", "⇒", "->")

// moves reads `new|stalled -> inProgress`.
func (p *parser) moves(e entry) Moves {
	t, ok := p.text(e)
	if !ok {
		return Moves{}
	}
	at := movesForm.FindStringSubmatchIndex(t.Value)
	if at == nil {
		hint := "write `new|stalled -> inProgress`, or `any -> closed`"
		words := strings.NewReplacer(" or ", "|", ", ", "|", ",", "|", " to ", " -> ").Replace(otherArrows.Replace(t.Value))
		if movesForm.MatchString(words) {
			hint = "write `" + words + "`"
		}
		p.errorf(diag.MovesSpelling, t.At, hint, "%q does not say from which phases an event moves to which", t.Value)
		return Moves{}
	}
	part := func(from, to int) Text { return Text{Value: t.Value[from:to], At: within(t.At, t.Value, from, to)} }
	m := Moves{To: part(at[4], at[5])}
	for _, w := range phaseWord.FindAllStringIndex(t.Value[at[2]:at[3]], -1) {
		m.From = append(m.From, part(at[2]+w[0], at[2]+w[1]))
	}
	return m
}

var phaseWord = regexp.MustCompile(`[A-Za-z0-9_]+`)
