// Package evolve says what a change of a model means to what there is already: events that are stored, older releases that
// still run, and those who read its contracts and its read models. It compares what a lock file says of the model as it was
// with what one would say of the model as it is, and knows nothing else.
package evolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// Who would not survive a change.
const (
	Stored  = "stored"  // events that are stored
	Running = "running" // processes of older releases that still run, as in a rolling deployment
	Readers = "readers" // those who read the contracts: senders of commands, and who is sent events
	Views   = "views"   // those who query tables and views of read models
)

// Everybody are all of them.
var Everybody = []string{Stored, Running, Readers, Views}

// comparer compares two models.
type comparer struct {
	old, new *lock.Lock
	shapes   *shapes
	// behind is the number of lines before the old lock file in the files that places count through.
	behind int
	// section is the place of a section of the model: its key, or the model's beginning.
	section func(string) diag.Span
	found   diag.List
	// shared are the changes of declared types, by what changed.
	shared []*sharedChange
	// taken are the names of the new model, in lower case.
	taken map[string]bool
	// kept are the declarations of types as they were that remedies need, by the name that the type had.
	kept map[string]string
}

// Breaking returns what of the old model would not survive the new one. Places of the old one are behind lines further;
// section says where a section of the new one begins.
func Breaking(old, new *lock.Lock, behind int, section func(string) diag.Span) diag.List {
	c := &comparer{
		old: old, new: new, shapes: newShapes(old, new), behind: behind, section: section, taken: namesOf(new),
		kept: map[string]string{},
	}
	if old.Form < lock.Version {
		c.found.Add(diag.Diagnostic{
			Code: diag.LockTooOld, At: c.then(old.FormAt), Warning: true,
			Message: "this lock file was written by an older release: commands, rules, histories, unique values, personal data " +
				"and rows are not in it, and were not compared",
			Hint: "`cqrsgen generate` writes one that says all",
		})
	}
	c.aggregates()
	c.sharedChanges()
	if old.Form >= lock.Version {
		c.commands()
		c.projections()
	}
	return c.found
}

// Breakage counts what would not survive a change.
type Breakage struct {
	// Errors are certain, Warnings about what the model can't know.
	Errors, Warnings int
	// Who would not survive the errors, and Maybe the warnings, in the order of Everybody.
	Who, Maybe []string
}

// BreakageOf counts findings of Breaking.
func BreakageOf(found *diag.List) (b Breakage) {
	who, maybe := map[string]bool{}, map[string]bool{}
	for _, d := range found.Sorted() {
		broken := who
		if d.Warning {
			b.Warnings, broken = b.Warnings+1, maybe
		} else {
			b.Errors++
		}
		for _, w := range d.Breaks {
			broken[w] = true
		}
	}
	for _, w := range Everybody {
		if who[w] {
			b.Who = append(b.Who, w)
		}
		if maybe[w] {
			b.Maybe = append(b.Maybe, w)
		}
	}
	return b
}

// Lines say it to people: nothing where nothing breaks.
func (b Breakage) Lines() (lines []string) {
	if b.Errors > 0 {
		lines = append(lines, fmt.Sprintf("BREAKING: %s for %s", counted(b.Errors, "change"), strings.Join(b.Who, ", ")))
	}
	if b.Warnings > 0 {
		lines = append(lines, fmt.Sprintf("%s for %s", counted(b.Warnings, "warning"), strings.Join(b.Maybe, ", ")))
	}
	return lines
}

// Stops reports that the release can't do what is planned: it, or what runs beside it, would stop at events, or misread them.
func (b Breakage) Stops() bool {
	return slices.Contains(b.Who, Stored) || slices.Contains(b.Who, Running)
}

// namesOf returns the names that a new type can't have.
func namesOf(l *lock.Lock) map[string]bool {
	names := map[string]bool{}
	add := func(name string) { names[strings.ToLower(name)] = true }
	for _, t := range l.Types {
		add(t.Name)
	}
	for _, a := range l.Aggregates {
		add(a.Name)
		for _, e := range a.Events {
			add(e.Name)
		}
		for _, x := range a.Commands {
			add(x.Name)
		}
	}
	for _, p := range l.Projections {
		add(p.Name)
	}
	return names
}

// then is a place of the old lock file.
func (c *comparer) then(at diag.Span) diag.Span {
	at.Line += c.behind
	return at
}

// was is a place of the old lock file that explains a finding.
func (c *comparer) was(at diag.Span) []diag.Related {
	if at.Line == 0 {
		return nil
	}
	return []diag.Related{{At: c.then(at), Message: "it was so"}}
}

func (c *comparer) add(code string, at, was diag.Span, breaks []string, hint string, safe *overlay, format string, args ...any) {
	d := diag.Diagnostic{
		Code: code, At: at, Message: fmt.Sprintf(format, args...), Hint: hint, Related: c.was(was), Breaks: breaks,
	}
	if safe != nil {
		d.Safe = safe.String()
	}
	c.found.Add(d)
}

// warn adds what breaks only those of whom nobody knows whether there are any.
func (c *comparer) warn(code string, at, was diag.Span, breaks []string, hint, format string, args ...any) {
	c.found.Add(diag.Diagnostic{
		Code: code, At: at, Message: fmt.Sprintf(format, args...), Hint: hint, Related: c.was(was), Breaks: breaks, Warning: true,
	})
}

// aggregates compares the aggregates, and the events of those that are still there.
func (c *comparer) aggregates() {
	now := map[string]*lock.Aggregate{}
	for _, a := range c.new.Aggregates {
		now[a.Name] = a
	}
	before := map[string]bool{}
	for _, a := range c.old.Aggregates {
		before[a.Name] = true
	}
	for _, a := range c.old.Aggregates {
		if b := now[a.Name]; b != nil {
			c.id(a, b)
			c.unique(a, b)
			c.events(a, b)
			continue
		}
		c.goneAggregate(a, before)
	}
}

