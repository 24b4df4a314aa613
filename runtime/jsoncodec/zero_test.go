package jsoncodec_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// holding is what a state or a row may hold before anything was assigned to it.
type holding struct {
	money Money
	days  []cqrs.Date
	sums  map[Currency]int64
}

const zeroHolding = `[{"amount":0,"currency":""},["","2024-02-29"],{"":1,"EUR":2}]`

func someZeros() holding {
	return holding{
		days: []cqrs.Date{{}, {Year: 2024, Month: 2, Day: 29}},
		sums: map[Currency]int64{"": 1, CurrencyEUR: 2},
	}
}

func (h *holding) write(w *writer) {
	w.Raw("[")
	h.money.writeJSON(w)
	w.Raw(",")
	jsoncodec.WriteList(w, h.days, func(w *writer, d *cqrs.Date) { w.Date(*d) })
	w.Raw(",")
	jsoncodec.WriteEnumMap(w, h.sums, func(w *writer, n *int64) { w.Int(*n) })
	w.Raw("]")
}

func TestZeroValuesAreWrittenEmptyWhereTheyAreAllowed(t *testing.T) {
	h := someZeros()
	w := jsoncodec.NewWriter(nil)
	w.AllowZero()
	h.write(&w)
	b, err := w.Finish("T")
	require.NoError(t, err)
	assert.Equal(t, zeroHolding, string(b))

	for name, f := range map[string]func(*writer){
		"an enum":          func(w *writer) { w.Enum("", false) },
		"a day":            func(w *writer) { w.Date(cqrs.Date{}) },
		"the key of a map": func(w *writer) { jsoncodec.WriteEnumMap(w, h.sums, func(w *writer, n *int64) { w.Int(*n) }) },
	} {
		w := jsoncodec.NewWriter(nil)
		f(&w)
		_, err := w.Finish("T")
		assert.Error(t, err, "%s, where it is not allowed", name)
	}
}

func TestOnlyZeroValuesAreAllowed(t *testing.T) {
	for name, f := range map[string]func(*writer){
		"an unknown enum": func(w *writer) { w.Enum("XXX", false) },
		"no day":          func(w *writer) { w.Date(cqrs.Date{Year: 2026}) },
		"an unknown key": func(w *writer) {
			jsoncodec.WriteEnumMap(w, map[Currency]int64{"XXX": 1}, func(w *writer, n *int64) { w.Int(*n) })
		},
	} {
		w := jsoncodec.NewWriter(nil)
		w.AllowZero()
		f(&w)
		_, err := w.Finish("T")
		var refused *cqrs.EncodingError
		assert.ErrorAs(t, err, &refused, name)
	}
	refuses(t, allowing(readCurrency), "is not a value of", `"XXX"`, `" "`)
	refuses(t, allowing((*reader).Date), "is not a day", `"0000-00-00"`, `" "`)
	refuses(t, allowing((*reader).Date), "where a string should be", `null`, `0`)
	_, err := read(t, `{"XXX":1}`, allowing(readSums))
	assert.ErrorContains(t, err, "the key is not a declared value")
}

func TestZeroValuesAreReadWhereTheyAreAllowed(t *testing.T) {
	accepts(t, allowing(readCurrency), "", `""`)
	accepts(t, allowing(readCurrency), CurrencyEUR, `"EUR"`)
	accepts(t, allowing((*reader).Date), cqrs.Date{}, `""`)
	accepts(t, allowing((*reader).Date), cqrs.Date{Year: 2024, Month: 2, Day: 29}, `"2024-02-29"`)
	accepts(t, allowing(readSums), map[Currency]int64{"": 1, CurrencyEUR: 2}, `{"":1,"EUR":2}`)

	refuses(t, readCurrency, "is not a value of", `""`)
	refuses(t, (*reader).Date, "is not a day", `""`)
	_, err := read(t, `{"":1}`, readSums)
	assert.ErrorContains(t, err, "the key is not a declared value")
}

// allowing returns f for a Reader that allows zero values.
func allowing[T any](f func(*reader) T) func(*reader) T {
	return func(r *reader) T {
		r.AllowZero()
		return f(r)
	}
}

func readCurrency(r *reader) (c Currency) {
	c.readJSON(r)
	return c
}

func readSums(r *reader) map[Currency]int64 {
	return jsoncodec.ReadEnumMap[Currency](r, func(r *reader, n *int64) { *n = r.Int64() })
}
