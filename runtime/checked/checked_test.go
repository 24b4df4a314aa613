package checked_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// operations are those of two operands, with what they mean to numbers of any size.
var operations = map[string]func(z, x, y *big.Int) *big.Int{
	"+": (*big.Int).Add, "-": (*big.Int).Sub, "*": (*big.Int).Mul, "/": (*big.Int).Quo, "%": (*big.Int).Rem,
}

func calculate[T checked.Integer](op string, x, y T) (T, error) {
	var f checked.Fault
	z := map[string]func(*checked.Fault, T, T) T{
		"+": checked.Add[T], "-": checked.Sub[T], "*": checked.Mul[T], "/": checked.Div[T], "%": checked.Mod[T],
	}[op](&f, x, y)
	return z, f.Err()
}

func exact[T checked.Integer](x T) *big.Int {
	n, _ := new(big.Int).SetString(fmt.Sprint(x), 10)
	return n
}

// checkAgainstBig compares every operation on two numbers with what it gives without bounds.
func checkAgainstBig[T checked.Integer](t require.TestingT, x, y T) {
	for op, of := range operations {
		got, err := calculate(op, x, y)
		if y == 0 && (op == "/" || op == "%") {
			require.ErrorIs(t, err, checked.ErrDivideByZero)
			continue
		}
		want := of(new(big.Int), exact(x), exact(y))
		if fits := exact(got).Cmp(want) == 0; fits {
			require.NoError(t, err, "%v %s %v", x, op, y)
			continue
		}
		var fault *checked.Error
		require.ErrorAs(t, err, &fault, "%v %s %v is not %v", x, op, y, got)
		require.ErrorIs(t, err, checked.ErrOverflow)
		require.Equal(t, fmt.Sprintf("%v %s %v", x, op, y), fault.Op)
	}
	for name, of := range map[string]func(*checked.Fault, T) T{"-": checked.Neg[T], "abs": checked.Abs[T]} {
		var f checked.Fault
		got, want := of(&f, x), new(big.Int).Neg(exact(x))
		if name == "abs" {
			want.Abs(want)
		}
		require.Equal(t, exact(got).Cmp(want) == 0, f.Err() == nil, "%s %v gives %v", name, x, got)
	}
	checkConversions(t, x)
}

func checkConversions[T checked.Integer](t require.TestingT, x T) {
	checkConversion[int32](t, x)
	checkConversion[int64](t, x)
	checkConversion[uint32](t, x)
	checkConversion[uint64](t, x)
}

func checkConversion[To, From checked.Integer](t require.TestingT, x From) {
	var f checked.Fault
	got := checked.Convert[To](&f, x)
	require.Equal(t, exact(got).Cmp(exact(x)) == 0, f.Err() == nil, "%T(%v) gives %v", got, x, got)
}

type cents int64

func TestOperationsAreExactOrFail(t *testing.T) {
	edges := []int64{0, 1, -1, 2, -2, 3, 7, -7, math.MaxInt32, math.MinInt32, math.MaxUint32, math.MaxInt64,
		math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, 1 << 31, 1 << 32, 3037000499, 3037000500, -3037000500}
	for _, x := range edges {
		for _, y := range edges {
			checkAgainstBig(t, x, y)
			checkAgainstBig(t, int(x), int(y))
			checkAgainstBig(t, int32(x), int32(y))
			checkAgainstBig(t, uint32(x), uint32(y))
			checkAgainstBig(t, uint64(x), uint64(y))
			checkAgainstBig(t, cents(x), cents(y))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		checkAgainstBig(t, rapid.Int64().Draw(t, "x"), rapid.Int64().Draw(t, "y"))
		checkAgainstBig(t, rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "y"))
		checkAgainstBig(t, rapid.Uint32().Draw(t, "x"), rapid.Uint32().Draw(t, "y"))
		checkAgainstBig(t, rapid.Uint64().Draw(t, "x"), rapid.Uint64().Draw(t, "y"))
	})
}

