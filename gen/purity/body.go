package purity

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// body is what one function does. Function literals in it belong to it: who reaches the function is taken to run them.
type body struct {
	*collector
	f       *Func
	nodes   []ast.Node
	results *types.Tuple
	params  map[*types.Var]int
	// locals say what the local variables, and the fields of those that are structs, may share memory with, anywhere in
	// the function.
	locals  map[*types.Var]map[string]Origins
	parents map[ast.Node]ast.Node
	// versions are what names of variables that are given another value stand for from there on.
	versions map[*ast.Ident]*types.Var
	changed  bool
	// loops are ranges over maps of which nothing is said yet.
	loops []*loop
	// lits are all function literals, in the order in which they stand.
	lits []*ast.FuncLit
	// kept are function literals that run later than the function.
	kept []*ast.FuncLit
}

// flow follows values through the function's variables, whatever the order of its statements is. It reports whether it
// learned something.
func (b *body) flow() bool {
	learned := false
	for range most {
		b.changed = false
		for _, root := range b.nodes {
			ast.Inspect(root, func(n ast.Node) bool {
				b.follow(n)
				return true
			})
		}
		if !b.changed {
			break
		}
		learned = true
	}
	return learned
}

func (b *body) follow(n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			b.assignOne(lhs, n.Rhs, i, len(n.Lhs))
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if len(n.Values) > 0 {
				b.assignOne(name, n.Values, i, len(n.Names))
			}
		}
	case *ast.RangeStmt:
		b.followRange(n)
	case *ast.TypeSwitchStmt:
		b.followTypeSwitch(n)
	case *ast.CallExpr:
		b.followLiterals(n)
	case *ast.ReturnStmt:
		if b.results != nil && b.literalAround(n) == nil {
			b.followReturn(n)
		}
	}
}

// assigned are the origins of the value that goes to the i-th of n variables.
func (b *body) assigned(values []ast.Expr, i, n int) Origins {
	if len(values) == n {
		return b.origins(values[i])
	}
	if call, ok := ast.Unparen(values[0]).(*ast.CallExpr); ok {
		return b.called1(call, i)
	}
	if i > 0 {
		return nil // the ok of a map, of an assertion, of a receive
	}
	return b.origins(values[0])
}

// assignOne gives the i-th of n variables its value: field by field, where that is a literal of a struct.
func (b *body) assignOne(lhs ast.Expr, values []ast.Expr, i, n int) {
	if len(values) == n {
		if lit, ok := ast.Unparen(values[i]).(*ast.CompositeLit); ok {
			if v, path, steps := b.place(lhs); v != nil && steps == 0 && b.fields(v, path, lit) {
				return
			}
		}
	}
	b.assign(lhs, b.assigned(values, i, n))
}

// fields gives the fields of a struct the values of a literal. It reports whether it could.
func (b *body) fields(v *types.Var, path string, lit *ast.CompositeLit) bool {
	if _, ok := b.Info.TypeOf(lit).Underlying().(*types.Struct); !ok {
		return false
	}
	for _, elt := range lit.Elts {
		kv, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		b.learn(v, path+"."+kv.Key.(*ast.Ident).Name, b.Info.TypeOf(kv.Value), b.origins(kv.Value))
	}
	return true
}

// assign gives a variable, or what it holds, more origins.
func (b *body) assign(lhs ast.Expr, from Origins) {
	if v, path, steps := b.place(lhs); v != nil {
		for range steps {
			from = from.held()
		}
		b.learn(v, path, v.Type(), from)
	}
}

// place is the local variable that an expression starts with, the path from it through fields and pointers, and how many
// steps through memory follow that path.
func (b *body) place(lhs ast.Expr) (v *types.Var, path string, steps int) {
	for e := ast.Unparen(lhs); ; {
		switch x := e.(type) {
		case *ast.Ident:
			if v, ok := b.object(x).(*types.Var); ok && !isGlobal(v) {
				return v, path, steps
			}
			return nil, "", 0
		case *ast.SelectorExpr:
			sel := b.Info.Selections[x]
			if sel == nil || sel.Kind() != types.FieldVal {
				return nil, "", 0
			}
			path = fieldPath(sel) + path
			e = ast.Unparen(x.X)
		case *ast.IndexExpr:
			steps += strings.Count(path, "*")
			path = ""
			if _, array := b.Info.TypeOf(x.X).Underlying().(*types.Array); !array {
				steps++
			}
			e = ast.Unparen(x.X)
		case *ast.StarExpr:
			path = "*" + path
			e = ast.Unparen(x.X)
		default:
			return nil, "", 0
		}
	}
}

