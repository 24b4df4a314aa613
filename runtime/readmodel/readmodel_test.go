package readmodel

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

func TestASchemaThatNoSinkCanStoreIsRefused(t *testing.T) {
	good := func() *Schema {
		return &Schema{Projection: "Balances", Fingerprint: "0123456789abcdef",
			Key: []Column{{Name: "account", Kind: String}}, Row: []Column{{Name: "balance", Kind: Int64}, {Name: "tags", Kind: JSON}},
			Indexes: [][]string{{"balance", "account"}}}
	}
	require.NoError(t, good().Check())
	for want, change := range map[string]func(*Schema){
		"its name is not an identifier":                    func(s *Schema) { s.Projection = `x"; DROP TABLE y; --` },
		"not an identifier":                                func(s *Schema) { s.Row[0].Name = "1a" },
		`column "" is not an identifier`:                   func(s *Schema) { s.Row[0].Name = "" },
		`column "aaaaaaaa`:                                 func(s *Schema) { s.Row[0].Name = strings.Repeat("a", 65) },
		`fingerprint "0123456789ABCDEF" is not`:            func(s *Schema) { s.Fingerprint = "0123456789ABCDEF" },
		`fingerprint "0123" is not 16 hex digits`:          func(s *Schema) { s.Fingerprint = "0123" },
		"it has no key":                                    func(s *Schema) { s.Key = nil },
		"column account is declared twice":                 func(s *Schema) { s.Row[0].Name = "account" },
		"column balance is of the kind null":               func(s *Schema) { s.Row[0].Kind = Null },
		"column balance is of the kind kind(99)":           func(s *Schema) { s.Row[0].Kind = 99 },
		"column account can't be in a key":                 func(s *Schema) { s.Key[0].Optional = true },
		"it is optional or of kind json":                   func(s *Schema) { s.Key[0].Kind = JSON },
		"index 0 has no column":                            func(s *Schema) { s.Indexes[0] = nil },
		`index 0 names the column "x", which does not`:     func(s *Schema) { s.Indexes[0][0] = "x" },
		"index 0 names the column account twice":           func(s *Schema) { s.Indexes[0][0] = "account" },
		"index 0 names the column tags, which can't be so": func(s *Schema) { s.Indexes[0][0] = "tags" },
	} {
		s := good()
		change(s)
		var refused *SchemaError
		err := s.Check()
		require.ErrorAs(t, err, &refused, want)
		assert.ErrorContains(t, err, want)
	}
}

func TestOrderListsTheIndexAndThenTheKey(t *testing.T) {
	s := &Schema{Key: []Column{{Name: "a"}, {Name: "b"}}, Row: []Column{{Name: "c"}}, Indexes: [][]string{{"c", "b"}}}
	assert.Equal(t, []int{0, 1}, s.Order(&Find{Index: -1}))
	assert.Equal(t, []int{2, 1, 0, 1}, s.Order(&Find{Index: 0}))
	assert.Nil(t, s.Order(&Find{Index: 1}))
	assert.Nil(t, s.Order(&Find{Index: -2}))
}

var everyColumn = []Column{
	{Name: "bool", Kind: Bool}, {Name: "int64", Kind: Int64}, {Name: "uint64", Kind: Uint64}, {Name: "float64", Kind: Float64},
	{Name: "string", Kind: String},
	{Name: "bytes", Kind: Bytes}, {Name: "time", Kind: Time}, {Name: "duration", Kind: Duration},
	{Name: "uuid", Kind: UUID}, {Name: "date", Kind: Date},
	{Name: "decimal", Kind: Decimal},
	{Name: "json", Kind: JSON}, {Name: "maybe", Kind: String, Optional: true}, {Name: "none", Kind: String, Optional: true},
}

func everyValue() []Value {
	return []Value{OfBool(true), OfInt64(math.MinInt64), OfUint64(math.MaxUint64), OfFloat64(0.1), OfString("a"), OfBytes([]byte{0, 255}),
		OfTime(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)), OfDuration(-1), OfUUID(uuid.Max), OfDate(cqrs.Date{Year: 9999, Month: 12, Day: 31}),
		OfDecimal(cqrs.MustDecimal("-12.50")), OfJSON([]byte("[1]")), OfString(""), {}}
}

