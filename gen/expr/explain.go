package expr

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// explain finds the smallest parts that go/types refuses, and says in the model's words what is wrong with each. It
// reports whether the part is right.
func (c *checker) explain(x ast.Expr) bool { return c.explainPart(x, false) }

// explainPart is explain for a part of which something is selected, or which is called, where it need not be a value.
func (c *checker) explainPart(x ast.Expr, base bool) bool {
	if c.bad[x] {
		return false
	}
	ok := true
	_, selects := x.(*ast.SelectorExpr)
	call, calls := x.(*ast.CallExpr)
	for _, part := range c.parts(x) {
		ok = c.explainPart(part, selects || calls && part == call.Fun) && ok
	}
	if !ok {
		return false
	}
	tv, err := c.check(x)
	switch {
	case err == nil && !base && c.noValue(x, tv):
		return false
	case err == nil && tv.Type == types.Typ[types.Invalid]:
		c.silent = true
		return false
	case err == nil:
		return true
	}
	switch x := x.(type) {
	case *ast.SelectorExpr:
		c.wrongField(x)
	case *ast.IndexExpr:
		c.wrongIndex(x)
	case *ast.UnaryExpr:
		c.wrongOperand(x.Op, x, x.X)
	case *ast.BinaryExpr:
		c.wrongOperands(x)
	case *ast.CallExpr:
		c.wrongCall(x)
	default:
		hint := ""
		if c.text(x) == "none" {
			hint = "whether an optional has a value, `.Present()` says"
		}
		c.errorf(diag.ExprForm, x, hint, "`%s` is not a value", c.text(x))
	}
	return false
}

// noValue reports a part that go/types takes for right, and that is no value of the model.
func (c *checker) noValue(x ast.Expr, tv types.TypeAndValue) bool {
	_, function := tv.Type.(*types.Signature)
	t := c.typeOf(tv.Type)
	switch x := x.(type) {
	case *ast.Ident:
		switch {
		case tv.IsType():
			c.errorf(diag.ExprForm, x, c.rootsHint(), "%s is a type, and no value", x.Name)
		case tv.IsBuiltin() || function:
			c.errorf(diag.ExprForm, x, "write `"+c.calls[x.Name].Signature+"`", "%s is a function: it must be called", x.Name)
		case t != nil && t.Class == Root:
			c.errorf(diag.ExprForm, x, "name one of its fields", "`%s` alone is not a value", x.Name)
		}
	case *ast.SelectorExpr:
		if function {
			c.errorf(diag.ExprForm, x.Sel, "write `."+x.Sel.Name+"(…)`", "%s is a method: it must be called", x.Sel.Name)
		}
	case *ast.IndexExpr:
		if of, _ := c.typeIn(x.X); of != nil && of.Class != Map && of.Class != Set {
			c.wrongIndex(x)
		}
	case *ast.CallExpr:
		if id, ok := x.Fun.(*ast.Ident); ok && c.wanted[x] == nil && c.typeNamed(id.Name) != nil && tv.Value == nil {
			have, _ := c.typeIn(x.Args[0])
			if want := c.typeNamed(id.Name); have != nil && !c.convertible(have, want) {
				c.wrongConversion(x, want)
			}
		}
	}
	return c.bad[x] || c.failedAt(x)
}

// failedAt reports whether a part of x was reported.
func (c *checker) failedAt(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.SelectorExpr:
		return c.bad[x.Sel]
	case *ast.CallExpr:
		return len(x.Args) > 0 && c.bad[x.Args[0]]
	}
	return false
}

