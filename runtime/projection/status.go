package projection

import (
	"fmt"
	"slices"
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
	// Waiting: another process works on it, and this one takes over when that one ends or dies; or the store or the log
	// is away, as the status's error says.
	Waiting
	// Building: its generation never reflected the whole log yet.
	Building
	// Verifying: its generation is built, and compared with the log before it is promoted.
	Verifying
	// CatchingUp: its generation was built, and it folds what came since.
	CatchingUp
	// Live: it follows the log.
	Live
	// Stopped: it failed. Status.Err says why.
	Stopped
)

var phases = [...]string{"idle", "waiting", "building", "verifying", "catching up", "live", "stopped"}

// String returns the phase as people read it.
func (p Phase) String() string {
	if int(p) < len(phases) {
		return phases[p]
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// MarshalText implements encoding.TextMarshaler.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Phase) UnmarshalText(text []byte) error {
	i := slices.Index(phases[:], string(text))
	if i < 0 {
		return fmt.Errorf("%.40q is no phase of a projection", text)
	}
	*p = Phase(i)
	return nil
}

// Status says how far a projection is, in one store. As JSON it is what a lease's report has.
type Status struct {
	Projection string `json:"projection"`
	// Sink is the name of the store, Generation the fingerprint of the generation in it.
	Sink       string `json:"sink"`
	Generation string `json:"generation"`
	// Active says that the generation is the one that readers of the store are led to, Built that it reflected the whole
	// log once.
	Active bool  `json:"active"`
	Built  bool  `json:"built"`
	Phase  Phase `json:"phase"`
	// Position is that of the read model, Head that of the log when the projection looked last.
	Position cqrs.Position `json:"position"`
	Head     cqrs.Position `json:"head"`
	// Handled is the number of events that were folded since the start of the log, Total the number that the log is
	// known to hold of those that the projection handles, and Lag their difference.
	Handled int64 `json:"handled"`
	Total   int64 `json:"total"`
	Lag     int64 `json:"lag"`
	// Behind is how long the oldest event that is not reflected yet has been in the log, by its time; 0 if there is none.
	// In JSON, durations are nanoseconds.
	Behind time.Duration `json:"behind"`
	// Rate is the number of events folded per second, over the last seconds.
	Rate float64 `json:"rate"`
	// ETA is how long catching up will take at this rate; 0 if it is not catching up, or the rate is not known yet.
	ETA time.Duration `json:"eta"`
	// Holder is the process that works on the projection; empty if none does.
	Holder string `json:"holder,omitempty"`
	// Error is the text of Err.
	Error string `json:"error,omitempty"`
	// Since is when the phase began, At when all this was so: a moment ago, unless another process reported it.
	Since time.Time `json:"since"`
	At    time.Time `json:"at"`

	// Err is what stopped the projection, or makes it wait; nil while it works or is idle.
	Err error `json:"-"`
}

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

func (t *tracker) begin() {
	t.change(func(s *Status) {
		*s = Status{Projection: s.Projection, Sink: s.Sink, Generation: s.Generation, Phase: CatchingUp, Since: time.Now()}
	})
}

func (t *tracker) start(at readmodel.Checkpoint, total int64) {
	t.change(func(s *Status) {
		s.Position, s.Handled, s.Total = at.Position, at.Handled, max(total, at.Handled)
		t.base = sample{time.Now(), at.Handled}
		t.next = t.base
	})
}

func (t *tracker) head(p cqrs.Position) { t.change(func(s *Status) { s.Head = max(p, s.Head) }) }

func (t *tracker) phase(p Phase) { t.change(func(s *Status) { s.Phase, s.Since = p, time.Now() }) }

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
		s.Phase, s.Since = Idle, time.Now()
		if !well {
			s.Phase, s.Err, s.Error = Stopped, err, err.Error()
		}
	})
}

func (t *tracker) get(now time.Time) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.status
	s.At, s.Lag = now, max(0, s.Total-s.Handled)
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
		s.ETA = time.Duration(float64(s.Lag) / s.Rate * float64(time.Second))
	}
	return s
}
