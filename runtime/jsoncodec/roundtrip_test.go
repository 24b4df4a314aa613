package jsoncodec_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// codec is what every generated event has.
type codec interface {
	AppendJSON([]byte) ([]byte, error)
	DecodeJSON([]byte, jsoncodec.Strings) error
}

// everything returns an event in which no field is empty.
func everything() *Everything {
	return &Everything{
		Text: "naïve \"quoted\" \\ <b>&amp;</b> \u2028 \t\x01 😀", Flag: true,
		Int: math.MinInt, Int32: math.MinInt32, Int64: math.MaxInt64, Uint32: math.MaxUint32, Uint64: math.MaxUint64,
		Float: -1.5e-9, Bytes: []byte{0, 1, 254, 255}, Time: time.Date(2026, 3, 1, 10, 0, 0, 123456000, time.UTC),
		Duration: -90 * time.Minute, ID: uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
		Day: cqrs.Date{Year: 2024, Month: 2, Day: 29}, Currency: CurrencyGBP, Weight: 1e21,
		Note: cqrs.Some(""), Until: cqrs.Some(time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)),
		Lines: []Line{
			{SKU: "a", Price: cqrs.Some(Money{Amount: -1, Currency: CurrencyUSD}), Tags: []string{"x", ""}},
			{SKU: "b"},
		},
		Days:     [][]cqrs.Date{nil, {{Year: 2026, Month: 1, Day: 31}}},
		Gaps:     []cqrs.Optional[int64]{cqrs.Some[int64](0), {}},
		Named:    map[string]Line{"": {SKU: "c"}, "é\n": {SKU: "d"}},
		Balances: map[Currency]int64{CurrencyEUR: 1, CurrencyUSD: -1},
		Shelves:  map[Shelf]map[Serial][]SKU{-7: {}, 10: {math.MaxUint64: {"s"}, 9: nil}},
	}
}

func texts() *rapid.Generator[string] {
	return rapid.Map(rapid.String(), func(s string) string { return strings.ReplaceAll(s, "\x00", "\u2029") })
}

func optionals[T any](g *rapid.Generator[T]) *rapid.Generator[cqrs.Optional[T]] {
	return rapid.OneOf(rapid.Just(cqrs.Optional[T]{}), rapid.Map(g, cqrs.Some[T]))
}

var (
	skus       = rapid.Map(texts(), func(s string) SKU { return SKU(s) })
	currencies = rapid.SampledFrom([]Currency{CurrencyEUR, CurrencyGBP, CurrencyUSD})
	floats     = rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) })
	endOfTime  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
	times      = rapid.Map(rapid.Int64Range(time.Time{}.UnixMicro(), endOfTime), func(micros int64) time.Time {
		return time.UnixMicro(micros).UTC()
	})
	days = rapid.Map(rapid.IntRange(0, 3_652_058), func(n int) cqrs.Date {
		return cqrs.Date{Year: 0, Month: 1, Day: 1}.AddDays(n)
	})
	monies = rapid.Custom(func(t *rapid.T) Money {
		return Money{Amount: rapid.Int64().Draw(t, "amount"), Currency: currencies.Draw(t, "currency")}
	})
	lines = rapid.Custom(func(t *rapid.T) Line {
		return Line{
			SKU:   skus.Draw(t, "sku"),
			Price: optionals(monies).Draw(t, "price"),
			Tags:  rapid.SliceOfN(texts(), 0, 3).Draw(t, "tags"),
		}
	})
)

