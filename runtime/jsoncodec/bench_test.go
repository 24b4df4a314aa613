package jsoncodec_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

var deposit = MoneyDeposited{
	Money:     Money{Amount: 12345, Currency: CurrencyEUR},
	Reference: cqrs.Some("invoice 2026-0042"),
}

// plainDeposit is the event as one would write it for encoding/json, without methods of its own.
type plainDeposit struct {
	Money struct {
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	} `json:"money"`
	Reference *string `json:"reference,omitempty"`
}

func encoded(tb testing.TB, e codec) []byte {
	tb.Helper()
	b, err := e.AppendJSON(nil)
	require.NoError(tb, err)
	return b
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 4096)
	for name, e := range map[string]codec{"ledger": &deposit, "every type": everything()} {
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := e.AppendJSON(buf); err != nil {
				t.Error(err)
			}
		}), name)
	}
}

func TestDecodingAllocatesNothingButTheStringsThatItCopies(t *testing.T) {
	data := encoded(t, &deposit)
	for strings, want := range map[jsoncodec.Strings]float64{jsoncodec.ViewStrings: 0, jsoncodec.CopyStrings: 1} {
		var e MoneyDeposited
		assert.Equal(t, want, testing.AllocsPerRun(100, func() {
			if err := e.DecodeJSON(data, strings); err != nil {
				t.Error(err)
			}
		}))
		assert.Equal(t, deposit, e)
	}
}

func TestDecodingAListAllocatesNothingButTheList(t *testing.T) {
	data := []byte(`[{"amount":1,"currency":"EUR"},{"amount":2,"currency":"USD"}]`)
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() {
		r := jsoncodec.NewReader(data, jsoncodec.ViewStrings)
		list := jsoncodec.ReadList(&r, func(r *reader, v *Money) { v.readJSON(r) })
		if err := r.Finish("T"); err != nil || len(list) != 2 {
			t.Error(err)
		}
	}))
}

func TestDecodingAMapAllocatesNothingButTheMap(t *testing.T) {
	data := []byte(`{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8}`)
	var kept map[Shelf]int64
	filling := testing.AllocsPerRun(100, func() {
		kept = make(map[Shelf]int64)
		for i := range Shelf(8) {
			kept[i] = int64(i)
		}
	})
	reading := testing.AllocsPerRun(100, func() {
		r := jsoncodec.NewReader(data, jsoncodec.ViewStrings)
		kept = jsoncodec.ReadIntMap[Shelf](&r, func(r *reader, v *int64) { *v = r.Int64() })
		if err := r.Finish("T"); err != nil {
			t.Error(err)
		}
	})
	assert.Equal(t, filling, reading)
	assert.Len(t, kept, 8)
}

func BenchmarkEncode(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = deposit.AppendJSON(buf[:0])
		}
	})
	var plain plainDeposit
	require.NoError(b, json.Unmarshal(encoded(b, &deposit), &plain))
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = json.Marshal(&plain)
		}
	})
	b.Run("every-type/generated", func(b *testing.B) {
		e := everything()
		for b.Loop() {
			buf, _ = e.AppendJSON(buf[:0])
		}
	})
	b.Run("every-type/encoding-json", func(b *testing.B) {
		e := everything()
		for b.Loop() {
			buf, _ = json.Marshal(e)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := encoded(b, &deposit)
	generated := func(strings jsoncodec.Strings) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			var e MoneyDeposited
			for b.Loop() {
				_ = e.DecodeJSON(data, strings)
			}
		}
	}
	b.Run("generated-views", generated(jsoncodec.ViewStrings))
	b.Run("generated-copies", generated(jsoncodec.CopyStrings))
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var e plainDeposit
			_ = json.Unmarshal(data, &e)
		}
	})
	every := encoded(b, everything())
	b.Run("every-type/generated", func(b *testing.B) {
		for b.Loop() {
			_ = new(Everything).DecodeJSON(every, jsoncodec.CopyStrings)
		}
	})
	b.Run("every-type/encoding-json", func(b *testing.B) {
		for b.Loop() {
			_ = json.Unmarshal(every, new(Everything))
		}
	})
}
