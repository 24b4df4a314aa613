// Package validate checks the fields of commands against the rules of their model. Generated Validate methods call
// it:
//
//	func (c *Deposit) Validate() error {
//		var check validate.Checker
//		check.Enter("money")
//		validate.Min(&check, "amount", c.Money.Amount, 1)
//		check.Enum("currency", string(c.Money.Currency), c.Money.Currency.Valid(), "EUR, GBP, USD")
//		check.Leave()
//		return check.Err("Deposit")
//	}
//
// All problems are reported, each with the path to its field. Nothing is allocated while there are none.
package validate

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Checker collects what is wrong with one command. Its zero value is ready. It is for one goroutine.
//
// Each check names the field that it is about, within what was entered; an empty name stands for what was entered
// itself, such as an element of a list.
type Checker struct {
	path   path
	faults []cqrs.FieldError
	hidden bool
}

// Enter goes into a field that holds fields. Leave ends it.
func (c *Checker) Enter(field string) { c.path.push(step{field: field}) }

// EnterIndex goes into an element of a list. Leave ends it.
func (c *Checker) EnterIndex(field string, i int) {
	c.path.push(step{field: field, kind: element, index: i})
}

// EnterKey goes into the value that a map has for key. Leave ends it.
func (c *Checker) EnterKey(field, key string) {
	if c.hidden {
		key = "…"
	}
	c.path.push(step{field: field, kind: entry, key: key})
}

// Hide says whether what is checked from now on is personal: messages then say what rule it breaks, and do not repeat it.
func (c *Checker) Hide(hidden bool) { c.hidden = hidden }

// Leave goes back to where the checker was before the last Enter, EnterIndex or EnterKey.
func (c *Checker) Leave() { c.path.pop() }

// Err returns nil, or a *cqrs.ValidationError with everything that was found wrong, in the order of the checks.
func (c *Checker) Err(command string) error {
	if len(c.faults) == 0 {
		return nil
	}
	return &cqrs.ValidationError{Command: command, Fields: c.faults}
}

func (c *Checker) fail(field, format string, args ...any) {
	if rule, shown, ok := strings.Cut(format, ", is "); ok && c.hidden {
		format = rule
		args = args[:len(args)-strings.Count(shown, "%")]
	}
	c.faults = append(c.faults, cqrs.FieldError{Path: c.path.to(field), Message: fmt.Sprintf(format, args...)})
}

// Holds checks that a rule over several fields is met: ok says so. field is one of them, message what is wrong.
func (c *Checker) Holds(field string, ok bool, message string) {
	if !ok {
		c.fail(field, "%s", message)
	}
}

// HoldsComputed is Holds for a rule that computes with integers: err is what went wrong there, or nil.
func (c *Checker) HoldsComputed(field string, ok bool, message string, err error) {
	if err != nil {
		c.fail(field, "can't be checked: %v", err)
		return
	}
	c.Holds(field, ok, message)
}

// Min checks that v is not below low.
func Min[T cmp.Ordered](c *Checker, field string, v, low T) {
	if v < low {
		c.fail(field, "must be at least %s, is %s", show(low), show(v))
	}
}

// Max checks that v is not above high.
func Max[T cmp.Ordered](c *Checker, field string, v, high T) {
	if v > high {
		c.fail(field, "must be at most %s, is %s", show(high), show(v))
	}
}

// MinDecimal checks that v is not below low, which is the text of a decimal.
func (c *Checker) MinDecimal(field string, v cqrs.Decimal, low string) {
	if v.Less(cqrs.MustDecimal(low)) {
		c.fail(field, "must be at least %s, is %s", low, v)
	}
}

// MaxDecimal checks that v is not above high, which is the text of a decimal.
func (c *Checker) MaxDecimal(field string, v cqrs.Decimal, high string) {
	if cqrs.MustDecimal(high).Less(v) {
		c.fail(field, "must be at most %s, is %s", high, v)
	}
}

// Length checks the number of characters of s. A negative high is no bound.
func (c *Checker) Length(field, s string, low, high int) {
	c.size(field, utf8.RuneCountInString(s), low, high, "character")
}

// Size checks the number of bytes of b. A negative high is no bound.
func (c *Checker) Size(field string, b []byte, low, high int) {
	c.size(field, len(b), low, high, "byte")
}

// Items checks the number n of elements of a list, set or map. A negative high is no bound.
func (c *Checker) Items(field string, n, low, high int) { c.size(field, n, low, high, "item") }

// Distinct checks that no element of a list stands twice.
func Distinct[T comparable](c *Checker, field string, list []T) {
	const few = 16 // of so many each is compared with each
	var seen map[T]struct{}
	if len(list) > few {
		seen = make(map[T]struct{}, len(list))
	}
	for i, v := range list {
		twice := false
		if seen == nil {
			twice = slices.Contains(list[:i], v)
		} else {
			_, twice = seen[v]
			seen[v] = struct{}{}
		}
		if twice {
			c.EnterIndex(field, i)
			c.fail("", "must not stand twice, is %s", show(v))
			c.Leave()
			return
		}
	}
}

func (c *Checker) size(field string, n, low, high int, unit string) {
	switch {
	case n < low:
		c.fail(field, "must have at least %s, has %d", count(low, unit), n)
	case high >= 0 && n > high:
		c.fail(field, "must have at most %s, has %d", count(high, unit), n)
	}
}

func count(n int, unit string) string {
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// Pattern checks that re matches s. Whether it must match all of s is for re to say, with ^ and $.
func (c *Checker) Pattern(field, s string, re *regexp.Regexp) {
	if !re.MatchString(s) {
		c.fail(field, "must match %s, is %s", re, quote(s))
	}
}

// Text checks that s can be stored: that it is valid UTF-8 without NUL.
func (c *Checker) Text(field, s string) {
	switch {
	case !utf8.ValidString(s):
		c.fail(field, "must be valid UTF-8, is %s", quote(s))
	case strings.IndexByte(s, 0) >= 0:
		c.fail(field, "must not have a NUL character, is %s", quote(s))
	}
}

// Finite checks that f can be stored: that it is neither NaN nor infinite.
func (c *Checker) Finite(field string, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		c.fail(field, "must be a finite number, is %v", f)
	}
}

// Time checks that t can be stored: that it is in UTC, in whole microseconds and in the years 1 to 9999.
func (c *Checker) Time(field string, t time.Time) {
	switch year := t.Year(); {
	case t.Location() != time.UTC || t.Nanosecond()%1000 != 0:
		c.fail(field, "must be in UTC and in whole microseconds, is %s: use t.UTC().Truncate(time.Microsecond)",
			t.Format(time.RFC3339Nano))
	case year < 1 || year > 9999:
		c.fail(field, "must be in the years 1 to 9999, is in %d", year)
	}
}

// Date checks that d is a day of the calendar.
func (c *Checker) Date(field string, d cqrs.Date) {
	if !d.Valid() {
		c.fail(field, "must be a day of the calendar, is %s", d)
	}
}

// Enum checks that value is valid: one of those that known lists.
func (c *Checker) Enum(field, value string, valid bool, known string) {
	if !valid {
		c.fail(field, "must be one of %s, is %s", known, quote(value))
	}
}

// maxShown bounds, in bytes, what a message or a path repeats of a value.
const maxShown = 40

// show writes a value for a message.
func show[T any](v T) string {
	s := fmt.Sprint(v)
	if reflect.TypeFor[T]().Kind() == reflect.String {
		return quote(s)
	}
	return s
}

// quote writes a text for a message, which then holds no control characters of the text.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// shorten cuts s at the boundary of a character and marks the cut.
func shorten(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
