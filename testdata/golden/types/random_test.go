package types

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// The values of enums, which reflection can't tell.
var enums = map[reflect.Type][]string{
	reflect.TypeFor[Color](): {string(ColorRED), string(ColorGREEN), string(ColorBLUE)},
	reflect.TypeFor[Phase](): {
		string(PhaseNew), string(PhaseInProgress), string(PhaseNo), string(PhaseNull), string(Phase0150), string(PhaseTrue),
	},
}

var (
	text = rapid.OneOf(
		rapid.SampledFrom([]string{"", " ", `"\/`, "<&>", "\u2028\u0001\n", "null", strings.Repeat("é", 300), "\U0010ffff"}),
		rapid.Map(rapid.String(), func(s string) string {
			return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "0"), "?")
		}),
	)
	integer  = rapid.OneOf(rapid.SampledFrom([]int64{0, -1, math.MinInt64, math.MaxInt64, math.MinInt32, math.MaxInt32}), rapid.Int64())
	unsigned = rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, math.MaxUint64, math.MaxInt64, 1 << 63, math.MaxUint32}), rapid.Uint64())
	number   = rapid.OneOf(
		rapid.SampledFrom([]float64{0, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1e21, 1e-7, 0.1}),
		rapid.Map(rapid.Float64(), func(f float64) float64 {
			if math.IsInf(f, 0) || math.IsNaN(f) {
				return 0
			}
			return f + 0 // no negative zero, which columns do not keep
		}),
	)
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastTime  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
	instant   = rapid.Map(
		rapid.OneOf(rapid.SampledFrom([]int64{firstTime, lastTime, 0, -1}), rapid.Int64Range(firstTime, lastTime)),
		func(micros int64) time.Time { return time.UnixMicro(micros).UTC() },
	)
)

// random is a value of a type of the model, extreme ones included. Lists and bytes that are empty are nil, and maps
// never are, as the decoders have it.
func random[T any](t *rapid.T) T {
	var v T
	fill(t, reflect.ValueOf(&v).Elem())
	return v
}

func fill(t *rapid.T, v reflect.Value) {
	switch typ := v.Type(); {
	case typ.ConvertibleTo(reflect.TypeFor[time.Time]()):
		v.Set(reflect.ValueOf(instant.Draw(t, "time")).Convert(typ))
	case typ.ConvertibleTo(reflect.TypeFor[cqrs.Date]()):
		v.Set(reflect.ValueOf(cqrs.DateOf(instant.Draw(t, "date"))).Convert(typ))
	case typ.ConvertibleTo(reflect.TypeFor[cqrs.Decimal]()):
		d, err := cqrs.NewDecimal(integer.Draw(t, "decimal"), rapid.IntRange(0, cqrs.MaxDecimalScale).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		v.Set(reflect.ValueOf(d).Convert(typ))
	case typ.ConvertibleTo(reflect.TypeFor[uuid.UUID]()) && typ.Kind() == reflect.Array:
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		v.Set(reflect.ValueOf(id).Convert(typ))
	case enums[typ] != nil:
		v.SetString(rapid.SampledFrom(enums[typ]).Draw(t, "enum"))
	case strings.HasPrefix(typ.Name(), "Optional["):
		fillOptional(t, v)
	default:
		fillKind(t, v)
	}
}

// fillOptional sets an optional through its JSON, since nothing else can without its type.
func fillOptional(t *rapid.T, v reflect.Value) {
	if rapid.Bool().Draw(t, "absent") {
		return
	}
	inner := reflect.New(v.Type().Field(0).Type)
	fill(t, inner.Elem())
	some, err := json.Marshal(inner.Interface())
	if err == nil {
		err = v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(some)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func fillKind(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			elem := reflect.New(v.Type().Elem()).Elem()
			fill(t, elem)
			v.Set(reflect.Append(v, elem))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "len") {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key)
			fill(t, elem)
			v.SetMapIndex(key, elem)
		}
	case reflect.String:
		v.SetString(text.Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Float64:
		v.SetFloat(number.Draw(t, "float64"))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "byte")))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(unsigned.Draw(t, "uint") & (math.MaxUint64 >> (64 - v.Type().Bits())))
	default:
		shift := 64 - v.Type().Bits()
		v.SetInt(integer.Draw(t, "int") << shift >> shift)
	}
}
