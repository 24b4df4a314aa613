package purity

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// record notes what the function does. Where values come from is known by now.
func (b *body) record() {
	called := map[*ast.Ident]bool{}
	for _, root := range b.nodes {
		ast.Inspect(root, func(n ast.Node) bool {
			b.recordNode(n, called)
			return true
		})
	}
}

func (b *body) recordNode(n ast.Node, called map[*ast.Ident]bool) {
	switch n := n.(type) {
	case *ast.GoStmt:
		b.effect(Goroutine, n.Pos(), "starts a goroutine")
	case *ast.SendStmt:
		b.effect(Channel, n.Arrow, "sends on a channel")
	case *ast.SelectStmt:
		b.effect(Channel, n.Pos(), "selects among channels")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			b.effect(Channel, n.Pos(), "receives from a channel")
		}
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			if n.Tok == token.DEFINE && b.isNew(lhs) {
				continue
			}
			b.write(lhs, lhs.Pos(), "changes "+exprString(lhs))
			b.store(lhs, b.assigned(n.Rhs, i, len(n.Lhs)))
			if len(n.Lhs) == len(n.Rhs) {
				b.converted(b.Info.TypeOf(lhs), n.Rhs[i], nil)
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if len(n.Names) == len(n.Values) {
				b.converted(b.Info.TypeOf(name), n.Values[i], nil)
			}
		}
	case *ast.ReturnStmt:
		b.returned(n)
	case *ast.CompositeLit:
		b.literalValues(n)
	case *ast.IncDecStmt:
		b.write(n.X, n.X.Pos(), "changes "+exprString(n.X))
	case *ast.RangeStmt:
		b.recordRange(n)
	case *ast.CallExpr:
		b.call(n, called)
	case *ast.Ident:
		b.reference(n, called)
	}
}

func (b *body) isNew(lhs ast.Expr) bool {
	id, ok := lhs.(*ast.Ident)
	return ok && (id.Name == "_" || b.Info.Defs[id] != nil)
}

func (b *body) write(lhs ast.Expr, pos token.Pos, text string) {
	memory, _ := b.memory(lhs)
	b.writeTo(memory, pos, text)
}

func (b *body) writeTo(memory Origins, pos token.Pos, text string) {
	for _, o := range memory {
		b.f.Writes = append(b.f.Writes, Write{o.Param, o.Global, o.Depth, b.at(pos), text, b.later(pos)})
	}
}

// store notes what is kept in memory of somebody else's.
func (b *body) store(lhs ast.Expr, value Origins) {
	memory, _ := b.memory(lhs)
	for _, into := range memory {
		for _, from := range value {
			if from.Global == into.Global && from.Param == into.Param {
				continue
			}
			b.f.Stores = append(b.f.Stores, Store{
				into.Param, into.Global, from, b.at(lhs.Pos()), "keeps it in " + exprString(lhs),
			})
		}
	}
}

func (b *body) recordRange(n *ast.RangeStmt) {
	if n.Tok == token.ASSIGN {
		for _, e := range []ast.Expr{n.Key, n.Value} {
			if e != nil {
				b.write(e, e.Pos(), "changes "+exprString(e))
			}
		}
	}
	switch t := b.Info.TypeOf(n.X); core(t).(type) {
	case *types.Chan:
		b.effect(Channel, n.Pos(), "receives from a channel")
	case *types.Map:
		b.mapRange(n)
	case *types.Signature:
		if b.unorderedCall(n.X) != "" {
			b.mapRange(n)
		}
	}
}

// core is the type that a type parameter's types have in common below their names.
func core(t types.Type) types.Type {
	p, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return t.Underlying()
	}
	if i, ok := p.Constraint().Underlying().(*types.Interface); ok {
		for e := range i.EmbeddedTypes() {
			if u, ok := e.(*types.Union); ok && u.Len() > 0 {
				return u.Term(0).Type().Underlying()
			}
			if !types.IsInterface(e) {
				return e.Underlying()
			}
		}
	}
	return t.Underlying()
}

