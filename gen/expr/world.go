package expr

import (
	"go/constant"
	"go/token"
	"go/types"
)

// Kind is a scalar, by its name in the model: "int64".
type Kind string

// The scalars.
const (
	String   Kind = "string"
	Bool     Kind = "bool"
	Int      Kind = "int"
	Int32    Kind = "int32"
	Int64    Kind = "int64"
	Uint32   Kind = "uint32"
	Uint64   Kind = "uint64"
	Float64  Kind = "float64"
	Bytes    Kind = "bytes"
	Time     Kind = "time"
	Duration Kind = "duration"
	UUID     Kind = "uuid"
	Date     Kind = "date"
	Decimal  Kind = "decimal"
)

// Class says what can be done with the values of a type.
type Class int

// The classes of types.
const (
	Scalar   Class = iota + 1 // of a Kind, with or without a name of its own
	Enum                      // one of a few texts
	Struct                    // fields
	Optional                  // Elem or nothing
	List                      // any number of Elem
	Set                       // any number of Elem, each once
	Map                       // Elem by Key
	External                  // nothing: it is assigned as a whole
	Root                      // what an expression starts from: it has fields, and is no value
)

// Type is a type of a world. Two types are the same where their pointers are.
type Type struct {
	Class Class
	// Kind is the scalar below a Scalar.
	Kind Kind
	// Name is the name of a declared type or of a root, empty for others.
	Name      string
	Key, Elem *Type
	// Ref is what was attached to a declared type.
	Ref any

	// fields are those of a Struct or Root, values those of an Enum.
	fields []Field
	values []string
	// open says that there may be fields which could not be read.
	open   bool
	gotype types.Type
}

// Field is a field of a struct or a root.
type Field struct {
	Name string
	// Type is nil where it was reported; whatever holds the field is then passed over in silence.
	Type *Type
	// Ref is what the tree will name the field by.
	Ref any
}

// String returns the type in the model's words.
func (t *Type) String() string {
	switch t.Class {
	case Optional:
		return "optional " + t.Elem.String()
	case List:
		return "list of " + t.Elem.String()
	case Set:
		return "set of " + t.Elem.String()
	case Map:
		return "map of " + t.Key.String() + " to " + t.Elem.String()
	}
	if t.Name != "" {
		return t.Name
	}
	return string(t.Kind)
}

// field finds a field by its name.
func (t *Type) field(name string) *Field {
	for i := range t.fields {
		if t.fields[i].Name == name {
			return &t.fields[i]
		}
	}
	return nil
}

// World has the types of one model. It is for one goroutine.
type World struct {
	scalars  map[Kind]*Type
	declared map[string]*Type
	composed map[string]*Type
	// byGo finds the type that stands for a type of go/types.
	byGo map[types.Type]*Type
	// fields finds a field by the variable that stands for it.
	fields map[types.Object]*Field
	// objects has what go/types knows each name by: types, constants and functions.
	objects map[string]types.Object
	calls   map[string]*function
	// broken has the names of types that were reported.
	broken map[string]bool
}

// path is that of the synthetic packages. That they share it lets them see each other's fields.
const path = "model"

var home = types.NewPackage(path, path)

// New returns a world that has the scalars.
func New() *World {
	w := &World{
		scalars: map[Kind]*Type{}, declared: map[string]*Type{}, composed: map[string]*Type{},
		byGo: map[types.Type]*Type{}, fields: map[types.Object]*Field{}, objects: map[string]types.Object{},
		calls: map[string]*function{}, broken: map[string]bool{},
	}
	for kind, basic := range basics {
		w.scalar(kind, types.Typ[basic])
		w.objects[string(kind)] = types.Universe.Lookup(string(kind))
	}
	// What Go has as structs and slices stands here for something that can be compared, so that go/types lets `<` pass.
	// What such a type can't do is refused behind it.
	for _, kind := range []Kind{Bytes, Time, UUID, Date} {
		w.scalar(kind, w.named(string(kind), types.Typ[types.String]))
	}
	w.scalar(Duration, w.named(string(Duration), types.Typ[types.Int64]))
	w.scalar(Decimal, w.named(string(Decimal), types.Typ[types.Float64]))
	for _, t := range w.scalars {
		w.addMethods(t)
	}
	w.addFunctions()
	for _, name := range []string{"true", "false"} {
		w.objects[name] = types.Universe.Lookup(name)
	}
	return w
}

var basics = map[Kind]types.BasicKind{
	String: types.String, Bool: types.Bool, Int: types.Int, Int32: types.Int32, Int64: types.Int64,
	Uint32: types.Uint32, Uint64: types.Uint64, Float64: types.Float64,
}

func (w *World) scalar(kind Kind, g types.Type) {
	t := &Type{Class: Scalar, Kind: kind, gotype: g}
	w.scalars[kind], w.byGo[g] = t, t
}

// named makes a type with a name that expressions can use.
func (w *World) named(name string, under types.Type) *types.Named {
	tn := types.NewTypeName(token.NoPos, home, name, nil)
	w.objects[name] = tn
	return types.NewNamed(tn, under, nil)
}

func (w *World) declare(t *Type, under types.Type) *Type {
	t.gotype = w.named(t.Name, under)
	w.declared[t.Name], w.byGo[t.gotype] = t, t
	return t
}

// Scalar returns a scalar.
func (w *World) Scalar(k Kind) *Type { return w.scalars[k] }

// Named declares a scalar with a name of its own.
func (w *World) Named(name string, base Kind, ref any) *Type {
	t := w.declare(&Type{Class: Scalar, Kind: base, Name: name, Ref: ref}, w.scalars[base].gotype.Underlying())
	w.addMethods(t)
	return t
}

