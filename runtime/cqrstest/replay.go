package cqrstest

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// replays is how often each function is called with other values, twice each time.
const replays = 100

// Replay calls functions, by their names, with random values, and once more with the same ones, in another order and with
// maps that were filled in another order: what a function returns, and makes of the state or row that it is given, must be
// the same. It must change nothing else that it is given. A function that returns nothing but an error is an apply function
// or a fold, and changes what its first parameter points to; others change nothing.
//
// A function that reads the clock, depends on the order of a map, counts its calls, or changes the event fails the test,
// unless chance hides it. The values are drawn in the same way in every run; the environment variable CQRSGEN_SEED draws
// others. The ones given are those that types of a few values have, or what Matching and Between return.
func Replay(t testing.TB, functions map[string]any, values ...any) {
	t.Helper()
	d := newDrawing(values)
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		seed := seedOf(t, name)
		if fault := d.replay(reflect.ValueOf(functions[name]), seed); fault != "" {
			t.Errorf("%s %s (CQRSGEN_SEED=%d)", name, fault, seed)
		}
	}
}

// seedOf is the same for a function in every run, unless the environment has one.
func seedOf(t testing.TB, name string) uint64 {
	t.Helper()
	if text := os.Getenv("CQRSGEN_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("CQRSGEN_SEED: %v", err)
		}
		return seed
	}
	return hashOf(name)
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// outcome is what a call led to.
type outcome struct {
	// results are what was returned, errors and panics as texts; changed is what the first parameter points to.
	results []any
	changed any
	// stub says that the function is not written yet.
	stub bool
}

// replay says what is wrong with a function; "" if nothing is.
func (d *drawing) replay(f reflect.Value, seed uint64) string {
	outcomes := make([]outcome, replays)
	for i := range outcomes {
		d.backwards = false
		var fault string
		if outcomes[i], fault = d.call(f, seed, i); fault != "" {
			return fault
		}
		if outcomes[i].stub {
			return ""
		}
	}
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(replays) {
		d.backwards = true
		again, fault := d.call(f, seed, i)
		if fault != "" {
			return fault
		}
		if !same(outcomes[i].results, again.results) {
			return fmt.Sprintf("returns another result the second time, for the same values: %v, and then %v",
				outcomes[i].results, again.results)
		}
		if !same(outcomes[i].changed, again.changed) {
			return fmt.Sprintf("makes something else of the same values the second time: %+v, and then %+v",
				outcomes[i].changed, again.changed)
		}
	}
	return ""
}

// call calls a function with values that were drawn for one round.
func (d *drawing) call(f reflect.Value, seed uint64, round int) (o outcome, fault string) {
	given, kept := d.parameters(f.Type(), seed, round), d.parameters(f.Type(), seed, round)
	o.call(f, given)
	for i := range given {
		changes := i == 0 && f.Type().NumOut() == 1
		switch {
		case changes:
			o.changed = given[i].Elem().Interface()
		case !reflect.DeepEqual(given[i].Interface(), kept[i].Interface()):
			return o, fmt.Sprintf("changes its parameter %d, of type %s, which is not its own", i+1, f.Type().In(i))
		}
	}
	return o, ""
}

func (o *outcome) call(f reflect.Value, given []reflect.Value) {
	defer func() {
		if p := recover(); p != nil {
			o.results = []any{fmt.Sprint("panic: ", p)}
		}
	}()
	for _, v := range f.Call(given) {
		x := v.Interface()
		if err, ok := x.(error); ok {
			x = err.Error()
			o.stub = errors.As(err, new(*cqrs.NotImplementedError))
		}
		o.results = append(o.results, x)
	}
}

// drawing draws values of any type.
type drawing struct {
	values map[reflect.Type][]reflect.Value
	rules  map[reflect.Type]rule
	// backwards has maps filled from their last entry.
	backwards bool
	// left is how many elements of lists and maps there may be, so that what is nested deeply stays small.
	left int
	*rand.Rand
}

// size draws the number of elements of a list or a map.
func (d *drawing) size(most int) int {
	n := d.IntN(most + 1)
	if d.left -= n; d.left < 0 {
		return 0
	}
	return n
}

func (d *drawing) parameters(f reflect.Type, seed uint64, round int) []reflect.Value {
	d.Rand, d.left = rand.New(rand.NewPCG(seed, uint64(round)+1)), 60
	list := make([]reflect.Value, f.NumIn())
	for i := range list {
		list[i] = reflect.New(f.In(i)).Elem()
		d.draw(list[i])
	}
	return list
}

// draw sets a value to one that was drawn. Small numbers and short texts are likely, so that keys meet.
func (d *drawing) draw(v reflect.Value) {
	if among := d.values[v.Type()]; len(among) > 0 {
		v.Set(among[d.IntN(len(among))])
		return
	}
	if r, ok := d.rules[v.Type()]; ok {
		r.draw(d, v)
		return
	}
	if readsItself(v.Type()) && d.drawForeign(v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(d.IntN(12)) - 1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(d.IntN(12)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(d.IntN(40)) / 4)
	case reflect.String:
		v.SetString("abcdefgh"[:d.IntN(4)] + string(rune('a'+d.IntN(8))))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.draw(v.Elem())
	case reflect.Array:
		for i := range v.Len() {
			d.draw(v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), d.size(4), 4))
		for i := range v.Len() {
			d.draw(v.Index(i))
		}
	case reflect.Map:
		d.drawMap(v)
	case reflect.Struct:
		d.drawStruct(v)
	}
}

