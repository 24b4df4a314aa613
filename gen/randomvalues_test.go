package gen_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// randomValues writes values of a model's types as JSON. A wild one is now and then what its type or its rules refuse:
// never what encoding/json takes for something else, such as null for a text.
type randomValues struct {
	*rand.Rand
	wild bool
}

func (r *randomValues) one(of ...string) string { return of[r.IntN(len(of))] }

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text always encodes
	}
	return string(b)
}

// object writes an object of fields.
func (r *randomValues) object(fields []*model.Field) string {
	var members []string
	for _, f := range fields {
		if f.Type.Kind == model.Optional && r.IntN(3) == 0 {
			continue
		}
		members = append(members, quoted(f.Name)+":"+r.value(f.Type, f.Rules))
	}
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

func (r *randomValues) value(t model.Type, rules model.Rules) string {
	switch t.Kind {
	case model.Optional:
		if r.IntN(3) == 0 {
			return "null"
		}
		return r.value(*t.Elem, rules)
	case model.List, model.Set:
		var items []string
		for range r.count(rules) {
			item := r.value(*t.Elem, model.Rules{})
			if t.Kind == model.List || r.wild && r.IntN(20) == 0 || !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
		return "[" + strings.Join(items, ",") + "]"
	case model.Map:
		var members, keys []string
		for range r.count(rules) {
			key := r.key(*t.Key)
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
				members = append(members, key+":"+r.value(*t.Elem, model.Rules{}))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	case model.Ref:
		return r.named(t.Named, rules)
	}
	return r.scalar(t.Kind, rules)
}

// key is the key of a map. One that is a number keeps to the range of its type, which a schema can't say.
func (r *randomValues) key(t model.Type) string {
	if t.Scalar() == model.String {
		return r.value(t, model.Rules{})
	}
	tame := randomValues{Rand: r.Rand}
	return `"` + tame.value(t, model.Rules{}) + `"`
}

func (r *randomValues) named(n *model.Named, rules model.Rules) string {
	switch n.Kind {
	case model.Enum:
		if r.wild && r.IntN(30) == 0 {
			return `"declared nowhere"`
		}
		return quoted(n.Values[r.IntN(len(n.Values))].Name)
	case model.Struct:
		return r.object(n.Fields)
	case model.External:
		return `"192.0.2.1"`
	}
	if !rules.Any() || n.Rules.Any() && r.IntN(2) == 0 {
		rules = n.Rules
	}
	return r.scalar(n.Base, rules)
}

// count is a number of items: one of those that the rules allow, or a little beside.
func (r *randomValues) count(rules model.Rules) int {
	low, high := around(rules.MinItems, rules.MaxItems, 3)
	if r.wild && r.IntN(10) == 0 {
		low, high = max(0, low-1), high+1
	}
	return low + r.IntN(high-low+1)
}

func around(low, high *int, more int) (int, int) {
	from := 0
	if low != nil {
		from = *low
	}
	to := from + more
	if high != nil {
		to = min(to, *high)
	}
	return from, to
}

var texts = []string{"", "x", "ab", "abc", "a9`\"", "a9", "zz`", "grün", "日本語", "a b", "\n", "\u2028", "<b>", "Ω😀", "A-1", "ada@example.org", "123456789", "1234567890"}

func (r *randomValues) scalar(k model.Kind, rules model.Rules) string {
	switch k {
	case model.String:
		return quoted(r.text(rules))
	case model.Bool:
		return r.one("true", "false")
	case model.Float64:
		return r.one("0", "-0.5", "0.25", "1e3", "1001", "-1", "1.5", "2", "1e300", "1e301", "5e-324")
	case model.Bytes:
		low, high := around(rules.MinLength, rules.MaxLength, 9)
		if r.wild && r.IntN(5) == 0 {
			low, high = max(0, low-1), high+1
		}
		b := make([]byte, low+r.IntN(high-low+1))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return quoted(base64.StdEncoding.EncodeToString(b))
	case model.Time:
		return r.often([]string{"2026-03-01T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.5Z"},
			"2026-03-01T10:00:00+02:00", "2026-03-01T10:00:00.1234567Z", "2026-02-30T10:00:00Z", "soon")
	case model.Date:
		return r.often([]string{"2026-03-01", "2024-02-29", "9999-12-31"}, "2026-02-29", "2026-13-01", "tomorrow")
	case model.UUID:
		return r.often([]string{"00000000-0000-0000-0000-000000000000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, "x", "6ba7b810")
	case model.Decimal:
		return r.often([]string{"0", "-0.5", "9.99", "10", "0.1", "1234567890.123456789", "-7"}, "1e3", "ten", "01", ".5")
	}
	return r.whole(k, rules)
}

// often is one of the first, or now and then, if it is wild, one of the others.
func (r *randomValues) often(good []string, wild ...string) string {
	if r.wild && r.IntN(20) == 0 {
		return quoted(r.one(wild...))
	}
	return quoted(r.one(good...))
}

func (r *randomValues) text(rules model.Rules) string {
	switch {
	case r.wild && r.IntN(3) == 0:
		return r.one(texts...)
	case rules.Pattern == "x":
		return r.one("x", "xx", "axb")
	case rules.Pattern != "":
		return r.one("abc", "a`\"", "a1", "ada@example.org", "a-b", strings.Repeat("x", 1+r.IntN(70)))
	}
	low, high := around(rules.MinLength, rules.MaxLength, 3)
	if r.wild && r.IntN(10) == 0 {
		low, high = max(0, low-1), high+1
	}
	return strings.Repeat(r.one("x", "é", "😀"), low+r.IntN(high-low+1))
}

// limits are the smallest and the greatest whole numbers.
var limits = map[model.Kind][2]string{
	model.Int: {"-9223372036854775808", "9223372036854775807"}, model.Int64: {"-9223372036854775808", "9223372036854775807"},
	model.Duration: {"-9223372036854775808", "9223372036854775807"}, model.Int32: {"-2147483648", "2147483647"},
	model.Uint32: {"0", "4294967295"}, model.Uint64: {"0", "18446744073709551615"},
}

func (r *randomValues) whole(k model.Kind, rules model.Rules) string {
	low, high := limits[k][0], limits[k][1]
	candidates := []string{"0", "1", "7", low, high}
	if r.wild && r.IntN(10) == 0 {
		candidates = []string{high + "0", "-1", "-2"}
	}
	for _, bound := range []string{rules.Min, rules.Max} {
		if n, err := strconv.ParseInt(bound, 10, 64); err == nil && n > -1<<62 && n < 1<<62 {
			candidates = append(candidates, bound, fmt.Sprint(n-1), fmt.Sprint(n+1))
		}
	}
	for {
		text := r.one(candidates...)
		if r.wild || !strings.HasPrefix(text, "-") || low != "0" {
			return text
		}
	}
}
