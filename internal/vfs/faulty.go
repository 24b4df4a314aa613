package vfs

import (
	"errors"
	"io"
	"sync"
	"syscall"
)

// Faulty is a file system whose operations fail when Before says so, or once Room is used up. It is safe for concurrent
// use.
type Faulty struct {
	FS
	// Before, unless nil, is called before each operation, with its number from 1 and its name: create, open, rename,
	// remove, mkdir, readdir, syncdir, lock, write, read, sync, size, close, unlock. If it returns an error the operation
	// does not happen and fails with that error, but that a file or a lock is closed all the same, and that half of what
	// was to be written is.
	Before func(n int, op, name string) error
	// Room, unless nil, is how many more bytes can be written. What goes beyond fails with syscall.ENOSPC.
	Room *int64

	mu sync.Mutex
	n  int
}

// ErrInjected is what FailAt makes operations fail with.
var ErrInjected = errors.New("injected failure")

// FailAt makes the nth operation of a file system fail.
func FailAt(fsys FS, nth int) *Faulty {
	return &Faulty{FS: fsys, Before: func(n int, _, _ string) error {
		if n == nth {
			return ErrInjected
		}
		return nil
	}}
}

// StopAt makes the nth operation of a file system, and all that follow, fail: the process has no power any more.
func StopAt(fsys FS, nth int) *Faulty {
	return &Faulty{FS: fsys, Before: func(n int, _, _ string) error {
		if n >= nth {
			return errPower
		}
		return nil
	}}
}

// Operations returns how many operations there were.
func (f *Faulty) Operations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *Faulty) before(op, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.Before == nil {
		return nil
	}
	if err := f.Before(f.n, op, name); err != nil {
		return failure(op, name, err)
	}
	return nil
}

// take returns how many of n bytes there is room for.
func (f *Faulty) take(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Room == nil {
		return n
	}
	n = int(min(int64(n), max(0, *f.Room)))
	*f.Room -= int64(n)
	return n
}

// Create implements FS.
func (f *Faulty) Create(name string) (File, error) { return f.open("create", name, f.FS.Create) }

// Open implements FS.
func (f *Faulty) Open(name string) (File, error) { return f.open("open", name, f.FS.Open) }

func (f *Faulty) open(op, name string, open func(string) (File, error)) (File, error) {
	if err := f.before(op, name); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: file, fs: f, name: name}, nil
}

// Rename implements FS.
func (f *Faulty) Rename(from, to string) error {
	if err := f.before("rename", from); err != nil {
		return err
	}
	return f.FS.Rename(from, to)
}

// Remove implements FS.
func (f *Faulty) Remove(name string) error {
	if err := f.before("remove", name); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

// MkdirAll implements FS.
func (f *Faulty) MkdirAll(dir string) error {
	if err := f.before("mkdir", dir); err != nil {
		return err
	}
	return f.FS.MkdirAll(dir)
}

// ReadDir implements FS.
func (f *Faulty) ReadDir(dir string) ([]string, error) {
	if err := f.before("readdir", dir); err != nil {
		return nil, err
	}
	return f.FS.ReadDir(dir)
}

// SyncDir implements FS.
func (f *Faulty) SyncDir(dir string) error {
	if err := f.before("syncdir", dir); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

// Lock implements FS.
func (f *Faulty) Lock(name string) (io.Closer, error) {
	if err := f.before("lock", name); err != nil {
		return nil, err
	}
	lock, err := f.FS.Lock(name)
	if err != nil {
		return nil, err
	}
	return closer(func() error { return errors.Join(f.before("unlock", name), lock.Close()) }), nil
}

type closer func() error

func (c closer) Close() error { return c() }

type faultyFile struct {
	File
	fs   *Faulty
	name string
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.fs.before("write", f.name); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, err
	}
	room := f.fs.take(len(b))
	n, err := f.File.Write(b[:room])
	if err == nil && room < len(b) {
		err = failure("write", f.name, syscall.ENOSPC)
	}
	return n, err
}

func (f *faultyFile) ReadAt(b []byte, off int64) (int, error) {
	if err := f.fs.before("read", f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.before("sync", f.name); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) Size() (int64, error) {
	if err := f.fs.before("size", f.name); err != nil {
		return 0, err
	}
	return f.File.Size()
}

func (f *faultyFile) Close() error { return errors.Join(f.fs.before("close", f.name), f.File.Close()) }
