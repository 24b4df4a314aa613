package model_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	golden    = "../../testdata/golden"
	modelFile = "model.cqrs.yaml"
)

// resolve takes a text all the way to a model.
func resolve(src []byte) (*model.Model, *diag.List) {
	var d diag.List
	return model.Resolve(schema.Parse(modelFile, src, &d), &d), &d
}

// findings are those of a text, the Go names that are planned for it included.
func findings(src []byte) *diag.List {
	m, d := resolve(src)
	if m != nil {
		plan.New(m, d)
	}
	return d
}

// rendered returns the findings as a person reads them.
func rendered(t *testing.T, d *diag.List, name string, src []byte) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, d.Write(&b, name, src))
	return b.String()
}

func mistakeFolders(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(golden, "mistakes*"))
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	return folders
}

// source returns the model of a golden folder. The one that is too large is made here.
func source(t *testing.T, folder string) []byte {
	t.Helper()
	if filepath.Base(folder) == "mistakes-too-large" {
		return bytes.Repeat([]byte("# large\n"), schema.MaxSize/8+1)
	}
	src, err := os.ReadFile(filepath.Join(folder, modelFile))
	require.NoError(t, err)
	return src
}

func TestWrongModelsAreReportedAsTheirGoldenFilesSay(t *testing.T) {
	for _, folder := range mistakeFolders(t) {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			src := source(t, folder)
			d := findings(src)
			require.NotZero(t, d.Len())
			got := rendered(t, d, modelFile, src)
			file := filepath.Join(folder, "diagnostics.txt")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err, "make golden writes it")
			assert.Equal(t, string(want), got)
		})
	}
}

var aFinding = regexp.MustCompile(`(?m)^model\.cqrs\.yaml:\d+:\d+: (CQ\d{4}) `)

var aTeamFinding = regexp.MustCompile(`(?m)^\w+\.go:\d+:\d+: (CQ20\d{2}) `)

func TestEveryCodeIsProducedByAGoldenModel(t *testing.T) {
	produced := map[string]bool{}
	for _, folder := range mistakeFolders(t) {
		text, err := os.ReadFile(filepath.Join(folder, "diagnostics.txt"))
		require.NoError(t, err)
		for _, code := range aFinding.FindAllStringSubmatch(string(text), -1) {
			produced[code[1]] = true
		}
	}
	teams, err := filepath.Glob("../../testdata/team/*.txtar")
	require.NoError(t, err)
	for _, file := range teams {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, code := range aTeamFinding.FindAllStringSubmatch(string(text), -1) {
			produced[code[1]] = true
		}
	}
	for _, c := range diag.Codes() {
		assert.True(t, produced[c.ID], "%s %s", c.ID, c.Title)
		delete(produced, c.ID)
	}
	assert.Empty(t, produced, "codes that are not registered")
}

func TestValidModelsResolveWithoutAFinding(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(golden, "[^m]*", modelFile))
	require.NoError(t, err)
	files = append(files, filepath.Join(golden, "minimal", modelFile), "../../example/ledger/ledger.cqrs.yaml")
	for _, file := range files {
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		m, d := resolve(src)
		require.NotNil(t, m, rendered(t, d, file, src))
		plan.New(m, d)
		assert.Empty(t, d.Sorted(), file)
	}
}