func (b *body) call(call *ast.CallExpr, called map[*ast.Ident]bool) {
	if tv := b.Info.Types[call.Fun]; tv.IsType() || tv.IsBuiltin() {
		b.callBuiltin(call, b.builtin(call))
		return
	}
	c := b.callee(call)
	if c.fn == nil {
		b.callValue(call)
		return
	}
	called[c.id] = true
	args := b.args(call, c)
	b.use(c.fn, c.id.Pos(), args, c)
	b.convertedArgs(call, c)
	if s, ok := b.notEntered(c.fn); ok && s.Kind == "" {
		b.changes(call, c, s, args)
		b.unordered(call, s)
		b.printed(call, c)
	}
}

func (b *body) callBuiltin(call *ast.CallExpr, name string) {
	switch name {
	case "close":
		b.effect(Channel, call.Pos(), "closes a channel")
	case "print", "println":
		b.effect(IO, call.Pos(), "prints")
	case "append":
		if !clipped(call.Args[0]) {
			b.appendInPlace(call)
		}
	case "copy", "delete", "clear":
		b.writeTo(behind(b.origins(call.Args[0])), call.Pos(), "changes "+exprString(call.Args[0])+" ("+name+")")
	}
}

// appendInPlace notes that append may write behind the end of somebody else's slice, unless the result goes to where
// the slice is from.
func (b *body) appendInPlace(call *ast.CallExpr) {
	if a, ok := b.parents[call].(*ast.AssignStmt); ok && len(a.Lhs) == 1 && exprString(a.Lhs[0]) == exprString(call.Args[0]) {
		if memory, _ := b.memory(a.Lhs[0]); len(memory) > 0 {
			return // a change of what the assignment changes anyway
		}
	}
	b.writeTo(behind(b.origins(call.Args[0])), call.Pos(),
		"appends to "+exprString(call.Args[0])+", whose memory it may change: use slices.Concat, or slices.Clone first")
}

// callValue notes the call of a function value. What a function value of the function's own does counts where it is
// made, so that only those are left that come from elsewhere.
func (b *body) callValue(call *ast.CallExpr) {
	for _, o := range b.origins(call.Fun) {
		if o.Global == "" {
			b.f.Calls = append(b.f.Calls, Call{o.Param, b.at(call.Pos()), "calls " + exprString(call.Fun) + ", which can be any function"})
		}
	}
}

// notEntered returns what is known of a function whose package is not entered.
func (b *body) notEntered(obj types.Object) (Symbol, bool) {
	if obj.Pkg() != nil && b.enters(obj.Pkg()) {
		return Symbol{}, false
	}
	return lookupPkg(obj)
}

// use notes a call of a function, or a reference to it, which counts as one.
func (b *body) use(f *types.Func, pos token.Pos, args []Origins, c callee) {
	if f.Pkg() == nil {
		return // the Error of an error
	}
	if isInterfaceMethod(f) {
		b.useInterface(f, pos, args, c)
		return
	}
	if b.enters(f.Pkg()) {
		b.f.Uses = append(b.f.Uses, Use{Name: nameOf(f), Short: shortName(f), At: b.at(pos), Called: c.id != nil, Args: args, Later: b.later(pos)})
		return
	}
	b.outside(f, pos)
}

// outside notes the use of a function or variable whose package is not entered.
func (b *body) outside(obj types.Object, pos token.Pos) {
	name := shortName(obj)
	if f, ok := obj.(*types.Func); ok && f.Signature().Recv() != nil {
		name = obj.Pkg().Name() + "." + name
	}
	s, ok := lookup(obj)
	switch {
	case !ok && isStd(obj.Pkg().Path()):
		b.effect(Unresolved, pos, "uses %s, of a package that is newer than this tool", name)
	case !ok:
		b.effect(ThirdParty, pos, "uses %s of another module, %s", name, obj.Pkg().Path())
	case s.Kind != "" && !b.atInstant(obj, pos):
		b.effect(s.Kind, pos, "%s %s", verbs[s.Kind], name)
	}
}

// verbs say what the use of a function or variable of a kind is.
var verbs = map[Kind]string{
	IO: "does I/O with", Clock: "depends on the clock through", Random: "depends on randomness through",
	Environment: "depends on the machine it runs on through", Goroutine: "starts a goroutine with", Channel: "uses channels of",
	Lock: "locks with", Context: "uses", Unresolved: "can't be followed through", CommandSide: "uses",
	Global: "changes variables through", MapOrder: "writes maps in no order with",
}

