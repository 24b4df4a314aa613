package meaning

import (
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/embedded"
)

// sourceOf is the package of a name, if it is read.
func (w *world) sourceOf(obj types.Object) *source {
	if obj.Pkg() == w.own.types {
		return w.own
	}
	return w.packages[obj.Pkg().Path()]
}

// object reaches what a name that is no local stands for, and returns how it is written: as a reference if it is written
// by hand, else by its name.
func (c *closure) object(obj types.Object) string {
	obj = origin(obj)
	if obj.Pkg() == nil {
		return obj.Name()
	}
	name := c.qualified(obj)
	switch d := c.declarations[obj]; {
	case c.sourceOf(obj) == nil:
		c.outside[obj.Pkg().Path()] = true
	case ofInterface(obj): // it belongs to the type
		return "." + obj.Name()
	case d != nil:
		c.reach(d)
		return reference(name)
	default:
		c.generatedName(obj, name)
	}
	return name
}

func ofInterface(obj types.Object) bool {
	f, ok := obj.(*types.Func)
	return ok && f.Signature().Recv() != nil && types.IsInterface(f.Signature().Recv().Type())
}

// origin is the declaration of which something is an instance.
func origin(obj types.Object) types.Object {
	switch o := obj.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return obj
}

// generatedText begins what is written of generated declarations. No syntax of Go begins so.
const generatedText = "generated"

// generatedName takes in a generated declaration: types with their shape, others by what they are.
func (c *closure) generatedName(obj types.Object, name string) {
	if obj.Pkg() == c.own.types {
		c.generated[strings.TrimPrefix(name, ".")[1:]] = true
	}
	if _, known := c.texts[name]; known {
		return
	}
	switch o := obj.(type) {
	case *types.TypeName:
		c.texts[name] = generatedText
		c.texts[name] = c.shape(o.Type().Underlying())
		if o.IsAlias() {
			c.texts[name] += " alias"
		}
	case *types.Const:
		c.texts[name] = generatedText + " " + o.Val().ExactString()
	default:
		c.texts[name] = generatedText
		c.texts[name] = c.shape(o.Type())
	}
}

// shape writes a type as it is composed.
func (c *closure) shape(t types.Type) string {
	c.reachType(t)
	c.show(t)
	return generatedText + " " + types.TypeString(t, func(p *types.Package) string {
		if p == c.own.types {
			return "."
		}
		return p.Path()
	})
}

// reachType reaches the named types in a type.
func (c *closure) reachType(t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		c.reachName(t.Obj())
		c.reachArgs(t.TypeArgs())
	case *types.Named:
		c.reachName(t.Obj())
		c.reachArgs(t.TypeArgs())
	case *types.Map:
		c.reachType(t.Key())
		c.reachType(t.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		c.reachType(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			c.reachType(f.Type())
		}
	case *types.Signature:
		for v := range t.Params().Variables() {
			c.reachType(v.Type())
		}
		for v := range t.Results().Variables() {
			c.reachType(v.Type())
		}
	}
}

func (c *closure) reachArgs(list *types.TypeList) {
	for t := range list.Types() {
		c.reachType(t)
	}
}

// reachName reaches a type that is declared for a package; a local one is part of the function's syntax.
func (c *closure) reachName(obj *types.TypeName) {
	if obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope() {
		c.object(obj)
	}
}

// implementations are the methods that a call through an interface may mean, of all types that are read. Generated types
// implement generated interfaces, which enter with their names.
func (c *closure) implementations(it *types.Interface, f *types.Func) (methods []*types.Func) {
	for _, name := range c.named {
		t := name.Type()
		if types.IsInterface(t) {
			continue
		}
		named, _ := t.(*types.Named)
		generic := named != nil && named.TypeParams().Len() > 0
		if !generic && !types.Implements(types.NewPointer(t), it) {
			continue
		}
		obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, name.Pkg(), f.Name())
		if m, ok := obj.(*types.Func); ok && m.Signature().Recv() != nil && !types.IsInterface(m.Signature().Recv().Type()) {
			c.show(t)
			methods = append(methods, m)
		}
	}
	return methods
}

