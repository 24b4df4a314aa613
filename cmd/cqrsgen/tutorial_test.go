package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tutorial executes a page: blocks of the language console are commands behind `$`, each with what it prints; in that,
// … stands for anything, also for whole lines. Blocks of the language diff change the file that a comment before them
// names, and others are the file that such a comment names.
type tutorial struct {
	t    *testing.T
	dir  string
	env  []string
	port string
	// service is `make run`, which goes on in the background.
	service *exec.Cmd
	log     *lockedBuffer
}

var (
	block    = regexp.MustCompile("(?ms)^(?:<!-- (?:edit|write) (\\S+) -->\n)?```(console|diff|go|yaml)\n(.*?)^```$")
	exitCode = regexp.MustCompile(`(?m)^exit code (\d)\n?\z`)
)

func TestTheTutorialDoesWhatItSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the compiler")
	}
	pages, err := filepath.Glob("../../docs/tutorial/*.md")
	require.NoError(t, err)
	require.Len(t, pages, 2)
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			follow(t, page)
		})
	}
}

func follow(t *testing.T, file string) {
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	tool := buildTool(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(free.Addr().String())
	require.NoError(t, err)
	require.NoError(t, free.Close())
	tut := &tutorial{
		t: t, dir: t.TempDir(), port: port,
		env: append(os.Environ(), "GOWORK=off", "GOFLAGS=", "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=", "PATH="+filepath.Dir(tool)+string(filepath.ListSeparator)+os.Getenv("PATH")),
	}
	t.Cleanup(tut.stop)
	blocks := block.FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		tut.do(b[1], b[2], b[3])
	}
	tut.stop()
}

func (tut *tutorial) do(file, language, text string) {
	tut.t.Helper()
	switch language {
	case "diff":
		tut.edit(file, text)
	case "console":
		for _, step := range strings.Split("\n"+text, "\n$ ")[1:] {
			command, output, _ := strings.Cut(step, "\n")
			tut.run(command, output)
		}
	default:
		require.NotEmpty(tut.t, file, text)
		require.NoError(tut.t, os.WriteFile(filepath.Join(tut.dir, file), []byte(text), 0o644))
	}
}

// edit makes a change that is shown as a diff: the lines that it keeps or removes stand in the file once.
func (tut *tutorial) edit(file, diff string) {
	tut.t.Helper()
	require.NotEmpty(tut.t, file, diff)
	tut.stop()
	path := filepath.Join(tut.dir, file)
	src, err := os.ReadFile(path)
	require.NoError(tut.t, err)
	var before, after string
	for line := range strings.Lines(diff) {
		switch line[0] {
		case '-':
			before += line[1:]
		case '+':
			after += line[1:]
		default:
			before, after = before+line[1:], after+line[1:]
		}
	}
	require.Equal(tut.t, 1, strings.Count("\n"+string(src), "\n"+before), "%s does not have just once:\n%s", file, before)
	require.NoError(tut.t, os.WriteFile(path, []byte(strings.Replace("\n"+string(src), "\n"+before, "\n"+after, 1)[1:]), 0o644))
}

func (tut *tutorial) run(command, output string) {
	tut.t.Helper()
	code := "0"
	if m := exitCode.FindStringSubmatch(output); m != nil {
		code, output = m[1], exitCode.ReplaceAllString(output, "")
	}
	if dir, ok := strings.CutPrefix(command, "cd "); ok {
		tut.dir = filepath.Join(tut.dir, dir)
		return
	}
	if command == "make run" {
		tut.start(output)
		return
	}
	cmd := exec.CommandContext(tut.t.Context(), "sh", "-c", strings.ReplaceAll(command, "localhost:8080", "127.0.0.1:"+tut.port))
	cmd.Dir, cmd.Env = tut.dir, tut.env
	out, err := cmd.CombinedOutput()
	require.Equal(tut.t, code, fmt.Sprint(cmd.ProcessState.ExitCode()), "%s: %v\n%s", command, err, out)
	require.Regexp(tut.t, shown(output), strings.TrimSpace(string(out)), command)
}

// shown is a pattern of what a page shows.
func shown(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	pattern := ""
	for i, line := range lines {
		if line == "…" {
			pattern += `(?:.*\n)*?(?:.*)`
		} else {
			pattern += strings.ReplaceAll(regexp.QuoteMeta(line), "…", `.*`)
		}
		if i+1 < len(lines) {
			pattern += `\n?`
		}
	}
	return `(?m)\A` + pattern + `\z`
}

// start runs the service until it prints what the page shows.
func (tut *tutorial) start(output string) {
	tut.t.Helper()
	tut.stop()
	tut.log = &lockedBuffer{lines: make(chan struct{}, 1000)}
	tut.service = exec.Command("make", "run", "ARGS=-listen 127.0.0.1:"+tut.port)
	tut.service.Dir, tut.service.Env = tut.dir, tut.env
	tut.service.Stdout, tut.service.Stderr = tut.log, tut.log
	tut.service.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(tut.t, tut.service.Start())
	want := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(output)), "…", `.*`))
	deadline := time.After(2 * time.Minute)
	for !want.MatchString(tut.log.String()) {
		select {
		case <-tut.log.lines:
		case <-deadline:
			tut.t.Fatalf("the service does not start:\n%s", tut.log)
		}
	}
}

// stop does what Ctrl-C does: it interrupts the service and all that started it.
func (tut *tutorial) stop() {
	if tut.service == nil {
		return
	}
	_ = syscall.Kill(-tut.service.Process.Pid, syscall.SIGINT)
	_ = tut.service.Wait() // make says that it was interrupted
	tut.service = nil
	require.Contains(tut.t, tut.log.String(), "shutting down")
	require.NotContains(tut.t, tut.log.String(), " ERROR ")
}

// lockedBuffer keeps what a program prints, and tells when there is more.
type lockedBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan struct{}
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.lines <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
