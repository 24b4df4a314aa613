package readmodeltest

import (
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// sortable are the kinds that keys and indexes may have.
var sortable = []readmodel.Kind{
	readmodel.Bool, readmodel.Int64, readmodel.Uint64, readmodel.Float64, readmodel.String, readmodel.Bytes,
	readmodel.Time, readmodel.Duration, readmodel.UUID, readmodel.Date,
	readmodel.Decimal,
}

// extremes has, for each kind, the values that stores have been seen to lose, in the order in which they sort.
func extremes(k readmodel.Kind) (values []readmodel.Value) {
	switch k {
	case readmodel.Bool:
		return all(readmodel.OfBool, false, true)
	case readmodel.Int64:
		return all(readmodel.OfInt64, math.MinInt64, -1<<53-1, -1, 0, 1, 9, 10, 1<<53+1, math.MaxInt64)
	case readmodel.Uint64:
		return all(readmodel.OfUint64, 0, 9, 10, 1<<53+1, math.MaxInt64, 1<<63, math.MaxUint64-1, math.MaxUint64)
	case readmodel.Float64:
		return all(readmodel.OfFloat64, -math.MaxFloat64, -1.5, -math.SmallestNonzeroFloat64, 0,
			math.SmallestNonzeroFloat64, 0.1, 1, 1<<53, math.MaxFloat64)
	case readmodel.String:
		return all(readmodel.OfString, "", " ", "'; DROP TABLE x; --", "1", "10", "9", "A", "B", "a", "a\nb", "a b",
			strings.Repeat("a", 5000), "ab", "null", "\u00e9", "\u4e16\u754c", "\uffff", "\U0001f4b0")
	case readmodel.Bytes:
		return all(readmodel.OfBytes, []byte{}, []byte{0}, []byte{0, 0}, []byte{0, 1}, []byte("0"), []byte{0x80},
			[]byte{0xff}, []byte{0xff, 0}, []byte{0xff, 0xff})
	case readmodel.Time:
		return all(readmodel.OfTime, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Unix(0, 0),
			time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 10, 0, 0, 1000, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC))
	case readmodel.Duration:
		return all(readmodel.OfDuration, math.MinInt64, -time.Second, -1, 0, 1, time.Second, math.MaxInt64)
	case readmodel.UUID:
		return all(readmodel.OfUUID, uuid.UUID{}, uuid.UUID{15: 1}, uuid.UUID{0: 0x0a}, uuid.UUID{0: 0x90}, uuid.Max)
	case readmodel.Date:
		return all(readmodel.OfDate, cqrs.Date{}, cqrs.Date{Year: 0, Month: 1, Day: 1}, cqrs.Date{Year: 1, Month: 1, Day: 1},
			cqrs.Date{Year: 1969, Month: 12, Day: 31}, cqrs.Date{Year: 1970, Month: 1, Day: 1},
			cqrs.Date{Year: 2024, Month: 2, Day: 29}, cqrs.Date{Year: 9999, Month: 12, Day: 31})
	}
	if k == readmodel.Decimal {
		return all(func(s string) readmodel.Value { return readmodel.OfDecimal(cqrs.MustDecimal(s)) },
			"-9999999999999999999", "-10", "-9.51", "-9.5", "-9.05", "-0.0000000000000000001", "0", "0.0000000000000000001",
			"0.1", "0.99", "1", "9.5", "9.51", "10", "9999999999999999999")
	}
	return all(func(s string) readmodel.Value { return readmodel.OfJSON([]byte(s)) },
		`""`, `[]`, `[1, 2.50,"\u0000"]`, `null`, `{"b":1,"a":9007199254740993}`)
}

func all[T any](of func(T) readmodel.Value, of1 ...T) []readmodel.Value {
	values := make([]readmodel.Value, len(of1))
	for i, v := range of1 {
		values[i] = of(v)
	}
	return values
}

// draw returns any value of a column, often one that was drawn before.
func draw(t *rapid.T, c readmodel.Column) readmodel.Value {
	if c.Optional && rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		return readmodel.Value{}
	}
	if rapid.Bool().Draw(t, "extreme") {
		return rapid.SampledFrom(extremes(c.Kind)).Draw(t, c.Name)
	}
	switch c.Kind {
	case readmodel.Int64:
		return readmodel.OfInt64(rapid.Int64Range(0, 4).Draw(t, c.Name))
	case readmodel.Float64:
		return readmodel.OfFloat64(rapid.Float64().Filter(finite).Draw(t, c.Name))
	case readmodel.String:
		return readmodel.OfString(rapid.StringMatching(`[a-c]{0,2}`).Draw(t, c.Name))
	case readmodel.Bytes:
		return readmodel.OfBytes(rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, c.Name))
	}
	return rapid.SampledFrom(extremes(c.Kind)).Draw(t, c.Name)
}

func finite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }

func drawAll(t *rapid.T, columns []readmodel.Column) []readmodel.Value {
	values := make([]readmodel.Value, len(columns))
	for i, c := range columns {
		values[i] = draw(t, c)
	}
	return values
}
