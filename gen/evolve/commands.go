package evolve

import (
	"math/big"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// commands compares what those may send who know the contracts as they were.
func (c *comparer) commands() {
	for _, a := range c.old.Aggregates {
		i := slices.IndexFunc(c.new.Aggregates, func(b *lock.Aggregate) bool { return b.Name == a.Name })
		if i < 0 {
			continue // which was reported
		}
		b := c.new.Aggregates[i]
		for _, was := range a.Commands {
			j := slices.IndexFunc(b.Commands, func(o *lock.Command) bool { return o.Name == was.Name })
			if j < 0 {
				c.add(diag.CommandGone, b.At, was.At, []string{Readers},
					"keep it, and have its decider reject it with what to send instead, until nobody sends it any more", nil,
					"the command %s of %s is gone, and others may send it", was.Name, a.Name)
				continue
			}
			c.command(b, was, b.Commands[j])
		}
	}
	c.sharedRules()
}

func (c *comparer) command(a *lock.Aggregate, was, is *lock.Command) {
	path := []string{"aggregates", a.Name, "commands", is.Name, "fields"}
	set := func(f *lock.Field, typ string) *overlay {
		o := &overlay{}
		o.set(typ, append(slices.Clone(path), f.Name)...)
		return o
	}
	for _, f := range was.Fields {
		g := fieldOf(is.Fields, f.Name)
		if g == nil {
			safe := &overlay{}
			typ := c.spell(f.Type, safe)
			if !isOptional(f.Type) {
				typ = "optional " + typ
			}
			safe.add(set(f, "{type: "+typ+", deprecated: nobody reads it any more}"))
			c.add(diag.CommandField, is.At, f.At, []string{Readers}, "", safe,
				"the field %s of %s is gone: what others send in it is dropped", f.Name, is.Name)
			continue
		}
		c.commandField(is, f, g, set(g, "optional "+g.Type))
	}
	for _, g := range is.Fields {
		if fieldOf(was.Fields, g.Name) == nil && !isOptional(g.Type) {
			c.add(diag.CommandField, g.At, was.At, []string{Readers}, "", set(g, "optional "+g.Type),
				"the field %s of %s is new, and needed: others do not send it", g.Name, is.Name)
		}
	}
	c.tightened(is.Name, was.Checks, is.Checks)
}

// commandField compares a field of a command that is still there.
func (c *comparer) commandField(is *lock.Command, f, g *lock.Field, loose *overlay) {
	for _, h := range c.shapes.field(f, g) {
		switch {
		case h.is != nil || !h.certain() || h.kind == marked || h.kind == markedOther:
		case h.kind == required:
			c.add(diag.CommandField, g.At, f.At, []string{Readers}, "", loose,
				"%s of %s can't be left out any more, and others leave it out", g.Name, is.Name)
		default:
			c.add(diag.CommandField, g.At, f.At, []string{Readers}, "leave it as it was, and add another field", nil,
				"%s of %s was %s, and is %s: what others send is refused", g.Name, is.Name, h.from, h.to)
		}
	}
	c.rules(g.Name+" of "+is.Name, g.At, f.At, f.Rules, g.Rules)
}

// heldByCommands adds the commands to the changes of declared types.
func (c *comparer) heldByCommands() {
	for _, a := range c.old.Aggregates {
		for _, b := range c.new.Aggregates {
			if a.Name == b.Name {
				c.heldBy(a, b)
			}
		}
	}
}

func (c *comparer) heldBy(a, b *lock.Aggregate) {
	for _, was := range a.Commands {
		for _, is := range b.Commands {
			if was.Name != is.Name {
				continue
			}
			for _, f := range was.Fields {
				g := fieldOf(is.Fields, f.Name)
				if g == nil {
					continue
				}
				for _, h := range c.shapes.types(f.Type, g.Type) {
					if h.is != nil && h.certain() && h.kind != marked && h.kind != markedOther {
						if s := c.sharedOf(h); !slices.Contains(s.commands, is.Name) {
							s.commands = append(s.commands, is.Name)
						}
					}
				}
			}
		}
	}
}

// sharedRules compares the rules of the declared types that commands reach.
func (c *comparer) sharedRules() {
	reached := map[string]bool{}
	for _, a := range c.new.Aggregates {
		for _, x := range a.Commands {
			for _, f := range x.Fields {
				c.reach(f.Type, reached)
			}
		}
	}
	for _, is := range c.new.Types {
		was := c.shapes.old[is.Name]
		if was == nil || !reached[is.Name] {
			continue
		}
		c.rules(is.Name, is.At, was.At, was.Rules, is.Rules)
		c.tightened(is.Name, was.Checks, is.Checks)
		for _, f := range was.Fields {
			if g := fieldOf(is.Fields, f.Name); g != nil {
				c.rules(g.Name+" of "+is.Name, g.At, f.At, f.Rules, g.Rules)
			}
		}
	}
}

// reach marks the declared types that a type leads to.
func (c *comparer) reach(typ string, reached map[string]bool) {
	for word := range strings.SplitSeq(typ, " ") {
		if t := c.shapes.new[word]; t != nil && !reached[word] {
			reached[word] = true
			for _, f := range t.Fields {
				c.reach(f.Type, reached)
			}
		}
	}
}

// rules reports the bounds that exclude what was allowed.
func (c *comparer) rules(what string, at, wasAt diag.Span, was, is []lock.Rule) {
	for _, r := range is {
		i := slices.IndexFunc(was, func(o lock.Rule) bool { return o.Name == r.Name })
		switch {
		case i < 0:
			c.add(diag.RuleTightened, at, wasAt, []string{Readers}, "leave it out", nil,
				"%s has the new rule `%s: %s`: what others send may be refused", what, r.Name, r.Bound)
		case tighter(was[i], r):
			c.add(diag.RuleTightened, at, was[i].At, []string{Readers}, "leave it as it was: `"+r.Name+": "+was[i].Bound+"`", nil,
				"the rule `%s` of %s was %s, and is %s: what others send may be refused", r.Name, what, was[i].Bound, r.Bound)
		}
	}
}

// tighter reports whether a bound may exclude what it allowed before.
func tighter(was, is lock.Rule) bool {
	if was.Bound == is.Bound {
		return false
	}
	x, ok := new(big.Rat).SetString(was.Bound)
	y, ok2 := new(big.Rat).SetString(is.Bound)
	if !ok || !ok2 {
		return true // a pattern
	}
	if strings.HasPrefix(is.Name, "min") {
		return y.Cmp(x) > 0
	}
	return y.Cmp(x) < 0
}

// tightened reports the checks that are new.
func (c *comparer) tightened(what string, was, is []lock.Value) {
	for _, v := range is {
		if !slices.ContainsFunc(was, func(o lock.Value) bool { return o.Text == v.Text }) {
			c.add(diag.RuleTightened, v.At, diag.Span{}, []string{Readers}, "leave it out", nil,
				"%s is checked for `%s` from now on: what others send may be refused", what, v.Text)
		}
	}
}