// readsItself reports whether a type is one of another package that only its own methods can make values of.
func readsItself(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map:
	default:
		return false
	}
	for _, scalar := range []reflect.Type{
		reflect.TypeFor[time.Time](), reflect.TypeFor[cqrs.Date](), reflect.TypeFor[cqrs.Decimal](),
	} {
		if scalar.ConvertibleTo(t) {
			return false
		}
	}
	switch t.PkgPath() {
	case "", "time", reflect.TypeFor[cqrs.Date]().PkgPath(), reflect.TypeFor[personal.Value[string]]().PkgPath():
		return false
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) ||
		reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

func (d *drawing) drawMap(v reflect.Value) {
	entries := make([][2]reflect.Value, d.size(6))
	for i := range entries {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		d.draw(key)
		d.draw(value)
		entries[i] = [2]reflect.Value{key, value}
	}
	// The first entry of a key is the one that stays, in either order.
	seen := map[any]bool{}
	entries = slices.DeleteFunc(entries, func(e [2]reflect.Value) bool {
		was := seen[e[0].Interface()]
		seen[e[0].Interface()] = true
		return was
	})
	if d.backwards {
		slices.Reverse(entries)
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range entries {
		v.SetMapIndex(e[0], e[1])
	}
}

func (d *drawing) drawStruct(v reflect.Value) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(d.IntN(1000)) * time.Hour)
	for _, x := range []any{at, cqrs.DateOf(at), d.decimal()} {
		if scalar := reflect.ValueOf(x); scalar.CanConvert(v.Type()) {
			v.Set(scalar.Convert(v.Type()))
			return
		}
	}
	if of, ok := optionalOf(v.Type()); ok {
		if d.IntN(3) > 0 {
			d.drawInside(v, of)
		}
		return
	}
	if of, ok := personalOf(v.Type()); ok {
		d.drawInside(v, of)
		return
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			d.draw(v.Field(i))
		}
	}
}

// decimal draws a number with up to two digits behind the point.
func (d *drawing) decimal() cqrs.Decimal {
	x, err := cqrs.NewDecimal(int64(d.IntN(2000))-500, d.IntN(3))
	if err != nil {
		panic("cqrstest: " + err.Error()) // it has few digits
	}
	return x
}

// optionalOf returns the type that a cqrs.Optional is of.
func optionalOf(t reflect.Type) (of reflect.Type, ok bool) {
	get, ok := t.MethodByName("Get")
	if !ok || t.PkgPath() != reflect.TypeFor[cqrs.Date]().PkgPath() || get.Type.NumOut() != 2 {
		return nil, false
	}
	return get.Type.Out(0), true
}

// personalOf returns the type that a personal.Value is of.
func personalOf(t reflect.Type) (of reflect.Type, ok bool) {
	reveal, ok := t.MethodByName("Reveal")
	if !ok || t.PkgPath() != reflect.TypeFor[personal.Value[string]]().PkgPath() {
		return nil, false
	}
	return reveal.Type.Out(0), true
}

// drawInside goes by JSON: what is in an optional or in personal data can't be set from outside.
func (d *drawing) drawInside(v reflect.Value, of reflect.Type) {
	x := reflect.New(of)
	d.draw(x.Elem())
	if text, err := json.Marshal(x.Interface()); err == nil && json.Unmarshal(text, v.Addr().Interface()) != nil {
		v.SetZero()
	}
}

// spellings are some of what types of other packages read: texts, and more that is JSON.
var (
	textSpellings = []string{
		"a", "b", "7", "1.5", "-2", "true", "10m", "192.0.2.7", "2001:db8::7", "192.0.2.0/24", "2026-01-02",
		"2026-01-02T03:04:05Z", "https://example.org/a", "a@example.org", "de", "EUR", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	}
	jsonSpellings = []string{"7", "1.5", "true", `[1,2]`, `["a"]`, `{"a":1}`, "{}", "null"}
)

// drawForeign sets a value whose type reads texts or JSON itself to what one of the spellings stands for, and says whether
// there is one.
func (d *drawing) drawForeign(v reflect.Value) bool {
	var list []string
	read := func(string) error { return nil }
	switch x := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		list, read = textSpellings, func(s string) error { return x.UnmarshalText([]byte(s)) }
	case json.Unmarshaler:
		for _, s := range textSpellings {
			list = append(list, strconv.Quote(s))
		}
		list = append(list, jsonSpellings...)
		read = func(s string) error { return x.UnmarshalJSON([]byte(s)) }
	}
	for _, i := range d.Perm(len(list)) {
		v.SetZero()
		if read(list[i]) == nil {
			return true
		}
	}
	v.SetZero()
	return false
}
