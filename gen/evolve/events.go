package evolve

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// pair is an event as it was and as it is.
type pair struct {
	was, is *lock.Event
	// path leads to it in the model.
	path []string
	// safe is what makes all of its changes safe, nil where nothing is to be done.
	safe *overlay
	// pauses says that older releases stop in front of the new version, and say so.
	pauses bool
}

func eventPath(a *lock.Aggregate, e *lock.Event) []string {
	return []string{"aggregates", a.Name, "events", e.Name}
}

// events compares the events of an aggregate by their names on the wire.
func (c *comparer) events(was, is *lock.Aggregate) {
	used := map[*lock.Event]bool{}
	var gone []*lock.Event
	for _, e := range was.Events {
		i := slices.IndexFunc(is.Events, func(o *lock.Event) bool { return o.Wire == e.Wire })
		if i < 0 {
			gone = append(gone, e)
			continue
		}
		used[is.Events[i]] = true
		c.event(&pair{was: e, is: is.Events[i], path: eventPath(is, is.Events[i])})
	}
	known := map[string]bool{}
	for _, e := range was.Events {
		known[e.Wire] = true
	}
	for _, e := range gone {
		var fresh []*lock.Event
		for _, o := range is.Events {
			if !used[o] && !known[o.Wire] {
				fresh = append(fresh, o)
			}
		}
		if o := c.successor(e, fresh); o != nil {
			used[o] = true
			c.renamed(is, e, o)
			continue
		}
		c.goneEvent(is, e, fresh)
	}
}

// successor returns the new event that an old one was probably renamed to.
func (c *comparer) successor(e *lock.Event, fresh []*lock.Event) *lock.Event {
	for _, o := range fresh {
		if o.Name == e.Name {
			return o
		}
	}
	names := make([]string, len(fresh))
	for i, o := range fresh {
		names[i] = o.Name
	}
	near := diag.Nearest(e.Name, names)
	for _, o := range fresh {
		if o.Name == near || c.alike(e, o) {
			return o
		}
	}
	return nil
}

// alike reports whether more than half of the fields of either event are those of the other.
func (c *comparer) alike(e, o *lock.Event) bool {
	same := 0
	for _, f := range e.Fields {
		if g := fieldOf(o.Fields, f.Name); g != nil && len(c.shapes.types(f.Type, g.Type)) == 0 {
			same++
		}
	}
	return 2*same > max(len(e.Fields), len(o.Fields))
}

// renamed reports an event that is stored under another name now, and what else changed in it.
func (c *comparer) renamed(a *lock.Aggregate, was, is *lock.Event) {
	p := &pair{was: was, is: is, path: eventPath(a, is)}
	found := c.compare(p)
	safe := &overlay{}
	safe.set(quotedName(was.Wire), append(slices.Clone(p.path), "wire")...)
	if p.safe != nil {
		safe.add(p.safe)
	}
	p.safe = safe
	how := fmt.Sprintf("the event %s is called %s now", was.Name, is.Name)
	if was.Name == is.Name {
		how = fmt.Sprintf("the event %s has another name on the wire", is.Name)
	}
	c.add(diag.EventRenamed, is.At, was.At, []string{Stored, Running, Readers}, "", safe,
		"%s, and is stored as %s: nobody reads any more what is stored as %s", how, is.Wire, was.Wire)
	c.report(p, found)
}

// quotedName writes a name on the wire, which may have parts.
func quotedName(wire string) string {
	if first, _, parts := strings.Cut(wire, "."); parts && quoted(first) == first {
		return wire
	}
	return quoted(wire)
}

// goneEvent reports an event that is not there any more. One of the fresh ones may be it, as only the team knows.
func (c *comparer) goneEvent(a *lock.Aggregate, e *lock.Event, fresh []*lock.Event) {
	for _, b := range c.new.Aggregates {
		for _, o := range b.Events {
			if o.Wire == e.Wire {
				c.add(diag.EventMoved, o.At, e.At, []string{Stored, Running, Readers},
					"leave it in "+a.Name+", and give this one a name of its own: `wire: "+b.Name+"."+o.Name+"`", nil,
					"the event %s was one of %s, and is one of %s: those that are stored are in the streams of %s",
					o.Name, a.Name, b.Name, a.Name)
				return
			}
		}
	}
	hint := "keep it: with `retired: true` where what it did still counts, with `becomes` and what it is read as, or with " +
		"`becomes: []`, which skips all that are stored"
	if len(fresh) > 0 {
		hint = fmt.Sprintf("where %s is another name for it, give that one `wire: %s`; else %s", fresh[0].Name, e.Wire, hint)
	}
	c.add(diag.EventGone, a.At, e.At, []string{Stored, Running, Readers}, hint,
		c.keepEvent(a, e), "the event %s is gone from %s: who replays a stream with one of those that are stored stops", e.Name, a.Name)
}

