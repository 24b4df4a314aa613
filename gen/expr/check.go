package expr

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// The bounds of an expression.
const (
	MaxLength = 4096 // bytes
	MaxDepth  = 64
)

// Source is an expression as it stands in a file.
type Source struct {
	Text string
	// At returns the place of a part of the text, given by byte offsets.
	At func(from, to int) diag.Span
}

// Scope has the names that an expression can start from.
type Scope map[string]*Type

// checker checks one expression.
type checker struct {
	*World
	src    Source
	scope  Scope
	report func(diag.Diagnostic)
	failed bool
	// silent says that the expression uses what was reported elsewhere, so that nothing can be said of its types.
	silent bool

	fset *token.FileSet
	file *token.File
	pkg  *types.Package
	info *types.Info
	// bad are the parts that were reported.
	bad map[ast.Expr]bool
	// wanted has the calls that stand around a value of which a type is wanted, and are not in the text.
	wanted map[*ast.CallExpr]*Type
}

// Check returns the tree of an expression whose value has the type want, or any type if want is nil. Where an optional
// is wanted, a value that it may hold will do, and so does none. What is wrong is reported, and nil is returned; it is
// also returned, in silence, where the expression uses what was reported elsewhere.
func (w *World) Check(src Source, scope Scope, want *Type, report func(diag.Diagnostic)) *Node {
	c := w.checker(src, scope, report)
	x := c.parse()
	if x == nil {
		return nil
	}
	x = c.visit(x, 1)
	if want != nil {
		x = c.want(x, want)
	}
	if !c.holds(x) {
		return nil
	}
	n := c.node(x)
	if c.failed {
		return nil
	}
	return n
}

func (w *World) checker(src Source, scope Scope, report func(diag.Diagnostic)) *checker {
	c := &checker{
		World: w, src: src, scope: scope, fset: token.NewFileSet(), bad: map[ast.Expr]bool{},
		wanted: map[*ast.CallExpr]*Type{}, pkg: types.NewPackage(path, path),
	}
	c.report = func(d diag.Diagnostic) {
		c.failed = true
		report(d)
	}
	return c
}

// Place returns the tree of an expression that names a place which can be changed: a field of the root, or what is
// reached from there by fields, and by keys of maps and sets. The text starts behind the root: "balances[event.currency]".
func (w *World) Place(src Source, scope Scope, root string, report func(diag.Diagnostic)) *Node {
	c := w.checker(src, scope, report)
	x := c.parse()
	if x == nil || !c.rooted(&x, root) {
		return nil
	}
	x = c.visit(x, 1)
	if !c.holds(x) {
		return nil
	}
	n := c.node(x)
	if c.failed {
		return nil
	}
	return n
}

// rooted puts the root in front of a place.
func (c *checker) rooted(x *ast.Expr, root string) bool {
	switch at := (*x).(type) {
	case *ast.SelectorExpr:
		return c.rooted(&at.X, root)
	case *ast.IndexExpr:
		return c.rooted(&at.X, root)
	case *ast.Ident:
		t := c.scope[root]
		if at.Name == root && (t == nil || t.field(root) == nil) {
			c.errorf(diag.ExprPlace, at, "leave `"+root+".` out", "what is changed is a field of the %s anyway", root)
			return false
		}
		if _, ok := c.scope[at.Name]; ok && t != nil && t.field(at.Name) == nil {
			c.errorf(diag.ExprPlace, at, "what is changed starts with a field of the "+root,
				"`%s` can't be changed", at.Name)
			return false
		}
		*x = &ast.SelectorExpr{X: &ast.Ident{NamePos: at.Pos(), Name: root}, Sel: at}
		return true
	}
	c.errorf(diag.ExprPlace, *x, "it is written `field`, `field[key]` or `field.inner`", "`%s` can't be changed",
		c.text(*x))
	return false
}

// parse reads the text as Go.
func (c *checker) parse() ast.Expr {
	if len(c.src.Text) > MaxLength {
		c.report(diag.Diagnostic{
			Code: diag.ExprTooLong, At: c.src.At(0, len(c.src.Text)), Hint: "write this fold in Go",
			Message: fmt.Sprintf("an expression has at most %d bytes", MaxLength),
		})
		return nil
	}
	text := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, c.src.Text)
	c.wreckage(text)
	if c.failed {
		return nil
	}
	x, err := parser.ParseExprFrom(c.fset, "", text, parser.SkipObjectResolution)
	c.fset.Iterate(func(f *token.File) bool { c.file = f; return false })
	if err == nil {
		return x
	}
	offset, message := 0, err.Error()
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 {
		offset, message = list[0].Pos.Offset, list[0].Msg
	}
	offset = min(offset, max(0, len(strings.TrimRight(text, " "))-1))
	c.report(diag.Diagnostic{
		Code: diag.ExprSyntax, At: c.src.At(offset, offset+1),
		Message: "this is no expression: " + syntaxMessage(message),
		Hint:    "an expression is written as in Go: `state.balance + event.amount`",
	})
	return nil
}

