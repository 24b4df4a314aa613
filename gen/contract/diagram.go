package contract

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// The event model is drawn as event modelling does: a lane for each aggregate, with its commands above its events, and
// below all of them a bar for each projection. Each event has a column of its own, down which a line leads to the
// projections that fold it.

// Lengths of the drawing, in pixels.
const (
	columnWidth = 184
	boxWidth    = 164
	margin      = 20
	lineHeight  = 16
	boxPadding  = 10
	laneTitle   = 30
	arrowRoom   = 56
	laneGap     = 16
	barGap      = 14
	// lettersWide is how many letters stand beside each other in a box.
	lettersWide = 22
)

// drawing is the diagram of a model.
type drawing struct {
	Width, Height int
	Lanes         []lane
	Lines         []upright
	Arrows        []arrow
	Boxes         []box
	Bars          []bar
	Dots          []dot
}

// lane is the band of an aggregate. Its title stands above its first column.
type lane struct {
	Y, Height, TitleX, TitleY int
	Title, ID                 string
}

// upright is the line from an event down to the last projection that folds it.
type upright struct{ X, From, To int }

type arrow struct {
	Path string
	// Other says that the event is of another stream.
	Other bool
}

// box is a command or an event.
type box struct {
	X, Y, Width, Height  int
	Class, ID, Name, Doc string
	Lines                []boxLine
}

type boxLine struct {
	X, Y  int
	Class string
	Text  string
}

// bar is a projection.
type bar struct {
	X, Y, Width, Height int
	ID, Name, Doc       string
	Lines               []boxLine
}

type dot struct{ X, Y int }

// draw lays a model out.
func draw(p *plan.Plan) drawing {
	d := drawer{events: map[*plan.Event]*box{}, commands: map[*plan.Command]*box{}, ends: map[*plan.Aggregate]int{}}
	y, column := margin, 0
	for _, a := range p.Aggregates {
		y = d.aggregate(a, column, y) + laneGap
		column += max(len(a.CommandList), len(a.Events), 1)
	}
	d.Width = 2*margin + max(column, 2)*columnWidth
	for _, a := range p.Aggregates {
		for _, c := range a.CommandList {
			d.arrows(a, c)
		}
	}
	for _, pr := range p.Projections {
		y = d.projection(pr, y+barGap)
	}
	d.Height = y + margin
	d.finish(p)
	return d.drawing
}

type drawer struct {
	drawing
	events   map[*plan.Event]*box
	commands map[*plan.Command]*box
	ends     map[*plan.Aggregate]int // of lanes
}

// aggregate draws a lane, and returns where it ends.
func (d *drawer) aggregate(a *plan.Aggregate, column, y int) int {
	top := y + laneTitle
	x := func(i int) int { return margin + (column+i)*columnWidth }
	tallest := 0
	for i, c := range a.CommandList {
		b := commandBox(a, c, x(i), top)
		d.commands[c], tallest = b, max(tallest, b.Height)
	}
	if len(a.CommandList) > 0 {
		top += tallest + arrowRoom
	}
	tallest = 0
	for i, e := range byCommand(a) {
		b := eventBox(a, e, x(i), top)
		d.events[e], tallest = b, max(tallest, b.Height)
	}
	end := top + tallest + boxPadding
	d.ends[a] = end
	d.Lanes = append(d.Lanes, lane{
		Y: y, Height: end - y, TitleX: x(0), TitleY: y + laneTitle - 10, Title: a.Name, ID: "aggregate-" + a.Name,
	})
	return end
}

