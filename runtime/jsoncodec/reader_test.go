package jsoncodec_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// read reads data with f in both modes, which must agree.
func read[T any](t *testing.T, data string, f func(*reader) T) (T, error) {
	t.Helper()
	r := jsoncodec.NewReader([]byte(data), jsoncodec.ViewStrings)
	viewed := f(&r)
	viewErr := r.Finish("T")
	r = jsoncodec.NewReader([]byte(data), jsoncodec.CopyStrings)
	copied := f(&r)
	err := r.Finish("T")
	assert.Equal(t, copied, viewed)
	assert.Equal(t, err, viewErr)
	return copied, err
}

func accepts[T any](t *testing.T, f func(*reader) T, want T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, data := range []string{text, " \t\r\n" + text + "\n "} {
			got, err := read(t, data, f)
			require.NoError(t, err, data)
			assert.Equal(t, want, got, data)
		}
	}
}

func refuses[T any](t *testing.T, f func(*reader) T, reason string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		_, err := read(t, text, f)
		var fault *cqrs.DecodingError
		require.ErrorAs(t, err, &fault, text)
		assert.Contains(t, fault.Reason, reason, text)
		assert.True(t, fault.Offset >= 0 && fault.Offset <= len(text), text)
		var rejected T
		got, _ := read(t, text, f)
		if !strings.Contains(reason, "goes on") {
			assert.Equal(t, rejected, got, text)
		}
	}
}

func TestReaderReadsWholeNumbers(t *testing.T) {
	accepts(t, (*reader).Int, math.MinInt, strconv.Itoa(math.MinInt))
	accepts(t, (*reader).Int32, math.MaxInt32, "2147483647")
	accepts(t, (*reader).Int32, math.MinInt32, "-2147483648")
	accepts(t, (*reader).Int64, 0, "0", "-0")
	accepts(t, (*reader).Int64, math.MaxInt64, "9223372036854775807")
	accepts(t, (*reader).Int64, math.MinInt64, "-9223372036854775808")
	accepts(t, (*reader).Uint32, math.MaxUint32, "4294967295")
	accepts(t, (*reader).Uint64, uint64(math.MaxUint64), "18446744073709551615")
	accepts(t, (*reader).Uint64, uint64(1e19), "10000000000000000000")
	accepts(t, (*reader).Uint64, uint64(9999999999999999999), "9999999999999999999")
	accepts(t, (*reader).Duration, -time.Second, "-1000000000")
}

func TestReaderRefusesWhatIsNotAWholeNumberOfItsType(t *testing.T) {
	refuses(t, (*reader).Int32, "must be in the range -2147483648 to 2147483647, is 2147483648", "2147483648")
	refuses(t, (*reader).Int32, "must be in the range -2147483648 to 2147483647", "-2147483649", "99999999999999999999")
	refuses(t, (*reader).Int64, "must be in the range -9223372036854775808 to 9223372036854775807",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "-18446744073709551616")
	refuses(t, (*reader).Uint32, "must be in the range 0 to 4294967295, is -1", "-1")
	refuses(t, (*reader).Uint64, "must be in the range 0 to 18446744073709551615",
		"18446744073709551616", "20000000000000000000", "28446744073709551615", "100000000000000000000",
		"36893488147419103232", "-0", "-1")
	refuses(t, (*reader).Uint64, "range 0 to 18446744073709551615, is 1111111111111111111111111111111111111…",
		strings.Repeat("1", 1000))
	refuses(t, (*reader).Int64, "must be a whole number, is 1", "1.5", "1.0", "1e3", "1E3", "1.5e+1")
	refuses(t, (*reader).Int64, "is not a number of JSON", "-", "01", "-01", "1.", "1e", "1e+", "--1", "00")
	refuses(t, (*reader).Int64, "where a whole number should be",
		"", "+1", "null", `"1"`, "true", "[1]", "{}", ".5", "NaN", "\x00")
	refuses(t, (*reader).Int64, "the data goes on after its end", "1 2", "1x", "1}", "0x10", "1\x00")
	refuses(t, (*reader).Duration, "where a whole number should be", `"1s"`)
}

