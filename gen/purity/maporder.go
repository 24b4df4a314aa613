package purity

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// loop is a range over a map, of which the order must not matter.
type loop struct {
	*body
	stmt *ast.RangeStmt
	// key is the variable of the map's keys, which are different in each turn.
	key *types.Var
	// set are the constants that outer variables are set to.
	set map[string]string
	// ways says in which way outer variables gather what the turns give, and gathering are the statements that do so.
	ways      map[string]string
	gathering map[ast.Stmt]string
	// grown are the maps and lists that get longer in the loop.
	grown map[string]bool
	// returned is what the loop returns, and ends says where it is left early.
	returned string
	ends     token.Pos
	// adds says that a turn leaves something that depends on how many turns there are.
	adds bool
	why  string
	at   token.Pos
}

// mapRange notes a range over a map if the result depends on the order of its turns.
func (b *body) mapRange(n *ast.RangeStmt) {
	l := &loop{body: b, stmt: n, set: map[string]string{}, ways: map[string]string{}, gathering: map[ast.Stmt]string{}, grown: map[string]bool{}}
	if id, ok := n.Key.(*ast.Ident); ok && b.unorderedCall(n.X) != "Values" {
		if l.key, _ = b.object(id).(*types.Var); l.key != nil && l.assigned1(l.key) {
			l.key = nil // what is another key in each turn may become the same
		}
	}
	if n.Tok == token.ASSIGN && (n.Key != nil || n.Value != nil) {
		l.fail(n.Pos(), "keeps the last key or value in a variable")
	}
	l.block(n.Body.List)
	l.yields()
	if l.why == "" && l.ends.IsValid() && l.adds {
		l.fail(l.ends, "leaves the loop when it has seen some of the map")
	}
	l.reading()
	if l.why == "" {
		b.loops = append(b.loops, l)
	}
	l.tell()
}

// tell notes what was found.
func (l *loop) tell() {
	if l.why != "" {
		l.effect(MapOrder, l.stmt.Pos(), "ranges over a map in no order, and line %d %s", l.body.at(l.at).Line, l.why)
	}
}

// gather notes that a variable gathers what the turns give, in one way. Each way alone is the same in any order; two are not.
func (l *loop) gather(s ast.Stmt, lhs ast.Expr, way string) {
	text := types.ExprString(ast.Unparen(lhs))
	if before, ok := l.ways[text]; ok && before != way {
		l.fail(s.Pos(), "changes "+exprString(lhs)+" in another way than the loop does elsewhere")
	}
	l.ways[text] = way
	if arithmetic[way] {
		l.gathering[s] = text
	}
}

var arithmetic = map[string]bool{"+": true, "*": true, "|": true, "&": true, "^": true}

// wayOf tells apart operations that can change places with themselves only.
func wayOf(op token.Token) string {
	switch op {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.INC, token.DEC:
		return "+"
	case token.AND_ASSIGN, token.AND_NOT_ASSIGN:
		return "&"
	}
	return op.String()[:1]
}

// reading finds what a turn reads of what the turns before it left: a sum so far, how many there are by now.
func (l *loop) reading() {
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if l.builtin(n) == "len" && l.grown[types.ExprString(ast.Unparen(n.Args[0]))] {
				l.fail(n.Pos(), "reads "+exprString(n)+", which grows from turn to turn")
			}
		case *ast.Ident, *ast.SelectorExpr:
			e := n.(ast.Expr)
			if v := l.baseOf(e); v == nil || v.IsField() || l.inner(v) {
				return true
			}
			if text := types.ExprString(e); arithmetic[l.ways[text]] && l.gathering[l.statementOf(e)] != text {
				l.fail(n.Pos(), "reads "+exprString(e)+", which changes from turn to turn")
			}
		}
		return true
	})
}

func (l *loop) statementOf(n ast.Node) ast.Stmt {
	for ; n != nil; n = l.parents[n] {
		if s, ok := n.(ast.Stmt); ok {
			return s
		}
	}
	return nil
}

// yields finds what hands the turns on to somebody else's loop: calls of the yield of an iterator.
func (l *loop) yields() {
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && l.isYield(id) {
				l.fail(call.Pos(), "yields")
			}
		}
		return true
	})
}

