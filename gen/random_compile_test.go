package gen_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/internal/soak"
)

// randomModels is how many models the test below makes. CQRSGEN_RANDOM_MODELS and CQRSGEN_SEED are for long runs, and
// to come back to one that failed.
const randomModels = 20

func TestRandomValidModelsBecomeGoThatCompilesAndVets(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	n := fromEnv(t, "CQRSGEN_RANDOM_MODELS", randomModels)
	seed := fromEnv(t, "CQRSGEN_SEED", uint64(time.Now().UnixNano()))
	t.Logf("CQRSGEN_SEED=%d", seed)
	module := newModule(t)
	made := uint64(0)
	var older []string // models whose logs have older versions
	for i := uint64(0); made < n; i++ {
		require.Less(t, i, 20*n, "too many of the models have names that collide in Go")
		src := newRandomModel(seed + i)
		set, collided := generateRandom(t, src)
		if collided {
			continue
		}
		dir := filepath.Join(module, fmt.Sprintf("m%d", i))
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "model.cqrs.yaml"), []byte(src), 0o644))
		_, err := output.Write(dir, *set)
		require.NoError(t, err)
		made++
		replay, err := os.ReadFile(filepath.Join(dir, "replay_gen_test.go"))
		if err == nil && bytes.Contains(replay, []byte("cqrstest.Older")) {
			older = append(older, "./"+filepath.Base(dir))
		}
	}
	vet := exec.Command("go", "vet", "./...")
	vet.Dir = module
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := vet.CombinedOutput()
	if err != nil && os.Getenv("CQRSGEN_KEEP") != "" {
		require.NoError(t, os.CopyFS(os.Getenv("CQRSGEN_KEEP"), os.DirFS(module)))
	}
	require.NoError(t, err, "%s", out)
	if soak.Full() { // golden models are replayed in every run
		replayRandom(t, module, older)
	}
}

// replayRandom runs the generated tests that replay random histories: each event that can be stored can be read, in
// each version that it had, up to what the team's code has to do.
func replayRandom(t *testing.T, module string, packages []string) {
	t.Helper()
	if len(packages) == 0 {
		return
	}
	replay := exec.Command("go", append([]string{"test", "-vet=off", "-v", "-run", "TestReplayRows"}, packages...)...)
	replay.Dir = module
	replay.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := replay.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), " events\n", "there are histories")
	require.NotContains(t, string(out), "can't decode")
	require.NotContains(t, string(out), "can be stored", "an event could not be drawn")
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

var finding = regexp.MustCompile(`(?m)^model\.cqrs\.yaml:\d+:\d+: (CQ\d{4})`)

// generateRandom generates a model that is valid, except that its names may collide in Go.
func generateRandom(t *testing.T, src string) (set *output.Set, collided bool) {
	t.Helper()
	set, findings, err := gen.FromSource("model.cqrs.yaml", []byte(src))
	require.NoError(t, err, src)
	var text bytes.Buffer
	require.NoError(t, findings.Write(&text))
	for _, code := range finding.FindAllStringSubmatch(text.String(), -1) {
		require.Contains(t, []string{"CQ1501", "CQ1205", "CQ1207", "CQ1232"}, code[1], "%s\n%s", text.String(), src)
	}
	return set, findings.Failed()
}

// newModule makes a module that uses this one from where it stands.
func newModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	mod = regexp.MustCompile(`(?m)^module .*`).ReplaceAll(mod, []byte("module random"))
	mod = regexp.MustCompile(`(?ms)^tool (\(.*?^\)|[^\n]*)`).ReplaceAll(mod, nil)
	mod = fmt.Appendf(mod, "\nrequire github.com/cqrsgen/cqrsgen v0.0.0\n\nreplace github.com/cqrsgen/cqrsgen => %s\n", root)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644))
	return dir
}