// byCommand returns the events of an aggregate in the order in which its commands lead to them, so that few arrows cross.
func byCommand(a *plan.Aggregate) []*plan.Event {
	var list []*plan.Event
	add := func(e *plan.Event) {
		if e.Aggregate == a && !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	for _, c := range a.CommandList {
		for _, x := range c.Emits {
			for _, e := range x.Events {
				add(e)
			}
		}
	}
	for _, e := range a.Events {
		add(e)
	}
	return list
}

func commandBox(a *plan.Aggregate, c *plan.Command, x, y int) *box {
	b := &box{X: x, Y: y, Width: boxWidth, Class: "command", ID: "command-" + c.Go, Name: c.Name, Doc: shown(c.Doc)}
	b.write("name", c.Name)
	if l := a.Aggregate.Lifecycle; l != nil && c.In != 0 && c.In != l.All() {
		b.write("note", "in "+strings.Join(l.Names(c.In), ", "))
	}
	for _, r := range c.Rejects {
		b.write("refusal", "✕ "+r.Name)
	}
	return b
}

func eventBox(a *plan.Aggregate, e *plan.Event, x, y int) *box {
	b := &box{X: x, Y: y, Width: boxWidth, Class: "event", ID: "event-" + e.Go, Name: e.Name, Doc: shown(e.Doc)}
	b.write("name", e.Name)
	if e.Moves != nil {
		b.write("note", "→ "+a.Aggregate.Lifecycle.Phases.Values[e.Moves.To].Name)
	}
	if e.Version > 1 {
		b.write("note", fmt.Sprintf("version %d", e.Version))
	}
	if personalText(e.Event.Fields) != "" {
		b.write("note", "personal data")
	}
	return b
}

// write adds a text to a box, in as many lines as it takes.
func (b *box) write(class, text string) {
	if b.Height == 0 {
		b.Height = 2 * boxPadding
	}
	for _, line := range wrapped(text, lettersWide) {
		b.Lines = append(b.Lines, boxLine{b.X + b.Width/2, b.Y + b.Height + 2, class, line})
		b.Height += lineHeight
	}
}

// wrapped breaks a text where words begin, those within names included.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	end := func() {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
		line = ""
	}
	for _, word := range wordsOf(text) {
		if utf8.RuneCountInString(line)+utf8.RuneCountInString(strings.TrimSpace(word)) > width {
			end()
		}
		for letters := []rune(word); len(letters) > width; letters = []rune(word) {
			line, word = string(letters[:width]), string(letters[width:])
			end()
		}
		line += word
	}
	end()
	return lines
}

// wordsOf splits a text before each space and capital.
func wordsOf(text string) []string {
	var words []string
	start := 0
	for i, c := range text {
		if i > start && (c == ' ' || unicode.IsUpper(c)) {
			words = append(words, text[start:i])
			start = i
		}
	}
	return append(words, text[start:])
}

// arrows leads a command to its events.
func (d *drawer) arrows(a *plan.Aggregate, c *plan.Command) {
	from := d.commands[c]
	for _, x := range c.Emits {
		for _, e := range x.Events {
			to := d.events[e]
			way := curve(from, to)
			switch {
			case e.Aggregate == a:
			case to.Y > from.Y:
				way = wayDown(from, to, d.ends[a]+laneGap/2)
			default:
				way = wayUp(from, to, d.ends[e.Aggregate]+laneGap/2)
			}
			d.Arrows = append(d.Arrows, arrow{Path: way, Other: x.To != nil})
		}
	}
}

// curve leads down to an event of the same lane.
func curve(from, to *box) string {
	x1, y1 := from.X+from.Width/2, from.Y+from.Height
	x2, y2 := to.X+to.Width/2, to.Y
	bend := min(arrowRoom/2+10, max(20, (y2-y1)/2))
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1, y1+bend, x2, y2-bend-6, x2, y2-2)
}

// wayDown leads to an event of a lane below: between the columns, and between the lanes at the height of gap.
func wayDown(from, to *box, gap int) string {
	const beside = (columnWidth - boxWidth) / 2
	return fmt.Sprintf("M%d %dV%dH%dV%dH%dV%dH%dV%d", from.X+from.Width-14, from.Y+from.Height, from.Y+from.Height+12,
		from.X+from.Width+beside, gap, to.X-beside, to.Y-18, to.X+24, to.Y-2)
}

// wayUp leads to an event of a lane above, from the command's upper edge.
func wayUp(from, to *box, gap int) string {
	return fmt.Sprintf("M%d %dV%dH%dV%d", from.X+from.Width-14, from.Y, gap, to.X+to.Width-24, to.Y+to.Height+2)
}

