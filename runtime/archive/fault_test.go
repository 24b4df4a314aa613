package archive

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// failEach calls f with a file system of which each operation fails in turn, until one time none does.
func failEach(t *testing.T, fsys func() vfs.FS, f func(t *testing.T, faulty *vfs.Faulty)) {
	t.Helper()
	for nth := 1; ; nth++ {
		faulty := vfs.FailAt(fsys(), nth)
		if f(t, faulty); t.Failed() {
			t.Fatalf("with a failure of operation %d", nth)
		}
		if faulty.Operations() < nth {
			t.Logf("%d operations", nth-1)
			return
		}
	}
}

func TestAnExportReportsTheFailureOfAnyOperation(t *testing.T) {
	ctx := context.Background()
	log := filled(t, 4, 60)
	var m *vfs.Memory
	failEach(t, func() vfs.FS { m = vfs.NewMemory(); return m }, func(t *testing.T, faulty *vfs.Faulty) {
		nth := faulty.Operations()
		_, err := export(ctx, small(faulty), log, "log.archive", Range{}, nil)
		if err == nil {
			_, err = verify(ctx, small(m), "log.archive", log, nil)
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, vfs.ErrInjected, nth)
		names, err := m.ReadDir(".")
		require.NoError(t, err)
		require.Empty(t, names, "what failed leaves nothing behind")
		_, err = export(ctx, small(m), log, "log.archive", Range{}, nil)
		require.NoError(t, err, "and can be done again")
	})
}

func TestReadingAnArchiveReportsTheFailureOfAnyOperation(t *testing.T) {
	ctx := context.Background()
	log := filled(t, 5, 60)
	m := vfs.NewMemory()
	_, err := export(ctx, small(m), log, "log.archive", Range{}, nil)
	require.NoError(t, err)
	for name, use := range map[string]func(storage) error{
		"check":  func(s storage) error { _, err := check(ctx, s, "log.archive", nil); return err },
		"verify": func(s storage) error { _, err := verify(ctx, s, "log.archive", log, nil); return err },
		"import": func(s storage) error {
			into := memory.New()
			_, err := importFile(ctx, s, "log.archive", into, nil)
			if err != nil {
				_, again := importFile(ctx, small(m), "log.archive", into, nil)
				require.NoError(t, again, "an import that failed goes on")
			}
			require.Equal(t, contentOf(t, log), contentOf(t, into))
			return err
		},
	} {
		failEach(t, func() vfs.FS { return m }, func(t *testing.T, faulty *vfs.Faulty) {
			failing := faulty.Operations()
			if err := use(small(faulty)); err != nil {
				require.ErrorIs(t, err, vfs.ErrInjected, "%s, operation %d", name, failing)
			}
		})
	}
}

// TestTheReplayArchiveNeedsNoOperationToSucceed makes each operation fail in turn while an archive is opened, extended,
// merged and read: what is read is always what the log holds.
func TestTheReplayArchiveNeedsNoOperationToSucceed(t *testing.T) {
	ctx := context.Background()
	var m *vfs.Memory
	failEach(t, func() vfs.FS { m = vfs.NewMemory(); return m }, func(t *testing.T, faulty *vfs.Faulty) {
		log, fill := memory.New(), newFiller(6, 5)
		a, err := with(ctx, small(faulty), log, "/archive")
		if err != nil {
			require.ErrorIs(t, err, vfs.ErrInjected)
			a, err = with(ctx, small(faulty), log, "/archive")
			require.NoError(t, err)
		}
		a.full = 8 << 10
		for range 4 {
			fill.fill(t, log, 5)
			if err := a.Seal(ctx); err != nil {
				require.ErrorIs(t, err, vfs.ErrInjected)
			}
			requireSame(t, log, a)
		}
		require.NoError(t, a.Seal(ctx))
		head, _ := log.Head(ctx)
		require.Equal(t, head, a.Status().Through)
		if err := a.Close(); err != nil {
			require.ErrorIs(t, err, vfs.ErrInjected)
		}
		b, err := with(ctx, small(m), log, "/archive")
		require.NoError(t, err)
		require.NoError(t, b.Seal(ctx))
		requireSame(t, log, b)
		requireTidy(t, m, b)
	})
}

