package gotypes

import (
	"go/ast"
	"go/parser"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// text writes an expression as Go has it.
func text(x ast.Expr) string { return types.ExprString(x) }

// signature is the parameters and results of a function, one type each, in a spelling that can be compared: packages by
// their path, aliases of the package by what they stand for.
type signature struct{ params, results []spelled }

// spelled is a type. Opaque says that it names something of another package, or of one whose names are imported without
// theirs, so that it may be the same as what looks different.
type spelled struct {
	text   string
	opaque bool
}

// asked parses what a method is to look like: parameters without their brackets, results as they stand in Go. packages
// are the paths of the packages that it names.
func asked(params, results string, packages map[string]string) (*signature, error) {
	x, err := parser.ParseExpr("func(" + params + ") " + results)
	if err != nil {
		return nil, err
	}
	s := speller{packages: packages, clear: slices.Collect(maps.Values(packages))}
	return s.signature(x.(*ast.FuncType)), nil
}

// signatureOf spells the signature of a method that the team wrote.
func (c *Checker) signatureOf(m *Method) *signature {
	s := speller{packages: map[string]string{}, clear: slices.Collect(maps.Values(c.Packages)), team: c.Team, file: m.File}
	for _, spec := range m.File.ast.Imports {
		path := strings.Trim(spec.Path.Value, "`\"")
		switch {
		case spec.Name == nil:
			s.packages[path[strings.LastIndex(path, "/")+1:]] = path
		case spec.Name.Name == ".":
			s.dot = true
		default:
			s.packages[spec.Name.Name] = path
		}
	}
	return s.signature(m.decl.Type)
}

// speller writes types in one way, wherever they stand.
type speller struct {
	packages map[string]string
	// clear are the paths of the packages that are known to have no aliases.
	clear []string
	// dot says that there are names of another package.
	dot  bool
	team *Team
	file *File
}

func (s *speller) signature(f *ast.FuncType) *signature {
	return &signature{s.list(f.Params), s.list(f.Results)}
}

func (s *speller) list(fields *ast.FieldList) []spelled {
	if fields == nil {
		return nil
	}
	var out []spelled
	for _, f := range fields.List {
		one := s.spell(f.Type, nil)
		for range max(1, len(f.Names)) {
			out = append(out, one)
		}
	}
	return out
}

// spell writes a type. What it does not know it writes as it stands, and calls it opaque.
func (s *speller) spell(x ast.Expr, seen []string) spelled {
	around := func(before string, inner spelled, after string) spelled {
		return spelled{before + inner.text + after, inner.opaque}
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return s.spell(x.X, seen)
	case *ast.StarExpr:
		return around("*", s.spell(x.X, seen), "")
	case *ast.Ellipsis:
		return around("...", s.spell(x.Elt, seen), "")
	case *ast.ArrayType:
		if x.Len == nil {
			return around("[]", s.spell(x.Elt, seen), "")
		}
	case *ast.MapType:
		k, v := s.spell(x.Key, seen), s.spell(x.Value, seen)
		return spelled{"map[" + k.text + "]" + v.text, k.opaque || v.opaque}
	case *ast.IndexExpr:
		g, arg := s.spell(x.X, seen), s.spell(x.Index, seen)
		return spelled{g.text + "[" + arg.text + "]", g.opaque || arg.opaque}
	case *ast.SelectorExpr:
		if pkg, ok := x.X.(*ast.Ident); ok {
			path, known := s.packages[pkg.Name]
			if !known {
				path = pkg.Name
			}
			return spelled{path + "." + x.Sel.Name, !slices.Contains(s.clear, path)}
		}
	case *ast.Ident:
		return s.name(x.Name, seen)
	}
	return spelled{text(x), true}
}

// name spells a name of the package: an alias as what it stands for.
func (s *speller) name(name string, seen []string) spelled {
	if s.team != nil && !slices.Contains(seen, name) {
		for _, d := range s.team.types[name] {
			if d.spec.Assign.IsValid() && d.spec.TypeParams == nil {
				if d.File != s.file {
					return spelled{name, true} // its names may mean something else here
				}
				return s.spell(d.spec.Type, append(seen, name))
			}
		}
	}
	return spelled{name, s.dot}
}

// differs reports whether two signatures can't be the same.
func (have *signature) differs(want *signature) bool {
	return differ(have.params, want.params) || differ(have.results, want.results)
}

func differ(have, want []spelled) bool {
	if len(have) != len(want) {
		return true
	}
	for i, h := range have {
		if h.text != want[i].text && !h.opaque {
			return true
		}
	}
	return false
}

// names returns the names without package that a method's types are made of.
func (m *Method) names() []*ast.Ident {
	var out []*ast.Ident
	ast.Inspect(m.decl.Type, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			ast.Inspect(n.Type, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					return false
				case *ast.Ident:
					out = append(out, n)
				}
				return true
			})
			return false
		}
		return true
	})
	return out
}
