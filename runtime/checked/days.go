package checked

import (
	"fmt"
	"reflect"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// MostDays is how many days Days returns at most: those of a hundred years.
const MostDays = 36_525

// Days returns the days from the first one up to and without the second one; none where that is not later. More than
// MostDays are ErrOverflow: a date that was typed wrong must not become millions of rows.
func Days(f *Fault, from, to cqrs.Date) []cqrs.Date {
	var days []cqrs.Date
	for d := from; d.Before(to); d = d.AddDays(1) {
		if len(days) == MostDays {
			f.keep(ErrOverflow, fmt.Sprintf("days(%s, %s)", from, to), reflect.TypeOf(days))
			return nil
		}
		days = append(days, d)
	}
	return days
}
