package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Checkpoint is how far a subscription is. Checkpoints are compared whole.
type Checkpoint struct {
	// Position is "scanned through": every event up to here was handled, or its stream is parked.
	Position cqrs.Position
	// Commit is that of the event at Position. A log that has another one there is another log.
	Commit cqrs.CommitID
	// Passed counts the events up to Position that the subscription is for, since the log's beginning.
	Passed int64
	// Started says that the subscription ran once: at position 0 too, where it may have begun at the head of an empty log.
	Started bool
}

// Parked is a stream that waits because the handler of one of its events failed too often.
type Parked struct {
	Stream cqrs.StreamID
	// Version and Position are those of the event that failed; all behind it on the stream waits too.
	Version  cqrs.Version
	Position cqrs.Position
	// Type is the event's wire name.
	Type string
	// Attempts says how often the event was tried, Error how it failed last, and Since when, in UTC.
	Attempts int
	Error    string
	Since    time.Time
	// Retry says that somebody asked for another attempt, which is not made yet.
	Retry bool
}

// Step moves a subscription on.
type Step struct {
	// Holder is who makes the step.
	Holder   string
	From, To Checkpoint
	// Park are streams to be parked, or parked at another event. They are stored as they are.
	Park []Parked
	// Unpark are streams that are not parked any more.
	Unpark []cqrs.StreamID
}

// Info is what a store knows of a subscription.
type Info struct {
	Name       string
	Checkpoint Checkpoint
	Parked     int
	// Holder names the process that has the lease until Until, by the store's clock; it is empty if nobody has.
	Holder string
	Until  time.Time
	// Report is what a holder said last, the JSON of a Status, at the time Reported.
	Report   []byte
	Reported time.Time
}

// Store keeps checkpoints and parked streams. It is safe for concurrent use, by several processes where its kind allows
// that. Package subscriptiontest has the suite that every Store passes.
type Store interface {
	// Load returns a subscription's checkpoint; the zero one if it never ran.
	Load(ctx context.Context, name string) (Checkpoint, error)

	// Save makes a step, whole or not at all, if the stored checkpoint is that of From and the lease is nobody's but the
	// Holder's, whether it has ended or not; else it fails with ErrFenced. A step that parks or unparks may leave the
	// checkpoint where it is: the lease tells such a step of a process that was stopped from one of who took over.
	Save(ctx context.Context, name string, s *Step) error

	// Parked returns the parked streams, by Position.
	Parked(ctx context.Context, name string) ([]Parked, error)

	// Retry asks for another attempt of a parked stream; ErrNotParked if it is not parked.
	Retry(ctx context.Context, name string, stream cqrs.StreamID) error

	// Hold takes the lease of a subscription for a time, by the store's clock, or renews it, and leaves a report. While
	// another one has it, the error is a *HeldError.
	Hold(ctx context.Context, name, holder string, ttl time.Duration, report []byte) error

	// Release gives the lease up, if holder has it, and leaves a report.
	Release(ctx context.Context, name, holder string, report []byte) error

	// Subscriptions returns all that were ever held or saved, by name.
	Subscriptions(ctx context.Context) ([]Info, error)
}

// ErrFenced says that another process moved the checkpoint, or has taken over.
var ErrFenced = errors.New("another process has taken over the subscription")

// ErrNotParked says that a stream is not parked.
var ErrNotParked = errors.New("the stream is not parked")

// ErrUnavailable is wrapped by errors of a Store that pass by themselves: its server could not be reached, or went away.
var ErrUnavailable = errors.New("the store of the subscription is not available")

// ErrRunning says that the subscription is at work already.
var ErrRunning = errors.New("it is running already")

// HeldError says that another process works on a subscription.
type HeldError struct {
	Subscription, Holder string
	// Until is when the lease ends if it is not renewed, by the store's clock.
	Until time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("subscription %s is held by %s until %s", e.Subscription, e.Holder, e.Until.Format(time.RFC3339Nano))
}

// HistoryError says that a checkpoint was made from another log: this one has not the commit that it names, at its
// position. A log was restored from an older backup, for one: what was delivered from the lost part can't be taken back,
// so that a person has to say where to go on, under another name.
type HistoryError struct {
	Subscription string
	Position     cqrs.Position
	// Commit is what the checkpoint names, Found what the log has; zero if it has nothing there.
	Commit, Found cqrs.CommitID
}

func (e *HistoryError) Error() string {
	found := "nothing"
	if e.Found != (cqrs.CommitID{}) {
		found = fmt.Sprintf("commit %x", e.Found)
	}
	return fmt.Sprintf("subscription %s: its checkpoint was made from another log: it names commit %x at position %d, where "+
		"this log has %s; give it another name, and say with Start where that begins", e.Subscription, e.Commit, e.Position, found)
}
