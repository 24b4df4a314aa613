package expr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
)

// fixture is a world with a bit of everything.
type fixture struct {
	*expr.World
	types map[string]*expr.Type
	scope expr.Scope
}

func newFixture() *fixture {
	w := expr.New()
	f := &fixture{World: w, types: map[string]*expr.Type{}}
	for _, k := range strings.Fields("string bool int int32 int64 uint32 uint64 float64 bytes time duration uuid date") {
		f.types[k] = w.Scalar(expr.Kind(k))
	}
	f.types["AccountID"] = w.Named("AccountID", expr.String, nil)
	f.types["Cents"] = w.Named("Cents", expr.Int64, nil)
	f.types["Due"] = w.Named("Due", expr.Time, nil)
	f.types["Currency"] = w.Enum("Currency", []string{"EUR", "GBP", "type", "0150"}, nil)
	money, line := w.Struct("Money", nil), w.Struct("Line", nil)
	f.types["Money"], f.types["Line"] = money, line
	w.Complete(money, f.fields("amount int64", "currency Currency"), false)
	w.Complete(line, f.fields("sku string", "quantity int32", "note optional string", "price Money"), false)
	f.scope = expr.Scope{
		"event": w.Root("the event Sold", f.fields(
			"money Money", "owner string", "id AccountID", "count int32", "total int64", "many uint64", "ratio float64",
			"note optional string", "price optional Money", "lines list of Line", "tags list of string", "kind Currency",
			"at time", "due Due", "day date", "wait duration", "data bytes", "key uuid", "paid bool", "limit optional int64",
			"cents Cents", "broken ?"), false),
		"state": w.Root("the state of Shop", f.fields(
			"balances map Currency int64", "byID map AccountID Money", "open bool", "lines list of Line",
			"labels set of string", "sum int64", "small int32"), false),
		"item":  line,
		"stale": nil,
	}
	return f
}

func (f *fixture) fields(list ...string) []expr.Field {
	var out []expr.Field
	for _, s := range list {
		name, typ, _ := strings.Cut(s, " ")
		out = append(out, expr.Field{Name: name, Type: f.typ(typ), Ref: s})
	}
	return out
}

func (f *fixture) typ(s string) *expr.Type {
	if elem, ok := strings.CutPrefix(s, "optional "); ok {
		return f.Optional(f.typ(elem))
	}
	if elem, ok := strings.CutPrefix(s, "list of "); ok {
		return f.List(f.typ(elem))
	}
	if elem, ok := strings.CutPrefix(s, "set of "); ok {
		return f.Set(f.typ(elem))
	}
	if kv, ok := strings.CutPrefix(s, "map "); ok {
		k, v, _ := strings.Cut(kv, " ")
		return f.Map(f.typ(k), f.typ(v))
	}
	return f.types[s]
}

// check returns the tree, and what was reported: the code, the part under the caret, the message, the hint.
func (f *fixture) check(text, want string) (*expr.Node, []string) {
	var found []string
	at := func(from, to int) diag.Span { return diag.Span{Pos: diag.Pos{Line: 1, Col: from + 1}, Len: to - from} }
	n := f.Check(expr.Source{Text: text, At: at}, f.scope, f.typ(want), func(d diag.Diagnostic) {
		part := text[min(d.At.Col-1, len(text)):min(d.At.Col-1+d.At.Len, len(text))]
		found = append(found, fmt.Sprintf("%s [%s] %s | %s", d.Code, part, d.Message, d.Hint))
	})
	return n, found
}

