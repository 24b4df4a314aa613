package embedded

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAFullDiskRefusesCleanlyAndWorksAgainLater(t *testing.T) {
	random := soak.Rand(t)
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

// mountImage mounts a new file system of 16 MiB in a file of its own, on a disk that has room for the first size of it
// alone: writing works until the system carries what was written to the disk.
func mountImage(t *testing.T, size string) string {
	t.Helper()
	disk, mounted := t.TempDir(), t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	image := filepath.Join(disk, "image")
	for _, args := range [][]string{
		{"truncate", "-s", "16M", image},
		{"mkfs.ext4", "-q", "-F", "-E", "nodiscard", image},
		{"mount", "-o", "loop", image, mounted},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("a file system in a file can't be mounted here: %s: %v: %s", args[0], err, out)
		}
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(mounted, unix.MNT_DETACH)) })
	return mounted
}

func TestAfterAFailedSyncTheLogStaysFailedUntilItIsReopened(t *testing.T) {
	random := soak.Rand(t)
	dir := filepath.Join(mountImage(t, "6m"), "log")
	l, err := Open(t.Context(), dir)
	require.NoError(t, err)
	acknowledged, unknown := make(map[cqrs.CommitID]bool), make(map[cqrs.CommitID]bool)
	var failed *eventlog.FailedError
	for failed == nil {
		c := randomCommit(random)
		_, err := l.Append(t.Context(), c)
		if err == nil {
			acknowledged[c.ID] = true
			continue
		}
		require.ErrorAs(t, err, &failed)
		unknown[c.ID] = true
	}
	require.ErrorContains(t, failed, "disk I/O error")
	for range 3 {
		c := randomCommit(random)
		_, err := l.Append(t.Context(), c)
		require.ErrorAs(t, err, &failed)
		var outcome *eventlog.UnknownOutcomeError
		require.False(t, errors.As(err, &outcome), "it was not handed to the disk")
	}
	require.ErrorAs(t, l.SaveSnapshot(t.Context(), contended, []byte("x")), &failed)
	_ = l.Close()

	// The system still has in memory what it could not carry to the disk: whoever opens the log sees no less than what was
	// acknowledged, and no half of a commit.
	l, err = Open(t.Context(), dir)
	if err != nil {
		t.Logf("the log can't be opened on the failed disk: %v", err)
		return
	}
	stored := requireSound(t, l)
	for id := range acknowledged {
		require.NotZero(t, stored[id], "commit %x was acknowledged and is not there", id)
	}
	for id := range stored {
		require.True(t, acknowledged[id] || unknown[id], "commit %x was refused and is there", id)
	}
	_ = l.Close()
}

func TestWhereNothingCanBeWrittenTheLogIsRefused(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("a small file system can't be mounted here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	l, err := Open(t.Context(), disk)
	require.NoError(t, err)
	_, err = l.Append(t.Context(), oneEvent(contended, eventlog.New))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	_, err = Open(t.Context(), disk)
	require.ErrorIs(t, err, unix.EROFS)
	assert.ErrorContains(t, err, disk)
}
