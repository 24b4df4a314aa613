package main

import (
	"bufio"
	"context"
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
func startProgram(t *testing.T, program, dir string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	r := &running{cmd: exec.CommandContext(ctx, program, "-listen", "127.0.0.1:0"), log: make(chan string, 1)}
	r.cmd.Dir = dir
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
	tool, home := buildTool(t), t.TempDir()
	printed := shellIn(t, home, tool+" init 'my service' --module example.com/my-service")
	_, commands, found := strings.Cut(printed, "Now:\n\n")
	require.True(t, found, printed)
	commands, _, _ = strings.Cut(commands, "\n\n")
	lines := strings.Split(strings.TrimSpace(commands), "\n")
	require.Equal(t, "  go run .", lines[len(lines)-1])
	shellIn(t, home, strings.Join(lines[:len(lines)-1], " &&"))
	dir := filepath.Join(home, "my service")

	shellIn(t, dir, "go generate ./... && make test && make build")
	require.Empty(t, shellIn(t, dir, "gofmt -l ."))
	service := startProgram(t, filepath.Join(dir, "bin", "my-service"), dir)
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	answers := ""
	for _, block := range shellBlock.FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.Lines(block[1]) {
			if strings.HasPrefix(line, "curl") {
				answers += shellIn(t, dir, strings.ReplaceAll(strings.Replace(line, "curl", "curl --fail", 1), "localhost:8080", service.address))
			}
		}
	}
	assert.Regexp(t, `^{"version":1,"position":1}
\[{"ticket":"t-1","title":"It does not start","answer":"","open":true,"opened":"[^"]+"}\]
{"version":2,"position":2}
{"title":"It does not start","answer":"Plug it in","open":false,"opened":"[^"]+"}
$`, answers)
	service.terminate(t)

	again := startProgram(t, filepath.Join(dir, "bin", "my-service"), dir)
	assert.Contains(t, shellIn(t, dir, "curl -sS --fail "+again.address+"/tickets/t-1"), "Plug it in")
	again.terminate(t)
}