// goneAggregate reports an aggregate that is not there any more, or is called otherwise.
func (c *comparer) goneAggregate(a *lock.Aggregate, before map[string]bool) {
	const reason = "streams are named by their aggregate: those that are stored stay %s/…, and nobody finds them"
	for _, b := range c.new.Aggregates {
		if !before[b.Name] && sharesEvents(a, b) {
			c.add(diag.AggregateRenamed, b.At, a.At, []string{Stored, Running, Readers},
				"call it "+a.Name+" again: an aggregate has the name of its streams for ever; how another one takes over, the page of "+
					diag.AggregateRenamed+" says", nil,
				"the aggregate %s is called %s now; "+reason, a.Name, b.Name, a.Name)
			return
		}
	}
	c.add(diag.AggregateGone, c.section("aggregates"), a.At, []string{Stored, Running, Readers},
		"keep it as long as the log has streams of it, with one command at least", nil,
		"the aggregate %s is gone, with %s; "+reason, a.Name, counted(len(a.Events), "event"), a.Name)
}

// sharesEvents reports whether most of an aggregate's events are those of another one.
func sharesEvents(a, b *lock.Aggregate) bool {
	same := 0
	for _, e := range a.Events {
		if slices.ContainsFunc(b.Events, func(o *lock.Event) bool { return o.Wire == e.Wire || o.Name == e.Name }) {
			same++
		}
	}
	return same > 0 && 2*same >= len(a.Events)
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// id compares how the streams of an aggregate are named.
func (c *comparer) id(was, is *lock.Aggregate) {
	before, now := idOf(was, c.shapes.old), idOf(is, c.shapes.new)
	if now.reads(before) {
		return
	}
	c.add(diag.IDChanged, is.At, was.At, []string{Stored, Running, Readers},
		"keep the id as it was; another one makes another aggregate, and how that takes over, the page of "+diag.AggregateRenamed+
			" says", nil,
		"the id of %s was %s, and is %s: the streams that are stored are named by the old one", is.Name, before, now)
}

// streamID is what an id is made of, in the order in which it is written.
type streamID struct {
	parts []idPart
	// composed says that it has parts: one of a single part is written otherwise than a plain one.
	composed bool
}

// idPart is a part of an id: of a scalar, or of an enum, which has values.
type idPart struct {
	name, base string
	values     []string
}

func idOf(a *lock.Aggregate, types map[string]*lock.Type) (id streamID) {
	t := types[a.ID]
	if t == nil {
		return id
	}
	if !t.Struct {
		id.parts = []idPart{idPartOf("", t.Name, types)}
		return id
	}
	id.composed = true
	for _, f := range t.Fields {
		id.parts = append(id.parts, idPartOf(f.Name, f.Type, types))
	}
	return id
}

func idPartOf(name, typ string, types map[string]*lock.Type) idPart {
	p := idPart{name: name, base: baseOf(typ, types[typ])}
	if t := types[typ]; t != nil {
		for _, v := range t.Values {
			p.values = append(p.values, v.Text)
		}
	}
	return p
}

// reads reports whether the names of streams mean the same as before. Parts may be called otherwise, but not change places:
// where they are of one scalar, a name would be read as that of another stream.
func (id streamID) reads(was streamID) bool {
	if id.composed != was.composed || len(id.parts) != len(was.parts) {
		return false
	}
	for i, p := range was.parts {
		j := slices.IndexFunc(id.parts, func(o idPart) bool { return o.name == p.name })
		if j >= 0 && j != i || !id.parts[i].reads(p) {
			return false
		}
	}
	return true
}

func (p idPart) reads(was idPart) bool {
	if p.base != was.base && !wider[was.base+" "+p.base] && alike[was.base] != p.base {
		return false
	}
	return !slices.ContainsFunc(was.values, func(v string) bool { return !slices.Contains(p.values, v) })
}

func (id streamID) String() string {
	var texts []string
	for _, p := range id.parts {
		text := p.base
		if len(p.values) > 0 {
			text = "enum of " + strings.Join(p.values, " and ")
		}
		texts = append(texts, strings.TrimPrefix(p.name+": "+text, ": "))
	}
	switch {
	case len(texts) == 0:
		return "none, with one instance"
	case id.composed:
		return "made of " + strings.Join(texts, ", ")
	}
	return "one of " + texts[0]
}

// unique reports unique values that those who came before have not claimed.
func (c *comparer) unique(was, is *lock.Aggregate) {
	if c.old.Form < lock.Version {
		return
	}
	for _, u := range is.Unique {
		if slices.ContainsFunc(was.Unique, func(o lock.Value) bool { return o.Text == u.Text }) {
			continue
		}
		fields, _, _ := strings.Cut(u.Text, " ")
		at := slices.IndexFunc(was.Unique, func(o lock.Value) bool {
			before, _, _ := strings.Cut(o.Text, " ")
			return before == fields
		})
		hint := "run `ClaimUnique` once when the last process of the old release has ended"
		if at >= 0 {
			c.warn(diag.UniqueChanged, u.At, was.Unique[at].At, []string{Stored, Running}, hint,
				"%s is compared in another way: the claims from before do not count, and values that are taken can be taken again",
				fields)
			continue
		}
		c.warn(diag.UniqueChanged, u.At, diag.Span{}, []string{Stored, Running}, hint,
			"%s is unique from now on: the values that streams have already are not claimed, and older releases claim none", fields)
	}
}
