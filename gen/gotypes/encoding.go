package gotypes

import (
	"fmt"
	"go/types"
	"reflect"

	"github.com/cqrsgen/cqrsgen/gen/model"
)

// fault says why a type can't be encoded, and what to add, if that is known.
type fault struct{ why, add string }

func (f *fault) hint(t model.GoType) string {
	if f.add != "" {
		return f.add
	}
	return "add MarshalText and UnmarshalText to it, or use a type of your own that has them"
}

// encodingOf says how a type is encoded: as encoding/json would.
func encodingOf(t types.Type) (model.Encoding, *fault) {
	if named, ok := types.Unalias(t).(*types.Named); ok && named.TypeParams().Len() > named.TypeArgs().Len() {
		return "", &fault{"it has type parameters", "declare a type of your own over it"}
	}
	for _, e := range []struct {
		encoding model.Encoding
		suffix   string
	}{{model.JSONEncoding, "JSON"}, {model.TextEncoding, "Text"}} {
		switch has, f := pair(t, e.suffix); {
		case f != nil:
			return "", f
		case has:
			return e.encoding, nil
		}
	}
	if why := notPlain(t, map[types.Type]bool{}); why != "" {
		return "", &fault{why: why}
	}
	return model.PlainEncoding, nil
}

// pair reports whether a type has a pair of methods, and what is wrong with half a pair.
func pair(t types.Type, suffix string) (bool, *fault) {
	if types.IsInterface(t) {
		return false, nil
	}
	marshal, unmarshal := "Marshal"+suffix, "Unmarshal"+suffix
	out, pointer := method(t, marshal)
	in, _ := method(t, unmarshal)
	bytes := types.NewSlice(types.Typ[types.Byte])
	err := types.Universe.Lookup("error").Type()
	writes := out != nil && is(out, nil, []types.Type{bytes, err})
	reads := in != nil && is(in, []types.Type{bytes}, []types.Type{err})
	switch {
	case writes && reads && pointer:
		return false, &fault{marshal + " has a pointer receiver, and values are copied",
			"give " + marshal + " a value receiver, or use a type of your own that has one"}
	case writes && reads:
		return true, nil
	case writes:
		return false, &fault{"it has " + marshal + " and not " + unmarshal, "add " + unmarshal + "([]byte) error to its pointer"}
	case reads:
		return false, &fault{"it has " + unmarshal + " and not " + marshal, "add " + marshal + "() ([]byte, error)"}
	}
	return false, nil
}

// method returns a method of a type or of its pointer, nil if there is none, and whether only the pointer has it.
func method(t types.Type, name string) (m *types.Signature, pointer bool) {
	obj, _, indirect := types.LookupFieldOrMethod(t, false, nil, name)
	if obj == nil && indirect {
		obj, _, _ = types.LookupFieldOrMethod(types.NewPointer(t), false, nil, name)
		pointer = true
	}
	if f, ok := obj.(*types.Func); ok {
		return f.Signature(), pointer
	}
	return nil, false
}

func is(s *types.Signature, params, results []types.Type) bool {
	return same(s.Params(), params) && same(s.Results(), results)
}

func same(have *types.Tuple, want []types.Type) bool {
	if have.Len() != len(want) {
		return false
	}
	for i, t := range want {
		if !types.Identical(have.At(i).Type(), t) {
			return false
		}
	}
	return true
}

// notPlain says why encoding/json would not read a value back as it was, "" if it would.
func notPlain(t types.Type, seen map[types.Type]bool) string {
	t = types.Unalias(t)
	if seen[t] {
		return ""
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&(types.IsBoolean|types.IsString|types.IsInteger|types.IsFloat) != 0 && u.Kind() != types.Uintptr {
			return ""
		}
	case *types.Struct:
		return structNotPlain(t, u, seen)
	case *types.Slice:
		return partNotPlain("its elements", u.Elem(), seen)
	case *types.Array:
		return partNotPlain("its elements", u.Elem(), seen)
	case *types.Map:
		if key, ok := u.Key().Underlying().(*types.Basic); !ok || key.Info()&(types.IsString|types.IsInteger) == 0 {
			return "the keys of a map are " + u.Key().String()
		}
		return partNotPlain("its values", u.Elem(), seen)
	}
	return "it is " + kindOf(t)
}

func structNotPlain(t types.Type, s *types.Struct, seen map[types.Type]bool) string {
	for i := range s.NumFields() {
		f := s.Field(i)
		switch tag := reflect.StructTag(s.Tag(i)).Get("json"); {
		case !f.Exported():
			return "its field " + f.Name() + " is not exported, and encoding/json leaves it out"
		case tag == "-":
			return "its field " + f.Name() + " is left out by its tag"
		}
		if why := partNotPlain("its field "+f.Name(), f.Type(), seen); why != "" {
			return why
		}
	}
	return ""
}

// partNotPlain is notPlain for what a value holds, which may have methods.
func partNotPlain(part string, t types.Type, seen map[types.Type]bool) string {
	for _, suffix := range []string{"JSON", "Text"} {
		switch has, f := pair(t, suffix); {
		case f != nil:
			return part + ": " + f.why
		case has:
			return ""
		}
	}
	if why := notPlain(t, seen); why != "" {
		return part + ": " + why
	}
	return ""
}

// kindOf names what can't be encoded.
func kindOf(t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Interface:
		return "an interface, and nothing says which type to read"
	case *types.Pointer:
		return "a pointer"
	case *types.Chan:
		return "a channel"
	case *types.Signature:
		return "a function"
	case *types.Basic:
		return fmt.Sprintf("of the kind %s", u.Name())
	}
	return "of a kind that has no JSON"
}