// fieldPath names the fields that a selector goes through, and the pointers that it follows to them.
func fieldPath(sel *types.Selection) (path string) {
	t := sel.Recv()
	for _, i := range sel.Index() {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			path, t = path+"*", p.Elem()
		}
		if s, ok := t.Underlying().(*types.Struct); ok && i < s.NumFields() {
			path += "." + s.Field(i).Name()
			t = s.Field(i).Type()
		}
	}
	return path
}

func (b *body) learn(v *types.Var, path string, t types.Type, from Origins) {
	if len(from) == 0 || !b.shares.can(t) {
		return
	}
	before := b.locals[v][path]
	after := before.join(from)
	if !equal(before, after) {
		if b.locals[v] == nil {
			b.locals[v] = map[string]Origins{}
		}
		b.locals[v][path], b.changed = after, true
	}
}

// learned are the origins of what a path from a local variable leads to: what it, something that holds it, or something
// in it was given.
func (b *body) learned(v *types.Var, path string) (all Origins) {
	for p, o := range b.locals[v] {
		switch {
		case within(path, p):
			for range strings.Count(path[len(p):], "*") {
				o = o.inside()
			}
		case within(p, path):
			for range strings.Count(p[len(path):], "*") {
				o = o.held()
			}
		default:
			continue
		}
		all = all.join(o)
	}
	return all
}

func within(path, outer string) bool {
	return strings.HasPrefix(path, outer) && (len(path) == len(outer) || path[len(outer)] == '.' || path[len(outer)] == '*')
}

func equal(a, b Origins) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (b *body) followRange(n *ast.RangeStmt) {
	of := b.origins(n.X)
	if _, array := b.Info.TypeOf(n.X).Underlying().(*types.Array); !array {
		of = of.inside()
	}
	for _, e := range []ast.Expr{n.Key, n.Value} {
		if e != nil {
			b.assign(e, of)
		}
	}
}

// followTypeSwitch gives the variable of each case what is switched on.
func (b *body) followTypeSwitch(n *ast.TypeSwitchStmt) {
	assign, ok := n.Assign.(*ast.AssignStmt)
	if !ok {
		return
	}
	of := b.origins(assign.Rhs[0])
	for _, clause := range n.Body.List {
		if v, ok := b.Info.Implicits[clause].(*types.Var); ok {
			b.learn(v, "", v.Type(), of)
		}
	}
}

// followLiterals gives the parameters of function literals what the call that they are passed to is given besides, or
// what they are called with.
func (b *body) followLiterals(call *ast.CallExpr) {
	if lits := b.calledLiterals(call); len(lits) > 0 {
		for _, lit := range lits {
			for i, v := range b.literalParams(lit) {
				if i < len(call.Args) {
					b.learn(v, "", v.Type(), b.origins(call.Args[i]))
				}
			}
		}
		return
	}
	given := b.givenBy(call)
	if len(given) == 0 {
		return
	}
	for _, arg := range call.Args {
		for _, lit := range b.literalsOf(arg) {
			for _, v := range b.literalParams(lit) {
				b.learn(v, "", v.Type(), given)
			}
		}
	}
}

// givenBy is what a call may hand on to functions that it is passed.
func (b *body) givenBy(call *ast.CallExpr) (given Origins) {
	if c := b.callee(call); c.recv != nil {
		given = b.origins(c.recv).inside()
	}
	for _, arg := range call.Args {
		given = given.join(b.origins(arg).inside())
	}
	return given
}

