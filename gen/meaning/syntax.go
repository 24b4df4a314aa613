package meaning

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// write writes a declaration's canonical syntax, and reaches what it mentions.
func (c *closure) write(d *declaration) {
	for _, e := range d.errors {
		if d.node.Pos() <= e.Pos && e.Pos < d.node.End() || e.Pos == c.broken(d) {
			c.fault = &UnknownError{At: c.fset.Position(e.Pos), Err: fmt.Errorf("%s", e.Msg)}
			return
		}
	}
	w := &writer{closure: c, in: d.source, locals: map[types.Object]int{}}
	switch n := d.node.(type) {
	case *ast.FuncDecl:
		w.text("func")
		w.function(n)
	case *ast.TypeSpec:
		w.text("type")
		w.named(n)
	case *ast.ValueSpec:
		w.text("value")
		w.value(d, n)
	}
	w.variants(d)
	c.texts[d.name] = w.b.String()
}

// broken is where the error of a file that is not Go to its end is reported: where its package is named.
func (c *closure) broken(d *declaration) token.Pos {
	for _, f := range d.files {
		if f.FileStart <= d.node.Pos() && d.node.Pos() < f.FileEnd {
			return f.Package
		}
	}
	return token.NoPos
}

// writer writes the canonical syntax of one declaration: each node with its kind, locals by number.
type writer struct {
	*closure
	// in is the package; nil where names are written as they stand, because their meaning is not known.
	in     *source
	b      strings.Builder
	locals map[types.Object]int
	count  int
	// results are those of the function that is being written.
	results []*types.Tuple
}

func (w *writer) text(s ...string) {
	for _, s := range s {
		w.b.WriteString(s)
	}
	w.b.WriteByte(' ')
}

func (w *writer) function(d *ast.FuncDecl) {
	if d.Body == nil {
		w.fail(d, "%s has no body in Go", d.Name.Name)
		return
	}
	if d.Recv != nil {
		w.node(d.Recv)
	}
	w.node(d.Type)
	w.body(d.Name, d.Body)
}

// body writes what a function does. name is an expression of its type.
func (w *writer) body(of ast.Expr, body *ast.BlockStmt) {
	var results *types.Tuple
	if s, ok := w.typeOf(of).(*types.Signature); ok {
		results = s.Results()
	}
	w.results = append(w.results, results)
	w.node(body)
	w.results = w.results[:len(w.results)-1]
}

func (w *writer) named(s *ast.TypeSpec) {
	if s.Assign.IsValid() {
		w.text("alias")
	}
	if s.TypeParams != nil {
		w.node(s.TypeParams)
	}
	w.node(s.Type)
}

// value writes a variable or a constant. Functions init that give a variable its value belong to it.
func (w *writer) value(d *declaration, n *ast.ValueSpec) {
	if d.spec.Type != nil {
		w.node(d.spec.Type)
	}
	w.text("#", strconv.Itoa(d.iota))
	switch {
	case len(d.spec.Values) == len(d.spec.Names):
		x := d.spec.Values[d.index]
		if d.spec.Type != nil {
			w.converted(w.typeOf(d.spec.Type), x)
		}
		w.node(x)
	default:
		w.text(strconv.Itoa(d.index))
		w.list(reflect.ValueOf(d.spec.Values))
	}
	if v, ok := w.in.info.Defs[n.Names[d.index]].(*types.Var); ok {
		w.embedded(d, n)
		w.initialized(v)
	}
}

// initialized adds the functions init that mention a variable, or call what changes it, of all packages that are read.
func (w *writer) initialized(v *types.Var) {
	var texts []string
	for _, s := range w.packages {
		for _, f := range s.files {
			for _, decl := range f.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || fn.Name.Name != "init" || fn.Recv != nil || fn.Body == nil {
					continue
				}
				if !s.mentions(fn, v) && !w.callsChange(s, fn, v, map[types.Object]bool{}) {
					continue
				}
				own := &writer{closure: w.closure, in: s, locals: map[types.Object]int{}}
				own.function(fn)
				texts = append(texts, own.b.String())
			}
		}
	}
	slices.SortFunc(texts, func(a, b string) int { // the names of what they mention do not matter
		return cmp.Or(cmp.Compare(references.ReplaceAllString(a, ""), references.ReplaceAllString(b, "")), cmp.Compare(a, b))
	})
	w.text(texts...)
}

func (s *source) mentions(n ast.Node, obj types.Object) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && s.info.Uses[id] == obj {
			found = true
		}
		return !found
	})
	return found
}

