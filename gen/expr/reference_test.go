package expr_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/expr"
)

var update = flag.Bool("update", false, "rewrite the tables of the reference")

// tables are those of the reference, by the line that stands above each.
func tables() map[string]string {
	var functions, methods strings.Builder
	functions.WriteString("| | |\n|---|---|\n")
	for _, f := range expr.Functions {
		fmt.Fprintf(&functions, "| `%s` | %s |\n", f.Signature, f.Doc)
	}
	methods.WriteString("| of | | |\n|---|---|---|\n")
	row := func(of string, list []expr.Method) {
		for _, m := range list {
			fmt.Fprintf(&methods, "| %s | `.%s(%s)` | %s |\n", of, m.Name, strings.Join(m.Params, ", "), m.Doc)
		}
	}
	row("an optional", expr.OptionalMethods)
	row("a set", expr.SetMethods)
	for _, kind := range slices.Sorted(maps.Keys(expr.Methods)) {
		row("a "+string(kind), expr.Methods[kind])
	}
	return map[string]string{"Functions:\n\n": functions.String(), "Methods:\n\n": methods.String()}
}

func TestGoldenTablesOfTheReferenceAreThoseOfThePackage(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "reference", "language.md")
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(src)
	for above, table := range tables() {
		start := strings.Index(text, above)
		require.Positive(t, start, above)
		start += len(above)
		end := start + strings.Index(text[start:], "\n\n") + 1
		if *update {
			text = text[:start] + table + text[end:]
			continue
		}
		assert.Equal(t, table, text[start:end], "make golden rewrites it")
	}
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
}
