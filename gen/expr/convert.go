package expr

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// node makes the tree of what go/types found right, and reports what it can't know: where types of the model can do
// less than what stands for them.
func (c *checker) node(x ast.Expr) *Node {
	c.settle(x)
	switch x := x.(type) {
	case *ast.ParenExpr:
		return c.node(x.X)
	case *ast.BasicLit:
		n := c.newNode(OpLiteral, x)
		c.literal(x, n)
		return n
	case *ast.Ident:
		return c.nameNode(x)
	case *ast.SelectorExpr:
		return c.selectNode(x)
	case *ast.IndexExpr:
		return c.indexNode(x)
	case *ast.UnaryExpr:
		n := c.newNode(OpUnary, x, x.X)
		n.Name = x.Op.String()
		c.operator(x.Op, x, x.X, n.Args[0].Type)
		return n
	case *ast.BinaryExpr:
		n := c.newNode(OpBinary, x, x.X, x.Y)
		n.Name = x.Op.String()
		c.operator(x.Op, x, x.X, n.Args[0].Type)
		c.wholeQuotient(x, n)
		return n
	case *ast.CallExpr:
		return c.callNode(x)
	case *ast.CompositeLit:
		return c.buildNode(x)
	}
	panic("expr: a part that was not let through")
}

// settle gives the untyped operands of a constant the type that the constant has. go/types leaves them without one,
// since Go computes them before.
func (c *checker) settle(x ast.Expr) {
	tv := c.info.Types[x]
	if tv.Value == nil || untyped(tv.Type) {
		return
	}
	var operands []ast.Expr
	switch x := x.(type) {
	case *ast.ParenExpr:
		operands = []ast.Expr{x.X}
	case *ast.UnaryExpr:
		operands = []ast.Expr{x.X}
	case *ast.BinaryExpr:
		if tv.Value.Kind() != constant.Bool { // of a comparison the operands have another type
			operands = []ast.Expr{x.X, x.Y}
		}
	}
	for _, o := range operands {
		if have := c.info.Types[o]; untyped(have.Type) {
			have.Type = tv.Type
			c.info.Types[o] = have
		}
	}
}

func untyped(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Info()&types.IsUntyped != 0
}

func (c *checker) newNode(op Op, x ast.Expr, args ...ast.Expr) *Node {
	tv := c.info.Types[x]
	n := &Node{Op: op, At: c.at(x), Text: c.text(x), Type: c.typeOf(tv.Type), Value: tv.Value}
	for _, a := range args {
		n.Args = append(n.Args, c.node(a))
	}
	return n
}

// nameNode is a root or a constant.
func (c *checker) nameNode(x *ast.Ident) *Node {
	n := c.newNode(OpName, x)
	n.Name = x.Name
	tv := c.info.Types[x]
	switch {
	case c.noValue(x, tv):
	case strings.HasPrefix(x.Name, "none of "):
		n.Op = OpNone
	case x.Name == "true" || x.Name == "false":
		n.Op = OpLiteral
	case tv.Value != nil:
		n.Op = OpValue
	}
	return n
}

func (c *checker) selectNode(x *ast.SelectorExpr) *Node {
	n := &Node{Op: OpSelect, At: c.at(x), Text: c.text(x), Name: x.Sel.Name}
	selection := c.info.Selections[x]
	f := c.fields[selection.Obj()]
	if f == nil {
		c.noValue(x, c.info.Types[x])
		return n
	}
	n.Type, n.Ref = f.Type, f.Ref
	n.Args = []*Node{c.base(x.X)}
	return n
}

// base is what a field is selected from: here a root may stand.
func (c *checker) base(x ast.Expr) *Node {
	if id, ok := ast.Unparen(x).(*ast.Ident); ok && c.scope[id.Name] != nil {
		return &Node{Op: OpName, At: c.at(id), Name: id.Name, Type: c.scope[id.Name]}
	}
	return c.node(x)
}

