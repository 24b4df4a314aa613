package contract

import (
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

// versionsOf returns the versions of an event, the current one first.
func versionsOf(e *plan.Event) []version {
	var all []version
	for number := max(1, e.Version); number > 0; number-- {
		v := version{Event: e, number: number}
		for _, old := range e.FieldsOf(number) {
			f := *old.Field
			f.Name = old.Name
			v.fields = append(v.fields, &f)
		}
		all = append(all, v)
	}
	return all
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