// atInstant reports whether a use of time.Unix and the like is in front of UTC() or In(…), so that the time zone of the
// machine does not matter.
func (b *body) atInstant(obj types.Object, pos token.Pos) bool {
	if obj.Pkg().Path() != "time" || !strings.HasPrefix(obj.Name(), "Unix") {
		return false
	}
	for n := range b.parents {
		if id, ok := n.(*ast.Ident); ok && id.Pos() == pos {
			call := b.parents[b.parents[n]]
			after, ok := b.parents[call].(*ast.SelectorExpr)
			return ok && (after.Sel.Name == "UTC" || after.Sel.Name == "In")
		}
	}
	return false
}

// useInterface notes the call of an interface's method. An interface of the module leads to the types that implement
// it. Of others, what a function makes itself counts where it is made.
func (b *body) useInterface(f *types.Func, pos token.Pos, args []Origins, c callee) {
	t := f.Signature().Recv().Type()
	param := false
	if c.recv != nil {
		if rt := b.Info.TypeOf(c.recv); rt != nil {
			_, param = types.Unalias(rt).(*types.TypeParam)
			if types.IsInterface(rt) && !param {
				t = rt
			}
		}
	}
	if !b.enters(f.Pkg()) {
		if s, ok := lookup(f); !ok || s.Kind != "" {
			b.outside(f, pos)
			return
		}
	}
	n, named := types.Unalias(t).(*types.Named)
	foreign := named && (n.Obj().Pkg() == nil || !b.enters(n.Obj().Pkg()))
	if foreign || param {
		b.callReceiver(f, pos, args)
		return
	}
	name := interfaceName(t)
	if named && n.TypeArgs().Len() > 0 {
		b.collector.generic[name] = true
	}
	b.collector.called[name] = t.Underlying().(*types.Interface)
	b.f.Uses = append(b.f.Uses, Use{
		Name: name + "." + f.Name(), Short: f.Name() + " of " + interfaceShort(t), Interface: name, At: b.at(pos),
		Called: c.id != nil, Args: args, Later: b.later(pos),
	})
}

func interfaceShort(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}

// callReceiver notes that a method of what a parameter is, or holds, is called.
func (b *body) callReceiver(f *types.Func, pos token.Pos, args []Origins) {
	if len(args) == 0 {
		return
	}
	for _, o := range args[0] {
		if o.Global == "" {
			b.f.Calls = append(b.f.Calls, Call{o.Param, b.at(pos), "calls " + f.Name() + ", which can be any type's"})
		}
	}
}

// reference notes functions that are used without a call, and package variables.
func (b *body) reference(id *ast.Ident, called map[*ast.Ident]bool) {
	b.instantiated(id)
	switch obj := b.Info.Uses[id].(type) {
	case *types.Func:
		if !called[id] {
			b.use(obj, id.Pos(), b.passedOn(obj, id, b.bound(obj, id)), callee{})
			if s, ok := b.notEntered(obj); ok && s.Unordered {
				b.effect(MapOrder, id.Pos(), "uses %s, which is in the order of a map", shortName(obj))
			}
		}
	case *types.Var:
		if !isGlobal(obj) {
			return
		}
		if b.enters(obj.Pkg()) {
			b.f.Uses = append(b.f.Uses, Use{Name: nameOf(obj), Short: shortName(obj), At: b.at(id.Pos()), Later: b.later(id.Pos())})
			return
		}
		b.outside(obj, id.Pos())
	case *types.Const:
		if obj.Pkg() != nil && obj.Pkg().Path() == "runtime" {
			b.effect(Environment, id.Pos(), "depends on the machine it runs on through runtime.%s", obj.Name())
		}
	case *types.Builtin:
		if obj.Pkg() == types.Unsafe && !strings.HasSuffix(obj.Name(), "of") {
			b.effect(Unresolved, id.Pos(), "can't be followed through unsafe.%s", obj.Name())
		}
	case *types.TypeName:
		if obj.Pkg() == types.Unsafe {
			b.effect(Unresolved, id.Pos(), "can't be followed through unsafe.%s", obj.Name())
		}
	case *types.PkgName:
		if obj.Imported().Path() == "C" {
			b.effect(Unresolved, id.Pos(), "can't be followed into C")
		}
	}
}

