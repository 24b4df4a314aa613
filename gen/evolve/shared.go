package evolve

import (
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// sharedChange is a change of a declared type, with all who hold values of it.
type sharedChange struct {
	change
	events []*pair
	// commands have it too.
	commands []string
}

// share adds an event that holds values of a type that changed.
func (c *comparer) share(h change, p *pair) {
	s := c.sharedOf(h)
	if !slices.Contains(s.events, p) {
		s.events = append(s.events, p)
	}
}

func (c *comparer) sharedOf(h change) *sharedChange {
	for _, s := range c.shared {
		if s.is == h.is && s.kind == h.kind && s.field == h.field && s.from == h.from && s.to == h.to {
			return s
		}
	}
	s := &sharedChange{change: h}
	c.shared = append(c.shared, s)
	return s
}

// sharedChanges reports the changes of declared types, each once, with those who hold them.
func (c *comparer) sharedChanges() {
	if c.old.Form >= lock.Version {
		c.heldByCommands()
	}
	for _, s := range c.shared {
		if s.certain() {
			c.sharedBreak(s)
		} else {
			c.sharedWidening(s)
		}
	}
}

// sharedWidening warns of values that older releases do not know.
func (c *comparer) sharedWidening(s *sharedChange) {
	var holders []string
	for _, p := range s.events {
		if !p.pauses {
			holders = append(holders, p.is.Name)
		}
	}
	if len(holders) == 0 {
		return
	}
	if s.kind == marked {
		c.warnMarked(s.field+" of "+s.is.Name, s.change)
		return
	}
	code, what := diag.FieldWidened, s.is.Name+" was "+s.from+", and is "+s.to
	switch {
	case s.kind == valueAdded:
		code, what = diag.ValueAdded, s.is.Name+" has the new value "+s.to
	case s.field != "":
		what = s.field + " of " + what
	}
	c.warn(code, s.at, s.oldAt, []string{Running, Readers},
		"let all processes run this release before one of them writes it",
		"%s: older releases stop at an event that has one which they do not know: %s", what, strings.Join(holders, ", "))
}

// sharedBreak reports what those who hold values of the type can't read any more.
func (c *comparer) sharedBreak(s *sharedChange) {
	safe, holders, breaks := &overlay{}, slices.Clone(s.commands), []string(nil)
	for _, p := range s.events {
		if holders = append(holders, p.is.Name); p.safe != nil {
			safe.add(p.safe)
		}
	}
	if len(s.events) > 0 {
		breaks = []string{Stored, Running}
	}
	if len(safe.list) == 0 {
		safe = nil
	}
	code, what := c.sharedText(s)
	hint := ""
	if safe == nil {
		hint = "leave it as it was, and declare a new type beside it"
	}
	c.add(code, s.at, s.oldAt, append(breaks, Readers), hint, safe, "%s, which changes all that hold it: %s",
		what, strings.Join(holders, ", "))
}

// sharedText says what became of a declared type.
func (c *comparer) sharedText(s *sharedChange) (code, what string) {
	field := s.field + " of " + s.is.Name
	switch s.kind {
	case valueGone:
		return diag.ValueGone, "the value " + s.from + " of " + s.is.Name + " is gone"
	case rebased:
		return diag.ScalarChanged, s.is.Name + " was " + s.from + ", and is " + s.to
	case fieldGone:
		return diag.StructChanged, "the field " + field + " is gone"
	case fieldAdded:
		return diag.StructChanged, "the field " + field + " is new, and needed"
	case required:
		return diag.StructChanged, field + " can't be left out any more"
	case marked, markedOther:
		return diag.PersonalChanged, c.markedText(field, s.change)
	}
	return diag.StructChanged, field + " was " + s.from + ", and is " + s.to
}