// projection draws the bar of a projection, from the first to the last event that it folds, and returns where it ends.
func (d *drawer) projection(pr *plan.Projection, y int) int {
	left, right := d.Width, 0
	for _, h := range pr.Handlers {
		b := d.events[h.Event]
		left, right = min(left, b.X), max(right, b.X+b.Width)
	}
	if right == 0 {
		left, right = margin, margin+boxWidth
	}
	b := bar{X: left, Y: y, Width: right - left, ID: "projection-" + pr.Name, Name: pr.Name, Doc: shown(pr.Doc)}
	letters := lettersWide * b.Width / boxWidth
	height := boxPadding
	add := func(class, text string) {
		for _, line := range wrapped(text, letters) {
			height += lineHeight
			b.Lines = append(b.Lines, boxLine{b.X + 12, y + height - 2, class, line})
		}
	}
	add("name", pr.Name)
	for _, q := range pr.Queries {
		add("note", "? "+q.Name)
	}
	b.Height = height + boxPadding
	d.Bars = append(d.Bars, b)
	for _, h := range pr.Handlers {
		d.Dots = append(d.Dots, dot{d.events[h.Event].X + boxWidth/2, y})
	}
	return y + b.Height
}

// finish draws what depends on where all else is.
func (d *drawer) finish(p *plan.Plan) {
	for _, a := range p.Aggregates {
		for _, c := range a.CommandList {
			d.Boxes = append(d.Boxes, *d.commands[c])
		}
		for _, e := range a.Events {
			b := d.events[e]
			d.Boxes = append(d.Boxes, *b)
			last := 0
			for _, at := range d.Dots {
				if at.X == b.X+boxWidth/2 {
					last = max(last, at.Y)
				}
			}
			if last > 0 {
				d.Lines = append(d.Lines, upright{b.X + boxWidth/2, b.Y + b.Height, last})
			}
		}
	}
}

// shown is a text as pages show it.
func shown(text string) string { return strings.Join(linesOf(text), "\n") }

// ladder draws a lifecycle: a column for each phase, and a row for each event that leads from some of them to one.
type ladder struct {
	Width, Height int
	Phases        []rung
	Moves         []move
}

type rung struct {
	X, Width, Center int
	Name             string
	// End says that no event leaves the phase.
	End bool
}

type move struct {
	Y, From, To, LabelX, LabelY int
	Event                       string
	// Sources are where it starts, Arrows the heads at its target.
	Sources []int
	Arrows  []string
}

const (
	rungWidth = 170
	moveRow   = 40
	ladderTop = 44
)

// climb lays a lifecycle out.
func climb(a *plan.Aggregate) *ladder {
	if a.Aggregate.Lifecycle == nil {
		return nil
	}
	phases := a.Aggregate.Lifecycle.Phases.Values
	l := &ladder{Width: 2*margin + len(phases)*rungWidth, Height: ladderTop}
	center := func(i int) int { return margin + i*rungWidth + rungWidth/2 }
	for i, v := range phases {
		l.Phases = append(l.Phases, rung{X: margin + i*rungWidth + 8, Width: rungWidth - 16, Center: center(i), Name: v.Name, End: a.Ends(i)})
	}
	for _, e := range a.Events {
		if e.Moves != nil {
			l.Height += moveRow
			l.Moves = append(l.Moves, newMove(e, len(phases), l.Height-8, center))
		}
	}
	l.Height += margin
	return l
}

func newMove(e *plan.Event, phases, y int, center func(int) int) move {
	to := center(e.Moves.To)
	m := move{Y: y, Event: e.Name, From: to, To: to}
	for i := range phases {
		if e.Moves.From.Has(i) {
			m.Sources = append(m.Sources, center(i))
			m.From, m.To = min(m.From, center(i)), max(m.To, center(i))
		}
	}
	if m.From < to {
		m.Arrows = append(m.Arrows, fmt.Sprintf("M%d %dl-9 -5v10z", to, y))
	}
	if m.To > to {
		m.Arrows = append(m.Arrows, fmt.Sprintf("M%d %dl9 -5v10z", to, y))
	}
	m.LabelX, m.LabelY = (m.From+m.To)/2, y-9
	if len(m.Arrows) == 0 { // back to where it was
		m.Arrows = append(m.Arrows, fmt.Sprintf("M%d %da9 9 0 1 1 0.1 0", to, y))
	}
	return m
}