// event compares an event with itself as it was.
func (c *comparer) event(p *pair) {
	found := c.compare(p)
	c.lowered(p)
	c.skipped(p)
	c.edited(p)
	c.reread(p)
	c.split(p)
	c.report(p, found)
}

// split warns of an event whose place others take that older releases do not know, or do not fold: they stop there.
func (c *comparer) split(p *pair) {
	if !p.is.Former || p.was.Former {
		c.retired(p)
		return
	}
	var fresh, unfolded []string
	for _, v := range p.is.Becomes {
		name := lastWord(v.Text)
		e := eventWhere(c.new, func(e *lock.Event) bool { return e.Name == name })
		if e == nil {
			continue
		}
		if was := eventOf(c.old, e.Wire); was == nil {
			fresh = append(fresh, name)
		} else if !was.Retired && foldsButOne(c.old, p.was.Wire, was.Wire) {
			unfolded = append(unfolded, name)
		}
	}
	switch {
	case len(fresh) > 0:
		c.splitInto(p, fresh)
	case len(unfolded) > 0:
		names := strings.Join(unfolded, ", ")
		c.warn(diag.EventSplit, p.is.At, p.was.At, []string{Running, Readers},
			"let all processes run a release whose projections fold both before one of them writes one in its place",
			"what was stored as %s is stored as %s from now on: read models of older releases that fold %[1]s and not %[2]s stop there",
			p.is.Name, names)
	default:
		c.retired(p)
	}
}

// foldsButOne reports whether a projection folds one event, and not another one.
func foldsButOne(l *lock.Lock, one, other string) bool {
	folds := func(p *lock.Projection, wire string) bool {
		return slices.ContainsFunc(p.On, func(e lock.Entry) bool { return e.Name == wire })
	}
	return slices.ContainsFunc(l.Projections, func(p *lock.Projection) bool { return folds(p, one) && !folds(p, other) })
}

// splitInto warns of an event whose place others take that no older release has.
func (c *comparer) splitInto(p *pair, fresh []string) {
	c.warn(diag.EventSplit, p.is.At, p.was.At, []string{Running, Readers},
		"let all processes run a release that folds them (`retired: true`) before one of them writes one",
		"what was stored as %s is stored as %s from now on: commands and read models of older releases stop there",
		p.is.Name, strings.Join(fresh, ", "))
}

// retired warns of an event that does not happen any more: it is read as ever, and nobody is sent another one.
func (c *comparer) retired(p *pair) {
	if p.was.Retired || p.was.Former || !p.is.Retired && !p.is.Former {
		return
	}
	c.warn(diag.EventRetired, p.is.At, p.was.At, []string{Readers},
		"tell them what is sent instead before the last one is",
		"%s does not happen any more: who reads the contract waits for it in vain", p.is.Name)
}

// eventOf returns the event with a name on the wire, nil where there is none.
func eventOf(l *lock.Lock, wire string) *lock.Event {
	return eventWhere(l, func(e *lock.Event) bool { return e.Wire == wire })
}

func eventWhere(l *lock.Lock, is func(*lock.Event) bool) *lock.Event {
	for _, a := range l.Aggregates {
		if i := slices.IndexFunc(a.Events, is); i >= 0 {
			return a.Events[i]
		}
	}
	return nil
}

// reread reports an event that was read as others already, and is read as something else now.
func (c *comparer) reread(p *pair) {
	if !p.was.Former || p.is.Former && slices.EqualFunc(p.was.Becomes, p.is.Becomes, func(v, w lock.Value) bool { return v.Text == w.Text }) {
		return
	}
	now := "itself again"
	if p.is.Former {
		now = list(p.is.Becomes)
	}
	c.add(diag.HistoryEdited, p.is.At, p.was.At, []string{Stored},
		"leave it as it was: `becomes: ["+list(p.was.Becomes)+"]`", nil,
		"%s was read as %s, and is read as %s: states and rows were made of the former", p.is.Name, orNothing(list(p.was.Becomes)), orNothing(now))
}

