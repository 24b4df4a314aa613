package embedded_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/embedded"
)

func TestADirectiveMeansTheFilesThatTheGoCommandEmbeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [strange] folder")
	for _, name := range []string{
		"a.txt", "b.txt", "b c.txt", ".hidden.txt", "in/a.txt", "in/.hidden", "in/_left", "in/deep/b.txt", "in/.git/c.txt",
		"in/module/go.mod", "in/module/d.txt",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	for directive, files := range map[string][]string{
		"a.txt":               {"a.txt"},
		"b*.txt":              {"b c.txt", "b.txt"},
		`a.txt "b c.txt"`:     {"a.txt", "b c.txt"},
		" a.txt\t`b c.txt`  ": {"a.txt", "b c.txt"},
		".hidden.txt":         {".hidden.txt"},
		"in":                  {"in/a.txt", "in/deep/b.txt"},
		"all:in":              {"in/.git/c.txt", "in/.hidden", "in/_left", "in/a.txt", "in/deep/b.txt"},
		"none":                nil,
	} {
		var found []string
		for _, p := range embedded.Patterns(dir, directive) {
			files, err := p.Files()
			require.NoError(t, err)
			found = append(found, files...)
		}
		assert.Equal(t, files, found, directive)
	}
	_, err := embedded.Pattern{Dir: dir, Text: "[a"}.Files()
	require.ErrorContains(t, err, "go:embed [a: syntax error in pattern")
}
