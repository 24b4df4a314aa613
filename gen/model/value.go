package model

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Value is a value of a type, as a scenario writes it.
type Value struct {
	Type Type
	At   diag.Span
	// Text is a scalar in the one way in which each value is written: numbers in decimal, times in UTC as RFC 3339,
	// durations as Go writes them, bytes in base64.
	Text string
	// Absent says that an optional has no value. One that has a value holds it in Items.
	Absent bool
	// Fields are those of a struct that were written.
	Fields []FieldValue
	// Items are those of a list or a set.
	Items []*Value
	// Entries are those of a map.
	Entries []MapEntry
}

// FieldValue is a field with its value.
type FieldValue struct {
	Field *Field
	Value *Value
}

// MapEntry is a key of a map with its value.
type MapEntry struct{ Key, Value *Value }

// Field returns the value of a field, or nil if it was not written.
func (v *Value) Field(f *Field) *Value {
	for _, x := range v.Fields {
		if x.Field == f {
			return x.Value
		}
	}
	return nil
}

// strictness says what a value has to have.
type strictness struct {
	// complete demands all fields that are not optional, bound that rules are kept.
	complete, bound bool
}

var (
	asExpected = strictness{}                            // what is left out is not compared
	asGiven    = strictness{complete: true}              // it happened, whatever the rules say now
	asCommand  = strictness{complete: true, bound: true} // the rules bind it
)

// value reads a value by its type. It returns nil where something was reported.
func (r *resolver) value(s *schema.Value, t Type, how strictness) *Value {
	if s.Faulty || t.broken() {
		return nil
	}
	v := &Value{Type: t, At: s.At}
	ok := false
	switch {
	case t.Kind == Optional:
		ok = r.optionalValue(s, v, how)
	case t.Kind == List:
		ok = r.listValue(s, v, how)
	case t.Kind == Set:
		ok = r.listValue(s, v, how) && r.noneTwice(v)
	case t.Kind == Map:
		ok = r.mapValue(s, v, how)
	case t.Kind == Ref && t.Named.Kind == Struct:
		ok = r.fieldValues(s, v, "the struct "+t.Named.Name, t.Named.Fields, r.fieldsUnknown[t.Named], how)
	case t.Kind == Ref && t.Named.Kind == External:
		ok = r.externalValue(s, v)
	default:
		ok = r.scalarValue(s, v, how)
	}
	if !ok {
		return nil
	}
	return v
}

// notThis reports a value of the wrong form.
func (r *resolver) notThis(s *schema.Value, t Type, hint string) bool {
	what := s.Kind.String() + " is"
	switch s.Kind {
	case schema.Mapping:
		what = "keys and values are"
	case schema.PlainText, schema.QuotedText:
		what = fmt.Sprintf("%q is", s.Text)
	}
	r.errorf(diag.ScenarioValue, s.At, hint, "%s not a value of %s", what, t)
	return false
}

// absent reports whether a value says that there is none.
func absent(s *schema.Value) bool {
	return s.Kind == schema.Nothing || s.Kind == schema.PlainText && (s.Text == "null" || s.Text == "~")
}

func (r *resolver) optionalValue(s *schema.Value, v *Value, how strictness) bool {
	if absent(s) {
		v.Absent = true
		return true
	}
	x := r.value(s, *v.Type.Elem, how)
	v.Items = []*Value{x}
	return x != nil
}

func (r *resolver) listValue(s *schema.Value, v *Value, how strictness) bool {
	if s.Kind != schema.Sequence {
		return r.notThis(s, v.Type, "write a list: `[…]`")
	}
	ok := true
	for _, item := range s.Items {
		x := r.value(item, *v.Type.Elem, how)
		v.Items, ok = append(v.Items, x), ok && x != nil
	}
	return ok
}

// noneTwice reports the elements that a set has twice.
func (r *resolver) noneTwice(v *Value) bool {
	ok := true
	seen := map[string]diag.Span{}
	for _, x := range v.Items {
		if first, twice := seen[x.Text]; twice {
			r.clash(diag.ScenarioTwice, x.At, first, "the first one", "the element %s stands here twice", x.Text)
			ok = false
		}
		seen[x.Text] = x.At
	}
	return ok
}

func (r *resolver) mapValue(s *schema.Value, v *Value, how strictness) bool {
	if s.Kind != schema.Mapping {
		return r.notThis(s, v.Type, "write keys and values: `{key: value}`")
	}
	ok := true
	seen := map[string]diag.Span{}
	for _, entry := range s.Entries {
		written := &schema.Value{Kind: schema.QuotedText, Text: entry.Key.Value, At: entry.Key.At}
		key, x := r.value(written, *v.Type.Key, how), r.value(entry.Value, *v.Type.Elem, how)
		if key == nil || x == nil {
			ok = false
			continue
		}
		if first, twice := seen[key.Text]; twice {
			r.clash(diag.ScenarioTwice, entry.Key.At, first, "the first one", "the key %s stands here twice", key.Text)
			ok = false
		}
		seen[key.Text] = entry.Key.At
		v.Entries = append(v.Entries, MapEntry{key, x})
	}
	return ok
}

