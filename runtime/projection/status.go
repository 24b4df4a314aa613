package projection

import (
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Phase is what a projection is doing.
type Phase uint8

// The phases.
const (
	// Idle: it does not run, or no longer.
	Idle Phase = iota
	// CatchingUp: it folds what the log held when it started.
	CatchingUp
	// Live: it follows the log.
	Live
	// Stopped: it failed. Status.Err says why.
	Stopped
)

// String returns the phase as people read it.
func (p Phase) String() string {
	switch p {
	case Idle:
		return "idle"
	case CatchingUp:
		return "catching up"
	case Live:
		return "live"
	}
	return "stopped"
}

// Status says how far a projection is.
type Status struct {
	Projection string
	Phase      Phase
	// Position is that of the read model, Head that of the log when the projection looked last.
	Position, Head cqrs.Position
	// Handled is the number of events that were folded since the start of the log, Total the number that the log is
	// known to hold of those that the projection handles. It was counted when the run began.
	Handled, Total int64
	// Rate is the number of events folded per second, over the last seconds.
	Rate float64
	// ETA is how long catching up will take at this rate; 0 if it is not catching up, or the rate is not known yet.
	ETA time.Duration
	// Err is what stopped the projection; nil while it runs or is idle.
	Err error
}

// Lag returns the number of events that are known to be in the log and not folded yet.
func (s Status) Lag() int64 { return max(0, s.Total-s.Handled) }

// window is the time over which the rate is measured, at least; at most it is twice that long.
const window = 2 * time.Second

type sample struct {
	at      time.Time
	handled int64
}

// tracker keeps a projection's status. The worker reports once per batch.
type tracker struct {
	mu     sync.Mutex
	status Status
	// The rate is measured since base; next becomes the base when it is a window old.
	base, next sample
	// reported is when events were folded last.
	reported time.Time
}

func (t *tracker) change(f func(*Status)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.status)
}

func (t *tracker) set(s Status) { t.change(func(old *Status) { *old = s }) }

func (t *tracker) begin(name string) { t.set(Status{Projection: name, Phase: CatchingUp}) }

func (t *tracker) start(at readmodel.Checkpoint, total int64) {
	t.change(func(s *Status) {
		s.Position, s.Handled, s.Total = at.Position, at.Handled, max(total, at.Handled)
		t.base = sample{time.Now(), at.Handled}
		t.next = t.base
	})
}

func (t *tracker) head(p cqrs.Position) { t.change(func(s *Status) { s.Head = max(p, s.Head) }) }

func (t *tracker) phase(p Phase) { t.change(func(s *Status) { s.Phase = p }) }

func (t *tracker) stored(p cqrs.Position) { t.change(func(s *Status) { s.Position = p }) }

func (t *tracker) folded(handled int64) {
	t.change(func(s *Status) {
		s.Handled, s.Total = handled, max(s.Total, handled)
		t.reported = time.Now()
		if t.reported.Sub(t.next.at) >= window {
			t.base, t.next = t.next, sample{t.reported, handled}
		}
	})
}

// end records how a run ended: well, also if it was told to stop early, or with an error.
func (t *tracker) end(err error, well bool) {
	t.change(func(s *Status) {
		s.Phase = Idle
		if !well {
			s.Phase, s.Err = Stopped, err
		}
	})
}

func (t *tracker) get(now time.Time) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.status
	// A log without news has no rate; one that is caught up with has one between two batches too.
	if s.Phase != CatchingUp && (s.Phase != Live || now.Sub(t.reported) >= window) {
		return s
	}
	base := t.base
	if now.Sub(t.next.at) >= window {
		base = t.next
	}
	if took := now.Sub(base.at).Seconds(); took > 0 {
		s.Rate = max(0, float64(s.Handled-base.handled)/took)
	}
	if s.Phase == CatchingUp && s.Rate > 0 {
		s.ETA = time.Duration(float64(s.Lag()) / s.Rate * float64(time.Second))
	}
	return s
}