func TestReaderReadsNumbers(t *testing.T) {
	accepts(t, (*reader).Float64, 0, "0", "0.0", "0e5", "1e-999")
	accepts(t, (*reader).Float64, 1500, "1500", "1.5e3", "1.5E+3", "15000e-1")
	accepts(t, (*reader).Float64, math.MaxFloat64, "1.7976931348623157e308")
	negative, err := read(t, "-0", (*reader).Float64)
	require.NoError(t, err)
	assert.True(t, math.Signbit(negative))
	refuses(t, (*reader).Float64, "is outside of the range of a float64: 1e309", "1e309")
	refuses(t, (*reader).Float64, "is outside of the range", "-1e309", strings.Repeat("9", 400))
	refuses(t, (*reader).Float64, "is not a number of JSON", "-", "01", "1.", "1e", "-.5", "1.e5")
	refuses(t, (*reader).Float64, "where a number should be", "null", ".5", "Infinity", "NaN", `"1"`, "")
	refuses(t, (*reader).Float64, "the data goes on", "0x1p4", "1_000")
}

func TestReaderReadsBooleans(t *testing.T) {
	accepts(t, (*reader).Bool, true, "true")
	accepts(t, (*reader).Bool, false, "false")
	refuses(t, (*reader).Bool, "where true or false should be", "", "null", "1", `"true"`, "True", "tru", "fals", "t")
	refuses(t, (*reader).Bool, "goes on", "truely", "falsee")
}

func TestReaderReadsStrings(t *testing.T) {
	accepts(t, (*reader).String, "", `""`)
	accepts(t, (*reader).String, "plain", `"plain"`, `"\u0070lain"`, `"pl\u0061i\u006E"`)
	accepts(t, (*reader).String, "\"\\/\b\f\n\r\t\x01", `"\"\\\/\b\f\n\r\t\u0001"`)
	accepts(t, (*reader).String, "naïve 😀 \u2028 <", "\"naïve 😀 \u2028 <\"",
		`"na\u00efve \ud83d\ude00 \u2028 \u003c"`,
		`"na\u00EFve \uD83D\uDE00 \u2028 \u003C"`)
	accepts(t, (*reader).String, "\ufffd\uffff\x7f", "\"\ufffd\uffff\x7f\"", `"\ufffd\uffff\u007f"`)
	for n := range 40 { // every place in a word, and around it
		for _, special := range []string{"\\n", "é", `\"`, "😀"} {
			plain := strings.NewReplacer(`\n`, "\n", `\"`, `"`).Replace(special)
			pad := strings.Repeat("x", n)
			accepts(t, (*reader).String, pad+plain+"tail", `"`+pad+special+`tail"`)
		}
	}
}