// methods reaches all methods of a type, and those of what values of it hold: through an interface each may be called, by
// the standard library too, which writes fields and elements as well.
func (c *closure) methods(t types.Type) {
	c.show(t)
	c.methodsWithin(t, map[types.Type]bool{})
}

func (c *closure) methodsWithin(t types.Type, seen map[types.Type]bool) {
	t = types.Unalias(t)
	if seen[t] {
		return
	}
	seen[t] = true
	if named, ok := t.(*types.Named); ok && !types.IsInterface(named) {
		c.methodSet(named)
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		c.methodsWithin(u.Elem(), seen)
	case *types.Slice:
		c.methodsWithin(u.Elem(), seen)
	case *types.Array:
		c.methodsWithin(u.Elem(), seen)
	case *types.Map:
		c.methodsWithin(u.Key(), seen)
		c.methodsWithin(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			c.methodsWithin(f.Type(), seen)
		}
	}
}

func (c *closure) methodSet(named *types.Named) {
	set := types.NewMethodSet(types.NewPointer(named))
	for m := range set.Methods() {
		if f, ok := m.Obj().(*types.Func); ok && f.Pkg() != nil && c.declarations[f.Origin()] != nil {
			c.object(f)
		}
	}
}

// converted takes in what follows from a value that becomes one of an interface.
func (w *writer) converted(to types.Type, x ast.Expr) {
	if w.in != nil {
		w.becomes(to, w.typeOf(x))
	}
}

// becomes takes in what follows from values of one type that become some of another one.
func (w *writer) becomes(to, from types.Type) {
	if to != nil && types.IsInterface(to) && from != nil && !types.IsInterface(from) {
		w.methods(from)
	}
}

// conversions finds the places of a node where values become those of an interface without being told to.
func (w *writer) conversions(n ast.Node) {
	if w.in == nil {
		return
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		w.callConverts(n)
	case *ast.AssignStmt:
		if len(n.Lhs) == len(n.Rhs) {
			for i, x := range n.Rhs {
				w.converted(w.typeOf(n.Lhs[i]), x)
			}
		} else {
			w.tupleConverts(n.Rhs[0], func(i int) types.Type { return w.typeOf(n.Lhs[i]) })
		}
	case *ast.ValueSpec:
		for _, x := range n.Values {
			w.converted(w.typeOf(n.Type), x)
		}
	case *ast.ReturnStmt:
		w.returnConverts(n)
	case *ast.SendStmt:
		if ch, ok := under(w.typeOf(n.Chan)).(*types.Chan); ok {
			w.converted(ch.Elem(), n.Value)
		}
	case *ast.BinaryExpr:
		w.converted(w.typeOf(n.X), n.Y)
		w.converted(w.typeOf(n.Y), n.X)
	case *ast.IndexExpr:
		if m, ok := under(w.typeOf(n.X)).(*types.Map); ok {
			w.converted(m.Key(), n.Index)
		}
	case *ast.CompositeLit:
		w.literalConverts(n)
	case *ast.RangeStmt:
		if sig, ok := under(w.typeOf(n.X)).(*types.Signature); ok {
			w.typed(sig)
		}
		if n.Tok == token.ASSIGN {
			key, value := ranged(under(w.typeOf(n.X)))
			w.becomes(w.typeOf(n.Key), key)
			w.becomes(w.typeOf(n.Value), value)
		}
	}
}

// ranged returns the types of what a loop over values of a type gives, as far as these may be other than basic ones.
func ranged(t types.Type) (key, value types.Type) {
	switch t := t.(type) {
	case *types.Map:
		return t.Key(), t.Elem()
	case *types.Chan:
		return t.Elem(), nil
	case *types.Pointer:
		return ranged(t.Elem().Underlying())
	case *types.Signature:
		yield := t.Params().At(0).Type().Underlying().(*types.Signature).Params()
		if yield.Len() > 0 {
			key = yield.At(0).Type()
		}
		if yield.Len() > 1 {
			value = yield.At(1).Type()
		}
		return key, value
	case interface{ Elem() types.Type }: // slices and arrays
		return nil, t.Elem()
	}
	return nil, nil
}

