package purity

import (
	"go/ast"
	"go/types"
)

// callee is what a call runs.
type callee struct {
	// fn is the function or method that is called, nil if the call is of a value.
	fn *types.Func
	// recv is the expression in front of a method, nil for a function and a method expression.
	recv ast.Expr
	id   *ast.Ident
}

func (b *body) callee(call *ast.CallExpr) callee {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = ast.Unparen(x.X)
	case *ast.IndexListExpr:
		fun = ast.Unparen(x.X)
	}
	switch x := fun.(type) {
	case *ast.Ident:
		f, _ := b.Info.Uses[x].(*types.Func)
		return callee{fn: f, id: x}
	case *ast.SelectorExpr:
		f, _ := b.Info.Uses[x.Sel].(*types.Func)
		c := callee{fn: f, id: x.Sel}
		if sel := b.Info.Selections[x]; sel != nil && sel.Kind() == types.MethodVal {
			c.recv = x.X
		}
		return c
	}
	return callee{}
}

// builtin returns the name of the built-in function that is called, "" if it is none.
func (b *body) builtin(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if f, ok := b.Info.Uses[id].(*types.Builtin); ok {
			return f.Name()
		}
	}
	return ""
}

// called1 are the origins of a call's i-th result.
func (b *body) called1(call *ast.CallExpr, i int) Origins {
	if b.Info.Types[call.Fun].IsType() {
		return b.origins(call.Args[0])
	}
	switch b.builtin(call) {
	case "":
	case "append":
		return b.appended(call)
	case "min", "max":
		return nil
	default:
		return nil
	}
	if !b.shares.can(resultOf(b.Info.TypeOf(call), i)) {
		return nil
	}
	c := b.callee(call)
	args := b.args(call, c)
	if c.fn != nil && !isInterfaceMethod(c.fn) {
		if f := b.enteredFunc(c.fn); f != nil {
			if i < len(f.Results) {
				return f.Results[i].passed(args)
			}
			return nil
		}
		if s, ok := lookupPkg(c.fn); ok && s.New {
			return joined(args).inside().held().scalars(b, resultOf(b.Info.TypeOf(call), i))
		}
	}
	return joined(args)
}

// scalars drops the origins if the elements of a new value can share no memory.
func (o Origins) scalars(b *body, t types.Type) Origins {
	switch u := t.Underlying().(type) {
	case *types.Slice:
		if !b.shares.can(u.Elem()) {
			return nil
		}
	case *types.Map:
		if !b.shares.can(u.Elem()) && !b.shares.can(u.Key()) {
			return nil
		}
	}
	return o
}

func joined(args []Origins) (all Origins) {
	for _, arg := range args {
		all = all.join(arg)
	}
	return all
}

func resultOf(t types.Type, i int) types.Type {
	if tuple, ok := t.(*types.Tuple); ok {
		if i < tuple.Len() {
			return tuple.At(i).Type()
		}
		return tuple
	}
	return t
}

// appended are the origins of what append returns: the memory of its first argument, unless that is cut off with its
// length, and the elements.
func (b *body) appended(call *ast.CallExpr) Origins {
	all := b.origins(call.Args[0])
	if clipped(call.Args[0]) {
		all = all.inside().held()
	}
	slice, ok := b.Info.TypeOf(call).Underlying().(*types.Slice)
	if !ok || !b.shares.can(slice.Elem()) {
		if ok && clipped(call.Args[0]) {
			return nil
		}
		return all
	}
	for _, arg := range call.Args[1:] {
		if call.Ellipsis.IsValid() {
			all = all.join(b.origins(arg).inside().held())
		} else {
			all = all.join(b.origins(arg).held())
		}
	}
	return all
}

// clipped reports whether an expression is x[:n:n], or slices.Clip(x), to which nothing is appended in place.
func clipped(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.SliceExpr:
		return e.Slice3
	case *ast.CallExpr:
		sel, ok := e.Fun.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Clip"
	}
	return false
}

// args are the origins of what is passed, from the receiver on. What goes to the last, variadic parameter is joined.
func (b *body) args(call *ast.CallExpr, c callee) (all []Origins) {
	if c.recv != nil {
		all = append(all, b.receiver(c))
	}
	if inner, several := b.several(call); several > 0 {
		for i := range several {
			all = append(all, b.called1(inner, i))
		}
		return b.variadic(all, call, c)
	}
	for _, arg := range call.Args {
		all = append(all, b.origins(arg))
	}
	return b.variadic(all, call, c)
}

// several returns the call whose results a call is passed as its arguments, and how many these are; 0 if there is none.
func (b *body) several(call *ast.CallExpr) (*ast.CallExpr, int) {
	if len(call.Args) != 1 {
		return nil, 0
	}
	inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr)
	if !ok {
		return nil, 0
	}
	results, ok := b.Info.TypeOf(inner).(*types.Tuple)
	if !ok {
		return nil, 0
	}
	return inner, results.Len()
}

// receiver are the origins of a receiver as the method sees it: its address where the method takes a pointer, what it
// leads to where the method takes a value.
func (b *body) receiver(c callee) Origins {
	recv := c.fn.Signature().Recv().Type()
	of := b.origins(c.recv)
	if sel, ok := b.parents[c.id].(*ast.SelectorExpr); ok {
		if s := b.Info.Selections[sel]; s != nil && len(s.Index()) > 1 {
			return of.join(of.inside()) // through embedded fields
		}
	}
	_, takes := types.Unalias(recv).(*types.Pointer)
	switch has := b.isPointer(c.recv); {
	case takes && !has:
		return b.address(c.recv)
	case !takes && has && !types.IsInterface(recv):
		return of.inside()
	}
	return of
}

func (b *body) variadic(all []Origins, call *ast.CallExpr, c callee) []Origins {
	if c.fn == nil || !c.fn.Signature().Variadic() || call.Ellipsis.IsValid() {
		return all
	}
	n := len(parameters(c.fn.Signature()))
	if c.recv == nil && c.fn.Signature().Recv() != nil {
		n = len(all) // a method expression
	}
	if len(all) < n {
		return all
	}
	return append(all[:n-1:n-1], joined(all[n-1:]).held())
}

// enteredFunc returns what is known of a function of a package that is entered.
func (b *body) enteredFunc(f *types.Func) *Func {
	if f.Pkg() == nil || !b.enters(f.Pkg()) {
		return nil
	}
	return b.summaryOf(f)
}

// enters reports whether functions of a package are followed: no table speaks for it, and it has a summary.
func (c *collector) enters(p *types.Package) bool {
	return !inTables(p.Path()) && (p == c.Types || c.Entered(p.Path()))
}

func lookupPkg(obj types.Object) (Symbol, bool) {
	if obj.Pkg() == nil {
		return Symbol{}, true // the method of error
	}
	return lookup(obj)
}

func isInterfaceMethod(f *types.Func) bool {
	recv := f.Signature().Recv()
	return recv != nil && types.IsInterface(recv.Type())
}
