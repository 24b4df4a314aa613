package purity

import (
	"go/ast"
	"go/types"
	"slices"
)

// A list that is sorted has one order only if the comparison tells all of its elements apart. Those that came from the
// keys of a map are different in something; a comparison that looks at nothing of that, but at lengths, or at numbers that
// stand under the keys, leaves those with the same number in the order of the map. Of any other comparison it can't be
// told, and nothing is said.

// element is what is known of the elements of a list that was made from a map. The zero value is of those of which nothing
// is.
type element struct {
	// isKey says that they are the keys themselves.
	isKey bool
	// numbers are the fields of structs that have a key in another field: they have numbers, which may be the same.
	numbers []string
}

// elementOf says what is known of what a turn of the loop appends.
func (l *loop) elementOf(args []ast.Expr) (e element) {
	if l.key == nil || len(args) != 1 {
		return e
	}
	arg := ast.Unparen(args[0])
	if id, ok := arg.(*ast.Ident); ok {
		return element{isKey: l.object(id) == l.key}
	}
	lit, ok := arg.(*ast.CompositeLit)
	if !ok {
		return e
	}
	hasKey := false
	for _, elt := range lit.Elts {
		kv, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			return element{}
		}
		name, ok := kv.Key.(*ast.Ident)
		if !ok {
			return element{}
		}
		hasKey = hasKey || l.keyed(kv.Value)
		if id, ok := ast.Unparen(kv.Value).(*ast.Ident); ok && l.isValue(id) && isNumber(l.Info.TypeOf(id)) {
			e.numbers = append(e.numbers, name.Name)
		}
	}
	if !hasKey {
		return element{}
	}
	return e
}

// isValue reports whether a name is that of the map's value in a turn.
func (l *loop) isValue(id *ast.Ident) bool {
	value, ok := l.stmt.Value.(*ast.Ident)
	return ok && l.object(value) != nil && l.object(value) == l.object(id)
}

func isNumber(t types.Type) bool {
	b, ok := core(t).(*types.Basic)
	return ok && b.Info()&types.IsNumeric != 0
}

// ties reports whether the comparison that a call sorts with is sure to find elements equal that are not.
func (b *body) ties(call *ast.CallExpr, e element) bool {
	f := b.callee(call).fn
	if f == nil || len(call.Args) != 2 || !e.isKey && len(e.numbers) == 0 {
		return false
	}
	lit, ok := ast.Unparen(call.Args[1]).(*ast.FuncLit)
	if !ok {
		return false
	}
	byIndex := f.Pkg().Path() == "sort"
	params, compared := b.literalParams(lit), 0
	apart := false
	ast.Inspect(lit.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || !slices.ContainsFunc(params, func(v *types.Var) bool { return b.object(id) == v }) {
			return !apart
		}
		var of ast.Expr = id
		if byIndex {
			x, ok := b.parents[id].(*ast.IndexExpr)
			if !ok || !same(x.X, call.Args[0]) {
				apart = true // whatever it does with the index
				return false
			}
			of = x
		}
		compared++
		apart = apart || !b.losing(of, e)
		return !apart
	})
	return compared > 0 && !apart
}

// losing reports whether a comparison takes something of an element alone that another one may have as well: its length,
// a number that stands under it, a field with such a number.
func (b *body) losing(of ast.Expr, e element) bool {
	switch p := b.parents[of].(type) {
	case *ast.CallExpr:
		return e.isKey && b.builtin(p) == "len"
	case *ast.IndexExpr:
		_, isMap := core(b.Info.TypeOf(p.X)).(*types.Map)
		return e.isKey && isMap && p.Index == of && isNumber(b.Info.TypeOf(p))
	case *ast.SelectorExpr:
		return slices.Contains(e.numbers, p.Sel.Name)
	}
	return false
}
