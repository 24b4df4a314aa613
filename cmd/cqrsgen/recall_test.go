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
		"a/app_gen.go wrote":  func() { require.NoError(t, os.WriteFile("a/app_gen.go", []byte(header("a/app_gen.go")), 0o644)) },
		"a/codec_gen.go gone": func() { require.NoError(t, os.Remove("a/codec_gen.go")) },
		"a/door.go gone":      func() { require.NoError(t, os.Remove("a/door.go")) },
		"a/door.cqrs.lock": func() {
			require.NoError(t, os.WriteFile("a/door.cqrs.lock", []byte(header("a/door.cqrs.lock")), 0o644))
		},
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

// header is the first line of a file.
func header(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line + "\n"
}

func TestAWarningIsSaidInEveryRun(t *testing.T) {
	in(t, map[string]string{"door.cqrs.yaml": strings.Replace(good, "{Opened: {}}", "{Opened: {fields: {by: {type: string, personal: true}}}}", 1)})
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
