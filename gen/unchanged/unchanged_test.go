package unchanged_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen/unchanged"
)

// folder makes a model's folder, and a cache folder for the test alone. It returns the model's path.
func folder(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	model := filepath.Join(t.TempDir(), "door.cqrs.yaml")
	write(t, model, "model")
	write(t, filepath.Join(filepath.Dir(model), "app_gen.go"), "generated")
	write(t, filepath.Join(filepath.Dir(model), "door.go"), "team")
	return model
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

func state(t *testing.T, model string, options ...string) *unchanged.State {
	t.Helper()
	s, err := unchanged.Read(model, options...)
	require.NoError(t, err)
	return s
}

func TestWhatWasRememberedIsKnownUntilAnythingChanges(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"the model":              func(t *testing.T, dir string) { write(t, filepath.Join(dir, "door.cqrs.yaml"), "other") },
		"another model file":     func(t *testing.T, dir string) { write(t, filepath.Join(dir, "gate.cqrs.yaml"), "") },
		"a generated file":       func(t *testing.T, dir string) { write(t, filepath.Join(dir, "app_gen.go"), "edited") },
		"a file of the team's":   func(t *testing.T, dir string) { write(t, filepath.Join(dir, "door.go"), "edited") },
		"a new Go file":          func(t *testing.T, dir string) { write(t, filepath.Join(dir, "more.go"), "") },
		"the lock file":          func(t *testing.T, dir string) { write(t, filepath.Join(dir, "door.cqrs.lock"), "") },
		"what a killed run left": func(t *testing.T, dir string) { write(t, filepath.Join(dir, ".app_gen.go.cqrsgen-tmp"), "") },
		"a file that is gone": func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "app_gen.go")))
		},
		"a file's name": func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(filepath.Join(dir, "door.go"), filepath.Join(dir, "doors.go")))
		},
		"a link in place of a file": func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(filepath.Join(dir, "door.go"), filepath.Join(dir, "door")))
			require.NoError(t, os.Symlink("door", filepath.Join(dir, "door.go")))
		},
		"contents that are swapped": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "door.go"), "generated")
			write(t, filepath.Join(dir, "app_gen.go"), "team")
		},
	} {
		t.Run(name, func(t *testing.T) {
			model := folder(t)
			assert.False(t, unchanged.Open().Knows(state(t, model)))
			unchanged.Open().Remember(state(t, model))
			assert.True(t, unchanged.Open().Knows(state(t, model)))
			change(t, filepath.Dir(model))
			assert.False(t, unchanged.Open().Knows(state(t, model)))
		})
	}
}

func TestOtherFilesDoNotCount(t *testing.T) {
	model := folder(t)
	unchanged.Open().Remember(state(t, model))
	write(t, filepath.Join(filepath.Dir(model), "notes.md"), "notes")
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(model, long, long))
	assert.True(t, unchanged.Open().Knows(state(t, model)))
}

func TestEachModelAndEachWayToAskIsRememberedByItself(t *testing.T) {
	model := folder(t)
	unchanged.Open().Remember(state(t, model, "stubs"))
	assert.True(t, unchanged.Open().Knows(state(t, model, "stubs")))
	assert.False(t, unchanged.Open().Knows(state(t, model, "none")))
	twin := filepath.Join(t.TempDir(), "door.cqrs.yaml")
	require.NoError(t, os.CopyFS(filepath.Dir(twin), os.DirFS(filepath.Dir(model))))
	assert.False(t, unchanged.Open().Knows(state(t, twin, "stubs")))
}

func TestWhatARunChangesCanBeForeseen(t *testing.T) {
	model := folder(t)
	before := state(t, model)
	before.Put("app_gen.go", []byte("new"))
	before.Remove("door.go")
	assert.False(t, before.Equal(state(t, model)))
	write(t, filepath.Join(filepath.Dir(model), "app_gen.go"), "new")
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(model), "door.go")))
	assert.True(t, before.Equal(state(t, model)))
}

func TestWithoutACacheFolderNothingIsKnown(t *testing.T) {
	model := folder(t)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Setenv("LocalAppData", "")
	unchanged.Open().Remember(state(t, model))
	assert.False(t, unchanged.Open().Knows(state(t, model)))
}

func TestADamagedMemoryKnowsNothing(t *testing.T) {
	model := folder(t)
	unchanged.Open().Remember(state(t, model))
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(cache, "cqrsgen", "unchanged", "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	write(t, files[0], "")
	assert.False(t, unchanged.Open().Knows(state(t, model)))
}
