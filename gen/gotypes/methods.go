package gotypes

import (
	"go/ast"
	"slices"
)

// Kind says what a declaration of a type means for its methods.
type Kind int

const (
	// Open types can be given methods.
	Open Kind = iota
	// Generic types have parameters, which nothing that is generated would give them.
	Generic
	// Interface types have no methods of their own.
	Interface
	// Foreign types are aliases of what another package declares, or of what has no name.
	Foreign
)

// Of returns the kind of a declaration.
func (t *Team) Of(d *Type) Kind {
	switch {
	case d.spec.TypeParams != nil && len(d.spec.TypeParams.List) > 0:
		return Generic
	case d.spec.Assign.IsValid():
		id, ok := ast.Unparen(d.spec.Type).(*ast.Ident)
		if !ok {
			return Foreign
		}
		if to := t.beside(id.Name, d); to != nil && to != d && !to.spec.Assign.IsValid() {
			return t.Of(to)
		}
		return Foreign
	}
	if _, ok := t.underlying(d, nil).(*ast.InterfaceType); ok {
		return Interface
	}
	return Open
}

// beside returns the declaration that a name means in the file of another one.
func (t *Team) beside(name string, d *Type) *Type {
	all := t.Types(name)
	for _, to := range all {
		if to.File == d.File {
			return to
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// underlying follows the names of the package that a type is declared by, and returns what is not one of them.
func (t *Team) underlying(d *Type, seen []*Type) ast.Expr {
	x := ast.Unparen(d.spec.Type)
	id, ok := x.(*ast.Ident)
	if !ok || slices.Contains(seen, d) {
		return x
	}
	if to := t.beside(id.Name, d); to != nil {
		return t.underlying(to, append(seen, d))
	}
	return x
}

// Methods are what is known of the methods that a type has.
type Methods struct {
	// Own are declared for the type, by name; Has are the names of all that can be called, through embedded fields as
	// well.
	Own map[string]*Method
	Has map[string]bool
	// Fields are the names that methods can't have.
	Fields map[string]bool
	// Unseen is an embedded type of which the methods can't be seen, "" if there is none.
	Unseen string

	team *Team
	of   *Type
	seen []string
}

// MethodsOf returns the methods of a type as one of its declarations sees them. If another file declares the type as
// well, for other builds, the methods in that file are not the ones of this declaration. known are interfaces that are
// generated, with their methods.
func (t *Team) MethodsOf(d *Type, known map[string][]string) *Methods {
	m := &Methods{Own: map[string]*Method{}, Has: map[string]bool{}, Fields: map[string]bool{}, team: t, of: d}
	names := []string{d.Name}
	if d.spec.Assign.IsValid() { // methods may be declared under either name
		if id, ok := ast.Unparen(d.spec.Type).(*ast.Ident); ok {
			names = append(names, id.Name)
		}
	}
	for _, name := range names {
		for _, own := range t.methods[name] {
			if m.sees(own.File) && m.Own[own.Name] == nil {
				m.Own[own.Name], m.Has[own.Name] = own, true
			}
		}
	}
	if s, ok := t.underlying(d, nil).(*ast.StructType); ok {
		m.fields(s, known, true)
	}
	return m
}

// sees reports whether a file is in the builds of the declaration at hand.
func (m *Methods) sees(f *File) bool {
	if f.test {
		return false
	}
	return f == m.of.File || !slices.ContainsFunc(m.team.Types(m.of.Name), func(d *Type) bool { return d.File == f })
}

func (m *Methods) fields(s *ast.StructType, known map[string][]string, direct bool) {
	for _, field := range s.Fields.List {
		for _, name := range field.Names {
			m.Fields[name.Name] = m.Fields[name.Name] || direct
		}
		if len(field.Names) == 0 {
			m.embedded(field.Type, known)
		}
	}
}

// embedded adds what a type has of one that it embeds.
func (m *Methods) embedded(x ast.Expr, known map[string][]string) {
	x = ast.Unparen(x)
	if star, ok := x.(*ast.StarExpr); ok {
		x = ast.Unparen(star.X)
	}
	switch g := x.(type) {
	case *ast.IndexExpr:
		x = g.X
	case *ast.IndexListExpr:
		x = g.X
	}
	id, ok := x.(*ast.Ident)
	if !ok {
		m.Unseen = text(x)
		return
	}
	if methods, generated := known[id.Name]; generated {
		m.add(methods...)
		return
	}
	d := m.team.beside(id.Name, m.of)
	switch {
	case d == nil:
		m.Unseen = id.Name
	case !slices.Contains(m.seen, id.Name):
		m.seen = append(m.seen, id.Name)
		m.promoted(d, known)
	}
}

func (m *Methods) promoted(d *Type, known map[string][]string) {
	for _, method := range m.team.methods[d.Name] {
		m.add(method.Name)
	}
	switch u := m.team.underlying(d, nil).(type) {
	case *ast.StructType:
		m.fields(u, known, false)
	case *ast.InterfaceType:
		for _, e := range u.Methods.List {
			if len(e.Names) > 0 {
				m.add(e.Names[0].Name)
			} else {
				m.embedded(e.Type, known)
			}
		}
	case *ast.SelectorExpr:
		m.Unseen = text(u)
	case *ast.Ident:
		if d.spec.Assign.IsValid() { // an alias of what is not the team's
			m.embedded(u, known)
		}
	}
}

func (m *Methods) add(names ...string) {
	for _, name := range names {
		m.Has[name] = true
	}
}

// Style is how the methods of a type are written: with what receiver.
func (m *Methods) Style() (name string, pointer bool) {
	names, pointers := map[string]int{}, 0
	for _, own := range m.Own {
		names[own.Receiver]++
		if own.Pointer {
			pointers++
		}
	}
	for candidate, n := range names {
		if n > names[name] || n == names[name] && candidate < name {
			name = candidate
		}
	}
	return name, 2*pointers > len(m.Own)
}
