package model

import (
	"cmp"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// rules checks the rules of a field or a named scalar against its type. On an optional they bind the value, if there
// is one.
func (r *resolver) rules(list []schema.Rule, t Type) Rules {
	if t.Kind == Optional {
		t = *t.Elem
	}
	b := ruleReader{resolver: r, typ: t, at: map[string]diag.Span{}}
	for _, rule := range list {
		b.read(rule)
	}
	b.order()
	b.dropIdle()
	return b.rules
}

// bounds checks what can be said of rules whose type is not known.
func (r *resolver) bounds(list []schema.Rule) {
	b := ruleReader{resolver: r}
	for _, rule := range list {
		switch rule.Name.Value {
		case "minLength", "maxLength", "minItems", "maxItems", "pattern":
			b.bound(rule, 0)
		}
	}
}

// ruleReader reads the rules of one type.
type ruleReader struct {
	*resolver
	typ   Type
	rules Rules
	at    map[string]diag.Span // of the bounds that were read, by rule
}

func (b *ruleReader) read(rule schema.Rule) {
	kind := b.typ.Scalar()
	if b.typ.isEnum() {
		kind = 0
	}
	var ok bool
	switch rule.Name.Value {
	case "min", "max":
		ok = isNumber(kind)
	case "minLength", "maxLength":
		ok = kind == String || kind == Bytes
	case "pattern":
		ok = kind == String
	case "minItems", "maxItems":
		ok = holdsItems(b.typ)
	case "distinct":
		ok = b.typ.Kind == List && setElem(*b.typ.Elem)
	}
	if !ok {
		b.errorf(diag.RuleNotForType, rule.Name.At, ruleHint(rule.Name.Value, b.typ),
			"`%s` does not apply to %s", rule.Name.Value, b.typ)
		return
	}
	if b.bound(rule, kind) {
		b.at[rule.Name.Value] = rule.Bound.At
	}
}

func isNumber(kind Kind) bool { return kind.Integer() || kind == Float64 || kind == Decimal }

// holdsItems reports whether a value of the type is made of elements.
func holdsItems(t Type) bool { return t.Kind == List || t.Kind == Set || t.Kind == Map }

// ruleHint says which rule was probably meant, or where it belongs.
func ruleHint(rule string, t Type) string {
	switch kind := t.Scalar(); {
	case rule == "distinct" && t.Kind == Set:
		return "no element of a set stands twice"
	case rule == "distinct":
		return "it applies to lists of what a set can hold"
	case holdsItems(t) && (rule == "minLength" || rule == "min"):
		return "`minItems` bounds a list, set or map; for its elements declare a named scalar"
	case holdsItems(t) && (rule == "maxLength" || rule == "max"):
		return "`maxItems` bounds a list, set or map; for its elements declare a named scalar"
	case holdsItems(t):
		return "for the elements declare a named scalar"
	case t.isEnum():
		return ""
	case (kind == String || kind == Bytes) && (rule == "min" || rule == "minItems"):
		return "did you mean \"minLength\"?"
	case (kind == String || kind == Bytes) && (rule == "max" || rule == "maxItems"):
		return "did you mean \"maxLength\"?"
	case isNumber(kind) && (rule == "minLength" || rule == "minItems"):
		return "did you mean \"min\"?"
	case isNumber(kind) && (rule == "maxLength" || rule == "maxItems"):
		return "did you mean \"max\"?"
	}
	return ""
}

// bound reads the bound of one rule, which applies to the type.
func (b *ruleReader) bound(rule schema.Rule, kind Kind) bool {
	switch rule.Name.Value {
	case "min":
		return b.number(rule, kind, &b.rules.Min)
	case "max":
		return b.number(rule, kind, &b.rules.Max)
	case "minLength":
		return b.count(rule, &b.rules.MinLength)
	case "maxLength":
		return b.count(rule, &b.rules.MaxLength)
	case "minItems":
		return b.count(rule, &b.rules.MinItems)
	case "maxItems":
		return b.count(rule, &b.rules.MaxItems)
	case "distinct":
		if v := rule.Bound.Value; v != "true" && v != "false" {
			b.errorf(diag.BadBound, rule.Bound.At, "write `distinct: true`", "`distinct` is true or false, not %q", v)
		}
		b.rules.Distinct = rule.Bound.Value == "true"
		return true
	}
	if _, err := regexp.Compile(rule.Bound.Value); err != nil {
		why := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		b.errorf(diag.BadPattern, rule.Bound.At, "", "the pattern is not a regular expression: %s", why)
		return false
	}
	b.rules.Pattern = rule.Bound.Value
	return true
}

func (b *ruleReader) count(rule schema.Rule, into **int) bool {
	n, err := strconv.ParseInt(rule.Bound.Value, 10, 32)
	if err != nil || n < 0 {
		b.errorf(diag.BadBound, rule.Bound.At, "",
			"`%s` is a whole number from 0 to %d, not %q", rule.Name.Value, math.MaxInt32, rule.Bound.Value)
		return false
	}
	count := int(n)
	*into = &count
	return true
}

// number reads a bound as the Go literal that it becomes: 0150 is the number 150 in a model.
func (b *ruleReader) number(rule schema.Rule, kind Kind, into *string) bool {
	literal, ok := literalOf(rule.Bound.Value, kind)
	if !ok {
		b.errorf(diag.BadBound, rule.Bound.At, "",
			"`%s` must be a value of %s: %q is none", rule.Name.Value, kind, rule.Bound.Value)
		return false
	}
	*into = literal
	return true
}

var decimalNumber = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

func literalOf(s string, kind Kind) (string, bool) {
	switch kind {
	case Decimal:
		return expr.DecimalLiteral(s)
	case Float64:
		f, err := strconv.ParseFloat(s, 64)
		return strconv.FormatFloat(f, 'g', -1, 64), err == nil && decimalNumber.MatchString(s)
	case Uint32, Uint64:
		u, err := strconv.ParseUint(s, 10, bits(kind))
		return strconv.FormatUint(u, 10), err == nil
	default:
		i, err := strconv.ParseInt(s, 10, bits(kind))
		return strconv.FormatInt(i, 10), err == nil
	}
}

func bits(kind Kind) int {
	if kind == Int32 || kind == Uint32 {
		return 32
	}
	return 64
}

// order reports bounds that no value can meet.
func (b *ruleReader) order() {
	x := &b.rules
	if x.Min != "" && x.Max != "" && compareLiterals(x.Min, x.Max, b.typ.Scalar()) > 0 {
		b.above("min", "max", x.Min, x.Max)
	}
	if x.MinLength != nil && x.MaxLength != nil && *x.MinLength > *x.MaxLength {
		b.above("minLength", "maxLength", strconv.Itoa(*x.MinLength), strconv.Itoa(*x.MaxLength))
	}
	if x.MinItems != nil && x.MaxItems != nil && *x.MinItems > *x.MaxItems {
		b.above("minItems", "maxItems", strconv.Itoa(*x.MinItems), strconv.Itoa(*x.MaxItems))
	}
}

func (b *ruleReader) above(lower, upper, least, most string) {
	b.clash(diag.MinAboveMax, b.at[lower], b.at[upper], "`"+upper+"` stands here",
		"no value can be at least %s and at most %s", least, most)
}

// compareLiterals compares two literals of a kind.
func compareLiterals(a, b string, kind Kind) int {
	switch kind {
	case Decimal:
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		return x.Cmp(y)
	case Float64:
		return cmp.Compare(must(strconv.ParseFloat(a, 64)), must(strconv.ParseFloat(b, 64)))
	case Uint32, Uint64:
		return cmp.Compare(must(strconv.ParseUint(a, 10, 64)), must(strconv.ParseUint(b, 10, 64)))
	default:
		return cmp.Compare(must(strconv.ParseInt(a, 10, 64)), must(strconv.ParseInt(b, 10, 64)))
	}
}

// must unwraps the value of a literal that literalOf wrote.
func must[T any](v T, _ error) T { return v }

// lowest and highest are the bounds that every value of a kind meets.
var (
	lowest = map[Kind]string{
		Int: "-9223372036854775808", Int64: "-9223372036854775808", Int32: "-2147483648", Uint32: "0", Uint64: "0",
	}
	highest = map[Kind]string{
		Int: "9223372036854775807", Int64: "9223372036854775807", Int32: "2147483647", Uint32: "4294967295",
		Uint64: "18446744073709551615",
	}
)

// dropIdle drops the bounds that every value meets: in Go they would be comparisons that are always true.
func (b *ruleReader) dropIdle() {
	x, kind := &b.rules, b.typ.Scalar()
	if x.Min == lowest[kind] {
		x.Min = ""
	}
	if x.Max == highest[kind] {
		x.Max = ""
	}
	if x.MinLength != nil && *x.MinLength == 0 {
		x.MinLength = nil
	}
	if x.MinItems != nil && *x.MinItems == 0 {
		x.MinItems = nil
	}
}
