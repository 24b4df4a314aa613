package emit

import (
	"go/constant"
	"go/token"
	"strconv"
	"strings"
	"time"

	"github.com/dave/jennifer/jen"

	tree "github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// spelling says how the names of an expression read in Go.
type spelling struct {
	// roots are the names that an expression starts from: event is e.
	roots map[string]func() *jen.Statement
	// paths are fields of roots that are not fields of what the root is in Go: "stream.id", "meta.time".
	paths map[string]func() *jen.Statement
	// fault is the *checked.Fault that arithmetic reports to. Only the first operation is given it: the others use again
	// what it returned.
	fault func() *jen.Statement
	// copies has the parts that must be copied, appends a list that is appended to where it stands.
	copies  map[*tree.Node]bool
	appends *tree.Node
}

// in is a spelling whose arithmetic is for a field: fault.In("balances").
func (s spelling) in(field string) spelling {
	first := true
	s.fault = func() *jen.Statement {
		if first {
			first = false
			return jen.Id("fault").Dot("In").Call(jen.Lit(field))
		}
		return jen.Op("&").Id("fault")
	}
	return s
}

// faultVar declares what spelling.in reports to.
func faultVar(g *jen.Group) { g.Var().Id("fault").Qual(checkedPath, "Fault") }

// expr emits an expression.
func (e *emitter) expr(x *model.Expr, s spelling) *jen.Statement {
	return exprs{e, s}.node(x.Node)
}

// exprs emits the nodes of one expression.
type exprs struct {
	*emitter
	spelling
}

func (e exprs) node(n *tree.Node) *jen.Statement {
	x := e.shared(n)
	if e.copies[n] && !isPersonal(n) {
		t := model.TypeOf(n.Type)
		return e.clone(&t, x)
	}
	return x
}

// shared is a node as it is, though it may share memory with what it was taken from.
func (e exprs) shared(n *tree.Node) *jen.Statement {
	switch n.Op {
	case tree.OpName:
		return e.roots[n.Name]()
	case tree.OpSelect:
		return e.selected(n)
	case tree.OpIndex:
		if n.Args[0].Type.Class == tree.Set {
			return e.operand(n.Args[0], unaryPrecedence).Dot("Has").Call(e.node(n.Args[1]))
		}
		return e.operand(n.Args[0], unaryPrecedence).Index(e.node(n.Args[1]))
	case tree.OpLiteral:
		return e.literal(n)
	case tree.OpValue:
		return e.value(n)
	case tree.OpUnary:
		return e.unary(n)
	case tree.OpBinary:
		return e.binary(n)
	case tree.OpCall:
		return e.call(n)
	case tree.OpMethod:
		return e.method(n)
	case tree.OpConvert:
		return e.conversion(n)
	case tree.OpSome:
		return e.some(n)
	case tree.OpNone:
		return e.typ(n).Values()
	case tree.OpBuild:
		return e.build(n)
	}
	panic("emit: no expression")
}

// typ is the Go type of a node.
func (e exprs) typ(n *tree.Node) *jen.Statement {
	t := model.TypeOf(n.Type)
	return e.goType(&t)
}

// selected is a field.
func (e exprs) selected(n *tree.Node) *jen.Statement {
	from := n.Args[0]
	if from.Op == tree.OpName {
		if spelled, ok := e.paths[from.Name+"."+n.Name]; ok {
			return spelled()
		}
	}
	return e.operand(from, unaryPrecedence).Dot(e.GoName(n.Ref.(*model.Field)))
}

// The precedences of Go's operators.
const unaryPrecedence = 6

var precedences = map[string]int{
	"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}

// precedence is how tightly what a node becomes holds together.
func (e exprs) precedence(n *tree.Node) int {
	switch {
	case n.Op == tree.OpUnary && isDecimal(n.Type):
		return unaryPrecedence + 1
	case n.Op == tree.OpUnary:
		return unaryPrecedence
	case n.Op == tree.OpBinary && n.Fails(), n.Op == tree.OpBinary && isTime(n.Args[0].Type) && n.Name != "!=":
		return unaryPrecedence + 1
	case n.Op == tree.OpBinary:
		return precedences[n.Name]
	}
	return unaryPrecedence + 1
}

// operand is a node that stands in an operator of a precedence, in parentheses where it needs them.
func (e exprs) operand(n *tree.Node, precedence int) *jen.Statement {
	if e.precedence(n) < precedence || n.Op == tree.OpBuild {
		return jen.Parens(e.node(n))
	}
	return e.node(n)
}

func (e exprs) unary(n *tree.Node) *jen.Statement {
	if isDecimal(n.Type) && n.Name == "-" {
		return e.renamed(n, e.plain(n.Args[0]).Dot("Neg").Call())
	}
	if n.Fails() {
		return e.checked("Neg", n)
	}
	return jen.Op(n.Name).Add(e.operand(n.Args[0], unaryPrecedence))
}

// checked emits arithmetic that may fail: checked.Add(&fault, x, y).
func (e exprs) checked(name string, n *tree.Node) *jen.Statement {
	args := []jen.Code{e.fault()}
	for _, a := range n.Args {
		args = append(args, e.node(a))
	}
	return jen.Qual(checkedPath, name).Call(args...)
}

// decimals is checked for what has a name of its own in Go.
func (e exprs) decimals(name string, n *tree.Node) *jen.Statement {
	args := []jen.Code{e.fault()}
	for _, a := range n.Args {
		args = append(args, e.plain(a))
	}
	return e.renamed(n, jen.Qual(checkedPath, name).Call(args...))
}

var checkedNames = map[string]string{"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "%": "Mod"}

func (e exprs) binary(n *tree.Node) *jen.Statement {
	if isDecimal(n.Type) {
		return e.decimals(checkedNames[n.Name]+"Decimal", n)
	}
	if n.Fails() && n.Type.Kind == tree.Float64 {
		return jen.Qual(checkedPath, "Finite").Call(e.fault(), e.floats(n))
	}
	if n.Fails() {
		return e.checked(checkedNames[n.Name], n)
	}
	if isDecimal(n.Args[0].Type) && n.Name != "==" && n.Name != "!=" {
		return e.plain(n.Args[0]).Dot("Cmp").Call(e.plain(n.Args[1])).Op(n.Name).Lit(0)
	}
	if t := n.Args[0].Type; isTime(t) || isDate(t) && n.Name != "==" && n.Name != "!=" {
		return e.timed(n)
	}
	p := precedences[n.Name]
	return e.operand(n.Args[0], p).Op(n.Name).Add(e.operand(n.Args[1], p+1))
}

// floats emits arithmetic of floats, whose result is checked once: what is not finite stays so.
func (e exprs) floats(n *tree.Node) *jen.Statement {
	if n.Op != tree.OpBinary || !n.Fails() {
		return e.operand(n, unaryPrecedence)
	}
	p := precedences[n.Name]
	side := func(a *tree.Node, p int) *jen.Statement {
		if a.Op == tree.OpBinary && precedences[a.Name] < p {
			return jen.Parens(e.floats(a))
		}
		return e.floats(a)
	}
	return side(n.Args[0], p).Op(n.Name).Add(side(n.Args[1], p+1))
}

func isTime(t *tree.Type) bool    { return t.Class == tree.Scalar && t.Kind == tree.Time }
func isDecimal(t *tree.Type) bool { return t.Class == tree.Scalar && t.Kind == tree.Decimal }
func isDate(t *tree.Type) bool    { return t.Class == tree.Scalar && t.Kind == tree.Date }

// timed compares two times or dates, which Go does by methods.
func (e exprs) timed(n *tree.Node) *jen.Statement {
	methods := map[string]string{"==": "Equal", "!=": "Equal", "<": "Before", ">=": "Before", ">": "After", "<=": "After"}
	x := e.plain(n.Args[0]).Dot(methods[n.Name]).Call(e.plain(n.Args[1]))
	if n.Name == "!=" || n.Name == "<=" || n.Name == ">=" {
		x = jen.Op("!").Add(x)
	}
	return e.renamed(n, x)
}

// plain is a scalar without the name of its own that it may have, and with it the methods that Go does not inherit.
func (e exprs) plain(n *tree.Node) *jen.Statement {
	t := model.TypeOf(n.Type)
	if _, named := base(&t); named {
		return scalarType(t.Scalar()).Call(e.node(n))
	}
	return e.operand(n, unaryPrecedence+1)
}

// renamed gives a plain scalar the name of its type again.
func (e exprs) renamed(n *tree.Node, x *jen.Statement) *jen.Statement {
	t := model.TypeOf(n.Type)
	if _, named := base(&t); named {
		return e.typ(n).Call(x)
	}
	return x
}

func (e exprs) method(n *tree.Node) *jen.Statement {
	recv, args := n.Args[0], n.Args[1:]
	if recv.Type.Class != tree.Scalar {
		return e.operand(recv, unaryPrecedence+1).Dot(n.Name).CallFunc(func(g *jen.Group) {
			for _, a := range args {
				g.Add(e.node(a))
			}
		})
	}
	if n.Name == "Date" {
		return jen.Qual(cqrsPath, "DateOf").Call(e.plain(recv))
	}
	x := e.plain(recv).Dot(n.Name).CallFunc(func(g *jen.Group) {
		for _, a := range args {
			g.Add(e.plain(a))
		}
	})
	return e.renamed(n, x)
}

func (e exprs) call(n *tree.Node) *jen.Statement {
	switch n.Name {
	case "abs":
		switch {
		case isDecimal(n.Type):
			return e.renamed(n, e.plain(n.Args[0]).Dot("Abs").Call())
		case n.Fails():
			return e.checked("Abs", n)
		}
		return e.renamed(n, jen.Qual("math", "Abs").Call(e.plain(n.Args[0])))
	case "lower", "upper", "trim":
		name := map[string]string{"lower": "ToLower", "upper": "ToUpper", "trim": "TrimSpace"}[n.Name]
		return e.renamed(n, jen.Qual("strings", name).Call(e.plain(n.Args[0])))
	case "days":
		return e.checked("Days", n)
	}
	return jen.Id(n.Name).CallFunc(func(g *jen.Group) {
		for i, a := range n.Args {
			switch {
			case n.Name == "append" && i == 0 && n != e.appends && !e.copies[a]:
				g.Qual("slices", "Clip").Call(e.node(a))
			case n.Spread && i == len(n.Args)-1:
				g.Add(e.node(a).Op("..."))
			default:
				g.Add(e.node(a))
			}
		}
	})
}

func (e exprs) conversion(n *tree.Node) *jen.Statement {
	if isDecimal(n.Type) && !isDecimal(n.Args[0].Type) {
		return e.renamed(n, jen.Qual(checkedPath, "Decimal").Call(e.node(n.Args[0])))
	}
	if n.Fails() {
		name := "Convert"
		if n.Args[0].Type.Kind == tree.Float64 {
			name = "Truncate"
		}
		return jen.Qual(checkedPath, name).Types(e.typ(n)).Call(e.fault(), e.node(n.Args[0]))
	}
	if n.Type == n.Args[0].Type && n.Args[0].Value == nil {
		return e.node(n.Args[0])
	}
	if n.Type.Kind == tree.Bytes && n.Type.Name == "" {
		return jen.Index().Byte().Call(e.node(n.Args[0]))
	}
	return e.typ(n).Call(e.node(n.Args[0]))
}

// some makes an optional of a value. What Go would take for another type is named.
func (e exprs) some(n *tree.Node) *jen.Statement {
	some := jen.Qual(cqrsPath, "Some")
	if v := n.Args[0]; v.Value != nil {
		t := model.TypeOf(n.Type.Elem)
		some = some.Types(e.goType(&t))
	}
	return some.Call(e.node(n.Args[0]))
}

func (e exprs) build(n *tree.Node) *jen.Statement {
	var entries []entry
	for i, f := range n.Fields {
		entries = append(entries, entry{e.GoName(f.Ref.(*model.Field)), e.node(n.Args[i])})
	}
	return e.typ(n).Add(inline(entries))
}

// value is a constant that has a name.
func (e exprs) value(n *tree.Node) *jen.Statement {
	if named, ok := n.Type.Ref.(*model.Named); ok {
		_, name, _ := strings.Cut(n.Name, ".")
		return e.enumValue(named, name)
	}
	_, name, _ := strings.Cut(n.Name, ".")
	return jen.Qual("time", name)
}

// enumValue is the constant of an enum's value.
func (e exprs) enumValue(named *model.Named, value string) *jen.Statement {
	for _, v := range e.NamedOf(named).Values {
		if v.Wire == value {
			return jen.Id(v.Go)
		}
	}
	panic("emit: no value of the enum")
}

// literal is a constant as it is written. A text is what its type takes it for.
func (e exprs) literal(n *tree.Node) *jen.Statement {
	t := model.TypeOf(n.Type)
	switch n.Value.Kind() {
	case constant.Bool:
		return jen.Lit(constant.BoolVal(n.Value))
	case constant.String:
		return e.text(n, &t, constant.StringVal(n.Value))
	}
	if t.Scalar() == model.Float64 {
		return jen.Id(float(n))
	}
	return jen.Id(constant.ToInt(n.Value).ExactString())
}

// float is a number that may have a point. One that is written with it keeps it, since Go divides whole numbers
// without a rest.
func float(n *tree.Node) string {
	f, _ := constant.Float64Val(n.Value)
	text := strconv.FormatFloat(f, 'g', -1, 64)
	written := constant.MakeFromLiteral(n.Text, token.INT, 0)
	if written.Kind() == constant.Unknown && !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

func (e exprs) text(n *tree.Node, t *model.Type, s string) *jen.Statement {
	if named, ok := n.Type.Ref.(*model.Named); ok && named.Kind == model.Enum {
		return e.enumValue(named, s)
	}
	switch t.Scalar() {
	case model.Decimal:
		return e.renamed(n, jen.Qual(cqrsPath, "MustDecimal").Call(jen.Lit(s)))
	case model.Date:
		at, _ := time.Parse(time.DateOnly, s)
		return e.renamed(n, jen.Qual(cqrsPath, "Date").Add(inline([]entry{
			{"Year", jen.Lit(at.Year())}, {"Month", jen.Qual("time", at.Month().String())}, {"Day", jen.Lit(at.Day())},
		})))
	case model.Time:
		at, _ := time.Parse(time.RFC3339Nano, s)
		return e.renamed(n, jen.Qual("time", "Date").Call(jen.Lit(at.Year()), jen.Qual("time", at.Month().String()),
			jen.Lit(at.Day()), jen.Lit(at.Hour()), jen.Lit(at.Minute()), jen.Lit(at.Second()), jen.Lit(at.Nanosecond()),
			jen.Qual("time", "UTC")))
	case model.UUID:
		return e.renamed(n, jen.Qual(uuidPath, "MustParse").Call(jen.Lit(s)))
	case model.Bytes:
		return e.renamed(n, jen.Index().Byte().Call(jen.Lit(s)))
	}
	return jen.Lit(s)
}
