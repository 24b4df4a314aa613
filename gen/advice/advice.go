// Package advice says about a valid model what a seasoned colleague would say at its review. It is never an error, and
// it rather says nothing than something that has a good answer.
package advice

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Of returns the advice for a model.
func Of(m *model.Model) []diag.Diagnostic {
	var a adviser
	for _, g := range m.Aggregates {
		a.plain(g, m.Projections)
		a.names(g)
		a.endless(g)
	}
	for _, p := range m.Projections {
		a.repeated(p, m.Aggregates)
		a.fewRows(p)
	}
	return a.list
}

type adviser struct{ list []diag.Diagnostic }

func (a *adviser) say(code string, at diag.Span, hint, format string, args ...any) {
	a.list = append(a.list, diag.Diagnostic{
		Code: code, At: at, Message: fmt.Sprintf(format, args...), Hint: hint, Advice: true,
	})
}

// plain finds an aggregate that only keeps what it is told.
func (a *adviser) plain(g *model.Aggregate, projections []*model.Projection) {
	decides := len(g.Rejections) > 0 || g.Lifecycle != nil || len(g.Unique) > 0 || len(g.State) == 0 || len(g.Commands) < 2
	if decides || g.ID == nil || slices.ContainsFunc(g.Commands, func(c *model.Command) bool { return !becomesItsEvent(c) }) {
		return
	}
	for _, p := range projections {
		if len(p.Key) == 1 && p.Key[0].Type.Named == g.ID && sameFields(p.Row, g.State) {
			a.say(diag.PlainCRUD, g.At, "a table would do, unless it matters why something changed",
				"%s is plain CRUD: each command becomes the event of the same fields, nothing is refused, and %s has just the state",
				g.Name, p.Name)
			return
		}
	}
}

// becomesItsEvent reports whether a command always leads to one event with the same fields.
func becomesItsEvent(c *model.Command) bool {
	if len(c.Also) > 0 || len(c.Checks) > 0 || len(c.Rejects) > 0 || len(c.Emits) != 1 {
		return false
	}
	e := c.Emits[0]
	return e.Times == model.Once && len(e.Events) == 1 && sameFields(c.Fields, e.Events[0].Fields)
}

func sameFields(a, b []*model.Field) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(f *model.Field) bool {
		return !slices.ContainsFunc(b, func(g *model.Field) bool {
			return f.Name == g.Name && f.Type.String() == g.Type.String() && g.From == nil
		})
	})
}

// repeated finds what a fold computes although the commands have made sure of it.
func (a *adviser) repeated(p *model.Projection, aggregates []*model.Aggregate) {
	for _, h := range p.On {
		for check, c := range checksBefore(h.Event, aggregates) {
			for _, x := range expressions(h) {
				if n := find(x, check); n != nil {
					a.say(diag.CheckRepeated, n.At, "leave it out, or put the fact into the event",
						"`%s` is always true here: the command %s has checked it", n.Text, c.Name)
				}
			}
		}
	}
}

// checksBefore returns the checks that each command makes which leads to an event, by their text without roots.
func checksBefore(e *model.Event, aggregates []*model.Aggregate) map[string]*model.Command {
	var common map[string]*model.Command
	for _, g := range aggregates {
		for _, c := range g.Commands {
			if !slices.ContainsFunc(c.Emits, func(emit model.Emit) bool { return slices.Contains(emit.Events, e) }) {
				continue
			}
			own := map[string]*model.Command{}
			for _, check := range c.Checks {
				own[rootless(check.That.Node.Text)] = c
			}
			for text := range common {
				if own[text] == nil {
					delete(common, text)
				}
			}
			if common == nil {
				common = own
			}
		}
	}
	return common
}

// expressions are those of a handler: where it folds, and to what.
func expressions(h *model.Handler) []*model.Expr {
	var list []*model.Expr
	for _, f := range h.Folds {
		if f.Where != nil {
			list = append(list, f.Where)
		}
		if f.Change != nil {
			for _, s := range f.Change.Set {
				list = append(list, s.Value)
			}
		}
	}
	return list
}

// find returns the part of an expression that is a check over the event.
func find(x *model.Expr, check string) *expr.Node {
	var found *expr.Node
	x.Node.Walk(func(n *expr.Node) {
		overEvent := strings.Contains(n.Text, "event.") && !strings.Contains(n.Text, "row.")
		if found == nil && overEvent && rootless(n.Text) == check {
			found = n
		}
	})
	return found
}

// rootless is an expression without what its names start from.
func rootless(text string) string {
	return strings.NewReplacer("self.", "", "event.", "").Replace(text)
}

