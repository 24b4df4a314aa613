package jsoncodec_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

type (
	writer = jsoncodec.Writer
	reader = jsoncodec.Reader
)

func write(f func(*writer)) (string, error) {
	w := jsoncodec.NewWriter(nil)
	f(&w)
	b, err := w.Finish("T")
	return string(b), err
}

func TestWriterWritesEachTypeAsEncodingJSONReadsIt(t *testing.T) {
	id := uuid.MustParse("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")
	for want, f := range map[string]func(*writer){
		`null`:                          func(w *writer) { w.Null() },
		`true`:                          func(w *writer) { w.Bool(true) },
		`false`:                         func(w *writer) { w.Bool(false) },
		`-9223372036854775808`:          func(w *writer) { w.Int(math.MinInt64) },
		`18446744073709551615`:          func(w *writer) { w.Uint(math.MaxUint64) },
		`0`:                             func(w *writer) { w.Float(0) },
		`-0`:                            func(w *writer) { w.Float(math.Copysign(0, -1)) },
		`0.000001`:                      func(w *writer) { w.Float(1e-6) },
		`9.9e-7`:                        func(w *writer) { w.Float(9.9e-7) },
		`1e-100`:                        func(w *writer) { w.Float(1e-100) },
		`100000000000000000000`:         func(w *writer) { w.Float(1e20) },
		`1e+21`:                         func(w *writer) { w.Float(1e21) },
		`5e-324`:                        func(w *writer) { w.Float(math.SmallestNonzeroFloat64) },
		`""`:                            func(w *writer) { w.String("") },
		`"\"\\/\b\f\n\r\t\u0001\u001f"`: func(w *writer) { w.String("\"\\/\b\f\n\r\t\x01\x1f") },
		"\"naïve 😀\u2028 <&> \x7f\"":    func(w *writer) { w.String("naïve 😀\u2028 <&> \x7f") },
		`"EUR"`:                         func(w *writer) { w.Enum("EUR", true) },
		`"AP8="`:                        func(w *writer) { w.Bytes([]byte{0, 255}) },
		`"2026-03-01T10:00:00Z"`:        func(w *writer) { w.Time(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) },
		`"0001-01-01T00:00:00Z"`:        func(w *writer) { w.Time(time.Time{}) },
		`"9999-12-31T23:59:59.999999Z"`: func(w *writer) {
			w.Time(time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC))
		},
		`-1500000000`:                            func(w *writer) { w.Duration(-1500 * time.Millisecond) },
		`"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`: func(w *writer) { w.UUID(id) },
		`"-12.5"`:                                func(w *writer) { w.Decimal(cqrs.MustDecimal("-12.500")) },
		`"0000-02-29"`:                           func(w *writer) { w.Date(cqrs.Date{Year: 0, Month: 2, Day: 29}) },
	} {
		got, err := write(f)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.True(t, json.Valid([]byte(got)), got)
	}
}