// calledLiterals are the function literals that a call of a value may run: those that are known by name, or else all of
// the function that have the type of the value.
func (b *body) calledLiterals(call *ast.CallExpr) []*ast.FuncLit {
	if tv := b.Info.Types[call.Fun]; tv.IsType() || tv.IsBuiltin() || b.callee(call).fn != nil {
		return nil
	}
	if lits := b.literalsOf(call.Fun); len(lits) > 0 {
		return lits
	}
	var same []*ast.FuncLit
	for _, lit := range b.lits {
		if types.Identical(b.Info.TypeOf(lit), b.Info.TypeOf(call.Fun).Underlying()) {
			same = append(same, lit)
		}
	}
	return same
}

// literalsOf returns the function literals that an expression is, or that the local variable it names is given.
func (b *body) literalsOf(e ast.Expr) (all []*ast.FuncLit) {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return []*ast.FuncLit{e}
	case *ast.Ident:
		v, ok := b.object(e).(*types.Var)
		if !ok || isGlobal(v) {
			return nil
		}
		for _, lit := range b.lits {
			switch n := b.parents[lit].(type) {
			case *ast.AssignStmt:
				if i := slices.Index(n.Rhs, ast.Expr(lit)); i >= 0 && i < len(n.Lhs) {
					if id, ok := n.Lhs[i].(*ast.Ident); ok && b.object(id) == v {
						all = append(all, lit)
					}
				}
			case *ast.ValueSpec:
				if i := slices.Index(n.Values, ast.Expr(lit)); i >= 0 && i < len(n.Names) && b.object(n.Names[i]) == v {
					all = append(all, lit)
				}
			}
		}
	}
	return all
}

func (b *body) literalParams(lit *ast.FuncLit) (all []*types.Var) {
	for _, field := range lit.Type.Params.List {
		for _, name := range field.Names {
			if v, ok := b.Info.Defs[name].(*types.Var); ok {
				all = append(all, v)
			}
		}
	}
	return all
}

// literalAround returns the function literal that a node stands in, nil if there is none.
func (b *body) literalAround(n ast.Node) *ast.FuncLit {
	for n != nil {
		n = b.parents[n]
		if lit, ok := n.(*ast.FuncLit); ok {
			return lit
		}
	}
	return nil
}

func (b *body) followReturn(n *ast.ReturnStmt) {
	for i := range b.f.Results {
		var from Origins
		if len(n.Results) > 0 {
			from = b.assigned(n.Results, i, len(b.f.Results))
		} else {
			from = b.learned(b.results.At(i), "")
		}
		if !b.shares.can(b.results.At(i).Type()) {
			continue
		}
		if after := b.f.Results[i].join(from); !equal(after, b.f.Results[i]) {
			b.f.Results[i], b.changed = after, true
		}
	}
}

// object is what a name stands for, where it is declared or used.
func (b *body) object(id *ast.Ident) types.Object {
	if v := b.versions[id]; v != nil {
		return v
	}
	if obj := b.Info.Defs[id]; obj != nil {
		return obj
	}
	return b.Info.Uses[id]
}

func isGlobal(v *types.Var) bool { return v.Pkg() != nil && v.Parent() == v.Pkg().Scope() }

func (b *body) isPointer(e ast.Expr) bool {
	t := b.Info.TypeOf(e)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// origins are those of an expression's value.
func (b *body) origins(e ast.Expr) Origins {
	if t := b.Info.TypeOf(e); t == nil || !b.shares.can(t) {
		return nil
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return b.named(e)
	case *ast.SelectorExpr:
		return b.selected(e)
	case *ast.IndexExpr:
		if b.isFunc(e) {
			return nil // a function of one type
		}
		return b.element(e.X)
	case *ast.StarExpr:
		return b.origins(e.X).inside()
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return b.address(e.X)
		}
	case *ast.SliceExpr:
		if _, array := b.Info.TypeOf(e.X).Underlying().(*types.Array); array {
			return b.address(e.X)
		}
		return b.origins(e.X)
	case *ast.TypeAssertExpr:
		return b.origins(e.X)
	case *ast.CallExpr:
		return b.called1(e, 0)
	case *ast.CompositeLit:
		return b.literal(e)
	}
	return nil
}

func (b *body) isFunc(e *ast.IndexExpr) bool {
	tv := b.Info.Types[e.X]
	_, sig := tv.Type.Underlying().(*types.Signature)
	return sig || tv.IsType()
}

