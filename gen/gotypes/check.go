package gotypes

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Want is a type that the team declares, and the methods that generated code calls.
type Want struct {
	Type, Interface string
	Methods         []WantMethod
}

// WantMethod is a method that generated code calls: Params and Results as they stand in Go.
type WantMethod struct{ Name, Params, Results string }

// Generated is what stands beside the team's code.
type Generated struct {
	Wants        []Want
	Declarations []Declaration
	// Elements says what each name stands for in the model, and where that is.
	Elements map[string]Element
	// Packages are the paths of the packages that the signatures name.
	Packages map[string]string
}

// Element is a part of the model that became a name in Go.
type Element struct {
	What string
	// File is the name of the model's file that has it.
	File string
	At   diag.Span
}

// Findings are the diagnostics of one of the team's files.
type Findings struct {
	*File
	diag.List
}

// Checker holds the team's code against what is generated beside it.
type Checker struct {
	*Team
	*Generated
	findings map[*File]*Findings
	defined  map[string]bool
}

// NewChecker returns a checker of the team's code.
func NewChecker(t *Team, g *Generated) *Checker {
	c := &Checker{Team: t, Generated: g, findings: map[*File]*Findings{}, defined: map[string]bool{}}
	for _, name := range types.Universe.Names() {
		c.defined[name] = true
	}
	for _, d := range g.Declarations {
		if d.Import == "" {
			c.defined[d.Name] = true
		}
	}
	for _, f := range t.Files {
		for _, id := range f.declared() {
			c.defined[id.Name] = true
		}
	}
	return c
}

// Findings returns what was found, in the order of the files.
func (c *Checker) Findings() []*Findings {
	var out []*Findings
	for _, f := range c.Files {
		if found := c.findings[f]; found != nil {
			out = append(out, found)
		}
	}
	return out
}

func (c *Checker) report(f *File, d diag.Diagnostic) {
	if c.findings[f] == nil {
		c.findings[f] = &Findings{File: f}
	}
	c.findings[f].Add(d)
}

// Type reports something about a declaration of a type.
func (c *Checker) Type(d *Type, code, message, hint string) {
	c.report(d.File, diag.Diagnostic{
		Code: code, At: c.span(d.spec.Name.Pos(), d.spec.Name.End()), Message: message, Hint: hint,
		Warning: code == diag.TypeLeftOver || code == diag.MethodsUnseen,
	})
}

// Broken reports a file that is not Go to its end, once.
func (c *Checker) Broken(f *File) {
	said := func(d diag.Diagnostic) bool { return d.Code == diag.TeamSyntax }
	if found := c.findings[f]; found != nil && slices.ContainsFunc(found.Sorted(), said) {
		return
	}
	line := strings.Split(string(f.Src), "\n")[max(0, f.Broken.Pos.Line-1)]
	col := len([]rune(line[:min(len(line), max(0, f.Broken.Pos.Column-1))])) + 1
	c.report(f, diag.Diagnostic{
		Code: diag.TeamSyntax, At: diag.Span{Pos: diag.Pos{Line: f.Broken.Pos.Line, Col: col}, Len: 1}, Warning: true,
		Message: "the file is not Go from here on, so that no stub is appended to it: " + f.Broken.Msg,
		Hint:    "mend it, and generate again",
	})
}

// Signatures reports methods that have another signature than the generated code calls them with.
func (c *Checker) Signatures(w *Want, of *Methods) error {
	for _, m := range w.Methods {
		own := of.Own[m.Name]
		if own == nil || own.File.Broken != nil {
			continue
		}
		want, err := asked(m.Params, m.Results, c.Packages)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", w.Type, m.Name, err)
		}
		if !c.signatureOf(own).differs(want) {
			continue
		}
		c.report(own.File, diag.Diagnostic{
			Code: diag.WrongSignature, At: c.span(own.decl.Name.Pos(), own.decl.Name.End()),
			Message: fmt.Sprintf("%s.%s has another signature than the model asks for: it has %s",
				w.Type, m.Name, strings.TrimPrefix(text(own.decl.Type), "func")),
			Hint: fmt.Sprintf("want (%s) %s", m.Params, m.Results),
		})
	}
	return nil
}

// LeftOver reports the methods of a type that the model once asked for, and does not any more. It is silent unless all
// files can be read to their end: only then it is known what is declared.
func (c *Checker) LeftOver(w *Want, of *Methods) {
	if c.anyBroken() {
		return
	}
	for _, m := range sorted(of.Own) {
		if slices.ContainsFunc(w.Methods, func(want WantMethod) bool { return want.Name == m.Name }) || !c.called(m) {
			continue
		}
		why := ""
		if missing := c.undefined(m); missing != "" {
			why = fmt.Sprintf("the model has no %s", missing)
		} else if subject(m) && !c.selected(m.Name) {
			why = fmt.Sprintf("the model does not ask %s for it", w.Type)
		}
		if why != "" {
			c.report(m.File, diag.Diagnostic{
				Code: diag.MethodLeftOver, At: c.span(m.decl.Name.Pos(), m.decl.Name.End()), Warning: true,
				Message: fmt.Sprintf("nothing calls %s.%s any more: %s", w.Type, m.Name, why),
				Hint:    "delete it, or move what is worth keeping",
			})
		}
	}
}

// Renamed reports types of aggregates and projections that the model does not have any more. fresh are the files of new
// skeletons, by type.
func (c *Checker) Renamed(fresh map[string]string) {
	if c.anyBroken() {
		return
	}
	for _, f := range c.Files {
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE || f.test {
				continue
			}
			for _, spec := range g.Specs {
				c.renamed(&Type{spec.(*ast.TypeSpec).Name.Name, f, spec.(*ast.TypeSpec)}, fresh)
			}
		}
	}
}

