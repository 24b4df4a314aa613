package evolve

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/lock"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// pairs pairs the fields that are gone with new ones of the same type: by their place, or as the first ones of that type.
func (c *comparer) pairs(was, is []*lock.Field) map[*lock.Field]*lock.Field {
	gone, fresh := missing(was, is), missing(is, was)
	fits := func(f, g *lock.Field) bool {
		return f.Personal == g.Personal && len(c.shapes.types(f.Type, g.Type)) == 0
	}
	paired := map[*lock.Field]*lock.Field{}
	take := func(f, g *lock.Field) {
		paired[f] = g
		fresh = slices.DeleteFunc(fresh, func(o *lock.Field) bool { return o == g })
	}
	for _, f := range gone {
		if at := slices.Index(was, f); at < len(is) && slices.Contains(fresh, is[at]) && fits(f, is[at]) {
			take(f, is[at])
		}
	}
	for _, f := range gone {
		if paired[f] != nil {
			continue
		}
		if i := slices.IndexFunc(fresh, func(g *lock.Field) bool { return fits(f, g) }); i >= 0 {
			take(f, fresh[i])
		}
	}
	return paired
}

// missing are the fields that others do not have by name.
func missing(list, others []*lock.Field) []*lock.Field {
	var found []*lock.Field
	for _, f := range list {
		if fieldOf(others, f.Name) == nil {
			found = append(found, f)
		}
	}
	return found
}

// step returns the declaration of how the event came from the version that was released to the next one.
func (c *comparer) step(p *pair) *overlay {
	next := p.was.Version + 1
	fields := fieldsOf(p.is, next)
	var declared *lock.Step
	for _, s := range p.is.History {
		if s.Version == next {
			declared = s
		}
	}
	safe := &overlay{}
	text, ok := "", false
	if declared == nil || !declared.Upcast {
		text, ok = c.declaredStep(p.was.Fields, fields, declared, safe)
	}
	if !ok {
		safe = &overlay{}
		text = c.upcastStep(p.was.Fields, safe)
	}
	c.addReleased(p, safe)
	safe.add(c.declaring(p, next, text))
	return safe
}

// restored returns the declaration of the version that was released.
func (c *comparer) restored(p *pair) *overlay {
	safe := &overlay{}
	safe.set(strconv.Itoa(p.was.Version), append(slices.Clone(p.path), "version")...)
	c.addReleased(p, safe)
	return safe
}

// addReleased adds the steps that were released and that the model has forgotten.
func (c *comparer) addReleased(p *pair, safe *overlay) {
	for _, s := range p.was.History {
		if s.Version > p.is.Version {
			c.setStep(p, s.Version, c.spellStep(s, safe), safe)
		}
	}
}

// declaring returns a version with its step.
func (c *comparer) declaring(p *pair, version int, step string) *overlay {
	o := &overlay{}
	if version > p.is.Version {
		o.set(strconv.Itoa(version), append(slices.Clone(p.path), "version")...)
	}
	c.setStep(p, version, step, o)
	return o
}

func (c *comparer) setStep(p *pair, version int, step string, into *overlay) {
	into.set(step, append(slices.Clone(p.path), "history", strconv.Itoa(version))...)
}

// declaredStep says what was added, renamed and removed. It reports false where that does not say it all.
func (c *comparer) declaredStep(was, is []*lock.Field, declared *lock.Step, safe *overlay) (string, bool) {
	pairs := map[*lock.Field]*lock.Field{}
	if declared != nil {
		for _, e := range declared.Renamed {
			if f, g := fieldOf(was, e.Name), fieldOf(is, e.Text); f != nil && g != nil {
				pairs[f] = g
			}
		}
	} else {
		pairs = c.pairs(was, is)
	}
	for _, f := range was {
		if g := fieldOf(is, f.Name); g != nil && pairs[f] == nil {
			pairs[f] = g
		}
	}
	var added, renamed, removed []string
	taken := map[*lock.Field]bool{}
	for _, f := range was {
		g := pairs[f]
		switch {
		case g == nil:
			removed = append(removed, f.Name+": "+c.spellField(f, safe))
			continue
		case slices.ContainsFunc(c.shapes.field(f, g), func(h change) bool { return h.certain() }):
			return "", false
		case g.Name != f.Name:
			renamed = append(renamed, f.Name+": "+g.Name)
		}
		taken[g] = true
	}
	for _, g := range is {
		if taken[g] {
			continue
		}
		value, ok := c.value(g, declared)
		if !ok {
			return "", false
		}
		added = append(added, g.Name+": "+value)
	}
	return stepText(added, renamed, removed)
}

func stepText(added, renamed, removed []string) (string, bool) {
	var parts []string
	for _, list := range []struct {
		key   string
		pairs []string
	}{{"renamed", renamed}, {"added", added}, {"removed", removed}} {
		if len(list.pairs) > 0 {
			parts = append(parts, list.key+": "+flow(list.pairs))
		}
	}
	return flow(parts), len(parts) > 0
}

// value is what older events have for a new field: what is declared already, or the zero value.
func (c *comparer) value(f *lock.Field, declared *lock.Step) (string, bool) {
	if declared != nil {
		for _, e := range declared.Added {
			if e.Name == f.Name {
				return e.Text, true
			}
		}
	}
	t, err := lock.ParseType(f.Type)
	if err != nil {
		return "", false
	}
	return c.zero(t)
}

// zeros are values of scalars.
var zeros = map[string]string{
	"string": `""`, "bool": "false", "bytes": `""`, "time": `"1970-01-01T00:00:00Z"`, "duration": "0s",
	"uuid": `"00000000-0000-0000-0000-000000000000"`, "date": `"1970-01-01"`,
}

