package lock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// Write returns the lock file of a plan whose generated files have the given names.
func Write(p *plan.Plan, files []string) []byte {
	w := &writer{}
	w.line(0, "%s", Header(p.Model.File))
	w.line(0, "# What stored events, states and rows look like. Commit it; `cqrsgen generate` settles merge conflicts in it.")
	w.lock(Of(p, files))
	return []byte(w.b.String())
}

// Text returns what the file says, without the comments that it begins with.
func (l *Lock) Text() []byte {
	w := &writer{}
	w.lock(l)
	return []byte(w.b.String())
}

// writer writes a fact on each line, so that parallel changes meet in few of them.
type writer struct{ b strings.Builder }

func (w *writer) line(depth int, format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&w.b, format+"\n", args...)
}

func (w *writer) lock(l *Lock) {
	w.line(0, "lock: %d", Version)
	w.line(0, "package: %s", text(l.Package))
	section(w, 0, "types", l.Types, w.typ)
	section(w, 0, "aggregates", l.Aggregates, w.aggregate)
	section(w, 0, "projections", l.Projections, w.projection)
	section(w, 0, "files", l.Files, func(name string) { w.line(1, "- %s", text(name)) })
}

// section writes a list below its key; one that is empty is left out.
func section[T any](w *writer, depth int, key string, list []T, write func(T)) {
	if len(list) == 0 {
		return
	}
	w.line(depth, "%s:", key)
	for _, x := range list {
		write(x)
	}
}

func (w *writer) typ(t *Type) {
	w.line(1, "%s:", text(t.Name))
	switch {
	case t.Base != "":
		w.line(2, "base: %s", t.Base)
	case t.Encoding != "":
		w.line(2, "encoding: %s", text(t.Encoding))
	case t.Struct:
		w.line(2, "struct: true")
	}
	section(w, 2, "rules", t.Rules, w.rule(3))
	w.values(2, "values", t.Values)
	w.fields(2, "fields", t.Fields)
	w.values(2, "checks", t.Checks)
}

func (w *writer) rule(depth int) func(Rule) {
	return func(r Rule) { w.line(depth, "%s: %s", r.Name, bound(r)) }
}

func bound(r Rule) string {
	if r.Name == "pattern" {
		return strconv.Quote(r.Bound)
	}
	return plainly(r.Bound)
}

// plainly writes the words of a type, and numbers, as they are.
func plainly(s string) string {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && !strings.ContainsRune("_./:~@+- ", rune(c)) {
			return strconv.Quote(s)
		}
	}
	if s == "" || strings.Contains(s, ": ") || strings.TrimSpace(s) != s || !isLetter(s[0]) && !number(s) || s[len(s)-1] == ':' {
		return strconv.Quote(s)
	}
	return s
}

func (w *writer) values(depth int, key string, list []Value) {
	section(w, depth, key, list, func(v Value) { w.line(depth+1, "- %s", text(v.Text)) })
}

// fields writes names and types in the order of the model, which is that of the stored form, and behind them what else is
// said of some of them.
func (w *writer) fields(depth int, key string, list []*Field) {
	section(w, depth, key, list, func(f *Field) { w.line(depth+1, "%s: %s", text(f.Name), plainly(f.Type)) })
	w.personal(depth, list)
	section(w, depth, "bounds", having(list, func(f *Field) bool { return len(f.Rules) > 0 }), func(f *Field) {
		section(w, depth+1, text(f.Name), f.Rules, w.rule(depth+2))
	})
}

// personal writes whose data fields have.
func (w *writer) personal(depth int, list []*Field) {
	section(w, depth, "personal", having(list, func(f *Field) bool { return f.Personal != "" }), func(f *Field) {
		w.line(depth+1, "%s: %s", text(f.Name), text(f.Personal))
	})
}

// columns writes the fields of a state or a row: rules of these bind nobody.
func (w *writer) columns(key string, list []*Field) {
	section(w, 2, key, list, func(f *Field) { w.line(3, "%s: %s", text(f.Name), plainly(f.Type)) })
}

func having(list []*Field, has func(*Field) bool) []*Field {
	var found []*Field
	for _, f := range list {
		if has(f) {
			found = append(found, f)
		}
	}
	return found
}

// aggregate writes an aggregate: `state` is the fingerprint that snapshots are kept under, and each event stands under
// its name on the wire.
func (w *writer) aggregate(a *Aggregate) {
	w.line(1, "%s:", text(a.Name))
	if a.ID == "" {
		w.line(2, "single: true")
	} else {
		w.line(2, "id: %s", text(a.ID))
	}
	w.line(2, "state: %q", a.State)
	if a.Snapshots {
		w.line(2, "snapshots: true")
	}
	w.columns("fields", a.Fields)
	w.personal(2, a.Fields)
	w.entries(2, "go", a.Functions)
	w.entries(2, "modules", a.Modules)
	w.values(2, "unique", a.Unique)
	section(w, 2, "events", a.Events, w.event)
	section(w, 2, "commands", a.Commands, w.command)
}

