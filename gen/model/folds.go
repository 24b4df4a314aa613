package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Handler is what a projection does with one event: its folds, in their order.
type Handler struct {
	Event *Event
	Folds []*Fold
	At    diag.Span
}

// Fold is what an event does to one row, or to one row for each element of Each.
type Fold struct {
	Doc string
	At  diag.Span
	// Each is nil where the fold happens once.
	Each *Each
	// Where is nil where the fold always happens.
	Where *Expr
	// Key gives the row's key: an expression for each field of the projection's key, in their order. It is empty where
	// a function of the team's gives the keys.
	Key     []*Expr
	KeyInGo bool
	// Change is how the row changes; it is nil where the fold is in Go, or deletes the row.
	Change *Apply
	Delete bool
}

// InGo reports whether the fold is the team's: nothing is declared of what it does to its row.
func (f *Fold) InGo() bool { return f.Change == nil && !f.Delete }

// Each are the values for each of which a fold happens.
type Each struct {
	Over *Expr
	// Name is what an element is called in expressions. That of a map has the fields key and value.
	Name string
}

// Element is the type of an element of a list or a set.
func (e *Each) Element() Type { return *e.Over.Type.Elem }

// handler resolves what a projection does with one event.
func (r *resolver) handler(m *Projection, s *schema.Handler, event *Event) *Handler {
	h := &Handler{Event: event, At: s.Name.At}
	if len(s.Folds) == 0 {
		r.errorf(diag.NoFolds, h.At, "write `{key: …, set: …}`, or ignore the event",
			"%s says nothing of what becomes of %s", m.Name, event.Name)
	}
	var inGo *schema.Fold
	for _, f := range s.Folds {
		fold := r.fold(m, f, event, len(s.Folds) > 1)
		h.Folds = append(h.Folds, fold)
		if declares(f, append(changing, "delete")...) {
			continue
		}
		if inGo != nil {
			r.clash(diag.TwoFoldsInGo, f.At, inGo.At, "the first one",
				"%s has two folds in Go: one method %s can't tell which of them is meant", event.Name, event.Name)
		}
		inGo = f
		if fold.Each != nil && !named(fold.Each.Over.Type) {
			r.errorf(diag.ElementInGo, f.Each.At, "declare a named scalar over the type of the elements",
				"a fold in Go can't be given an element of %s", fold.Each.Over.Type)
		}
	}
	return h
}

// named reports whether a file that imports nothing but package cqrs can spell the elements of a type.
func named(t Type) bool {
	switch t.Kind {
	case Time, Duration, UUID:
		return false
	case Optional, List, Set:
		return named(*t.Elem)
	case Map:
		return named(*t.Key) && named(*t.Elem)
	}
	return true
}

// changing are the keys of a fold that say how its row changes.
var changing = []string{"set", "remove", "copy"}

// declares reports whether a fold says what happens to its row, also where that was reported.
func declares(s *schema.Fold, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return s.Keys[key] != schema.Absent })
}

// fold resolves one fold. others says that the event has more of them.
func (r *resolver) fold(m *Projection, s *schema.Fold, event *Event, others bool) *Fold {
	f := &Fold{Doc: s.Doc, At: s.At, KeyInGo: s.KeyInGo.Given(), Delete: s.Delete.Given()}
	in := scope{r.eventRoot(event), streamRoot(event.Aggregate), metaRoot()}
	item, known := r.each(s, f, in)
	if f.Each != nil {
		in = append(in, item)
	}
	row := fieldsRoot("row", m.Row).called("the row of " + m.Name)
	row.open = r.fieldsUnknown[m]
	in = append(in, row)
	if !f.KeyInGo {
		f.Key = r.foldKey(m, s, event, in, known)
	}
	if !known {
		return f
	}
	f.Where = r.expr(s.Where, in, Type{Kind: Bool})
	if declares(s, changing...) {
		// Rows share what they take from the event, unless it is copied.
		shared := others || f.Each != nil || f.KeyInGo
		f.Change = r.changes(r.assigned(m, s, event), s.Remove, "row", in, shared)
	}
	if f.Delete && f.Change != nil {
		r.errorf(diag.SetAndDelete, s.Delete.At,
			"make it two folds: `[{where: …, key: …, set: …}, {where: …, key: …, delete: true}]`",
			"a fold changes its row or deletes it, not both")
	}
	return f
}

