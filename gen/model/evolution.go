package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// MaxVersion bounds the version of an event.
const MaxVersion = 1000

// Change is what changed in an event with one version.
type Change struct {
	// Version is the version that came of it: 2 is the first.
	Version int
	Doc     string
	At      diag.Span
	// Added are the new fields with the values that older events have for them.
	Added   []FieldValue
	Renamed []Rename
	// Removed are the fields that older events have.
	Removed []*Field
	// Upcast says that code of the team's does the step: what else changed is not declared.
	Upcast bool
	// Before are the fields of the version before, under the names that they had. Where a declared step leaves a field
	// as it was, but for its name, both versions have the same Field.
	Before []OldField
}

// OldField is a field under the name that it had in an older version of its event.
type OldField struct {
	Name  string
	Field *Field
}

// ReadableFrom returns the lowest version of the event that a program must know to read it: what came since was only
// added.
func (e *Event) ReadableFrom() int {
	version := e.Version
	for i := len(e.History) - 1; i >= 0; i-- {
		if c := e.History[i]; c.Upcast || len(c.Renamed)+len(c.Removed) > 0 {
			break
		}
		version--
	}
	return version
}

// fieldsAt returns the fields of a version of the event, as if they were declared under the names that they had.
func (e *Event) fieldsAt(version int) []*Field {
	if version == e.Version {
		return e.Fields
	}
	var fields []*Field
	for _, old := range e.FieldsOf(version) {
		f := *old.Field
		f.Name = old.Name
		fields = append(fields, &f)
	}
	return fields
}

// FieldsOf returns the fields of a version of the event, under the names that they had.
func (e *Event) FieldsOf(version int) []OldField {
	for _, c := range e.History {
		if c.Version == version+1 {
			return c.Before
		}
	}
	var fields []OldField
	for _, f := range e.Fields {
		fields = append(fields, OldField{f.Name, f})
	}
	return fields
}

// Rename is a field with the name that it had before.
type Rename struct {
	Field *Field
	Old   string
	At    diag.Span
}

// evolution resolves the version of an event, and how it came to be.
func (r *resolver) evolution(s *schema.Event, m *Event) {
	m.Version = r.version(s, m)
	if m.Version == 0 || s.Keys["history"] == schema.Faulty && len(s.History) == 0 {
		return
	}
	steps := r.steps(s, m)
	w := lookingBack{resolver: r, event: m, unknown: r.fieldsUnknown[m]}
	for _, f := range m.Fields {
		w.now = append(w.now, column{f.Name, f, f.At})
	}
	for version := m.Version; version > 1; version-- {
		step := steps[version]
		if step == nil {
			w.unknown = true
			if s.Keys["history"] != schema.Faulty {
				r.missingStep(s, m, version)
			}
			continue
		}
		m.History = slices.Insert(m.History, 0, w.back(step, version))
	}
}

func (r *resolver) version(s *schema.Event, m *Event) int {
	if !s.Version.Given() {
		if s.Keys["version"] == schema.Faulty {
			return 0
		}
		if s.Keys["history"] == schema.Written && len(s.History) > 0 {
			last := s.History[len(s.History)-1].Name.Value
			r.errorf(diag.EventVersion, m.At, "add `version: "+last+"`", "%s has a history and no version", m.Name)
			return 0
		}
		return 1
	}
	n, err := strconv.Atoi(s.Version.Value)
	if err != nil || n < 1 || n > MaxVersion || strconv.Itoa(n) != s.Version.Value {
		r.errorf(diag.EventVersion, s.Version.At, "", "the version of an event is a whole number from 1 to %d, not %q",
			MaxVersion, s.Version.Value)
		return 0
	}
	return n
}

// steps finds the steps to each version, and reports those that lead to none.
func (r *resolver) steps(s *schema.Event, m *Event) map[int]*schema.Step {
	steps := map[int]*schema.Step{}
	for _, step := range s.History {
		n, err := strconv.Atoi(step.Name.Value)
		switch {
		case step.Duplicate:
		case err != nil || n < 2 || n > m.Version || strconv.Itoa(n) != step.Name.Value:
			hint := "a step is named by the version that came of it, from 2 on"
			if m.Version == 1 {
				hint = "say which version this is: `version: 2`"
			}
			r.errorf(diag.HistoryStep, step.Name.At, hint, "%q is no version that %s came to", step.Name.Value, m.Name)
		default:
			steps[n] = step
		}
	}
	return steps
}

func (r *resolver) missingStep(s *schema.Event, m *Event, version int) {
	r.errorf(diag.HistoryStep, s.Version.At, fmt.Sprintf("add `history: {%d: {added: {field: value}}}`, or what else changed", version),
		"the history of %s does not say what changed with version %d", m.Name, version)
}

// lookingBack goes back through the versions of an event.
type lookingBack struct {
	*resolver
	event *Event
	// now are the fields of the version that it has come to.
	now []column
	// unknown says that nothing more is known of the fields: a step was reported, or code of the team's does it.
	unknown bool
}

// column is a field under the name that it had in a version.
type column struct {
	name  string
	field *Field
	at    diag.Span
}

func (w *lookingBack) at(name string) int {
	return slices.IndexFunc(w.now, func(c column) bool { return c.name == name })
}

