package subscription_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// childVariable makes the test below one of the processes that are killed: it names their folder.
const childVariable = "CQRSGEN_SUBSCRIPTION_CHILD"

func TestWhoeverIsKilledBetweenHandlingAndCheckpointNoEventIsLostNorOvertaken(t *testing.T) {
	if dir := os.Getenv(childVariable); dir != "" {
		deliverUntilKilled(t, dir)
		return
	}
	seed := soak.Seed(t)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	log, err := embedded.Open(t.Context(), dir)
	require.NoError(t, err)
	defer log.Close()
	children := [2]*exec.Cmd{start(t, dir), start(t, dir)}
	defer func() {
		for _, c := range children {
			kill(t, c)
		}
	}()
	const streams = "abcde"
	total := map[string]int{}
	for range soak.Box(t, 10*time.Second, 0).Rounds(soak.Rounds(100, 3000), "kills") {
		for range 1 + r.IntN(20) {
			id := streams[r.IntN(len(streams)):][:1]
			add(t, log, noted, id)
			total[id]++
		}
		time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond) // any moment will do
		victim := r.IntN(2)
		kill(t, children[victim])
		children[victim] = start(t, dir)
	}
	for id, last := range total {
		eventually(t, "all of "+id, func() bool { return seen(t, dir, id) == last })
	}
}

// seen checks the order in which a stream was delivered, and returns how far it was.
func seen(t *testing.T, dir, id string) (last int) {
	book, err := os.ReadFile(filepath.Join(dir, "book"))
	require.NoError(t, err)
	for line := range strings.Lines(string(book)) {
		var version int
		if _, err := fmt.Sscanf(line, id+" %d\n", &version); err != nil {
			continue
		}
		require.LessOrEqual(t, version, last+1, "an event overtook another one of stream %s:\n%s", id, book)
		last = max(last, version)
	}
	return last
}

func start(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), childVariable+"="+dir)
	require.NoError(t, child.Start())
	return child
}

func kill(t *testing.T, child *exec.Cmd) {
	t.Helper()
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
}

// deliverUntilKilled writes each event into the book, one line each.
func deliverUntilKilled(t *testing.T, dir string) {
	log, err := embedded.Open(t.Context(), dir)
	require.NoError(t, err)
	book, err := os.OpenFile(filepath.Join(dir, "book"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	s := subscription.New(log, openSQLite(t, filepath.Join(dir, "subscriptions.db")), subscription.Definition{
		Name: "notes", Start: subscription.Beginning, Events: []string{noted},
		Handle: func(_ context.Context, d *subscription.Delivery) error {
			_, err := fmt.Fprintf(book, "%s %d\n", d.Record.Stream.ID, d.Record.Version)
			return err
		},
	}, subscription.Lease(300*time.Millisecond))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // its parent may be gone
	defer cancel()
	t.Error(s.Run(ctx))
}