func TestWriterRefusesWhatNoStoreKeepsFaithfully(t *testing.T) {
	day := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	const badUTF8, badNUL = "is not valid UTF-8", "has a NUL character"
	for _, test := range []struct {
		name, reason string
		f            func(*writer)
	}{
		{"a string with a stray byte", badUTF8, func(w *writer) { w.String("a\xff") }},
		{"a string with a surrogate", badUTF8, func(w *writer) { w.String("a\xed\xa0\x80") }},
		{"a string cut inside of a character", badUTF8, func(w *writer) { w.String("long enough \xe2\x82") }},
		{"a string with a NUL", badNUL, func(w *writer) { w.String("\x00") }},
		{"a long string with a NUL", badNUL, func(w *writer) { w.String("12345678901234\x00") }},
		{"NaN", "is NaN, not a finite number", func(w *writer) { w.Float(math.NaN()) }},
		{"infinity", "is +Inf, not a finite number", func(w *writer) { w.Float(math.Inf(1)) }},
		{"a zone of its own", "is not in UTC: use t.UTC()", func(w *writer) {
			w.Time(day.In(time.FixedZone("UTC", 0)))
		}},
		{"a nanosecond", "is finer than a microsecond: use t.Truncate(time.Microsecond)", func(w *writer) {
			w.Time(day.Add(1))
		}},
		{"year 0", "is in the year 0, outside of 1 to 9999", func(w *writer) { w.Time(day.AddDate(-2026, 0, 0)) }},
		{"year 10000", "is in the year 10000, outside of 1 to 9999", func(w *writer) { w.Time(day.AddDate(7974, 0, 0)) }},
		{"no day", "2026-02-29 is not a day", func(w *writer) { w.Date(cqrs.Date{Year: 2026, Month: 2, Day: 29}) }},
		{"the zero day", "0000-00-00 is not a day", func(w *writer) { w.Date(cqrs.Date{}) }},
		{"an unknown enum value", `"XXX" is not a declared value`, func(w *writer) { w.Enum("XXX", false) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := jsoncodec.NewWriter([]byte("before"))
			w.Raw(`{"ok":[1,{"x":"a,{"},`)
			w.Raw(`{"amount":`)
			test.f(&w)
			w.Raw(`,"later":`)
			w.String("\xff")
			b, err := w.Finish("Deposit")
			assert.Equal(t, "before", string(b))
			var fault *cqrs.EncodingError
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, &cqrs.EncodingError{Type: "Deposit", Field: "ok[2].amount", Reason: test.reason}, fault)
		})
	}
}

func TestWriterPutsACommaBeforeEachFieldButTheFirst(t *testing.T) {
	got, err := write(func(w *writer) {
		w.Raw(`{`)
		w.Field(`"a":`)
		w.Raw(`{}`)
		w.Field(`"b":`)
		w.Int(1)
		w.Raw(`}`)
	})
	require.NoError(t, err)
	assert.Equal(t, `{"a":{},"b":1}`, got)
}

func TestWriterSortsMapsByKey(t *testing.T) {
	one := func(w *writer, v *int) { w.Int(int64(*v)) }
	ints, strs, enums := map[Shelf]int{}, map[SKU]int{}, map[Currency]int{"USD": 2, "EUR": 1}
	uints := map[Serial]int{math.MaxUint64: 3, 9: 1, 10: 2}
	for i := range 40 { // more than fit on the stack
		ints[Shelf(i-20)] = i
		strs[SKU(strings.Repeat("k", i))] = i
	}
	got, err := write(func(w *writer) {
		w.Raw(`[`)
		jsoncodec.WriteEnumMap(w, enums, one)
		w.Raw(`,`)
		jsoncodec.WriteUintMap(w, uints, one)
		w.Raw(`,`)
		jsoncodec.WriteStringMap(w, map[string]int{}, one)
		w.Raw(`,`)
		jsoncodec.WriteIntMap[int, int](w, nil, one)
		w.Raw(`]`)
	})
	require.NoError(t, err)
	assert.Equal(t, `[{"EUR":1,"USD":2},{"9":1,"10":2,"18446744073709551615":3},{},{}]`, got)

	got, err = write(func(w *writer) { jsoncodec.WriteIntMap(w, ints, one) })
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(got, `{"-20":0,"-19":1,`) && strings.HasSuffix(got, `,"18":38,"19":39}`), got)
	got, err = write(func(w *writer) { jsoncodec.WriteStringMap(w, strs, one) })
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(got, `{"":0,"k":1,"kk":2,`), got)
}

func TestWriterWritesNilAsEmpty(t *testing.T) {
	b, err := (&Everything{Currency: CurrencyEUR, Day: cqrs.Date{Year: 1, Month: 1, Day: 1}}).AppendJSON(nil)
	require.NoError(t, err)
	assert.NotContains(t, string(b), "null")
	assert.Contains(t, string(b), `"bytes":"",`)
	assert.Contains(t, string(b), `"lines":[],"days":[],"gaps":[],"named":{},"balances":{},"shelves":{}}`)
}