// parts are the parts of an expression that are expressions themselves.
func (c *checker) parts(x ast.Expr) []ast.Expr {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return []ast.Expr{x.X}
	case *ast.SelectorExpr:
		return []ast.Expr{x.X}
	case *ast.IndexExpr:
		return []ast.Expr{x.X, x.Index}
	case *ast.UnaryExpr:
		return []ast.Expr{x.X}
	case *ast.BinaryExpr:
		return []ast.Expr{x.X, x.Y}
	case *ast.CallExpr:
		parts := x.Args
		if sel, ok := x.Fun.(*ast.SelectorExpr); ok {
			parts = append([]ast.Expr{sel}, parts...)
		} else if c.bad[x.Fun] {
			parts = append([]ast.Expr{x.Fun}, parts...)
		}
		return parts
	case *ast.CompositeLit:
		var parts []ast.Expr
		for _, e := range x.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				parts = append(parts, kv.Value)
			}
		}
		return parts
	}
	return nil
}

// typeIn returns the type of a part that is right, nil where it has none that the model knows: then untyped has the
// word for it.
func (c *checker) typeIn(x ast.Expr) (t *Type, untyped string) {
	tv, _ := c.check(x)
	if b, ok := tv.Type.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		switch {
		case b.Info()&types.IsString != 0:
			return nil, "a text"
		case b.Info()&types.IsBoolean != 0:
			return nil, "a bool"
		case b.Info()&types.IsInteger != 0:
			return nil, "a whole number"
		case b.Info()&types.IsNumeric != 0:
			return nil, "a number"
		}
	}
	return c.typeOf(tv.Type), ""
}

// words says what a part is: "int64", "a text".
func (c *checker) words(x ast.Expr) string {
	t, untyped := c.typeIn(x)
	switch {
	case untyped != "":
		return untyped
	case t == nil:
		return "not a value"
	}
	return t.String()
}

// rootsHint says what an expression can start from.
func (c *checker) rootsHint() string {
	names := slices.Sorted(maps.Keys(c.scope))
	if len(names) == 0 {
		return ""
	}
	return "an expression can start from " + strings.Join(names, ", ")
}

// nothings are what other languages call none.
var nothings = []string{"nil", "null", "undefined", "None", "nothing", "Nil", "NULL"}

// unknownName reports a name that stands for nothing.
func (c *checker) unknownName(x *ast.Ident) {
	hint := ""
	switch {
	case slices.Contains(nothings, x.Name):
		hint = "an absent optional is `none`"
	case x.Name == "True" || x.Name == "TRUE" || x.Name == "False" || x.Name == "FALSE":
		hint = "write " + strings.ToLower(x.Name)
	}
	if hint == "" {
		hint = c.meant(x.Name)
	}
	if hint == "" {
		candidates := slices.Sorted(maps.Keys(c.scope))
		if near := diag.Nearest(x.Name, append(candidates, slices.Sorted(maps.Keys(c.declared))...)); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		} else {
			hint = c.rootsHint()
		}
	}
	c.errorf(diag.ExprName, x, hint, "unknown name %q", x.Name)
}

// meant says what a name without its beginning was probably meant to be: a field of a root, or a value of an enum.
func (c *checker) meant(name string) string {
	var found []string
	for _, root := range slices.Sorted(maps.Keys(c.scope)) {
		if t := c.scope[root]; t != nil && t.field(name) != nil {
			found = append(found, "`"+root+"."+name+"`")
		}
	}
	for _, enum := range slices.Sorted(maps.Keys(c.declared)) {
		if t := c.declared[enum]; t.Class == Enum && slices.Contains(t.values, name) {
			found = append(found, "`"+enum+"."+name+"`")
		}
	}
	if len(found) == 0 || len(found) > 4 {
		return ""
	}
	return "did you mean " + strings.Join(found, " or ") + "?"
}

// valueHint says which value of an enum was probably meant.
func (c *checker) valueHint(t *Type, name string) string { return diag.DidYouMean(name, t.values) }

// unknownField reports a name that is no field of a type.
func (c *checker) unknownField(sel *ast.Ident, t *Type) {
	if t.open {
		c.silent = true
		return
	}
	var names []string
	for _, f := range t.fields {
		names = append(names, f.Name)
	}
	of := t.Name
	if t.Class == Struct {
		of = "the struct " + t.Name
	}
	hint := c.elsewhere(sel.Name, t)
	if hint == "" {
		hint = diag.DidYouMean(sel.Name, names)
	}
	c.errorf(diag.ExprField, sel, hint, "%s has no field %q", of, sel.Name)
}