func under(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}

func (w *writer) callConverts(n *ast.CallExpr) {
	if tv := w.in.info.Types[n.Fun]; tv.IsType() {
		for _, x := range n.Args {
			w.converted(tv.Type, x)
		}
		return
	}
	sig, ok := under(w.typeOf(n.Fun)).(*types.Signature)
	if !ok {
		return
	}
	param := func(i int) types.Type {
		params := sig.Params()
		if sig.Variadic() && i >= params.Len()-1 {
			last := params.At(params.Len() - 1).Type()
			if s, ok := last.Underlying().(*types.Slice); ok && !n.Ellipsis.IsValid() {
				return s.Elem()
			}
			return last
		}
		if i < params.Len() {
			return params.At(i).Type()
		}
		return nil
	}
	if len(n.Args) == 1 && w.tupleConverts(n.Args[0], param) {
		return
	}
	for i, x := range n.Args {
		w.converted(param(i), x)
	}
}

// tupleConverts takes in the results of a call with several.
func (w *writer) tupleConverts(x ast.Expr, to func(int) types.Type) bool {
	tuple, ok := w.typeOf(x).(*types.Tuple)
	if !ok {
		return false
	}
	for i := range tuple.Len() {
		w.becomes(to(i), tuple.At(i).Type())
	}
	return true
}

func (w *writer) returnConverts(n *ast.ReturnStmt) {
	if len(w.results) == 0 || w.results[len(w.results)-1] == nil {
		return
	}
	results := w.results[len(w.results)-1]
	if len(n.Results) == 1 && w.tupleConverts(n.Results[0], func(i int) types.Type { return results.At(i).Type() }) {
		return
	}
	for i, x := range n.Results {
		if i < results.Len() {
			w.converted(results.At(i).Type(), x)
		}
	}
}

func (w *writer) literalConverts(n *ast.CompositeLit) {
	t := under(w.typeOf(n))
	if p, ok := t.(*types.Pointer); ok { // an element of a list of pointers, without its type
		t = p.Elem().Underlying()
	}
	for i, x := range n.Elts {
		kv, keyed := x.(*ast.KeyValueExpr)
		switch t := t.(type) {
		case *types.Struct:
			if keyed {
				w.converted(w.typeOf(kv.Key), kv.Value)
			} else if i < t.NumFields() {
				w.converted(t.Field(i).Type(), x)
			}
		case *types.Map:
			if keyed {
				w.converted(t.Key(), kv.Key)
				w.converted(t.Elem(), kv.Value)
			}
		case interface{ Elem() types.Type }:
			if keyed {
				x = kv.Value
			}
			w.converted(t.Elem(), x)
		}
	}
}

// embedded adds the files that a variable has the content of.
func (w *writer) embedded(d *declaration, n *ast.ValueSpec) {
	for _, pattern := range w.embedPatterns(d, n) {
		w.patterns[pattern] = true
		files, err := pattern.Files()
		if err != nil {
			w.fail(n, "%w", err)
			return
		}
		for _, name := range files {
			content, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(name)))
			if err != nil {
				w.fail(n, "go:embed: %w", err)
				return
			}
			w.text(strconv.Quote(name), fmt.Sprintf(" %x", sha256.Sum256(content)))
		}
	}
}

// embedPatterns are those of a directive above a variable.
func (w *writer) embedPatterns(d *declaration, n *ast.ValueSpec) (patterns []embedded.Pattern) {
	for _, f := range d.files {
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || n.Pos() < g.Pos() || n.Pos() >= g.End() {
				continue
			}
			for _, doc := range []*ast.CommentGroup{g.Doc, n.Doc} {
				if doc == nil {
					continue
				}
				for _, c := range doc.List {
					if rest, ok := strings.CutPrefix(c.Text, "//go:embed "); ok {
						patterns = append(patterns, embedded.Patterns(d.dir, rest)...)
					}
				}
			}
		}
	}
	return patterns
}
