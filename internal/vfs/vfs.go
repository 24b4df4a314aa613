// Package vfs is the small part of a file system that packages need which write files of their own, so that tests can
// put one in its place that loses power or fails. OS is the real one; Memory is one whose power can be cut; Faulty
// makes operations of another one fail.
//
// The method, a crashable file system in memory and errors at chosen operations, is that of Pebble's packages vfs and
// errorfs.
package vfs

import (
	"errors"
	"io"
)

// FS is a file system. All methods are safe for concurrent use. Errors are *fs.PathError or *os.LinkError and can be
// told apart with errors.Is: fs.ErrExist, fs.ErrNotExist, and what IsFull recognises.
type FS interface {
	// Create makes a new file and opens it. It fails with fs.ErrExist if there is one of that name.
	Create(name string) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Rename gives a file another name, which may be that of a file that is thereby replaced. It is durable only when
	// the directory was synced; until then a loss of power leaves it either done or not done at all.
	Rename(from, to string) error
	// Remove removes a file. Files that are open stay readable where the system allows that.
	Remove(name string) error
	// MkdirAll makes a directory, and those above it, with durable names. It is no error if they are there.
	MkdirAll(dir string) error
	// ReadDir returns the names of the files in a directory, sorted.
	ReadDir(dir string) ([]string, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes the lock that a file stands for, and makes the file if needed. It does not wait: if somebody else has
	// the lock, in this process or another one, the error is ErrLocked. Closing gives the lock back, and so does the end
	// of the process. The file stays.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	// Write appends to a file that was created, and fails for one that was opened.
	io.Writer
	io.ReaderAt
	io.Closer
	// Sync makes durable what was written, but not the file's name. After it failed, nobody knows what of the file is
	// stored, whatever a later call says: remove it.
	Sync() error
	Size() (int64, error)
}

// ErrLocked says that somebody else has the lock.
var ErrLocked = errors.New("locked by somebody else")