func TestExpressionsHaveTheTypeOfTheirValue(t *testing.T) {
	f := newFixture()
	for text, want := range map[string]string{
		`event.money.amount`:                                                 "int64",
		`state.balances[event.money.currency]`:                               "int64",
		`state.balances[Currency.EUR] + event.money.amount`:                  "int64",
		`state.byID[event.id].amount`:                                        "int64",
		`-event.money.amount * 2`:                                            "int64",
		`event.paid && !state.open || event.count > 3`:                       "bool",
		`event.note.Present()`:                                               "bool",
		`event.note.Or("none")`:                                              "string",
		`len(event.tags)`:                                                    "int",
		`len(state.labels)`:                                                  "int",
		`min(event.total, 5, state.sum)`:                                     "int64",
		`append(state.lines, event.lines...)`:                                "list of Line",
		`append(event.tags, "x", event.owner)`:                               "list of string",
		`int64(event.count)`:                                                 "int64",
		`AccountID(event.owner)`:                                             "AccountID",
		`string(event.id) + "x"`:                                             "string",
		`event.kind == Currency.EUR`:                                         "bool",
		`Currency("0150")`:                                                   "Currency",
		`event.at.Add(2 * time.Hour)`:                                        "time",
		`event.at.Sub(event.at) > time.Minute`:                               "bool",
		`event.at.Date()`:                                                    "date",
		`event.due.Before(Due(event.at))`:                                    "bool",
		`event.day < "2026-03-01"`:                                           "bool",
		`event.day >= event.at.Date()`:                                       "bool",
		`event.at == event.at`:                                               "bool",
		`days(event.day, event.day.AddDays(3))`:                              "list of date",
		`lower(trim(event.owner))`:                                           "string",
		`upper(event.id)`:                                                    "AccountID",
		`abs(event.total)`:                                                   "int64",
		`state.labels[event.owner]`:                                          "bool",
		`state.labels.Has("x")`:                                              "bool",
		`Money{amount: 1, currency: event.kind}`:                             "Money",
		`Line{sku: "a", quantity: 1, price: event.money}`:                    "Line",
		`Line{sku: "a", quantity: 1, price: event.money, note: event.owner}`: "Line",
		`Line{sku: "a", quantity: 1, price: event.money, note: event.note}`:  "Line",
		`Line{sku: "a", quantity: 1, price: event.money, note: none}`:        "Line",
		`item.price.amount`:                                                  "int64",
		`item`:                                                               "Line",
		`(event.total + 1) / 2`:                                              "int64",
		`event.ratio * 1.5`:                                                  "float64",
		`float64(event.total) / 3`:                                           "float64",
		`event.cents + 1`:                                                    "Cents",
		`event.key == "0190f1ee-6c54-7b01-90e6-d701748f0851"`:                "bool",
		`event.wait + time.Second`:                                           "duration",
		`bytes(event.owner)`:                                                 "bytes",
		`event.money == event.money`:                                         "bool",
		`"a" + "b"`:                                                          "string",
		"event.total +\n  event.total":                                       "int64",
	} {
		n, found := f.check(text, "")
		require.Empty(t, found, text)
		require.NotNil(t, n, text)
		assert.Equal(t, want, n.Type.String(), text)
		n, found = f.check(text, want)
		require.Empty(t, found, "%s as %s", text, want)
		require.NotNil(t, n, text)
		n, found = f.check(text, "optional "+want)
		require.Empty(t, found, "%s as optional", text)
		assert.Equal(t, expr.OpSome, n.Op, text)
	}
}

func TestAnOptionalBesideAValueOfItsTypeNeedsAnotherForAnAbsentOne(t *testing.T) {
	for _, text := range []string{`event.limit < event.total`, `event.total < event.limit`} {
		_, found := newFixture().check(text, "bool")
		require.Len(t, found, 1, text)
		assert.Contains(t, found[0], "| write `event.limit.Or(…)`", text)
	}
}

func TestDecimalConstantsHaveAtMost19DigitsInWhateverPlace(t *testing.T) {
	f := newFixture()
	f.types["decimal"] = f.Scalar(expr.Decimal)
	for text, right := range map[string]bool{
		"1234567890.123456789":   true,
		"9999999999999999999":    true,
		"1.50000000000000000000": true,
		"12345678901234567890":   false,
		"0.00000000000000000001": false,
	} {
		_, found := f.check(text, "decimal")
		assert.Equal(t, right, len(found) == 0, "%s: %v", text, found)
	}
}

func TestAWrongArgumentIsReportedOnce(t *testing.T) {
	for _, text := range []string{`min(event.day, event.day)`, `max(event.at, event.at, event.at)`} {
		_, found := newFixture().check(text, "")
		assert.Len(t, found, 1, text)
	}
}

func TestTheQuotientOfWholeNumbersIsNoNumberWithAPoint(t *testing.T) {
	_, found := newFixture().check("1 / 2", "float64")
	assert.Equal(t, []string{"CQ1610 [1 / 2] `1 / 2` is 0: whole numbers are divided without a rest | write `1.0 / 2`"}, found)
	for _, text := range []string{"1 / 2.0", "4 / 2", "event.ratio / 2"} {
		_, found := newFixture().check(text, "float64")
		assert.Empty(t, found, text)
	}
}