func TestEncodingErrorNamesThePathToTheField(t *testing.T) {
	for want, spoil := range map[string]func(*Everything){
		"text":             func(e *Everything) { e.Text = "\x00" },
		"note":             func(e *Everything) { e.Note = cqrs.Some("\xff") },
		"lines[1].sku":     func(e *Everything) { e.Lines[1].SKU = "\xff" },
		"lines[0].tags[1]": func(e *Everything) { e.Lines[0].Tags[1] = "\xff" },
		"lines[0].price.currency": func(e *Everything) {
			e.Lines[0].Price = cqrs.Some(Money{Currency: "euro"})
		},
		"days[1][0]": func(e *Everything) { e.Days[1][0].Day = 32 },
		"named":      func(e *Everything) { e.Named = map[string]Line{"\xff": {}} },
		"named[a, b].tags[0]": func(e *Everything) {
			e.Named = map[string]Line{"a, b": {Tags: []string{"\x00"}}}
		},
		"balances":          func(e *Everything) { e.Balances["XXX"] = 1 },
		"shelves[10][9][0]": func(e *Everything) { e.Shelves[10][9] = []SKU{"\xff"} },
	} {
		e := everything()
		spoil(e)
		_, err := e.AppendJSON(nil)
		var fault *cqrs.EncodingError
		require.ErrorAs(t, err, &fault, want)
		assert.Equal(t, want, fault.Field)
	}
}

func TestAValueThatHoldsItselfIsAnErrorAndNoStackOverflow(t *testing.T) {
	loop := make([]Reply, 1)
	loop[0].Replies = loop
	_, err := loop[0].AppendJSON(nil)
	var fault *cqrs.EncodingError
	require.ErrorAs(t, err, &fault)
	assert.Equal(t, "is nested deeper than 250 lists and maps", fault.Reason)
	assert.LessOrEqual(t, len(fault.Field), 256)
}

func TestWhatIsNestedAsDeepAsAWriterAllowsIsRead(t *testing.T) {
	var deep Reply
	for range 249 {
		deep = Reply{Replies: []Reply{deep}}
	}
	data := encoded(t, &deep)
	var got Reply
	require.NoError(t, got.DecodeJSON(data, jsoncodec.CopyStrings))
	assert.Equal(t, deep, got)

	deep = Reply{Replies: []Reply{deep}}
	_, err := deep.AppendJSON(nil)
	require.Error(t, err)
	data = slices.Concat([]byte(`{"replies":[`), data, []byte(`]}`))
	require.ErrorContains(t, got.DecodeJSON(data, jsoncodec.CopyStrings), "is nested deeper than 250 lists and maps")
}

func TestNestingCountsWhatIsOpenOnly(t *testing.T) {
	siblings := Reply{Replies: make([]Reply, 1000)}
	data := encoded(t, &siblings)
	var got Reply
	require.NoError(t, got.DecodeJSON(data, jsoncodec.CopyStrings))
	assert.Equal(t, siblings, got)

	many := make([]map[SKU]int64, 1000)
	for i := range many {
		many[i] = map[SKU]int64{}
	}
	written, err := write(func(w *writer) {
		jsoncodec.WriteList(w, many, func(w *writer, v *map[SKU]int64) {
			jsoncodec.WriteStringMap(w, *v, func(w *writer, v *int64) { w.Int(*v) })
		})
	})
	require.NoError(t, err)
	maps, err := read(t, written, func(r *reader) []map[SKU]int64 {
		return jsoncodec.ReadList(r, func(r *reader, v *map[SKU]int64) {
			*v = jsoncodec.ReadStringMap[SKU](r, func(r *reader, v *int64) { *v = r.Int64() })
		})
	})
	require.NoError(t, err)
	assert.Equal(t, many, maps)
}