// Broken declares a type that was reported: what uses it is passed over in silence.
func (w *World) Broken(name string) { w.broken[name] = true }

// Enum declares an enum. Its values are constants: Currency.EUR.
func (w *World) Enum(name string, values []string, ref any) *Type {
	t := w.declare(&Type{Class: Enum, Name: name, Ref: ref, values: values}, types.Typ[types.String])
	for _, v := range values {
		w.constant(name+"."+v, t, constant.MakeString(v))
	}
	return t
}

func (w *World) constant(name string, t *Type, v constant.Value) {
	w.objects[name] = types.NewConst(token.NoPos, home, name, t.gotype, v)
}

// Struct declares a struct; Complete gives it its fields, so that structs can be declared before what they hold.
func (w *World) Struct(name string, ref any) *Type {
	return w.declare(&Type{Class: Struct, Name: name, Ref: ref}, types.NewStruct(nil, nil))
}

// External declares a type of a Go package. Nothing in an expression can name it, and it has neither fields nor methods.
func (w *World) External(name string, ref any) *Type {
	t := &Type{Class: External, Name: name, Ref: ref}
	// A list in it keeps go/types from comparing its values.
	t.gotype = types.NewNamed(types.NewTypeName(token.NoPos, home, name, nil), types.NewStruct([]*types.Var{
		types.NewField(token.NoPos, home, "value of "+name, types.NewSlice(types.Typ[types.Byte]), false),
	}, nil), nil)
	w.byGo[t.gotype] = t
	return t
}

// Complete gives a struct its fields. An open one may have others, which could not be read.
func (w *World) Complete(t *Type, fields []Field, open bool) {
	t.fields, t.open = fields, open
	t.gotype.(*types.Named).SetUnderlying(w.structOf(fields))
}

// Root returns what an expression can start from, as event: it has fields, and is itself no value. What it is, is for
// messages: "the event MoneyDeposited".
func (w *World) Root(what string, fields []Field, open bool) *Type {
	t := &Type{Class: Root, Name: what, fields: fields, open: open}
	t.gotype = types.NewNamed(types.NewTypeName(token.NoPos, home, "root", nil), w.structOf(fields), nil)
	w.byGo[t.gotype] = t
	return t
}

func (w *World) structOf(fields []Field) *types.Struct {
	vars := make([]*types.Var, len(fields))
	seen := map[string]bool{}
	kept := vars[:0]
	for i := range fields {
		f := &fields[i]
		if seen[f.Name] {
			continue // which was reported
		}
		seen[f.Name] = true
		g := types.Type(types.Typ[types.Invalid])
		if f.Type != nil {
			g = f.Type.gotype
		}
		v := types.NewField(token.NoPos, home, f.Name, g, false)
		w.fields[v] = f
		kept = append(kept, v)
	}
	return types.NewStruct(kept, nil)
}

// compose returns the one type of a form.
func (w *World) compose(t Type, make func(*Type)) *Type {
	id := t.id()
	if have, ok := w.composed[id]; ok {
		return have
	}
	c := &t
	make(c)
	w.composed[id], w.byGo[c.gotype] = c, c
	return c
}

// id tells types apart that have the same words.
func (t *Type) id() string { return t.String() }

// Optional returns the type of values that may be absent.
func (w *World) Optional(elem *Type) *Type {
	return w.compose(Type{Class: Optional, Elem: elem}, func(t *Type) {
		tn := types.NewTypeName(token.NoPos, home, t.String(), nil)
		t.gotype = types.NewNamed(tn, types.NewStruct([]*types.Var{
			types.NewField(token.NoPos, home, "value of "+elem.String(), elem.gotype, false),
		}, nil), nil)
		w.addMethods(t)
	})
}

// List returns the type of lists.
func (w *World) List(elem *Type) *Type {
	return w.compose(Type{Class: List, Elem: elem}, func(t *Type) { t.gotype = types.NewSlice(elem.gotype) })
}

// Set returns the type of sets. Indexed, it says whether it has an element.
func (w *World) Set(elem *Type) *Type {
	return w.compose(Type{Class: Set, Elem: elem}, func(t *Type) {
		tn := types.NewTypeName(token.NoPos, home, t.String(), nil)
		t.gotype = types.NewNamed(tn, types.NewMap(elem.gotype, types.Typ[types.Bool]), nil)
		w.addMethods(t)
	})
}

// Map returns the type of maps.
func (w *World) Map(key, elem *Type) *Type {
	return w.compose(Type{Class: Map, Key: key, Elem: elem}, func(t *Type) {
		t.gotype = types.NewMap(key.gotype, elem.gotype)
	})
}

// typeOf returns the type that stands for a type of go/types, nil if there is none. Lists and maps are the same where
// what they hold is.
func (w *World) typeOf(g types.Type) *Type {
	if t, ok := w.byGo[g]; ok {
		return t
	}
	switch g := types.Default(g).(type) {
	case *types.Basic:
		return w.byGo[g]
	case *types.Slice:
		if elem := w.typeOf(g.Elem()); elem != nil {
			return w.List(elem)
		}
	case *types.Map:
		if key, elem := w.typeOf(g.Key()), w.typeOf(g.Elem()); key != nil && elem != nil {
			return w.Map(key, elem)
		}
	}
	return nil
}

// typeNamed finds a type by its name, nil if there is none.
func (w *World) typeNamed(name string) *Type {
	if t := w.declared[name]; t != nil {
		return t
	}
	return w.scalars[Kind(name)]
}
