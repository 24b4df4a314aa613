package vfs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
)

// each runs a test on the real file system and on the one in memory.
func each(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("of the machine", func(t *testing.T) { test(t, vfs.OS, filepath.Join(t.TempDir(), "a", "b")) })
	t.Run("in memory", func(t *testing.T) { test(t, vfs.NewMemory(), "/a/b") })
	t.Run("that could fail", func(t *testing.T) { test(t, &vfs.Faulty{FS: vfs.NewMemory()}, "/a/b") })
}

func write(t *testing.T, fsys vfs.FS, name, content string) {
	t.Helper()
	file, err := fsys.Create(name)
	require.NoError(t, err)
	_, err = file.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, file.Sync())
	require.NoError(t, file.Close())
}

func read(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	file, err := fsys.Open(name)
	require.NoError(t, err)
	size, err := file.Size()
	require.NoError(t, err)
	b := make([]byte, size)
	_, err = file.ReadAt(b, 0)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return string(b)
}

func TestFilesAreWrittenRenamedListedAndRemoved(t *testing.T) {
	each(t, func(t *testing.T, fsys vfs.FS, dir string) {
		_, err := fsys.ReadDir(dir)
		require.ErrorIs(t, err, fs.ErrNotExist)
		_, err = fsys.Create(filepath.Join(dir, "x"))
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NoError(t, fsys.MkdirAll(dir))
		require.NoError(t, fsys.MkdirAll(dir), "it may be there")
		write(t, fsys, filepath.Join(dir, "x"), "one")
		write(t, fsys, filepath.Join(dir, "y"), "two")
		_, err = fsys.Create(filepath.Join(dir, "x"))
		require.ErrorIs(t, err, fs.ErrExist)
		require.NoError(t, fsys.Rename(filepath.Join(dir, "y"), filepath.Join(dir, "x")))
		require.NoError(t, fsys.SyncDir(dir))
		assert.Equal(t, "two", read(t, fsys, filepath.Join(dir, "x")))
		names, err := fsys.ReadDir(dir)
		require.NoError(t, err)
		assert.Equal(t, []string{"x"}, names)
		require.NoError(t, fsys.Remove(filepath.Join(dir, "x")))
		_, err = fsys.Open(filepath.Join(dir, "x"))
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorIs(t, fsys.Remove(filepath.Join(dir, "x")), fs.ErrNotExist)
		require.ErrorIs(t, fsys.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "z")), fs.ErrNotExist)
	})
}

func TestAFileThatIsOpenStaysReadableWhenItIsRemoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not remove files that are open")
	}
	each(t, func(t *testing.T, fsys vfs.FS, dir string) {
		require.NoError(t, fsys.MkdirAll(dir))
		write(t, fsys, filepath.Join(dir, "x"), "content")
		file, err := fsys.Open(filepath.Join(dir, "x"))
		require.NoError(t, err)
		require.NoError(t, fsys.Remove(filepath.Join(dir, "x")))
		var b [7]byte
		_, err = file.ReadAt(b[:], 0)
		require.NoError(t, err)
		assert.Equal(t, "content", string(b[:]))
		_, err = file.Write(b[:])
		require.Error(t, err, "it was opened for reading")
		require.NoError(t, file.Close())
		require.ErrorIs(t, file.Close(), fs.ErrClosed)
	})
}

func TestALockHasOneHolder(t *testing.T) {
	each(t, func(t *testing.T, fsys vfs.FS, dir string) {
		require.NoError(t, fsys.MkdirAll(dir))
		lock, err := fsys.Lock(filepath.Join(dir, "lock"))
		require.NoError(t, err)
		_, err = fsys.Lock(filepath.Join(dir, "lock"))
		require.ErrorIs(t, err, vfs.ErrLocked)
		require.NoError(t, lock.Close())
		lock, err = fsys.Lock(filepath.Join(dir, "lock"))
		require.NoError(t, err)
		require.NoError(t, lock.Close())
	})
}

// TestALossOfPowerKeepsWhatWasSyncedAndAnyPartOfTheRest looks at many losses of power: what was synced is always there,
// and everything else is there sometimes, and sometimes in part.
func TestALossOfPowerKeepsWhatWasSyncedAndAnyPartOfTheRest(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(500) {
		m := vfs.NewMemory()
		write(t, m, "synced", "content")
		require.NoError(t, m.SyncDir("."))
		write(t, m, "unnamed", "content")
		require.NoError(t, m.Rename("synced", "renamed"))
		open, err := m.Create("open")
		require.NoError(t, err)
		require.NoError(t, m.SyncDir("."))
		require.NoError(t, m.Rename("renamed", "again"))
		_, err = open.Write(bytes.Repeat([]byte("x"), 2000))
		require.NoError(t, err)
		write(t, m, "late", "content")

		m.Crash(seed)
		_, err = open.Write(nil)
		require.Error(t, err, "what was open is of no use")
		content, ok := m.Bytes("unnamed")
		require.True(t, ok)
		require.Equal(t, "content", string(content))
		_, before := m.Bytes("renamed")
		_, after := m.Bytes("again")
		require.NotEqual(t, before, after, "a rename happens as a whole")
		_, late := m.Bytes("late")
		partly, ok := m.Bytes("open")
		require.True(t, ok)
		for what, is := range map[string]bool{
			"renamed": after, "not renamed": before, "late file": late, "no late file": !late,
			"nothing": len(partly) == 0, "all": len(partly) == 2000 && !bytes.Contains(partly, []byte{0}),
			"a part": len(partly) > 0 && len(partly) < 2000, "zeros": bytes.Contains(partly, []byte{0}),
		} {
			if is {
				outcomes[what]++
			}
		}
	}
	assert.Len(t, outcomes, 8)
	t.Log(outcomes)
}

func TestALossOfPowerGivesLocksBack(t *testing.T) {
	m := vfs.NewMemory()
	lost, err := m.Lock("lock")
	require.NoError(t, err)
	m.Crash(1)
	lock, err := m.Lock("lock")
	require.NoError(t, err)
	require.NoError(t, lost.Close())
	_, err = m.Lock("lock")
	require.ErrorIs(t, err, vfs.ErrLocked, "a lock from before does not give back a later one")
	require.NoError(t, lock.Close())
}

func TestTheChosenOperationFails(t *testing.T) {
	for nth := 1; ; nth++ {
		f := vfs.FailAt(vfs.NewMemory(), nth)
		err := func() error {
			file, err := f.Create("x")
			if err != nil {
				return err
			}
			_, written := file.Write([]byte("content"))
			return errors.Join(written, file.Sync(), file.Close(), f.Rename("x", "y"), f.SyncDir("."))
		}()
		if f.Operations() < nth {
			require.NoError(t, err)
			assert.Equal(t, 7, nth)
			return
		}
		require.ErrorIs(t, err, vfs.ErrInjected)
	}
}

func TestAFullDiskTakesAPart(t *testing.T) {
	room := int64(10)
	m := vfs.NewMemory()
	f := &vfs.Faulty{FS: m, Room: &room}
	file, err := f.Create("x")
	require.NoError(t, err)
	_, err = file.Write([]byte("0123456"))
	require.NoError(t, err)
	n, err := file.Write([]byte("0123456"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.True(t, vfs.IsFull(err))
	assert.Equal(t, 3, n)
	content, _ := m.Bytes("x")
	assert.Equal(t, "0123456012", string(content))
}
