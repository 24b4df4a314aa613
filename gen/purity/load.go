package purity

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Load says what is to be vetted.
type Load struct {
	// Dir is where patterns are taken from, "" for the working directory.
	Dir string
	// Patterns name packages as the go command does.
	Patterns []string
	// Overlay is what files hold instead of what is on disk, by their absolute paths.
	Overlay map[string][]byte
}

// BrokenError says that packages can't be read, because they do not compile.
type BrokenError struct{ Errors []string }

func (e *BrokenError) Error() string {
	return "the code does not compile, and can't be vetted:\n\t" + strings.Join(e.Errors, "\n\t")
}

// ErrNoRoots says that nothing was found that has to be pure.
var ErrNoRoots = errors.New("found no decider, fold or apply function in Go: name a package with the code that " +
	"`cqrsgen generate` writes, or ./... in a folder above it")

// Vet checks the packages, with what they reach in their module and what changes their variables there.
func Vet(l Load) (*Result, error) {
	named, all, err := l.list()
	if err != nil {
		return nil, err
	}
	read, err := l.read(needed(named, all), all)
	if err != nil {
		return nil, err
	}
	r := Resolve(summarize(read), func(path string) bool { return named[path] }, true)
	if r.Checked == 0 {
		return nil, ErrNoRoots
	}
	return r, nil
}

func (l Load) config(mode packages.LoadMode) *packages.Config {
	return &packages.Config{Dir: l.Dir, Overlay: l.Overlay, Mode: mode}
}

// list returns the packages that are named, and all packages of the module, by their paths.
func (l Load) list() (named map[string]bool, all map[string]*packages.Package, err error) {
	mode := packages.NeedName | packages.NeedModule | packages.NeedFiles | packages.NeedImports
	found, err := packages.Load(l.config(mode|packages.NeedDeps), l.Patterns...)
	if err != nil {
		return nil, nil, err
	}
	named = map[string]bool{}
	modules := map[string]bool{}
	for _, p := range found {
		if p.Module == nil || !p.Module.Main {
			return nil, nil, broken(found, fmt.Sprintf("%s is in no module that is worked on here", p.PkgPath))
		}
		named[p.PkgPath] = true
		modules[p.Module.Path+"/..."] = true
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("no package matches %s", strings.Join(l.Patterns, " "))
	}
	all = map[string]*packages.Package{}
	packages.Visit(found, nil, func(p *packages.Package) {
		if p.Module != nil && p.Module.Main {
			all[p.PkgPath] = p
		}
	})
	found, err = packages.Load(l.config(mode), slices.Sorted(maps.Keys(modules))...)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range found {
		if all[p.PkgPath] == nil {
			all[p.PkgPath] = p
		}
	}
	return named, all, nil
}

// broken returns what the go command says is wrong, or otherwise if it says nothing.
func broken(found []*packages.Package, otherwise string) error {
	var errs []string
	for _, p := range found {
		for _, e := range p.Errors {
			errs = append(errs, e.Error())
		}
	}
	if len(errs) == 0 {
		return errors.New(otherwise)
	}
	return &BrokenError{errs}
}

// needed are the packages to read: those that are named or have generated code, what these import, and what imports
// those, which can change their variables.
func needed(named map[string]bool, all map[string]*packages.Package) map[string]bool {
	need := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		p := all[path]
		if p == nil || need[path] || inTables(path) {
			return
		}
		need[path] = true
		for imported := range p.Imports {
			add(imported)
		}
	}
	for path, p := range all {
		if named[path] && len(named) < len(all) || slices.ContainsFunc(p.GoFiles, generatedName) {
			add(path)
		}
	}
	reached := maps.Clone(need)
	for path, p := range all {
		for imported := range p.Imports {
			if reached[imported] {
				need[path] = true
			}
		}
	}
	return need
}

// generatedName reports whether a file has the name of one that has the roots.
func generatedName(file string) bool {
	return slices.Contains([]string{"deciders_gen.go", "projections_gen.go", "evolution_gen.go"}, filepath.Base(file))
}

