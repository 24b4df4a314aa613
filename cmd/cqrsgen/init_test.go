package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
)

// shellIn runs a command line as a person would, in a folder, and returns what it printed.
func shellIn(t *testing.T, dir, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", line, out)
	return string(out)
}

// buildTool compiles the tool of this checkout.
func buildTool(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "cqrsgen")
	shellIn(t, ".", "go build -buildvcs=false -o "+tool+" .")
	return tool
}

// running is a service that was started.
type running struct {
	cmd     *exec.Cmd
	address string
	log     chan string
}

var address = regexp.MustCompile(`serving address=(\S+)`)

// startProgram starts a service on a free port, and waits until it serves.
func startProgram(t *testing.T, program, dir string, env ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	r := &running{cmd: exec.CommandContext(ctx, program, "-listen", "127.0.0.1:0"), log: make(chan string, 1)}
	r.cmd.Dir, r.cmd.Env = dir, append(os.Environ(), env...)
	stderr, err := r.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, r.cmd.Start())
	lines := bufio.NewScanner(stderr)
	var text strings.Builder
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			r.address = m[1]
			break
		}
	}
	require.NotEmpty(t, r.address, text.String())
	go func() {
		rest, _ := io.ReadAll(stderr)
		r.log <- text.String() + string(rest)
	}()
	return r
}

// terminate asks the service to end, and requires that it does so as if it had nothing else to do.
func (r *running) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	log := <-r.log
	require.NoError(t, r.cmd.Wait(), log)
	assert.Contains(t, log, "shutting down")
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

func TestANewServiceBuildsRunsAndServesWithTheCommandsThatArePrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	tool := buildTool(t)
	t.Run("embedded", func(t *testing.T) { newService(t, tool, "embedded", 1, "NOTHING=") })
	t.Run("postgres", func(t *testing.T) { newService(t, tool, "postgres", 1, "DATABASE_URL="+testserver.Postgres(t)) })
	t.Run("jetstream", func(t *testing.T) { newService(t, tool, "jetstream", 1<<16, "NATS_URL="+testserver.NATS(t)) })
}

// newService makes a service on an engine, of which it knows the first event's position, and does what its README says.
func newService(t *testing.T, tool, engine string, position int, env ...string) {
	home := t.TempDir()
	printed := shellIn(t, home, tool+" init 'my service' --module example.com/my-service --engine "+engine)
	_, commands, found := strings.Cut(printed, "Now:\n\n")
	require.True(t, found, printed)
	commands, _, _ = strings.Cut(commands, "\n\n")
	lines := strings.Split(strings.TrimSpace(commands), "\n")
	require.Contains(t, lines[len(lines)-1], " run")
	shellIn(t, home, strings.Join(lines[:len(lines)-1], " &&"))
	dir := filepath.Join(home, "my service")

	shellIn(t, dir, "go generate ./... && make test && make build")
	require.Empty(t, shellIn(t, dir, "gofmt -l ."))
	requireOneEngine(t, dir, engine)
	program := filepath.Join(dir, "bin", "my-service")
	if engine != "embedded" {
		shellIn(t, dir, "env '"+strings.Join(env, "' '")+"' bin/my-service log migrate")
	}
	if engine == "embedded" {
		assert.Contains(t, shellIn(t, dir, "! bin/my-service projections status --data mistyped"), "there is no log in the folder mistyped")
		assert.NoDirExists(t, filepath.Join(dir, "mistyped"))
		shellIn(t, dir, "bin/my-service log migrate --data begun && bin/my-service projections status --data begun")
	}
	service := startProgram(t, program, dir, env...)
	assert.Regexp(t, fmt.Sprintf(`^{"version":1,"position":%d}
\[{"ticket":"t-1","title":"It does not start","answer":"","open":true,"opened":"[^"]+"}\]
{"version":2,"position":%d}
{"title":"It does not start","answer":"Plug it in","open":false,"opened":"[^"]+"}
$`, position, 2*position), service.answers(t, dir))
	service.terminate(t)

	again := startProgram(t, program, dir, env...)
	assert.Contains(t, shellIn(t, dir, "curl -sS --fail "+again.address+"/tickets/t-1"), "Plug it in")
	again.terminate(t)
	assert.Contains(t, shellIn(t, dir, "env '"+strings.Join(env, "' '")+"' bin/my-service log info"),
		fmt.Sprintf("head    position %d\nevents  2\n", 2*position))
}

// answers sends the requests of the service's README.
func (r *running) answers(t *testing.T, dir string) (answers string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	for _, block := range shellBlock.FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.Lines(block[1]) {
			if strings.HasPrefix(line, "curl") {
				line = strings.ReplaceAll(strings.Replace(line, "curl", "curl --fail", 1), "localhost:8080", r.address)
				answers += shellIn(t, dir, line)
			}
		}
	}
	return answers
}

// drivers are what each engine alone needs. Read models in SQLite need the driver of the embedded engine as well.
var drivers = map[string]string{"postgres": "github.com/jackc/pgx", "jetstream": "github.com/nats-io/nats.go"}

// requireOneEngine requires that a package links an engine and no part of another one.
func requireOneEngine(t *testing.T, dir, engine string) {
	t.Helper()
	for dep := range strings.Lines(shellIn(t, dir, "go list -deps .")) {
		_, linked, found := strings.Cut(strings.TrimSpace(dep), "cqrsgen/runtime/engine/")
		require.True(t, !found || linked == engine, "%s links %s", engine, dep)
		for other, driver := range drivers {
			require.True(t, other == engine || !strings.HasPrefix(dep, driver), "%s links %s", engine, dep)
		}
	}
}

func TestAnEngineLinksNoOther(t *testing.T) {
	for _, engine := range []string{"embedded", "memory", "postgres", "jetstream"} {
		requireOneEngine(t, "../../runtime/engine/"+engine, engine)
	}
	for _, none := range []string{"../../runtime/admin", "../../runtime/aggregate", "../../example/ledger", "."} {
		requireOneEngine(t, none, "none")
	}
}