// elsewhere says where that stands which people look for in an event: its stream's id, and what is known about it.
func (c *checker) elsewhere(name string, of *Type) string {
	event, stream, meta := c.scope["event"], c.scope["stream"], c.scope["meta"]
	switch {
	case event == nil || event != of:
	case stream != nil && (name == "id" || name == "stream"):
		return "the id of its stream is `stream.id`"
	case meta != nil && meta.field(name) != nil:
		return "what is known about an event stands in `meta." + name + "`"
	case meta != nil && (name == "timestamp" || name == "at" || name == "occurredAt" || name == "createdAt"):
		return "when it happened stands in `meta.time`"
	}
	return ""
}

// wrongField explains a selection.
func (c *checker) wrongField(x *ast.SelectorExpr) {
	t, untyped := c.typeIn(x.X)
	c.bad[x] = true
	if t == nil {
		if untyped == "" {
			untyped = "`" + c.text(x.X) + "`"
		}
		c.errorf(diag.ExprField, x.Sel, "", "%s has no %q", untyped, x.Sel.Name)
		return
	}
	if t.Class == Struct || t.Class == Root {
		c.unknownField(x.Sel, t)
		return
	}
	var names []string
	for _, m := range methodsOf(t) {
		names = append(names, m.Name)
	}
	hint, text := diag.DidYouMean(x.Sel.Name, names), c.text(x.X)
	switch t.Class {
	case Optional:
		if t.Elem.Class == Struct && t.Elem.field(x.Sel.Name) != nil {
			hint = "a path can't lead through an optional: ask `" + text + ".Present()`, and keep what is needed in a " +
				"field of its own"
		}
	case List:
		hint = "a list holds many values: a fold in Go can go through them"
	case Set:
		hint = "a set holds many values: `" + text + "[value]` says whether it has one"
	case Map:
		hint = "a map holds many values: `" + text + "[key]` is one of them"
	}
	c.errorf(diag.ExprField, x.Sel, hint, "`%s` is %s, which has no %q", text, t, x.Sel.Name)
}

func (c *checker) wrongIndex(x *ast.IndexExpr) {
	t, _ := c.typeIn(x.X)
	if t != nil && t.Class == Set {
		c.mismatch(x.Index, t.Elem, "`"+c.text(x.X)+"` is "+t.String())
		c.bad[x] = true
		return
	}
	if t == nil || t.Class != Map {
		c.errorf(diag.ExprForm, x.X, c.notIndexed(t), "`%s` is %s, of which no single value can be taken",
			c.text(x.X), c.words(x.X))
		c.bad[x] = true
		return
	}
	c.mismatch(x.Index, t.Key, "the key of `"+c.text(x.X)+"` is "+t.Key.String())
	c.bad[x] = true
}

// notIndexed says why only maps are indexed.
func (c *checker) notIndexed(t *Type) string {
	if t != nil && (t.Class == List || t.Kind == String || t.Kind == Bytes) {
		return "an index may lie outside: keep a map, or write this fold in Go"
	}
	return ""
}

// mismatch reports a part that is not of the type that is wanted.
func (c *checker) mismatch(x ast.Expr, want *Type, why string) {
	have, _ := c.typeIn(x)
	if tv, err := c.check(x); err == nil && tv.Value != nil && have == nil && c.fitsKind(tv, want) {
		c.errorf(diag.ExprConstant, x, "", "%s is no value of %s", c.text(x), want)
		return
	}
	c.errorf(diag.ExprType, x, c.convertHint(x, have, want), "`%s` is %s, and %s", c.text(x), c.words(x), why)
}

