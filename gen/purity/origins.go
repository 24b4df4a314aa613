package purity

import (
	"cmp"
	"go/types"
	"slices"
)

// deepest is the number of steps that are told apart. Memory behind more is taken for that behind so many.
const deepest = 4

func (o Origin) compare(p Origin) int {
	return cmp.Or(cmp.Compare(o.Global, p.Global), cmp.Compare(o.Param, p.Param))
}

// join adds origins. What is shared soonest and lies deepest counts.
func (o Origins) join(others Origins) Origins {
	for _, p := range others {
		p.Fresh, p.Depth = min(p.Fresh, deepest), min(p.Depth, deepest)
		i, found := slices.BinarySearchFunc(o, p, Origin.compare)
		if !found {
			o = slices.Insert(slices.Clip(o), i, p)
			continue
		}
		if q := o[i]; p.Fresh < q.Fresh || p.Depth > q.Depth {
			o = slices.Clone(o)
			o[i].Fresh, o[i].Depth = min(p.Fresh, q.Fresh), max(p.Depth, q.Depth)
		}
	}
	return o
}

// inside are the origins of what a value leads to in one step.
func (o Origins) inside() Origins {
	moved := slices.Clone(o)
	for i := range moved {
		if moved[i].Fresh > 0 {
			moved[i].Fresh--
		} else {
			moved[i].Depth = min(moved[i].Depth+1, deepest)
		}
	}
	return moved
}

// held are the origins of new memory that holds a value.
func (o Origins) held() Origins {
	moved := slices.Clone(o)
	for i := range moved {
		moved[i].Fresh = min(moved[i].Fresh+1, deepest)
	}
	return moved
}

// passed are the origins of a result that has the origins o in the callee, for what was passed to it.
func (o Origins) passed(args []Origins) (all Origins) {
	for _, of := range o {
		switch {
		case of.Global != "":
			all = all.join(Origins{of})
		case of.Param < len(args):
			for _, arg := range args[of.Param] {
				all = all.join(Origins{arg.through(of)})
			}
		}
	}
	return all
}

// through is the origin of what lies of.Depth steps behind a value with the origin o, kept in of.Fresh new steps.
func (o Origin) through(of Origin) Origin {
	fresh := max(0, o.Fresh-of.Depth)
	o.Depth += max(0, of.Depth-o.Fresh)
	o.Fresh = fresh + of.Fresh
	return o
}

// sharing decides whether values of a type can share memory that somebody can change.
type sharing struct {
	known map[types.Type]bool
}

func (s *sharing) can(t types.Type) bool {
	if known, ok := s.known[t]; ok {
		return known
	}
	s.known[t] = false // a type that refers to itself does so through a pointer, a slice or a map
	can := s.decide(t)
	s.known[t] = can
	return can
}

func (s *sharing) decide(t types.Type) bool {
	if immutable(t) {
		return false
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Array:
		return s.can(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if s.can(f.Type()) {
				return true
			}
		}
		return false
	case *types.Tuple:
		for v := range u.Variables() {
			if s.can(v.Type()) {
				return true
			}
		}
		return false
	}
	return true
}

// immutableTypes hold pointers to what nobody can change.
var immutableTypes = map[string]bool{
	"error": true, "time.Time": true, "*time.Location": true, "*regexp.Regexp": true, "net/netip.Addr": true,
	"net/netip.AddrPort": true, "net/netip.Prefix": true, "reflect.Type": true,
	"github.com/shopspring/decimal.Decimal": true,
}

func immutable(t types.Type) bool {
	prefix := ""
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		prefix, t = "*", p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return false
	}
	name := n.Obj().Name()
	if pkg := n.Obj().Pkg(); pkg != nil {
		name = pkg.Path() + "." + name
	}
	return immutableTypes[prefix+name]
}
