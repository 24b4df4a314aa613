package contract

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// version is an event as it was stored by some version of its declaration.
type version struct {
	*plan.Event
	number int
	fields []*model.Field
	// former says what became of an event that does not happen any more.
	former string
}

// versionsOf returns the versions of an event, the last one first.
func versionsOf(a *plan.Aggregate, e *plan.Event) []version {
	var all []version
	for number := max(1, e.Version); number > 0; number-- {
		v := version{Event: e, number: number, former: formerText(a, e)}
		for _, old := range e.FieldsOf(number) {
			f := *old.Field
			f.Name = old.Name
			v.fields = append(v.fields, &f)
		}
		all = append(all, v)
	}
	return all
}

// formerText says what a former event is read as. It is empty for one that still happens.
func formerText(a *plan.Aggregate, e *plan.Event) string {
	for _, f := range a.Former {
		if f.Event != e {
			continue
		}
		if len(f.Becomes) == 0 {
			return "It is not written any more, and skipped where it is stored."
		}
		return "It is not written any more, and read as " + strings.Join(becomesOf(f), ", ") + " where it is stored."
	}
	return ""
}

// becomesOf is what a former event is read as; nothing if it is skipped.
func becomesOf(f *plan.Former) []string {
	var list []string
	for _, x := range f.Becomes {
		list = append(list, x.Text)
	}
	return list
}

// last reports whether there is no newer version, current whether this is what is stored now.
func (v version) last() bool    { return v.number == max(1, v.Version) }
func (v version) current() bool { return v.last() && v.former == "" }

// outdated says why a version is not written any more; it is empty for one that is.
func (v version) outdated() string {
	switch {
	case v.former != "":
		return v.former
	case !v.last():
		return fmt.Sprintf("Version %d, which is not written any more. The current version is %d.", v.number, v.Version)
	}
	return ""
}

// suffix ends the names of what belongs to an older version.
func (v version) suffix() string {
	if v.last() {
		return ""
	}
	return "V" + strconv.Itoa(v.number)
}