func (c *checker) indexNode(x *ast.IndexExpr) *Node {
	n := c.newNode(OpIndex, x, x.X, x.Index)
	if t := n.Args[0].Type; t == nil || t.Class != Map && t.Class != Set {
		c.wrongIndex(x)
	}
	return n
}

func (c *checker) buildNode(x *ast.CompositeLit) *Node {
	n := c.newNode(OpBuild, x)
	for _, e := range x.Elts {
		kv := e.(*ast.KeyValueExpr)
		n.Fields = append(n.Fields, n.Type.field(kv.Key.(*ast.Ident).Name))
		n.Args = append(n.Args, c.node(kv.Value))
	}
	return n
}

// literal checks a constant against what the model's types hold.
func (c *checker) literal(x *ast.BasicLit, n *Node) {
	if n.Type != nil && n.Type.Class == Scalar && n.Type.Kind == Decimal {
		c.decimal(x, n)
		return
	}
	if n.Type == nil || n.Value == nil || n.Value.Kind() != constant.String {
		return
	}
	if n.Type.Class == Enum {
		c.errorf(diag.ExprConstant, x, c.enumHint(n.Type, constant.StringVal(n.Value)),
			"%s is an enum: its values are constants", n.Type)
		return
	}
	c.constant(x, n.Type, constant.StringVal(n.Value))
}

// decimal keeps a number as it is written, since go/types rounds it.
func (c *checker) decimal(x *ast.BasicLit, n *Node) {
	n.Value = constant.MakeString(x.Value)
	if _, ok := DecimalLiteral(x.Value); !ok {
		c.errorf(diag.ExprConstant, x, "it is written like 119.50, with at most 19 digits", "%s is no value of %s",
			x.Value, n.Type)
	}
}

func (c *checker) enumHint(t *Type, value string) string {
	if slices.Contains(t.values, value) {
		if ast.IsExported(value) || token.IsIdentifier(value) {
			return "write `" + t.Name + "." + value + "`"
		}
		return "write `" + t.Name + `("` + value + `")` + "`"
	}
	return diag.DidYouMean(value, t.values)
}