func TestDurationsAreCheckedAsWell(t *testing.T) {
	var f checked.Fault
	assert.Equal(t, 3*time.Second, checked.Add(&f, time.Second, 2*time.Second))
	require.NoError(t, f.Err())
	checked.Add(f.In("wait"), math.MaxInt64, time.Nanosecond)
	require.EqualError(t, f.Err(), "wait: 2562047h47m16.854775807s + 1ns does not fit time.Duration")
}

func TestTheFirstFaultIsKeptWithItsField(t *testing.T) {
	var f checked.Fault
	checked.Add(f.In("fine"), int32(1), 2)
	checked.Mul(f.In("count"), int32(math.MaxInt32), 2)
	checked.Div(f.In("later"), 1, 0)
	var fault *checked.Error
	require.ErrorAs(t, f.Err(), &fault)
	assert.Equal(t, checked.Error{Field: "count", Op: "2147483647 * 2", Type: "int32", Err: checked.ErrOverflow}, *fault)
	require.EqualError(t, f.Err(), "count: 2147483647 * 2 does not fit int32")

	require.Error(t, f.Take())
	require.NoError(t, f.Err(), "it was taken")
	checked.Mod(&f, uint64(7), 0)
	require.EqualError(t, f.Err(), "7 % 0: division by zero")
	assert.False(t, errors.Is(f.Err(), checked.ErrOverflow))
}

func TestFloatsLoseTheirFractionAndNothingElse(t *testing.T) {
	truncated := func(x float64) (int64, int32, uint32, uint64, string) {
		var errs []string
		var f checked.Fault
		a, b := checked.Truncate[int64](&f, x), int32(0)
		for i, of := range []func(){
			func() {}, func() { b = checked.Truncate[int32](&f, x) },
		} {
			of()
			if f.Take() != nil {
				errs = append(errs, []string{"int64", "int32"}[i])
			}
		}
		c := checked.Truncate[uint32](&f, x)
		if f.Take() != nil {
			errs = append(errs, "uint32")
		}
		d := checked.Truncate[uint64](&f, x)
		if f.Take() != nil {
			errs = append(errs, "uint64")
		}
		return a, b, c, d, strings.Join(errs, " ")
	}
	for _, c := range []struct {
		x    float64
		a    int64
		b    int32
		c    uint32
		d    uint64
		errs string
	}{
		{1.9, 1, 1, 1, 1, ""},
		{-0.9, 0, 0, 0, 0, ""},
		{-1.9, -1, -1, 0, 0, "uint32 uint64"},
		{2147483647.9, 2147483647, math.MaxInt32, 2147483647, 2147483647, ""},
		{2147483648, 2147483648, 0, 2147483648, 2147483648, "int32"},
		{-2147483648.9, -2147483648, math.MinInt32, 0, 0, "uint32 uint64"},
		{-2147483649, -2147483649, 0, 0, 0, "int32 uint32 uint64"},
		{4294967296, 4294967296, 0, 0, 4294967296, "int32 uint32"},
		{-math.Ldexp(1, 63), math.MinInt64, 0, 0, 0, "int32 uint32 uint64"},
		{math.Ldexp(1, 63), 0, 0, 0, 1 << 63, "int64 int32 uint32"},
		{math.Ldexp(1, 64), 0, 0, 0, 0, "int64 int32 uint32 uint64"},
		{math.NaN(), 0, 0, 0, 0, "int64 int32 uint32 uint64"},
		{math.Inf(-1), 0, 0, 0, 0, "int64 int32 uint32 uint64"},
	} {
		a, b, cc, d, errs := truncated(c.x)
		assert.Equal(t, c.a, a, c.x)
		assert.Equal(t, c.b, b, c.x)
		assert.Equal(t, c.c, cc, c.x)
		assert.Equal(t, c.d, d, c.x)
		assert.Equal(t, c.errs, errs, c.x)
	}
}

