package purity

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Package is a type-checked package with its syntax.
type Package struct {
	Fset  *token.FileSet
	Files []*ast.File
	Types *types.Package
	Info  *types.Info
	// Entered reports whether a package has a summary, by its path.
	Entered func(path string) bool
	// Imported returns the summary of a package that this one imports, directly or not; nil if there is none.
	Imported func(path string) *Summary
}

// collector reads one package.
type collector struct {
	*Package
	sum     *Summary
	funcs   map[string]*Func
	imports map[string]map[string]*Func
	shares  sharing
	called  map[string]*types.Interface
	generic map[string]bool
	bodies  []*body
}

// most is how often a package is read again because a function turned out to return what it is given. Calls within
// calls within calls return more each time; what is not known after so many stays unknown.
const most = 8

// Summarize reads a package.
func Summarize(p *Package) *Summary {
	c := &collector{
		Package: p, sum: &Summary{Path: p.Types.Path()}, funcs: map[string]*Func{},
		imports: map[string]map[string]*Func{}, shares: sharing{map[types.Type]bool{}}, called: map[string]*types.Interface{},
		generic: map[string]bool{},
	}
	for _, file := range p.Files {
		if !strings.HasSuffix(p.Fset.File(file.FileStart).Name(), "_test.go") {
			c.file(file)
		}
	}
	for range most {
		changed := false
		for _, b := range c.bodies {
			changed = b.flow() || changed
		}
		if !changed {
			break
		}
	}
	for _, b := range c.bodies {
		b.record()
	}
	for _, b := range c.bodies { // now that it is known what functions write to
		for _, l := range b.loops {
			l.usedResults()
			l.tell()
		}
	}
	c.roots()
	c.implementations()
	c.sort()
	return c.sum
}

// file takes the functions and variables that a file declares.
func (c *collector) file(file *ast.File) {
	vouching := c.vouching(file)
	handlers := generatedHandlers(c.Fset.File(file.FileStart).Name(), file)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			f := c.function(d)
			f.Command = handlers
			if comment := vouching[d.Doc]; comment != nil {
				f.Vouched, f.Reason = true, reasonOf(comment)
				delete(vouching, d.Doc)
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				c.variables(d)
			}
		}
	}
	for _, comment := range vouching {
		c.sum.Misplaced = append(c.sum.Misplaced, Misplaced{c.at(comment.Pos()), "stands before no function, and vouches for nothing"})
	}
}

const directive = "//cqrs:pure"

// vouching returns the comments of a file that vouch for something, with the groups that they stand in.
func (c *collector) vouching(file *ast.File) map[*ast.CommentGroup]*ast.Comment {
	found := map[*ast.CommentGroup]*ast.Comment{}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if rest, ok := strings.CutPrefix(comment.Text, directive); ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
				found[group] = comment
			}
		}
	}
	return found
}

func reasonOf(comment *ast.Comment) string {
	reason, _, _ := strings.Cut(strings.TrimPrefix(comment.Text, directive), " // ")
	return strings.TrimSpace(reason)
}

func (c *collector) function(d *ast.FuncDecl) *Func {
	obj := c.Info.Defs[d.Name].(*types.Func)
	sig := obj.Signature()
	f := &Func{Name: nameOf(obj), Short: shortName(obj), At: c.at(d.Name.Pos()), Exported: obj.Exported()}
	if obj.Name() == "init" && sig.Recv() == nil {
		f.Name += "#" + c.at(d.Pos()).String()
		f.Initial = true
	}
	b := &body{collector: c, f: f, params: map[*types.Var]int{}, locals: map[*types.Var]map[string]Origins{}}
	for _, v := range parameters(sig) {
		b.params[v] = len(f.Params)
		f.Params = append(f.Params, v.Name())
	}
	f.Results = make([]Origins, sig.Results().Len())
	if d.Body == nil {
		f.Effects = append(f.Effects, Effect{Kind: Unresolved, At: f.At, Text: "has no body in Go"})
	} else {
		b.nodes, b.results = []ast.Node{d.Body}, sig.Results()
	}
	c.add(b)
	return f
}