func (b *body) named(id *ast.Ident) Origins {
	v, ok := b.object(id).(*types.Var)
	if !ok {
		return nil
	}
	if isGlobal(v) {
		return b.global(v)
	}
	if i, ok := b.params[v]; ok {
		return Origins{{Param: i}}.join(b.locals[v][""]) // what is kept behind it belongs to it from then on
	}
	return b.learned(v, "")
}

// global are the origins of a package variable. Those of packages that are not entered are looked up where they are used.
func (b *body) global(v *types.Var) Origins {
	if !b.enters(v.Pkg()) {
		return nil
	}
	return Origins{{Global: nameOf(v)}}
}

func (b *body) selected(e *ast.SelectorExpr) Origins {
	sel := b.Info.Selections[e]
	if sel == nil {
		return b.named(e.Sel)
	}
	if sel.Kind() != types.FieldVal {
		return nil
	}
	if v, path, steps := b.place(e); v != nil && steps == 0 && path != "" {
		all := b.learned(v, path)
		if i, ok := b.params[v]; ok {
			all = all.join(Origins{{Param: i, Depth: strings.Count(path, "*")}})
		}
		return all
	}
	of, _ := field(b.origins(e.X), b.Info.TypeOf(e.X), sel)
	return of
}

// field follows the pointers on the way to a field, and returns its origins and those of the memory that it lies in.
func field(of Origins, t types.Type, sel *types.Selection) (value, memory Origins) {
	for _, i := range sel.Index() {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			memory = behind(of)
			of, t = of.inside(), p.Elem()
		}
		if s, ok := t.Underlying().(*types.Struct); ok {
			t = s.Field(i).Type()
		}
	}
	return of, memory
}

func (b *body) element(of ast.Expr) Origins {
	t := b.Info.TypeOf(of).Underlying()
	if _, array := t.(*types.Array); array {
		return b.origins(of)
	}
	return b.origins(of).inside()
}

// address are the origins of a pointer to what an expression names.
func (b *body) address(e ast.Expr) Origins {
	e = ast.Unparen(e)
	if lit, ok := e.(*ast.CompositeLit); ok {
		return b.literal(lit).held()
	}
	var all Origins
	memory, _ := b.memory(e)
	for _, o := range memory {
		o.Depth = max(0, o.Depth-1)
		all = all.join(Origins{o})
	}
	if len(memory) == 0 {
		return b.origins(e).held()
	}
	return all
}

func (b *body) literal(lit *ast.CompositeLit) (all Origins) {
	for _, elt := range lit.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			all = all.join(b.origins(kv.Value))
			if _, isMap := b.Info.TypeOf(lit).Underlying().(*types.Map); isMap {
				all = all.join(b.origins(kv.Key))
			}
			continue
		}
		all = all.join(b.origins(elt))
	}
	switch b.Info.TypeOf(lit).Underlying().(type) {
	case *types.Slice, *types.Map, *types.Pointer:
		return all.held()
	}
	return all
}

// memory says whose memory an assignment to an expression changes: a parameter's or a variable's, Depth steps behind
// it. Memory of the function's own has no origins; known is false for expressions that name no memory.
func (b *body) memory(e ast.Expr) (of Origins, known bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := b.object(e).(*types.Var); ok && isGlobal(v) {
			return b.global(v), true
		}
		return nil, true
	case *ast.SelectorExpr:
		sel := b.Info.Selections[e]
		if sel == nil {
			return b.memory(e.Sel)
		}
		if sel.Indirect() {
			_, memory := field(b.origins(e.X), b.Info.TypeOf(e.X), sel)
			return memory, true
		}
		return b.memory(e.X)
	case *ast.IndexExpr:
		if _, array := b.Info.TypeOf(e.X).Underlying().(*types.Array); array {
			return b.memory(e.X)
		}
		return behind(b.origins(e.X)), true
	case *ast.StarExpr:
		return behind(b.origins(e.X)), true
	}
	return nil, false
}

// behind are the origins of the memory that a value leads to in one step, but for memory that is the function's own.
func behind(value Origins) (memory Origins) {
	for _, o := range value {
		if o.Fresh == 0 {
			o.Depth = min(o.Depth+1, deepest)
			memory = append(memory, o)
		}
	}
	return memory
}