// callsChange reports whether what a function calls may change a variable: assigns to it, or takes its address.
func (w *writer) callsChange(s *source, fn ast.Node, v *types.Var, seen map[types.Object]bool) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || found {
			return !found
		}
		f, ok := s.info.Uses[id].(*types.Func)
		if !ok || seen[f.Origin()] {
			return true
		}
		seen[f.Origin()] = true
		if d := w.declarations[f.Origin()]; d != nil {
			found = d.source.changes(d.node, v) || w.callsChange(d.source, d.node, v, seen)
		}
		return !found
	})
	return found
}

// changes reports whether a function itself may change a variable, or what is behind it.
func (s *source) changes(fn ast.Node, v *types.Var) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			found = found || slices.ContainsFunc(n.Lhs, func(x ast.Expr) bool { return s.mentions(x, v) })
		case *ast.IncDecStmt:
			found = found || s.mentions(n.X, v)
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && s.mentions(n.X, v)
		case *ast.CallExpr: // delete, a method of the variable, a function that fills a map
			found = found || s.mentions(n, v)
		}
		return !found
	})
	return found
}

// variants adds the declarations that other platforms have in a declaration's place, by their mere syntax. What they
// mention is only known by name, so that such names count.
func (w *writer) variants(d *declaration) {
	var texts []string
	for _, f := range d.source.variants {
		for _, decl := range f.Decls {
			for _, n := range sameName(decl, d.node) {
				own := &writer{closure: w.closure}
				own.node(n)
				texts = append(texts, own.b.String())
			}
		}
	}
	slices.Sort(texts)
	for _, t := range texts {
		w.text("elsewhere ", t)
	}
}

// sameName returns what a declaration has under the name of another one.
func sameName(decl ast.Decl, as ast.Node) (found []ast.Node) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if o, ok := as.(*ast.FuncDecl); ok && o.Name.Name == d.Name.Name && receiverIdent(o) == receiverIdent(d) {
			found = append(found, d)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if o, ok := as.(*ast.TypeSpec); ok && o.Name.Name == s.Name.Name {
					found = append(found, s)
				}
			case *ast.ValueSpec:
				if o, ok := as.(*ast.ValueSpec); ok && slices.ContainsFunc(o.Names, func(a *ast.Ident) bool {
					return slices.ContainsFunc(s.Names, func(b *ast.Ident) bool { return a.Name == b.Name })
				}) {
					found = append(found, s)
				}
			}
		}
	}
	return found
}

// node writes a node. What has no meaning is left out: positions, comments, parentheses, empty statements.
func (w *writer) node(n ast.Node) {
	if n == nil || reflect.ValueOf(n).IsNil() || w.fault != nil {
		return
	}
	if x, ok := n.(ast.Expr); ok && w.in != nil && w.constant(x) {
		return
	}
	switch n := n.(type) {
	case *ast.CommentGroup, *ast.EmptyStmt:
	case *ast.ParenExpr:
		w.node(n.X)
	case *ast.Ident:
		w.ident(n)
	case *ast.SelectorExpr:
		w.selector(n)
	case *ast.BasicLit:
		w.literal(n)
	case *ast.IndexExpr:
		w.index(n, n.X, n.Index)
	case *ast.IndexListExpr:
		w.index(n, n.X, n.Indices...)
	case *ast.FieldList:
		w.fields(n)
	case *ast.TypeSwitchStmt:
		w.typeSwitch(n)
	case *ast.DeclStmt:
		w.declaration(n)
	case *ast.TypeAssertExpr:
		w.assertion(n)
	case *ast.FuncLit:
		w.text("(FuncLit")
		w.node(n.Type)
		w.body(n, n.Body)
		w.text(")")
	default:
		w.conversions(n)
		w.children(n)
	}
}

// children writes a node's kind and parts.
func (w *writer) children(n ast.Node) {
	v := reflect.ValueOf(n).Elem()
	w.text("(", v.Type().Name())
	for i := range v.NumField() {
		f := v.Field(i)
		switch x := f.Interface().(type) {
		case token.Pos:
			switch v.Type().Field(i).Name {
			case "Ellipsis", "Assign":
				if x.IsValid() {
					w.text("!")
				}
			}
		case token.Token:
			w.text(x.String())
		case ast.ChanDir:
			w.text(strconv.Itoa(int(x)))
		case ast.Node:
			if f.Kind() == reflect.Pointer && f.IsNil() {
				w.text("-")
			}
			w.node(x)
		case nil: // an optional part that is not there
			w.text("-")
		default:
			if f.Kind() == reflect.Slice {
				w.list(f)
			}
		}
	}
	w.text(")")
}