// isYield reports whether a name is the one parameter, a function, of a function without results: of an iterator.
func (l *loop) isYield(id *ast.Ident) bool {
	v, ok := l.Info.Uses[id].(*types.Var)
	if !ok || l.inner(v) {
		return false
	}
	sig, ok := v.Type().Underlying().(*types.Signature)
	if !ok || sig.Results().Len() != 1 {
		return false
	}
	if lit := l.literalAround(l.stmt); lit != nil {
		params := l.literalParams(lit)
		return len(params) == 1 && params[0] == v && lit.Type.Results == nil
	}
	_, param := l.params[v]
	return param && l.results.Len() == 0
}

func (l *loop) fail(pos token.Pos, why string) {
	if l.why == "" {
		l.why, l.at = why, pos
	}
}

func (l *loop) block(stmts []ast.Stmt) {
	for _, s := range stmts {
		l.statement(s)
	}
}

func (l *loop) statement(s ast.Stmt) {
	switch s := s.(type) {
	case nil, *ast.DeclStmt, *ast.EmptyStmt:
	case *ast.ExprStmt:
		l.expression(s.X)
	case *ast.IncDecStmt:
		if !l.own(s.X) {
			l.accumulate(s, s.X, wayOf(s.Tok))
		}
	case *ast.AssignStmt:
		l.assignment(s)
	case *ast.IfStmt:
		l.statement(s.Init)
		if !l.extreme(s) {
			l.statement(s.Body)
		}
		l.statement(s.Else)
	case *ast.BlockStmt:
		if s != nil {
			l.block(s.List)
		}
	case *ast.ForStmt:
		l.statement(s.Init)
		l.statement(s.Post)
		l.statement(s.Body)
	case *ast.RangeStmt:
		l.statement(s.Body)
	case *ast.SwitchStmt:
		l.statement(s.Init)
		l.statement(s.Body)
	case *ast.TypeSwitchStmt:
		l.statement(s.Body)
	case *ast.CaseClause:
		l.block(s.Body)
	case *ast.LabeledStmt:
		l.statement(s.Stmt)
	case *ast.BranchStmt:
		l.branch(s)
	case *ast.ReturnStmt:
		l.leave(s)
	default:
		l.fail(s.Pos(), "does what depends on the order")
	}
}

// branch allows continue, and a break that leaves this loop like a return.
func (l *loop) branch(s *ast.BranchStmt) {
	if s.Tok == token.CONTINUE && !l.outer(s.Label) {
		return
	}
	for n := l.parents[s]; n != l.stmt && s.Label == nil && s.Tok == token.BREAK; n = l.parents[n] {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt:
			return // it leaves what is inside
		}
	}
	l.ends = s.Pos()
}

// outer reports whether a label is that of a loop around this one.
func (l *loop) outer(label *ast.Ident) bool {
	if label == nil {
		return false
	}
	for n := l.parents[l.parents[l.stmt]]; n != nil; n = l.parents[n] {
		if labeled, ok := n.(*ast.LabeledStmt); ok && labeled.Label.Name == label.Name {
			return true
		}
	}
	return false
}

// leave allows returning what is the same in each turn.
func (l *loop) leave(s *ast.ReturnStmt) {
	if l.literalInside(s) {
		return
	}
	text := ""
	for _, e := range s.Results {
		if l.dependent(e) {
			l.fail(s.Pos(), "returns what depends on which key came first")
		}
		text += types.ExprString(e) + ","
	}
	if l.returned != "" && l.returned != text {
		l.fail(s.Pos(), "returns something else than another return of the loop")
	}
	l.returned, l.ends = text, s.Pos()
}

func (l *loop) literalInside(n ast.Node) bool {
	lit := l.literalAround(n)
	return lit != nil && lit.Pos() > l.stmt.Pos()
}

// inner reports whether a variable is declared in the loop, so that each turn has its own.
func (l *loop) inner(v types.Object) bool {
	return v != nil && v.Pos() >= l.stmt.Pos() && v.Pos() < l.stmt.End()
}

// dependent reports whether an expression has to do with the loop's turn.
func (l *loop) dependent(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := l.object(id).(*types.Var); ok && (l.inner(v) || l.assigned1(v)) {
				found = true
			}
		}
		return !found
	})
	return found
}

// assigned1 reports whether the loop assigns to an outer variable.
func (l *loop) assigned1(v *types.Var) bool {
	found := false
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				found = found || l.baseOf(lhs) == v
			}
		case *ast.IncDecStmt:
			found = found || l.baseOf(n.X) == v
		}
		return !found
	})
	return found
}

