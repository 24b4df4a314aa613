package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Run delivers events until ctx ends, and then waits for the handlers that are at work, for at most ten seconds. While
// another process works it stands by; while the log or the store is away it waits.
//
// Errors: *HistoryError; ErrRunning; and those of the log and the store that do not pass.
func (s *Subscription) Run(ctx context.Context) error {
	if !s.running.TryLock() {
		return fmt.Errorf("subscription %s: %w", s.def.Name, ErrRunning)
	}
	defer s.running.Unlock()
	s.status.set(Status{Subscription: s.def.Name, Phase: Waiting})
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, lastPause) {
		began := time.Now()
		err := s.turn(ctx)
		var held *HeldError
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.As(err, &held):
			s.status.change(func(st *Status) { st.Phase, st.Holder = Waiting, held.Holder })
		case passes(err):
			s.settings.logger.WarnContext(ctx, "subscription waits", "subscription", s.def.Name, "error", err)
			s.status.change(func(st *Status) { st.Phase, st.Error = Waiting, err.Error() })
		default:
			s.status.change(func(st *Status) { st.Phase, st.Error = Stopped, err.Error() })
			return err
		}
		if time.Since(began) > lastPause {
			pause = firstPause // it has worked meanwhile
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(pause, s.settings.lease/3)):
		}
	}
	s.status.change(func(st *Status) { st.Phase = Idle })
	return nil
}

// A subscription that waits tries again after firstPause, and then more and more seldom.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// passes reports whether an error ends by itself. A fence does: what is stored counts, and the lease says who goes on.
func passes(err error) bool {
	return errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrFenced) ||
		errors.Is(err, errLeaseLost)
}

var errLeaseLost = errors.New("the lease could not be renewed in time")

// stopGrace is how long handlers may take to finish after the run's context has ended.
const stopGrace = 10 * time.Second

// turn takes the lease and works until it is lost, ctx ends or something fails.
func (s *Subscription) turn(ctx context.Context) error {
	asked := time.Now()
	if err := s.store.Hold(ctx, s.def.Name, s.settings.holder, s.settings.lease, s.status.report()); err != nil {
		return err
	}
	io, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w := newWorker(s, io, asked.Add(s.settings.lease))
	err := w.start(ctx)
	if err == nil {
		err = w.work(ctx)
	}
	if lost(err) {
		return err
	}
	released := w.bounded(func(ctx context.Context) error {
		return s.store.Release(ctx, s.def.Name, s.settings.holder, s.status.report())
	})
	if err == nil && !passes(released) {
		err = released
	}
	return err
}

// lost reports whether a turn ends because the lease is another one's, or may be.
func lost(err error) bool { return errors.As(err, new(*HeldError)) || errors.Is(err, errLeaseLost) }

// patience bounds each call of the log and the store that has to be made after the run's context has ended.
const patience = 30 * time.Second

