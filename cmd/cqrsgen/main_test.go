package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	good = `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
aggregates:
  Door:
    id: DoorID
    events: {Opened: {}}
    commands: {Open: {emits: [Opened]}}
`
	wrong = `cqrsgen: 1
package: door
types:
  DoorID: {base: string}
aggregates:
  Door:
    id: DoorID
    events: {Opened: {at: {type: tme}}}
    commands: {Open: {emits: [Opend]}}
`
)

// in makes a folder with files the working directory.
func in(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
	}
}

// everything lists the files below the working directory.
func everything(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func cqrsgen(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestGenerateWritesTheModelsGoBesideItAndThenNothingMore(t *testing.T) {
	in(t, map[string]string{"a/door.cqrs.yaml": good})
	code, stdout, stderr := cqrsgen("generate", "a/door.cqrs.yaml")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, "wrote a/app_gen.go\n")
	assert.Contains(t, stdout, "wrote a/door.go\n")
	assert.FileExists(t, "a/door.go")
	code, stdout, stderr = cqrsgen("generate", "a/door.cqrs.yaml")
	assert.Zero(t, code)
	assert.Empty(t, stdout+stderr)
}

func TestAFileThatIsGivenTwiceCountsOnce(t *testing.T) {
	in(t, map[string]string{"door.cqrs.yaml": good})
	code, _, stderr := cqrsgen("generate", "door.cqrs.yaml", "./door.cqrs.yaml")
	assert.Zero(t, code, stderr)
}

func TestAWrongModelIsShownWithItsPlaceAndWritesNothing(t *testing.T) {
	in(t, map[string]string{"a/door.cqrs.yaml": wrong})
	code, stdout, stderr := cqrsgen("generate", "a/door.cqrs.yaml")
	assert.Equal(t, 1, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "a/door.cqrs.yaml:9:31: CQ1307")
	assert.Regexp(t, `(?m)^ +\| +\^\^\^\^\^ did you mean "Opened"\?$`, stderr)
	assert.Equal(t, []string{"a/door.cqrs.yaml"}, everything(t))
}

func TestSeveralModelsAreWrittenAllOrNone(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		code  int
	}{
		"one is wrong": {map[string]string{"a/door.cqrs.yaml": good, "b/door.cqrs.yaml": wrong}, 1},
		"one can't be written": {map[string]string{
			"a/door.cqrs.yaml": good, "b/door.cqrs.yaml": good, "b/codec_gen.go": "package door\n",
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, tt.files)
			before := everything(t)
			code, stdout, stderr := cqrsgen("generate", "a/door.cqrs.yaml", "b/door.cqrs.yaml")
			assert.Equal(t, tt.code, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, "b")
			assert.Equal(t, before, everything(t))
		})
	}
}

func TestAllWrongModelsAreReportedInOneRun(t *testing.T) {
	in(t, map[string]string{"a/door.cqrs.yaml": wrong, "b/door.cqrs.yaml": wrong})
	_, _, stderr := cqrsgen("generate", "a/door.cqrs.yaml", "b/door.cqrs.yaml")
	assert.Contains(t, stderr, "a/door.cqrs.yaml:9:31")
	assert.Contains(t, stderr, "b/door.cqrs.yaml:9:31")
}

func TestWithoutAFileTheModelsBelowTheWorkingDirectoryAreFound(t *testing.T) {
	in(t, map[string]string{
		"door.cqrs.yaml": good, "deep/er/door.cqrs.yaml": good, "note.yaml": wrong,
		"testdata/door.cqrs.yaml": wrong, "vendor/x/door.cqrs.yaml": wrong,
		".hidden/door.cqrs.yaml": wrong, "_left/door.cqrs.yaml": wrong, "a/testdata/door.cqrs.yaml": wrong,
	})
	code, _, stderr := cqrsgen("generate")
	assert.Zero(t, code, stderr)
	assert.FileExists(t, "app_gen.go")
	assert.FileExists(t, "deep/er/app_gen.go")
}

func TestUsageAndIOAreExitCode2(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no model below":      {[]string{"generate"}, "there is no *.cqrs.yaml"},
		"missing file":        {[]string{"generate", "missing.cqrs.yaml"}, "missing.cqrs.yaml"},
		"two in one folder":   {[]string{"generate", "x/a.yaml", "x/b.yaml"}, "are in one folder"},
		"unknown command":     {[]string{"generat"}, "generat"},
		"unknown flag":        {[]string{"generate", "--colour"}, "--colour"},
		"version with a rest": {[]string{"version", "2"}, "cqrsgen:"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, nil)
			code, stdout, stderr := cqrsgen(tt.args...)
			assert.Equal(t, 2, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, tt.want)
		})
	}
}

func TestVersionSaysOne(t *testing.T) {
	code, stdout, stderr := cqrsgen("version")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.Regexp(t, `^cqrsgen \S+.*\n$`, stdout)
}
