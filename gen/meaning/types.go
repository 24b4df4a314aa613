package meaning

import (
	"go/types"
	"strconv"
)

// typed writes a type, in which type parameters are locals, and reaches what it names.
func (w *writer) typed(t types.Type) {
	switch t := t.(type) {
	case *types.TypeParam:
		w.object(t.Obj())
	case *types.Named:
		w.object(t.Obj())
		w.typeList(t.TypeArgs())
	case *types.Alias:
		w.object(t.Obj())
		w.typeList(t.TypeArgs())
	case *types.Pointer:
		w.text("*")
		w.typed(t.Elem())
	case *types.Slice:
		w.text("[]")
		w.typed(t.Elem())
	case *types.Array:
		w.text("[", strconv.FormatInt(t.Len(), 10), "]")
		w.typed(t.Elem())
	case *types.Map:
		w.text("map")
		w.typed(t.Key())
		w.typed(t.Elem())
	case *types.Chan:
		w.text("chan", strconv.Itoa(int(t.Dir())))
		w.typed(t.Elem())
	case *types.Tuple:
		w.text("(")
		for v := range t.Variables() {
			w.typed(v.Type())
		}
		w.text(")")
	case *types.Signature:
		w.text("func", strconv.FormatBool(t.Variadic()))
		w.typed(t.Params())
		w.typed(t.Results())
	case *types.Struct:
		w.structType(t)
	case *types.Interface:
		w.interfaceType(t)
	case *types.Union:
		for term := range t.Terms() {
			w.text("|", strconv.FormatBool(term.Tilde()))
			w.typed(term.Type())
		}
	default:
		w.text(t.String())
	}
}

func (w *writer) typeList(list *types.TypeList) {
	w.text("<")
	for t := range list.Types() {
		w.typed(t)
	}
	w.text(">")
}

func (w *writer) structType(t *types.Struct) {
	w.text("struct{")
	for i := range t.NumFields() {
		w.field(t.Field(i))
		w.typed(t.Field(i).Type())
		w.text(strconv.Quote(t.Tag(i)))
	}
	w.text("}")
}

func (w *writer) interfaceType(t *types.Interface) {
	w.text("interface{")
	for m := range t.ExplicitMethods() {
		w.text(".", m.Name())
		w.typed(m.Signature())
	}
	for e := range t.EmbeddedTypes() {
		w.typed(e)
	}
	w.text("}")
}

// show notes which names of types a program can see, once a value of a type becomes one of an interface: those that fmt,
// reflect and the texts of panics print for it.
func (c *closure) show(t types.Type) {
	if t == nil || c.seen[t] {
		return
	}
	c.seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		c.showName(t.Obj())
		for arg := range t.TypeArgs().Types() {
			c.show(arg)
		}
		if t.Obj().Pkg() != nil && c.sourceOf(t.Obj()) != nil {
			c.show(t.Underlying())
		}
	case *types.Alias: // a field that is embedded is called as it is
		c.showName(t.Obj())
		c.show(types.Unalias(t))
	case *types.Map:
		c.show(t.Key())
		c.show(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			c.show(f.Type())
		}
	case *types.Tuple:
		for v := range t.Variables() {
			c.show(v.Type())
		}
	case *types.Signature:
		c.show(t.Params())
		c.show(t.Results())
	case *types.Interface:
		for m := range t.Methods() {
			c.show(m.Signature())
		}
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		c.show(t.Elem())
	}
}

func (c *closure) showName(obj *types.TypeName) {
	if isLocalType(obj) {
		c.shown[c.localName(obj)] = true
		return
	}
	c.shown[c.qualified(obj)] = true
}

// isLocalType reports whether a type is declared in a function.
func isLocalType(obj types.Object) bool {
	if t, ok := obj.(*types.TypeName); ok && obj.Pkg() != nil {
		_, param := t.Type().(*types.TypeParam)
		return !param && obj.Parent() != obj.Pkg().Scope()
	}
	return false
}
