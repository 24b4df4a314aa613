package purity

import (
	"flag"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const reference = "../../docs/reference/purity.md"

func TestGoldenReferenceSaysWhatTheTablesAndTheCorpusSay(t *testing.T) {
	page := []byte(referencePage(t))
	if *update {
		require.NoError(t, os.WriteFile(reference, page, 0o666))
	}
	want, err := os.ReadFile(reference)
	require.NoError(t, err)
	assert.True(t, string(want) == string(page), "the page is not what the tables and the corpus say: run make golden")
}

func referencePage(t *testing.T) string {
	text, err := os.ReadFile("testdata/reference.md")
	require.NoError(t, err)
	_, functions := corpus(t)
	return strings.NewReplacer(
		"{{figures}}", figures(functions), "{{std}}", tableText(Std()), "{{others}}", tableText(Others()),
	).Replace(string(text))
}

// figures are what the corpus measures.
func figures(functions []expected) string {
	n := map[string]int{}
	why := map[string][]string{}
	for _, x := range functions {
		n[x.verdict]++
		if x.verdict == "missed" || x.verdict == "accused" {
			why[x.verdict] = append(why[x.verdict], fmt.Sprintf("- `%s` (%s): %s\n", x.name, x.kind, x.text))
		}
	}
	pure, impure := n["pure"]+n["accused"], n["impure"]+n["missed"]
	return fmt.Sprintf("Of %d small functions, %d are pure and %d are not.\n\n| | |\n|---|---|\n"+
		"| pure, and accused (false positives) | %d of %d |\n| impure, and missed (false negatives) | %d of %d |\n\n"+
		"Accused wrongly:\n%s\nMissed:\n%s",
		len(functions), pure, impure, n["accused"], pure, n["missed"], impure,
		strings.Join(why["accused"], ""), strings.Join(why["missed"], ""))
}

func tableText(table []Known) string {
	var b strings.Builder
	b.WriteString("| package | | but for |\n|---|---|---|\n")
	for _, p := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Path, kindText(p.Kind), exceptions(p))
	}
	return b.String()
}

func kindText(k Kind) string {
	if k == "" {
		return "pure"
	}
	return string(k)
}

// exceptions lists the symbols of another kind than their package's, those of one kind together.
func exceptions(p Known) string {
	var kinds []Kind
	names := map[Kind][]string{}
	for _, s := range p.Symbols {
		kind := s.Kind
		if s.Unordered {
			kind = MapOrder
		}
		if kind == p.Kind {
			continue
		}
		if names[kind] == nil {
			kinds = append(kinds, kind)
		}
		names[kind] = append(names[kind], "`"+s.Name+"`")
	}
	slices.Sort(kinds)
	var parts []string
	for _, kind := range kinds {
		parts = append(parts, kindText(kind)+": "+strings.Join(names[kind], " "))
	}
	return strings.Join(parts, "; ")
}

// A package that the table lacks would count as unknown in the team's code.
func TestTheTableHasEachPackageOfTheStandardLibrary(t *testing.T) {
	out, err := exec.Command("go", "list", "std").Output()
	require.NoError(t, err)
	has := map[string]bool{}
	for _, p := range Std() {
		has[p.Path] = true
	}
	for path := range strings.FieldsSeq(string(out)) {
		if !slices.Contains(strings.Split(path, "/"), "internal") && !strings.HasPrefix(path, "vendor/") {
			assert.True(t, has[path], "say in std.txt what the package %s does", path)
		}
	}
}

// A symbol that is misspelled, or gone, would be the package's default.
func TestTheTablesNameSymbolsThatThereAre(t *testing.T) {
	var paths []string
	tables := append(slices.Clone(Std()), Others()...)
	for _, p := range tables {
		if len(p.Symbols) > 0 {
			paths = append(paths, p.Path)
		}
	}
	loaded := map[string]*types.Package{}
	cfg := &packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedExportFile | packages.NeedImports}
	found, err := packages.Load(cfg, paths...)
	require.NoError(t, err)
	for _, p := range found {
		if p.Types != nil {
			loaded[p.PkgPath] = p.Types
		}
	}
	for _, p := range tables {
		pkg := loaded[p.Path]
		if pkg == nil || len(pkg.Scope().Names()) == 0 {
			continue // newer than this release of Go, or of a module that is not required here
		}
		names := slices.Sorted(func(yield func(string) bool) {
			for _, s := range p.Symbols {
				if !yield(s.Name) {
					return
				}
			}
		})
		assert.Equal(t, len(names), len(slices.Compact(names)), "%s names a symbol twice", p.Path)
		for _, s := range p.Symbols {
			assert.True(t, hasSymbol(pkg, s.Name), "%s has no %s", p.Path, s.Name)
			_, known := verbs[s.Kind]
			assert.True(t, s.Kind == "" || known, "%s.%s: what is %s?", p.Path, s.Name, s.Kind)
		}
	}
}

func hasSymbol(pkg *types.Package, name string) bool {
	first, method, isMethod := strings.Cut(name, ".")
	obj := pkg.Scope().Lookup(first)
	if obj == nil || !isMethod {
		return obj != nil && (ast.IsExported(first))
	}
	m, _, _ := types.LookupFieldOrMethod(types.NewPointer(obj.Type()), true, pkg, method)
	if m == nil {
		m, _, _ = types.LookupFieldOrMethod(obj.Type(), true, pkg, method)
	}
	return m != nil
}
