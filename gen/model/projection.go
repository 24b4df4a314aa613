package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

func (r *resolver) projection(s *schema.Projection) {
	m := &Projection{Name: s.Name.Value, Doc: s.Doc, At: s.Name.At, Materialized: s.Materialized.At, Inline: s.Mode.Value != ""}
	m.Manual = s.Promote.Value != ""
	if s.Revision.Value != "1" {
		m.Revision = s.Revision.Value
	}
	r.model.Projections = append(r.model.Projections, m)
	m.Key = r.fields("the key of "+m.Name, s.Key)
	m.Row = r.fields("the row of "+m.Name, s.Row)
	r.fieldsUnknown[m] = unread(s.Keys, "row", len(s.Row))
	r.keyAndRow(s, m)
	r.searched(append(slices.Clone(s.Key), s.Row...), append(slices.Clone(m.Key), m.Row...))
	known := r.handlers(s, m)
	r.ignored(s, m, known)
	if s.Keys["ignore"] != schema.Faulty {
		r.unhandled(m, known)
	}
	r.indexes(s, m)
	r.queries(s, m)
}

// keyAndRow checks the columns of a projection.
func (r *resolver) keyAndRow(s *schema.Projection, m *Projection) {
	if missing(s.Keys, "key", len(s.Key)) {
		r.errorf(diag.NoKey, m.At, "add `key: {name: type}`", "the projection %s has no key", m.Name)
	}
	if missing(s.Keys, "row", len(s.Row)) {
		r.errorf(diag.NoRow, m.At, "add `row: {name: type}`", "the projection %s has no row", m.Name)
	}
	for _, f := range s.Key {
		if f.Duplicate || f.Type == nil {
			continue
		}
		if t := fieldNamed(m.Key, f.Name.Value, equal).Type; !t.broken() && !inKey(t) {
			hint := ""
			if t.Kind == Ref && t.Named.IDOf != nil {
				hint = "give the key a field for each part: " + strings.Join(fieldNames(t.Named.Fields), ", ")
			}
			r.errorf(diag.KeyType, f.Type.At, hint,
				"%s can't be in a key: a key is made of strings, bools, integers, times, dates, uuids and enums", t)
		}
	}
	for _, f := range m.Row {
		if k := fieldNamed(m.Key, f.Name, strings.EqualFold); k != nil {
			r.clash(diag.InKeyAndRow, f.At, k.At, "it stands in the key here",
				"%s has the field %s in its key already", m.Name, k.Name)
		}
	}
}

// searched refuses to search what is no text.
func (r *resolver) searched(written []*schema.Field, fields []*Field) {
	for _, s := range written {
		if !s.Search.Given() || s.Duplicate {
			continue
		}
		f := fieldNamed(fields, s.Name.Value, equal)
		t := f.Type
		if t.Kind == Optional {
			t = *t.Elem
		}
		switch {
		case t.broken():
		case t.Scalar() != String:
			r.errorf(diag.NotSearched, s.Search.At, "", "rows can't be searched by %s: %s is no text", f.Name, f.Type)
		case t.isEnum() && f.Search == "text":
			r.errorf(diag.NotSearched, s.Search.At, "write `search: keyword`", "the values of %s have no words: %s is an enum", f.Name, f.Type)
		}
	}
}

// inKey reports whether values of a type can be compared and ordered by every store in the same way.
func inKey(t Type) bool {
	k := t.Scalar()
	return k != 0 && k != Bytes && k != Float64
}

func equal(a, b string) bool { return a == b }

// fieldNamed finds a field by its name.
func fieldNamed(list []*Field, name string, same func(a, b string) bool) *Field {
	for _, f := range list {
		if same(f.Name, name) {
			return f
		}
	}
	return nil
}

// handlers resolves what a projection does with events. It returns the events that the projection knows of, with the
// place where it says so; those that a misspelt name probably means are among them.
func (r *resolver) handlers(s *schema.Projection, m *Projection) map[*Event]diag.Span {
	if missing(s.Keys, "on", len(s.On)) {
		r.errorf(diag.NoHandlers, m.At, "add `on: {Event: {key: {…}}}`", "the projection %s handles no event", m.Name)
	}
	known := map[*Event]diag.Span{}
	for _, h := range s.On {
		event := r.event(h.Name, diag.UnknownHandled, known)
		if event == nil || h.Duplicate {
			continue
		}
		if i := slices.IndexFunc(m.On, func(o *Handler) bool { return o.Event == event }); i >= 0 {
			r.clash(diag.DuplicateKey, h.Name.At, m.On[i].At, "the first one", "%s handles %s twice", m.Name, event.Ref())
			continue
		}
		known[event] = h.Name.At
		m.On = append(m.On, r.handler(m, h, event))
	}
	return known
}

