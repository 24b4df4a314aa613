package contract

import (
	"slices"
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// version is an event as it was stored by some version of its declaration.
type version struct {
	*plan.Event
	number int
	fields []*model.Field
}

// versionsOf returns the versions of an event, the current one first. Those before a step that is written in Go are not
// among them: nobody declared what they held.
func versionsOf(e *plan.Event) []version {
	v := version{Event: e, number: max(1, e.Version), fields: e.Event.Fields}
	all := []version{v}
	for _, step := range slices.Backward(e.History) {
		if step.Upcast {
			break
		}
		v = version{Event: e, number: step.Version - 1, fields: before(v.fields, step)}
		all = append(all, v)
	}
	return all
}

// before returns the fields that an event had before a step: under their old names, without those that were added, and
// with those that were removed.
func before(now []*model.Field, step *model.Change) []*model.Field {
	var old []*model.Field
	for _, f := range now {
		if slices.ContainsFunc(step.Added, func(a model.FieldValue) bool { return a.Field.At == f.At }) {
			continue
		}
		if i := slices.IndexFunc(step.Renamed, func(r model.Rename) bool { return r.Field.At == f.At }); i >= 0 {
			renamed := *f
			renamed.Name = step.Renamed[i].Old
			f = &renamed
		}
		old = append(old, f)
	}
	return append(old, step.Removed...)
}

// current reports whether this is what is stored now.
func (v version) current() bool { return v.number == max(1, v.Version) }

// suffix ends the names of what belongs to an older version.
func (v version) suffix() string {
	if v.current() {
		return ""
	}
	return "V" + strconv.Itoa(v.number)
}
