package subscription

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// worker is one turn of a Subscription: the time in which it has the lease.
//
// The reader puts each event at the end of its stream's queue, and of the window. A stream with events is ready, being
// handled, or waiting to be tried again; deliverers take the first event of a stream that is ready. The window holds all
// events since the checkpoint in the order of the log, so that the checkpoint can follow those that are done.
type worker struct {
	*Subscription
	// io is the context of what has to be done after the run's own has ended; handling is that of the handlers.
	io, handling context.Context
	cancel       context.CancelFunc // ends handling
	wait         sync.WaitGroup

	mu sync.Mutex
	// changed wakes whoever waits for any of what follows.
	changed *sync.Cond
	streams map[cqrs.StreamID]*stream
	ready   []*stream
	// window begins with the first event that is not done, or is empty.
	window []*item
	// undone and bytes are the events that are neither done nor of a parked stream.
	undone, bytes int
	// frontier is how far the log was read. passed counts the events up to the window's beginning, total all that there are.
	frontier      cqrs.Position
	passed, total int64
	parked        int
	retrying      int
	until         time.Time // when the lease ends, if it is not renewed

	// done is the last event that left the window.
	done struct {
		position cqrs.Position
		commit   cqrs.CommitID
	}
	step Step // what the next save parks and unparks
	// due asks for a save at once.
	due chan struct{}

	// What follows is only used by who saves.
	stored Checkpoint
	saved  time.Time
}

// stream is a stream that has events in the window, or is parked.
type stream struct {
	id    cqrs.StreamID
	queue []*item
	// failed says that the first event of the queue failed, and waits.
	failed bool
	// parked is not nil if the stream is; trying says that it is being tried again, and last is the version up to which
	// the reader left its events out.
	parked *Parked
	trying bool
	last   cqrs.Version
}

// item is an event in the window.
type item struct {
	position cqrs.Position
	commit   cqrs.CommitID
	time     time.Time
	done     bool
	delivery *Delivery // nil once it is done
}

func newWorker(s *Subscription, io context.Context, until time.Time) *worker {
	w := &worker{Subscription: s, streams: map[cqrs.StreamID]*stream{}, until: until}
	w.io = io
	w.handling, w.cancel = context.WithCancel(io)
	w.changed = sync.NewCond(&w.mu)
	w.due = make(chan struct{}, 1)
	return w
}

// readAndDeliver does both once it is known what was replaced up to the checkpoint: another program, which knew more, may
// have come this far, and left streams parked whose events this one would deliver without those that it does not know.
func (w *worker) readAndDeliver(stop context.Context, cancel context.CancelCauseFunc) error {
	for _, name := range w.def.Events {
		known, err := w.knowsReplaced(stop, name)
		if err != nil || !known {
			return err
		}
	}
	for range w.settings.concurrency {
		w.spawn(func() error { w.deliver(stop); return nil }, cancel)
	}
	return w.read(stop)
}

// knowsReplaced reports whether all is known that is stored in an event's place up to the checkpoint. If it is not, that is
// so once stop ended. Only the stream that says it is read: some logs can only be read whole otherwise.
func (w *worker) knowsReplaced(stop context.Context, name string) (bool, error) {
	said := cqrs.Replacement{Event: name}
	for rec, err := range w.log.ReadStream(stop, said.Stream(), 1) {
		if err != nil {
			return false, ended(stop, err)
		}
		if rec.Position > w.frontier {
			break
		}
		if err := rec.CheckReplaced(w.def.Events, w.def.Ignores); err != nil {
			w.awaitRelease(stop, rec, err)
			return false, nil
		}
	}
	return true, nil
}

// read puts the log's events into the window, as there is room.
func (w *worker) read(stop context.Context) error {
	defer context.AfterFunc(stop, w.wake)()
	types := append(slices.Clip(w.def.Events), cqrs.Replaced)
	for stop.Err() == nil {
		head, err := w.log.Head(stop)
		if err != nil {
			return ended(stop, err)
		}
		w.status.change(func(s *Status) { s.Head = max(s.Head, head) })
		more, err := w.pass(stop, eventlog.Query{After: w.frontier, Through: head, Types: types})
		if err != nil || !more {
			return err
		}
		w.mu.Lock()
		w.frontier = max(w.frontier, head)
		w.mu.Unlock()
		w.status.change(func(s *Status) { s.Phase = Live })
		if _, err := w.log.Wait(stop, head); err != nil {
			return ended(stop, err)
		}
	}
	return nil
}

