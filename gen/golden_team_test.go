package gen_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

// A case of the team's code is an archive: what it is about, a model and the team's files; then what is said about them,
// and, below after/, those of the team's files that are new or changed.
const teamCases = "../testdata/team/*.txtar"

func TestGoldenTeamFilesGetJustWhatTheyLack(t *testing.T) {
	cases, err := filepath.Glob(teamCases)
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			require.NoError(t, err)
			have := inTeamFolder(t, txtar.Parse(src))
			if *update {
				require.NoError(t, os.WriteFile(file, have, 0o644))
				return
			}
			assert.Equal(t, string(src), string(have), "make golden rewrites it")
		})
	}
}

// inTeamFolder generates in a folder with the files of a case, and returns the case as it should be.
func inTeamFolder(t *testing.T, a *txtar.Archive) []byte {
	t.Helper()
	dir := t.TempDir()
	before := map[string]string{}
	out := &txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		if f.Name == "diagnostics.txt" || strings.HasPrefix(f.Name, "after/") {
			continue
		}
		out.Files = append(out.Files, f)
		before[f.Name] = string(f.Data)
		require.NoError(t, os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644))
	}
	set, warnings := setOf(t, dir, slices.ContainsFunc(a.Files, func(f txtar.File) bool { return f.Name == "go.mod" }))
	said := warnings + teamRun(t, dir, set)
	add := func(name, text string) { out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)}) }
	if said != "" {
		add("diagnostics.txt", said)
	}
	for _, name := range teamsFiles(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(content), before[name]), "%s: something that stood there has changed", name)
		if string(content) != before[name] {
			add("after/"+name, string(content))
		}
	}
	again := teamRun(t, dir, set)
	assert.Equal(t, strings.Count(said, "CQ2004 "), strings.Count(again, "CQ2004 "), "%s", again)
	return txtar.Format(out)
}

// setOf returns what the model of a folder leads to, and what is said then. What the team's functions mean is only looked at
// in a module.
func setOf(t *testing.T, dir string, inModule bool) (*output.Set, string) {
	t.Helper()
	t.Chdir(dir)
	load := func() (*output.Set, *gen.Findings, error) { return gen.Load(modelFile) }
	if !inModule {
		src, err := os.ReadFile(modelFile)
		require.NoError(t, err)
		load = func() (*output.Set, *gen.Findings, error) { return gen.FromSource(modelFile, src) }
	}
	set, findings, err := load()
	require.NoError(t, err)
	require.NotNil(t, set)
	var text bytes.Buffer
	require.NoError(t, findings.Write(&text))
	t.Chdir(testDir)
	return set, text.String()
}

// teamRun generates in a folder, unless something there stands against it, and returns what is said about its files.
func teamRun(t *testing.T, dir string, set *output.Set) string {
	t.Helper()
	p, err := output.Prepare(dir, *set)
	require.NoError(t, err)
	defer p.Close()
	var text bytes.Buffer
	for _, findings := range gen.OfTeam("", p) {
		require.NoError(t, findings.Write(&text))
	}
	if !p.Blocked() {
		require.NoError(t, p.Stage())
		_, err = p.Commit()
		require.NoError(t, err)
	}
	return text.String()
}

// teamsFiles are the Go files of a folder that are not generated.
func teamsFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var names []string
	for _, path := range paths {
		if name := filepath.Base(path); !ours(name) {
			names = append(names, name)
		}
	}
	return names
}
