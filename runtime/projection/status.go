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
	Active bool `json:"active"`
	Built  bool `json:"built"`
	// Manual says that the generation waits for an operator who promotes it, once it is built.
	Manual bool `json:"manual,omitempty"`
	// Inline says that appends write the generation while it is active, so that nobody needs to project into it.
	Inline bool  `json:"inline,omitempty"`
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
	// Lost is the process that did so last, if it did not give its lease up: it died, hangs, or can't reach the store.
	Lost string `json:"lost,omitempty"`
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

// tracker keeps a projection's status. The worker reports once per chunk.
type tracker struct {
	mu     sync.Mutex
	status Status
	// kept is how many of the handled events the stored rows reflect: those in memory are lost with the attempt.
	kept int64
	// The rate is measured since base; next becomes the base when it is a window old.
	base, next sample
	// folding is when events were folded last, oldest the time of the oldest one that is not stored; zero if there is none.
	folding, oldest time.Time
	// counted is when the log's events were counted, in countTook.
	counted   time.Time
	countTook time.Duration
	// other is what the process reported that has the lease.
	other *Status
}

func (t *tracker) change(f func(*Status)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.status)
}

func (t *tracker) set(s Status) { t.change(func(old *Status) { *old = s }) }

// enter begins a phase.
func (s *Status) enter(p Phase) {
	if s.Phase != p {
		s.Phase, s.Since = p, time.Now()
	}
}

// begin forgets what stopped an earlier run.
func (t *tracker) begin() {
	t.change(func(s *Status) {
		s.enter(CatchingUp)
		s.Err, s.Error = nil, ""
	})
}

// holds says that this process has the lease.
func (t *tracker) holds(holder string) {
	t.change(func(s *Status) {
		t.other = nil
		s.Holder = holder
		s.Err, s.Error = nil, ""
	})
}

// backlog is what the log has for a projection behind a position.
type backlog struct {
	head cqrs.Position
	// total is the number of events from the log's start on, oldest the time of the first one behind the position; zero if
	// there is none.
	total  int64
	oldest time.Time
}

func (t *tracker) start(at readmodel.Checkpoint, log backlog) {
	t.change(func(s *Status) {
		s.Position, s.Handled, s.Total, s.Built, s.Head = at.Position, at.Handled, max(log.total, at.Handled), at.Built, log.head
		t.counted, t.kept = time.Now(), at.Handled
		t.base = sample{t.counted, at.Handled}
		t.next, t.oldest = t.base, log.oldest
		if s.enter(CatchingUp); !at.Built {
			s.enter(Building)
		}
	})
}

func (t *tracker) phase(p Phase) { t.change(func(s *Status) { s.enter(p) }) }

func (t *tracker) active(active bool) { t.change(func(s *Status) { s.Active = active }) }

func (t *tracker) stored(at readmodel.Checkpoint) {
	t.change(func(s *Status) {
		s.Position, s.Built, t.kept = at.Position, at.Built, at.Handled
		if s.Handled >= s.Total { // else the next chunk says it
			t.oldest = time.Time{}
		}
	})
}

// behind says which event is the oldest one that is not stored.
func (t *tracker) behind(oldest time.Time) { t.change(func(*Status) { t.oldest = oldest }) }

// known says that the log has this many events for the projection, at least.
func (t *tracker) known(total int64) { t.change(func(s *Status) { s.Total = max(total, s.Total) }) }

func (t *tracker) folded(handled int64, head cqrs.Position, oldest time.Time) {
	t.change(func(s *Status) {
		if s.Handled != handled {
			t.folding = time.Now()
		}
		s.Handled, s.Total, s.Head = handled, max(s.Total, handled), max(s.Head, head)
		if !oldest.IsZero() {
			t.oldest = oldest
		}
		if now := t.folding; now.Sub(t.next.at) >= window {
			t.base, t.next = t.next, sample{now, handled}
		}
	})
}

// look lets find look at the log from time to time while there is much to fold, or nobody folds: as rarely as looking is
// slow.
func (t *tracker) look(find func(after cqrs.Position) (backlog, error)) {
	t.mu.Lock()
	now := time.Now()
	lags := t.status.Phase != Live || !t.oldest.IsZero() && now.Sub(t.oldest) >= window
	due := lags && now.Sub(t.counted) >= 5*time.Second+20*t.countTook
	position := t.status.Position
	t.mu.Unlock()
	if !due {
		return
	}
	found, err := find(position)
	t.change(func(s *Status) {
		t.counted, t.countTook = time.Now(), time.Since(now)
		if err != nil {
			return
		}
		s.Total, s.Head = max(found.total, s.Handled), max(s.Head, found.head)
		if s.Position == position {
			t.oldest = found.oldest
		}
	})
}

// refused records why the generation is not promoted, while the projection goes on.
func (t *tracker) refused(err error) { t.change(func(s *Status) { s.Err, s.Error = err, err.Error() }) }

// wait records what the projection waits for: what err says, or another process that reported other.
func (t *tracker) wait(err error, other *Status) {
	t.change(func(s *Status) {
		s.enter(Waiting)
		s.Holder, s.Err, s.Error, s.Handled, t.other = "", err, "", t.kept, other
		if err != nil {
			s.Error = err.Error()
		}
	})
}

// end records how a run ended: well, also if it was told to stop early, or with an error.
func (t *tracker) end(err error, well bool) {
	t.change(func(s *Status) {
		t.other, s.Holder, s.Handled = nil, "", t.kept
		if s.enter(Idle); !well {
			s.enter(Stopped)
			s.Err, s.Error = err, err.Error()
		}
	})
}

func (t *tracker) get(now time.Time) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.status
	if t.other != nil {
		other := *t.other
		other.Phase, other.Since, other.Sink, other.Err, other.Error = s.Phase, s.Since, s.Sink, s.Err, s.Error
		return other
	}
	s.At, s.Lag = now, max(0, s.Total-s.Handled)
	if !t.oldest.IsZero() {
		s.Behind = max(0, now.Sub(t.oldest))
	}
	behind := s.Phase == CatchingUp || s.Phase == Building
	// A log without news has no rate; one that is caught up with has one between two batches too.
	if !behind && (s.Phase != Live || now.Sub(t.folding) >= window) {
		return s
	}
	base := t.base
	if now.Sub(t.next.at) >= window {
		base = t.next
	}
	if took := now.Sub(base.at).Seconds(); took > 0 {
		s.Rate = max(0, float64(s.Handled-base.handled)/took)
	}
	if behind && s.Rate > 0 {
		s.ETA = time.Duration(float64(s.Lag) / s.Rate * float64(time.Second))
	}
	return s
}