// bounded calls f with a context that ends.
func (w *worker) bounded(f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(w.io, patience)
	defer cancel()
	err := f(ctx)
	if err != nil && ctx.Err() != nil && w.io.Err() == nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// start finds out where the subscription is, and that it belongs to this log.
func (w *worker) start(ctx context.Context) error {
	s := w.Subscription
	at, err := s.store.Load(ctx, s.def.Name)
	if err != nil {
		return err
	}
	if !at.Started {
		if at, err = w.begin(ctx); err != nil {
			return err
		}
	}
	if at.Position > 0 {
		found, err := w.commitAt(at.Position)
		if err != nil {
			return err
		}
		if found != at.Commit {
			return &HistoryError{s.def.Name, at.Position, at.Commit, found}
		}
	}
	parked, err := s.store.Parked(ctx, s.def.Name)
	if err != nil {
		return err
	}
	for i := range parked {
		w.park(&stream{id: parked[i].Stream}, &parked[i])
	}
	w.stored, w.frontier, w.passed = at, at.Position, at.Passed
	s.status.set(Status{
		Subscription: s.def.Name, Phase: CatchingUp, Position: at.Position, Parked: len(parked), Holder: s.settings.holder,
	})
	return w.count(ctx)
}

// begin stores the first checkpoint.
func (w *worker) begin(ctx context.Context) (at Checkpoint, err error) {
	s := w.Subscription
	at.Started = true
	if s.def.Start == Head {
		if at.Position, err = s.log.Head(ctx); err != nil {
			return at, err
		}
		if at.Position > 0 {
			if at.Commit, err = w.commitAt(at.Position); err != nil {
				return at, err
			}
		}
		// What is appended meanwhile is counted too: only the lag that is shown depends on it.
		if at.Passed, err = s.log.Count(ctx, s.def.Events...); err != nil {
			return at, err
		}
	}
	return at, s.store.Save(ctx, s.def.Name, &Step{Holder: s.settings.holder, To: at})
}

// commitAt returns the commit of the event at a position, zero if there is none.
func (w *worker) commitAt(at cqrs.Position) (commit cqrs.CommitID, err error) {
	err = w.bounded(func(ctx context.Context) error {
		for rec, err := range w.log.Read(ctx, eventlog.Query{After: at - 1, Through: at}) {
			if err != nil {
				return err
			}
			commit = rec.Commit
		}
		return nil
	})
	return commit, err
}

// count asks the log how many events there are for this subscription.
func (w *worker) count(ctx context.Context) error {
	total, err := w.log.Count(ctx, w.def.Events...)
	w.mu.Lock()
	w.total = max(w.total, total)
	w.mu.Unlock()
	return err
}

// work reads, delivers, saves and keeps the lease until ctx ends or one of them fails.
func (w *worker) work(ctx context.Context) error {
	stop, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.spawn(func() error { return w.readAndDeliver(stop, cancel) }, cancel)
	w.spawn(func() error { return w.keepLease(stop) }, cancel)
	err := w.keepSaving(stop)
	if err != nil {
		cancel(err)
	}
	if lost(context.Cause(stop)) {
		w.cancel()
	}
	defer w.finish()()
	w.wait.Wait()
	switch {
	case err != nil:
		return err
	case ctx.Err() == nil:
		return context.Cause(stop)
	}
	return w.save() // what was handled since, and needs not be delivered again
}

// spawn runs f; its failure ends the others.
func (w *worker) spawn(f func() error, cancel context.CancelCauseFunc) {
	w.wait.Go(func() {
		if err := f(); err != nil {
			cancel(err)
		}
	})
}

// finish ends the handlers' context when they had long enough.
func (w *worker) finish() (stop func() bool) {
	return time.AfterFunc(min(stopGrace, w.settings.lease), w.cancel).Stop
}

// keepSaving stores the checkpoint as it moves.
func (w *worker) keepSaving(stop context.Context) error {
	tick := time.NewTicker(w.settings.save)
	defer tick.Stop()
	for {
		select {
		case <-stop.Done():
			return nil
		case <-tick.C:
		case <-w.due:
		}
		if err := w.save(); err != nil {
			return err
		}
	}
}

// keepLease renews the lease, and looks for parked streams that are to be tried again.
func (w *worker) keepLease(stop context.Context) error {
	s := w.Subscription
	renew := time.NewTicker(s.settings.lease / 3)
	look := time.NewTicker(min(time.Second, s.settings.lease/3))
	defer renew.Stop()
	defer look.Stop()
	for {
		var err error
		select {
		case <-stop.Done():
			return nil
		case <-s.poke:
			err = w.lookAtParked()
		case <-look.C:
			if w.hasParked() {
				err = w.lookAtParked()
			}
		case <-renew.C:
			err = w.renew(stop)
			if err == nil {
				err = w.count(stop)
			}
		}
		if err != nil && (stop.Err() != nil || passes(err) && time.Now().Before(w.validUntil())) {
			continue // the lease is good for a while: it is tried again
		}
		if err != nil {
			return err
		}
	}
}

// renew renews the lease in time. One that has ended may have been another one's meanwhile, who delivered more than this
// process knows of.
func (w *worker) renew(stop context.Context) error {
	asked := time.Now()
	if asked.After(w.validUntil()) {
		return errLeaseLost
	}
	ctx, cancel := context.WithTimeout(stop, w.settings.lease)
	defer cancel()
	err := w.store.Hold(ctx, w.def.Name, w.settings.holder, w.settings.lease, w.status.report())
	if err == nil {
		w.mu.Lock()
		w.until = asked.Add(w.settings.lease)
		w.mu.Unlock()
	} else if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

func (w *worker) validUntil() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.until
}
