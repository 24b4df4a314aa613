package readmodel

import (
	"context"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Freshness says what an answer reflects: every event up to Position that its projection handles, and none behind.
type Freshness struct {
	// Position is 0 if the projection never started, or the log is empty.
	Position cqrs.Position `json:"position"`
	// Head is the position of the last event of the log when the query began, or Position if that is later.
	Head cqrs.Position `json:"head"`
	// Behind is how long the oldest event that is not reflected has been in the log, by its own time; 0 if there is none.
	// While a read model follows the log closely it may be too long, but never by more than a tenth of a second. In JSON
	// it is in nanoseconds.
	Behind time.Duration `json:"behind"`
	// Generation is the fingerprint of the generation that answered, Built whether that has once been at the log's head.
	Generation string `json:"generation"`
	Built      bool   `json:"built"`
}

// Current reports whether the answer reflects every event that the log held when the query began. The answer of a
// projection that never started is never current, not even over an empty log.
func (f Freshness) Current() bool { return (f.Position > 0 || f.Built) && f.Position >= f.Head }

// lag finds out how long events wait to be reflected, without reading the log for each query.
type lag struct {
	mu sync.Mutex
	// The first event behind after is next, of the time at. All that is known since looked, when the log's head was head.
	after, next, head cqrs.Position
	at, looked        time.Time
}

// closely is for how long one look at the log is good enough where the read model has passed what was seen in it.
const closely = 100 * time.Millisecond

// behind returns how long the oldest event that is not reflected waits. f is an answer's freshness, and the log had the
// head that it says after began.
func (l *lag) behind(ctx context.Context, log eventlog.Log, f Freshness, began time.Time) (time.Duration, error) {
	if f.Position >= f.Head {
		return 0, nil
	}
	if d, ok := l.known(f.Position); ok {
		return d, nil
	}
	for rec, err := range log.Read(ctx, eventlog.Query{After: f.Position, Through: f.Head}) {
		if err != nil {
			return 0, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.after, l.next, l.at = f.Position, rec.Position, rec.Time
		l.looked, l.head = began, f.Head
		return max(0, time.Since(l.at)), nil
	}
	return 0, nil
}

func (l *lag) known(position cqrs.Position) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looked.IsZero() {
		return 0, false
	}
	if position >= l.after && position < l.next {
		return max(0, time.Since(l.at)), true
	}
	// Whatever lies behind the head of that time was appended since.
	since := time.Since(l.looked)
	return since, position >= l.head && since < closely
}
