package gen_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
)

const referencePages = "../docs/reference/diagnostics"

// shown is what the page of a code shows: a wrong file, and what is said about it.
type shown struct {
	file, src, said string
	line            int
}

var aSaid = regexp.MustCompile(`^([^\s:]+):(\d+):\d+: (CQ\d{4}) `)

// examples finds the shortest golden case of each code.
func examples(t *testing.T) map[string]shown {
	t.Helper()
	found := map[string]shown{}
	add := func(files map[string]string, said string) {
		for _, e := range split(said) {
			code := aSaid.FindStringSubmatch(e.said)[3]
			e.src = files[e.file]
			if have, ok := found[code]; !ok || strings.Count(e.src, "\n") < strings.Count(have.src, "\n") {
				found[code] = e
			}
		}
	}
	folders, err := filepath.Glob(filepath.Join(golden, "mistakes*"))
	require.NoError(t, err)
	for _, folder := range folders {
		add(mistakesOf(t, folder))
	}
	cases, err := filepath.Glob(teamCases)
	require.NoError(t, err)
	changes, err := filepath.Glob(breakingCases)
	require.NoError(t, err)
	for _, file := range append(append(cases, adviceCase), changes...) {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		files := map[string]string{}
		for _, f := range a.Files {
			files[f.Name] = string(f.Data)
		}
		add(files, files["diagnostics.txt"]+files["said.txt"])
	}
	return found
}

// mistakesOf returns the model of a folder and what is said about it.
func mistakesOf(t *testing.T, folder string) (files map[string]string, said string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*"+gen.Suffix))
	require.NoError(t, err)
	var sources []diag.File
	files = map[string]string{}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		sources = append(sources, diag.File{Name: filepath.Base(path), Src: src})
	}
	if len(sources) == 0 { // it is made where it is needed
		sources = []diag.File{{Name: modelFile, Src: bytes.Repeat([]byte("# large\n"), 1<<18)}}
	}
	for _, f := range sources {
		files[f.Name] = string(f.Src)
	}
	_, findings, err := gen.FromSources(sources)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, findings.Write(&b))
	return files, b.String()
}

// split cuts what is said into findings.
func split(said string) []shown {
	var list []shown
	for _, line := range strings.SplitAfter(said, "\n") {
		if m := aSaid.FindStringSubmatch(line); m != nil {
			number, _ := strconv.Atoi(m[2])
			list = append(list, shown{file: m[1], line: number})
		}
		if len(list) > 0 {
			list[len(list)-1].said += line
		}
	}
	return list
}

// excerpt returns the lines around the one that an example is about, as they can be shown: bytes that are no text, and
// characters that hide, are not.
func (e *shown) excerpt() string {
	const whole, before, behind = 16, 5, 2
	src := strings.ReplaceAll(strings.ToValidUTF8(e.src, "\uFFFD"), "\r\n", "\n")
	lines := strings.Split(strings.TrimRight(src, "\n"), "\n")
	if len(lines) > whole {
		lines = lines[max(0, e.line-1-before):min(len(lines), e.line+behind)]
	}
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && diag.Hidden(r) {
			return '\uFFFD'
		}
		return r
	}, strings.Join(lines, "\n"))
}

// pages returns the reference of all codes, by file name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := examples(t)
	index := "# Diagnostics\n\nEvery finding has a code, which never changes its meaning.\n\n| code | |\n|---|---|\n"
	files := map[string]string{}
	for _, c := range diag.Codes() {
		e, ok := found[c.ID]
		if !assert.True(t, ok, "%s has no golden case", c.ID) {
			continue
		}
		index += fmt.Sprintf("| [%s](%s.md) | %s |\n", c.ID, c.ID, c.Title)
		language := "yaml"
		if strings.HasSuffix(e.file, ".go") {
			language = "go"
		}
		files[c.ID+".md"] = fmt.Sprintf("# %s: %s\n\n%s\n\n## For example\n\n```%s\n%s\n```\n\n```\n%s```\n",
			c.ID, c.Title, c.Explanation, language, e.excerpt(), e.said)
	}
	files["README.md"] = index
	return files
}

func TestGoldenPagesOfTheReferenceShowEveryCode(t *testing.T) {
	want := pages(t)
	if *update {
		require.NoError(t, os.MkdirAll(referencePages, 0o755))
		for name, text := range want {
			require.NoError(t, os.WriteFile(filepath.Join(referencePages, name), []byte(text), 0o644))
		}
	}
	entries, err := os.ReadDir(referencePages)
	require.NoError(t, err)
	for _, entry := range entries {
		if _, asked := want[entry.Name()]; !asked && *update {
			require.NoError(t, os.Remove(filepath.Join(referencePages, entry.Name())))
		} else {
			assert.Contains(t, want, entry.Name(), "nothing asks for this page any more")
		}
	}
	for name, text := range want {
		have, err := os.ReadFile(filepath.Join(referencePages, name))
		require.NoError(t, err, "make golden writes it")
		assert.Equal(t, text, string(have), "%s: make golden rewrites it", name)
	}
}