func TestReaderRefusesStringsThatAWriterWouldNotWrite(t *testing.T) {
	refuses(t, (*reader).String, "where a string should be", "", "null", "1", "abc", "'a'", "[]")
	refuses(t, (*reader).String, "is not valid UTF-8",
		"\"\xff\"", "\"abcdefgh\xc3\"", "\"\\n\xed\xa0\x80\"", "\"\xc0\x80\"")
	refuses(t, (*reader).String, "has a NUL character", `"\u0000"`)
	refuses(t, (*reader).String, "has half of a surrogate pair", `"\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`,
		`"\ud83d\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\u"`, `"\ud83d\u0041"`)
	refuses(t, (*reader).String, `has a \u that four hexadecimal digits do not follow`,
		`"\u12"`, `"\u12G4"`, `"\u`, `"\u+123"`)
	refuses(t, (*reader).String, "has an escape that JSON does not know", `"\x41"`, `"\'"`, `"\U00000041"`, "\"\\\n\"")
	refuses(t, (*reader).String, "ends inside of a string", `"`, `"abc`, `"abcdefghijk`, `"a\`, `"\n`, `"\"`)
	for c := range 0x20 {
		for _, before := range []string{"", "abc", "12345678", `\n`} {
			refuses(t, (*reader).String, fmt.Sprintf("has the unescaped control character %U", c),
				`"`+before+string(rune(c))+`"`)
		}
	}
}

func TestReaderReadsBytes(t *testing.T) {
	accepts(t, (*reader).Bytes, nil, `""`, "null")
	accepts(t, (*reader).Bytes, []byte{0, 255}, `"AP8="`, `"\u0041P8="`)
	refuses(t, (*reader).Bytes, "is not base64 with padding",
		`"A"`, `"AP8"`, `"AP9="`, `"AP-_"`, `"AP8=\n"`, `"AP\r8="`, `"AP8=AP8="`, `"\nAAA"`)
	refuses(t, (*reader).Bytes, "where a string should be", "[1]", "nul")
}

func TestReaderReadsTimes(t *testing.T) {
	accepts(t, (*reader).Time, time.Date(2026, 3, 1, 10, 0, 0, 500000000, time.UTC),
		`"2026-03-01T10:00:00.5Z"`, `"2026-03-01T10:00:00.500000Z"`)
	accepts(t, (*reader).Time, time.Time{}, `"0001-01-01T00:00:00Z"`)
	refuses(t, (*reader).Time, "is not a time in UTC like 2006-01-02T15:04:05.999999Z",
		`""`, `"Z"`, `"2026-03-01"`, `"2026-03-01T10:00:00"`, `"2026-03-01T10:00:00+00:00"`, `"2026-03-01T10:00:00-07:00"`,
		`"2026-03-01T10:00:00.1234567Z"`, `"2026-03-01T10:00:00,5Z"`, `"2026-03-01T10:00:00.Z"`, `"2026-03-01t10:00:00z"`,
		`"2026-03-01 10:00:00Z"`, `"2026-02-29T10:00:00Z"`, `"2026-03-01T24:00:00Z"`, `"2026-03-01T23:59:60Z"`,
		`"2026-03-01T1:00:00Z"`, `"0000-01-01T00:00:00Z"`, `"12026-03-01T10:00:00Z"`, `"-001-03-01T10:00:00Z"`)
	refuses(t, (*reader).Time, "where a string should be", "null", "0")
}

func TestReaderReadsUUIDs(t *testing.T) {
	id := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	accepts(t, (*reader).UUID, id, `"`+id.String()+`"`, `"6BA7B810-9DAD-11D1-80B4-00C04FD430C8"`)
	refuses(t, (*reader).UUID, "is not a UUID", `""`, `"6ba7b8109dad11d180b400c04fd430c8"`,
		`"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"`, `"urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"`,
		`"6ba7b810-9dad-11d1-80b4-00c04fd430cx"`, `"6ba7b810+9dad-11d1-80b4-00c04fd430c8"`)
	refuses(t, (*reader).UUID, "where a string should be", "null")
}

func TestReaderReadsDays(t *testing.T) {
	accepts(t, (*reader).Date, cqrs.Date{Year: 2024, Month: 2, Day: 29}, `"2024-02-29"`)
	accepts(t, (*reader).Date, cqrs.Date{Year: 0, Month: 1, Day: 1}, `"0000-01-01"`)
	refuses(t, (*reader).Date, "is not a day like 2006-01-02", `""`, `"2023-02-29"`, `"2024-13-01"`, `"2024-00-10"`,
		`"2024-01-00"`, `"2024-1-1"`, `"2024/01/01"`, `"20240-1-01"`, `"+024-01-01"`, `"2024-01-01T00:00:00Z"`)
	refuses(t, (*reader).Date, "where a string should be", "null", "20240101")
}

func TestReaderReadsOptionals(t *testing.T) {
	optional := func(r *reader) cqrs.Optional[int64] {
		return jsoncodec.ReadOptional(r, func(r *reader, v *int64) { *v = r.Int64() })
	}
	accepts(t, optional, cqrs.Optional[int64]{}, "null")
	accepts(t, optional, cqrs.Some[int64](0), "0")
	for _, text := range []string{"nul", "nulL", `"x"`, ""} {
		_, err := read(t, text, optional)
		require.ErrorContains(t, err, "where a whole number should be")
	}
}

func TestReaderReadsLists(t *testing.T) {
	list := func(r *reader) []int64 {
		return jsoncodec.ReadList(r, func(r *reader, v *int64) { *v = r.Int64() })
	}
	accepts(t, list, nil, "null", "[]", "[ ]")
	accepts(t, list, []int64{1, 2, 3, 4, 5, 6}, "[1,2,3,4,5,6]", "[ 1 ,\t2\n,3\r, 4,5,6 ]")
	for text, want := range map[string]string{
		"[":       "at byte 1: field [0]: found the end of the data where a comma or ']' should be",
		"[1":      "at byte 2: field [0]: found the end of the data where a comma or ']' should be",
		"[1,":     "at byte 3: field [1]: found the end of the data where a whole number should be",
		"[1,]":    "at byte 3: field [1]: found the byte ']' where a whole number should be",
		"[,1]":    "at byte 1: field [0]: found the byte ',' where a whole number should be",
		"[1 2]":   "at byte 3: field [0]: found a number where a comma or ']' should be",
		"[1}":     "at byte 2: field [0]: found the byte '}' where a comma or ']' should be",
		"[1,null": "at byte 3: field [1]: found null where a whole number should be",
		"{}":      "at byte 0: found an object where a list should be",
		"[]]":     "at byte 2: the data goes on after its end",
		"[1,\v2]": `at byte 3: field [1]: found the byte '\v' where a whole number should be`,
	} {
		_, err := read(t, text, list)
		require.EqualError(t, err, "can't decode T "+want, text)
	}
}

func TestTheKeysOfAnEnumOutliveTheDataTheyWereReadFrom(t *testing.T) {
	data := []byte(`{"EUR":1}`)
	r := jsoncodec.NewReader(data, jsoncodec.ViewStrings)
	have := jsoncodec.ReadEnumMap[Currency](&r, func(r *reader, v *int64) { *v = r.Int64() })
	require.NoError(t, r.Finish("Balances"))
	clear(data)
	assert.Equal(t, map[Currency]int64{CurrencyEUR: 1}, have)
}

func TestReaderReadsMaps(t *testing.T) {
	value := func(r *reader, v *int64) { *v = r.Int64() }
	byString := func(r *reader) map[SKU]int64 { return jsoncodec.ReadStringMap[SKU](r, value) }
	byEnum := func(r *reader) map[Currency]int64 { return jsoncodec.ReadEnumMap[Currency](r, value) }
	byInt := func(r *reader) map[Shelf]int64 { return jsoncodec.ReadIntMap[Shelf](r, value) }
	byUint := func(r *reader) map[Serial]int64 { return jsoncodec.ReadUintMap[Serial](r, value) }
	accepts(t, byString, map[SKU]int64{}, "null", "{}", "{ }")
	accepts(t, byString, map[SKU]int64{"": 1, "a\n": 2, "é": 3},
		"{\"\":1,\"a\\n\":2,\"é\":3}", `{ "\u00e9" :3 , "" : 1,"a\u000a": 2}`)
	accepts(t, byEnum, map[Currency]int64{CurrencyEUR: 1}, `{"EUR":1}`, `{"\u0045UR":1}`)
	accepts(t, byInt, map[Shelf]int64{-1: 1, math.MaxInt32: 2}, `{"-1":1,"2147483647":2}`)
	accepts(t, byUint, map[Serial]int64{0: 1, math.MaxUint64: 2}, `{"0":1,"18446744073709551615":2}`)
	for _, text := range []string{`{"2147483648":1}`, `{"01":1}`, `{"+1":1}`, `{"-0":1}`, `{"":1}`, `{"1.0":1}`,
		`{"x":1}`} {
		_, err := read(t, text, byInt)
		require.ErrorContains(t, err, "]: the key is not a whole number in the range of its type")
	}
	for _, text := range []string{`{"18446744073709551616":1}`, `{"-1":1}`, `{"00":1}`, `{" 1":1}`} {
		_, err := read(t, text, byUint)
		require.ErrorContains(t, err, "]: the key is not a whole number in the range of its type")
	}
	_, err := read(t, `{"a":1,"\u0061":2}`, byString)
	require.EqualError(t, err, `can't decode T at byte 16: field [\u0061]: the key stands twice`)
	_, err = read(t, `{"EUR":1,"XXX":1}`, byEnum)
	require.EqualError(t, err, "can't decode T at byte 15: field [XXX]: the key is not a declared value")
	_, err = read(t, `{"a":1,"b":"x"}`, byString)
	require.EqualError(t, err, "can't decode T at byte 11: field [b]: found a string where a whole number should be")
	for _, text := range []string{"", "[]", `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1`,
		`{"a" 1}`, `{,"a":1}`, `{"a":1"b":1}`, `{"a":1;}`} {
		_, err := read(t, text, byString)
		require.Error(t, err, text)
	}
}

func TestReaderSkipsAnyValueAndChecksIt(t *testing.T) {
	skip := func(r *reader) bool { r.Skip(); return true }
	accepts(t, skip, true, "null", "true", "false", "0", "-1.5e+300", "1e999", `""`, `"\u00e9\n"`,
		"[]", "{}", "[[],[[]],{}]",
		`{"a":{"b":[1,"x",null,{"c":true}]},"d":[]}`, "[ 1 , { \"a\" : [ ] } ]",
		strings.Repeat("[", 1000)+strings.Repeat("]", 1000), strings.Repeat(`{"a":`, 1000)+"1"+strings.Repeat("}", 1000))
	for _, text := range []string{
		"", " ", "nul", "nulx", "tru", "01", "1.", `"`, `"\q"`, "\"\xff\"", `"\u0000"`, `"\ud800"`, "[", "[1",
		"[1,", "[1,]", "[,]", "[1}", "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{1:1}`,
		`{"a":1]`, "]", "}", ",", ":",
		"[1 2]", `{"a":1 "b":2}`, `{"a",1}`, "[[[", strings.Repeat("[", 1_000_000), strings.Repeat(`{"a":[`, 1_000_000),
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001)} {
		_, err := read(t, text, skip)
		var fault *cqrs.DecodingError
		require.ErrorAs(t, err, &fault, text)
	}
	_, err := read(t, strings.Repeat("[", 1001), skip)
	require.ErrorContains(t, err, "is nested deeper than 1000 levels")
}