// pass goes through events of the log, and puts those that are delivered into the window. It reports whether it came to
// their end before stop did.
func (w *worker) pass(stop context.Context, q eventlog.Query) (bool, error) {
	for rec, err := range w.log.Read(stop, q) {
		if err != nil {
			return false, ended(stop, err)
		}
		if rec.Type == cqrs.Replaced {
			if err := rec.CheckReplaced(w.def.Events, w.def.Ignores); err != nil {
				w.awaitRelease(stop, rec, err)
				return false, nil
			}
			continue
		}
		if !w.add(stop, rec) {
			return false, nil
		}
	}
	return true, nil
}

// awaitRelease waits until another program has its turn, which may know what is stored from here on. Nothing behind is
// delivered: it would come before what this program does not know of.
func (w *worker) awaitRelease(stop context.Context, rec *cqrs.Record, err error) {
	w.status.failed(rec, err)
	w.settings.logger.Error("subscription waits for a newer release", "subscription", w.def.Name, "error", err)
	<-stop.Done()
}

// ended returns no error for what the end of a context caused.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (w *worker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed.Broadcast()
}

// add puts an event at the end of the window, once there is room. It reports whether there is, before stop ends.
func (w *worker) add(stop context.Context, rec *cqrs.Record) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.undone >= w.settings.window || w.bytes >= w.settings.bytes || len(w.window) >= w.settings.ring {
		if stop.Err() != nil {
			return false
		}
		w.changed.Wait()
	}
	if stop.Err() != nil {
		return false
	}
	w.frontier = rec.Position
	it := &item{position: rec.Position, commit: rec.Commit, time: rec.Time}
	w.window = append(w.window, it)
	st := w.streams[rec.Stream]
	if st != nil && st.parked != nil {
		it.done, st.last = true, rec.Version
		return true
	}
	it.delivery = &Delivery{Record: cloned(rec)}
	if st == nil {
		st = &stream{id: it.delivery.Record.Stream}
		w.streams[st.id] = st
	}
	w.undone++
	w.bytes += len(rec.Data)
	if st.queue = append(st.queue, it); len(st.queue) == 1 {
		w.makeReady(st)
	}
	return true
}

// cloned returns a record that keeps nothing of the log's buffers.
func cloned(rec *cqrs.Record) cqrs.Record {
	r := *rec
	r.EventMeta = rec.EventMeta.Clone()
	r.Stream.Category, r.Type = strings.Clone(r.Stream.Category), strings.Clone(r.Type)
	r.Data = bytes.Clone(r.Data)
	return r
}

// makeReady lets a stream be taken by a deliverer. It is called under mu.
func (w *worker) makeReady(st *stream) {
	w.ready = append(w.ready, st)
	w.changed.Broadcast()
}

// deliver handles the first event of one stream after the other.
func (w *worker) deliver(stop context.Context) {
	defer context.AfterFunc(stop, w.wake)()
	for {
		st, it := w.next(stop)
		if st == nil {
			return
		}
		if it == nil {
			w.tryAgain(stop, st)
			continue
		}
		it.delivery.Attempt++
		w.after(st, it, w.handle(it.delivery))
	}
}

// next returns a stream that is ready, and the first event of its queue, to which the reader may add meanwhile; no event
// if it is parked, and no stream once stop ended, or the lease did.
func (w *worker) next(stop context.Context) (*stream, *item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.ready) == 0 && stop.Err() == nil {
		w.changed.Wait()
	}
	if stop.Err() != nil || !w.holds() {
		return nil, nil
	}
	st := w.ready[0]
	w.ready = w.ready[1:]
	if st.parked != nil {
		return st, nil
	}
	return st, st.queue[0]
}

// holds reports whether the lease is known to be this process's. It is called under mu.
func (w *worker) holds() bool { return time.Now().Before(w.until) }

// handle calls the handler.
func (w *worker) handle(d *Delivery) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &cqrs.PanicError{In: "subscription " + w.def.Name, Value: fmt.Sprint(v), Stack: debug.Stack()}
		}
	}()
	return w.def.Handle(w.handling, d)
}