// syntaxMessage is what Go's parser says, without what only a file of Go can have.
func syntaxMessage(s string) string {
	for from, to := range map[string]string{
		"found newline": "found its end", "found 'EOF'": "found its end", "found EOF": "found its end",
	} {
		s = strings.ReplaceAll(s, from, to)
	}
	if rest, ok := strings.CutPrefix(s, "expected 'EOF', found "); ok {
		return "it ends before " + strings.Trim(rest, "'")
	}
	return s
}

func (c *checker) offset(p token.Pos) int { return c.file.Offset(p) }

// at is the place of a part of the expression.
func (c *checker) at(n ast.Node) diag.Span {
	from := c.offset(n.Pos())
	return c.src.At(from, max(from+1, min(c.offset(n.End()), len(c.src.Text))))
}

// text is a part of the expression as it is written.
func (c *checker) text(n ast.Node) string {
	s := c.src.Text[c.offset(n.Pos()):min(c.offset(n.End()), len(c.src.Text))]
	return strings.Join(strings.Fields(s), " ")
}

// errorf reports a part of the expression.
func (c *checker) errorf(code string, n ast.Node, hint, format string, args ...any) {
	if x, ok := n.(ast.Expr); ok {
		c.bad[x] = true
	}
	c.report(diag.Diagnostic{Code: code, At: c.at(n), Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// visit lets through what an expression may be made of, and finds every name. It returns the part as go/types shall see
// it. What is reported stays in the tree, and is marked as bad.
func (c *checker) visit(x ast.Expr, depth int) ast.Expr {
	if depth > MaxDepth {
		c.errorf(diag.ExprTooLong, x, "write this fold in Go", "an expression nests at most %d levels", MaxDepth)
		return x
	}
	depth++
	switch x := x.(type) {
	case *ast.ParenExpr:
		x.X = c.visit(x.X, depth)
	case *ast.BasicLit:
		if x.Kind == token.IMAG {
			c.errorf(diag.ExprForm, x, "", "the model has no imaginary numbers")
		}
	case *ast.Ident:
		c.name(x)
	case *ast.SelectorExpr:
		return c.selector(x, depth)
	case *ast.IndexExpr:
		x.X, x.Index = c.visit(x.X, depth), c.visit(x.Index, depth)
	case *ast.UnaryExpr:
		if !slices.Contains(unary, x.Op) {
			c.errorf(diag.ExprForm, x, "", "`%s` can't be used in an expression", x.Op)
		}
		x.X = c.visit(x.X, depth)
	case *ast.BinaryExpr:
		c.binary(x, depth)
	case *ast.CallExpr:
		c.call(x, depth)
	case *ast.CompositeLit:
		c.build(x, depth)
	default:
		c.form(x)
	}
	return x
}

var (
	unary  = []token.Token{token.ADD, token.SUB, token.NOT}
	binary = []token.Token{
		token.ADD, token.SUB, token.MUL, token.QUO, token.REM, token.LAND, token.LOR,
		token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ,
	}
)

func (c *checker) binary(x *ast.BinaryExpr, depth int) {
	x.X, x.Y = c.visit(x.X, depth), c.visit(x.Y, depth)
	if slices.Contains(binary, x.Op) {
		return
	}
	hint := ""
	switch x.Op {
	case token.AND:
		hint = "write `&&`"
	case token.OR:
		hint = "write `||`"
	}
	from := c.offset(x.OpPos)
	c.bad[x] = true
	c.report(diag.Diagnostic{
		Code: diag.ExprForm, At: c.src.At(from, from+len(x.Op.String())), Hint: hint,
		Message: fmt.Sprintf("`%s` can't be used in an expression", x.Op),
	})
}

// form reports a construct of Go that is not for expressions.
func (c *checker) form(x ast.Expr) {
	what, hint := "this", "write this fold in Go"
	switch x := x.(type) {
	case *ast.FuncLit:
		what = "a function"
	case *ast.SliceExpr:
		what = "a part of a list"
	case *ast.StarExpr:
		what, hint = "a pointer", "a value is there, or its type is `optional T`"
	case *ast.TypeAssertExpr:
		what = "a type assertion"
	case *ast.ArrayType:
		what, hint = "a list of Go", ""
		if id, ok := x.Elt.(*ast.Ident); ok && id.Name == "byte" {
			hint = "the type is `bytes`"
		}
	case *ast.KeyValueExpr:
		what, hint = "`:`", ""
	}
	c.errorf(diag.ExprForm, x, hint, "%s can't stand in an expression", what)
}

// name finds what a name stands for, and lets go/types find it.
func (c *checker) name(x *ast.Ident) {
	if c.broken[x.Name] {
		c.silent, c.bad[x] = true, true
		return
	}
	if t, ok := c.scope[x.Name]; ok {
		if t == nil {
			c.silent, c.bad[x] = true, true
			return
		}
		c.enter(types.NewVar(token.NoPos, home, x.Name, t.gotype))
		return
	}
	if x.Name == "none" {
		return
	}
	if obj, ok := c.objects[x.Name]; ok {
		c.enter(obj)
		return
	}
	c.unknownName(x)
}

// enter declares a name for go/types.
func (c *checker) enter(obj types.Object) { c.pkg.Scope().Insert(obj) }

// selector visits a field, a method that is not called, or the constant of a type.
func (c *checker) selector(x *ast.SelectorExpr, depth int) ast.Expr {
	id, ok := x.X.(*ast.Ident)
	if !ok || c.scope[id.Name] != nil {
		x.X = c.visit(x.X, depth)
		return x
	}
	if c.broken[id.Name] {
		c.silent, c.bad[x] = true, true
		return x
	}
	full := id.Name + "." + x.Sel.Name
	if obj, ok := c.objects[full]; ok {
		c.enter(obj)
		return &ast.Ident{NamePos: x.Pos(), Name: full}
	}
	if id.Name == "time" {
		c.errorf(diag.ExprName, x.Sel, diag.DidYouMean(full, slices.Sorted(maps.Keys(Durations))),
			"there is no `%s`", full)
		c.bad[x] = true
		return x
	}
	if t := c.declared[id.Name]; t != nil {
		switch t.Class {
		case Enum:
			c.errorf(diag.ExprName, x.Sel, c.valueHint(t, x.Sel.Name), "%s has no value %q", t.Name, x.Sel.Name)
		default:
			c.errorf(diag.ExprName, id, c.rootsHint(), "%s is a type, and no value with a field %q", t.Name, x.Sel.Name)
		}
		c.bad[x] = true
		return x
	}
	x.X = c.visit(x.X, depth)
	return x
}

// call visits the call of a function, a method or a conversion.
func (c *checker) call(x *ast.CallExpr, depth int) {
	x.Fun = ast.Unparen(x.Fun)
	id, named := x.Fun.(*ast.Ident)
	switch fun := x.Fun.(type) {
	case *ast.Ident:
		c.function(fun)
	case *ast.SelectorExpr:
		fun.X = c.visit(fun.X, depth)
	default:
		c.form(x.Fun)
	}
	if x.Ellipsis.IsValid() && (!named || id.Name != "append") {
		c.errorf(diag.ExprForm, x, "", "`...` can only stand in `append(list, others...)`")
	}
	for i, a := range x.Args {
		x.Args[i] = c.visit(a, depth)
	}
}

// function finds what is called by a name.
func (c *checker) function(x *ast.Ident) {
	if c.broken[x.Name] {
		c.silent, c.bad[x] = true, true
		return
	}
	if c.scope[x.Name] == nil && (c.calls[x.Name] != nil || c.typeNamed(x.Name) != nil) {
		c.enter(c.objects[x.Name])
		return
	}
	names := slices.Sorted(maps.Keys(c.calls))
	hint := otherFunctions[strings.ToLower(x.Name)]
	if near := diag.Nearest(x.Name, names); hint == "" && near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if hint == "" {
		hint = "there are " + strings.Join(names, ", ") + ", and conversions to types"
	}
	c.errorf(diag.ExprName, x, hint, "there is no function %q", x.Name)
}

// build visits a struct that is made of its fields: Money{amount: 1, currency: event.currency}.
func (c *checker) build(x *ast.CompositeLit, depth int) {
	id, _ := x.Type.(*ast.Ident)
	if id != nil && c.broken[id.Name] {
		c.silent, c.bad[x] = true, true
		return
	}
	if id == nil || c.declared[id.Name] == nil || c.declared[id.Name].Class != Struct {
		at, what, hint := ast.Expr(x), "this", "write `Struct{field: value}` with a struct of `types`"
		if x.Type != nil {
			at, what = x.Type, "`"+c.text(x.Type)+"`"
		}
		if near := diag.Nearest(what[1:len(what)-1], c.structs()); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		c.errorf(diag.ExprForm, at, hint, "%s is no declared struct: only these can be made in an expression", what)
		c.bad[x] = true
		return
	}
	t := c.declared[id.Name]
	c.enter(c.objects[id.Name])
	given := map[string]bool{}
	for _, e := range x.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if ok {
			_, ok = kv.Key.(*ast.Ident)
		}
		if !ok {
			c.errorf(diag.ExprForm, e, "write `"+id.Name+"{field: value}`", "each value needs the name of its field")
			c.bad[x] = true
			return
		}
		c.bad[x] = !c.element(t, kv, given, depth) || c.bad[x]
	}
	if missing := c.missing(t, given); !c.bad[x] && len(missing) > 0 && !t.open {
		c.errorf(diag.ExprBuild, x, "add `"+strings.Join(missing, ": …`, `")+": …`",
			"%s needs a value for %s", t.Name, strings.Join(missing, ", "))
	}
}

// structs are the names of the declared structs.
func (c *checker) structs() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.declared)) {
		if c.declared[name].Class == Struct {
			names = append(names, name)
		}
	}
	return names
}

