package cqrs_test

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

type price cqrs.Decimal

var decimals = rapid.OneOf(
	rapid.Map(rapid.SampledFrom([]string{
		"0", "1", "-1", "0.1", "-0.1", "9999999999999999999", "-9999999999999999999", "0.0000000000000000001",
		"-0.0000000000000000001", "1.5", "10", "9", "0.9999999999999999999", "1000000000000000000",
	}), cqrs.MustDecimal),
	rapid.Custom(func(t *rapid.T) cqrs.Decimal {
		d, err := cqrs.NewDecimal(rapid.Int64().Draw(t, "units"), rapid.IntRange(0, cqrs.MaxDecimalScale).Draw(t, "scale"))
		require.NoError(t, err)
		return d
	}),
)

func rat(d cqrs.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

func TestEqualDecimalsAreTheSameValueHoweverTheyWereWritten(t *testing.T) {
	for _, s := range []string{"1.5", "1.50", "1.5000000000000000000000000000"} {
		d, err := cqrs.ParseDecimal(s)
		require.NoError(t, err)
		assert.True(t, d == cqrs.MustDecimal("1.5"), s)
		assert.Equal(t, "1.5", d.String())
	}
	assert.True(t, cqrs.MustDecimal("-0.00") == cqrs.Decimal{})
	sum, err := cqrs.MustDecimal("0.75").Add(cqrs.MustDecimal("0.25"))
	require.NoError(t, err)
	assert.Equal(t, "one", map[cqrs.Decimal]string{cqrs.MustDecimal("1"): "one"}[sum])
}

func TestTextsThatAreNoDecimalAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "-", ".", "1.", ".5", "+1", "01", "-00", "1e3", "1,5", " 1", "1 ", "0x1", "NaN", "--1", "1.2.3", "1.-2", "\u0661",
		"10000000000000000000", "1.0000000000000000001", "0.00000000000000000001", strings.Repeat("9", 1_000_000),
		"1e999999999",
	} {
		_, err := cqrs.ParseDecimal(s)
		require.Error(t, err, s)
		assert.Less(t, len(err.Error()), 200)
	}
	assert.Panics(t, func() { cqrs.MustDecimal("x") })
	_, err := cqrs.NewDecimal(1, 20)
	require.Error(t, err)
}

func TestArithmeticIsExactOrATypedError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals.Draw(t, "a"), decimals.Draw(t, "b")
		for op, c := range map[string]struct {
			got  func(cqrs.Decimal) (cqrs.Decimal, error)
			want *big.Rat
		}{
			"+": {a.Add, new(big.Rat).Add(rat(a), rat(b))},
			"-": {a.Sub, new(big.Rat).Sub(rat(a), rat(b))},
			"*": {a.Mul, new(big.Rat).Mul(rat(a), rat(b))},
		} {
			got, err := c.got(b)
			if err != nil {
				var e *cqrs.DecimalError
				require.ErrorAs(t, err, &e)
				require.Equal(t, op, e.Op)
				continue
			}
			require.Zero(t, rat(got).Cmp(c.want), "%s %s %s = %s", a, op, b, got)
			require.Equal(t, got, cqrs.MustDecimal(got.String()), "it is in its one form")
		}
		require.Equal(t, rat(a).Cmp(rat(b)), a.Cmp(b))
		require.Equal(t, a.Cmp(b) == 0, a == b)
		require.Equal(t, a.Cmp(b) < 0, a.Less(b))
		require.Equal(t, a, a.Neg().Neg())
		require.GreaterOrEqual(t, a.Abs().Sign(), 0)
	})
}

func TestWhatHasAnExactResultGetsIt(t *testing.T) {
	for _, c := range [][3]string{
		{"0.1", "0.2", "0.3"}, {"9999999999999999998", "1", "9999999999999999999"}, {"-1.25", "1.25", "0"},
	} {
		sum, err := cqrs.MustDecimal(c[0]).Add(cqrs.MustDecimal(c[1]))
		require.NoError(t, err)
		assert.Equal(t, c[2], sum.String())
	}
	_, err := cqrs.MustDecimal("9999999999999999999").Add(cqrs.MustDecimal("0.1"))
	assert.EqualError(t, err, "9999999999999999999 + 0.1 needs more than 19 digits")
	_, err = cqrs.MustDecimal("0.0000000001").Mul(cqrs.MustDecimal("0.0000000001"))
	assert.EqualError(t, err, "0.0000000001 * 0.0000000001 needs more than 19 digits behind the point")
}

