package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// plainDeposited is MoneyDeposited as one would write it for encoding/json, without a method of its own.
type plainDeposited struct {
	Money struct {
		Amount   int64  `json:"amount"`
		Currency string `json:"currency"`
	} `json:"money"`
	Reference *string `json:"reference,omitempty"`
}

func plain(e ledger.MoneyDeposited) (p plainDeposited) {
	p.Money.Amount, p.Money.Currency = e.Money.Amount, string(e.Money.Currency)
	if reference, ok := e.Reference.Get(); ok {
		p.Reference = &reference
	}
	return p
}

func anyDeposit(t *rapid.T) (e ledger.MoneyDeposited) {
	e.Money.Amount = rapid.Int64().Draw(t, "amount")
	e.Money.Currency = rapid.SampledFrom([]ledger.Currency{
		ledger.CurrencyEUR, ledger.CurrencyGBP, ledger.CurrencyUSD,
	}).Draw(t, "currency")
	if rapid.Bool().Draw(t, "has a reference") {
		special := rapid.StringOf(rapid.SampledFrom([]rune("\"\\<>&/\n\x01\x7f\u2028é😀")))
		text := rapid.OneOf(rapid.String(), special).Draw(t, "reference")
		e.Reference = cqrs.Some(strings.ReplaceAll(text, "\x00", ""))
	}
	return e
}

func TestWhatTheCodecWritesEncodingJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyDeposit(t)
		data, err := e.AppendJSON(nil)
		require.NoError(t, err)
		var read ledger.MoneyDeposited
		require.NoError(t, json.Unmarshal(data, &read))
		require.Equal(t, e, read)
		var other plainDeposited
		require.NoError(t, json.Unmarshal(data, &other))
		require.Equal(t, plain(e), other)
	})
}

func TestWhatEncodingJSONWritesTheCodecReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyDeposit(t)
		for _, v := range []any{e, plain(e)} {
			data, err := json.Marshal(v)
			require.NoError(t, err)
			indented, err := json.MarshalIndent(v, "", "\t")
			require.NoError(t, err)
			for _, data := range [][]byte{data, indented} {
				for _, mode := range []jsoncodec.Strings{jsoncodec.CopyStrings, jsoncodec.ViewStrings} {
					var read ledger.MoneyDeposited
					require.NoError(t, read.DecodeJSON(data, mode))
					require.Equal(t, e, read)
				}
			}
		}
	})
}

func TestAnAbsentReferenceIsNotWrittenAndNullIsReadAsOne(t *testing.T) {
	e := ledger.MoneyDeposited{Money: eur(5)}
	data, err := e.AppendJSON([]byte("before "))
	require.NoError(t, err)
	assert.Equal(t, `before {"money":{"amount":5,"currency":"EUR"}}`, string(data))
	var read ledger.MoneyDeposited
	data = []byte(`{"reference":null,"money":{"currency":"EUR","amount":5}}`)
	require.NoError(t, read.DecodeJSON(data, jsoncodec.CopyStrings))
	assert.Equal(t, e, read)
}

func TestACopyOutlivesThePayload(t *testing.T) {
	data := []byte(`{"money":{"amount":5,"currency":"EUR"},"reference":"rent"}`)
	var e ledger.MoneyDeposited
	require.NoError(t, e.DecodeJSON(data, jsoncodec.CopyStrings))
	clear(data)
	assert.Equal(t, ledger.MoneyDeposited{Money: eur(5), Reference: cqrs.Some("rent")}, e)
}

func TestUnknownFieldsAreSkipped(t *testing.T) {
	var e ledger.MoneyDeposited
	data := `{"new":[{"money":1},null],"money":{"amount":5,"fee":{"amount":"x"},"currency":"EUR"},"Reference":7}`
	require.NoError(t, e.DecodeJSON([]byte(data), jsoncodec.CopyStrings))
	assert.Equal(t, ledger.MoneyDeposited{Money: eur(5)}, e)
}

func TestADecodingErrorNamesEventAndField(t *testing.T) {
	for _, c := range []struct{ data, field, reason string }{
		{`{}`, "money", "missing"},
		{`{"reference":"rent"}`, "money", "missing"},
		{`{"money":{"currency":"EUR"}}`, "money.amount", "missing"},
		{`{"money":{"amount":5}}`, "money.currency", "missing"},
		{`{"money":{}}`, "money.amount", "money.currency"},
		{`{"money":{"amount":5,"currency":"DEM"}}`, "money.currency", `"DEM" is not a value of Currency`},
		{`{"money":{"amount":5,"currency":null}}`, "money.currency", "null"},
		{`{"money":{"amount":5.5,"currency":"EUR"}}`, "money.amount", ""},
		{`{"money":{"amount":9223372036854775808,"currency":"EUR"}}`, "money.amount", ""},
		{`{"money":null}`, "money", "null"},
		{`{"money":{"amount":5,"currency":"EUR"},"reference":5}`, "reference", "number"},
		{`{"money":{"amount":5,"currency":"EUR"},"reference":"\u0000"}`, "reference", "NUL"},
		{`{"money":{"amount":5,"currency":"EUR"}} x`, "", "goes on"},
		{``, "", "end of the data"},
	} {
		var e ledger.MoneyDeposited
		err := e.DecodeJSON([]byte(c.data), jsoncodec.CopyStrings)
		var fault *cqrs.DecodingError
		if assert.ErrorAs(t, err, &fault, c.data) {
			assert.Equal(t, "MoneyDeposited", fault.Type, c.data)
			assert.Equal(t, c.field, fault.Field, c.data)
			assert.Contains(t, fault.Reason, c.reason, c.data)
		}
	}
}