func readAll(s *Scanner) []any {
	all := []any{s.Bool(), s.Int64(), s.Uint64(), s.Float64(), s.String(), s.Bytes(), s.Time(), s.Duration(), s.UUID(), s.Date(), s.Decimal(), s.JSON()}
	return append(all, s.Null(), s.String(), s.Null())
}

func TestAScannerReadsEveryKind(t *testing.T) {
	s := NewScanner("P", everyColumn, everyValue())
	assert.Equal(t, []any{true, int64(math.MinInt64), uint64(math.MaxUint64), 0.1, "a", []byte{0, 255},
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Duration(-1), uuid.Max, cqrs.Date{Year: 9999, Month: 12, Day: 31}, cqrs.MustDecimal("-12.5"), "[1]",
		false, "", true}, readAll(s))
	require.NoError(t, s.Err())
}

func TestTheFirstFailureOfAScannerSticks(t *testing.T) {
	for i, c := range everyColumn[:12] {
		values := everyValue()
		values[i] = Value{}
		s := NewScanner("P", everyColumn, values)
		readAll(s)
		s.Fail("later")
		var corrupt *CorruptError
		require.ErrorAs(t, s.Err(), &corrupt)
		assert.Equal(t, CorruptError{Projection: "P", Column: c.Name, Reason: "is null, and read as " + c.Kind.String()}, *corrupt)
		s.Reset(everyValue())
		readAll(s)
		assert.NoError(t, s.Err())
	}
	s := NewScanner("P", everyColumn, everyValue()[1:])
	readAll(s)
	assert.ErrorContains(t, s.Err(), "13 values are stored for 14 columns")
	s = NewScanner("P", everyColumn[:1], everyValue()[:1])
	readAll(s)
	assert.ErrorContains(t, s.Err(), "more than 1 columns are read")
	s.Reset(everyValue()[:1])
	s.Bool()
	s.Fail("is no currency")
	assert.EqualError(t, s.Err(), "read model P: column bool: is no currency")
}

func TestValuesShowWhatTheyAre(t *testing.T) {
	want := []string{"true", "-9223372036854775808", "18446744073709551615", "0.1", "a", "00ff", "0001-01-01T00:00:00.000000Z",
		"-1ns", "ffffffff-ffff-ffff-ffff-ffffffffffff", "9999-12-31", "-12.5", "[1]", "", "null"}
	for i, v := range everyValue() {
		assert.Equal(t, want[i], fmt.Sprint(v))
	}
	assert.Equal(t, uint64(0), math.Float64bits(OfFloat64(math.Copysign(0, -1)).Float64()), "negative zero is zero")
}

func TestTheZeroDateIsAValue(t *testing.T) {
	date := Column{Name: "date", Kind: Date}
	zero := OfDate(cqrs.Date{})
	assert.Equal(t, cqrs.Date{}, zero.Date())
	assert.Empty(t, date.fault(&zero))
	s := NewScanner("P", []Column{date}, []Value{zero})
	assert.Equal(t, cqrs.Date{}, s.Date())
	assert.NoError(t, s.Err())

	first := OfDate(cqrs.Date{Year: 0, Month: 1, Day: 1})
	assert.Less(t, int64(zero.Uint64()), int64(first.Uint64()))
	same := OfDate(cqrs.DateOf(cqrs.Date{}.Time()))
	assert.NotEqual(t, zero, same, "the day that package time makes of it is another one")
	assert.NotEmpty(t, date.fault(&same))
}

func TestOnlyAStartedProjectionAtTheHeadIsCurrent(t *testing.T) {
	for f, want := range map[Freshness]bool{
		{}: false, {Head: 5}: false, {Position: 4, Head: 5}: false, {Position: 5, Head: 5}: true,
		{Built: true}: true, {Head: 5, Built: true}: false,
	} {
		assert.Equal(t, want, f.Current(), "%v", f)
	}
}

func TestASignalWakesWhoAskedBefore(t *testing.T) {
	var s Signal
	s.Notify()
	first := s.Changed()
	assert.Equal(t, first, s.Changed())
	s.Notify()
	<-first
	select {
	case <-s.Changed():
		t.Fatal("nothing has changed since")
	default:
	}
}
