package embedded

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAFullDiskRefusesCleanlyAndWorksAgainLater(t *testing.T) {
	random := rand.New(rand.NewPCG(newSeed(t), 0))
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	ballast := filepath.Join(disk, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 2<<20), 0o600))
	dir := filepath.Join(disk, "log")
	l := open(t, dir)
	acknowledged := fillUp(t, l, random)
	requireExactly(t, l, acknowledged)
	assert.NotEmpty(t, acknowledged)

	require.NoError(t, os.Remove(ballast))
	for range 50 {
		c := randomCommit(random)
		_, err := l.Append(t.Context(), c)
		require.NoError(t, err)
		acknowledged[c.ID] = true
	}
	requireExactly(t, l, acknowledged)
	require.NoError(t, l.Close())
	requireExactly(t, open(t, dir), acknowledged)
}

func init() { children["limit"] = childLimit }

// childLimit appends until a write fails with an error that is not a full disk: the kernel refuses to let the file
// grow beyond a limit. It then lifts the limit, and checks that the log stays failed.
func childLimit(args []string) error {
	l, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		if err := appendAndPrint(l, random); err != nil {
			return err
		}
	}
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: old.Max}); err != nil {
		return err
	}
	for err == nil {
		err = appendAndPrint(l, random)
	}
	var failed *eventlog.FailedError
	if !errors.As(err, &failed) {
		return fmt.Errorf("the error is not a *FailedError: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := appendAndPrint(l, random); !errors.As(err, &failed) {
		return fmt.Errorf("a failed log appends again: %v", err)
	}
	if err := l.SaveSnapshot(context.Background(), contended, []byte("x")); !errors.As(err, &failed) {
		return fmt.Errorf("a failed log saves snapshots: %v", err)
	}
	if _, err := l.Head(context.Background()); err != nil {
		return fmt.Errorf("a failed log can still be read: %w", err)
	}
	return l.Close()
}

func appendAndPrint(l *Log, random *rand.Rand) error {
	c := randomCommit(random)
	if _, err := l.Append(context.Background(), c); err != nil {
		return err
	}
	_, err := fmt.Printf("%x\n", c.ID)
	return err
}

func TestAfterAFailedWriteTheLogStaysFailedUntilItIsReopened(t *testing.T) {
	dir := t.TempDir()
	cmd, out := startChild(t, "limit", dir)
	text, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	l := open(t, dir)
	stored := requireSound(t, l)
	lines := strings.Fields(string(text))
	require.GreaterOrEqual(t, len(lines), 10)
	for _, line := range lines {
		var id cqrs.CommitID
		_, err := hex.Decode(id[:], []byte(line))
		require.NoError(t, err)
		require.NotZero(t, stored[id], "commit %x was acknowledged and is not there", id)
	}
	_, err = l.Append(t.Context(), oneEvent(contended, eventlog.New))
	require.NoError(t, err)
}