func (c *collector) add(b *body) {
	b.parents = parentsOf(b.nodes)
	for _, root := range b.nodes {
		ast.Inspect(root, func(n ast.Node) bool {
			if lit, ok := n.(*ast.FuncLit); ok {
				b.lits = append(b.lits, lit)
			}
			return true
		})
	}
	b.assignments()
	if b.f.Initial {
		b.kept = b.keptLiterals()
	}
	c.bodies = append(c.bodies, b)
	c.funcs[b.f.Name] = b.f
	c.sum.Funcs = append(c.sum.Funcs, b.f)
}

// variables takes the initial values of package variables.
func (c *collector) variables(d *ast.GenDecl) {
	for _, s := range d.Specs {
		spec := s.(*ast.ValueSpec)
		for i, name := range spec.Names {
			v, ok := c.Info.Defs[name].(*types.Var)
			if !ok || name.Name == "_" {
				continue
			}
			f := &Func{Name: nameOf(v), Short: name.Name, At: c.at(name.Pos()), Initial: true}
			b := &body{collector: c, f: f, params: map[*types.Var]int{}, locals: map[*types.Var]map[string]Origins{}}
			switch {
			case len(spec.Values) == len(spec.Names):
				b.nodes = []ast.Node{spec.Values[i]}
			case len(spec.Values) == 1:
				b.nodes = []ast.Node{spec.Values[0]}
			}
			c.add(b)
		}
	}
}

func (c *collector) at(pos token.Pos) Position {
	p := c.Fset.PositionFor(pos, false)
	return Position{p.Filename, p.Line, p.Column}
}

// sort brings everything into one order, whatever the order of maps was.
func (c *collector) sort() {
	slices.SortFunc(c.sum.Funcs, func(a, b *Func) int { return cmp.Compare(a.Name, b.Name) })
	for _, f := range c.sum.Funcs {
		slices.SortStableFunc(f.Effects, func(a, b Effect) int {
			return cmp.Or(a.At.compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Text, b.Text))
		})
		f.Effects = slices.Compact(f.Effects)
		slices.SortStableFunc(f.Uses, func(a, b Use) int { return cmp.Or(a.At.compare(b.At), cmp.Compare(a.Name, b.Name)) })
		slices.SortStableFunc(f.Writes, func(a, b Write) int {
			return cmp.Or(a.At.compare(b.At), cmp.Compare(a.Param, b.Param), cmp.Compare(a.Global, b.Global))
		})
	}
	slices.SortFunc(c.sum.Implementations, func(a, b Implementation) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.Method, b.Method))
	})
	c.sum.Implementations = slices.Compact(c.sum.Implementations)
	slices.SortFunc(c.sum.Misplaced, func(a, b Misplaced) int { return a.At.compare(b.At) })
}

// summaryOf returns what is known about a function of a package that is entered; nil if nothing is yet.
func (c *collector) summaryOf(obj types.Object) *Func {
	path := obj.Pkg().Path()
	if path == c.sum.Path {
		return c.funcs[nameOf(obj)]
	}
	funcs, ok := c.imports[path]
	if !ok {
		funcs = map[string]*Func{}
		if s := c.Imported(path); s != nil {
			for _, f := range s.Funcs {
				funcs[f.Name] = f
			}
		}
		c.imports[path] = funcs
	}
	return funcs[nameOf(obj)]
}

// nameOf is the full name of a function, or `var NAME` of a package variable.
func nameOf(obj types.Object) string {
	if f, ok := obj.(*types.Func); ok {
		return f.Origin().FullName()
	}
	return "var " + obj.Pkg().Path() + "." + obj.Name()
}

// shortName is what people call a function: pkg.Func, or Type.Method.
func shortName(obj types.Object) string {
	f, ok := obj.(*types.Func)
	if ok && f.Signature().Recv() != nil {
		return symbolName(f)
	}
	if obj.Pkg() == nil {
		return obj.Name()
	}
	return obj.Pkg().Name() + "." + obj.Name()
}

// parameters are the receiver, if there is one, and the parameters.
func parameters(sig *types.Signature) (all []*types.Var) {
	if sig.Recv() != nil {
		all = append(all, sig.Recv())
	}
	return slices.AppendSeq(all, sig.Params().Variables())
}

func parentsOf(nodes []ast.Node) map[ast.Node]ast.Node {
	parents := map[ast.Node]ast.Node{}
	for _, root := range nodes {
		var stack []ast.Node
		ast.Inspect(root, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			if len(stack) > 0 {
				parents[n] = stack[len(stack)-1]
			}
			stack = append(stack, n)
			return true
		})
	}
	return parents
}