// bound are the origins of the receiver that a method value is bound to.
func (b *body) bound(f *types.Func, id *ast.Ident) []Origins {
	x, ok := b.parents[id].(*ast.SelectorExpr)
	if !ok || x.Sel != id || b.Info.Selections[x] == nil || b.Info.Selections[x].Kind() != types.MethodVal {
		return nil
	}
	return []Origins{b.receiver(callee{fn: f, recv: x.X, id: id})}
}

// changes notes what a function that is not entered changes of what it is passed.
func (b *body) changes(call *ast.CallExpr, c callee, s Symbol, args []Origins) {
	changed := s.Changes
	if !s.Said {
		changed = pointers(c.fn)
	}
	for _, i := range changed {
		if i < len(args) {
			b.writeTo(behind(args[i]), call.Pos(), "changes what it passes to "+shortName(c.fn))
		}
	}
}

// pointers are the parameters that a function of which the tables say nothing is taken to change: a method what its
// receiver points to, a function what is passed as a pointer.
func pointers(f *types.Func) (all []int) {
	for i, v := range parameters(f.Signature()) {
		if _, ok := types.Unalias(v.Type()).(*types.Pointer); ok && !immutable(v.Type()) {
			all = append(all, i)
		}
		if f.Signature().Recv() != nil {
			break
		}
	}
	return all
}

// convertedArgs counts what a function that is not entered can call on what it is passed as an interface: the methods of
// that interface, or those that packages like fmt look for.
func (b *body) convertedArgs(call *ast.CallExpr, c callee) {
	sig := c.fn.Signature()
	for i, arg := range call.Args {
		b.converted(parameterType(sig, i, call.Ellipsis.IsValid()), arg, c.fn.Pkg())
	}
}

// converted counts the methods that can be called on a value once it has become an interface's: where the interface is
// any, those that the package looks for which it is passed to. Interfaces of the module lead to all types that implement
// them anyway, and the text of an error is only looked into where its type is known.
func (b *body) converted(t types.Type, e ast.Expr, to *types.Package) {
	from := b.Info.TypeOf(e)
	if t == nil || from == nil || types.IsInterface(from) {
		return // the blank variable has no type
	}
	i, ok := t.Underlying().(*types.Interface)
	if _, param := types.Unalias(t).(*types.TypeParam); param || !ok {
		return
	}
	b.foreign(t, i, from, e.Pos())
	if i.NumMethods() == 0 && to != nil {
		b.useHeld(from, found[to.Path()], e.Pos(), map[types.Type]bool{})
	}
	if !types.Identical(t, types.Universe.Lookup("error").Type()) {
		b.useMethods(from, methodNames(i), e.Pos())
	}
}

func methodNames(i *types.Interface) (names []string) {
	for m := range i.Methods() {
		names = append(names, m.Name())
	}
	return names
}

// useHeld is useMethods for a type and for what its values hold, which is looked into.
func (b *body) useHeld(t types.Type, names []string, pos token.Pos, seen map[types.Type]bool) {
	if len(names) == 0 || seen[t] || types.IsInterface(t) {
		return
	}
	seen[t] = true
	b.useMethods(t, names, pos)
	switch u := t.Underlying().(type) {
	case *types.Map:
		b.useHeld(u.Key(), names, pos, seen)
		b.useHeld(u.Elem(), names, pos, seen)
	case *types.Struct:
		for f := range u.Fields() {
			b.useHeld(f.Type(), names, pos, seen)
		}
	case interface{ Elem() types.Type }: // pointers, slices, arrays
		b.useHeld(u.Elem(), names, pos, seen)
	}
}

// instantiated counts the methods that a generic function or type asks of the types that it is used with.
func (b *body) instantiated(id *ast.Ident) {
	args := b.Info.Instances[id].TypeArgs
	var params *types.TypeParamList
	switch obj := b.Info.Uses[id].(type) {
	case *types.Func:
		params = obj.Origin().Signature().TypeParams()
	case *types.TypeName:
		if n, ok := obj.Type().(*types.Named); ok {
			params = n.TypeParams()
		}
	}
	for i := range min(args.Len(), params.Len()) {
		if c, ok := params.At(i).Constraint().Underlying().(*types.Interface); ok && !types.IsInterface(args.At(i)) {
			b.useMethods(args.At(i), methodNames(c), id.Pos())
		}
	}
}