// element visits the value of one field of a struct.
func (c *checker) element(t *Type, kv *ast.KeyValueExpr, given map[string]bool, depth int) bool {
	key := kv.Key.(*ast.Ident)
	f, twice := t.field(key.Name), given[key.Name]
	given[key.Name] = true
	kv.Value = c.visit(kv.Value, depth)
	switch {
	case twice:
		c.errorf(diag.ExprBuild, key, "", "%s is given twice", key.Name)
		return false
	case f == nil && !t.open:
		c.unknownField(key, t)
		return false
	case f == nil, f.Type == nil:
		c.silent = true
		return true
	}
	kv.Value = c.want(kv.Value, f.Type)
	return true
}

// missing are the fields of a struct that were not given, and are not optional.
func (c *checker) missing(t *Type, given map[string]bool) []string {
	var names []string
	for _, f := range t.fields {
		if !given[f.Name] && (f.Type == nil || f.Type.Class != Optional) {
			names = append(names, f.Name)
		}
	}
	return names
}

// want puts a call around a value, which takes only what a type wants. Where that is an optional and the value is none,
// it makes an absent one. Once something was reported, the value stays as it is: it will only be explained.
func (c *checker) want(x ast.Expr, t *Type) ast.Expr {
	if c.failed || c.silent {
		return x
	}
	if isNone(x) {
		if t.Class != Optional {
			c.errorf(diag.ExprType, x, "", "`none` is an absent optional, and %s is wanted here", t)
			return x
		}
		name := "none of " + t.id()
		c.enter(types.NewVar(token.NoPos, home, name, t.gotype))
		return &ast.Ident{NamePos: x.Pos(), Name: name}
	}
	name, param := "as "+t.id(), t
	if t.Class == Optional && !c.is(x, t) {
		name, param = "some "+t.id(), t.Elem
	}
	in := types.NewTuple(types.NewParam(token.NoPos, home, "", param.gotype))
	out := types.NewTuple(types.NewParam(token.NoPos, home, "", t.gotype))
	c.enter(types.NewFunc(token.NoPos, home, name, types.NewSignatureType(nil, nil, nil, in, out, false)))
	call := &ast.CallExpr{
		Fun: &ast.Ident{NamePos: x.Pos(), Name: name}, Lparen: x.Pos(), Args: []ast.Expr{x}, Rparen: x.End() - 1,
	}
	c.wanted[call] = t
	return call
}