var events = rapid.Custom(func(t *rapid.T) *Everything {
	serials := rapid.Map(rapid.Uint64(), func(n uint64) Serial { return Serial(n) })
	shelves := rapid.Map(rapid.Int32(), func(n int32) Shelf { return Shelf(n) })
	return &Everything{
		Text:     texts().Draw(t, "text"),
		Flag:     rapid.Bool().Draw(t, "flag"),
		Int:      rapid.Int().Draw(t, "int"),
		Int32:    rapid.Int32().Draw(t, "int32"),
		Int64:    rapid.Int64().Draw(t, "int64"),
		Uint32:   rapid.Uint32().Draw(t, "uint32"),
		Uint64:   rapid.Uint64().Draw(t, "uint64"),
		Float:    floats.Draw(t, "float"),
		Bytes:    rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
		Time:     times.Draw(t, "time"),
		Duration: time.Duration(rapid.Int64().Draw(t, "duration")),
		ID:       uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")),
		Day:      days.Draw(t, "day"),
		Currency: currencies.Draw(t, "currency"),
		Weight:   Weight(floats.Draw(t, "weight")),
		Note:     optionals(texts()).Draw(t, "note"),
		Until:    optionals(times).Draw(t, "until"),
		Lines:    rapid.SliceOfN(lines, 0, 5).Draw(t, "lines"),
		Days:     rapid.SliceOfN(rapid.SliceOfN(days, 0, 3), 0, 3).Draw(t, "days"),
		Gaps:     rapid.SliceOfN(optionals(rapid.Int64()), 0, 4).Draw(t, "gaps"),
		Named:    rapid.MapOfN(texts(), lines, 0, 4).Draw(t, "named"),
		Balances: rapid.MapOfN(currencies, rapid.Int64(), 0, 3).Draw(t, "balances"),
		Shelves: rapid.MapOfN(shelves, rapid.MapOfN(serials, rapid.SliceOfN(skus, 0, 2), 0, 20), 0, 3).
			Draw(t, "shelves"),
	}
})

// normalize makes empty lists nil and nil maps empty, as a Reader does.
func normalize(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		normalize(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				normalize(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
		for i := range v.Len() {
			normalize(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		for _, k := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(k))
			normalize(value)
			v.SetMapIndex(k, value)
		}
	}
}

func normalized(e *Everything) *Everything {
	normalize(reflect.ValueOf(e))
	return e
}

func TestWhatWeWriteIsReadByEncodingJSONAndByUs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := events.Draw(t, "event")
		data, err := want.AppendJSON(nil)
		require.NoError(t, err)
		normalized(want)

		var ours, theirs Everything
		require.NoError(t, ours.DecodeJSON(data, jsoncodec.CopyStrings), string(data))
		require.Equal(t, want, &ours)
		require.NoError(t, json.Unmarshal(data, &theirs), string(data))
		require.Equal(t, want, normalized(&theirs))

		again, err := ours.AppendJSON(nil)
		require.NoError(t, err)
		require.Equal(t, string(data), string(again), "equal values have equal bytes")
	})
}

// spellings returns the JSON of v in all the ways that encoding/json has.
func spellings(t require.TestingT, v any) [][]byte {
	compact, err := json.Marshal(v)
	require.NoError(t, err)
	indented, err := json.MarshalIndent(v, "\t", "  ")
	require.NoError(t, err)
	var plain, html bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v))
	json.HTMLEscape(&html, plain.Bytes())
	return [][]byte{compact, indented, plain.Bytes(), html.Bytes()}
}

func TestWhatEncodingJSONWritesIsReadByUs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := events.Draw(t, "event")
		for _, data := range append(spellings(t, want), shuffled(t, want)) {
			var got Everything
			require.NoError(t, got.DecodeJSON(data, jsoncodec.ViewStrings), string(data))
			require.Equal(t, normalized(want), &got, string(data))
		}
	})
}

// shuffled returns the JSON of v with its fields in another order and unknown fields between them.
func shuffled(t *rapid.T, v any) []byte {
	var fields map[string]json.RawMessage
	data, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &fields))
	names := make([]string, 0, len(fields))
	for i := range reflect.TypeFor[Everything]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Everything]().Field(i).Tag.Get("json"), ",")
		if _, ok := fields[name]; ok {
			names = append(names, name)
		}
	}
	b := []byte("{")
	for _, name := range rapid.Permutation(names).Draw(t, "order") {
		b = append(b, `"new `+name+`": `...)
		b = append(append(b, fields[name]...), ` ,"`+name+`" :`...)
		b = append(append(b, fields[name]...), ", "...)
	}
	return append(b, `"":[null]}`...)
}

func TestNullIsReadWhereEncodingJSONWritesItForNil(t *testing.T) {
	e := &Everything{Currency: CurrencyEUR, Day: cqrs.Date{Year: 1, Month: 1, Day: 1}}
	for _, data := range spellings(t, e) {
		require.Contains(t, string(data), "null")
		var got Everything
		require.NoError(t, got.DecodeJSON(data, jsoncodec.CopyStrings))
		require.Equal(t, normalized(e), &got)
	}
}