// fitsKind reports whether a constant is a number where one is wanted, so that only its size can be wrong.
func (c *checker) fitsKind(tv types.TypeAndValue, want *Type) bool {
	b, ok := want.gotype.Underlying().(*types.Basic)
	have, is := tv.Type.(*types.Basic)
	return ok && is && b.Info()&types.IsNumeric != 0 && have.Info()&types.IsNumeric != 0
}

// convertHint says how a value becomes one of another type, empty where it can't.
func (c *checker) convertHint(x ast.Expr, have, want *Type) string {
	text := c.text(x)
	if have == nil || want == nil {
		if want != nil && want.Class == Enum {
			return "write `" + want.Name + "." + first(want.values) + "`, or another of its values"
		}
		return ""
	}
	switch {
	case have.Class == Scalar && want.Class == Scalar && have.Kind == Time && want.Kind == Date:
		return "write `" + text + ".Date()`"
	case have.Class == Scalar && want.Class == Scalar && have.Kind == Date && want.Kind == Time:
		return "write `" + text + ".Time()`"
	case have.Class == Optional && have.Elem == want:
		return "write `" + text + ".Or(…)`, with what stands for an absent one"
	case want.Class == Optional && have == want.Elem:
		return "" // it is taken as it is where an optional is wanted
	case want.Class == Optional && c.convertible(have, want.Elem):
		return "write `" + want.Elem.String() + "(" + text + ")`"
	case c.convertible(have, want):
		return "write `" + want.String() + "(" + text + ")`"
	}
	return ""
}

func first(values []string) string {
	if len(values) == 0 {
		return "…"
	}
	return values[0]
}

// wrongOperand explains an operator that does not apply.
func (c *checker) wrongOperand(op token.Token, x, operand ast.Expr) {
	hint := ""
	t, _ := c.typeIn(operand)
	switch {
	case t != nil && decimal(t) && op == token.QUO:
		hint = "a quotient has to be rounded: write this fold in Go, with Quo"
	case t != nil && t.Class == Optional:
		hint = "write `" + c.text(operand) + ".Present()` or `" + c.text(operand) + ".Or(…)`"
	case op == token.NOT && t != nil && t.Kind == String:
		hint = "write `" + c.text(operand) + ` == ""` + "`"
	case t != nil && (t.Class == List || t.Class == Set || t.Class == Map):
		hint = "compare its `len(…)`"
	}
	c.bad[x] = true
	c.errorf(diag.ExprOperator, operand, hint, "`%s` does not apply to `%s`, which is %s",
		op, c.text(operand), c.words(operand))
}

// wrongOperands explains an operator between two values.
func (c *checker) wrongOperands(x *ast.BinaryExpr) {
	left, lw := c.typeIn(x.X)
	right, rw := c.typeIn(x.Y)
	c.bad[x] = true
	if (x.Op == token.QUO || x.Op == token.REM) && c.isZero(x.Y) {
		c.errorf(diag.ExprConstant, x.Y, "", "nothing can be divided by zero")
		return
	}
	switch {
	case left != nil && right != nil && left == right, left == nil && right == nil && lw == rw:
		c.wrongOperand(x.Op, x, x.X)
		return
	case left != nil && right == nil && lw == "" && c.constantFor(x.Y, left):
		c.mismatch(x.Y, left, "")
		return
	case right != nil && left == nil && rw == "" && c.constantFor(x.X, right):
		c.mismatch(x.X, right, "")
		return
	}
	hint := ""
	switch {
	case left != nil && right != nil && narrows(right, left) && !narrows(left, right):
		hint = c.convertHint(x.X, left, right)
	case left != nil && right != nil:
		if hint = c.convertHint(x.Y, right, left); hint == "" {
			hint = c.convertHint(x.X, left, right)
		}
	case left != nil && left.Class == Enum:
		hint = c.convertHint(x.Y, nil, left)
	case right != nil && right.Class == Enum:
		hint = c.convertHint(x.X, nil, right)
	case left != nil && left.Class == Optional:
		hint = "write `" + c.text(x.X) + ".Or(…)` or `" + c.text(x.X) + ".Present()`"
	case right != nil && right.Class == Optional:
		hint = "write `" + c.text(x.Y) + ".Or(…)` or `" + c.text(x.Y) + ".Present()`"
	}
	c.errorf(diag.ExprMismatch, x, hint, "`%s` is %s, and `%s` is %s",
		c.text(x.X), c.words(x.X), c.text(x.Y), c.words(x.Y))
}