func TestDecodingErrorNamesThePathToTheField(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{`{"money":{"amount":"1","currency":"EUR"}}`,
			"at byte 19: field money.amount: found a string where a whole number should be"},
		{`{"money":{"amount":1,"currency":"XXX"}}`, `at byte 32: field money.currency: "XXX" is not a value of Currency`},
		{`{"money":{"amount":1,"currency":null}}`, "at byte 32: field money.currency: found null where a string should be"},
		{`{"money":{"amount":null,"currency":"EUR"}}`,
			"at byte 19: field money.amount: found null where a whole number should be"},
		{`{"money":null}`, "at byte 9: field money: found null where an object should be"},
		{`{"money":{"amount":1}}`, "at byte 20: field money.currency: is missing"},
		{`{"money":{ }}`, "at byte 11: field money.amount: is missing, and so is money.currency"},
		{` {"x":[1,{"y":2}]} `, "at byte 17: field money: is missing"},
		{`{"x":[1,{"y":2,"z":[0,tru]}]}`, "at byte 22: field x[1].z[1]: found a boolean where true or false should be"},
		{`{"money":{"amount":1,"currency":"EUR"},"reference":"a` + "\n" + `"}`,
			"at byte 53: field reference: has the unescaped control character U+000A"},
		{`{"money":{"amount":1,"currency":"EUR"}`,
			"at byte 38: field money: found the end of the data where a comma or '}' should be"},
		{`{"money":{"amount":1,"currency":"EUR"},}`, "at byte 39: found the byte '}' where the name of a field should be"},
		{`{"money"`, "at byte 8: field money: found the end of the data where a colon after the name of a field should be"},
		{`{"a\"b":{"c":["\\",",\",{",x]}}`,
			`at byte 27: field a\"b.c[2]: found the byte 'x' where a value should be`},
		{`{"mon`, "at byte 5: the data ends inside of a string"},
		{``, "at byte 0: found the end of the data where an object should be"},
		{`[]`, "at byte 0: found a list where an object should be"},
		{`{"money":{"amount":1,"currency":"EUR"}}{}`, "at byte 39: the data goes on after its end"},
		{`{"` + strings.Repeat("é", 500) + `":x}`,
			"at byte 1004: field " + strings.Repeat("é", 126) + "…: found the byte 'x' where a value should be"},
	} {
		for _, strings := range []jsoncodec.Strings{jsoncodec.CopyStrings, jsoncodec.ViewStrings} {
			err := new(MoneyDeposited).DecodeJSON([]byte(test.data), strings)
			assert.EqualError(t, err, "can't decode MoneyDeposited "+test.want, test.data)
		}
	}
}

