package gen_test

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
)

// FuzzAnyTextIsRefusedOrBecomesCleanGo takes arbitrary bytes through the whole generator. What comes out is formatted
// Go that brings in nothing but declarations.
func FuzzAnyTextIsRefusedOrBecomesCleanGo(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(golden, "*", modelFile))
	require.NoError(f, err)
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(f, err)
		if len(src) < 4096 { // a large one costs more time than it finds
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		set, findings, err := gen.FromSource(modelFile, src)
		require.NoError(t, err)
		require.NotEqual(t, set == nil, !findings.Failed(), "neither Go nor an error")
		if set == nil {
			return
		}
		for name, content := range filesOf(set) {
			if name != set.Lock.Name {
				requireClean(t, name, content)
			}
		}
	})
}

func requireClean(t *testing.T, name, content string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ParseComments)
	require.NoError(t, err, content)
	formatted, err := format.Source([]byte(content))
	require.NoError(t, err)
	require.Equal(t, string(formatted), content, "%s is not formatted", name)
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			require.True(t, c.Text == "//" || strings.HasPrefix(c.Text, "// "), c.Text)
		}
	}
	for _, d := range parsed.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			require.NotContains(t, []string{"init", "main"}, fn.Name.Name)
		}
	}
}