func (w *writer) list(v reflect.Value) {
	w.text("[")
	for i := range v.Len() {
		before := w.b.Len()
		if n, ok := v.Index(i).Interface().(ast.Node); ok {
			w.node(n)
		}
		if w.b.Len() > before {
			w.text(",")
		}
	}
	w.text("]")
}

// fields writes a list of fields, parameters or results, one by one. Those without a name count like those with one that
// nothing uses.
func (w *writer) fields(l *ast.FieldList) {
	w.text("[")
	for _, f := range l.List {
		if len(f.Names) == 0 {
			w.count++
			w.text("$", strconv.Itoa(w.count))
			w.node(f.Type)
			w.node(f.Tag)
			w.text(";")
		}
		for _, id := range f.Names {
			w.ident(id)
			w.node(f.Type)
			w.node(f.Tag)
			w.text(";")
		}
	}
	w.text("]")
}

// typeSwitch writes a type switch, whose variable is another one in each clause.
func (w *writer) typeSwitch(n *ast.TypeSwitchStmt) {
	w.cases(n)
	assign, ok := n.Assign.(*ast.AssignStmt)
	if !ok || w.in == nil {
		w.children(n)
		return
	}
	w.count++
	for _, clause := range n.Body.List {
		if obj := w.in.info.Implicits[clause]; obj != nil {
			w.locals[obj] = w.count
		}
	}
	w.text("(TypeSwitch")
	w.node(n.Init)
	w.list(reflect.ValueOf(assign.Rhs))
	w.node(n.Body)
	w.text(")")
}

// cases shows the types that a type switch tells apart, of which it may be given values from anywhere.
func (w *writer) cases(n *ast.TypeSwitchStmt) {
	if w.in == nil {
		return
	}
	for _, s := range n.Body.List {
		if clause, ok := s.(*ast.CaseClause); ok {
			for _, x := range clause.List {
				w.show(w.typeOf(x))
			}
		}
	}
}

// assertion writes a type assertion. What it panics with has the type's name.
func (w *writer) assertion(n *ast.TypeAssertExpr) {
	if n.Type != nil && w.in != nil {
		w.show(w.typeOf(n.Type))
	}
	w.children(n)
}

// declaration writes one in a function. Constants are written where they are used.
func (w *writer) declaration(n *ast.DeclStmt) {
	g, ok := n.Decl.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, spec := range g.Specs {
		if w.in != nil && g.Tok == token.CONST && !w.dependsOutside(spec) {
			continue
		}
		w.conversions(spec)
		w.children(spec)
	}
}

// literal writes what is no part of an expression with a value: a tag.
func (w *writer) literal(n *ast.BasicLit) {
	if text, err := strconv.Unquote(n.Value); err == nil {
		w.text(strconv.Quote(text))
		return
	}
	w.text(n.Value)
}

// index writes an index, or an instance of what is generic: given type arguments are those that are inferred otherwise.
func (w *writer) index(n ast.Expr, x ast.Expr, indices ...ast.Expr) {
	if id := baseIdent(x); w.in != nil && id != nil {
		if _, instance := w.in.info.Instances[id]; instance {
			w.node(x)
			return
		}
	}
	w.conversions(n)
	w.text("(Index")
	w.node(x)
	for _, i := range indices {
		w.node(i)
	}
	w.text(")")
}

func baseIdent(x ast.Expr) *ast.Ident {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		return x.Sel
	}
	return nil
}

// constant writes a constant expression as its type and value, unless it depends on what the standard library or another
// module declares, which may differ between platforms and releases.
func (w *writer) constant(x ast.Expr) bool {
	tv, ok := w.in.info.Types[x]
	if !ok || tv.Value == nil || w.dependsOutside(x) {
		return false
	}
	value := tv.Value.ExactString()
	if tv.Value.Kind() == constant.Float {
		value = constant.ToFloat(tv.Value).ExactString()
	}
	w.text("(const")
	w.typed(tv.Type)
	w.text(value, ")")
	return true
}

// dependsOutside reports whether a constant, or something, mentions constants of packages that are not read.
func (w *writer) dependsOutside(n ast.Node) (depends bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || depends {
			return !depends
		}
		if obj, ok := w.in.info.Uses[id].(*types.Const); ok && obj.Pkg() != nil {
			depends = w.constDependsOutside(obj)
		}
		return !depends
	})
	return depends
}