func TestDecodingErrorNamesThePathThroughListsAndMaps(t *testing.T) {
	whole := string(encoded(t, everything()))
	for _, test := range []struct{ old, broken, want string }{
		{`"sku":"b"`, `"sku":2`, "field lines[1].sku: found a number"},
		{`"tags":["x",""]`, `"tags":["x",{}]`, "field lines[0].tags[1]: found an object"},
		{`{"amount":-1,"currency":"USD"}`, `{"amount":-1}`, "field lines[0].price.currency: is missing"},
		{`"2026-01-31"`, `"2026-01-32"`, `field days[1][0]: "2026-01-32" is not a day`},
		{`"":{"sku":"c"`, `"a.b":{"sku":false`, "field named[a.b].sku: found a boolean"},
		{`"USD":-1`, `"USD":-1.5`, "field balances[USD]: must be a whole number, is -1.5"},
		{`"18446744073709551615":["s"]`, `"7":[""],"8":[0]`, "field shelves[10][8][0]: found a number"},
		{`"text":`, `"texts":`, "field text: is missing"},
		{`"text":`, `"Text":`, "field text: is missing"},
	} {
		broken := strings.Replace(whole, test.old, test.broken, 1)
		require.NotEqual(t, whole, broken)
		assert.ErrorContains(t, new(Everything).DecodeJSON([]byte(broken), jsoncodec.CopyStrings), test.want)
	}
	assert.ErrorContains(t, new(Everything).DecodeJSON([]byte(`{"flag":true}`), jsoncodec.CopyStrings),
		"field text: is missing, and so are int, int32, int64, uint32,")
}

