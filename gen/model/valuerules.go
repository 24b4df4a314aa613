package model

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// keepsRules reports, and returns false for, a value that breaks a rule: no command could ever bring it.
func (r *resolver) keepsRules(v *Value, t Type, rules Rules) bool {
	if t.Kind == Optional {
		if v.Absent {
			return true
		}
		return r.keepsRules(v.Items[0], *t.Elem, rules)
	}
	fault := ruleFault(v, t.Scalar(), rules)
	if fault == "" {
		return true
	}
	r.errorf(diag.ScenarioRule, v.At, "", "a rule of the model refuses the value: it %s", fault)
	return false
}

// ruleFault says which rule a value breaks, "" if it breaks none.
func ruleFault(v *Value, kind Kind, rules Rules) string {
	switch {
	case rules.Min != "" && compareLiterals(v.Text, rules.Min, kind) < 0:
		return "must be at least " + rules.Min
	case rules.Max != "" && compareLiterals(v.Text, rules.Max, kind) > 0:
		return "must be at most " + rules.Max
	case rules.Pattern != "" && !regexp.MustCompile(rules.Pattern).MatchString(v.Text):
		return "must match " + rules.Pattern
	}
	if rules.Distinct {
		seen := map[string]bool{}
		for _, x := range v.Items {
			if seen[x.Text] {
				return "must not have " + x.Text + " twice"
			}
			seen[x.Text] = true
		}
	}
	length := utf8.RuneCountInString(v.Text)
	if b, err := base64.StdEncoding.DecodeString(v.Text); kind == Bytes && err == nil {
		length = len(b)
	}
	if fault := countFault(length, rules.MinLength, rules.MaxLength, "long"); fault != "" {
		return fault
	}
	return countFault(len(v.Items)+len(v.Entries), rules.MinItems, rules.MaxItems, "items")
}

func countFault(n int, least, most *int, of string) string {
	switch {
	case least != nil && n < *least:
		return fmt.Sprintf("must be at least %d %s, and is %d", *least, of, n)
	case most != nil && n > *most:
		return fmt.Sprintf("must be at most %d %s, and is %d", *most, of, n)
	}
	return ""
}