func (w *writer) constDependsOutside(obj *types.Const) bool {
	if w.sourceOf(obj) == nil {
		return true
	}
	d := w.declarations[obj]
	if d == nil {
		return false // generated, or a local one, whose own declaration is looked at
	}
	if d.index >= len(d.spec.Values) {
		return false
	}
	own := &writer{closure: w.closure, in: d.source}
	return own.dependsOutside(d.spec.Values[d.index])
}

// ident writes what a name means.
func (w *writer) ident(id *ast.Ident) {
	if w.in == nil {
		w.mentioned[id.Name] = true
		w.text(id.Name)
		return
	}
	obj := w.in.info.Defs[id]
	if used := w.in.info.Uses[id]; used != nil { // what is embedded is a field as well
		obj = used
	}
	switch {
	case obj == nil && id.Name != "_":
		w.fail(id, "%s is not known", id.Name)
	case obj == nil:
		w.text("_")
	default:
		w.object(obj)
		w.instance(id)
	}
}

// instance writes the type arguments of a generic function or type. Methods of those may be called.
func (w *writer) instance(id *ast.Ident) {
	in, ok := w.in.info.Instances[id]
	if !ok {
		return
	}
	for i := range in.TypeArgs.Len() {
		t := in.TypeArgs.At(i)
		w.text("<")
		w.typed(t)
		w.text(">")
		w.methods(t)
	}
}

// object writes what a name stands for: a local by its number, others as they are reached.
func (w *writer) object(obj types.Object) {
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		w.field(v)
		return
	}
	if isLocalType(obj) {
		w.text(reference(w.localName(obj)))
		return
	}
	if w.isLocal(obj) {
		n, known := w.locals[obj]
		if !known {
			w.count++
			n = w.count
			w.locals[obj] = n
		}
		w.text("$", strconv.Itoa(n))
		return
	}
	w.text(w.closure.object(obj))
}

// field writes a field by its name, which is that of its type if it is embedded.
func (w *writer) field(v *types.Var) {
	if !v.Embedded() {
		w.text(".", v.Name())
		return
	}
	t := v.Origin().Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	w.text(".^")
	w.typed(t)
}

// isLocal reports whether a name is declared in a function, or is a parameter or label.
func (w *writer) isLocal(obj types.Object) bool {
	if obj.Pkg() == nil {
		return false
	}
	switch o := obj.(type) {
	case *types.Label:
		return true
	case *types.Func:
		return false
	case *types.TypeName:
		if _, ok := o.Type().(*types.TypeParam); ok {
			return true
		}
	}
	return obj.Parent() != obj.Pkg().Scope()
}

// selector writes a name of another package, or a field or method with the fields on the way to it.
func (w *writer) selector(n *ast.SelectorExpr) {
	if w.in == nil {
		w.children(n)
		return
	}
	s := w.in.info.Selections[n]
	if s == nil {
		w.ident(n.Sel)
		return
	}
	w.text("(Select")
	w.node(n.X)
	for _, field := range wayTo(s) {
		w.field(field)
	}
	switch obj := s.Obj().(type) {
	case *types.Func:
		w.method(s, obj.Origin())
	case *types.Var:
		w.field(obj)
	}
	w.text(")")
}

// wayTo returns the embedded fields that a selection goes through.
func wayTo(s *types.Selection) (fields []*types.Var) {
	t := s.Recv()
	for _, i := range s.Index()[:len(s.Index())-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return fields
		}
		fields = append(fields, st.Field(i))
		t = st.Field(i).Type()
	}
	return fields
}

// method writes the method of a selection: the one of an interface stands for all that it can mean.
func (w *writer) method(s *types.Selection, f *types.Func) {
	recv := f.Signature().Recv()
	if s.Kind() == types.MethodExpr {
		w.show(s.Recv()) // what it panics with for a nil pointer has the type's name
		w.text("expr")
	}
	if recv == nil || !types.IsInterface(recv.Type()) {
		w.text(w.closure.object(f))
		return
	}
	w.text("any ", f.Name())
	it, ok := recv.Type().Underlying().(*types.Interface)
	if !ok {
		return
	}
	for _, impl := range w.implementations(it, f) {
		w.text(w.closure.object(impl))
	}
}

func (w *writer) typeOf(x ast.Expr) types.Type {
	if w.in == nil {
		return nil
	}
	if tv, ok := w.in.info.Types[x]; ok {
		return tv.Type
	}
	if id, ok := x.(*ast.Ident); ok {
		if obj := w.in.info.ObjectOf(id); obj != nil {
			return obj.Type()
		}
	}
	return nil
}
