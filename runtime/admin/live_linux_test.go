package admin

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	engine "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// screen is a terminal: what programs write to it, and what a person sees of that.
type screen struct {
	program *os.File
	mu      sync.Mutex
	raw     strings.Builder
}

func newScreen(t *testing.T) *screen {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no pseudo-terminals:", err)
	}
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	s := new(screen)
	s.program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<12)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.raw.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		assert.NoError(t, s.program.Close())
		<-done
		assert.NoError(t, master.Close())
	})
	return s
}

func (s *screen) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw.String()
}

// token is a run of text, or one of the controls that the live view writes.
var token = regexp.MustCompile(`\x1b\[\??(\d*)[A-Za-z]|[\r\n]|[^\x1b\r\n]+`)

// lines returns what stands on the screen.
func (s *screen) lines() []string {
	lines, row, column := []string{""}, 0, 0
	for _, m := range token.FindAllStringSubmatch(s.written(), -1) {
		switch text := m[0]; {
		case text == "\r":
			column = 0
		case text == "\n":
			if row++; row == len(lines) {
				lines = append(lines, "")
			}
		case strings.HasSuffix(text, "A") && text[0] == '\x1b':
			up, _ := strconv.Atoi(m[1])
			row -= up
		case text == "\x1b[K":
			lines[row] = lines[row][:column]
		case text == "\x1b[J":
			lines = append(lines[:row], lines[row][:column])
		case text[0] != '\x1b':
			lines[row] = lines[row][:column] + text + lines[row][min(len(lines[row]), column+len(text)):]
			column += len(text)
		}
	}
	return lines[:len(lines)-1] // the cursor stands below
}

func TestALiveViewOnATerminalMovesWithTheProjection(t *testing.T) {
	b := &bank{log: engine.New(), store: memory.New(), now: firstRelease}
	b.append(t, "Moved", 10, "ada", "bob", "cyd", "dan")
	table := b.table(t, firstRelease)
	says := func(status projection.Status) {
		require.NoError(t, table.Hold(t.Context(), "app-1", time.Minute, report(t, status)))
	}
	says(projection.Status{Phase: projection.Building, Handled: 1, Total: 4, Lag: 3, Rate: 1, ETA: 3 * time.Second})
	terminal := newScreen(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() {
		s := b.service()
		s.Stdout, s.Stderr = terminal.program, terminal.program
		code <- Run(ctx, []string{"projections", "status", "--live"}, s)
	}()
	shows := func(text string) {
		require.Eventually(t, func() bool {
			lines := terminal.lines()
			return len(lines) == 2 && strings.Contains(lines[1], text)
		}, 10*time.Second, 10*time.Millisecond, "%q", text)
	}
	shows("[#######.......................]  25 %  1 of 4 events  1/s  ETA 3s  by app-1")
	says(projection.Status{Phase: projection.Building, Handled: 3, Total: 4, Lag: 1, Rate: 2, ETA: 500 * time.Millisecond})
	shows("[######################........]  75 %  3 of 4 events  2/s")
	require.NoError(t, table.Release(t.Context(), "app-1", nil))
	b.build(t, firstRelease)
	shows("active    idle         position 4, up to date; nobody projects into it")
	cancel()
	assert.Equal(t, 0, <-code)
	require.Eventually(t, func() bool { return strings.HasSuffix(terminal.written(), wrapLines) }, 10*time.Second, time.Millisecond,
		"lines are wrapped again behind it")
}
