package aggregate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// The tests of several processes start the test binary again, with this variable naming what the child has to do.
const childVariable = "CQRSGEN_AGGREGATE_CHILD"

var children = map[string]func(args []string, out io.Writer) error{"claims": childClaims, "killed": childKilled, "replacing": childReplacing}

func TestMain(m *testing.M) {
	child, ok := children[os.Getenv(childVariable)]
	if !ok {
		goleak.VerifyTestMain(m)
		return
	}
	if err := child(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

type child struct {
	*exec.Cmd
	out io.Reader
}

// startChild starts the test binary as a child; what it prints can be read. It dies with the test.
func startChild(t *testing.T, name string, args ...string) child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := child{Cmd: exec.CommandContext(t.Context(), self, args...)}
	c.Env = append(os.Environ(), childVariable+"="+name)
	c.Stderr = os.Stderr
	c.out, err = c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	return c
}

// deadly is a log whose process is killed around its next append.
type deadly struct {
	*embedded.Log
	stored bool // whether the commit is stored before
}

func (d deadly) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if d.stored {
		if _, err := d.Log.Append(ctx, c); err != nil {
			return eventlog.Appended{}, err
		}
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		return eventlog.Appended{}, err
	}
	select {} // nothing is answered any more
}

// underID are commands that are repeated under one id: of one event, of none, and over two streams.
func underID(s *system, kind string) Command[tally] {
	switch kind {
	case "no event":
		return add("x")
	case "two streams":
		return s.transfer("x", "y", 2)
	}
	return add("x", 3)
}

// childKilled gives a command and is killed before it is answered.
func childKilled(args []string, _ io.Writer) error {
	log, err := embedded.Open(ctx, args[0])
	if err != nil {
		return err
	}
	var end cleanups
	s := newSystem(&end, setting{store: deadly{log, args[2] == "stored"}})
	_, err = s.Execute(ctx, underID(s, args[1]), cqrs.WithCommandID("1"))
	return fmt.Errorf("it was answered: %w", errors.Join(err, errors.New("nobody was killed")))
}

func TestACommandHappensOnceThoughItsProcessIsKilledBeforeItAnswers(t *testing.T) {
	for _, kind := range []string{"one event", "no event", "two streams"} {
		for _, when := range []string{"stored", "lost"} {
			t.Run(kind+", "+when, func(t *testing.T) {
				dir := t.TempDir()
				log := openEmbedded(t, dir)
				s := newSystem(t, setting{store: log})
				s.must(t, add("x", 5))
				s.must(t, add("y", 1))
				killed := startChild(t, "killed", dir, kind, when)
				err := killed.Wait()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				require.Equal(t, -1, exit.ExitCode(), "it was killed: %v", err)

				first := s.must(t, underID(s, kind), cqrs.WithCommandID("1"))
				assert.Equal(t, when == "stored", first.Repeated)
				for range 2 { // in this process, and in another one
					again := s.must(t, underID(s, kind), cqrs.WithCommandID("1"))
					first.Repeated = true
					assert.Equal(t, first, again)
					s = newSystem(t, setting{store: openEmbedded(t, dir)})
				}
				want := map[string][]int64{"one event": {8, 1}, "no event": {5, 1}, "two streams": {3, 3}}[kind]
				for i, id := range []string{"x", "y"} {
					state, _, err := s.Load(ctx, id)
					require.NoError(t, err)
					assert.Equal(t, want[i], state.Sum)
				}
			})
		}
	}
}

// TestACommandWhoseCallerStoppedWaitingHappensOnceWhenItIsRepeated lets callers stop waiting at any moment, on a real disk.
func TestACommandWhoseCallerStoppedWaitingHappensOnceWhenItIsRepeated(t *testing.T) {
	random := soak.Rand(t)
	s := newSystem(t, setting{store: openEmbedded(t, t.TempDir()), every: 10})
	const callers = 4
	n := soak.Rounds(50, 10_000)
	var unknown, stopped atomic.Int64
	var wg sync.WaitGroup
	for c := range callers {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		wg.Go(func() {
			for i := range n {
				for {
					limit, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(5_000))*time.Microsecond)
					_, err := s.Execute(limit, add(fmt.Sprint(c), 1), cqrs.WithCommandID(fmt.Sprint(c, "/", i)))
					cancel()
					if err == nil {
						break
					}
					if errors.As(err, new(*eventlog.UnknownOutcomeError)) {
						unknown.Add(1)
					} else if assert.ErrorIs(t, err, context.DeadlineExceeded) {
						stopped.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	soak.Logf(t, "%d commands; %d times the outcome was unknown, %d times nothing was tried",
		callers*n, unknown.Load(), stopped.Load())
	for c := range callers {
		s.requireState(t, fmt.Sprint(c), int64(n), cqrs.Version(n))
	}
}