func TestWhatIsNotFiniteFails(t *testing.T) {
	var f checked.Fault
	assert.Equal(t, 1.5, checked.Finite(&f, 1.5))
	assert.Equal(t, -math.MaxFloat64, checked.Finite(&f, -math.MaxFloat64))
	require.NoError(t, f.Err())
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		checked.Finite(&f, x)
		require.ErrorIs(t, f.Take(), checked.ErrOverflow)
	}
}

func TestDecimalsAreExactOrFail(t *testing.T) {
	var f checked.Fault
	a, b := cqrs.MustDecimal("1.5"), cqrs.MustDecimal("0.25")
	assert.Equal(t, "1.75", checked.AddDecimal(&f, a, b).String())
	assert.Equal(t, "1.25", checked.SubDecimal(&f, a, b).String())
	assert.Equal(t, "0.375", checked.MulDecimal(&f, a, b).String())
	assert.Equal(t, "-9223372036854775808", checked.Decimal(int64(math.MinInt64)).String())
	require.NoError(t, f.Err())
	checked.AddDecimal(f.In("price"), cqrs.MustDecimal("9999999999999999999"), a)
	require.EqualError(t, f.Err(), "price: 9999999999999999999 + 1.5 does not fit cqrs.Decimal")
}

func TestDaysAreThoseOfAHalfOpenSpan(t *testing.T) {
	day := func(y int, m time.Month, d int) cqrs.Date { return cqrs.Date{Year: y, Month: m, Day: d} }
	var f checked.Fault
	assert.Equal(t, []cqrs.Date{day(2024, 2, 28), day(2024, 2, 29)}, checked.Days(&f, day(2024, 2, 28), day(2024, 3, 1)))
	assert.Empty(t, checked.Days(&f, day(2024, 3, 1), day(2024, 3, 1)))
	assert.Empty(t, checked.Days(&f, day(2024, 3, 1), day(2024, 2, 1)))
	assert.Len(t, checked.Days(&f, day(1900, 1, 1), day(1900, 1, 1).AddDays(checked.MostDays)), checked.MostDays)
	require.NoError(t, f.Err())
	assert.Empty(t, checked.Days(&f, day(1900, 1, 1), day(1900, 1, 1).AddDays(checked.MostDays+1)))
	require.ErrorIs(t, f.Err(), checked.ErrOverflow)
}

func TestNothingIsAllocatedWhileAllGoesWell(t *testing.T) {
	x, y := int64(7), int64(5)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		var f checked.Fault
		sum := checked.Add(f.In("a"), x, checked.Mul(&f, x, y))
		quotient := checked.Div(f.In("b"), sum, checked.Abs(&f, -y))
		if checked.Convert[int32](&f, quotient) != 8 || f.Err() != nil {
			t.Fail()
		}
	}))
}

var sink int64

func BenchmarkAdd(b *testing.B) {
	b.Run("checked", func(b *testing.B) {
		var f checked.Fault
		s := int64(0)
		for i := range b.N {
			s = checked.Add(f.In("s"), s, int64(i)&0xff)
		}
		sink = s
		if f.Err() != nil {
			b.Fatal(f.Err())
		}
	})
	b.Run("unchecked", func(b *testing.B) {
		s := int64(0)
		for i := range b.N {
			s += int64(i) & 0xff
		}
		sink = s
	})
}

func BenchmarkMul(b *testing.B) {
	b.Run("checked", func(b *testing.B) {
		var f checked.Fault
		s := int64(0)
		for i := range b.N {
			s ^= checked.Mul(f.In("s"), int64(i), 3)
		}
		sink = s
	})
	b.Run("unchecked", func(b *testing.B) {
		s := int64(0)
		for i := range b.N {
			s ^= int64(i) * 3
		}
		sink = s
	})
}
