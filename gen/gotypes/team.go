// Package gotypes knows what the team's Go already has: the types that it declares, their methods, and where they
// stand. It reads source, file by file, and needs no code that compiles: what a model leads to may be missing still, and
// somebody may be in the middle of a line.
package gotypes

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// File is a Go file of the team's.
type File struct {
	Name string
	Src  []byte
	// Linked says that the name is a link, Generated that another tool owns the file. Nothing is appended to either.
	Linked, Generated bool
	Mode              fs.FileMode
	// Broken says where the file stops being Go, if it does.
	Broken *scanner.Error

	ast *ast.File
	// test says that the file belongs to tests only, constrained that not every build has it, and built that this
	// machine's has.
	test, constrained, built bool
}

// Team is what the team's files of one package declare. It does not change.
type Team struct {
	// Files are in the order of their names, those of tests included.
	Files []*File

	fset    *token.FileSet
	types   map[string][]*Type
	methods map[string][]*Method
}

// Type is a declaration of a type.
type Type struct {
	Name string
	File *File
	spec *ast.TypeSpec
}

// Method is a method of a type that the team declares.
type Method struct {
	Type, Name string
	File       *File
	// Receiver is its name, "" without one. Pointer says whether its type is a pointer.
	Receiver string
	Pointer  bool
	decl     *ast.FuncDecl
}

// largest is the size of a Go file above which it can't be meant.
const largest = 16 << 20

// Read reads the Go files of the package pkg in the folder dir but those that are ours. It is an error if a file
// belongs to another package: a folder has one.
func Read(dir, pkg string, ours func(name string, src []byte) bool) (*Team, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	t := &Team{fset: token.NewFileSet(), types: map[string][]*Type{}, methods: map[string][]*Method{}}
	for _, entry := range entries {
		// Go looks at no other file of the folder.
		if name := entry.Name(); strings.HasSuffix(name, ".go") && name[0] != '.' && name[0] != '_' {
			if err := t.read(dir, name, pkg, ours); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

func (t *Team) read(dir, name, pkg string, ours func(string, []byte) bool) error {
	link, err := os.Lstat(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil || !info.Mode().IsRegular() || info.Size() > largest {
		return nil // nothing that Go would compile
	}
	src, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if ours(name, src) {
		return nil
	}
	f := &File{
		Name: name, Src: src, Linked: !link.Mode().IsRegular(), Mode: info.Mode(), test: strings.HasSuffix(name, "_test.go"),
	}
	switch err := t.parse(f, pkg); {
	case err != nil:
		return err
	case f.ast != nil:
		t.Files = append(t.Files, f)
		t.declare(f)
	}
	return nil
}

// parse reads a file as far as it is Go. One that does not belong to the package gets no syntax tree.
func (t *Team) parse(f *File, pkg string) error {
	syntax, err := parser.ParseFile(t.fset, f.Name, f.Src, parser.ParseComments|parser.SkipObjectResolution|parser.AllErrors)
	if errs, ok := err.(scanner.ErrorList); ok && len(errs) > 0 {
		f.Broken = errs[0]
	}
	if syntax == nil {
		return nil
	}
	f.constrained = constraintOf(syntax) != nil || !matches(f, true)
	f.built = matches(f, false)
	switch {
	case byHand(constraintOf(syntax)) || f.test && syntax.Name.Name == pkg+"_test":
		return nil
	case f.Broken != nil && (syntax.Name == nil || syntax.Name.Name == "" || syntax.Name.Name == "_"):
		// The package clause itself is broken: what follows it is taken for the package's.
	case syntax.Name.Name != pkg && f.constrained && !f.built:
		return nil
	case syntax.Name.Name != pkg:
		return fmt.Errorf("%s belongs to the package %s, and the model says `package: %s`: a folder has one package",
			f.Name, syntax.Name.Name, pkg)
	}
	f.ast = syntax
	f.Generated = ast.IsGenerated(syntax)
	return nil
}

// matches reports whether this machine's build has the file, or, anywhere, whether a system that nobody has would by
// the file's name.
func matches(f *File, anywhere bool) bool {
	ctx, src := build.Default, f.Src
	if anywhere {
		ctx.GOOS, ctx.GOARCH, src = "nowhere", "none", []byte("package p\n")
	}
	ctx.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(src)), nil }
	ok, err := ctx.MatchFile("", f.Name)
	return ok && err == nil
}

// constraintOf returns the build constraint of a file, nil if it has none.
func constraintOf(f *ast.File) constraint.Expr {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && constraint.IsGoBuild(c.Text) {
				if x, err := constraint.Parse(c.Text); err == nil {
					return x
				}
			}
		}
	}
	return nil
}