// checked is a package that was read, with its syntax and types.
type checked struct {
	*packages.Package
	fset  *token.FileSet
	files []*ast.File
	types *types.Package
	info  *types.Info
}

// read type-checks packages from source, behind what they import, and takes what else they import from what the compiler
// wrote. So nothing that changes all the time has to be compiled to be vetted.
func (l Load) read(need map[string]bool, all map[string]*packages.Package) ([]*checked, error) {
	if len(need) == 0 {
		return nil, ErrNoRoots
	}
	r := &reader{Load: l, fset: token.NewFileSet(), done: map[string]*checked{}, compiled: map[string]*types.Package{}}
	outside := map[string]bool{}
	for path := range need {
		for imported := range all[path].Imports {
			if !need[imported] && imported != "unsafe" && imported != "C" {
				outside[imported] = true
			}
		}
	}
	if err := r.outside(slices.Sorted(maps.Keys(outside))); err != nil {
		return nil, err
	}
	var read []*checked
	var visit func(path string)
	visit = func(path string) {
		if _, seen := r.done[path]; seen || !need[path] {
			return
		}
		r.done[path] = nil
		for _, imported := range slices.Sorted(maps.Keys(all[path].Imports)) {
			visit(imported)
		}
		c := r.check(all[path])
		r.done[path] = c
		read = append(read, c)
	}
	for _, path := range slices.Sorted(maps.Keys(need)) {
		visit(path)
	}
	if len(r.errs) > 0 {
		return nil, &BrokenError{r.errs}
	}
	return read, nil
}

// reader type-checks packages.
type reader struct {
	Load
	fset     *token.FileSet
	done     map[string]*checked
	compiled map[string]*types.Package
	errs     []string
}

// outside loads the types of packages that are not read from source.
func (r *reader) outside(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	cfg := r.config(packages.NeedName | packages.NeedTypes | packages.NeedExportFile)
	cfg.Fset = r.fset
	cfg.Overlay = nil // with one, everything would be read from source
	found, err := packages.Load(cfg, paths...)
	if err != nil {
		return err
	}
	for _, p := range found {
		r.compiled[p.PkgPath] = p.Types
		for _, e := range p.Errors {
			r.errs = append(r.errs, e.Error())
		}
	}
	return nil
}

// check reads one package, of which those that it imports were read.
func (r *reader) check(p *packages.Package) *checked {
	c := &checked{Package: p, fset: r.fset, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Instances: map[*ast.Ident]types.Instance{},
	}}
	for _, e := range p.Errors {
		r.errs = append(r.errs, e.Error())
	}
	for _, name := range p.GoFiles {
		var src any
		if text, ok := r.Overlay[name]; ok {
			src = text
		}
		file, err := parser.ParseFile(r.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			r.errs = append(r.errs, err.Error())
			continue
		}
		c.files = append(c.files, file)
	}
	cfg := types.Config{
		Importer: importing{r, p}, FakeImportC: true, Sizes: types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) { r.errs = append(r.errs, err.Error()) },
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		cfg.GoVersion = "go" + p.Module.GoVersion
	}
	c.types, _ = cfg.Check(p.PkgPath, r.fset, c.files, c.info) // its errors went to cfg.Error
	return c
}

// importing finds what one package imports.
type importing struct {
	*reader
	p *packages.Package
}

// Import implements types.Importer.
func (i importing) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if q := i.p.Imports[path]; q != nil {
		path = q.PkgPath
		if path == "" {
			path = q.ID
		}
	}
	if c := i.done[path]; c != nil {
		return c.types, nil
	}
	if t := i.compiled[path]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("can't import %s", path)
}

// summarize takes packages in an order in which none stands before one that it imports.
func summarize(read []*checked) (all []*Summary) {
	done := map[string]*Summary{}
	for _, c := range read {
		done[c.PkgPath] = nil
	}
	for _, c := range read {
		s := Summarize(&Package{
			Fset: c.fset, Files: c.files, Types: c.types, Info: c.info,
			Entered:  func(path string) bool { _, ok := done[path]; return ok },
			Imported: func(path string) *Summary { return done[path] },
		})
		done[c.PkgPath] = s
		all = append(all, s)
	}
	return all
}