// event finds an event by its name in any aggregate.
func (r *resolver) event(name schema.Text, code string, known map[*Event]diag.Span) *Event {
	switch list := r.events[name.Value]; len(list) {
	case 0:
	case 1:
		return list[0]
	default:
		r.ambiguous("event", name, list)
		for _, e := range list {
			if _, already := known[e]; !already {
				known[e] = diag.Span{} // which one is not said
			}
		}
		return nil
	}
	if r.eventsUnknown {
		return nil
	}
	if r.tired() {
		r.errorf(code, name.At, "", "unknown event %q", name.Value)
		return nil
	}
	hint, near := r.hint(name.Value, eventNames(r.model.Aggregates...))
	meant := r.events.first(near)
	if _, last, qualified := strings.Cut(name.Value, "."); qualified && r.events[last] != nil {
		meant = r.events.first(last)
		hint = did(meant.Ref())
	}
	if _, already := known[meant]; meant != nil && !already {
		known[meant] = name.At
	}
	r.errorf(code, name.At, hint, "unknown event %q", name.Value)
	return nil
}

func (r *resolver) ignored(s *schema.Projection, m *Projection, known map[*Event]diag.Span) {
	seen := map[*Event]schema.Text{}
	for _, name := range s.Ignore {
		if _, ok := name.Others(); ok {
			continue
		}
		event := r.event(name, diag.UnknownIgnored, known)
		if event == nil {
			continue
		}
		if first, twice := seen[event]; twice {
			r.clash(diag.IgnoredTwice, name.At, first.At, "the first one", "%s ignores %s twice", m.Name, event.Name)
			continue
		}
		seen[event] = name
		if at, handled := known[event]; handled && at.Len > 0 {
			r.clash(diag.HandledAndIgnored, name.At, at, "it is handled here",
				"%s handles %s and ignores it", m.Name, event.Name)
			continue
		}
		m.Ignore = append(m.Ignore, event)
	}
	for event, name := range seen {
		known[event] = name.At
	}
	for _, name := range s.Ignore {
		if aggregate, ok := name.Others(); ok {
			r.others(m, name, aggregate, known)
		}
	}
}

// unhandled reports the events that a projection says nothing of, though it handles others of their aggregate.
func (r *resolver) unhandled(m *Projection, known map[*Event]diag.Span) {
	first := map[*Aggregate]*Handler{}
	var of []*Aggregate
	for _, h := range m.On {
		if a := h.Event.Aggregate; first[a] == nil {
			first[a] = h
			of = append(of, a)
		}
	}
	for _, a := range of {
		handled := first[a]
		var left []string
		for _, e := range a.Events {
			if _, ok := known[e]; !ok && r.events.first(qualified(a, e.Name)) == e {
				left = append(left, e.Ref())
			}
		}
		if len(left) == 0 {
			continue
		}
		r.diags.Add(diag.Diagnostic{
			Code: diag.EventNotHandled, At: m.At,
			Message: fmt.Sprintf("%s handles %s of %s, and does not say what becomes of %s", m.Name,
				handled.Event.Name, a.Name, strings.Join(left, ", ")),
			Hint:    "handle them under `on`, or add them to `ignore: [" + strings.Join(left, ", ") + "]`",
			Related: []diag.Related{{At: handled.At, Message: handled.Event.Name + " is handled here"}},
		})
	}
}

func (r *resolver) indexes(s *schema.Projection, m *Projection) {
	columns := append(append([]*Field(nil), m.Key...), m.Row...)
	seen := map[string]diag.Span{}
	for _, x := range s.Indexes {
		index, ok := r.index(x, m, columns)
		if !ok {
			continue
		}
		id := strings.Join(fieldNames(index.Fields), ", ")
		if first, twice := seen[id]; twice {
			r.clash(diag.IndexDuplicate, x.At, first, "the first one", "the index over %s is there already", id)
			continue
		}
		seen[id] = x.At
		m.Indexes = append(m.Indexes, index)
	}
}

// index resolves one index. It reports false if something in it was reported.
func (r *resolver) index(x schema.Index, m *Projection, columns []*Field) (Index, bool) {
	index, ok := Index{At: x.At}, !x.Faulty
	if ok && len(x.Fields) == 0 {
		r.errorf(diag.EmptyIndex, x.At, "", "an index needs a field")
		return index, false
	}
	unknown := len(m.Key) == 0 || len(m.Row) == 0 // which was reported
	for _, name := range x.Fields {
		f := fieldNamed(columns, name.Value, equal)
		switch {
		case f == nil && unknown:
			ok = false
		case f == nil:
			r.errorf(diag.IndexUnknownField, name.At, diag.DidYouMean(name.Value, fieldNames(columns)),
				"neither key nor row of %s has the field %q", m.Name, name.Value)
			ok = false
		case !f.Type.broken() && !ordered(f.Type):
			r.errorf(diag.IndexFieldUnordered, name.At, "", "%s can't be indexed: %s has no order", f.Name, f.Type)
			ok = false
		case fieldNamed(index.Fields, f.Name, equal) != nil:
			r.errorf(diag.IndexFieldTwice, name.At, "", "the field %s stands in the index already", f.Name)
			ok = false
		default:
			index.Fields = append(index.Fields, f)
		}
	}
	return index, ok
}

// ordered reports whether a read model keeps a type in an ordered column.
func ordered(t Type) bool {
	if t.Kind == Optional {
		t = *t.Elem
	}
	return t.Scalar() != 0
}
