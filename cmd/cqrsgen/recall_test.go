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

func TestAWarningIsSaidInEveryRun(t *testing.T) {
	personal := strings.Replace(good, "{Opened: {}}", "{Opened: {fields: {by: {type: string, personal: true}}}}", 1)
	in(t, map[string]string{"door.cqrs.yaml": personal})
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