// fieldValues reads the fields of a struct, or of whatever else has fields.
func (r *resolver) fieldValues(
	s *schema.Value, v *Value, owner string, fields []*Field, unknown bool, how strictness,
) bool {
	if s.Kind != schema.Mapping && (s.Kind != schema.Nothing || v.Type.Kind != 0) {
		r.errorf(diag.ScenarioValue, s.At, "write its fields: `{"+fieldsExample(fields)+"}`",
			"%s has fields: %s can't stand for it", owner, s.Kind)
		return false
	}
	ok := true
	meant := map[*Field]bool{}
	for _, entry := range s.Entries {
		f := fieldNamed(fields, entry.Key.Value, equal)
		if f == nil {
			ok = false
			if !unknown {
				r.unknownField(entry.Key, owner, fields, meant)
			}
			continue
		}
		x := r.value(entry.Value, f.Type, how)
		if x == nil || how.bound && !r.keepsRules(x, f.Type, f.Rules) {
			ok, meant[f] = false, true
			continue
		}
		v.Fields = append(v.Fields, FieldValue{f, x})
	}
	if how.complete && !unknown {
		ok = r.completeFields(s, v, owner, fields, meant) && ok
	}
	return ok
}

func fieldsExample(fields []*Field) string {
	names := make([]string, min(len(fields), 3))
	for i := range names {
		names[i] = fields[i].Name + ": …"
	}
	return strings.Join(names, ", ")
}

// unknownField reports a field that is not there, and remembers the one that was probably meant.
func (r *resolver) unknownField(name schema.Text, owner string, fields []*Field, meant map[*Field]bool) {
	names := fieldNames(fields)
	hint := diag.DidYouMean(name.Value, names)
	if len(fields) == 0 {
		hint = ""
	}
	r.errorf(diag.ScenarioField, name.At, hint, "%s has no field %q", owner, name.Value)
	if near := fieldNamed(fields, diag.Nearest(name.Value, names), equal); near != nil {
		meant[near] = true
	}
}

// completeFields reports the fields that were left out and may not be.
func (r *resolver) completeFields(s *schema.Value, v *Value, owner string, fields []*Field, meant map[*Field]bool) bool {
	var left []string
	for _, f := range fields {
		if v.Field(f) == nil && !meant[f] && f.Type.Kind != Optional && !f.Type.broken() {
			left = append(left, f.Name)
		}
	}
	if len(left) == 0 {
		return true
	}
	r.errorf(diag.ScenarioMissing, s.At, "add `"+strings.Join(left, ": …`, `")+": …`",
		"%s lacks %s", owner, strings.Join(left, ", "))
	return false
}

func (r *resolver) scalarValue(s *schema.Value, v *Value, how strictness) bool {
	t := v.Type
	if s.Kind != schema.PlainText && s.Kind != schema.QuotedText {
		hint := ""
		if s.Kind == schema.Nothing {
			hint = "write a value, or `null` for an optional without one"
			if t.Scalar() == String {
				hint = "the empty text is written `\"\"`"
			}
		}
		return r.notThis(s, t, hint)
	}
	if t.isEnum() {
		return r.enumText(s, v)
	}
	kind := t.Scalar()
	text, ok := canonical(s.Text, kind)
	if !ok {
		return r.notThis(s, t, scalarExample[kind])
	}
	v.Text = text
	return !how.bound || t.Kind != Ref || r.keepsRules(v, Type{Kind: kind}, t.Named.Rules)
}

func (r *resolver) enumText(s *schema.Value, v *Value) bool {
	var names []string
	for _, x := range v.Type.Named.Values {
		if x.Name == s.Text {
			v.Text = s.Text
			return true
		}
		names = append(names, x.Name)
	}
	if len(names) == 0 {
		return false // which was reported
	}
	r.errorf(diag.ScenarioValue, s.At, diag.DidYouMean(s.Text, names),
		"%q is not a value of the enum %s", s.Text, v.Type.Named.Name)
	return false
}

// scalarExample says how the values of scalars are written that are easily written otherwise.
var scalarExample = map[Kind]string{
	Bool: "write `true` or `false`", Time: "write `2026-03-01T10:00:00Z`, with six decimals of a second at most",
	Duration: "write `90m`, `1h30m` or `250ms`", Date: "write `2026-03-01`", Bytes: "write base64: `aGVsbG8=`",
	UUID: "write `8c5a7d2e-4a0c-4b59-9a53-0d3f6b1c2a4e`",
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// canonical returns the one text of a scalar's value, and whether the text is one.
func canonical(s string, kind Kind) (string, bool) {
	switch kind {
	case String:
		return s, true
	case Bool:
		return s, s == "true" || s == "false"
	case Bytes:
		b, err := base64.StdEncoding.DecodeString(s)
		return base64.StdEncoding.EncodeToString(b), err == nil
	case Time:
		t, err := time.Parse(time.RFC3339Nano, s)
		t = t.UTC()
		return t.Format(time.RFC3339Nano), err == nil && t.Equal(t.Truncate(time.Microsecond)) && t.Year() > 0 && t.Year() < 10000
	case Duration:
		d, err := time.ParseDuration(s)
		return d.String(), err == nil
	case UUID:
		return strings.ToLower(s), uuidForm.MatchString(s)
	case Date:
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil
	}
	return literalOf(s, kind)
}