// implementations notes what is behind the interfaces that this package calls, which of its types are behind others, as
// those are that package main gives to a fold, and, if it has roots, what is behind all that are known: what a root
// reaches is known by then.
func (c *collector) implementations() {
	known, concrete := map[string]*types.Interface{}, []*types.TypeName{}
	for _, pkg := range c.visible() {
		for _, name := range pkg.Scope().Names() {
			t, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if !ok || t.IsAlias() {
				continue
			}
			if i, ok := t.Type().Underlying().(*types.Interface); !ok {
				concrete = append(concrete, t)
			} else if i.IsMethodSet() {
				known[interfaceName(t.Type())] = i
				if n, ok := t.Type().(*types.Named); ok && n.TypeParams().Len() > 0 {
					c.generic[interfaceName(t.Type())] = true
				}
			}
		}
	}
	for _, t := range concrete {
		for name, i := range c.called {
			c.implementation(name, i, t)
		}
		for name, i := range known {
			if len(c.sum.Roots) > 0 || t.Pkg() == c.Types {
				c.implementation(name, i, t)
			}
		}
	}
}

// visible are the package and those that it imports, directly or not, and that are entered.
func (c *collector) visible() []*types.Package {
	seen := map[*types.Package]bool{}
	var all []*types.Package
	var visit func(*types.Package)
	visit = func(p *types.Package) {
		if seen[p] || p != c.Types && !c.Entered(p.Path()) {
			return
		}
		seen[p] = true
		all = append(all, p)
		for _, q := range p.Imports() {
			visit(q)
		}
	}
	visit(c.Types)
	return all
}

func (c *collector) implementation(name string, i *types.Interface, t *types.TypeName) {
	p := types.NewPointer(t.Type())
	if i.NumMethods() == 0 || !implements(p, i, c.generic[name]) {
		return
	}
	for m := range i.Methods() {
		obj, _, _ := types.LookupFieldOrMethod(p, true, t.Pkg(), m.Name())
		if f, ok := obj.(*types.Func); ok && f.Pkg() != nil && !isInterfaceMethod(f) {
			if !c.enters(f.Pkg()) { // it comes with what the type embeds
				c.foreignFunc(f, t.Pos())
			}
			c.sum.Implementations = append(c.sum.Implementations, Implementation{name + "." + m.Name(), nameOf(f)})
		}
	}
}

// implements is types.Implements, and compares names of methods only where a type has parameters, or the interface.
func implements(p *types.Pointer, i *types.Interface, generic bool) bool {
	n, ok := types.Unalias(p.Elem()).(*types.Named)
	if !ok || n.TypeParams().Len() == 0 && !generic {
		return types.Implements(p, i)
	}
	set := types.NewMethodSet(p)
	for m := range i.Methods() {
		if set.Lookup(m.Pkg(), m.Name()) == nil {
			return false
		}
	}
	return true
}

func interfaceName(t types.Type) string {
	if n, ok := types.Unalias(t).(*types.Named); ok {
		t = n.Origin()
	}
	return types.TypeString(t, func(p *types.Package) string { return p.Path() })
}

func (b *body) effect(kind Kind, pos token.Pos, format string, args ...any) {
	b.f.Effects = append(b.f.Effects, Effect{kind, b.at(pos), fmt.Sprintf(format, args...), b.later(pos)})
}

// later reports whether a place in what runs before main is in a function literal that is kept, and may run at any time.
func (b *body) later(pos token.Pos) bool {
	return slices.ContainsFunc(b.kept, func(lit *ast.FuncLit) bool { return lit.Pos() <= pos && pos < lit.End() })
}

// keptLiterals are the function literals that run later, of what runs before main. Those that are called at once, or
// passed to a call, or bound to a local variable, are taken to run there and then.
func (b *body) keptLiterals() (kept []*ast.FuncLit) {
	for _, root := range b.nodes {
		ast.Inspect(root, func(n ast.Node) bool {
			lit, ok := n.(*ast.FuncLit)
			if !ok {
				return true
			}
			switch parent := b.parents[n].(type) {
			case *ast.CallExpr:
				return true
			case *ast.AssignStmt:
				if parent.Tok == token.DEFINE {
					return true
				}
			}
			kept = append(kept, lit)
			return false
		})
	}
	return kept
}