func TestAFullDiskIsSaidAndLeavesNothing(t *testing.T) {
	ctx := context.Background()
	log := filled(t, 7, 40)
	step := int64(1)
	if !soak.Full() {
		step = 29
	}
	size := func() int64 {
		s, err := export(ctx, small(vfs.NewMemory()), log, "log.archive", Range{}, nil)
		require.NoError(t, err)
		return s.Bytes
	}()
	for room := int64(0); room < size; room += step {
		m, left := vfs.NewMemory(), room
		_, err := export(ctx, small(&vfs.Faulty{FS: m, Room: &left}), log, "log.archive", Range{}, nil)
		require.ErrorIs(t, err, eventlog.ErrFull)
		names, err := m.ReadDir(".")
		require.NoError(t, err)
		require.Empty(t, names)
	}
	for room := int64(0); room < size; room += 3 * step {
		m, left := vfs.NewMemory(), room
		faulty := &vfs.Faulty{FS: m, Room: &left}
		a, err := with(ctx, small(faulty), log, "archive")
		require.NoError(t, err)
		require.ErrorIs(t, a.Seal(ctx), eventlog.ErrFull)
		requireSame(t, log, a)
		left = 1 << 20
		require.NoError(t, a.Seal(ctx), "there is room again")
		requireTidy(t, m, a)
	}
}

// tmpfs mounts a file system of so many bytes, or skips the test.
func tmpfs(t *testing.T, bytes string) string {
	dir := t.TempDir()
	if err := mount(dir, bytes); err != nil {
		t.Skipf("a full disk needs the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unmount(dir)) })
	return dir
}

func TestARealDiskThatIsFullIsSaidAndLeavesNothing(t *testing.T) {
	ctx := context.Background()
	log := filled(t, 8, 3000)
	dir := tmpfs(t, "64k")
	_, err := Export(ctx, log, filepath.Join(dir, "log.archive"), Range{}, nil)
	require.ErrorIs(t, err, eventlog.ErrFull)
	require.ErrorIs(t, err, syscall.ENOSPC)
	names, err := vfs.OS.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, names)
	a, err := With(ctx, log, filepath.Join(dir, "archive"))
	require.NoError(t, err)
	require.ErrorIs(t, a.Seal(ctx), eventlog.ErrFull)
	requireSame(t, log, a)
	require.NoError(t, a.Close())
}

func TestAFileIsNotReplacedByAnExport(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "log.archive")
	_, err := Export(ctx, filled(t, 9, 10), path, Range{}, nil)
	require.NoError(t, err)
	_, err = Export(ctx, filled(t, 10, 10), path, Range{}, nil)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = Verify(ctx, path, filled(t, 10, 10), nil)
	var differs *DifferenceError
	require.ErrorAs(t, err, &differs)
}

// stopping is a log whose reading fails after some records.
type stopping struct {
	*memory.Log
	after int
}

var errStopped = errors.New("the log's server went away")

func (s *stopping) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		for r, err := range s.Log.Read(ctx, q) {
			if s.after--; s.after < 0 {
				yield(nil, &eventlog.ReadError{Position: r.Position - 1, Err: errStopped})
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestAnExportOfALogThatFailsLeavesNothing(t *testing.T) {
	ctx := context.Background()
	m := vfs.NewMemory()
	for after := range 40 {
		log := &stopping{filled(t, 11, 60), after}
		_, err := export(ctx, small(m), log, "log.archive", Range{}, nil)
		require.ErrorIs(t, err, errStopped)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := export(ended, small(m), filled(t, 11, 60), "log.archive", Range{}, nil)
	require.ErrorIs(t, err, context.Canceled)
	names, err := m.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, strings.Join(names, " "))
}
