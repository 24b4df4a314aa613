// Package projectiontest tries projectors over a sink under faults: real processes that are killed, stopped and resumed
// while the log grows, and generations that are built, promoted and rolled back while they are read. What every sink has
// to pass, besides readmodeltest.
package projectiontest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Sink is how a test reaches the stores of a sink.
type Sink struct {
	// New makes an empty store, and returns the address by which every process opens it. It is called in the test's own
	// process, and releases the store with t.Cleanup.
	New func(t *testing.T) (address string)
	// Open opens a store; it is called in the test's own process and in its children.
	Open func(ctx context.Context, address string) (readmodel.Store, func() error, error)
	// RowsAhead says that rows may be ahead of the checkpoint that is read with them, as readmodeltest.RowsAhead does.
	RowsAhead bool
	// Kills is how many projectors are killed in CI; the default is 100.
	Kills int
}

// What a child process is told: by its environment, because it is the test's own binary.
const (
	addressVariable = "CQRSGEN_TEST_STORE"
	logVariable     = "CQRSGEN_TEST_LOG"
	killVariable    = "CQRSGEN_TEST_KILL"
)

// leaseTime is short, so that whoever comes after a projector that was killed need not wait for long.
const leaseTime = 60 * time.Millisecond

// Run runs the tests of a sink that several processes can open. It is called by a test at the top level, which does
// nothing else: children run that test again.
func Run(t *testing.T, sink Sink) {
	if address := os.Getenv(addressVariable); address != "" {
		runChild(t, sink, address)
		return
	}
	inStore := func(f func(*testing.T, readmodel.Store)) func(*testing.T) {
		return func(t *testing.T) {
			store, closeStore, err := sink.Open(t.Context(), sink.New(t))
			require.NoError(t, err)
			defer func() { assert.NoError(t, closeStore()) }()
			f(t, store)
		}
	}
	for name, f := range map[string]func(*testing.T){
		"a projector that is killed at any moment loses and repeats nothing": func(t *testing.T) { testKills(t, sink) },
		"a projector that is stopped and resumed overwrites nothing":         func(t *testing.T) { testPauses(t, sink) },
		"readers see whole generations while one is built, promoted and rolled back": inStore(
			func(t *testing.T, store readmodel.Store) { testGenerations(t, store, sink.RowsAhead) }),
		"random folds of random events give the rows that they give in memory": inStore(testFolds),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for processes most of the time
			f(t)
		})
	}
}

func newGroup(log eventlog.Log) *projection.Group {
	return projection.NewGroup(log, projection.WithLease(leaseTime), projection.WithLogger(slog.New(slog.DiscardHandler)))
}

// test is a log and a store of a test that has children.
type test struct {
	*history
	dir, address string
	store        readmodel.Store
	table        readmodel.Table
}

func newTest(t *testing.T, sink Sink) *test {
	x := &test{dir: t.TempDir(), address: sink.New(t)}
	log, err := embedded.Open(t.Context(), x.dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	x.history = &history{Log: log}
	var closeStore func() error
	x.store, closeStore, err = sink.Open(t.Context(), x.address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, closeStore()) })
	codec := firstRelease.codec()
	x.table, err = x.store.Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	return x
}

// child starts a process that projects until it is killed.
func (x *test) child(t *testing.T, kill string) *exec.Cmd {
	name, _, _ := strings.Cut(t.Name(), "/")
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$", "-test.count=1")
	c.Env = append(os.Environ(), addressVariable+"="+x.address, logVariable+"="+x.dir, killVariable+"="+kill)
	c.Stderr = os.Stderr
	c.SysProcAttr = diesWithParent()
	require.NoError(t, c.Start())
	return c
}

// runChild projects until the process is killed, which it does itself if it is told when.
func runChild(t *testing.T, sink Sink, address string) {
	log, err := embedded.Open(t.Context(), os.Getenv(logVariable))
	require.NoError(t, err)
	store, _, err := sink.Open(t.Context(), address)
	require.NoError(t, err)
	if kill := os.Getenv(killVariable); kill != "" {
		store = &deadlyStore{Store: store, plan: readPlan(kill)}
	}
	g := newGroup(log)
	p := projection.New(g, store, firstRelease.definition(), projection.CacheRows(5))
	t.Fatal(p.Run(t.Context()))
}

// plan is when a process kills itself: around a write, at a part of the time that a write takes. Before it is 0, and
// after it 1; in between lies everything from the first row to the checkpoint.
type plan struct {
	write int
	part  float64
}

func (p plan) String() string { return fmt.Sprintf("%d %g", p.write, p.part) }

