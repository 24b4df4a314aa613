package purity

import (
	"go/ast"
	"slices"
)

// usedResults finds calls in a loop whose results are used, and that change what is outside of the turn: what they return, or
// leave behind, is in the order of the turns. Unlike calls that are made for what they change alone, they are only taken to
// change what is known to be changed.
func (l *loop) usedResults() {
	ast.Inspect(l.stmt.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || l.why != "" {
			return l.why == ""
		}
		if _, alone := l.parents[call].(*ast.ExprStmt); alone {
			return true
		}
		if l.builtin(call) == "copy" {
			l.changedIn(call, call.Args[0])
			return true
		}
		c := l.callee(call)
		if c.fn == nil || ofSet(c) {
			return true
		}
		passed := slices.Clone(call.Args)
		if c.recv != nil {
			passed = append([]ast.Expr{c.recv}, passed...)
		}
		for _, i := range l.changedBy(c) {
			if i < len(passed) {
				l.changedIn(call, passed[i])
			}
		}
		return true
	})
}

// ofSet reports whether a method adds to a set, or removes from one, whatever the order is.
func ofSet(c callee) bool {
	return c.recv != nil && c.fn.Pkg() != nil && c.fn.Pkg().Path() == "github.com/cqrsgen/cqrsgen/runtime/cqrs" &&
		(c.fn.Name() == "Add" || c.fn.Name() == "Remove")
}

// changedIn notes that a call changes what an expression names, if that is none of the turn's own.
func (l *loop) changedIn(call *ast.CallExpr, e ast.Expr) {
	e = ast.Unparen(e)
	if ref, ok := e.(*ast.UnaryExpr); ok {
		e = ast.Unparen(ref.X)
	}
	if v := l.baseOf(e); v != nil && !l.inner(v) && !l.own(e) {
		l.fail(call.Pos(), "calls "+exprString(call.Fun)+" in each turn, which changes "+exprString(e))
	}
}

// changedBy are the parameters, from the receiver on, that a function is known to change.
func (l *loop) changedBy(c callee) (all []int) {
	if isInterfaceMethod(c.fn) {
		return nil
	}
	if f := l.enteredFunc(c.fn); f != nil {
		for i := range f.Params {
			if l.writes(parameter{f, i}, map[parameter]bool{}) {
				all = append(all, i)
			}
		}
		return all
	}
	s, ok := l.notEntered(c.fn)
	switch {
	case !ok:
		return nil
	case s.Said:
		return s.Changes
	}
	return pointers(c.fn)
}

// parameter is one of a function, from the receiver on.
type parameter struct {
	of *Func
	n  int
}

// writes reports whether a function changes what a parameter leads to, itself or by what it calls.
func (c *collector) writes(p parameter, seen map[parameter]bool) bool {
	if seen[p] {
		return false
	}
	seen[p] = true
	if slices.ContainsFunc(p.of.Writes, func(w Write) bool { return w.Global == "" && w.Param == p.n }) {
		return true
	}
	for _, u := range p.of.Uses {
		called := c.funcs[u.Name]
		if !u.Called || called == nil {
			continue
		}
		for i, arg := range u.Args {
			given := slices.ContainsFunc(arg, func(o Origin) bool { return o.Global == "" && o.Param == p.n && o.Fresh == 0 })
			if given && c.writes(parameter{called, i}, seen) {
				return true
			}
		}
	}
	return false
}
