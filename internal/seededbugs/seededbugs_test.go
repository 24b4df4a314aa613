package seededbugs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bug is one mistake that somebody could make.
type bug struct {
	// name says what is wrong.
	name string
	// file is the one that is changed, from the root of the module.
	file string
	// edits turn it into the wrong one. A text that is replaced must be there exactly once, so that a bug can't rot:
	// whoever changes the source changes the bug with it.
	edits []edit
	// pkg is the package, from the root of the module, of which one of the tests that match run must fail.
	pkg, run string
	// servers says that the tests need servers, which may not be there.
	servers bool
	// long says that the few rounds of a short run may miss it.
	long bool
}

type edit struct{ old, new string }

// within bounds one run of tests, and their building. The tests have a minute: a bug that makes them hang is found too.
const within = 4 * time.Minute

func TestEverySeededBugIsCaught(t *testing.T) {
	if raceDetector {
		t.Skip("the tests that must fail run without the race detector")
	}
	lookAtSources(t)
	bugs := selected(t)
	var caught atomic.Int64
	t.Cleanup(func() {
		soak.Logf(t, "%d of %d seeded bugs were caught, of %d that there are", caught.Load(), len(bugs), len(table))
	})
	// The first goes alone: it builds what the others share.
	for i, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			if i > 0 {
				t.Parallel()
			}
			requireCaught(t, &b)
			caught.Add(1)
		})
	}
}

// lookAtSources makes the go command see what this test depends on: what it runs it would not know of, and take the
// result of an earlier time for that of another source.
func lookAtSources(t *testing.T) {
	for _, dir := range []string{"gen", "internal", "runtime"} {
		err := filepath.WalkDir(filepath.Join(root(t), dir), func(path string, _ os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
		require.NoError(t, err)
	}
}

// usual is how many bugs a usual run tries, others each time: each takes a build and a run of tests.
const usual = 12

// selected returns all bugs where every series is done whole, otherwise some.
func selected(t *testing.T) []bug {
	bugs := slices.Clone(table)
	if n := soak.Rounds(usual, len(table)); n < len(table) {
		soak.Rand(t).Shuffle(len(bugs), func(i, j int) { bugs[i], bugs[j] = bugs[j], bugs[i] })
		bugs = bugs[:n]
	}
	return bugs
}

func TestTheTableIsSound(t *testing.T) {
	assert.GreaterOrEqual(t, len(table), 12)
	names := make(map[string]bool)
	for _, b := range table {
		assert.False(t, names[b.name], "%s stands there twice", b.name)
		names[b.name] = true
		_, err := b.broken(root(t))
		assert.NoError(t, err, b.name)
	}
}

// A usual run need not do this: each test that is named here has failed with a bug, and runs without one in its own
// package.
func TestTheTestsThatCatchBugsPassWithoutThem(t *testing.T) {
	if raceDetector || !soak.Full() {
		t.Skip("they run by themselves too")
	}
	runs := make(map[string][]string)
	for _, b := range table {
		if !slices.Contains(runs[b.pkg], b.run) {
			runs[b.pkg] = append(runs[b.pkg], b.run)
		}
	}
	for pkg, patterns := range runs {
		// A pattern with a slash has levels, and can't be joined with others.
		for _, run := range joined(patterns) {
			out, err := goTest(t, root(t), pkg, run, "-short")
			require.NoError(t, err, "%s in %s:\n%s", run, pkg, out)
			require.NotContains(t, out, "no tests to run", "%s in %s", run, pkg)
		}
	}
}

func joined(patterns []string) (runs []string) {
	var plain []string
	for _, p := range patterns {
		if strings.Contains(p, "/") {
			runs = append(runs, p)
		} else {
			plain = append(plain, p)
		}
	}
	if len(plain) > 0 {
		runs = append(runs, strings.Join(plain, "|"))
	}
	return runs
}

// root returns the root of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

// broken returns the file's source with the bug in it.
func (b *bug) broken(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, b.file))
	if err != nil {
		return "", err
	}
	source := string(text)
	for _, e := range b.edits {
		if n := strings.Count(source, e.old); n != 1 {
			return "", fmt.Errorf("%s has %d times what the bug replaces, and must have it once:\n%s", b.file, n, e.old)
		}
		source = strings.Replace(source, e.old, e.new, 1)
	}
	return source, nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: |^panic: |^fatal error: `)

// requireCaught runs the tests with the bug, one of which must fail. Source that does not compile catches nothing.
func requireCaught(t *testing.T, b *bug) {
	root, dir := root(t), t.TempDir()
	source, err := b.broken(root)
	require.NoError(t, err)
	changed := filepath.Join(dir, filepath.Base(b.file))
	require.NoError(t, os.WriteFile(changed, []byte(source), 0o600))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, b.file): changed}})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))

	mode := []string{"-v", "-overlay", file}
	if !b.long {
		mode = append(mode, "-short")
	}
	out, err := goTest(t, root, b.pkg, b.run, mode...)
	if b.servers && strings.Contains(out, "--- SKIP") && err == nil {
		t.Skip("the servers that its tests need are not there")
	}
	require.Error(t, err, "nobody noticed:\n%s", out[max(0, len(out)-4<<10):])
	require.Regexp(t, failedTest, out, "the tests must fail, and not their building")
	t.Logf("caught by %s", innermost(out))
}

var failure = regexp.MustCompile(`--- FAIL: (\S+)`)

// innermost returns the test that failed, and not those that it is a part of.
func innermost(out string) (name string) {
	for _, match := range failure.FindAllStringSubmatch(out, -1) {
		if strings.HasPrefix(match[1], name) {
			name = match[1]
		}
	}
	return name
}

// goTest runs tests with further flags, and returns what they print.
func goTest(t *testing.T, root, pkg, run string, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	args := append([]string{"test", "-count=1", "-failfast", "-vet=off", "-timeout", "60s", "-run", run}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
	cmd.Dir = root
	// Enough to see that it fails; a long series, and shrinking what failed, are not wanted.
	cmd.Env = append(os.Environ(), "CQRSGEN_SOAK=", "CQRSGEN_KILL_ROUNDS=3")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err, "%s", out)
	}
	return string(out), err
}