// fewRows finds a projection that can't have more than two rows.
func (a *adviser) fewRows(p *model.Projection) {
	rows := 1
	for i := range p.Key {
		switch t := p.Key[i].Type; {
		case constant(p, i):
		case t.Kind == model.Bool:
			rows *= 2
		case t.Kind == model.Ref && t.Named.Kind == model.Enum:
			rows *= len(t.Named.Values)
		default:
			return
		}
	}
	if rows <= 2 && len(p.Key) > 0 {
		a.say(diag.KeyOfFewRows, p.Key[0].At, "add a field to the key, such as stream.id, and sum up when querying",
			"all events of %s lead to %s: they can't be folded in parallel, nor told apart later",
			p.Name, []string{"one row", "two rows"}[rows-1])
	}
}

// constant reports whether a field of the key has the same value for all events.
func constant(p *model.Projection, field int) bool {
	value := ""
	for _, h := range p.On {
		for _, f := range h.Folds {
			if f.KeyInGo || field >= len(f.Key) || f.Key[field] == nil || f.Key[field].Node.Value == nil {
				return false
			}
			if v := f.Key[field].Node.Value.ExactString(); value == "" || value == v {
				value = v
			} else {
				return false
			}
		}
	}
	return value != ""
}

// endless finds an event that is meant to happen again and again on streams that nothing ends and nothing keeps.
func (a *adviser) endless(g *model.Aggregate) {
	if g.Snapshot.Any() || ends(g) {
		return
	}
	for _, e := range g.Events {
		if e.Apply == nil {
			continue
		}
		for _, s := range e.Apply.Set {
			if accumulates(s) {
				a.say(diag.EndlessStream, e.At, "say `snapshot: {every: 100}` for "+g.Name,
					"%s adds to the state, and nothing ends the streams of %s: loading one reads all its events", e.Name, g.Name)
				return
			}
		}
	}
}

// ends reports whether a stream can end, so that its length has a bound in practice.
func ends(g *model.Aggregate) bool {
	if g.Lifecycle == nil {
		return false
	}
	for i := range g.Lifecycle.Phases.Values {
		if g.Ends(i) {
			return true
		}
	}
	return false
}

// accumulates reports whether an assignment gives a place more than it had: a sum or a longer list.
func accumulates(s *model.Assignment) bool {
	n := s.Value.Node
	adds := n.Op == expr.OpBinary && (n.Name == "+" || n.Name == "-") || n.Op == expr.OpCall && n.Name == "append"
	before := func(arg *expr.Node) bool { return arg.Text == "state."+s.Place.Text }
	return adds && slices.ContainsFunc(n.Args, before)
}

// names finds names that say the wrong thing.
func (a *adviser) names(g *model.Aggregate) {
	for _, e := range g.Events {
		if verb, rest := words(e.Name); imperatives[verb] != "" && len(rest) > 0 && !happened(rest[len(rest)-1]) {
			a.say(diag.NamedLikeCommand, e.At, "did you mean "+strings.Join(rest, "")+imperatives[verb]+"?",
				"the event %s is named like a command: events have happened", e.Name)
		}
		if rest, ok := strings.CutPrefix(e.Name, g.Name); ok && vague[rest] {
			a.say(diag.NamedForNothing, e.At, "name what happened: "+g.Name+"Renamed, "+g.Name+"Moved, …",
				"%s says that something changed, and not what happened", e.Name)
		}
	}
	for _, c := range g.Commands {
		for verb, past := range imperatives {
			if c.Name == g.Name+past {
				a.say(diag.NamedLikeEvent, c.At, "did you mean "+strings.ToUpper(verb[:1])+verb[1:]+g.Name+"?",
					"the command %s is named like an event: commands may be refused", c.Name)
				break
			}
		}
	}
}

// imperatives are verbs that can't be taken for nouns or adjectives, with what they are once it happened.
var imperatives = map[string]string{
	"accept": "Accepted", "activate": "Activated", "add": "Added", "apply": "Applied", "approve": "Approved",
	"archive": "Archived", "assign": "Assigned", "cancel": "Cancelled", "confirm": "Confirmed", "create": "Created",
	"deactivate": "Deactivated", "decline": "Declined", "delete": "Deleted", "disable": "Disabled", "enable": "Enabled",
	"modify": "Modified", "publish": "Published", "register": "Registered", "reject": "Rejected", "remove": "Removed",
	"rename": "Renamed", "send": "Sent", "submit": "Submitted", "unassign": "Unassigned", "update": "Updated",
}

// vague are ends of names that say nothing.
var vague = map[string]bool{"Updated": true, "Changed": true, "Modified": true, "Edited": true, "Saved": true}

// happened reports whether a word says that something is over, or may.
func happened(word string) bool {
	lower := strings.ToLower(word)
	return strings.HasSuffix(lower, "ed") || strings.HasSuffix(lower, "en") || strings.HasSuffix(lower, "t")
}

// words returns the first word of a name in lower case, and the others as they are.
func words(name string) (first string, rest []string) {
	start := 0
	for i, r := range name {
		if i > start && unicode.IsUpper(r) {
			rest, start = append(rest, name[start:i]), i
		}
	}
	rest = append(rest, name[start:])
	return strings.ToLower(rest[0]), rest[1:]
}
