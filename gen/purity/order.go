package purity

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A variable that is given another value is another variable from there on, so that what it named before does not matter
// any more: where the statement stands in the block that declares the variable, so that it runs before all that stands
// below it there, and where nothing else, a closure or a pointer, gets at the variable.

// assignments finds such statements, and has the names behind them stand for variables of their own.
func (b *body) assignments() {
	b.versions = map[*ast.Ident]*types.Var{}
	given := map[*types.Var][]ast.Stmt{}
	for _, root := range b.nodes {
		if _, block := root.(*ast.BlockStmt); !block || jumps(root) {
			return // the value of a package variable assigns nothing but in closures
		}
		ast.Inspect(root, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || a.Tok != token.ASSIGN && a.Tok != token.DEFINE {
				return true
			}
			for _, lhs := range a.Lhs {
				if v := b.givenAnew(lhs, a); v != nil {
					given[v] = append(given[v], a)
				}
			}
			return true
		})
	}
	for v, at := range given {
		if !b.sharedVar(v) {
			b.split(v, at)
		}
	}
}

// jumps reports whether a function has a goto, so that its statements may run in any order.
func jumps(root ast.Node) (found bool) {
	ast.Inspect(root, func(n ast.Node) bool {
		if branch, ok := n.(*ast.BranchStmt); ok && branch.Tok == token.GOTO {
			found = true
		}
		return !found
	})
	return found
}

// givenAnew returns the variable that a statement of the block in which it is declared gives a value as a whole; nil if
// it is no such one.
func (b *body) givenAnew(lhs ast.Expr, a *ast.AssignStmt) *types.Var {
	id, ok := lhs.(*ast.Ident)
	if !ok {
		return nil
	}
	v, ok := b.Info.Uses[id].(*types.Var)
	if !ok || isGlobal(v) || b.isResult(v) {
		return nil
	}
	block := b.parents[a]
	if _, param := b.params[v]; param {
		if slices.Contains(b.nodes, block) {
			return v
		}
		return nil
	}
	if list, ok := block.(*ast.BlockStmt); ok && slices.ContainsFunc(list.List, func(s ast.Stmt) bool { return b.declares(s, v) }) {
		return v
	}
	return nil
}

func (b *body) isResult(v *types.Var) bool {
	for i := range b.results.Len() {
		if b.results.At(i) == v {
			return true
		}
	}
	return false
}

// declares reports whether a statement itself declares a variable.
func (b *body) declares(s ast.Stmt, v *types.Var) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return slices.ContainsFunc(s.Lhs, func(e ast.Expr) bool {
			id, ok := e.(*ast.Ident)
			return ok && b.Info.Defs[id] == v
		})
	case *ast.DeclStmt:
		return s.Pos() <= v.Pos() && v.Pos() < s.End()
	}
	return false
}

// sharedVar reports whether a closure or a pointer leads to a variable.
func (b *body) sharedVar(v *types.Var) (found bool) {
	for _, root := range b.nodes {
		ast.Inspect(root, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if b.Info.Uses[n] == v && b.literalAround(n) != nil {
					found = true
				}
			case ast.Expr:
				if x := b.addressed(n); x != nil && b.startsWith(x, v) {
					found = true
				}
			}
			return !found
		})
	}
	return found
}

// addressed returns the expression of which another one takes the address: for a pointer, for a part of an array, or for a
// method that is one of pointers.
func (b *body) addressed(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return e.X
		}
	case *ast.SliceExpr:
		if _, ok := b.Info.TypeOf(e.X).Underlying().(*types.Array); ok {
			return e.X
		}
	case *ast.SelectorExpr:
		s := b.Info.Selections[e]
		if s == nil || s.Kind() != types.MethodVal || isPointer(s.Recv()) {
			return nil
		}
		if isPointer(s.Obj().(*types.Func).Signature().Recv().Type()) {
			return e.X
		}
	}
	return nil
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// startsWith reports whether an expression names a variable, or a part of it.
func (b *body) startsWith(e ast.Expr, v *types.Var) bool {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			return b.Info.Uses[x] == v
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		default:
			return false
		}
	}
}

// split has the names of a variable stand for another one from each of the statements on.
func (b *body) split(v *types.Var, at []ast.Stmt) {
	slices.SortFunc(at, func(a, b ast.Stmt) int { return int(a.Pos() - b.Pos()) })
	versions := make([]*types.Var, len(at))
	for i := range at {
		versions[i] = types.NewVar(v.Pos(), v.Pkg(), v.Name(), v.Type())
	}
	for _, root := range b.nodes {
		ast.Inspect(root, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || b.Info.Uses[id] != v {
				return true
			}
			for i, s := range at {
				a, _ := s.(*ast.AssignStmt)
				if s.End() <= id.Pos() || slices.Contains(a.Lhs, ast.Expr(id)) {
					b.versions[id] = versions[i]
				}
			}
			return true
		})
	}
}