// each resolves the values for each of which a fold happens. It reports false if nobody knows what these are.
func (r *resolver) each(s *schema.Fold, f *Fold, in scope) (root, bool) {
	if !s.Each.Given() {
		if s.As.Given() && s.Keys["each"] == schema.Absent {
			r.errorf(diag.ElementName, s.As.At, "add `each: event.lines`", "`as` names an element, and there is no `each`")
		}
		return root{}, s.Keys["each"] != schema.Faulty
	}
	name, ok := "item", s.Keys["as"] != schema.Faulty
	if s.As.Given() {
		name = s.As.Value
		ok = r.elementName(s.As)
	}
	over := r.expr(s.Each, in, Type{})
	if over == nil || !ok {
		return root{}, false
	}
	f.Each = &Each{Over: over, Name: name}
	if f.KeyInGo {
		r.errorf(diag.KeyInGoForEach, s.KeyInGo.At, "leave `each` out, or write the key as expressions over `"+name+"`",
			"`key: go` returns all the keys of an event, and takes no `each`")
	}
	switch t := over.Type; t.Kind {
	case List, Set:
		return valueRoot(name, *t.Elem), true
	case Map:
		return fieldsRoot(name, []*Field{{Name: "key", Type: *t.Key}, {Name: "value", Type: *t.Elem}}).
			called("an entry of the map"), true
	}
	r.errorf(diag.EachType, s.Each.At, "", "`each` takes a list, a set or a map, and %s is of the type %s",
		s.Each.Value, over.Type)
	return root{}, false
}

// rootNames are the names that expressions of folds start from.
var rootNames = []string{"event", "row", "stream", "meta"}

// elementName checks the name of an element.
func (r *resolver) elementName(name schema.Text) bool {
	if slices.Contains(rootNames, name.Value) || name.Value == "none" {
		r.errorf(diag.ElementName, name.At, "choose another name", "%q has a meaning of its own in expressions", name.Value)
		return false
	}
	before := r.diags.Len()
	r.fieldName(name)
	return r.diags.Len() == before
}

// foldKey resolves how an event gives a row's key: an expression for each field of the key, in their order. known says
// that the scope has all names.
func (r *resolver) foldKey(m *Projection, s *schema.Fold, event *Event, in scope, known bool) []*Expr {
	if len(m.Key) == 0 {
		return nil // which was reported, and leaves nothing to compare with
	}
	if missing(s.Keys, "key", len(s.Key)) {
		r.errorf(diag.KeyFieldMissing, s.At, "add `key: {"+strings.Join(fieldNames(m.Key), ": …, ")+": …}`",
			"%s gives no key to find its row by", event.Name)
		return nil
	}
	given := map[string]schema.KeyValue{}
	for _, kv := range s.Key {
		if fieldNamed(m.Key, kv.Field.Value, equal) == nil {
			r.extraKeyField(m, kv, given)
			continue
		}
		given[kv.Field.Value] = kv
	}
	keys := make([]*Expr, 0, len(m.Key))
	var left []string
	for _, f := range m.Key {
		kv, ok := given[f.Name]
		if !ok {
			left = append(left, f.Name)
		} else if known {
			keys = append(keys, r.keyValue(kv.Value, f, in))
		}
	}
	if len(left) > 0 && !unread(s.Keys, "key", len(s.Key)) {
		r.partialKey(m, s, event, left)
	}
	return keys
}

// partialKey reports an event that leads to many rows, which nobody could name.
func (r *resolver) partialKey(m *Projection, s *schema.Fold, event *Event, left []string) {
	var given []string
	for _, kv := range s.Key {
		if fieldNamed(m.Key, kv.Field.Value, equal) != nil {
			given = append(given, kv.Field.Value)
		}
	}
	second := "a second projection"
	if len(given) > 0 {
		second += " by " + strings.Join(given, ", ")
	}
	hint := fmt.Sprintf("put %s into %s when it happens, or keep %s and combine the two when querying",
		strings.Join(left, " and "), event.Name, second)
	if forgotten := forgotten(m, event, left); forgotten != nil {
		hint = "add `" + strings.Join(forgotten, ", ") + "` to its key"
	}
	r.errorf(diag.PartialKey, s.At, hint, "%s gives only part of the key of %s: %s has no value",
		event.Name, m.Name, strings.Join(left, " and "))
}

// forgotten returns values for the fields of a key, if the event has fields of the same names and types for all of them.
func forgotten(m *Projection, event *Event, left []string) []string {
	var values []string
	for _, name := range left {
		from, to := fieldNamed(event.Fields, name, equal), fieldNamed(m.Key, name, equal)
		if from == nil || from.Type.broken() || to.Type.broken() || !from.Type.Equal(to.Type) {
			return nil
		}
		values = append(values, name+": event."+name)
	}
	return values
}