// after says what becomes of an event and its stream.
func (w *worker) after(st *stream, it *item, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if st.failed {
		st.failed = false
		w.retrying--
	}
	switch {
	case err == nil:
		w.finished(it)
		w.status.handled()
		st.queue = st.queue[1:]
		if len(st.queue) > 0 {
			w.makeReady(st)
		} else {
			delete(w.streams, st.id)
		}
	case w.handling.Err() != nil:
		// The process ends: nobody can say that the event is at fault.
	case it.delivery.Attempt >= w.settings.attempts && !waits(err):
		w.giveUp(st, it, err)
	default:
		st.failed = true
		w.retrying++
		w.status.failed(&it.delivery.Record, err)
		time.AfterFunc(w.pause(it.delivery.Attempt), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.makeReady(st)
		})
	}
}

// pause is how long an event waits that failed so often.
func (w *worker) pause(attempts int) time.Duration {
	pause := w.settings.first
	for range attempts - 1 {
		if pause *= 2; pause >= w.settings.most {
			return w.settings.most
		}
	}
	return pause
}

// finished notes that an event is done, and lets the window follow. It is called under mu.
func (w *worker) finished(it *item) {
	w.undone--
	w.bytes -= len(it.delivery.Record.Data)
	it.done, it.delivery = true, nil
	w.changed.Broadcast()
}

// giveUp parks a stream with everything that waits behind its first event. It is called under mu.
func (w *worker) giveUp(st *stream, it *item, err error) {
	p := parkedAt(&it.delivery.Record, it.delivery.Attempt, err)
	attributes := []any{"subscription", w.def.Name, "stream", p.Stream.String(), "version", p.Version,
		"position", p.Position, "event", p.Type, "error", err}
	if panicked := (*cqrs.PanicError)(nil); errors.As(err, &panicked) {
		attributes = append(attributes, "stack", string(panicked.Stack))
	}
	w.settings.logger.Error("subscription parked a stream", attributes...)
	w.status.failed(&it.delivery.Record, err)
	for _, waiting := range st.queue {
		st.last = waiting.delivery.Record.Version
		w.finished(waiting)
	}
	st.queue = nil
	w.parkAt(st, p)
}