func isNone(x ast.Expr) bool {
	id, ok := ast.Unparen(x).(*ast.Ident)
	return ok && id.Name == "none"
}

// is reports whether a part is of the very type.
func (c *checker) is(x ast.Expr, t *Type) bool {
	tv, err := c.check(x)
	return err == nil && types.Identical(tv.Type, t.gotype)
}

// check asks go/types for a part.
func (c *checker) check(x ast.Expr) (types.TypeAndValue, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	err := c.checkInto(x, info)
	return info.Types[x], err
}

func (c *checker) checkInto(x ast.Expr, info *types.Info) error {
	return types.CheckExpr(c.fset, c.pkg, token.NoPos, x, info)
}

// holds reports whether go/types finds nothing wrong. What it does find is explained.
func (c *checker) holds(x ast.Expr) bool {
	if !c.failed && !c.silent {
		c.info = &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		}
		if err := c.checkInto(x, c.info); err == nil && !c.unknown() {
			return true
		}
	}
	if c.explain(x) && !c.failed && !c.silent {
		c.errorf(diag.ExprForm, x, "", "this expression does not hold together")
	}
	return false
}

// unknown reports whether a part uses something that was reported elsewhere.
func (c *checker) unknown() bool {
	for _, tv := range c.info.Types {
		if tv.Type == types.Typ[types.Invalid] {
			c.silent = true
		}
	}
	return c.silent
}
