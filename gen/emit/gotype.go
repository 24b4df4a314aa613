package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// expr makes the same expression anew each time: jennifer's statements change when they are chained.
type expr func() *jen.Statement

// at is an expression that is selected from another.
func at(x expr, field string) expr {
	return func() *jen.Statement { return x().Dot(field) }
}

func id(name string) expr {
	return func() *jen.Statement { return jen.Id(name) }
}

// place is a value that can be changed, and how to call a method on it.
type place struct{ value, recv expr }

// pointee is what the pointer x points to.
func pointee(name string) place {
	return place{func() *jen.Statement { return jen.Op("*").Id(name) }, id(name)}
}

// goType is the Go type of a type.
func (e *emitter) goType(t *model.Type) *jen.Statement {
	switch t.Kind {
	case model.Optional:
		return jen.Qual(cqrsPath, "Optional").Types(e.goType(t.Elem))
	case model.List:
		return jen.Index().Add(e.goType(t.Elem))
	case model.Set:
		return jen.Qual(cqrsPath, "Set").Types(e.goType(t.Elem))
	case model.Map:
		return jen.Map(e.goType(t.Key)).Add(e.goType(t.Elem))
	case model.Ref:
		if isExternal(t) {
			return jen.Qual(t.Named.Go.Path, t.Named.Go.Type)
		}
		return jen.Id(t.Named.Name)
	}
	return scalarType(t.Kind)
}

func scalarType(k model.Kind) *jen.Statement {
	switch k {
	case model.String:
		return jen.String()
	case model.Bool:
		return jen.Bool()
	case model.Int:
		return jen.Int()
	case model.Int32:
		return jen.Int32()
	case model.Int64:
		return jen.Int64()
	case model.Uint32:
		return jen.Uint32()
	case model.Uint64:
		return jen.Uint64()
	case model.Float64:
		return jen.Float64()
	case model.Bytes:
		return jen.Index().Byte()
	case model.Time:
		return jen.Qual("time", "Time")
	case model.Duration:
		return jen.Qual("time", "Duration")
	case model.UUID:
		return jen.Qual(uuidPath, "UUID")
	case model.Date:
		return jen.Qual(cqrsPath, "Date")
	case model.Decimal:
		return jen.Qual(cqrsPath, "Decimal")
	}
	panic("emit: no scalar")
}

// base is the scalar below a type, and whether the type has a name of its own. It is 0 for types that are no scalars;
// an enum is a string.
func base(t *model.Type) (k model.Kind, named bool) {
	switch {
	case t.Kind == model.Ref && t.Named.Kind == model.Scalar:
		return t.Named.Base, true
	case t.Kind == model.Ref && t.Named.Kind == model.Enum:
		return model.String, true
	case t.Kind >= model.Optional:
		return 0, false
	}
	return t.Kind, false
}

// compareFunc is the function that orders the elements of a set.
func compareFunc(t *model.Type) *jen.Statement {
	switch k, _ := base(t); k {
	case model.UUID:
		return jen.Qual(cqrsPath, "CompareUUIDs")
	case model.Date:
		return jen.Qual(cqrsPath, "CompareDates")
	case model.Decimal:
		return jen.Qual(cqrsPath, "CompareDecimals")
	}
	return jen.Qual("cmp", "Compare")
}

func isEnum(t *model.Type) bool   { return t.Kind == model.Ref && t.Named.Kind == model.Enum }
func isStruct(t *model.Type) bool { return t.Kind == model.Ref && t.Named.Kind == model.Struct }

// to converts a value of type t to the scalar k, where it is not of that very type.
func to(t *model.Type, k model.Kind, x expr) *jen.Statement {
	have, named := base(t)
	if have == k && !named {
		return x()
	}
	if k == model.Bytes {
		return jen.Index().Byte().Call(x())
	}
	return scalarType(k).Call(x())
}

// from converts a value of the scalar have to type t, where it is not of that very type.
func (e *emitter) from(t *model.Type, have model.Kind, x *jen.Statement) *jen.Statement {
	k, named := base(t)
	if k == have && !named {
		return x
	}
	return e.goType(t).Call(x)
}

// ofKind is the scalar that a column, a reader or a writer speaks for the scalar k: integers are 64 bits wide there.
func ofKind(k model.Kind) model.Kind {
	switch k {
	case model.Int, model.Int32, model.Int64:
		return model.Int64
	case model.Uint32, model.Uint64:
		return model.Uint64
	}
	return k
}

// method is the name that a scalar has in the methods of codecs and scanners.
var method = map[model.Kind]string{
	model.String: "String", model.Bool: "Bool", model.Int: "Int", model.Int32: "Int32", model.Int64: "Int64",
	model.Uint32: "Uint32", model.Uint64: "Uint64", model.Float64: "Float64", model.Bytes: "Bytes", model.Time: "Time",
	model.Duration: "Duration", model.UUID: "UUID", model.Date: "Date",
	model.Decimal: "Decimal",
}
