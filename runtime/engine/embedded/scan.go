package embedded

import (
	"context"
	"runtime"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// scan yields what r selects, reading several windows of positions at once while the caller is at an earlier one.
// Positions have no gaps, so that the log can be cut into windows beforehand; reading rows costs several times what
// folding them does, and would otherwise bound a replay to one core.
func (l *Log) scan(ctx context.Context, r logReader, yield func(*cqrs.Record, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	ahead := min(runtime.GOMAXPROCS(0), maxReaders/2, 4)
	running := make([]*window, 0, ahead)
	defer func() {
		cancel()
		for _, w := range running {
			<-w.done
		}
	}()
	spare := &window{}
	for {
		for len(running) < ahead && r.after < r.through {
			running = append(running, l.startWindow(ctx, &r, spare))
			spare = &window{}
		}
		if len(running) == 0 {
			return
		}
		w := running[0]
		<-w.done
		running = append(running[:0], running[1:]...)
		if !l.yieldWindow(ctx, w, yield) {
			return
		}
		spare = w
	}
}

// window is a run of positions that is read by a goroutine of its own.
type window struct {
	reader logReader
	chunk  chunk
	done   chan struct{}
}

// startWindow cuts the next window off r and starts to read it.
func (l *Log) startWindow(ctx context.Context, r *logReader, w *window) *window {
	w.reader = *r
	w.reader.through = min(r.through, r.after+chunkRecords)
	r.after = w.reader.through
	w.done = make(chan struct{})
	go func() {
		defer close(w.done)
		l.fetch(ctx, w.reader.fetch, &w.chunk)
	}()
	return w
}

// yieldWindow yields all of a window: large events fill its chunk more than once.
func (l *Log) yieldWindow(ctx context.Context, w *window, yield func(*cqrs.Record, error) bool) bool {
	for {
		failed := w.chunk.err != nil
		if !w.chunk.yield(yield) || failed {
			return false
		}
		if !w.chunk.more || w.reader.after >= w.reader.through {
			return true
		}
		l.fetch(ctx, w.reader.fetch, &w.chunk)
	}
}