func (r *resolver) extraKeyField(m *Projection, kv schema.KeyValue, given map[string]schema.KeyValue) {
	names := fieldNames(m.Key)
	r.errorf(diag.KeyFieldUnknown, kv.Field.At, diag.DidYouMean(kv.Field.Value, names),
		"the key of %s has no field %q", m.Name, kv.Field.Value)
	if near := diag.Nearest(kv.Field.Value, names); near != "" {
		if _, ok := given[near]; !ok {
			given[near] = schema.KeyValue{Field: kv.Field}
		}
	}
}

// keyValue resolves the value of one field of a key. It may depend on everything but the row.
func (r *resolver) keyValue(text schema.Text, f *Field, in scope) *Expr {
	if text.Value == "go" {
		r.errorf(diag.ExprSyntax, text.At, "write `key: go`: a function of yours returns whole keys",
			"`go` stands for the whole key, not for a field of it")
		return nil
	}
	x := r.expr(text, in, f.Type)
	if x == nil {
		return nil
	}
	var row *expr.Node
	x.Node.Walk(func(n *expr.Node) {
		if n.Op == expr.OpName && n.Name == "row" {
			row = n
		}
	})
	if row != nil {
		r.errorf(diag.KeyFromRow, row.At, "whatever else a key needs belongs into the event",
			"a key can't depend on the row: it must be the same whenever the event is read")
	}
	return x
}

// assigned are the assignments of a fold: those of `set`, and what is copied.
func (r *resolver) assigned(m *Projection, s *schema.Fold, event *Event) []schema.Assignment {
	var list []schema.Assignment
	for _, a := range s.Set {
		if !r.setsKey(m, a.Target) {
			list = append(list, a)
		}
	}
	for _, name := range s.Copy {
		if !r.setsKey(m, name) && r.copies(m, name, event) {
			list = append(list, schema.Assignment{Target: name, Value: schema.Text{Value: "event." + name.Value, At: name.At}})
		}
	}
	return list
}

// setsKey reports a field of the key that is to be set.
func (r *resolver) setsKey(m *Projection, name schema.Text) bool {
	if fieldNamed(m.Key, name.Value, equal) == nil || fieldNamed(m.Row, name.Value, equal) != nil {
		return false
	}
	r.errorf(diag.KeyIsSet, name.At, "a row of another key is another row: delete this one, and set that one",
		"%s is in the key of %s, and can't be set", name.Value, m.Name)
	return true
}

// copies checks a field of an event that is copied into the row. It reports false if that was reported.
func (r *resolver) copies(m *Projection, name schema.Text, event *Event) bool {
	from, to := fieldNamed(event.Fields, name.Value, equal), fieldNamed(m.Row, name.Value, equal)
	switch {
	case from == nil && r.fieldsUnknown[event]:
		return false
	case from == nil:
		r.errorf(diag.CopyUnknownField, name.At, diag.DidYouMean(name.Value, fieldNames(event.Fields)),
			"the event %s has no field %q", event.Name, name.Value)
		return false
	case to == nil:
		return true // which is reported like any other field that is set
	case from.Type.broken() || to.Type.broken():
		return false
	case !from.Type.Equal(to.Type):
		r.errorf(diag.CopyType, name.At, fmt.Sprintf("write `set: {%s: …}`", name.Value),
			"%s is of the type %s in %s, and of the type %s in the row", name.Value, from.Type, event.Name, to.Type)
		return false
	}
	return true
}

// others resolves `others` and `others of Order`: the events that are neither handled nor named under ignore.
func (r *resolver) others(m *Projection, name schema.Text, aggregate string, known map[*Event]diag.Span) {
	var left []*Event
	found := aggregate == ""
	for _, a := range r.model.Aggregates {
		if aggregate != "" && a.Name != aggregate {
			continue
		}
		found = true
		if aggregate == "" && !handles(m, a) {
			continue
		}
		for _, e := range a.Events {
			if _, ok := known[e]; !ok {
				known[e] = name.At
				left = append(left, e)
			}
		}
	}
	switch {
	case !found && r.aggregatesUnknown:
	case !found:
		var names []string
		for _, a := range r.model.Aggregates {
			names = append(names, a.Name)
		}
		r.errorf(diag.UnknownOthers, name.At, diag.DidYouMean(aggregate, names), "unknown aggregate %q", aggregate)
	case len(left) == 0 && !r.eventsUnknown && len(m.On) > 0:
		r.errorf(diag.NoOthers, name.At, "leave it out", "there are no others: %s handles or ignores every event by name", m.Name)
	}
	m.Ignore = append(m.Ignore, left...)
}

// handles reports whether a projection handles an event of an aggregate.
func handles(m *Projection, a *Aggregate) bool {
	return slices.ContainsFunc(m.On, func(h *Handler) bool { return h.Event.Aggregate == a })
}

func fieldNames(fields []*Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}