// back resolves the step to a version, and goes on to the version before.
func (w *lookingBack) back(s *schema.Step, version int) *Change {
	step := &Change{Version: version, Doc: s.Doc, At: s.Name.At, Upcast: s.Upcast.Given()}
	declared := len(s.Added) + len(s.Renamed) + len(s.Removed)
	switch {
	case step.Upcast && declared > 0:
		w.errorf(diag.HistoryStep, s.Upcast.At, "leave the others out: the function does all of the step",
			"version %d has an `upcast`, and says what changed as well", version)
	case !step.Upcast && s.Keys["from"] != schema.Absent && !anyFaulty(s.Keys):
		w.errorf(diag.HistoryStep, s.Name.At, "add `upcast: go`",
			"version %d says what fields the older event had `from`, and has no `upcast` that reads them", version)
	case step.Upcast && s.Keys["from"] == schema.Absent:
		w.errorf(diag.HistoryStep, s.Upcast.At, "add all fields of the older event: `from: {field: type}`",
			"version %d does not say which fields the upcaster is given", version)
	case !step.Upcast && declared == 0 && !anyFaulty(s.Keys):
		w.errorf(diag.HistoryStep, s.Name.At, "write what is `added`, `renamed` or `removed`, or `upcast: go, from: {field: type}`",
			"version %d does not say what changed", version)
	}
	before := slices.Clone(w.now)
	w.added(s, step)
	w.renamed(s, step, before)
	w.removed(s, step, version)
	if step.Upcast {
		w.upcast(s, version)
	}
	w.unknown = w.unknown || step.Upcast && s.Keys["from"] == schema.Absent || anyFaulty(s.Keys)
	if len(w.now) > MaxFields {
		w.errorf(diag.TooManyFields, s.Name.At, "let an upcaster take the older event, with some of its fields",
			"version %d of the event %s has %d fields; at most %d are allowed", version-1, w.event.Name, len(w.now), MaxFields)
	}
	for _, c := range w.now {
		step.Before = append(step.Before, OldField{c.name, c.field})
	}
	return step
}

// upcast takes all fields of the version before from what the step says that the upcaster is given.
func (w *lookingBack) upcast(s *schema.Step, version int) {
	w.now, w.unknown = nil, false
	for _, f := range w.fields(fmt.Sprintf("version %d of the event %s", version-1, w.event.Name), s.From) {
		w.now = append(w.now, column{f.Name, f, f.At})
	}
}

func anyFaulty(keys schema.Keys) bool {
	for _, state := range keys {
		if state == schema.Faulty {
			return true
		}
	}
	return false
}

// added takes away the fields that older events do not have.
func (w *lookingBack) added(s *schema.Step, step *Change) {
	for _, entry := range s.Added {
		i := w.at(entry.Key.Value)
		if i < 0 {
			w.noField(entry.Key, step.Version)
			continue
		}
		f := w.now[i].field
		w.now = slices.Delete(w.now, i, i+1)
		if x := w.value(entry.Value, f.Type, asGiven); x != nil {
			step.Added = append(step.Added, FieldValue{f, x})
		}
	}
}

// renamed gives fields their old names.
func (w *lookingBack) renamed(s *schema.Step, step *Change, after []column) {
	for _, x := range s.Renamed {
		i := w.at(x.New.Value)
		if i < 0 {
			if slices.ContainsFunc(after, func(c column) bool { return c.name == x.New.Value }) {
				w.errorf(diag.HistoryField, x.New.At, "", "%s is named by version %d twice", x.New.Value, step.Version)
			} else {
				w.noField(x.New, step.Version)
			}
			continue
		}
		w.fieldName(x.Old)
		step.Renamed = append(step.Renamed, Rename{Field: w.now[i].field, Old: x.Old.Value, At: x.Old.At})
		w.now = slices.Delete(w.now, i, i+1)
	}
	for _, x := range step.Renamed {
		w.restore(column{x.Old, x.Field, x.At}, step.Version)
	}
}

// removed brings back the fields that newer events do not have.
func (w *lookingBack) removed(s *schema.Step, step *Change, version int) {
	step.Removed = w.fields(fmt.Sprintf("what version %d of the event %s removed", version, w.event.Name), s.Removed)
	for _, f := range step.Removed {
		w.restore(column{f.Name, f, f.At}, version)
	}
}

// restore adds a field to the version before.
func (w *lookingBack) restore(c column, version int) {
	i := slices.IndexFunc(w.now, func(o column) bool { return strings.EqualFold(o.name, c.name) })
	if i < 0 {
		w.now = append(w.now, c)
		return
	}
	w.clash(diag.HistoryField, c.at, w.now[i].at, "the other one",
		"version %d of %s would have two fields %s", version-1, w.event.Name, c.name)
}

// noField reports a field that an event does not have in a version.
func (w *lookingBack) noField(name schema.Text, version int) {
	if w.unknown {
		return
	}
	var names []string
	for _, c := range w.now {
		names = append(names, c.name)
	}
	w.errorf(diag.HistoryField, name.At, diag.DidYouMean(name.Value, names),
		"version %d of %s has no field %q", version, w.event.Name, name.Value)
}
