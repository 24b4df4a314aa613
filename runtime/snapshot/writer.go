package snapshot

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Writer writes snapshots in the background, so that no command waits for one. All methods are safe for concurrent
// use.
type Writer struct {
	store  Store
	logger *slog.Logger

	queue  chan job
	done   chan struct{}
	mu     sync.RWMutex // held for reading while the queue is sent to, so that Close can close it
	closed bool

	written, failed, dropped atomic.Int64
}

type job struct {
	stream cqrs.StreamID
	sealed []byte
}

// queued bounds the snapshots that wait to be written; what comes on top is dropped: the stream
// gets its next one when the policy says so again.
const queued = 256

// NewWriter starts a writer. Close stops it.
func NewWriter(store Store, logger *slog.Logger) *Writer {
	w := &Writer{store: store, logger: logger, queue: make(chan job, queued), done: make(chan struct{})}
	go w.run()
	return w
}

// Write hands a sealed snapshot over, and never blocks.
func (w *Writer) Write(stream cqrs.StreamID, sealed []byte) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		w.dropped.Add(1)
		return
	}
	select {
	case w.queue <- job{stream, sealed}:
	default:
		w.dropped.Add(1)
	}
}

// Refused counts and logs a snapshot that could not even be encoded.
func (w *Writer) Refused(stream cqrs.StreamID, err error) {
	w.failed.Add(1)
	w.logger.Warn("state can't be encoded for a snapshot", "stream", stream.String(), "error", err)
}

// Stats says how many snapshots were written, could not be written, and were dropped because too many waited.
func (w *Writer) Stats() (written, failed, dropped int64) {
	return w.written.Load(), w.failed.Load(), w.dropped.Load()
}

// Close writes what waits and stops the writer. It may be called more than once.
func (w *Writer) Close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
}

func (w *Writer) run() {
	defer close(w.done)
	for j := range w.queue {
		if err := w.store.SaveSnapshot(context.Background(), j.stream, j.sealed); err != nil {
			w.failed.Add(1)
			w.logger.Warn("snapshot was not written", "stream", j.stream.String(), "error", err)
			continue
		}
		w.written.Add(1)
	}
}
