package gen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

// wrongly are expectations of the golden scenarios, and what makes them wrong.
var wrongly = []struct{ right, wrong string }{
	{"then: [BoxSealed: {}]", "then: []"},
	{"when: {Box/a: {SealBox: {}}}\n    then: []", "when: {Box/a: {SealBox: {}}}\n    then: [{Box/a: [{BoxSealed: {}}]}]"},
	{"- ItemAdded: {item: {sizes: [{width: 1}, {}]}, order: 1}", "- ItemAdded: {item: {sizes: [{width: 7}, {}, {}], note: a}, order: 1}"},
	{"rows:\n      Contents: [{items: [{label: cup}, {label: cup}], sealed: false}]", "rows:\n      Contents: [{items: [{label: cup}], sealed: true}, {}]"},
	{"then: {rejection: {AlreadySealed: {}}}", "then: [ItemAdded: {order: 2}]"},
	{"- Box/poor: [{MoneyIn: {amount: 200}}]", "- Box/poor: [{MoneyIn: {amount: 201}}]"},
	{"then: {rejection: {TooPoor: {has: 1}}}", "then: {rejection: {TooPoor: {has: 2, needs: 2}}}"},
	{"then: [{Shelf/7/upper~1left: [{BoxStored: {box: a, at: 2026-03-01T10:00:00.500Z}}]}]", "then: {rejection: {AlreadyThere: {}}}"},
	{"      Contents: []\n", "      Contents: [{box: b}]\n"},
	{"then: [Named: {name: new}]", "then: [Named: {name: newer}]"},
}

func TestWrongExpectationsFailAsTheirGoldenFileSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	from := filepath.Join(golden, "scenarios")
	src, err := os.ReadFile(filepath.Join(from, modelFile))
	require.NoError(t, err)
	text := string(src)
	for _, w := range wrongly {
		require.Equal(t, 1, strings.Count(text, w.right), w.right)
		text = strings.Replace(text, w.right, w.wrong, 1)
	}
	dir := filepath.Join(newModule(t), "scenarios")
	require.NoError(t, os.CopyFS(dir, os.DirFS(from)))
	set, findings, err := gen.FromSource(filepath.Join(dir, modelFile), []byte(text))
	require.NoError(t, err)
	require.False(t, findings.Failed())
	_, err = output.Write(dir, *set)
	require.NoError(t, err)

	test := exec.Command("go", "test", "./scenarios")
	test.Dir = filepath.Dir(dir)
	test.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := test.CombinedOutput()
	require.Error(t, err)
	have := regexp.MustCompile(`\(?\d+\.\d+s\)?|cqrstest\.go:\d+|scenarios_gen_test\.go:\d+`).ReplaceAllString(string(out), "…")
	file := filepath.Join(from, "failures.txt")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(have), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), have, "make golden rewrites it")
}