// baseOf is the variable that an expression starts with.
func (l *loop) baseOf(e ast.Expr) *types.Var {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			v, _ := l.object(x).(*types.Var)
			return v
		case *ast.SelectorExpr:
			if l.Info.Selections[x] == nil {
				v, _ := l.object(x.Sel).(*types.Var)
				return v
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func (l *loop) assignment(s *ast.AssignStmt) {
	for i, lhs := range s.Lhs {
		if l.own(lhs) {
			continue
		}
		switch {
		case s.Tok != token.ASSIGN && s.Tok != token.DEFINE:
			l.operation(s, lhs)
		case len(s.Lhs) != len(s.Rhs):
			l.single(s, lhs, nil)
		default:
			l.single(s, lhs, s.Rhs[i])
		}
	}
}

// own reports whether what is assigned to belongs to the turn: a variable of the loop, what the turn's value points to,
// or what stands under the turn's key.
func (l *loop) own(lhs ast.Expr) bool {
	if id, ok := ast.Unparen(lhs).(*ast.Ident); ok && id.Name == "_" {
		return true
	}
	if v := l.baseOf(lhs); v != nil && l.inner(v) {
		_, plain := ast.Unparen(lhs).(*ast.Ident)
		return plain || !l.alias(v)
	}
	for e := ast.Unparen(lhs); ; {
		switch x := e.(type) {
		case *ast.IndexExpr:
			if l.keyed(x.Index) {
				l.adds, l.grown[types.ExprString(ast.Unparen(x.X))] = true, true
				return true
			}
			e = ast.Unparen(x.X)
		case *ast.SelectorExpr:
			e = ast.Unparen(x.X)
		case *ast.StarExpr:
			e = ast.Unparen(x.X)
		default:
			return false
		}
	}
}

// alias reports whether a variable of the turn is another name for what lies outside of it, as in p := &total.
func (l *loop) alias(v *types.Var) (found bool) {
	if !l.shares.can(v.Type()) {
		return false
	}
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			return !found
		}
		for i, lhs := range a.Lhs {
			if id, ok := lhs.(*ast.Ident); ok && l.object(id) == v {
				found = found || l.outside(a.Rhs[i])
			}
		}
		return !found
	})
	return found
}

// outside reports whether an expression names, or leads to, one and the same outer memory in each turn.
func (l *loop) outside(e ast.Expr) bool {
	e = ast.Unparen(e)
	if ref, ok := e.(*ast.UnaryExpr); ok && ref.Op == token.AND {
		e = ast.Unparen(ref.X)
	}
	v := l.baseOf(e)
	return v != nil && !l.inner(v) && !l.own(e) && !l.dependent(e)
}

// keyed reports whether an index is another one in each turn: the key, or a struct that holds it.
func (l *loop) keyed(index ast.Expr) bool {
	switch x := ast.Unparen(index).(type) {
	case *ast.Ident:
		return l.key != nil && l.object(x) == l.key
	case *ast.CallExpr:
		return l.Info.Types[x.Fun].IsType() && l.keyed(x.Args[0]) && keepsApart(l.Info.TypeOf(x), l.Info.TypeOf(x.Args[0]))
	case *ast.CompositeLit:
		for _, elt := range x.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				elt = kv.Value
			}
			if l.keyed(elt) {
				return true
			}
		}
	}
	return false
}

// keepsApart reports whether a conversion makes different values of different ones.
func keepsApart(to, from types.Type) bool {
	t, ok := to.Underlying().(*types.Basic)
	f, is := from.Underlying().(*types.Basic)
	switch {
	case !ok || !is:
		return types.Identical(to.Underlying(), from.Underlying()) || types.IsInterface(to)
	case t.Info()&types.IsInteger != 0 && f.Info()&types.IsInteger != 0:
		sizes := types.SizesFor("gc", "386") // an int may be as small as that
		return sizes.Sizeof(t) >= sizes.Sizeof(f)
	}
	return t.Kind() == f.Kind()
}

// operation allows x += y and the like where the order of the operands does not matter.
func (l *loop) operation(s *ast.AssignStmt, lhs ast.Expr) {
	switch s.Tok {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN, token.AND_NOT_ASSIGN:
		l.accumulate(s, lhs, wayOf(s.Tok))
		if l.reads(s.Rhs[0], lhs) {
			l.fail(s.Pos(), "adds what depends on "+exprString(lhs)+" so far")
		}
	default:
		l.fail(s.Pos(), "changes "+exprString(lhs)+" in an order that matters")
	}
}

