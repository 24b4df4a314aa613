package purity

import (
	"fmt"
	"go/token"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer is vet for drivers of package golang.org/x/tools/go/analysis: `go vet -vettool`, gopls, golangci-lint. Such
// drivers show it a package and what that imports, so that it does not see what other packages do to a package's
// variables, nor which exceptions nothing needs; Vet does.
var Analyzer = &analysis.Analyzer{
	Name:      "cqrspure",
	Doc:       "find deciders and folds that are not pure\n\nIt follows them through all that they call in the module.",
	URL:       "https://github.com/cqrsgen/cqrsgen/blob/main/docs/reference/purity.md",
	Run:       analyze,
	FactTypes: []analysis.Fact{(*SummaryFact)(nil)},
}

// SummaryFact is what packages that import a package need to know about it.
type SummaryFact struct{ Summary *Summary }

// AFact marks it as a fact.
func (*SummaryFact) AFact() {}

func (f *SummaryFact) String() string { return fmt.Sprintf("%d functions", len(f.Summary.Funcs)) }

func analyze(pass *analysis.Pass) (any, error) {
	if !worked(pass) {
		return nil, nil
	}
	imported := map[string]*Summary{}
	var all []*Summary
	for _, fact := range pass.AllPackageFacts() {
		if f, ok := fact.Fact.(*SummaryFact); ok && fact.Package != pass.Pkg {
			imported[fact.Package.Path()] = f.Summary
			all = append(all, f.Summary)
		}
	}
	own := Summarize(&Package{
		Fset: pass.Fset, Files: pass.Files, Types: pass.Pkg, Info: pass.TypesInfo,
		Entered:  func(path string) bool { return path == pass.Pkg.Path() || imported[path] != nil },
		Imported: func(path string) *Summary { return imported[path] },
	})
	pass.ExportPackageFact(&SummaryFact{own})
	r := Resolve(append(all, own), func(path string) bool { return path == own.Path }, false)
	for i := range r.Findings {
		report(pass, &r.Findings[i])
	}
	return nil, nil
}

// worked reports whether a package is of a module that is worked on, and is no package that a table speaks for.
func worked(pass *analysis.Pass) bool {
	if inTables(pass.Pkg.Path()) || isStd(pass.Pkg.Path()) && (pass.Module == nil || pass.Module.Path == "") {
		return false
	}
	return pass.Module == nil || pass.Module.Version == ""
}

func report(pass *analysis.Pass, f *Finding) {
	message := string(f.Kind) + ": " + f.Message()
	if len(f.Path) > 1 {
		message += "\n\t" + strings.Join(f.Steps(shortPlace), "\n\t")
	}
	pass.Report(analysis.Diagnostic{Pos: posOf(pass, f.At), Category: string(f.Kind), Message: message})
}

// shortPlace names a file with its folder: messages of analyzers do not know what they are read from.
func shortPlace(p Position) string {
	return fmt.Sprintf("%s:%d:%d", filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(p.File)), filepath.Base(p.File))), p.Line, p.Col)
}

// posOf is a place in the package, or its first file's package clause if it is in another one, as that of a method which
// comes from there.
func posOf(pass *analysis.Pass, p Position) token.Pos {
	for _, file := range pass.Files {
		if f := pass.Fset.File(file.FileStart); f.Name() == p.File && p.Line <= f.LineCount() {
			return f.LineStart(p.Line) + token.Pos(p.Col-1)
		}
	}
	return pass.Files[0].Package
}