// byHand reports whether a file is a program that is run by hand: its constraint needs the tag ignore.
func byHand(x constraint.Expr) bool {
	switch x := x.(type) {
	case *constraint.TagExpr:
		return x.Tag == "ignore"
	case *constraint.AndExpr:
		return byHand(x.X) || byHand(x.Y)
	}
	return false
}

// declare notes the types and methods of a file.
func (t *Team) declare(f *File) {
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			if d.Tok != token.TYPE {
				continue
			}
			for _, spec := range d.Specs {
				if s := spec.(*ast.TypeSpec); s.Type != nil {
					t.types[s.Name.Name] = append(t.types[s.Name.Name], &Type{s.Name.Name, f, s})
				}
			}
		case *ast.FuncDecl:
			if m := methodOf(d); m != nil {
				m.File = f
				t.methods[m.Type] = append(t.methods[m.Type], m)
			}
		}
	}
}

// methodOf returns a declaration as a method, nil if it is none.
func methodOf(d *ast.FuncDecl) *Method {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return nil
	}
	m := &Method{Name: d.Name.Name, decl: d}
	if names := d.Recv.List[0].Names; len(names) == 1 && names[0].Name != "_" {
		m.Receiver = names[0].Name
	}
	x := ast.Unparen(d.Recv.List[0].Type)
	if star, ok := x.(*ast.StarExpr); ok {
		m.Pointer, x = true, ast.Unparen(star.X)
	}
	switch g := x.(type) {
	case *ast.IndexExpr:
		x = g.X
	case *ast.IndexListExpr:
		x = g.X
	}
	id, ok := x.(*ast.Ident)
	if !ok {
		return nil
	}
	m.Type = id.Name
	return m
}

// Types returns the declarations of a type: none, one, or, under build constraints, several. Those of tests don't
// count.
func (t *Team) Types(name string) []*Type {
	return slices.DeleteFunc(slices.Clone(t.types[name]), func(d *Type) bool { return d.File.test })
}

// Hides reports whether a file that is not Go to its end may declare the type where the parser did not get to.
func (t *Team) Hides(typ string) *File {
	return t.hides(regexp.MustCompile(`\b` + regexp.QuoteMeta(typ) +
		`[ \t]+(=|struct\b|interface\b|func\b|map\b|[\w*\[.]+[ \t]*(\r?\n|$))`))
}

// HidesMethod is Hides for a method of the type.
func (t *Team) HidesMethod(typ, name string) *File {
	return t.hides(regexp.MustCompile(`\bfunc\s*\([^()]*\b` + regexp.QuoteMeta(typ) +
		`\b[^()]*\)\s*` + regexp.QuoteMeta(name) + `\b`))
}

func (t *Team) hides(pattern *regexp.Regexp) *File {
	for _, f := range t.Files {
		if f.Broken != nil && !f.test && pattern.Match(f.Src) {
			return f
		}
	}
	return nil
}

// Imports returns what the file calls a package: "" if it does not import it under a name that can be used, or uses that
// name for something else.
func (f *File) Imports(path, name string) string {
	for _, spec := range f.ast.Imports {
		if strings.Trim(spec.Path.Value, "`\"") != path {
			continue
		}
		switch {
		case spec.Name == nil:
			return name
		case spec.Name.Name != "_" && spec.Name.Name != ".":
			return spec.Name.Name
		}
	}
	return ""
}

// Constraint is the line that limits the file to some builds, "" if there is none. Named says that the file's name does.
func (f *File) Constraint() (line string, named bool) {
	if x := constraintOf(f.ast); x != nil {
		line = "//go:build " + x.String()
	}
	return line, !matches(f, true)
}

// span is the place of a node, or of what starts there.
func (t *Team) span(from, to token.Pos) diag.Span {
	start, end := t.fset.PositionFor(from, false), t.fset.PositionFor(to, false)
	at := diag.Span{Pos: diag.Pos{Line: start.Line, Col: start.Column}, Len: 1}
	f := t.fset.File(from)
	for _, file := range t.Files {
		if file.Name == f.Name() {
			// Columns of diagnostics count characters, not bytes.
			line := file.Src[f.Offset(f.LineStart(start.Line)):f.Offset(from)]
			at.Col = len([]rune(string(bytes.TrimPrefix(line, []byte("\uFEFF"))))) + 1
		}
	}
	if end.Line == start.Line && end.Offset > start.Offset {
		at.Len = end.Offset - start.Offset
	}
	return at
}