// accumulate allows integers only: floats round in each step, and strings keep the order.
func (l *loop) accumulate(s ast.Stmt, lhs ast.Expr, way string) {
	l.adds = true
	l.gather(s, lhs, way)
	pos := s.Pos()
	if b, ok := core(l.Info.TypeOf(lhs)).(*types.Basic); !ok || b.Info()&types.IsInteger == 0 {
		l.fail(pos, "adds to "+exprString(lhs)+", which is no integer: the order of the turns shows in the result")
	}
}

// single checks the assignment of one value.
func (l *loop) single(s *ast.AssignStmt, lhs, rhs ast.Expr) {
	text := exprString(lhs)
	switch {
	case rhs == nil || rhs != nil && l.inMap(lhs) && l.dependent(rhs):
		l.fail(s.Pos(), "sets "+text+" to what depends on the turn")
	case l.sum(lhs, rhs):
		l.adds = true
		l.gather(s, lhs, "+")
	case l.extremeOf(lhs, rhs):
		l.adds = true
		l.gather(s, lhs, l.builtin(ast.Unparen(rhs).(*ast.CallExpr)))
	case l.logical(lhs, rhs):
		l.adds = true
	case l.collected(lhs, rhs):
		l.adds, l.grown[types.ExprString(ast.Unparen(lhs))] = true, true
	case l.dependent(rhs):
		l.fail(s.Pos(), "sets "+text+" to what depends on the turn")
	case l.inMap(lhs):
		l.adds, l.grown[types.ExprString(ast.Unparen(ast.Unparen(lhs).(*ast.IndexExpr).X))] = true, true
	default:
		l.gather(s, lhs, "=")
		if before, ok := l.set[text]; ok && before != types.ExprString(rhs) {
			l.fail(s.Pos(), "sets "+text+" to one of several values")
		}
		l.set[text] = types.ExprString(rhs)
	}
}

func (l *loop) inMap(lhs ast.Expr) bool {
	x, ok := ast.Unparen(lhs).(*ast.IndexExpr)
	if !ok {
		return false
	}
	_, is := core(l.Info.TypeOf(x.X)).(*types.Map)
	return is
}

// reads reports whether an expression reads what another one names.
func (l *loop) reads(e, what ast.Expr) bool {
	text, found := types.ExprString(what), false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := l.object(id).(*types.Var); ok && v.IsField() {
				return true // which another one of that name may have
			}
		}
		if x, ok := n.(ast.Expr); ok && types.ExprString(x) == text {
			found = true
		}
		return !found
	})
	return found
}

// sum allows x = x + y, and x = checked.Add(fault, x, y) and the like, of integers.
func (l *loop) sum(lhs, rhs ast.Expr) bool {
	b, ok := core(l.Info.TypeOf(lhs)).(*types.Basic)
	if !ok || b.Info()&types.IsInteger == 0 {
		return false
	}
	var x, y ast.Expr
	switch e := ast.Unparen(rhs).(type) {
	case *ast.BinaryExpr:
		x, y = e.X, e.Y
		if e.Op == token.ADD && same(y, lhs) {
			x, y = y, x
		}
		if e.Op != token.ADD && e.Op != token.SUB {
			return false
		}
	case *ast.CallExpr:
		if f := l.callee(e).fn; f == nil || len(e.Args) != 3 || f.Pkg() == nil ||
			f.Pkg().Path() != "github.com/cqrsgen/cqrsgen/runtime/checked" || f.Name() != "Add" && f.Name() != "Sub" {
			return false
		}
		x, y = e.Args[1], e.Args[2]
	default:
		return false
	}
	return same(x, lhs) && !l.reads(y, lhs)
}

func same(a, b ast.Expr) bool {
	return types.ExprString(ast.Unparen(a)) == types.ExprString(ast.Unparen(b))
}

// extremeOf allows x = max(x, y).
func (l *loop) extremeOf(lhs, rhs ast.Expr) bool {
	call, ok := ast.Unparen(rhs).(*ast.CallExpr)
	if name := ""; ok {
		name = l.builtin(call)
		return (name == "min" || name == "max") && slices.ContainsFunc(call.Args, func(e ast.Expr) bool { return same(e, lhs) })
	}
	return false
}

