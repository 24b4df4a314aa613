// Package subscription calls a handler for the events of a log, to react to them or to publish them: to send a mail, to
// call another service, to fill a queue.
//
// A subscription is neither a projection nor a part of a command. It begins where its team says, at the log's beginning
// or at its head, has a checkpoint of its own, and is never fired again because a read model is rebuilt. What it promises:
//
//   - Each event is delivered at least once: again after a failure, and after a crash between the handler's return and
//     the checkpoint. Delivery.Key is the same each time, and no other event's, for ever and everywhere.
//   - The events of one stream are delivered one after the other, in their order. Those of different streams are
//     delivered at the same time, a bounded number of them.
//   - An event whose handler fails is delivered again, after pauses that double. If it fails too often its stream is
//     parked: it and all that follows on this stream waits, visibly, and the other streams go on. Retry lets a parked
//     stream go on, from the event that failed.
//   - Of the processes that run a subscription, one works, and the others stand by and take over.
//
// A process that was paused, and goes on after another one took over, may still finish the one delivery of each stream
// that it was at; it begins no other one. What the handler reaches is protected from that by the key.
package subscription

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// Start is where a subscription begins when it runs for the first time, ever. The zero Start is none: which one is right
// can't be guessed.
type Start uint8

const (
	// Beginning delivers every event that the log has.
	Beginning Start = iota + 1
	// Head delivers what is appended from the first run on.
	Head
)

// Definition says what a subscription is.
type Definition struct {
	// Name is what its checkpoint is kept under. A subscription with another name is another one, and begins anew.
	Name  string
	Start Start
	// Events are the wire names of the events that are delivered. Where a release stores other events in the place of one of
	// them, the subscription waits for a program that is delivered these, or says of those for which its handler has no use
	// that it Ignores them.
	Events  []string
	Ignores []string
	// Handle is called by several goroutines at once, for different streams. The end of its context says that the
	// process ends or has lost its lease. An error that wraps ErrAway is no fault of the event: what the handler needs
	// is not there, and the event is tried until it is; so is one that wraps a *cqrs.NewerEventError.
	Handle func(ctx context.Context, d *Delivery) error
}

// Delivery is one event on its way to a handler. It is the handler's own.
type Delivery struct {
	Record cqrs.Record
	// Attempt counts the deliveries of the event by this process, from 1.
	Attempt int
}

// Key returns what tells an event from all others, of any log: its commit, its version and its stream. Whoever receives
// an event twice knows it by its key.
func (d *Delivery) Key() string {
	r := &d.Record
	return uuid.UUID(r.Commit).String() + "." + strconv.FormatInt(int64(r.Version), 10) + "." + r.Stream.String()
}

// ErrAway is wrapped by the errors of a handler that has nothing to blame on the event: what it needs is away. Such an
// event is tried again for as long as that takes, and never parked.
var ErrAway = errors.New("what the handler needs is away")

// Option is an option of New.
type Option func(*settings)

type settings struct {
	concurrency int
	attempts    int
	first, most time.Duration
	lease       time.Duration
	holder      string
	logger      *slog.Logger
	// save is how often the checkpoint is stored; window bounds the events that are read and not handled, bytes their
	// size, and ring those that wait for the checkpoint.
	save                time.Duration
	window, bytes, ring int
}

// Concurrency bounds how many streams are handled at the same time; the default is 16.
func Concurrency(n int) Option { return func(s *settings) { s.concurrency = max(1, n) } }

// Attempts is how often an event is tried before its stream is parked; the default is 10, which take about a minute.
func Attempts(n int) Option { return func(s *settings) { s.attempts = max(1, n) } }

// Backoff is how long a failed event waits before it is tried again: first, and then twice as long each time, up to
// most. The defaults are 100 ms and a minute.
func Backoff(first, most time.Duration) Option {
	return func(s *settings) { s.first, s.most = max(first, time.Millisecond), max(first, most, time.Millisecond) }
}

// Lease is how long a process that died keeps the others from taking over; the default is 10 s.
func Lease(ttl time.Duration) Option {
	return func(s *settings) { s.lease = max(ttl, 100*time.Millisecond) }
}

// Logger is where failures are logged; the default is slog's.
func Logger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// Subscription delivers the events of a log to a handler. All methods are safe for concurrent use, but only one Run works
// at a time.
type Subscription struct {
	log      eventlog.Log
	store    Store
	def      Definition
	settings settings

	running sync.Mutex
	status  tracker
	poke    chan struct{}
}

// New returns a Subscription that keeps its checkpoint in the store. Nothing runs yet. A Definition that lacks something
// is a fault of the program: New panics.
func New(log eventlog.Log, store Store, def Definition, opts ...Option) *Subscription {
	switch {
	case def.Name == "" || len(def.Name) > 200:
		panic(fmt.Sprintf("subscription: the name %.80q has not 1 to 200 bytes", def.Name))
	case def.Start != Beginning && def.Start != Head:
		panic("subscription: " + def.Name + " says neither Beginning nor Head as its Start")
	case len(def.Events) == 0 || def.Handle == nil:
		panic("subscription: " + def.Name + " has no Events, or no Handle")
	}
	host, _ := os.Hostname()
	s := &Subscription{log: log, store: store, def: def, poke: make(chan struct{}, 1), settings: settings{
		concurrency: 16, attempts: 10, first: 100 * time.Millisecond, most: time.Minute, lease: 10 * time.Second,
		holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text()[:6]), logger: slog.Default(),
		save: 100 * time.Millisecond, window: 1000, bytes: 64 << 20, ring: 100_000,
	}}
	for _, opt := range opts {
		opt(&s.settings)
	}
	s.status.set(Status{Subscription: def.Name, Phase: Idle})
	return s
}

// Name returns the subscription's name.
func (s *Subscription) Name() string { return s.def.Name }

// Status returns how far the subscription is, as this process knows. It does no I/O.
func (s *Subscription) Status() Status { return s.status.get(time.Now()) }

// Parked returns the parked streams, by the positions of the events that failed.
func (s *Subscription) Parked(ctx context.Context) ([]Parked, error) {
	return s.store.Parked(ctx, s.def.Name)
}

// Retry lets a parked stream go on, from the event that failed, in whichever process works; ErrNotParked if it is not
// parked. The event gets one attempt: if it fails, the stream is parked again.
func (s *Subscription) Retry(ctx context.Context, stream cqrs.StreamID) error {
	if err := s.store.Retry(ctx, s.def.Name, stream); err != nil {
		return err
	}
	select {
	case s.poke <- struct{}{}:
	default:
	}
	return nil
}