func TestReaderNeverPanicsOnDataThatIsCutOrChanged(t *testing.T) {
	whole := encoded(t, everything())
	for i := range whole {
		require.Error(t, new(Everything).DecodeJSON(whole[:i], jsoncodec.CopyStrings), "cut at %d", i)
		for _, c := range []byte{0, '"', '\\', '{', '}', '[', ']', ',', ':', '-', 'e', 0xff} {
			changed := append([]byte(nil), whole...)
			changed[i] = c
			_ = new(Everything).DecodeJSON(changed, jsoncodec.ViewStrings)
		}
	}
}

func TestReaderSkipsUnknownFieldsAndTakesAnyOrder(t *testing.T) {
	var e MoneyDeposited
	require.NoError(t, e.DecodeJSON([]byte(`{"a":[{}],"reference":null,
		"money":{"b":"\u00e9","currency":"EUR","c":{"amount":9},"amount":12345},"":0,"Money":false}`), jsoncodec.CopyStrings))
	assert.Equal(t, MoneyDeposited{Money: Money{Amount: 12345, Currency: CurrencyEUR}}, e)
}

func TestTheLastOfTwoEqualFieldsCounts(t *testing.T) {
	var e MoneyDeposited
	require.NoError(t, e.DecodeJSON([]byte(`{"money":{"amount":1,"currency":"EUR"},"reference":"a",
		"money":{"amount":2,"amount":3,"currency":"USD"},"reference":null}`), jsoncodec.CopyStrings))
	assert.Equal(t, MoneyDeposited{Money: Money{Amount: 3, Currency: CurrencyUSD}}, e)
}

func TestCopiedStringsKeepNothingOfTheData(t *testing.T) {
	data := encoded(t, everything())
	var copied, viewed Everything
	require.NoError(t, copied.DecodeJSON(data, jsoncodec.CopyStrings))
	require.NoError(t, viewed.DecodeJSON(data, jsoncodec.ViewStrings))
	assert.Equal(t, copied, viewed)
	sku := viewed.Lines[0].SKU
	clear(data)
	var want Everything
	require.NoError(t, want.DecodeJSON(encoded(t, everything()), jsoncodec.CopyStrings))
	assert.Equal(t, want, copied)
	assert.Equal(t, SKU("\x00"), sku, "a view shows what the data now holds")
}

func TestWhatIsEncryptedIsNoDataOfAnotherType(t *testing.T) {
	const sealed = `{"$sealed":"AAAA"}`
	_, err := read(t, sealed, (*reader).String)
	require.ErrorContains(t, err, "mark the field personal")
	_, err = read(t, sealed, (*reader).Int64)
	require.ErrorContains(t, err, "mark the field personal")
	_, err = read(t, sealed, func(r *reader) (none struct{}) {
		for r.Object(); r.Field(); { // a struct of which every field is optional
			r.Skip()
		}
		return none
	})
	require.ErrorContains(t, err, "mark the field personal")
	_, err = read(t, `{"gone":`+sealed+`,"more":[{"a":`+sealed+`}]}`, func(r *reader) (n int) {
		for r.Object(); r.Field(); n++ {
			r.Skip()
		}
		return n
	})
	require.NoError(t, err, "what is not read may be anything")
}