func TestWhatCannotBeStoredIsNotEncoded(t *testing.T) {
	for _, c := range []struct {
		event ledger.MoneyDeposited
		field string
	}{
		{ledger.MoneyDeposited{}, "money.currency"},
		{ledger.MoneyDeposited{Money: ledger.Money{Amount: 1, Currency: "DEM"}}, "money.currency"},
		{ledger.MoneyDeposited{Money: eur(1), Reference: cqrs.Some("a\x00b")}, "reference"},
		{ledger.MoneyDeposited{Money: eur(1), Reference: cqrs.Some("a\xff")}, "reference"},
	} {
		_, err := c.event.AppendJSON(nil)
		var fault *cqrs.EncodingError
		if assert.ErrorAs(t, err, &fault) {
			assert.Equal(t, "MoneyDeposited", fault.Type)
			assert.Equal(t, c.field, fault.Field)
		}
	}
}

// FuzzMoneyDeposited decodes arbitrary bytes. What is accepted, encoding/json accepts too, with an equal value.
func FuzzMoneyDeposited(f *testing.F) {
	for _, seed := range []string{
		`{"money":{"amount":5,"currency":"EUR"},"reference":"rent"}`,
		`{"money":{"amount":-9223372036854775808,"currency":"USD"},"reference":null}`,
		` {"x":[1e9,{"a":"\ud83d\ude00"}],"reference":"\u00e9\n","money":{"currency":"\u0047BP","amount":0}} `,
		`{"money":{"amount":5,"currency":"DEM"}}`, `{"money":{}}`, `{}`, `null`, `[`, `"`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var copied, viewed ledger.MoneyDeposited
		err := copied.DecodeJSON(data, jsoncodec.CopyStrings)
		require.Equal(t, err, viewed.DecodeJSON(data, jsoncodec.ViewStrings))
		if err != nil {
			var fault *cqrs.DecodingError
			require.ErrorAs(t, err, &fault)
			require.Equal(t, "MoneyDeposited", fault.Type)
			require.True(t, utf8.ValidString(err.Error()))
			return
		}
		require.Equal(t, copied, viewed)
		written, err := copied.AppendJSON(nil)
		require.NoError(t, err)
		var again ledger.MoneyDeposited
		require.NoError(t, again.DecodeJSON(written, jsoncodec.CopyStrings))
		require.Equal(t, copied, again)

		require.True(t, json.Valid(data), "accepted, and no JSON")
		if namesDifferByCase(json.NewDecoder(strings.NewReader(string(data)))) {
			return // encoding/json takes them for ours
		}
		var theirs ledger.MoneyDeposited
		require.NoError(t, json.Unmarshal(data, &theirs))
		require.Equal(t, copied, theirs)
	})
}

// namesDifferByCase goes through one value, and reports whether a name in it is one of ours but for its case.
func namesDifferByCase(d *json.Decoder) bool {
	token, err := d.Token()
	delim, ok := token.(json.Delim)
	if err != nil || !ok {
		return false
	}
	found := false
	for d.More() {
		if delim == '{' {
			token, _ := d.Token()
			name := token.(string)
			for _, ours := range []string{"money", "reference", "amount", "currency"} {
				found = found || name != ours && strings.EqualFold(name, ours)
			}
		}
		found = namesDifferByCase(d) || found
	}
	_, _ = d.Token() // the closing bracket
	return found
}

func TestTheCodecDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 1024)
	deposit, referring := ledger.MoneyDeposited{Money: eur(12345)}, benchmarked
	for name, c := range map[string]struct {
		event   ledger.MoneyDeposited
		mode    jsoncodec.Strings
		decoded float64
	}{
		"views":                    {deposit, jsoncodec.ViewStrings, 0},
		"a reference as a view":    {referring, jsoncodec.ViewStrings, 0},
		"copies":                   {deposit, jsoncodec.CopyStrings, 0},
		"a reference that is kept": {referring, jsoncodec.CopyStrings, 1},
	} {
		e := c.event
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = e.AppendJSON(buf) }), "encode, %s", name)
		data, err := e.AppendJSON(nil)
		require.NoError(t, err)
		var read ledger.MoneyDeposited
		assert.Equal(t, c.decoded, testing.AllocsPerRun(100, func() {
			read = ledger.MoneyDeposited{}
			_ = read.DecodeJSON(data, c.mode)
		}), "decode, %s", name)
		assert.Equal(t, e, read)
	}
}

var benchmarked = ledger.MoneyDeposited{Money: eur(12345), Reference: cqrs.Some("invoice 2026-0042")}

func BenchmarkEncode(b *testing.B) {
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 1024)
		for b.Loop() {
			_, _ = benchmarked.AppendJSON(buf)
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		e := plain(benchmarked)
		for b.Loop() {
			_, _ = json.Marshal(&e)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data, err := benchmarked.AppendJSON(nil)
	require.NoError(b, err)
	for name, mode := range map[string]jsoncodec.Strings{
		"generated-views": jsoncodec.ViewStrings, "generated-copies": jsoncodec.CopyStrings,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var e ledger.MoneyDeposited
			for b.Loop() {
				_ = e.DecodeJSON(data, mode)
			}
		})
	}
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var e plainDeposited
			_ = json.Unmarshal(data, &e)
		}
	})
}