func parkedAt(rec *cqrs.Record, attempts int, err error) Parked {
	return Parked{
		Stream: rec.Stream, Version: rec.Version, Position: rec.Position, Type: rec.Type,
		Attempts: attempts, Error: errorText(err), Since: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// errorText is what is stored of an error: bounded, and text for every store.
func errorText(err error) string {
	const most = 2000
	text := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\uFFFD"), "\x00", "\uFFFD")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}

// park makes a stream one that is parked, or parked at another event.
func (w *worker) park(st *stream, p *Parked) {
	if st.parked == nil {
		w.parked++
	}
	st.parked, st.trying = p, false
	w.streams[st.id] = st
}

// parkAt parks a stream, in the store too. It is called under mu.
func (w *worker) parkAt(st *stream, p Parked) {
	w.park(st, &p)
	w.step.Park = append(w.step.Park, p)
	w.saveSoon()
}

func (w *worker) saveSoon() {
	select {
	case w.due <- struct{}{}:
	default:
	}
}

func (w *worker) hasParked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.parked > 0
}

// lookAtParked makes those parked streams ready that are to be tried again. What is not saved yet is not looked at.
func (w *worker) lookAtParked() error {
	var all []Parked
	err := w.bounded(func(ctx context.Context) (err error) {
		all, err = w.store.Parked(ctx, w.def.Name)
		return err
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range all {
		st := w.streams[p.Stream]
		if p.Retry && st != nil && st.parked != nil && !st.trying && st.parked.Since.Equal(p.Since) {
			st.trying = true
			w.makeReady(st)
		}
	}
	return nil
}

// tryAgain delivers what a parked stream has from its failed event on, up to what the reader has left out. If that works
// the stream is not parked any more; a failure parks it at the event that failed.
func (w *worker) tryAgain(stop context.Context, st *stream) {
	for next, attempts := st.parked.Version, st.parked.Attempts; ; {
		w.mu.Lock()
		frontier := w.frontier
		w.mu.Unlock()
		failed, err := w.deliverStream(stop, st.id, &next, frontier)
		w.mu.Lock()
		switch {
		case stop.Err() != nil || failed == nil && err != nil:
			// The log is away, or the process ends: who comes next goes on from there.
			p := *st.parked
			p.Version, p.Retry = next, true
			w.parkAt(st, p)
			w.mu.Unlock()
			return
		case failed != nil:
			if failed.Version != st.parked.Version {
				attempts = 0
			}
			p := parkedAt(failed, attempts+1, err)
			w.status.failed(failed, err)
			w.parkAt(st, p)
			w.mu.Unlock()
			return
		case st.last < next:
			w.step.Unpark = append(w.step.Unpark, st.id)
			w.saveSoon()
			w.parked--
			delete(w.streams, st.id)
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

// deliverStream delivers a stream's events from version next on that are at or below a position, and moves next behind
// them. It returns the event whose handler failed.
func (w *worker) deliverStream(stop context.Context, id cqrs.StreamID, next *cqrs.Version, through cqrs.Position,
) (*cqrs.Record, error) {
	for rec, err := range w.log.ReadStream(stop, id, *next) {
		if err != nil {
			return nil, err
		}
		if rec.Position > through {
			break
		}
		if w.handles(rec.Type) {
			if stop.Err() != nil || time.Now().After(w.validUntil()) {
				return nil, errLeaseLost
			}
			d := &Delivery{Record: cloned(rec), Attempt: 1}
			if err := w.handle(d); err != nil {
				failed := cloned(rec)
				return &failed, err
			}
			w.status.handled()
		}
		*next = rec.Version + 1
	}
	return nil, nil
}

func (w *worker) handles(name string) bool {
	return slices.Contains(w.def.Events, name)
}

// save stores how far the events are done, and which streams are parked.
func (w *worker) save() error {
	step, err := w.nextStep()
	if err != nil || step.From == step.To && len(step.Park)+len(step.Unpark) == 0 {
		return err
	}
	err = w.bounded(func(ctx context.Context) error { return w.store.Save(ctx, w.def.Name, &step) })
	if err != nil {
		return err // and the turn ends: what is stored counts
	}
	w.stored, w.saved = step.To, time.Now()
	w.status.change(func(s *Status) { s.Position = step.To.Position })
	return nil
}

// nextStep takes what is done from the window.
func (w *worker) nextStep() (Step, error) {
	w.mu.Lock()
	n := 0
	for n < len(w.window) && w.window[n].done {
		n++
	}
	if n > 0 {
		last := w.window[n-1]
		w.done.position, w.done.commit = last.position, last.commit
		w.window = append([]*item(nil), w.window[n:]...)
		w.passed += int64(n)
		w.changed.Broadcast()
	}
	step := w.step
	w.step = Step{}
	step.Holder, step.From, step.To = w.settings.holder, w.stored, w.stored
	if w.done.position > step.To.Position {
		step.To.Position, step.To.Commit = w.done.position, w.done.commit
	}
	step.To.Passed = w.passed
	// Behind the last event that is for this subscription there may be others, which are no reason to write all the time.
	ahead := len(w.window) == 0 && w.frontier > step.To.Position && time.Since(w.saved) >= quiet
	frontier := w.frontier
	w.showLag()
	w.mu.Unlock()
	if ahead {
		commit, err := w.commitAt(frontier)
		if err != nil {
			return step, err
		}
		step.To.Position, step.To.Commit = frontier, commit
	}
	return step, nil
}

// quiet is how often the checkpoint follows a log that moves without events for this subscription.
const quiet = time.Second

// showLag is called under mu.
func (w *worker) showLag() {
	oldest := time.Time{}
	if len(w.window) > 0 {
		oldest = w.window[0].time
	}
	read := w.passed + int64(len(w.window))
	w.total = max(w.total, read)
	t := &w.status
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.frontier >= t.status.Head {
		w.total = read // what was counted at another moment than the head
	}
	t.oldest = oldest
	t.status.Lag = w.total - read + int64(w.undone)
	t.status.Parked, t.status.Retrying = w.parked, w.retrying
}

// waits reports whether an event is tried for as long as it takes: what its handler needs is away, or it is newer than this
// program, and the next one that gets the lease may know it.
func waits(err error) bool {
	return errors.Is(err, ErrAway) || errors.As(err, new(*cqrs.NewerEventError))
}
