package archive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/vfs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// Store is what every engine is: a log that can be carried elsewhere, and a store of snapshots.
type Store interface {
	eventlog.Transfer
	snapshot.Store
}

// Log is a log with a replay archive in front: Read serves what the archive holds from local files, and goes on with
// the log behind it. Everything else goes to the log. It is safe for concurrent use.
//
// The archive grows by Seal, which Run calls in the background. It holds nothing that the log does not hold, so that
// its directory may be removed at any time while no program uses it.
type Log struct {
	Store
	fs     storage
	dir    string
	logger *slog.Logger
	every  time.Duration
	full   int64
	// most bounds how many streams have numbers.
	most int

	// sealing is held by whoever changes the directory; life ends with Close, and whatever is being sealed with it.
	sealing sync.Mutex
	life    context.Context
	stop    context.CancelFunc

	mu sync.Mutex
	// lock is the lock of the directory, nil while another process has it.
	lock io.Closer
	// segments follow each other from the beginning of the log. A slice of them never changes.
	segments []*segment
	// names are those of the streams that have numbers, by number; renumbered says that some number stood for another
	// stream, or may have, since the log was opened.
	names      []string
	renumbered bool
	// refused says when a file was found to be wrong. A program that does not keep the archive does not look at it again
	// for a while.
	refused map[string]time.Time
	// looked is when the directory was read last.
	looked time.Time
	closed bool
}

// Option is an option of With.
type Option func(*Log)

// WithLogger makes the archive log what needs attention: that a part of it was wrong and is made anew. It is silent by
// default.
func WithLogger(l *slog.Logger) Option { return func(a *Log) { a.logger = l } }

// Every sets how long Run waits after it sealed before it seals again, 1 minute by default. What was appended since
// then is read from the log.
func Every(d time.Duration) Option { return func(a *Log) { a.every = d } }

const (
	lockName = "archive.lock"
	// fullSegment is the size, before compression, from which a segment is not merged with others any more.
	fullSegment = 64 << 20
)

// With puts the replay archive in dir, which is made if needed, in front of a log. The archive is empty at first: Run
// or Seal fills it. The log is neither closed by Close nor changed by anything that is done for the archive.
//
// Of several programs on one directory the first one keeps the archive; the others read it, and one of them takes over
// when the first one ends. The directory must not be on a network file system.
//
// What is in dir and is no archive of this log is logged and dropped, whatever it is. An error means that dir can't be
// used, or that the log can't be read.
func With(ctx context.Context, store Store, dir string, opts ...Option) (*Log, error) {
	return with(ctx, disk, store, dir, opts...)
}

func with(ctx context.Context, fsys storage, store Store, dir string, opts ...Option) (*Log, error) {
	l := &Log{
		Store: store, fs: fsys, dir: dir, logger: slog.New(slog.DiscardHandler),
		every: time.Minute, full: fullSegment, most: maxNumbered, refused: map[string]time.Time{},
	}
	l.life, l.stop = context.WithCancel(context.Background())
	for _, o := range opts {
		o(l)
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, explain(err)
	}
	if err := l.takeOver(); err != nil {
		return nil, err
	}
	if _, err := l.verified(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.renumbered = false // nobody has seen a number yet
	return l, nil
}

// takeOver takes the directory's lock if nobody has it, and reads what is there.
func (l *Log) takeOver() error {
	l.sealing.Lock()
	defer l.sealing.Unlock()
	if l.life.Err() != nil {
		return cqrs.ErrClosed
	}
	if l.keeps() {
		return nil
	}
	lock, err := l.fs.Lock(filepath.Join(l.dir, lockName))
	if err != nil && !errors.Is(err, vfs.ErrLocked) {
		return err
	}
	l.mu.Lock()
	l.lock = lock
	l.mu.Unlock()
	l.reload()
	return nil
}

// keeps reports whether this program is the one that may change the directory.
func (l *Log) keeps() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lock != nil
}

// Close stops a Seal that is under way, and gives the directory to whoever else uses it. Iterations that have begun go
// on; the log stays open. Closing twice is harmless.
func (l *Log) Close() error {
	l.stop()
	l.sealing.Lock()
	defer l.sealing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	lock := l.lock
	l.lock, l.closed, l.segments, l.names = nil, true, nil, nil
	if lock == nil {
		return nil
	}
	return lock.Close()
}

// Status is what an archive holds.
type Status struct {
	// Through is the position of the last event in the archive.
	Through cqrs.Position
	// Events and Bytes are totals of all files.
	Events, Bytes int64
	// Files is how many files there are.
	Files int
	// Keeper says that this program is the one that keeps the archive up to date.
	Keeper bool
}

// Status returns what the archive holds.
func (l *Log) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Files: len(l.segments), Keeper: l.lock != nil}
	for _, g := range l.segments {
		s.Through = g.trailer.last
		s.Events += g.trailer.events
		s.Bytes += g.size
	}
	return s
}

// Unwrap returns the log behind the archive.
func (l *Log) Unwrap() eventlog.Log { return l.Store }