func (c *Checker) renamed(d *Type, fresh map[string]string) {
	if slices.ContainsFunc(c.Wants, func(w Want) bool { return w.Type == d.Name }) {
		return
	}
	for _, m := range c.methods[d.Name] {
		missing := c.undefined(m)
		hint := "delete it, or move what is worth keeping"
		switch {
		case !c.called(m):
			continue
		case missing == "" && subject(m) && c.folds(m, d.Name) && !c.selected(m.Name):
			c.Type(d, diag.TypeLeftOver,
				fmt.Sprintf("nothing uses %s any more: the model says itself what events do to its rows", d.Name), hint)
			return
		case missing == "" || !strings.HasPrefix(missing, d.Name) && !subject(m):
			continue
		}
		if len(fresh) == 1 {
			for name, file := range fresh {
				hint = fmt.Sprintf("if it is %s now, move its methods to %s", name, file)
			}
		}
		c.Type(d, diag.TypeLeftOver, fmt.Sprintf("the model has no %s any more", d.Name), hint)
		return
	}
}

// called reports whether a method has the form of one that generated code would call: the last thing that it is given
// is the meta of a command or an event, or it gets just an event for a state.
func (c *Checker) called(m *Method) bool {
	s := c.signatureOf(m)
	if len(s.params) == 0 || len(s.results) == 0 || !ast.IsExported(m.Name) {
		return false
	}
	last := s.params[len(s.params)-1].text
	if strings.HasSuffix(last, "/cqrs.CommandMeta") || strings.HasSuffix(last, "/cqrs.EventMeta") {
		return true
	}
	return len(s.params) == 2 && len(s.results) == 1 && s.results[0].text == "error" &&
		strings.HasPrefix(s.params[0].text, "*") && "Apply"+strings.TrimPrefix(last, "*") == m.Name
}

// folds reports whether a method changes rows of the projection of a name, which is still generated.
func (c *Checker) folds(m *Method, projection string) bool {
	first := c.signatureOf(m).params[0].text
	return strings.HasPrefix(first, "*") && strings.HasPrefix(first[1:], projection) && c.defined[projection+"Key"]
}

// subject reports whether a method is named after one of the types that it is given, as deciders and folds are.
func subject(m *Method) bool {
	name := strings.TrimPrefix(m.Name, "Apply")
	return slices.ContainsFunc(m.names(), func(id *ast.Ident) bool { return id.Name == name || id.Name == m.Name })
}

// undefined returns a name of the method's signature that nothing declares, "" if there is none.
func (c *Checker) undefined(m *Method) string {
	if m.File.dotted() {
		return ""
	}
	for _, id := range m.names() {
		if !c.defined[id.Name] {
			return id.Name
		}
	}
	return ""
}

// selected reports whether the team's own code uses a method of a name, or may.
func (c *Checker) selected(name string) bool {
	found := false
	for _, f := range c.Files {
		if f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
				found = true
			}
			return !found
		})
	}
	return found
}

// Collisions reports names of the generated code that the team's code declares, or the reverse.
func (c *Checker) Collisions() {
	generated := map[string]Declaration{}
	for _, d := range c.Declarations {
		if _, taken := generated[d.Name]; !taken || d.Import == "" {
			generated[d.Name] = d
		}
	}
	for _, f := range c.Files {
		if f.constrained && !f.built {
			continue
		}
		for _, id := range f.declared() {
			if d, taken := generated[id.Name]; taken && !c.wanted(id.Name) {
				c.collision(f, id, d)
			}
		}
		for _, spec := range f.ast.Imports {
			if spec.Name == nil {
				continue
			}
			if d, taken := generated[spec.Name.Name]; taken && d.Import == "" {
				c.collision(f, spec.Name, d)
			}
		}
	}
}

func (c *Checker) wanted(name string) bool {
	return slices.ContainsFunc(c.Wants, func(w Want) bool { return w.Type == name })
}

func (c *Checker) collision(f *File, id *ast.Ident, d Declaration) {
	what, other := "the generated code declares it as well", diag.Related{At: d.At, File: d.File, Message: "it is generated here"}
	if d.Import != "" {
		what = "the generated code imports " + d.Import
	}
	if e, known := c.Elements[d.Name]; known && e.At.Line > 0 {
		what, other = "it is the Go name of "+e.What, diag.Related{At: e.At, File: e.File, Message: e.What + " stands here"}
	}
	c.report(f, diag.Diagnostic{
		Code: diag.TeamCollides, At: c.span(id.Pos(), id.End()),
		Message: fmt.Sprintf("%s is declared here, and %s", id.Name, what),
		Hint:    "rename one of them", Related: []diag.Related{other},
	})
}

func (c *Checker) anyBroken() bool {
	return slices.ContainsFunc(c.Files, func(f *File) bool { return f.Broken != nil && !f.test })
}

// declared returns the names that a file declares for the package.
func (f *File) declared() []*ast.Ident {
	var out []*ast.Ident
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			if id.Name != "_" && id.Name != "init" {
				out = append(out, id)
			}
		}
	}
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name)
				case *ast.ValueSpec:
					add(s.Names...)
				}
			}
		}
	}
	return out
}

// dotted reports whether a file has names of another package as if they were its own.
func (f *File) dotted() bool {
	return slices.ContainsFunc(f.ast.Imports, func(s *ast.ImportSpec) bool { return s.Name != nil && s.Name.Name == "." })
}

// sorted returns methods in the order of where they stand.
func sorted(methods map[string]*Method) []*Method {
	var out []*Method
	for _, m := range methods {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *Method) int {
		if a.File != b.File {
			return strings.Compare(a.File.Name, b.File.Name)
		}
		return int(a.decl.Pos() - b.decl.Pos())
	})
	return out
}
