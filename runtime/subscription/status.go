package subscription

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Phase is what a subscription is doing.
type Phase string

// The phases.
const (
	// Idle: it does not run, or no longer.
	Idle Phase = "idle"
	// Waiting: another process works on it, or the log or the store is away.
	Waiting Phase = "waiting"
	// CatchingUp: there are events that it has not read.
	CatchingUp Phase = "catching up"
	// Live: it follows the log.
	Live Phase = "live"
	// Stopped: it failed.
	Stopped Phase = "stopped"
)

// Status says how far a subscription is.
type Status struct {
	Subscription string `json:"subscription"`
	Phase        Phase  `json:"phase"`
	// Position is that of the stored checkpoint, Head that of the log when it was looked at last.
	Position cqrs.Position `json:"position"`
	Head     cqrs.Position `json:"head"`
	// Handled is the number of events that were handled in this run, Rate that per second over the last seconds.
	Handled int64   `json:"handled"`
	Rate    float64 `json:"rate"`
	// Lag is the number of events that are known to be in the log and not handled yet, those of parked streams left out,
	// and Behind how long the first of them has been there.
	Lag    int64         `json:"lag"`
	Behind time.Duration `json:"behind"`
	// Parked is the number of parked streams, Retrying that of streams whose event failed and is tried again.
	Parked   int `json:"parked"`
	Retrying int `json:"retrying"`
	// Error is what failed last: what stopped it, or what it waits for, or the last failure of a handler.
	Error string `json:"error,omitempty"`
	// Holder names the process that works on it.
	Holder string `json:"holder,omitempty"`
}

// window is the time over which the rate is measured, at least; at most it is twice that long.
const window = 2 * time.Second

type sample struct {
	at      time.Time
	handled int64
}

// tracker keeps a subscription's status.
type tracker struct {
	mu         sync.Mutex
	status     Status
	oldest     time.Time // of the first event that is not handled
	base, next sample
}

func (t *tracker) change(f func(*Status)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.status)
}

func (t *tracker) set(s Status) {
	t.change(func(old *Status) {
		*old = s
		now := time.Now()
		t.base, t.next, t.oldest = sample{at: now}, sample{at: now}, time.Time{}
	})
}

// failed records what a handler made of an event.
func (t *tracker) failed(rec *cqrs.Record, err error) {
	text := fmt.Sprintf("event %s, at position %d, version %d of %s: %v", rec.Type, rec.Position, rec.Version, rec.Stream, err)
	t.change(func(s *Status) { s.Error = text })
}

func (t *tracker) handled() {
	t.change(func(s *Status) {
		s.Handled++
		if now := time.Now(); now.Sub(t.next.at) >= window {
			t.base, t.next = t.next, sample{now, s.Handled}
		}
	})
}

func (t *tracker) get(now time.Time) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.status
	if s.Phase != CatchingUp && s.Phase != Live {
		return s
	}
	if !t.oldest.IsZero() {
		s.Behind = max(0, now.Sub(t.oldest))
	}
	base := t.base
	if now.Sub(t.next.at) >= window {
		base = t.next
	}
	if took := now.Sub(base.at).Seconds(); took > 0 {
		s.Rate = max(0, float64(s.Handled-base.handled)/took)
	}
	return s
}

// report is what other processes read.
func (t *tracker) report() []byte {
	b, err := json.Marshal(t.get(time.Now()))
	if err != nil {
		return nil // of a struct of texts and numbers there is always a JSON
	}
	return b
}
