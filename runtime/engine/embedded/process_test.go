package embedded

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The tests of several processes start the test binary again, with this variable naming what the child has to do.
const childVariable = "CQRSGEN_EMBEDDED_CHILD"

var children = map[string]func([]string) error{
	"load": childLoad, "share": childShare, "append": childAppend,
}

func TestMain(m *testing.M) {
	child, ok := children[os.Getenv(childVariable)]
	if !ok {
		goleak.VerifyTestMain(m)
		return
	}
	if err := child(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startChild starts the test binary as a child; what it prints can be read from the pipe. What it prints to standard
// error goes to the test's log.
func startChild(t *testing.T, name string, args ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childVariable+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended, unless the test failed
	return cmd, out
}

// randomCommit appends to several streams. Each payload says how many events the whole commit has, so that a torn
// commit can be told from a whole one without knowing who wrote it.
func randomCommit(random *rand.Rand) eventlog.Commit {
	c := eventlog.Commit{
		ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
	}
	if random.IntN(2) == 0 {
		c.Meta.CommandID = hex.EncodeToString(c.ID[:])
	}
	sizes := make([]int, 1+random.IntN(3))
	total := 0
	for i := range sizes {
		sizes[i] = 1 + random.IntN(4)
		total += sizes[i]
	}
	streams := random.Perm(20)
	for i, size := range sizes {
		id := cqrs.StreamID{Category: "Account", ID: fmt.Sprint(streams[i])}
		s := eventlog.StreamAppend{Stream: id, Expected: eventlog.Any}
		for range size {
			s.Events = append(s.Events, eventlog.NewEvent{
				Type: fmt.Sprint("Type", random.IntN(3)), SchemaVersion: 1, ContentType: cqrs.JSON,
				Data: fmt.Appendf(nil, `{"of":%d,"pad":%q}`, total, strings.Repeat("x", random.IntN(300))),
			})
		}
		c.Streams = append(c.Streams, s)
	}
	return c
}

// requireSound checks what must be true of a log whatever happened to those who wrote it, and returns how many events
// each commit has.
func requireSound(t *testing.T, l *Log) map[cqrs.CommitID]int {
	t.Helper()
	commits := make(map[cqrs.CommitID]int)
	versions := make(map[cqrs.StreamID]cqrs.Version)
	wanted := make(map[cqrs.CommitID]int)
	position := cqrs.Position(0)
	for r, err := range l.Read(t.Context(), eventlog.Query{}) {
		require.NoError(t, err)
		position++
		require.Equal(t, position, r.Position, "positions have no gap")
		versions[r.Stream]++
		require.Equal(t, versions[r.Stream], r.Version, "versions of %s have no gap", r.Stream)
		commits[r.Commit]++
		var of int
		_, err = fmt.Sscanf(string(r.Data), `{"of":%d`, &of)
		require.NoError(t, err)
		wanted[r.Commit] = of
	}
	require.Equal(t, wanted, commits, "each commit is whole")
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, position, n, "the counts of the types are those of the events")
	return commits
}

// childLoad appends from several goroutines until it is killed, and prints the id of each commit once it was
// acknowledged.
func childLoad(args []string) error {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	l, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range 8 {
		go func() {
			random := rand.New(rand.NewPCG(seed, uint64(w)))
			for {
				c := randomCommit(random)
				if _, err := l.Append(context.Background(), c); err != nil {
					failed <- err
					return
				}
				// One write to a pipe is not torn, and needs no lock.
				if _, err := fmt.Fprintf(os.Stdout, "%x %s\n", c.ID, c.Meta.CommandID); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	random := soak.Rand(t)
	// A log that has grown takes long to be checked: from time to time a new one is begun.
	const logRounds = 50
	var dir string
	var acknowledged map[cqrs.CommitID]string
	total := 0
	for i := range soak.Box(t, 10*time.Second, 0).Rounds(soak.Rounds(50, 1000), "kills under load, nothing lost") {
		if i%logRounds == 0 {
			dir, acknowledged = t.TempDir(), make(map[cqrs.CommitID]string)
		}
		last := killUnderLoad(t, dir, random)
		maps.Copy(acknowledged, last)
		total += len(last)
		requireAcknowledged(t, dir, acknowledged, last)
	}
	soak.Logf(t, "%d commits were acknowledged", total)
}

// requireAcknowledged opens the log, and checks that it is sound, has all of the commits, and the commands of the last.
func requireAcknowledged(t *testing.T, dir string, acknowledged, last map[cqrs.CommitID]string) {
	t.Helper()
	l, err := Open(t.Context(), dir)
	require.NoError(t, err)
	stored := requireSound(t, l)
	for id := range acknowledged {
		require.NotZero(t, stored[id], "commit %x was acknowledged and is not there", id)
	}
	for _, command := range last {
		if command != "" {
			_, ok, err := l.Command(t.Context(), command, [32]byte{})
			require.NoError(t, err)
			require.True(t, ok, "and so is its command id")
		}
	}
	require.NoError(t, l.Close())
}

// killUnderLoad returns the acknowledged commits, and their command ids, of a child that was killed at some moment.
func killUnderLoad(t *testing.T, dir string, random *rand.Rand) map[cqrs.CommitID]string {
	cmd, out := startChild(t, "load", dir, fmt.Sprint(random.Uint64()))
	var kill *time.Timer
	acknowledged := readAcknowledged(t, out, func() {
		kill = time.AfterFunc(time.Duration(random.IntN(100_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
	})
	requireKilled(t, cmd)
	require.NotNil(t, kill)
	require.NotEmpty(t, acknowledged)
	return acknowledged
}

// readAcknowledged reads what a child prints until its end, and calls first after the first commit.
func readAcknowledged(t *testing.T, out io.Reader, first func()) map[cqrs.CommitID]string {
	acknowledged := make(map[cqrs.CommitID]string)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return acknowledged // what comes without its end was not printed whole
		}
		text, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		var id cqrs.CommitID
		_, err = hex.Decode(id[:], []byte(text))
		assert.NoError(t, err)
		if acknowledged[id] = command; len(acknowledged) == 1 {
			first()
		}
	}
}

func requireKilled(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	err := cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, -1, exit.ExitCode(), "the child was killed and did not fail by itself")
}

// loader is a process under load, and what it acknowledged once it has ended.
type loader struct {
	cmd          *exec.Cmd
	acknowledged chan map[cqrs.CommitID]string
	working      chan struct{}
}

func startLoader(t *testing.T, dir string, random *rand.Rand) *loader {
	l := &loader{acknowledged: make(chan map[cqrs.CommitID]string, 1), working: make(chan struct{})}
	var out io.Reader
	l.cmd, out = startChild(t, "load", dir, fmt.Sprint(random.Uint64()))
	go func() { l.acknowledged <- readAcknowledged(t, out, func() { close(l.working) }) }()
	return l
}

func (l *loader) kill(t *testing.T) map[cqrs.CommitID]string {
	t.Helper()
	<-l.working
	require.NoError(t, l.cmd.Process.Kill())
	// What it printed is read to its end before Wait closes the pipe.
	acknowledged := <-l.acknowledged
	requireKilled(t, l.cmd)
	return acknowledged
}

func TestFourProcessesLoseNothingWhileOneIsKilledEverySecond(t *testing.T) {
	t.Parallel()
	random := soak.Rand(t)
	dir := t.TempDir()
	box := soak.Box(t, 12*time.Second, 10*time.Minute)
	l := open(t, dir)
	done, followed := make(chan struct{}), make(chan int)
	go func() { followed <- followLive(t, l, done) }()
	loaders := make([]*loader, shareProcesses)
	for i := range loaders {
		loaders[i] = startLoader(t, dir, random)
	}
	acknowledged := make(map[cqrs.CommitID]string)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	kills := 0
	for ; box.Open(); kills++ {
		<-second.C
		i := random.IntN(len(loaders))
		maps.Copy(acknowledged, loaders[i].kill(t))
		loaders[i] = startLoader(t, dir, random)
	}
	for _, loader := range loaders {
		maps.Copy(acknowledged, loader.kill(t))
	}
	close(done)
	live := <-followed
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, n, live, "a live reader saw every event once")
	requireAcknowledged(t, dir, acknowledged, nil)
	box.Reached(kills, kills, fmt.Sprintf("kills of one of four processes; %d acknowledged commits, none lost", len(acknowledged)))
}

// childShare appends a number of commits, among others, and next to each one to a stream that all processes want.
func childShare(args []string) error {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	l, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	var wg sync.WaitGroup
	errs := make(chan error, shareWriters)
	for range shareWriters {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		wg.Go(func() {
			if err := shareCommits(l, random); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	return errors.Join(<-errs, l.Close())
}

const (
	shareProcesses = 4
	shareWriters   = 4
	shareEach      = 40
)

var contended = cqrs.StreamID{Category: "Contended", ID: "1"}

func shareCommits(l *Log, random *rand.Rand) error {
	version := cqrs.Version(0)
	for range shareEach {
		c := randomCommit(random)
		if _, err := l.Append(context.Background(), c); err != nil {
			return err
		}
		for {
			_, err := l.Append(context.Background(), oneEvent(contended, eventlog.Exactly(version)))
			var conflict *cqrs.ConflictError
			if err == nil {
				version++
				break
			}
			if !errors.As(err, &conflict) {
				return err
			}
			if conflict.Actual == version {
				return fmt.Errorf("a conflict at the expected version: %w", err)
			}
			version = conflict.Actual
		}
	}
	return nil
}

// oneEvent returns a commit of one event, as requireSound wants it.
func oneEvent(s cqrs.StreamID, expected eventlog.Expected) eventlog.Commit {
	return eventlog.Commit{
		ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{Time: time.Unix(0, 0).UTC()},
		Streams: []eventlog.StreamAppend{{Stream: s, Expected: expected, Events: []eventlog.NewEvent{
			{Type: "Happened", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(`{"of":1}`)},
		}}},
	}
}

func TestFourProcessesAppendToOneDirectoryWithoutGapsOrLosses(t *testing.T) {
	seed := soak.Seed(t)
	dir := t.TempDir()
	var children []*exec.Cmd
	for i := range shareProcesses {
		cmd, out := startChild(t, "share", dir, fmt.Sprint(seed+uint64(i)))
		go func() { _, _ = io.Copy(io.Discard, out) }()
		children = append(children, cmd)
	}
	l := open(t, dir)
	done := make(chan struct{})
	followed := make(chan int)
	go func() { followed <- followLive(t, l, done) }()
	for _, cmd := range children {
		assert.NoError(t, cmd.Wait())
	}
	close(done)
	live := <-followed

	commits := requireSound(t, l)
	assert.Len(t, commits, 2*shareProcesses*shareWriters*shareEach)
	n, err := l.Count(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, n, live, "a live reader saw every event once")
	history := 0
	for r, err := range l.ReadStream(t.Context(), contended, 1) {
		require.NoError(t, err)
		history++
		require.EqualValues(t, history, r.Version)
	}
	assert.Equal(t, shareProcesses*shareWriters*shareEach, history)
}

// followLive reads as a projection does, and returns how many events it saw. Each must have the next position.
func followLive(t *testing.T, l *Log, done <-chan struct{}) int {
	after := cqrs.Position(0)
	for {
		last := false
		select {
		case <-done:
			last = true
		default:
		}
		for r, err := range l.Read(t.Context(), eventlog.Query{After: after}) {
			if !assert.NoError(t, err) || !assert.Equal(t, after+1, r.Position) {
				return int(after)
			}
			after = r.Position
		}
		if last {
			return int(after)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := l.Wait(ctx, after)
		cancel()
		if err != nil {
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
	}
}

// childAppend opens the log, appends one event, prints its position and closes the log.
func childAppend(args []string) error {
	l, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	got, err := l.Append(context.Background(), oneEvent(contended, eventlog.Any))
	if err == nil {
		fmt.Println(got.Position)
	}
	return errors.Join(err, l.Close())
}

// appendElsewhere appends one event in another process, and returns its position.
func appendElsewhere(t *testing.T, dir string) cqrs.Position {
	t.Helper()
	self, err := os.Executable()
	if !assert.NoError(t, err) {
		return 0
	}
	cmd := exec.Command(self, dir)
	cmd.Env = append(os.Environ(), childVariable+"=append")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	assert.NoError(t, err, "process %d: %s", cmd.ProcessState.Pid(), &stderr)
	position, _ := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return cqrs.Position(position)
}

func TestManyProcessesMayCreateOneLogAtOnce(t *testing.T) {
	const processes = 8
	dir := filepath.Join(t.TempDir(), "a", "b")
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() {
			assert.NotZero(t, appendElsewhere(t, dir), "process %d of %d", i+1, processes)
		})
	}
	wg.Wait()
	assert.Len(t, requireSound(t, open(t, dir)), processes)
}

func TestOpeningALogTwiceLosesNothingWhenAnotherProcessClosesIt(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	second, err := Open(t.Context(), dir)
	require.NoError(t, err)
	require.EqualValues(t, 1, appendElsewhere(t, dir))
	got, err := first.Append(t.Context(), oneEvent(contended, eventlog.Any))
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Position)
	require.EqualValues(t, 3, appendElsewhere(t, dir), "another process sees what was acknowledged")
	require.NoError(t, second.Close())
	require.EqualValues(t, 4, appendElsewhere(t, dir))
	assert.Len(t, requireSound(t, first), 4)
}
