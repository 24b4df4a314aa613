package aggregate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// attempts bounds how often a command is decided. Within a process commands on one stream take turns, so that only
// other processes cause conflicts; the last conflict is returned.
const attempts = 50

// Execute checks the command, loads its stream, decides, applies the new events and appends them, and starts again
// from a fresh load if another writer was faster.
//
// Errors: *cqrs.ValidationError and *cqrs.InvalidStreamError before anything is loaded; *cqrs.NotFoundError and
// *cqrs.AlreadyExistsError as the command's Stream says; the decider's rejection, which is a cqrs.Rejection, or
// *cqrs.UndeclaredRejectionError; *cqrs.ConflictError under IfVersion, or after too many attempts; *ApplyError,
// *cqrs.EncodingError and *cqrs.PanicError for faults in deciders and folds; what the log returns. Nothing is stored
// if there is an error, except that an *eventlog.UnknownOutcomeError leaves it open.
func (a *Aggregate[S]) Execute(ctx context.Context, cmd Command[S], opts ...cqrs.CommandOption) (cqrs.Receipt, error) {
	var o cqrs.CommandOptions
	for _, opt := range opts {
		opt(&o)
	}
	o.Meta.Time = a.runtime.now()
	stream := cqrs.StreamID{Category: a.def.Category, ID: cmd.ID}
	if err := cmd.Check(); err != nil {
		return cqrs.Receipt{}, err
	}
	if err := stream.Validate(); err != nil {
		return cqrs.Receipt{}, err
	}
	hash, first, err := a.before(ctx, &cmd, o.Meta.CommandID)
	if err != nil || first.Repeated {
		return first, err
	}
	if err := a.runtime.locks.acquire(ctx, stream); err != nil {
		return cqrs.Receipt{}, err
	}
	defer a.runtime.locks.release(stream)
	for n := 1; ; n++ {
		receipt, err := a.attempt(ctx, stream, &cmd, &o, hash)
		var conflict *cqrs.ConflictError
		if !errors.As(err, &conflict) || o.HasVersion {
			return receipt, err
		}
		if n == attempts {
			return receipt, fmt.Errorf("command %s was given up after %d attempts: %w", cmd.Name, n, err)
		}
		if err := pause(ctx, n); err != nil {
			return receipt, err
		}
	}
}

// before looks a repeated command up, where the command has an id.
func (a *Aggregate[S]) before(ctx context.Context, cmd *Command[S], id string) (hash [32]byte, r cqrs.Receipt, err error) {
	if id == "" {
		return hash, r, nil
	}
	b, err := cmd.AppendJSON([]byte(a.def.Category + "\x00" + cmd.ID + "\x00" + cmd.Name + "\x00"))
	if err != nil {
		return hash, r, err
	}
	hash = sha256.Sum256(b)
	done, found, err := a.runtime.store.Command(ctx, id, hash)
	if err != nil || !found {
		return hash, r, err
	}
	done.Repeated = true
	return hash, receiptOf(done), nil
}

// attempt decides once, on a fresh load.
func (a *Aggregate[S]) attempt(
	ctx context.Context, stream cqrs.StreamID, cmd *Command[S], o *cqrs.CommandOptions, hash [32]byte,
) (cqrs.Receipt, error) {
	l, err := a.loadFor(ctx, stream, cmd, o)
	if err != nil {
		return cqrs.Receipt{}, err
	}
	var events Events
	if err := a.decide(cmd, l, o.Meta, &events); err != nil {
		if len(events.list) == 0 && !errors.As(err, new(*cqrs.PanicError)) && !errors.As(err, new(*ApplyError)) {
			a.cache.put(stream, l) // rejected: nothing was applied
		}
		return cqrs.Receipt{}, err
	}
	if len(events.list) == 0 && o.Meta.CommandID == "" {
		a.cache.put(stream, l)
		head, err := a.runtime.store.Head(ctx)
		return cqrs.Receipt{Position: head, Version: l.version, Time: o.Meta.Time}, err
	}
	c := eventlog.Commit{ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: o.Meta, CommandHash: hash}
	if len(events.list) > 0 {
		c.Streams = []eventlog.StreamAppend{{Stream: stream, Expected: eventlog.Exactly(l.version), Events: events.stored()}}
	}
	done, err := a.runtime.store.Append(ctx, c)
	if err != nil {
		return cqrs.Receipt{}, existing(cmd, stream, err)
	}
	receipt := receiptOf(done)
	if len(events.list) == 0 && !done.Repeated {
		receipt.Version = l.version
	}
	if !done.Repeated {
		if len(events.list) > 0 {
			l.version, l.commit = l.version+cqrs.Version(len(events.list)), c.ID
			a.takeSnapshot(stream, l)
		}
		a.cache.put(stream, l)
	}
	return receipt, nil
}

// loadFor loads what the command needs to see. A command on a new stream needs nothing: its append says whether the
// stream is new.
func (a *Aggregate[S]) loadFor(ctx context.Context, stream cqrs.StreamID, cmd *Command[S], o *cqrs.CommandOptions) (*loaded[S], error) {
	if cmd.Stream == MustBeNew {
		if o.HasVersion && o.Version != 0 {
			return nil, &cqrs.ConflictError{Stream: stream, Expected: o.Version}
		}
		return a.empty(), nil
	}
	l, err := a.refresh(ctx, stream)
	switch {
	case err != nil:
		return nil, err
	case l.version == 0 && cmd.Stream == MustExist:
		return nil, &cqrs.NotFoundError{Stream: stream}
	case o.HasVersion && l.version != o.Version:
		return nil, &cqrs.ConflictError{Stream: stream, Expected: o.Version, Actual: l.version}
	}
	return l, nil
}

// decide calls the team's code, and keeps its rejections to those that the model declares.
func (a *Aggregate[S]) decide(cmd *Command[S], l *loaded[S], meta cqrs.CommandMeta, out *Events) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &cqrs.PanicError{In: a.def.Category + "." + cmd.Name, Value: fmt.Sprint(p), Stack: debug.Stack()}
		}
	}()
	err = cmd.Decide(&l.state, meta, out)
	if err == nil {
		return nil
	}
	var r cqrs.Rejection
	if errors.As(err, &r) && !slices.Contains(cmd.Rejects, r.RejectionType()) {
		return &cqrs.UndeclaredRejectionError{Command: cmd.Name, Rejection: r}
	}
	return err
}

// existing says in the command's own words that the stream of a creating command is not new.
func existing[S any](cmd *Command[S], stream cqrs.StreamID, err error) error {
	var conflict *cqrs.ConflictError
	if cmd.Stream == MustBeNew && errors.As(err, &conflict) {
		return &cqrs.AlreadyExistsError{Stream: stream}
	}
	return err
}

func receiptOf(d eventlog.Appended) cqrs.Receipt {
	return cqrs.Receipt{Position: d.Position, Version: d.Version, Time: d.Meta.Time, Repeated: d.Repeated}
}

// pause waits a random time that grows with the attempts, so that processes in conflict get out of each other's way.
func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(rand.N(time.Duration(min(attempt, 20)) * time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
