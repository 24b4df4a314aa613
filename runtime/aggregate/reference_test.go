package aggregate

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePageOnErrorsNamesEveryErrorThatCallersCanTellApart(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/errors.md")
	require.NoError(t, err)
	found := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		for _, name := range errorsOf(t, path) {
			found++
			assert.Contains(t, string(page), "`"+name+"`", path)
		}
		return nil
	}))
	require.Greater(t, found, 60)
}

// errorsOf returns the exported error types of a package, as "*pkg.NameError", and its exported error values, as
// "pkg.ErrName".
func errorsOf(t *testing.T, dir string) (names []string) {
	pkg := filepath.Base(dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if name := receiverOfError(d); ast.IsExported(name) {
					names = append(names, "*"+pkg+"."+name)
				}
			case *ast.GenDecl:
				for _, name := range errorValues(d) {
					names = append(names, pkg+"."+name)
				}
			}
		}
	}
	return names
}

func receiverOfError(d *ast.FuncDecl) string {
	if d.Name.Name != "Error" || d.Recv == nil {
		return ""
	}
	star, ok := d.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	return star.X.(*ast.Ident).Name
}

func errorValues(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR && strings.HasPrefix(v.Names[0].Name, "Err") {
			names = append(names, v.Names[0].Name)
		}
	}
	return names
}
