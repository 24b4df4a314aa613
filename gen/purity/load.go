package purity

import (
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
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
	loaded, err := l.load(slices.Sorted(maps.Keys(needed(named, all))))
	if err != nil {
		return nil, err
	}
	r := Resolve(summarize(loaded), func(path string) bool { return named[path] }, true)
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

func (l Load) load(paths []string) ([]*packages.Package, error) {
	if len(paths) == 0 {
		return nil, ErrNoRoots
	}
	mode := packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedModule |
		packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes | packages.NeedExportFile
	loaded, err := packages.Load(l.config(mode), paths...)
	var missing *exec.Error
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("vet needs the go command: %w", err)
	}
	if err != nil {
		return nil, err
	}
	var errs []string
	for _, p := range loaded {
		for _, e := range p.Errors {
			errs = append(errs, e.Error())
		}
	}
	if len(errs) > 0 {
		return nil, &BrokenError{errs}
	}
	return loaded, nil
}

// summarize reads packages behind what they import.
func summarize(loaded []*packages.Package) []*Summary {
	byPath := map[string]*packages.Package{}
	for _, p := range loaded {
		byPath[p.PkgPath] = p
	}
	done := map[string]*Summary{}
	var all []*Summary
	var visit func(p *packages.Package)
	visit = func(p *packages.Package) {
		if _, seen := done[p.PkgPath]; seen {
			return
		}
		done[p.PkgPath] = nil
		for _, path := range slices.Sorted(maps.Keys(p.Imports)) {
			if q := byPath[p.Imports[path].PkgPath]; q != nil {
				visit(q)
			}
		}
		s := Summarize(&Package{
			Fset: p.Fset, Files: p.Syntax, Types: p.Types, Info: p.TypesInfo,
			Entered:  func(path string) bool { return byPath[path] != nil },
			Imported: func(path string) *Summary { return done[path] },
		})
		done[p.PkgPath] = s
		all = append(all, s)
	}
	for _, p := range loaded {
		visit(p)
	}
	return all
}