func list(values []lock.Value) string {
	var texts []string
	for _, v := range values {
		texts = append(texts, v.Text)
	}
	return strings.Join(texts, ", ")
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// fieldChange is what became of a field.
type fieldChange struct {
	was, is *lock.Field // nil where there is none
	changes []change
}

// recoded reports that no upcaster can be given what is stored: there is one type in Go, which reads the new form alone.
func (x fieldChange) recoded() bool {
	return slices.ContainsFunc(x.changes, func(h change) bool { return h.kind == recoded })
}

// compare finds out what changed in the fields since they were released, and what would make it safe.
func (c *comparer) compare(p *pair) []fieldChange {
	back := fieldsOf(p.is, p.was.Version)
	var found []fieldChange
	certain := false
	for _, f := range p.was.Fields {
		x := fieldChange{was: f, is: fieldOf(back, f.Name)}
		if x.is != nil {
			x.changes = c.shapes.field(f, x.is)
			if c.old.Form < lock.Version {
				x.changes = slices.DeleteFunc(x.changes, func(h change) bool { return h.kind == marked })
			}
			certain = certain || slices.ContainsFunc(x.changes, func(h change) bool { return h.certain() })
		} else {
			certain = true
		}
		if x.is == nil || len(x.changes) > 0 {
			found = append(found, x)
		}
	}
	for _, f := range back {
		if fieldOf(p.was.Fields, f.Name) == nil && !isOptional(f.Type) {
			found, certain = append(found, fieldChange{is: f}), true
		}
	}
	p.pauses = p.is.Version > p.was.Version && !onlyAdds(p)
	if certain && !slices.ContainsFunc(found, fieldChange.recoded) {
		p.safe = c.step(p)
	}
	return found
}

// fieldsOf returns the fields of a version of an event, by its history: of one that it has not come to, the latest.
func fieldsOf(e *lock.Event, version int) []*lock.Field {
	for _, s := range e.History {
		if s.Version == version+1 {
			return s.Before
		}
	}
	return e.Fields
}

// onlyAdds reports whether older releases read the new version as well.
func onlyAdds(p *pair) bool {
	return !slices.ContainsFunc(p.is.History, func(s *lock.Step) bool {
		return s.Version > p.was.Version && (s.Upcast || len(s.Renamed)+len(s.Removed) > 0)
	})
}

// report reports what became of fields, but for what lies in types that others share.
func (c *comparer) report(p *pair, found []fieldChange) {
	renamed := c.pairs(p.was.Fields, fieldsOf(p.is, p.was.Version))
	for _, x := range found {
		switch {
		case x.was == nil && slices.Contains(slices.Collect(maps.Values(renamed)), x.is):
		case x.was == nil:
			c.add(diag.FieldAdded, x.is.At, diag.Span{}, p.breaks(Stored), "", p.safe,
				"the field %s of %s is new, and needed; events that are stored have none, and %s", x.is.Name, p.is.Name, p.silent())
		case x.is == nil && renamed[x.was] != nil:
			now := renamed[x.was]
			c.add(diag.FieldRenamed, now.At, x.was.At, p.breaks(Stored, Running, Readers), "", p.safe,
				"the field %s of %s is called %s now, and %s", x.was.Name, p.is.Name, now.Name, p.silent())
		case x.is == nil:
			c.goneField(p, x.was)
		}
		for _, h := range x.changes {
			if h.is != nil {
				c.share(h, p)
				continue
			}
			c.fieldChanged(p, x.is, h)
		}
	}
}

// silent says what of the event's declaration does not say what changed.
func (p *pair) silent() string {
	if p.is.Version > p.was.Version {
		return "the step to version " + strconv.Itoa(p.was.Version+1) + " does not say so"
	}
	return "its version is still " + strconv.Itoa(p.is.Version)
}

// breaks leaves out those who pause in front of the new version, or are told of it. Older releases read one that only adds,
// as far as it says.
func (p *pair) breaks(who ...string) []string {
	if p.is.Version <= p.was.Version {
		return who
	}
	return slices.DeleteFunc(slices.Clone(who), func(w string) bool { return w == Readers || w == Running && p.pauses })
}

func (c *comparer) goneField(p *pair, f *lock.Field) {
	breaks, reason := p.breaks(Stored, Running, Readers), "older releases, and readers, do not do without"
	if isOptional(f.Type) {
		breaks, reason = []string{Stored}, "a later field of that name would be read from events that are stored"
	}
	if len(breaks) == 1 {
		reason = "a later field of that name would be read from events that are stored"
	}
	c.add(diag.FieldGone, p.is.At, f.At, breaks, "", p.safe,
		"the field %s of %s is gone, and %s: %s", f.Name, p.is.Name, p.silent(), reason)
}

// fieldChanged reports what changed in a field's own type.
func (c *comparer) fieldChanged(p *pair, f *lock.Field, h change) {
	name := f.Name + " of " + p.is.Name
	switch h.kind {
	case required:
		c.add(diag.FieldRequired, h.at, h.oldAt, []string{Stored}, "", p.safe,
			"%s can't be left out any more, and events that are stored may lack it", name)
	case widened:
		if p.pauses {
			return
		}
		c.warn(diag.FieldWidened, h.at, h.oldAt, []string{Running, Readers},
			"let all processes run this release before one of them writes what the older ones can't read",
			"%s was %s, and is %s: older releases stop at an event that they could not have written", name, h.from, h.to)
	case marked, markedOther:
		if !h.certain() {
			c.warnMarked(name, h)
			return
		}
		c.add(diag.PersonalChanged, h.at, h.oldAt, p.breaks(Stored, Running), "", p.safe, "%s", c.markedText(name, h))
	default:
		hint := ""
		if p.safe == nil {
			hint = "leave it as it was, and add another field, of another type in Go"
		}
		c.add(diag.FieldRetyped, h.at, h.oldAt, p.breaks(Stored, Running, Readers), hint, p.safe,
			"%s was %s, and is %s: what is stored can't be read as that", name, h.from, h.to)
	}
}

// warnMarked says what becomes of data that was not a person's.
func (c *comparer) warnMarked(name string, h change) {
	c.warn(diag.PersonalChanged, h.at, h.oldAt, []string{Stored, Running, Readers},
		"let all processes run this release before one of them writes it; what is stored can't be forgotten",
		"%s: older releases stop at an event in which it is encrypted", c.markedText(name, h))
}

func (c *comparer) markedText(name string, h change) string {
	switch {
	case h.from == "":
		return name + " is a person's data now: in events that are stored it is in clear text, and stays so"
	case h.to == "":
		return name + " is no person's data any more: in events that are stored it is encrypted"
	}
	return fmt.Sprintf("%s is the data of %s now, and was that of %s: it was encrypted for the other one", name, h.to, h.from)
}

// lowered reports a version that went back.
func (c *comparer) lowered(p *pair) {
	if p.is.Version >= p.was.Version {
		return
	}
	if p.safe == nil {
		p.safe = c.restored(p)
	}
	c.add(diag.VersionLowered, p.is.At, p.was.At, []string{Stored, Running}, "", p.safe,
		"%s was of version %d, and is of version %d: events that are stored would be newer than the model", p.is.Name, p.was.Version, p.is.Version)
}

// skipped warns of versions that no release may have had.
func (c *comparer) skipped(p *pair) {
	if p.is.Version <= p.was.Version+1 {
		return
	}
	c.warn(diag.VersionSkipped, p.is.At, p.was.At, []string{Stored},
		"fine, if releases between the two had them; else count on by one",
		"%s goes from version %d to %d: was an event of a version between ever stored?", p.is.Name, p.was.Version, p.is.Version)
}

// edited reports steps that say something else than when they were released.
func (c *comparer) edited(p *pair) {
	if c.old.Form < lock.Version {
		return
	}
	for _, was := range p.was.History {
		i := slices.IndexFunc(p.is.History, func(s *lock.Step) bool { return s.Version == was.Version })
		if i < 0 || was.Version > p.is.Version {
			continue // the version went back
		}
		is := p.is.History[i]
		what := c.stepDifference(was, is)
		if what == "" {
			continue
		}
		safe := &overlay{}
		safe.add(c.declaring(p, was.Version, c.spellStep(was, safe)))
		c.add(diag.HistoryEdited, is.At, was.At, []string{Stored}, "", safe,
			"the step of %s to version %d was released, and says something else now: %s", p.is.Name, was.Version, what)
	}
}

// stepDifference says what differs between two steps to the same version; it is empty where nothing does.
func (c *comparer) stepDifference(was, is *lock.Step) string {
	if was.Upcast != is.Upcast {
		return "an upcaster came, or went"
	}
	for _, list := range []struct {
		what    string
		was, is []lock.Entry
	}{{"added", was.Added, is.Added}, {"renamed", was.Renamed, is.Renamed}} {
		if !sameEntries(list.was, list.is) {
			return "what it " + list.what
		}
	}
	if !c.reads(entryFields(was.Removed), entryFields(is.Removed)) {
		return "what it removed"
	}
	if was.Upcast && !c.reads(was.From, is.From) {
		return "the fields that the upcaster is given"
	}
	return ""
}

func sameEntries(was, is []lock.Entry) bool {
	return len(was) == len(is) && !slices.ContainsFunc(was, func(e lock.Entry) bool {
		return !slices.ContainsFunc(is, func(o lock.Entry) bool { return o.Name == e.Name && o.Text == e.Text })
	})
}

func entryFields(list []lock.Entry) []*lock.Field {
	var fields []*lock.Field
	for _, e := range list {
		fields = append(fields, &lock.Field{Name: e.Name, Type: e.Text, At: e.At})
	}
	return fields
}

// reads reports whether fields are those that there were, and read what those wrote.
func (c *comparer) reads(was, is []*lock.Field) bool {
	return len(was) == len(is) && !slices.ContainsFunc(was, func(f *lock.Field) bool {
		g := fieldOf(is, f.Name)
		return g == nil || slices.ContainsFunc(c.shapes.field(f, g), func(h change) bool { return h.certain() })
	})
}
