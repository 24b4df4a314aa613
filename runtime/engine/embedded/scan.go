package embedded

import (
	"context"
	"runtime"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// scan yields what r selects, reading several windows of positions at once while the caller is at an earlier one.
// Positions have no gaps, so that the log can be cut into windows beforehand; reading rows costs several times what
// folding them does, and would otherwise bound a replay to one core.
func (l *Log) scan(ctx context.Context, r logReader, to *reading) {
	ahead, cancel := context.WithCancel(ctx)
	width := min(runtime.GOMAXPROCS(0), maxAhead)
	running := make([]*window, 0, width)
	defer func() {
		cancel()
		for _, w := range running {
			<-w.done
		}
	}()
	spare := &window{}
	for {
		for len(running) < width && r.after < r.through {
			running = append(running, l.startWindow(ahead, &r, spare))
			spare = &window{}
		}
		if len(running) == 0 {
			return
		}
		w := running[0]
		<-w.done
		running = append(running[:0], running[1:]...)
		if !l.yieldWindow(ctx, w, to) {
			return
		}
		spare = w
	}
}

// maxAhead is how many windows are read at once.
const maxAhead = min(maxReaders/2, 4)

// window is a run of positions that is read by a goroutine of its own.
type window struct {
	reader logReader
	chunk  chunk
	done   chan struct{}
}

// startWindow cuts the next window off r and starts to read it.
func (l *Log) startWindow(ctx context.Context, r *logReader, w *window) *window {
	w.reader = *r
	w.reader.through = min(r.through, r.after+cqrs.Position(l.bounds.records))
	r.after = w.reader.through
	w.done = make(chan struct{})
	go func() {
		defer close(w.done)
		l.fetch(ctx, w.reader.fetch, &w.chunk)
	}()
	return w
}

// yieldWindow yields all of a window: large events fill its chunk more than once.
func (l *Log) yieldWindow(ctx context.Context, w *window, to *reading) bool {
	for {
		if !to.hand(ctx, &w.chunk) {
			return false
		}
		if !w.chunk.more || w.reader.after >= w.reader.through {
			return true
		}
		l.fetch(ctx, w.reader.fetch, &w.chunk)
	}
}