func readPlan(text string) (p plan) {
	write, part, _ := strings.Cut(text, " ")
	p.write, _ = strconv.Atoi(write)
	p.part, _ = strconv.ParseFloat(part, 64)
	return p
}

// deadlyStore kills the process while it writes.
type deadlyStore struct {
	readmodel.Store
	plan plan
}

func (s *deadlyStore) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	table, err := s.Store.Table(ctx, schema)
	return &deadlyTable{Table: table, plan: s.plan}, err
}

type deadlyTable struct {
	readmodel.Table
	plan   plan
	writes int
	took   time.Duration
}

// Apply is not told apart from the store's own; how long it takes is known from the writes before.
func (d *deadlyTable) Apply(ctx context.Context, b *readmodel.Batch) error {
	d.writes++
	last := d.writes == d.plan.write
	if last && d.plan.part <= 0 {
		die()
	}
	if last && d.plan.part < 1 {
		go func() {
			time.Sleep(time.Duration(d.plan.part * float64(d.took)))
			die()
		}()
	}
	began := time.Now()
	err := d.Table.Apply(ctx, b)
	d.took = time.Since(began)
	if last {
		die()
	}
	return err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// testKills lets one process after the other project a growing log, each of which is killed while it writes, and a few
// at any moment.
func testKills(t *testing.T, sink Sink) {
	kills := sink.Kills
	if kills == 0 {
		kills = 100
	}
	kills = soak.Rounds(kills, 10*kills)
	x := newTest(t, sink)
	for range 50 {
		x.add(t)
	}
	stop := x.grow(t, 2*time.Millisecond)
	defer stop()
	var last readmodel.Checkpoint
	began := time.Now()
	for i := range kills {
		if i%10 == 9 {
			c := x.child(t, "")
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // any moment, that of starting too
			require.NoError(t, c.Process.Kill())
			_ = c.Wait()
		} else {
			// The first write stores all that the process has missed, the later ones little.
			p := plan{write: 2 + rand.IntN(3), part: float64(i%11) / 10}
			err := x.child(t, p.String()).Wait()
			var ended *exec.ExitError
			require.ErrorAs(t, err, &ended)
			require.True(t, ended.Sys().(syscall.WaitStatus).Signaled(), "the child failed by itself: %v", err)
		}
		if i%10 == 0 {
			at := x.check(t, x.table, firstRelease)
			require.GreaterOrEqual(t, at.Position, last.Position)
			last = at
		}
	}
	stop()
	t.Logf("soak: %d projectors killed in %v, %d events", kills, time.Since(began).Round(time.Millisecond), len(x.all(t)))
	x.finish(t)
}

// finish catches up, and compares.
func (x *test) finish(t *testing.T) {
	g := newGroup(x.Log)
	require.NoError(t, projection.New(g, x.store, firstRelease.definition()).CatchUp(t.Context()))
	at := x.check(t, x.table, firstRelease)
	head, err := x.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, head, at.Position)
	assert.True(t, at.Built)
}

// testPauses stops a projector with SIGSTOP while another one waits to take over, and resumes it. One that is stopped
// while it has a lock of the database keeps the other one out until it is resumed: that is the database's to bound.
func testPauses(t *testing.T, sink Sink) {
	x := newTest(t, sink)
	stop := x.grow(t, 2*time.Millisecond)
	defer stop()
	rounds, takeovers := soak.Rounds(5, 100), 0
	for range rounds {
		first := x.child(t, "")
		x.await(t, x.add(t))
		second := x.child(t, "")
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond) // any moment of its writing
		require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
		if x.reaches(x.add(t), time.Second) {
			takeovers++
		}
		require.NoError(t, first.Process.Signal(syscall.SIGCONT))
		x.await(t, x.add(t))
		x.check(t, x.table, firstRelease)
		require.NoError(t, second.Process.Kill())
		_ = second.Wait()
		x.await(t, x.add(t)) // by the first one
		require.NoError(t, first.Process.Kill())
		_ = first.Wait()
	}
	stop()
	t.Logf("soak: %d projectors stopped, %d of them replaced meanwhile", rounds, takeovers)
	x.finish(t)
}

// reaches reports whether the table reflects a position, within a time.
func (x *test) reaches(position cqrs.Position, within time.Duration) bool {
	for began := time.Now(); time.Since(began) < within; time.Sleep(5 * time.Millisecond) {
		at, err := x.table.Checkpoint(context.Background())
		if err == nil && at.Position >= position {
			return true
		}
	}
	return false
}

// await returns when the table reflects a position.
func (x *test) await(t *testing.T, position cqrs.Position) {
	require.True(t, x.reaches(position, time.Minute), "the read model does not reach position %d", position)
}