// wholeQuotient reports a number with a point that is written as the quotient of two whole ones: Go computes 1 / 2
// without its rest.
func (c *checker) wholeQuotient(x *ast.BinaryExpr, n *Node) {
	left, whole := x.X.(*ast.BasicLit)
	right, both := x.Y.(*ast.BasicLit)
	if !whole || !both || x.Op != token.QUO || left.Kind != token.INT || right.Kind != token.INT ||
		n.Type == nil || n.Type.Kind != Float64 || n.Value == nil {
		return
	}
	a, b := constant.MakeFromLiteral(left.Value, token.INT, 0), constant.MakeFromLiteral(right.Value, token.INT, 0)
	if constant.Sign(constant.BinaryOp(a, token.REM, b)) != 0 {
		c.errorf(diag.ExprConstant, x, "write `"+left.Value+".0 / "+right.Value+"`",
			"`%s` is %s: whole numbers are divided without a rest", c.text(x), n.Value)
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// constant checks the text of a constant of a type that is no string, though go/types takes it for one.
func (c *checker) constant(x ast.Expr, t *Type, text string) {
	if t.Class != Scalar {
		return
	}
	ok, form := true, ""
	switch t.Kind {
	case Date:
		_, err := time.Parse(time.DateOnly, text)
		ok, form = err == nil, "2026-03-01"
	case Time:
		at, err := time.Parse(time.RFC3339Nano, text)
		ok = err == nil && strings.HasSuffix(text, "Z") && at.Nanosecond()%1000 == 0 && at.Year() > 0
		form = "2026-03-01T10:00:00Z"
	case UUID:
		ok, form = uuidForm.MatchString(text), "0190f1ee-6c54-7b01-90e6-d701748f0851"
	}
	if !ok {
		c.errorf(diag.ExprConstant, x, "it is written like \""+form+"\"", "%q is no value of %s", text, t)
	}
}

// operator reports an operator that a type of the model does not have, though what stands for it has.
func (c *checker) operator(op token.Token, x, operand ast.Expr, t *Type) {
	if t == nil || c.bad[x] {
		return
	}
	equality := op == token.EQL || op == token.NEQ
	ordering := op == token.LSS || op == token.LEQ || op == token.GTR || op == token.GEQ
	ok := true
	switch {
	case t.Class == Enum:
		ok = equality
	case t.Class != Scalar:
		ok = equality && comparable(t)
	case t.Kind == UUID:
		ok = equality
	case t.Kind == Time || t.Kind == Date:
		ok = equality || ordering
	case t.Kind == Bytes:
		ok = false
	case t.Kind == Decimal:
		ok = op != token.QUO
	}
	if !ok {
		c.wrongOperand(op, x, operand)
	}
}

// comparable reports whether values of a type can be compared in the Go that is generated.
func comparable(t *Type) bool {
	switch t.Class {
	case List, Set, Map, Root, External:
		return false
	case Optional:
		return comparable(t.Elem)
	case Struct:
		return !slices.ContainsFunc(t.fields, func(f Field) bool { return f.Type == nil || !comparable(f.Type) })
	}
	return t.Kind != Bytes
}

func (c *checker) callNode(x *ast.CallExpr) *Node {
	if _, ok := c.wanted[x]; ok {
		return c.wantedNode(x)
	}
	if sel, ok := x.Fun.(*ast.SelectorExpr); ok {
		n := c.newNode(OpMethod, x, append([]ast.Expr{sel.X}, x.Args...)...)
		n.Name = sel.Sel.Name
		return n
	}
	name := x.Fun.(*ast.Ident).Name
	if c.typeNamed(name) != nil {
		return c.conversion(x)
	}
	n := c.newNode(OpCall, x, x.Args...)
	n.Name, n.Spread = name, x.Ellipsis.IsValid()
	c.arguments(x, n)
	return n
}

// wantedNode leaves out the call that was put around a value, or makes an optional of it.
func (c *checker) wantedNode(x *ast.CallExpr) *Node {
	value := c.node(x.Args[0])
	if !strings.HasPrefix(x.Fun.(*ast.Ident).Name, "some ") {
		return value
	}
	return &Node{Op: OpSome, At: value.At, Text: value.Text, Type: c.wanted[x], Args: []*Node{value}}
}

// arguments reports values that a function does not take, though go/types lets them pass.
func (c *checker) arguments(x *ast.CallExpr, n *Node) {
	if len(n.Args) < c.calls[n.Name].least {
		c.wrongCall(x)
		return
	}
	for i, a := range n.Args {
		t := a.Type
		if t == nil || t.Class != Scalar {
			continue
		}
		ok := true
		switch n.Name {
		case "len":
			ok = t.Kind == String || t.Kind == Bytes
		case "lower", "upper", "trim":
			ok = t.Kind == String
		case "min", "max":
			ok = t.Kind == String || numeric(t)
		}
		if !ok {
			c.errorf(diag.ExprCall, x.Args[i], "`"+c.calls[n.Name].Signature+"` gives "+c.calls[n.Name].Doc,
				"`%s` is %s, which %s does not take", c.text(x.Args[i]), t, n.Name)
			return
		}
	}
	if t := n.Type; (n.Name == "min" || n.Name == "max") && t != nil && t.Class == Scalar && t.Kind != String && !numeric(t) {
		c.errorf(diag.ExprCall, x, "", "%s does not take %s", n.Name, t)
	}
	for i, a := range n.Args {
		if a.Type != nil && a.Type.Class == Enum && n.Name != "append" {
			c.errorf(diag.ExprCall, x.Args[i], "", "`%s` is %s, which %s does not take", c.text(x.Args[i]), a.Type, n.Name)
		}
	}
}

// decimal reports whether a type is exact and has a point.
func decimal(t *Type) bool { return t.Class == Scalar && t.Kind == Decimal }

func numeric(t *Type) bool { return t.Class == Scalar && (integer(t) || t.Kind == Float64) }

// integer reports whether a type counts in whole numbers, as durations do.
func integer(t *Type) bool {
	return t.Class == Scalar && slices.Contains([]Kind{Int, Int32, Int64, Uint32, Uint64, Duration}, t.Kind)
}

// conversion is the call of a type.
func (c *checker) conversion(x *ast.CallExpr) *Node {
	arg := x.Args[0]
	n := c.newNode(OpConvert, x)
	if lit, ok := ast.Unparen(arg).(*ast.BasicLit); ok && lit.Kind == token.STRING {
		c.convertText(lit, n)
		return n
	}
	n.Args = []*Node{c.node(arg)}
	have := n.Args[0].Type
	if v := n.Args[0].Value; v != nil && have == n.Type && !decimal(n.Type) {
		have = c.plain(v)
	}
	if have != nil && n.Type != nil && !c.convertible(have, n.Type) {
		c.wrongConversion(x, n.Type)
	}
	return n
}

// plain is the type of a constant that has none of its own.
func (c *checker) plain(v constant.Value) *Type {
	switch v.Kind() {
	case constant.Bool:
		return c.scalars[Bool]
	case constant.String:
		return c.scalars[String]
	case constant.Int:
		return c.scalars[Int]
	}
	return c.scalars[Float64]
}

// convertText is a type's value that is written as a text.
func (c *checker) convertText(lit *ast.BasicLit, n *Node) {
	n.Op = OpLiteral
	text := constant.StringVal(constant.MakeFromLiteral(lit.Value, token.STRING, 0))
	n.Value = constant.MakeString(text)
	if n.Type.Class == Enum && !slices.Contains(n.Type.values, text) {
		c.errorf(diag.ExprConstant, lit, diag.DidYouMean(text, n.Type.values), "%s has no value %q", n.Type, text)
		return
	}
	c.constant(lit, n.Type, text)
}

// convertible reports whether each value of a type can become one of another.
func (c *checker) convertible(have, want *Type) bool {
	if have.Kind == Float64 && want.Kind == Decimal && have.Class == Scalar {
		return false
	}
	if have == want {
		return true
	}
	if have.Class == Enum {
		return want.Class == Scalar && want.Kind == String
	}
	if have.Class != Scalar || want.Class != Scalar {
		return false
	}
	if want.Kind == Decimal && integer(have) {
		return have.Kind != Uint64 && have.Kind != Duration
	}
	return have.Kind == want.Kind || numeric(have) && numeric(want) ||
		have.Kind == String && want.Kind == Bytes || have.Kind == Bytes && want.Kind == String
}

// wrongConversion reports a conversion that the model does not have.
func (c *checker) wrongConversion(x *ast.CallExpr, want *Type) {
	arg := x.Args[0]
	have, _ := c.typeIn(arg)
	hint := ""
	switch {
	case have == nil:
	case want.Class == Enum:
		hint = "a text might be none of its values: let the event have a field of type " + want.Name
	case have.Class == Optional:
		hint = "write `" + want.String() + "(" + c.text(arg) + ".Or(…))`"
	case have.Kind == Time && want.Kind == Date:
		hint = "write `" + c.text(arg) + ".Date()`"
	case have.Kind == Date && want.Kind == Time:
		hint = "write `" + c.text(arg) + ".Time()`"
	}
	if tv, err := c.check(arg); err == nil && tv.Value != nil && c.fitsKind(tv, want) {
		c.errorf(diag.ExprConstant, arg, "", "%s is no value of %s", c.text(arg), want)
		return
	}
	c.errorf(diag.ExprType, x, hint, "`%s` is %s, which can't become %s", c.text(arg), c.words(arg), want)
}
