package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leftOver are the models that a run would look at.
func leftOver(files ...string) []string { return newRecall(generateOptions{}).left(files) }

func TestAModelIsNotLookedAtAgainUntilSomethingChanges(t *testing.T) {
	const model = "a/door.cqrs.yaml"
	in(t, map[string]string{model: good})
	require.Equal(t, []string{model}, leftOver(model))
	code, _, stderr := cqrsgen("generate")
	require.Zero(t, code, stderr)
	assert.Empty(t, leftOver(model), "the run that wrote everything is enough")

	code, _, _ = cqrsgen("generate", "--check")
	assert.Zero(t, code)
	for name, change := range map[string]func(){
		"a/app_gen.go wrote":  func() { cut(t, "a/app_gen.go") },
		"a/codec_gen.go gone": func() { require.NoError(t, os.Remove("a/codec_gen.go")) },
		"a/door.go gone":      func() { require.NoError(t, os.Remove("a/door.go")) },
		"a/door.cqrs.lock":    func() { cut(t, "a/door.cqrs.lock") },
	} {
		change()
		require.Equal(t, []string{model}, leftOver(model), name)
		code, stdout, _ := cqrsgen("generate")
		assert.Zero(t, code)
		file, _, _ := strings.Cut(name, " ")
		assert.Contains(t, stdout, "wrote "+file)
		assert.Empty(t, leftOver(model), name)
	}
}

// cut leaves a file nothing but its first line.
func cut(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(content), "\n")
	require.NoError(t, os.WriteFile(path, []byte(line+"\n"), 0o644))
}

func TestAHelperOfAFoldInAnotherPackageIsLookedAt(t *testing.T) {
	const model = "door/door.cqrs.yaml"
	const fold = "package door\n\nimport \"example.com/m/rates\"\n\ntype Door struct{}\n\n" +
		"func (Door) ApplyOpened(s *DoorState, e *Opened) error { s.N += rates.Of(); return nil }\n"
	of := func(n string) string { return "package rates\n\nfunc Of() int64 { return " + n + " }\n" }
	in(t, map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "door/door.go": fold, "rates/rates.go": of("1"),
		model: strings.Replace(good, "    events:", "    state: {n: int64}\n    snapshot: {every: 10}\n    events:", 1),
	})
	code, _, stderr := cqrsgen("generate", "--no-stubs")
	require.Zero(t, code, stderr)
	known := func() []string { return newRecall(generateOptions{noStubs: true}).left([]string{model}) }
	require.Empty(t, known())

	require.NoError(t, os.WriteFile("rates/rates.go", []byte(of("1 /* the least */")), 0o644))
	require.NotEmpty(t, known())
	code, stdout, stderr := cqrsgen("generate", "--check", "--no-stubs")
	require.Zero(t, code, stdout+stderr)
	require.Empty(t, known())

	require.NoError(t, os.WriteFile("rates/rates.go", []byte(of("2")), 0o644))
	code, stdout, _ = cqrsgen("generate", "--check", "--no-stubs")
	assert.Equal(t, 1, code)
	assert.Equal(t, "stale door/door.cqrs.lock\nstale door/fingerprints_gen.go\nstale door/fingerprints_gen_test.go\n", stdout)
	for name, text := range map[string]string{"go.work": "go 1.26\n\nuse .\n", "rates/more.go": "package rates\n"} {
		code, _, stderr = cqrsgen("generate", "--no-stubs")
		require.Zero(t, code, stderr)
		require.Empty(t, known())
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
		assert.NotEmpty(t, known(), name)
	}
}

func TestAFileThatStartsToBeEmbeddedIsLookedAt(t *testing.T) {
	const model = "door/door.cqrs.yaml"
	const fold = "package door\n\nimport \"embed\"\n\n//go:embed rates/*.txt\nvar rates embed.FS\n\ntype Door struct{}\n\n" +
		"func (Door) ApplyOpened(s *DoorState, e *Opened) error {\n\tlist, err := rates.ReadDir(\"rates\")\n" +
		"\ts.N += int64(len(list))\n\treturn err\n}\n"
	in(t, map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "door/door.go": fold, "door/rates/a.txt": "1",
		model: strings.Replace(good, "    events:", "    state: {n: int64}\n    snapshot: {every: 10}\n    events:", 1),
	})
	for name, change := range map[string]func() error{
		"comes":   func() error { return os.WriteFile("door/rates/b.txt", nil, 0o644) },
		"changes": func() error { return os.WriteFile("door/rates/a.txt", []byte("2"), 0o644) },
		"goes":    func() error { return os.Remove("door/rates/a.txt") },
	} {
		code, _, stderr := cqrsgen("generate", "--no-stubs")
		require.Zero(t, code, stderr)
		code, stdout, _ := cqrsgen("generate", "--check", "--no-stubs")
		require.Zero(t, code, stdout)
		require.NoError(t, change())
		code, stdout, _ = cqrsgen("generate", "--check", "--no-stubs")
		assert.Equal(t, 1, code, name)
		assert.Contains(t, stdout, "stale door/fingerprints_gen.go\n", name)
		require.NoError(t, os.WriteFile("door/rates/a.txt", []byte("1"), 0o644))
		require.NoError(t, os.RemoveAll("door/rates/b.txt"))
	}
}

func TestAWarningIsSaidInEveryRun(t *testing.T) {
	unused := strings.Replace(good, "types:\n", "types:\n  RoomID: {base: string}\n", 1)
	in(t, map[string]string{"door.cqrs.yaml": unused})
	for range 3 {
		code, _, stderr := cqrsgen("generate")
		assert.Zero(t, code)
		assert.Contains(t, stderr, "warning")
	}
}

func TestWhatIsWrongIsSaidInEveryRun(t *testing.T) {
	in(t, map[string]string{"door.cqrs.yaml": wrong})
	for range 3 {
		code, _, stderr := cqrsgen("generate")
		assert.Equal(t, 1, code)
		assert.NotEmpty(t, stderr)
	}
}

func TestAFolderThatSomebodyWroteToMeanwhileIsLookedAtAgain(t *testing.T) {
	const model = "door.cqrs.yaml"
	in(t, map[string]string{model: good})
	known := newRecall(generateOptions{})
	known.left([]string{model})
	require.NoError(t, os.WriteFile("door.go", []byte("package door\n"), 0o644))
	known.keep()
	assert.Equal(t, []string{model}, leftOver(model))
}
