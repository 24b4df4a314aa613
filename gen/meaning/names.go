package meaning

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
)

// written reports whether a function may be there, and is not a stub: that a method comes from an embedded type is only
// seen later.
func (s *source) written(r Root) bool {
	embeds := false
	for _, f := range s.files {
		if f.generated {
			continue
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == r.Name && receiverIdent(d) == r.Type {
					return !isStub(d)
				}
			case *ast.GenDecl:
				embeds = embeds || embedsAny(d, r.Type)
			}
		}
	}
	return embeds
}

// embedsAny reports whether a declaration is that of the type, and this may have methods that are not declared for it.
func embedsAny(d *ast.GenDecl, name string) bool {
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok || t.Name.Name != name {
			continue
		}
		s, ok := t.Type.(*ast.StructType)
		if !ok {
			return true
		}
		return slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return len(f.Names) == 0 })
	}
	return false
}

// receiverIdent is the name of the type that a method is declared for; "" for a function.
func receiverIdent(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	x := d.Recv.List[0].Type
	for {
		switch t := x.(type) {
		case *ast.ParenExpr:
			x = t.X
		case *ast.StarExpr:
			x = t.X
		case *ast.IndexExpr:
			x = t.X
		case *ast.IndexListExpr:
			x = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// isStub reports whether a function does nothing but to say that it is not implemented.
func isStub(d *ast.FuncDecl) bool {
	if d.Body == nil || len(d.Body.List) != 1 {
		return false
	}
	r, ok := d.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) == 0 {
		return false
	}
	ref, ok := r.Results[len(r.Results)-1].(*ast.UnaryExpr)
	if !ok || ref.Op != token.AND {
		return false
	}
	lit, ok := ref.X.(*ast.CompositeLit)
	if !ok {
		return false
	}
	sel, ok := lit.Type.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "NotImplementedError"
}

// allImports are the paths that the package's files import, those of our runtime that only generated code does left out:
// what they say of that is not looked at.
func (s *source) allImports() []string {
	paths := map[string]bool{}
	for _, f := range s.files {
		for _, spec := range f.Imports {
			if path := importPath(spec); !f.generated || !strings.HasPrefix(path, runtimePath) {
				paths[path] = true
			}
		}
	}
	return loadable(paths)
}

func loadable(paths map[string]bool) []string {
	paths[runtimePath+"cqrs"] = true
	delete(paths, "unsafe")
	delete(paths, "C")
	return slices.Sorted(maps.Keys(paths))
}

// importsOf are the imports that functions may need, found by names alone: those of every declaration whose name is
// mentioned by one that may be reached. It is more than what is reached, and less than what the package imports.
func (s *source) importsOf(roots []Root) []string {
	n := &nameSearch{byName: map[string][]mention{}, seen: map[string]bool{}, paths: map[string]bool{}}
	for _, f := range s.files {
		n.declare(f)
	}
	for _, r := range roots {
		n.want(r.Type)
		n.want(r.Name)
	}
	for len(n.todo) > 0 {
		name := n.todo[0]
		n.todo = n.todo[1:]
		for _, m := range n.byName[name] {
			n.visit(m)
		}
	}
	return loadable(n.paths)
}

type mention struct {
	in   *file
	node ast.Node
}

type nameSearch struct {
	byName map[string][]mention
	seen   map[string]bool
	todo   []string
	paths  map[string]bool
}

func (n *nameSearch) want(name string) {
	if name != "" && !n.seen[name] {
		n.seen[name] = true
		n.todo = append(n.todo, name)
	}
}

func (n *nameSearch) declare(f *file) {
	add := func(name string, node ast.Node) { n.byName[name] = append(n.byName[name], mention{f, node}) }
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name.Name, d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name.Name, s)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(id.Name, s)
					}
				}
			}
		}
	}
}

// visit takes in the names and the imports that a declaration mentions.
func (n *nameSearch) visit(m mention) {
	ast.Inspect(m.node, func(x ast.Node) bool {
		id, ok := x.(*ast.Ident)
		if !ok {
			return true
		}
		n.want(id.Name)
		for _, spec := range m.in.Imports {
			p := importPath(spec)
			// Of what generated files import of the runtime, only values of personal data have methods that the team calls.
			runtimes := m.in.generated && strings.HasPrefix(p, runtimePath) && p != runtimePath+"personal"
			if !runtimes && (spec.Name != nil && (spec.Name.Name == id.Name || spec.Name.Name == ".") ||
				spec.Name == nil && mayBeNamed(p, id.Name)) {
				n.paths[p] = true
			}
		}
		return true
	})
}

// mayBeNamed reports whether a package may have a name: that is the last element of its path, if it is not a version,
// and not what stands before or behind a dash or a dot.
func mayBeNamed(p, name string) bool {
	base := path.Base(p)
	if base == name || strings.Contains(base, name) {
		return true
	}
	return len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" &&
		strings.Contains(path.Base(path.Dir(p)), name)
}

// lookup finds a function, also one that an embedded type gives.
func (s *source) lookup(r Root) types.Object {
	if s.types == nil {
		return nil
	}
	if r.Type == "" {
		if f, ok := s.types.Scope().Lookup(r.Name).(*types.Func); ok {
			return f
		}
		return nil
	}
	t, ok := s.types.Scope().Lookup(r.Type).(*types.TypeName)
	if !ok {
		return nil
	}
	obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(t.Type()), true, s.types, r.Name)
	if f, ok := obj.(*types.Func); ok {
		return f.Origin()
	}
	return nil
}

// index finds each declaration's object.
func (w *world) index() {
	for _, path := range slices.Sorted(maps.Keys(w.packages)) {
		s := w.packages[path]
		for _, f := range s.files {
			if !f.generated {
				w.indexFile(s, f)
			}
		}
	}
	slices.SortFunc(w.named, func(a, b *types.TypeName) int { return strings.Compare(w.qualified(a), w.qualified(b)) })
}

func (w *world) indexFile(s *source, f *file) {
	add := func(id *ast.Ident, d declaration) {
		if obj := s.info.Defs[id]; obj != nil && id.Name != "_" {
			d.source, d.name = s, w.qualified(obj)
			w.declarations[obj] = &d
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Name, declaration{node: d})
		case *ast.GenDecl:
			w.indexSpecs(s, d, add)
		}
	}
}

func (w *world) indexSpecs(s *source, d *ast.GenDecl, add func(*ast.Ident, declaration)) {
	var last *ast.ValueSpec
	for i, spec := range d.Specs {
		switch x := spec.(type) {
		case *ast.TypeSpec:
			add(x.Name, declaration{node: x})
			if t, ok := s.info.Defs[x.Name].(*types.TypeName); ok && !t.IsAlias() {
				w.named = append(w.named, t)
			}
		case *ast.ValueSpec:
			from := x
			if d.Tok == token.CONST {
				if x.Type == nil && len(x.Values) == 0 && last != nil {
					from = last
				}
				last = from
			}
			for j, id := range x.Names {
				add(id, declaration{node: x, spec: from, index: j, iota: i})
			}
		}
	}
}