func TestQuotientsAreRoundedOnceToTheEvenNeighbour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals.Draw(t, "a"), decimals.Draw(t, "b")
		scale := rapid.IntRange(0, cqrs.MaxDecimalScale).Draw(t, "scale")
		got, err := a.Quo(b, scale)
		if b.IsZero() {
			require.Error(t, err)
			return
		}
		if err != nil {
			require.ErrorAs(t, err, new(*cqrs.DecimalError))
			return
		}
		off := new(big.Rat).Sub(new(big.Rat).Quo(rat(a), rat(b)), rat(got))
		unit := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		require.LessOrEqual(t, off.Abs(off).Cmp(unit.Quo(unit, big.NewRat(2, 1))), 0)
	})
	for _, c := range [][3]string{{"1", "3", "0.33"}, {"0.125", "1", "0.12"}, {"0.135", "-1", "-0.14"}, {"2", "8", "0.25"}} {
		got, err := cqrs.MustDecimal(c[0]).Quo(cqrs.MustDecimal(c[1]), 2)
		require.NoError(t, err)
		assert.Equal(t, c[2], got.String())
	}
	_, err := cqrs.MustDecimal("1").Quo(cqrs.MustDecimal("2"), 20)
	require.Error(t, err)
}

func TestRounding(t *testing.T) {
	d := cqrs.MustDecimal("-2.345")
	assert.Equal(t, []string{"-2.34", "-2.35", "-2.34", "-2.345"},
		[]string{d.Round(2).String(), d.Floor(2).String(), d.Ceil(2).String(), d.Round(5).String()})
	assert.Equal(t, cqrs.MustDecimal("3"), cqrs.MustDecimal("2.999").Round(2))
}

func TestUnitsAreWholeNumbersOfThem(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		units int64
		ok    bool
	}{
		{"12.5", 2, 1250, true}, {"-12.5", 1, -125, true}, {"12.5", 0, 0, false}, {"0", 19, 0, true},
		{"9223372036854775807", 0, 1<<63 - 1, true}, {"9223372036854775808", 0, 0, false},
		{"-9223372036854775808", 0, -1 << 63, true}, {"-9223372036854775809", 0, 0, false},
		{"9223372036854775807", 1, 0, false}, {"1", 20, 0, false}, {"1", -1, 0, false},
	} {
		units, ok := cqrs.MustDecimal(c.text).Units(c.scale)
		assert.Equal(t, c.ok, ok, c.text)
		assert.Equal(t, c.units, units, c.text)
	}
}

func TestSortableTextsSortAsTheNumbersDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals.Draw(t, "a"), decimals.Draw(t, "b")
		x, y := string(a.AppendSortable(nil)), string(b.AppendSortable(nil))
		require.Equal(t, a.Cmp(b), strings.Compare(x, y), "%s %s", x, y)
		back, ok := cqrs.ParseSortableDecimal(x)
		require.True(t, ok, x)
		require.Equal(t, a, back)
	})
	for _, s := range []string{"", "0", "-", "12.5", "00000000000000000012.50", "-9999999999999999999~", "-9999999999999999987.4"} {
		_, ok := cqrs.ParseSortableDecimal(s)
		assert.False(t, ok, s)
	}
}

func TestDecimalsAreTextsToEncodingJSON(t *testing.T) {
	b, err := json.Marshal(map[cqrs.Decimal]cqrs.Decimal{cqrs.MustDecimal("1.50"): cqrs.MustDecimal("-2")})
	require.NoError(t, err)
	assert.Equal(t, `{"1.5":"-2"}`, string(b))
	var d cqrs.Decimal
	require.NoError(t, json.Unmarshal([]byte(`"3.20"`), &d))
	assert.Equal(t, cqrs.MustDecimal("3.2"), d)
	require.Error(t, json.Unmarshal([]byte(`"3,20"`), &d))
}

func TestTypesOverDecimalsAreCompared(t *testing.T) {
	list := []price{price(cqrs.MustDecimal("10")), price(cqrs.MustDecimal("9.5"))}
	slices.SortFunc(list, cqrs.CompareDecimals)
	assert.Equal(t, price(cqrs.MustDecimal("9.5")), list[0])
}

func FuzzDecimalsSurviveTheirText(f *testing.F) {
	for _, s := range []string{"0", "-0.5", "9999999999999999999", "0.0000000000000000001", "1.50", "1e5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := cqrs.ParseDecimal(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		require.True(t, ok)
		require.Zero(t, rat(d).Cmp(want))
		require.Equal(t, d, cqrs.MustDecimal(d.String()))
	})
}