// constantFor reports whether a constant is of the right sort, so that its value is what is wrong.
func (c *checker) constantFor(x ast.Expr, t *Type) bool {
	tv, err := c.check(x)
	return err == nil && tv.Value != nil && c.fitsKind(tv, t)
}

func (c *checker) isZero(x ast.Expr) bool {
	tv, err := c.check(x)
	return err == nil && tv.Value != nil && (tv.Value.ExactString() == "0")
}

// wrongCall explains a call.
func (c *checker) wrongCall(x *ast.CallExpr) {
	c.bad[x] = true
	if want, ok := c.wanted[x]; ok {
		c.mismatch(x.Args[0], want, want.String()+" is wanted here")
		return
	}
	if sel, ok := x.Fun.(*ast.SelectorExpr); ok {
		c.wrongMethod(x, sel)
		return
	}
	name := c.text(x.Fun)
	if t := c.typeNamed(name); t != nil {
		if len(x.Args) != 1 {
			c.errorf(diag.ExprCall, x, "", "`%s(…)` makes one value a %s", name, t)
			return
		}
		c.wrongConversion(x, t)
		return
	}
	f := c.calls[name]
	if n := len(x.Args); n < f.least || f.most >= 0 && n > f.most {
		c.errorf(diag.ExprCall, x, "write `"+f.Signature+"`", "%s is given %s", name, count(n, "value"))
		return
	}
	for _, a := range x.Args {
		if t, _ := c.typeIn(a); t != nil && t.Class == Optional {
			c.errorf(diag.ExprCall, a, "write `"+c.text(a)+".Or(…)`", "`%s` is %s: %s needs a value", c.text(a), t, name)
			return
		}
	}
	var given []string
	for _, a := range x.Args {
		given = append(given, "`"+c.text(a)+"` is "+c.words(a))
	}
	c.errorf(diag.ExprCall, x, "`"+f.Signature+"` gives "+f.Doc, "%s can't take these: %s",
		name, strings.Join(given, ", "))
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (c *checker) wrongMethod(x *ast.CallExpr, sel *ast.SelectorExpr) {
	t, _ := c.typeIn(sel.X)
	if t != nil {
		for _, m := range methodsOf(t) {
			if m.Name == sel.Sel.Name {
				c.wrongArguments(x, sel, t, m)
				return
			}
		}
	}
	c.errorf(diag.ExprCall, x, "leave the parentheses out", "`%s` is a field, and can't be called", c.text(sel))
}

func (c *checker) wrongArguments(x *ast.CallExpr, sel *ast.SelectorExpr, t *Type, m Method) {
	if len(x.Args) != len(m.Params) {
		c.errorf(diag.ExprCall, x, "", "%s takes %s, not %d", m.Name, count(len(m.Params), "value"), len(x.Args))
		return
	}
	for i, p := range m.Params {
		want := c.methodType(t, p)
		if wrapped := c.want(x.Args[i], want); c.explainWanted(wrapped) {
			c.mismatch(x.Args[i], want, m.Name+" takes "+want.String())
			return
		}
	}
	c.errorf(diag.ExprCall, sel.Sel, "", "%s can't take these", m.Name)
}

// explainWanted reports whether go/types refuses a value that was put into the call of a type that is wanted.
func (c *checker) explainWanted(x ast.Expr) bool {
	_, err := c.check(x)
	return err != nil
}

// methodType is the type that a word of a method's signature stands for.
func (c *checker) methodType(t *Type, word string) *Type {
	switch word {
	case self:
		return t
	case elem:
		return t.Elem
	}
	return c.scalars[Kind(word)]
}
