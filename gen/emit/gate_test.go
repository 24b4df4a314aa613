package emit

import (
	"fmt"
	"go/format"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gated is what the gate says of a text.
func gated(src []byte) error {
	_, err := formatted("x.go", src, nil)
	return err
}

func TestTheGateRefusesWhatNoModelMayBringIn(t *testing.T) {
	for name, tt := range map[string]struct{ src, want string }{
		"an import":            {"package p\n\nimport \"os\"\n", `imports "os"`},
		"a renamed import":     {"package p\n\nimport fmt \"os/exec\"\n", `imports "os/exec"`},
		"cgo":                  {"package p\n\nimport \"C\"\n", `imports "C"`},
		"a raw import":         {"package p\n\nimport `unsafe`\n", "imports `unsafe`"},
		"embed":                {"package p\n\n//go:embed x\nvar x string\n", "//go:embed"},
		"linkname":             {"package p\n\n//go:linkname a b\nfunc a()\n", "//go:linkname"},
		"a directive within":   {"package p\n\nfunc f() {\n\t//go:noinline\n}\n", "//go:noinline"},
		"export":               {"package p\n\n//export f\nfunc f() {}\n", "//export"},
		"line":                 {"package p\n\n//line x.go:1\nvar x int\n", "//line"},
		"old build constraint": {"// +build ignore\n\npackage p\n", "+build"},
		"build constraint":     {"//go:build ignore\n\npackage p\n", "//go:build"},
		"a block comment":      {"package p\n\n/* x */\n", "/* x */"},
		"init":                 {"package p\n\nfunc init() {}\n", "function init"},
		"main":                 {"package p\n\nfunc main() {}\n", "function main"},
		"no Go":                {"package p\n\nfunc {\n", "expected"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, gated([]byte(tt.src)), tt.want)
		})
	}
}

func TestTheGateLetsGoThrough(t *testing.T) {
	src := "// Code generated.\n\npackage p\n\nimport \"fmt\"\n\n//\n// go:embed is only said here.\ntype T struct{}\n\nfunc (T) init() { fmt.Println() }\n"
	assert.NoError(t, gated([]byte(src)))
}

func TestHostileDocIsOnlyEverAComment(t *testing.T) {
	for _, doc := range []string{
		"a\nfunc init() {}", "*/ func init() {} /*", "a\r\nfunc init() {}\r\n", "a\rfunc init() {}", "//go:embed x",
		"+build ignore", strings.Repeat("word ", 18) + "+build ignore",
		"a\u2028func init() {}\u0085func init() {}", strings.Repeat("x", 500), "", "\n\n\n", "\\\nfunc init() {}", "/*",
	} {
		lines := wrap(doc)
		for _, line := range lines {
			assert.True(t, line == "//" || strings.HasPrefix(line, "// "), "%q", line)
			assert.NotContains(t, line, "\n")
			assert.NotContains(t, line, "\r")
		}
		src := "package p\n\n" + strings.Join(lines, "\n") + "\nvar x int\n"
		require.NoError(t, gated([]byte(src)), doc)
	}
}

func TestCommentsWrapAtTheirWidthAndKeepParagraphs(t *testing.T) {
	lines := wrap(strings.Repeat("word ", 50) + "\n\nnext")
	for _, line := range lines {
		assert.LessOrEqual(t, len(line), width)
	}
	assert.Equal(t, []string{"//", "// next"}, lines[len(lines)-2:])
}

func TestLongSignaturesGetALineForEachParameter(t *testing.T) {
	for name, tt := range map[string]struct{ line, want string }{
		"function": {
			"func New(ctx context.Context, opts ...aggregate.Option) (*App, error) {",
			"func New(\n\tctx context.Context,\n\topts ...aggregate.Option,\n) (*App, error) {",
		},
		"method": {
			"func (m *M[K, V]) By(f func(a int, b string) error, m map[K]V) []E[K, V] {",
			"func (m *M[K, V]) By(\n\tf func(a int, b string) error,\n\tm map[K]V,\n) []E[K, V] {",
		},
		"one parameter": {"func f(a []int) {", "func f(\n\ta []int,\n) {"},
	} {
		t.Run(name, func(t *testing.T) {
			got := wrapSignature(tt.line)
			assert.Equal(t, tt.want, got)
			src := "package p\n\n" + got + "\n}\n"
			formatted, err := format.Source([]byte(src))
			require.NoError(t, err)
			assert.Equal(t, src, string(formatted))
		})
	}
}

func TestALongSignatureWithoutParametersIsLeftAlone(t *testing.T) {
	line := "func " + strings.Repeat("x", 200) + "() {"
	assert.Equal(t, line+"\n}", string(wrapLines([]byte(line+"\n}"))))
}

func TestImportsAreGroupedWithTheStandardLibraryFirst(t *testing.T) {
	src := "package p\n\nimport (\n\tcqrs \"github.com/cqrsgen/cqrsgen/runtime/cqrs\"\n\t\"context\"\n\tuuid \"github.com/google/uuid\"\n\t\"fmt\"\n)\n"
	want := "package p\n\nimport (\n\"context\"\n\"fmt\"\n\n\"github.com/cqrsgen/cqrsgen/runtime/cqrs\"\n\"github.com/google/uuid\"\n)\n"
	assert.Equal(t, want, string(groupImports([]byte(src))))
	for _, same := range []string{"package p\n", "package p\n\nimport \"fmt\"\n"} {
		assert.Equal(t, same, string(groupImports([]byte(same))))
	}
}

func TestFormattingInPiecesIsFormattingAsAWhole(t *testing.T) {
	var b strings.Builder
	b.WriteString("// Header.\n\n// Package p is one.\npackage p\nimport (\n\"fmt\"\n\"strings\"\n)\n\n")
	for i := range 400 {
		fmt.Fprintf(&b, "// F%d says \"{\" and '('.\nfunc F%d(a,b int) string {\nif a>b {\nreturn strings.Repeat(\"}{\\\"\",  a)\n}\n\n", i, i)
		fmt.Fprintf(&b, "// a { comment\nr := '\"'\nreturn fmt.Sprint(r, `raw {\n\n\"( ` , %d)}\n\nvar v%d = map[string]int{\"a\": 1,\n\"long\": 0X1F,\n}\n\n// Free.\n\n", i, i)
		fmt.Fprintf(&b, "type T%d struct {\nA int // a\nLonger string `json:\"{\"`\n}\nfunc (T%d) M() {}\n\n\n", i, i)
	}
	src := []byte(b.String())
	require.Greater(t, len(pieces(src)), 10)
	want, err := format.Source(src)
	require.NoError(t, err)
	got, err := formatted("x.go", src, nil)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}