// logical allows x = x || y and x = x && y.
func (l *loop) logical(lhs, rhs ast.Expr) bool {
	e, ok := ast.Unparen(rhs).(*ast.BinaryExpr)
	if !ok || e.Op != token.LOR && e.Op != token.LAND {
		return false
	}
	return same(e.X, lhs) && !l.reads(e.Y, lhs) || same(e.Y, lhs) && !l.reads(e.X, lhs)
}

// extreme allows `if y > x { x = y }` and `if x == 0 || y > x { x = y }`, with nothing else in it.
func (l *loop) extreme(s *ast.IfStmt) bool {
	if len(s.Body.List) != 1 || s.Else != nil {
		return false
	}
	a, ok := s.Body.List[0].(*ast.AssignStmt)
	if !ok || a.Tok != token.ASSIGN || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
		return false
	}
	cond := ast.Unparen(s.Cond)
	if or, ok := cond.(*ast.BinaryExpr); ok && or.Op == token.LOR {
		if l.dependent(or.X) && !l.reads(or.X, a.Lhs[0]) {
			return false
		}
		cond = ast.Unparen(or.Y)
	}
	if call, ok := cond.(*ast.CallExpr); ok {
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || len(call.Args) != 1 || sel.Sel.Name != "After" && sel.Sel.Name != "Before" {
			return false
		}
		return l.compared(sel.X, call.Args[0], a)
	}
	c, ok := cond.(*ast.BinaryExpr)
	if !ok || c.Op != token.LSS && c.Op != token.GTR && c.Op != token.LEQ && c.Op != token.GEQ {
		return false
	}
	return l.compared(c.X, c.Y, a)
}

func (l *loop) compared(x, y ast.Expr, a *ast.AssignStmt) bool {
	l.adds = true
	return same(x, a.Lhs[0]) && same(y, a.Rhs[0]) || same(x, a.Rhs[0]) && same(y, a.Lhs[0])
}

// collected allows keys = append(keys, …) if keys is sorted behind the loop.
func (l *loop) collected(lhs, rhs ast.Expr) bool {
	call, ok := ast.Unparen(rhs).(*ast.CallExpr)
	if !ok || l.builtin(call) != "append" || !same(call.Args[0], lhs) {
		return false
	}
	for _, arg := range call.Args[1:] {
		if l.reads(arg, lhs) {
			return false
		}
	}
	sorted, tie := l.sortedAfter(lhs, l.stmt.End(), l.elementOf(call.Args[1:]))
	if !sorted && tie.IsValid() {
		l.fail(call.Pos(), fmt.Sprintf("collects %s, which line %d sorts by what several may have in common: compare the keys as well",
			exprString(lhs), l.body.at(tie).Line))
		return true
	}
	return sorted
}

// sortedAfter reports whether what an expression names is sorted behind a place in the function, and where by a comparison
// that leaves some of them in the order that they had.
func (b *body) sortedAfter(e ast.Expr, after token.Pos, of element) (sorted bool, tie token.Pos) {
	for n := range b.parents {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < after || len(call.Args) == 0 {
			continue
		}
		f := b.callee(call).fn
		switch {
		case f == nil || f.Pkg() == nil || !sorts(f) || !mentions(call.Args[0], e):
		case !b.ties(call, of):
			return true, token.NoPos
		case !tie.IsValid() || call.Pos() < tie:
			tie = call.Pos()
		}
	}
	return false, tie
}

// mentions reports whether an argument is an expression, or a conversion of it.
func mentions(arg, e ast.Expr) bool {
	if call, ok := ast.Unparen(arg).(*ast.CallExpr); ok && len(call.Args) > 0 {
		return mentions(call.Args[0], e)
	}
	return same(arg, e)
}

func sorts(f *types.Func) bool {
	switch f.Pkg().Path() {
	case "sort":
		return slices.Contains([]string{"Slice", "SliceStable", "Sort", "Stable", "Strings", "Ints", "Float64s"}, f.Name())
	case "slices", "golang.org/x/exp/slices":
		return slices.Contains([]string{
			"Sort", "SortFunc", "SortStableFunc", "Sorted", "SortedFunc", "SortedStableFunc", "Max", "Min",
		}, f.Name())
	}
	return false
}

