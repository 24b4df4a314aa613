package model_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/gotypes"
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
	return model.Resolve(schema.Parse(modelFile, src, &d), &d, nil), &d
}

// findings are those of the files of a model, the Go names that are planned for it included, as a person reads them.
func findings(t *testing.T, sources []diag.File) string {
	t.Helper()
	var d diag.List
	var files diag.Files
	var trees []*schema.File
	for _, f := range sources {
		trees = append(trees, schema.ParseBehind(files.Add(f), f.Name, f.Src, &d))
	}
	if m := model.Resolve(schema.Merge(trees, &d), &d, gotypes.Lookup(golden+"/mistakes-external")); m != nil {
		plan.New(m, &d)
	}
	var b bytes.Buffer
	require.NoError(t, d.WriteFiles(&b, &files))
	return b.String()
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

// sources returns the model of a golden folder. The one that is too large is made here.
func sources(t *testing.T, folder string) []diag.File {
	t.Helper()
	if filepath.Base(folder) == "mistakes-too-large" {
		return []diag.File{{Name: modelFile, Src: bytes.Repeat([]byte("# large\n"), schema.MaxSize/8+1)}}
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.cqrs.yaml"))
	require.NoError(t, err)
	var files []diag.File
	for _, path := range paths {
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		files = append(files, diag.File{Name: filepath.Base(path), Src: src})
	}
	return files
}

func TestWrongModelsAreReportedAsTheirGoldenFilesSay(t *testing.T) {
	for _, folder := range mistakeFolders(t) {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			got := findings(t, sources(t, folder))
			require.NotEmpty(t, got)
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

var aFinding = regexp.MustCompile(`(?m)^\w+\.cqrs\.yaml:\d+:\d+: (CQ\d{4}) `)

var aBreakingFinding = regexp.MustCompile(`(?m)^[\w.]+:\d+:\d+: (CQ21\d{2}) `)

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
	for folder, finding := range map[string]*regexp.Regexp{"team": aTeamFinding, "breaking": aBreakingFinding} {
		files, err := filepath.Glob("../../testdata/" + folder + "/*.txtar")
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, code := range finding.FindAllStringSubmatch(string(text), -1) {
				produced[code[1]] = true
			}
		}
	}
	advice, err := os.ReadFile("../../testdata/advice/all.txtar")
	require.NoError(t, err)
	for _, code := range aFinding.FindAllStringSubmatch(string(advice), -1) {
		produced[code[1]] = true
	}
	for _, c := range diag.Codes() {
		assert.True(t, produced[c.ID], "%s %s", c.ID, c.Title)
		delete(produced, c.ID)
	}
	assert.Empty(t, produced, "codes that are not registered")
}

func TestValidModelsResolveWithoutAFinding(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(golden, "*", modelFile))
	require.NoError(t, err)
	for _, file := range append(files, "../../example/ledger/ledger.cqrs.yaml") {
		if folder := filepath.Dir(file); !strings.HasPrefix(filepath.Base(folder), "mistakes") {
			found := findings(t, sources(t, folder))
			if name := filepath.Base(folder); name == "evolution" || name == "everything" {
				assert.Equal(t, strings.Count(found, " warning: "), len(aFinding.FindAllString(found, -1)))
				continue
			}
			assert.Empty(t, found, file)
		}
	}
}