// zero is a value of a type. It reports false where a model can't write one: of a type of a Go package.
func (c *comparer) zero(t *lock.TypeExpr) (string, bool) {
	switch {
	case t.Optional():
		return "null", true
	case t.Key != nil:
		return "{}", true
	case t.Kind != "":
		return "[]", true
	}
	n := c.shapes.new[t.Name]
	switch base := baseOf(t.Name, n); {
	case base != "" && zeros[base] != "":
		return zeros[base], true
	case base != "":
		return "0", true
	case n == nil || n.Encoding != "":
		return "", false
	case len(n.Values) > 0:
		return quoted(n.Values[0].Text), true
	}
	var pairs []string
	for _, f := range n.Fields {
		ft, err := lock.ParseType(f.Type)
		if err != nil || ft.Optional() {
			continue
		}
		value, ok := c.zero(ft)
		if !ok {
			return "", false
		}
		pairs = append(pairs, f.Name+": "+value)
	}
	return flow(pairs), true
}

// upcastStep hands the older event to a function, with all of its fields as they were.
func (c *comparer) upcastStep(was []*lock.Field, safe *overlay) string {
	return "{upcast: go, from: " + flow(c.spellFields(was, safe)) + "}"
}

func (c *comparer) spellFields(list []*lock.Field, safe *overlay) []string {
	var pairs []string
	for _, f := range list {
		pairs = append(pairs, f.Name+": "+c.spellField(f, safe))
	}
	return pairs
}

// spellField writes a field as it was.
func (c *comparer) spellField(f *lock.Field, safe *overlay) string {
	typ := c.spell(f.Type, safe)
	switch f.Personal {
	case "":
		return typ
	case "stream.id":
		return "{type: " + typ + ", personal: true}"
	}
	return "{type: " + typ + ", personal: {of: " + quoted(f.Personal) + "}}"
}

// spellStep writes a step as it was released.
func (c *comparer) spellStep(s *lock.Step, safe *overlay) string {
	if s.Upcast {
		return c.upcastStep(s.From, safe)
	}
	var added, renamed []string
	for _, e := range s.Added {
		added = append(added, e.Name+": "+e.Text)
	}
	for _, e := range s.Renamed {
		renamed = append(renamed, e.Name+": "+e.Text)
	}
	text, _ := stepText(added, renamed, c.spellFields(entryFields(s.Removed), safe))
	return text
}

// spell writes a type as it was in words of the new model. Declared types that changed are declared once more, as they were.
func (c *comparer) spell(typ string, safe *overlay) string {
	t, err := lock.ParseType(typ)
	if err != nil {
		return typ
	}
	return c.spellExpr(t, safe)
}

func (c *comparer) spellExpr(t *lock.TypeExpr, safe *overlay) string {
	switch {
	case t.Key != nil:
		return "map of " + c.spellExpr(t.Key, safe) + " to " + c.spellExpr(t.Elem, safe)
	case t.Optional():
		return "optional " + c.spellExpr(t.Elem, safe)
	case t.Kind != "":
		return t.Kind + " of " + c.spellExpr(t.Elem, safe)
	}
	o := c.shapes.old[t.Name]
	switch {
	case o == nil || o.Encoding != "":
		return t.Name
	case c.shapes.new[t.Name] != nil && !slices.ContainsFunc(c.shapes.named(t.Name, t.Name), func(h change) bool { return h.certain() }):
		return t.Name
	case o.Base != "":
		return o.Base
	}
	return c.keepType(o, safe)
}

// keepType declares a type as it was under another name.
func (c *comparer) keepType(o *lock.Type, safe *overlay) string {
	name := c.kept[o.Name]
	if name == "" {
		name = c.free(o.Name)
		c.kept[o.Name] = name
	}
	if safe.has("types", name) { // types that hold others twice, many deep, are gone through once
		return name
	}
	if len(o.Values) > 0 {
		var texts []string
		for _, v := range o.Values {
			texts = append(texts, quoted(v.Text))
		}
		safe.set("["+strings.Join(texts, ", ")+"]", "types", name, "enum")
		return name
	}
	safe.set(flow(c.spellFields(o.Fields, safe)), "types", name, "fields")
	return name
}

// free is a name that nothing has: that of a type that is no longer there, or a new one.
func (c *comparer) free(name string) string {
	for free, n := name, 1; ; n++ {
		if lower := strings.ToLower(free); !c.taken[lower] {
			c.taken[lower] = true
			return free
		}
		suffix := "V" + strconv.Itoa(n)
		free = name[:min(len(name), model.MaxName-len(suffix))] + suffix
	}
}

// keepEvent declares an event that does not happen any more, and is read as nothing.
func (c *comparer) keepEvent(a *lock.Aggregate, e *lock.Event) *overlay {
	safe := &overlay{}
	name := c.free(e.Name)
	path := append([]string{"aggregates", a.Name, "events"}, name)
	set := func(value string, keys ...string) { safe.set(value, append(slices.Clone(path), keys...)...) }
	fields, steps := flow(c.spellFields(e.Fields, safe)), map[int]string{}
	for _, s := range e.History {
		steps[s.Version] = c.spellStep(s, safe)
	}
	if name != e.Wire {
		set(quotedName(e.Wire), "wire")
	}
	if e.Version > 1 {
		set(strconv.Itoa(e.Version), "version")
	}
	set(fields, "fields")
	for _, s := range e.History {
		set(steps[s.Version], "history", strconv.Itoa(s.Version))
	}
	set("[]", "becomes")
	return safe
}