// expression allows calls that change nothing outside of the turn.
func (l *loop) expression(e ast.Expr) {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return
	}
	switch l.builtin(call) {
	case "delete":
		l.adds = true
		return
	case "panic":
		if l.dependent(call.Args[0]) {
			l.fail(call.Pos(), "panics with what depends on which key came first")
		}
		l.ends = call.Pos()
		return
	case "copy", "clear":
		if v := l.baseOf(call.Args[0]); v == nil || !l.inner(v) {
			l.fail(call.Pos(), "changes "+exprString(call.Args[0])+" in each turn")
		}
		return
	}
	l.calling(call)
}

// calling checks a call whose result nobody takes: it is made for what it changes.
func (l *loop) calling(call *ast.CallExpr) {
	c := l.callee(call)
	if c.fn != nil && ofSet(c) {
		l.adds = true
		return
	}
	if c.recv != nil {
		if v := l.baseOf(c.recv); v != nil && l.inner(v) {
			return
		}
	}
	for _, e := range append(slices.Clone(call.Args), c.recv) {
		if e == nil {
			continue
		}
		t := l.Info.TypeOf(e)
		if v := l.baseOf(e); v != nil && !l.inner(v) && (l.shares.can(t) || e == c.recv && l.takesPointer(c)) {
			l.fail(call.Pos(), "calls "+exprString(call.Fun)+" in each turn, which may change "+exprString(e))
			return
		}
		if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
			if v := l.baseOf(u.X); v != nil && !l.inner(v) {
				l.fail(call.Pos(), "calls "+exprString(call.Fun)+" in each turn, which may change "+exprString(u.X))
				return
			}
		}
	}
	if v := l.baseOf(call.Fun); c.fn == nil && (v == nil || !l.inner(v)) {
		l.fail(call.Pos(), "calls "+exprString(call.Fun)+" in each turn, which may change something in their order")
	}
}

func (l *loop) takesPointer(c callee) bool {
	_, ok := types.Unalias(c.fn.Signature().Recv().Type()).(*types.Pointer)
	return ok
}

// unorderedCall returns the name of the function if an expression is a call of maps.Keys or the like, "" otherwise.
func (b *body) unorderedCall(e ast.Expr) string {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return ""
	}
	f := b.callee(call).fn
	if f == nil || f.Pkg() == nil {
		return ""
	}
	if s, ok := lookup(f); ok && s.Unordered {
		return f.Name()
	}
	return ""
}

// unordered notes maps.Keys and the like, unless what they give is sorted at once, goes into a map or a loop, or is
// sorted later.
func (b *body) unordered(call *ast.CallExpr, s Symbol) {
	if !s.Unordered {
		return
	}
	of := element{isKey: b.callee(call).fn.Name() == "Keys"}
	switch parent := b.parents[call].(type) {
	case *ast.RangeStmt:
		return // which looks at it
	case *ast.CallExpr:
		if b.ties(parent, of) {
			b.effect(MapOrder, call.Pos(), "sorts %s by what several may have in common: compare the keys as well", exprString(call))
			return
		}
		if b.builtin(parent) == "len" || b.takesAnyOrder(parent) {
			return
		}
		if f := b.callee(parent).fn; f != nil && f.Pkg() != nil && f.Name() == "Collect" && b.assignedSorted(parent, of) {
			return
		}
	}
	if b.assignedSorted(call, of) {
		return
	}
	b.effect(MapOrder, call.Pos(), "takes %s in no order: slices.Sorted(%[1]s) sorts it", exprString(call))
}

// takesAnyOrder reports whether a function does the same whatever order it is given values in.
func (b *body) takesAnyOrder(call *ast.CallExpr) bool {
	f := b.callee(call).fn
	if f == nil || f.Pkg() == nil {
		return false
	}
	switch f.Pkg().Path() {
	case "slices":
		return sorts(f)
	case "maps":
		return f.Name() == "Collect" || f.Name() == "Insert"
	}
	return false
}

// assignedSorted reports whether a call's result goes to a variable that is sorted later.
func (b *body) assignedSorted(call *ast.CallExpr, of element) bool {
	a, ok := b.parents[call].(*ast.AssignStmt)
	if !ok || len(a.Lhs) != 1 {
		return false
	}
	sorted, _ := b.sortedAfter(a.Lhs[0], a.End(), of)
	return sorted
}