// found are the methods that packages look for in what they are passed.
var found = map[string][]string{
	"fmt":           {"Error", "Format", "GoString", "String"},
	"encoding/json": {"MarshalJSON", "MarshalText", "UnmarshalJSON", "UnmarshalText"},
	"encoding/xml":  {"MarshalXML", "MarshalText", "UnmarshalXML", "UnmarshalText"},
}

func (b *body) useMethods(t types.Type, names []string, pos token.Pos) {
	for _, name := range names {
		obj, _, _ := types.LookupFieldOrMethod(t, true, b.Types, name)
		if f, ok := obj.(*types.Func); ok && f.Pkg() != nil && !isInterfaceMethod(f) && b.enters(f.Pkg()) {
			b.f.Uses = append(b.f.Uses, Use{Name: nameOf(f), Short: shortName(f), At: b.at(pos), Later: b.later(pos)})
		}
	}
}

func parameterType(sig *types.Signature, i int, spread bool) types.Type {
	n := sig.Params().Len()
	if i < n-1 || i < n && (!sig.Variadic() || spread) {
		return sig.Params().At(i).Type()
	}
	if n == 0 || !sig.Variadic() {
		return nil
	}
	if s, ok := sig.Params().At(n - 1).Type().(*types.Slice); ok {
		return s.Elem()
	}
	return nil
}

// printed notes addresses that are printed: they differ from run to run.
func (b *body) printed(call *ast.CallExpr, c callee) {
	if c.fn.Pkg() == nil || c.fn.Pkg().Path() != "fmt" {
		return
	}
	typesOnly := false
	for i, arg := range call.Args {
		if v := b.Info.Types[arg].Value; v != nil && v.Kind() == constant.String {
			if strings.Contains(constant.StringVal(v), "%p") {
				b.effect(Random, arg.Pos(), "prints an address")
				return
			}
			typesOnly = typesOnly || strings.Contains(constant.StringVal(v), "%T") // of one of them at least
		}
		t := parameterType(c.fn.Signature(), i, call.Ellipsis.IsValid())
		if !typesOnly && isAny(t) && b.printsAddress(b.Info.TypeOf(arg), 0, map[types.Type]bool{}) {
			b.effect(Random, arg.Pos(), "prints the address that %s is or holds", exprString(arg))
		}
	}
}

// passedOn adds to what a function is bound to what it may be called with by what it is passed to: what that is given
// besides.
func (b *body) passedOn(f *types.Func, id *ast.Ident, bound []Origins) []Origins {
	e := ast.Node(id)
	if sel, ok := b.parents[e].(*ast.SelectorExpr); ok {
		e = sel
	}
	call, ok := b.parents[e].(*ast.CallExpr)
	if !ok || call.Fun == e {
		return bound
	}
	given := b.givenBy(call)
	for range len(parameters(f.Signature())) - len(bound) {
		bound = append(bound, given)
	}
	return bound
}

func isAny(t types.Type) bool {
	if t == nil {
		return false
	}
	i, ok := t.Underlying().(*types.Interface)
	return ok && i.Empty()
}

// printsAddress reports whether fmt writes a value of a type as an address: functions, channels, and pointers but those
// to structs, lists and maps that are not held by something else, unless they have a text of their own.
func (b *body) printsAddress(t types.Type, depth int, seen map[types.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	for _, name := range found["fmt"] {
		if obj, _, _ := types.LookupFieldOrMethod(t, true, b.Types, name); obj != nil {
			return false
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Signature, *types.Chan:
		return true
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Slice, *types.Array, *types.Map:
			return depth > 0 || b.printsAddress(u.Elem(), depth+1, seen)
		}
		return true
	case *types.Map:
		return b.printsAddress(u.Key(), depth+1, seen) || b.printsAddress(u.Elem(), depth+1, seen)
	case interface{ Elem() types.Type }: // slices and arrays
		return b.printsAddress(u.Elem(), depth+1, seen)
	case *types.Struct:
		for f := range u.Fields() {
			if b.printsAddress(f.Type(), depth+1, seen) {
				return true
			}
		}
	}
	return false
}

// exprString writes an expression in one short line.
func exprString(e ast.Expr) string {
	text := types.ExprString(e)
	if r := []rune(text); len(r) > 40 {
		return string(slices.Concat(r[:37], []rune("…")))
	}
	return text
}
