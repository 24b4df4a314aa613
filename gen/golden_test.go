package gen_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/output"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	golden    = "../testdata/golden"
	example   = "../example/ledger/ledger.cqrs.yaml"
	modelFile = "model.cqrs.yaml"
)

// goldenModels are the valid models among the golden ones.
var goldenModels = func() []string {
	dirs, _ := filepath.Glob(filepath.Join(golden, "*", modelFile))
	var names []string
	for _, dir := range dirs {
		if name := filepath.Base(filepath.Dir(dir)); !strings.HasPrefix(name, "mistakes") {
			names = append(names, name)
		}
	}
	return names
}()

// handWritten are the golden models whose deciders and folds were written out, so that they run.
var handWritten = map[string]bool{
	"evolution":  true,
	"everything": true, "personal": true,
	"external":      true,
	"guards":        true,
	"inline":        true,
	"rows":          true,
	"shared-names":  true,
	"streams":       true,
	"folds":         true,
	"several-files": true,
	"scenarios":     true,
	"queries":       true,
	"materialized":  true,
}

// warned are the golden models that are right, and not without a warning.
var warned = map[string]bool{"evolution": true, "everything": true}

// generated returns what a model file leads to.
func generated(t *testing.T, file string) *output.Set {
	t.Helper()
	set, findings, err := gen.Load(file)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, findings.Write(&text))
	require.NotNil(t, set, text.String())
	if !warned[filepath.Base(filepath.Dir(file))] {
		require.Empty(t, text.String())
	}
	return set
}

// filesOf returns the tool's files, the lock file and the skeletons, by name.
func filesOf(set *output.Set) map[string]string {
	files := map[string]string{set.Lock.Name: string(set.Lock.Content)}
	for _, f := range set.Files {
		files[f.Name] = string(f.Content)
	}
	for _, s := range set.Skeletons {
		files[s.Name] = string(s.Content)
	}
	return files
}

// ours reports whether a file's name is one that the tool gives.
func ours(name string) bool {
	return strings.HasSuffix(name, "_gen.go") || strings.HasSuffix(name, "_gen_test.go")
}

// goFiles returns the Go files and the lock file of a folder, without the team's tests.
func goFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	locks, err := filepath.Glob(filepath.Join(dir, "*.lock"))
	require.NoError(t, err)
	paths = append(paths, locks...)
	files := map[string]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") && !ours(path) {
			continue
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		files[filepath.Base(path)] = string(content)
	}
	return files
}

func TestGoldenModelsBecomeTheirGoldenGo(t *testing.T) {
	for _, name := range goldenModels {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(golden, name)
			set := generated(t, filepath.Join(dir, modelFile))
			if handWritten[name] {
				set.Skeletons = nil
			}
			want := filesOf(set)
			if *update {
				rewrite(t, dir, want, handWritten[name])
			}
			have := goFiles(t, dir)
			for file, content := range want {
				assert.Equal(t, content, have[file], "%s: make golden rewrites it", file)
			}
			for file := range have {
				if !handWritten[name] || ours(file) {
					assert.Contains(t, want, file, "nothing asks for this file any more")
				}
			}
		})
	}
}

func rewrite(t *testing.T, dir string, files map[string]string, keepTeams bool) {
	t.Helper()
	for file := range goFiles(t, dir) {
		if _, still := files[file]; !still && !(keepTeams && !ours(file)) {
			require.NoError(t, os.Remove(filepath.Join(dir, file)))
		}
	}
	for file, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644))
	}
}

// goCommand runs the go command on the golden packages, which `./...` leaves out.
func goCommand(t *testing.T, args ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestGoldenGoCompilesAndVets(t *testing.T) {
	args := []string{"vet"}
	for _, name := range goldenModels {
		args = append(args, "./testdata/golden/"+name)
	}
	goCommand(t, args...)
}

func TestGoldenGoRuns(t *testing.T) {
	args := []string{"test"}
	for _, name := range goldenModels {
		args = append(args, "./testdata/golden/"+name)
	}
	goCommand(t, args...)
}

func TestTheExampleIsWhatItsModelSays(t *testing.T) {
	have := goFiles(t, filepath.Dir(example))
	set := generated(t, example)
	for _, f := range append(set.Files, set.Lock) {
		assert.Equal(t, string(f.Content), have[f.Name], "%s: make generate rewrites it", f.Name)
		delete(have, f.Name)
	}
	for name := range have {
		assert.False(t, ours(name), "%s: nothing asks for this file any more", name)
	}
}

func TestGeneratingIsDeterministic(t *testing.T) {
	for _, name := range goldenModels {
		file := filepath.Join(golden, name, modelFile)
		first := filesOf(generated(t, file))
		rounds := 50
		if handWritten[name] {
			rounds = 2 // each asks the go command for what the folds import
		}
		for range rounds {
			require.Equal(t, first, filesOf(generated(t, file)), name)
		}
	}
}

// The environment names the model that a child of the test below generates.
const childModel = "CQRSGEN_TEST_CHILD_MODEL"

func TestAFreshProcessGeneratesTheSame(t *testing.T) {
	file := filepath.Join(golden, "types", modelFile)
	if os.Getenv(childModel) != "" {
		_, _ = os.Stdout.WriteString("digest " + digest(generated(t, file)) + "\n")
		return
	}
	want := "digest " + digest(generated(t, file)) + "\n"
	for range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestAFreshProcessGeneratesTheSame$")
		child.Env = append(os.Environ(), childModel+"=yes")
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), want)
	}
}

func digest(set *output.Set) string {
	h := sha256.New()
	write := func(f emit.File) { h.Write([]byte(f.Name + "\x00" + string(f.Content))) }
	for _, f := range set.Files {
		write(f)
	}
	for _, s := range set.Skeletons {
		write(s.File)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestWritingTwiceLeavesEveryFileAlone(t *testing.T) {
	dir, set := t.TempDir(), generated(t, filepath.Join(golden, "ledger", modelFile))
	first, err := output.Write(dir, *set)
	require.NoError(t, err)
	require.Len(t, first.Written, len(set.Files)+1+len(set.Skeletons))
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, name := range first.Written {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), long, long))
	}
	second, err := output.Write(dir, *set)
	require.NoError(t, err)
	assert.Empty(t, second.Written)
	assert.Empty(t, second.Removed)
	assert.Len(t, second.Unchanged, len(set.Files)+1)
	for _, name := range first.Written {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.True(t, info.ModTime().Equal(long), name)
	}
}

func TestDeletedFilesComeBackByteForByte(t *testing.T) {
	dir, set := t.TempDir(), generated(t, filepath.Join(golden, "types", modelFile))
	_, err := output.Write(dir, *set)
	require.NoError(t, err)
	before := goFiles(t, dir)
	for _, f := range set.Files {
		require.NoError(t, os.Remove(filepath.Join(dir, f.Name)))
	}
	again, err := output.Write(dir, *set)
	require.NoError(t, err)
	assert.Len(t, again.Written, len(set.Files))
	assert.Equal(t, before, goFiles(t, dir))
}
