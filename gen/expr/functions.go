package expr

import (
	"go/constant"
	"go/token"
	"go/types"
	"time"
)

// Function is a function that every expression can call. The reference has the same table.
type Function struct {
	Name string
	// Signature is how it is called, in the model's words, and Doc what it gives.
	Signature, Doc string
}

// Functions are all that expressions can call besides methods and conversions.
var Functions = []Function{
	{"len", "len(x)", "the number of bytes of a string or of bytes, or of the entries of a list, set or map: an int"},
	{"min", "min(a, b, …)", "the least of numbers or strings"},
	{"max", "max(a, b, …)", "the greatest of numbers or strings"},
	{"append", "append(list, x, …)", "the list with more at its end; the list itself does not change"},
	{"days", "days(from, to)", "the dates from the first one up to and without the second one: a list of date"},
	{"lower", "lower(s)", "the string in lower case"},
	{"upper", "upper(s)", "the string in upper case"},
	{"trim", "trim(s)", "the string without white space at its ends"},
	{"abs", "abs(x)", "the number without its sign"},
}

// function is a function as go/types knows it.
type function struct {
	Function
	least int
	most  int // -1 for any number
}

// Method is a method that values of a type have. The reference has the same table.
type Method struct {
	Name string
	// Params and Result are scalars, or one of self, elem and the empty word for nothing.
	Params []string
	Result string
	Doc    string
}

// Stand-ins for types that depend on the type that has the method.
const (
	self = "self" // the type itself
	elem = "elem" // what an optional may hold
)

// Methods are the methods that the values of a scalar have, named scalars over it included.
var Methods = map[Kind][]Method{
	Time: {
		{"Before", []string{self}, "bool", "whether it is earlier"},
		{"After", []string{self}, "bool", "whether it is later"},
		{"Equal", []string{self}, "bool", "whether it is the same moment"},
		{"Add", []string{"duration"}, self, "the time that much later"},
		{"Sub", []string{self}, "duration", "how long after the other one it is"},
		{"Date", nil, "date", "the day in UTC"},
	},
	Date: {
		{"Before", []string{self}, "bool", "whether it is earlier"},
		{"After", []string{self}, "bool", "whether it is later"},
		{"AddDays", []string{"int"}, self, "the day that many days later"},
		{"Time", nil, "time", "the start of the day in UTC"},
	},
}

// OptionalMethods are those of optionals.
var OptionalMethods = []Method{
	{"Present", nil, "bool", "whether there is a value"},
	{"Or", []string{elem}, elem, "the value, or the given one where there is none"},
}

// SetMethods are those of sets.
var SetMethods = []Method{{"Has", []string{elem}, "bool", "whether it has the element, as `set[element]` says"}}

// Durations are the constants of type duration.
var Durations = map[string]time.Duration{
	"time.Hour": time.Hour, "time.Minute": time.Minute, "time.Second": time.Second,
	"time.Millisecond": time.Millisecond, "time.Microsecond": time.Microsecond, "time.Nanosecond": time.Nanosecond,
}

// methodsOf returns the methods of a type.
func methodsOf(t *Type) []Method {
	switch t.Class {
	case Optional:
		return OptionalMethods
	case Set:
		return SetMethods
	case Scalar:
		return Methods[t.Kind]
	}
	return nil
}

// addMethods gives a type's values their methods.
func (w *World) addMethods(t *Type) {
	named, ok := t.gotype.(*types.Named)
	if !ok {
		return
	}
	of := func(word string) types.Type {
		switch word {
		case self:
			return t.gotype
		case elem:
			return t.Elem.gotype
		}
		return w.scalars[Kind(word)].gotype
	}
	for _, m := range methodsOf(t) {
		recv := types.NewVar(token.NoPos, home, "", t.gotype)
		var params []*types.Var
		for _, p := range m.Params {
			params = append(params, types.NewParam(token.NoPos, home, "", of(p)))
		}
		result := types.NewParam(token.NoPos, home, "", of(m.Result))
		sig := types.NewSignatureType(recv, nil, nil, types.NewTuple(params...), types.NewTuple(result), false)
		named.AddMethod(types.NewFunc(token.NoPos, home, m.Name, sig))
	}
}

// addFunctions declares the functions, and the constants of durations.
func (w *World) addFunctions() {
	bounds := map[string][2]int{"len": {1, 1}, "min": {1, -1}, "max": {1, -1}, "append": {2, -1}, "days": {2, 2}}
	for _, f := range Functions {
		b, ok := bounds[f.Name]
		if !ok {
			b = [2]int{1, 1}
		}
		w.calls[f.Name] = &function{Function: f, least: b[0], most: b[1]}
	}
	for _, builtin := range []string{"len", "min", "max", "append"} {
		w.objects[builtin] = types.Universe.Lookup(builtin)
	}
	text := []types.BasicKind{types.String}
	numbers := []types.BasicKind{
		types.Int, types.Int32, types.Int64, types.Uint32, types.Uint64, types.Float64,
	}
	for name, over := range map[string][]types.BasicKind{"lower": text, "upper": text, "trim": text, "abs": numbers} {
		w.objects[name] = generic(name, over)
	}
	date := types.NewParam(token.NoPos, home, "", w.scalars[Date].gotype)
	dates := types.NewParam(token.NoPos, home, "", w.List(w.scalars[Date]).gotype)
	w.objects["days"] = types.NewFunc(token.NoPos, home, "days",
		types.NewSignatureType(nil, nil, nil, types.NewTuple(date, date), types.NewTuple(dates), false))
	for name, d := range Durations {
		w.constant(name, w.scalars[Duration], constant.MakeInt64(int64(d)))
	}
}

// generic is a function from a value to one of the same type, which has one of the given types below it.
func generic(name string, over []types.BasicKind) types.Object {
	terms := make([]*types.Term, len(over))
	for i, k := range over {
		terms[i] = types.NewTerm(true, types.Typ[k])
	}
	constraint := types.NewInterfaceType(nil, []types.Type{types.NewUnion(terms)})
	constraint.MarkImplicit()
	param := types.NewTypeParam(types.NewTypeName(token.NoPos, home, "T", nil), constraint)
	tuple := types.NewTuple(types.NewParam(token.NoPos, home, "", param))
	sig := types.NewSignatureType(nil, nil, []*types.TypeParam{param}, tuple, tuple, false)
	return types.NewFunc(token.NoPos, home, name, sig)
}
