package projection

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// leaseTime is how long a process that died keeps others from taking over.
const leaseTime = 5 * time.Second

// newHolder names this process in leases, as people find it, and unlike any other one.
func newHolder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:6])
}

// lease is that of a generation, while this process has it: work renews it.
type lease struct {
	table  readmodel.Table
	holder string
	ttl    time.Duration
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu sync.Mutex
	// until is how long it was asked for, where that is longer than usual.
	until time.Time
}

// hold takes the lease of a table, and renews it with the projection's status as its report until it is released. lose is
// called with a *readmodel.HeldError if another process has it, and with what says that the store lost what was written.
func (p *Projector[K, R]) hold(
	ctx context.Context, table readmodel.Table, lose context.CancelCauseFunc,
) (*lease, error) {
	l := &lease{table: table, holder: p.group.holder, ttl: p.group.leaseTime}
	if err := table.Hold(ctx, l.holder, l.ttl, p.report()); err != nil {
		return nil, err
	}
	p.status.holds(l.holder)
	ctx, l.cancel = context.WithCancel(ctx)
	l.work.Go(func() {
		every(ctx, l.ttl/3, func() bool {
			err := l.renew(ctx, p.report())
			lost := standsBy(err)
			if lost {
				lose(err)
			}
			return !lost
		})
	})
	// Looking may take longer than the lease lasts.
	l.work.Go(func() {
		every(ctx, l.ttl/3, func() bool {
			p.observe(ctx)
			return true
		})
	})
	return l, nil
}

// every calls f again and again until it returns false, or ctx ends.
func every(ctx context.Context, pause time.Duration, f func() bool) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !f() {
				return
			}
		}
	}
}

func (l *lease) renew(ctx context.Context, report []byte) error {
	l.mu.Lock()
	ttl := max(l.ttl, time.Until(l.until))
	l.mu.Unlock()
	// An error of the store ends nothing: writing fails too if it lasts, and another process takes over if it can.
	return l.table.Hold(ctx, l.holder, ttl, report)
}

// rowTime is what writing a row may take, at the least of what sinks do.
const rowTime = 100 * time.Microsecond

// extend makes the lease last while many rows are written: a store may not be able to renew it meanwhile.
func (l *lease) extend(ctx context.Context, rows int, report func() []byte) error {
	if time.Duration(rows)*rowTime < l.ttl/3 {
		return nil
	}
	ttl := l.ttl + time.Duration(rows)*rowTime
	l.mu.Lock()
	l.until = time.Now().Add(ttl)
	l.mu.Unlock()
	return l.table.Hold(ctx, l.holder, ttl, report())
}

// release gives the lease up, with a last report. Where that fails, it runs out by itself.
func (l *lease) release(report []byte) {
	l.cancel()
	l.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), l.ttl)
	defer cancel()
	_ = l.table.Release(ctx, l.holder, report)
}

// report is the status as a lease's report.
func (p *Projector[K, R]) report() []byte {
	report, err := json.Marshal(p.Status())
	if err != nil { // a number that JSON has not, which a status does not have either
		return nil
	}
	return report
}

// Reported returns the status that a generation's holder reported last, in this process or another one, with what the
// store knows itself. Its At is when that was; it is zero if nobody ever did. One whose lease has ended does nothing any
// more, whatever it said: unless it stopped, the phase is Idle, and if it did not give its lease up, it is Lost.
func Reported(g *readmodel.Generation) Status {
	var s Status
	if err := json.Unmarshal(g.Lease.Report, &s); err != nil {
		s = Status{}
	}
	s.Projection, s.Generation, s.Active = g.Schema.Projection, g.Schema.Fingerprint, g.Active
	s.Position, s.Built, s.At = g.Checkpoint.Position, g.Checkpoint.Built, g.Lease.Reported
	if s.Handled = max(s.Handled, g.Checkpoint.Handled); s.Total < s.Handled {
		s.Total = s.Handled
	}
	switch {
	case !g.Held():
		s.over(g)
	case s.Phase == Idle && s.Built: // it said nothing, or nothing that is understood
		s.Holder, s.Phase = g.Lease.Holder, CatchingUp
	case s.Phase == Idle:
		s.Holder, s.Phase = g.Lease.Holder, Building
	default:
		s.Holder = g.Lease.Holder
	}
	s.Lag = s.Total - s.Handled
	if s.Err = nil; s.Error != "" {
		s.Err = errors.New(s.Error)
	}
	return s
}

// over makes of what a holder said last what is left of it once its lease has ended: what it had in memory is gone.
func (s *Status) over(g *readmodel.Generation) {
	s.Holder, s.Lost, s.Handled, s.Rate, s.ETA = "", g.Lease.Holder, g.Checkpoint.Handled, 0, 0
	switch {
	case s.Phase == Stopped:
	case s.Phase == Waiting && g.Asked.Sub(g.Lease.Reported) < leaseTime: // who waits takes the lease again and again
	case s.Lost != "":
		s.Phase, s.Since, s.Error = Idle, g.Lease.Until, ""
	case s.Phase != Idle:
		s.Phase, s.Since, s.Error = Idle, g.Lease.Reported, ""
	}
}
