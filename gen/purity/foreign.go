package purity

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// returned looks at values that become those of an interface by being returned.
func (b *body) returned(n *ast.ReturnStmt) {
	results := b.results
	if lit := b.literalAround(n); lit != nil {
		sig, ok := b.Info.TypeOf(lit).Underlying().(*types.Signature)
		if !ok {
			return
		}
		results = sig.Results()
	}
	if results.Len() != len(n.Results) {
		return
	}
	for i, e := range n.Results {
		b.converted(results.At(i).Type(), e, nil)
	}
}

// literalValues looks at values that become those of an interface in a literal.
func (b *body) literalValues(lit *ast.CompositeLit) {
	t := b.Info.TypeOf(lit).Underlying()
	if p, ok := t.(*types.Pointer); ok { // an element of a list of pointers, without its type
		t = p.Elem().Underlying()
	}
	for i, e := range lit.Elts {
		kv, keyed := e.(*ast.KeyValueExpr)
		switch t := t.(type) {
		case *types.Struct:
			if keyed {
				b.converted(b.Info.TypeOf(kv.Key), kv.Value, nil)
			} else if i < t.NumFields() {
				b.converted(t.Field(i).Type(), e, nil)
			}
		case *types.Map:
			if keyed {
				b.converted(t.Key(), kv.Key, nil)
				b.converted(t.Elem(), kv.Value, nil)
			}
		case interface{ Elem() types.Type }: // lists
			if keyed {
				e = kv.Value
			}
			b.converted(t.Elem(), e, nil)
		}
	}
}

// foreign notes that a type of a package that is not entered is behind an interface of the module from now on: what the
// tables say of its methods is what a call through the interface may be.
func (b *body) foreign(to types.Type, i *types.Interface, from types.Type, pos token.Pos) {
	named, ok := types.Unalias(to).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || !b.enters(named.Obj().Pkg()) {
		return
	}
	for m := range i.Methods() {
		obj, _, _ := types.LookupFieldOrMethod(from, true, m.Pkg(), m.Name())
		f, ok := obj.(*types.Func)
		if !ok || f.Pkg() == nil || b.enters(f.Pkg()) || isInterfaceMethod(f) {
			continue
		}
		b.sum.Implementations = append(b.sum.Implementations, Implementation{interfaceName(to) + "." + m.Name(), nameOf(f)})
		b.foreignFunc(f, pos)
	}
}

// foreignFunc adds a function of a package that is not entered, with what the tables say of it, where it is given.
func (c *collector) foreignFunc(f *types.Func, pos token.Pos) {
	if c.funcs[nameOf(f)] != nil {
		return
	}
	known := &Func{Name: nameOf(f), Short: f.Pkg().Name() + "." + shortName(f), At: c.at(pos)}
	known.Results = make([]Origins, f.Signature().Results().Len())
	for _, v := range parameters(f.Signature()) {
		known.Params = append(known.Params, v.Name())
	}
	(&body{collector: c, f: known}).outside(f, pos)
	if s, ok := lookup(f); ok && s.Kind == "" {
		changed := s.Changes
		if !s.Said {
			changed = pointers(f)
		}
		for _, i := range slices.Compact(changed) {
			known.Writes = append(known.Writes, Write{Param: i, At: c.at(pos), Text: "changes what " + known.Short + " is passed"})
		}
	}
	c.funcs[known.Name] = known
	c.sum.Funcs = append(c.sum.Funcs, known)
}