// event writes an event. Rules of its fields bind nobody who reads it.
func (w *writer) event(e *Event) {
	w.line(3, "%s:", text(e.Wire))
	if e.Wire != e.Name {
		w.line(4, "name: %s", text(e.Name))
	}
	w.line(4, "version: %d", e.Version)
	switch {
	case e.Retired:
		w.line(4, "retired: true")
	case e.Former:
		w.line(4, "former: true")
	}
	w.values(4, "becomes", e.Becomes)
	if e.Fold != "" {
		w.line(4, "fold: %s", text(e.Fold))
	}
	unbound := make([]*Field, len(e.Fields))
	for i, f := range e.Fields {
		unbound[i] = &Field{Name: f.Name, Type: f.Type, Personal: f.Personal}
	}
	w.fields(4, "fields", unbound)
	section(w, 4, "history", e.History, w.step)
}

func (w *writer) step(s *Step) {
	w.line(5, "%q:", strconv.Itoa(s.Version))
	if s.Upcast {
		w.line(6, "upcast: go")
	}
	w.entries(6, "added", s.Added)
	w.entries(6, "renamed", s.Renamed)
	w.entries(6, "removed", s.Removed)
	w.fields(6, "from", s.From)
}

func (w *writer) entries(depth int, key string, list []Entry) {
	section(w, depth, key, list, func(e Entry) { w.line(depth+1, "%s: %s", text(e.Name), text(e.Text)) })
}

func (w *writer) command(c *Command) {
	if len(c.Fields)+len(c.Checks) == 0 {
		w.line(3, "%s: {}", text(c.Name))
		return
	}
	w.line(3, "%s:", text(c.Name))
	w.fields(4, "fields", c.Fields)
	w.values(4, "checks", c.Checks)
}

// projection writes a projection: `rows` is the fingerprint that its rows are kept under.
func (w *writer) projection(p *Projection) {
	w.line(1, "%s:", text(p.Name))
	w.line(2, "rows: %q", p.Rows)
	if p.Revision != "" {
		w.line(2, "revision: %s", text(p.Revision))
	}
	if p.Mode != "" {
		w.line(2, "mode: %s", text(p.Mode))
	}
	if p.Manual {
		w.line(2, "promote: manual")
	}
	w.columns("key", p.Key)
	w.columns("row", p.Row)
	w.personal(2, p.Row)
	searched := having(append(slices.Clone(p.Key), p.Row...), func(f *Field) bool { return f.Search != "" })
	section(w, 2, "search", searched, func(f *Field) { w.line(3, "%s: %s", text(f.Name), text(f.Search)) })
	w.entries(2, "on", p.On)
	w.entries(2, "go", p.Functions)
	w.entries(2, "modules", p.Modules)
}

// text writes a text so that every reader of YAML takes it for one: plainly, if it is a word that YAML has no use for.
func text(s string) string {
	if s == "" || words[strings.ToLower(s)] || !isLetter(s[0]) {
		return strconv.Quote(s)
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return strconv.Quote(s)
		}
	}
	return s
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// words are those that are no texts to YAML, of whichever version.
var words = map[string]bool{
	"null": true, "true": true, "false": true, "y": true, "n": true, "yes": true, "no": true, "on": true, "off": true,
}

// valueText writes a value on one line: the same for the same value, in whatever order it was written.
func valueText(v *model.Value) string {
	var b strings.Builder
	writeValue(&b, v)
	return b.String()
}

func writeValue(b *strings.Builder, v *model.Value) {
	switch {
	case v.Absent:
		b.WriteString("null")
	case v.Type.Kind == model.Optional:
		writeValue(b, v.Items[0])
	case v.Type.Kind == model.List:
		joined(b, '[', v.Items, ']', func(x *model.Value) { writeValue(b, x) })
	case v.Type.Kind == model.Set:
		items := slices.SortedFunc(slices.Values(v.Items), func(x, y *model.Value) int { return strings.Compare(x.Text, y.Text) })
		joined(b, '[', items, ']', func(x *model.Value) { writeValue(b, x) })
	case v.Type.Kind == model.Map:
		entries := slices.SortedFunc(slices.Values(v.Entries), func(x, y model.MapEntry) int {
			return strings.Compare(x.Key.Text, y.Key.Text)
		})
		joined(b, '{', entries, '}', func(x model.MapEntry) {
			b.WriteString(strconv.Quote(x.Key.Text) + ": ")
			writeValue(b, x.Value)
		})
	case v.Type.Kind == model.Ref && v.Type.Named.Kind == model.Struct:
		fields := slices.SortedFunc(slices.Values(v.Fields), func(x, y model.FieldValue) int {
			return strings.Compare(x.Field.Name, y.Field.Name)
		})
		joined(b, '{', fields, '}', func(x model.FieldValue) {
			b.WriteString(x.Field.Name + ": ")
			writeValue(b, x.Value)
		})
	default:
		b.WriteString(strconv.Quote(v.Text))
	}
}

func joined[T any](b *strings.Builder, begin byte, list []T, end byte, write func(T)) {
	b.WriteByte(begin)
	for i, x := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		write(x)
	}
	b.WriteByte(end)
}
