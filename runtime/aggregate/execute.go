package aggregate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
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
// if there is an error, except that an *eventlog.UnknownOutcomeError leaves it open. A command with an id that failed
// in any of these ways is looked up once more, so that it succeeds if it was stored after all.
func (a *Aggregate[S]) Execute(ctx context.Context, cmd Command[S], opts ...cqrs.CommandOption) (cqrs.Receipt, error) {
	var o cqrs.CommandOptions
	for _, opt := range opts {
		opt(&o)
	}
	o.Meta.Time = a.runtime.now()
	x := execution[S]{cmd: &cmd, opts: &o, stream: cqrs.StreamID{Category: a.def.Category, ID: cmd.ID}}
	if err := cmd.Check(); err != nil {
		return cqrs.Receipt{}, err
	}
	if err := x.stream.Validate(); err != nil {
		return cqrs.Receipt{}, err
	}
	if o.Meta.CommandID == "" {
		return a.inTurn(ctx, &x)
	}
	var err error
	if x.hash, err = a.digest(&cmd); err != nil {
		return cqrs.Receipt{}, err
	}
	if first, found, err := a.first(ctx, &x); found || err != nil {
		return first, err
	}
	receipt, err := a.inTurn(ctx, &x)
	if err != nil {
		return a.afterFailure(ctx, &x, err)
	}
	return receipt, nil
}

// execution is one command on its way.
type execution[S any] struct {
	cmd    *Command[S]
	opts   *cqrs.CommandOptions
	stream cqrs.StreamID
	hash   [32]byte // where the command has an id
}

// digest is what belongs to a command id, so that no other command can go under it.
func (a *Aggregate[S]) digest(cmd *Command[S]) ([32]byte, error) {
	b, err := cmd.AppendJSON([]byte(a.def.Category + "\x00" + cmd.ID + "\x00" + cmd.Name + "\x00"))
	return sha256.Sum256(b), err
}

// first returns the receipt that the command's id got the first time.
func (a *Aggregate[S]) first(ctx context.Context, x *execution[S]) (r cqrs.Receipt, found bool, err error) {
	done, found, err := a.runtime.store.Command(ctx, x.opts.Meta.CommandID, x.hash)
	if err != nil || !found {
		return cqrs.Receipt{}, false, err
	}
	done.Repeated = true
	return receiptOf(done), true, nil
}

// afterFailure looks the command id up once more. If the same command was executed at the same time, by another caller
// or process, then this one was decided on what that one left behind: its rejection means nothing.
func (a *Aggregate[S]) afterFailure(ctx context.Context, x *execution[S], failure error) (cqrs.Receipt, error) {
	first, found, err := a.first(ctx, x)
	if found || errors.As(err, new(*cqrs.CommandReusedError)) {
		return first, err
	}
	return cqrs.Receipt{}, failure
}

// inTurn waits for the stream's turn, and then attempts the command until no other process was faster.
func (a *Aggregate[S]) inTurn(ctx context.Context, x *execution[S]) (cqrs.Receipt, error) {
	if err := a.runtime.locks.acquire(ctx, x.stream); err != nil {
		return cqrs.Receipt{}, err
	}
	defer a.runtime.locks.release(x.stream)
	for n := 1; ; n++ {
		receipt, err := a.attempt(ctx, x)
		var conflict *cqrs.ConflictError
		if !errors.As(err, &conflict) || x.opts.HasVersion {
			return receipt, err
		}
		if n == attempts {
			return receipt, fmt.Errorf("command %s was given up after %d attempts: %w", x.cmd.Name, n, err)
		}
		if err := pause(ctx, n); err != nil {
			return receipt, err
		}
	}
}

// attempt decides once, on a fresh load.
func (a *Aggregate[S]) attempt(ctx context.Context, x *execution[S]) (cqrs.Receipt, error) {
	l, err := a.loadFor(ctx, x)
	if err != nil {
		return cqrs.Receipt{}, err
	}
	var events Events
	if err := a.decide(x, l, &events); err != nil {
		// Nobody knows what was done to l: it is not put back.
		return cqrs.Receipt{}, a.unlessExisting(ctx, x, err)
	}
	if len(events.list) > 0 {
		return a.append(ctx, x, l, &events)
	}
	if err := a.unlessExisting(ctx, x, nil); err != nil {
		return cqrs.Receipt{}, err
	}
	if x.cmd.Stream != MustBeNew {
		a.cache.put(x.stream, l)
	}
	return a.record(ctx, x, l.version)
}

// append stores the events, which l reflects already.
func (a *Aggregate[S]) append(ctx context.Context, x *execution[S], l *loaded[S], events *Events) (cqrs.Receipt, error) {
	c := x.commit()
	c.Streams = []eventlog.StreamAppend{
		{Stream: x.stream, Expected: eventlog.Exactly(l.version), Events: events.stored()},
	}
	done, err := a.runtime.store.Append(ctx, c)
	if err != nil {
		return cqrs.Receipt{}, existing(x, err)
	}
	if !done.Repeated {
		l.version, l.commit = l.version+cqrs.Version(len(events.list)), c.ID
		a.takeSnapshot(x.stream, l)
		a.cache.put(x.stream, l)
	}
	return receiptOf(done), nil
}

// unlessExisting returns the outcome of a command without events. A creating command did not look at its stream, and no
// append will tell whether that is new.
func (a *Aggregate[S]) unlessExisting(ctx context.Context, x *execution[S], outcome error) error {
	if x.cmd.Stream != MustBeNew || outcome != nil && !errors.As(outcome, new(cqrs.Rejection)) {
		return outcome
	}
	l, err := a.refresh(ctx, x.stream)
	if err != nil {
		return err
	}
	a.cache.put(x.stream, l)
	if l.version > 0 {
		return &cqrs.AlreadyExistsError{Stream: x.stream}
	}
	return outcome
}

// record answers a command without events, and stores its id, if it has one.
func (a *Aggregate[S]) record(ctx context.Context, x *execution[S], v cqrs.Version) (cqrs.Receipt, error) {
	if x.opts.Meta.CommandID == "" {
		head, err := a.runtime.store.Head(ctx)
		if err != nil {
			return cqrs.Receipt{}, err
		}
		return cqrs.Receipt{Position: head, Version: v, Time: x.opts.Meta.Time}, nil
	}
	c := x.commit()
	c.Version = v
	done, err := a.runtime.store.Append(ctx, c)
	if err != nil {
		return cqrs.Receipt{}, err
	}
	return receiptOf(done), nil
}

// commit returns a new commit of the command, without events.
func (x *execution[S]) commit() eventlog.Commit {
	return eventlog.Commit{ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: x.opts.Meta, CommandHash: x.hash}
}

// loadFor loads what the command needs to see. A command on a new stream needs nothing: its append says whether the
// stream is new.
func (a *Aggregate[S]) loadFor(ctx context.Context, x *execution[S]) (*loaded[S], error) {
	if x.cmd.Stream == MustBeNew {
		if x.opts.HasVersion && x.opts.Version != 0 {
			return nil, &cqrs.ConflictError{Stream: x.stream, Expected: x.opts.Version}
		}
		return a.empty(), nil
	}
	l, err := a.refresh(ctx, x.stream)
	if err != nil {
		return nil, err
	}
	if l.version == 0 && x.cmd.Stream == MustExist {
		return nil, &cqrs.NotFoundError{Stream: x.stream}
	}
	if x.opts.HasVersion && l.version != x.opts.Version {
		a.cache.put(x.stream, l)
		return nil, &cqrs.ConflictError{Stream: x.stream, Expected: x.opts.Version, Actual: l.version}
	}
	return l, nil
}

// rejection keeps a decider's rejections to those that the model declares. One that was returned as a pointer, as most
// errors are, is returned as the value that callers look for with errors.As.
func (a *Aggregate[S]) rejection(x *execution[S], err error) error {
	var r cqrs.Rejection
	if !errors.As(err, &r) {
		return err
	}
	if !slices.Contains(x.cmd.Rejects, r.RejectionType()) {
		return &cqrs.UndeclaredRejectionError{Command: x.cmd.Name, Rejection: r}
	}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && !v.IsNil() {
		if value, ok := v.Elem().Interface().(cqrs.Rejection); ok {
			return value
		}
	}
	return err
}

// decide calls the team's code, keeps its rejections to those that the model declares, and applies the new events to
// the state. They are applied as they will be read back, by the same fold: a state that is kept can neither differ from
// the history nor share memory with the command.
func (a *Aggregate[S]) decide(x *execution[S], l *loaded[S], out *Events) (err error) {
	in := x.cmd.Name
	defer func() {
		if p := recover(); p != nil {
			err = &cqrs.PanicError{In: a.def.Category + "." + in, Value: fmt.Sprint(p), Stack: debug.Stack()}
		}
	}()
	if err := x.cmd.Decide(&l.state, x.opts.Meta, out); err != nil {
		return a.rejection(x, err)
	}
	if len(out.list) == 0 {
		return nil
	}
	fold := a.def.NewFold()
	rec := cqrs.Record{EventMeta: cqrs.EventMeta{Stream: x.stream, Version: l.version, Time: x.opts.Meta.Time}}
	for _, e := range out.stored() {
		in = "Apply" + e.Type
		rec.Version++
		rec.Type, rec.SchemaVersion, rec.ContentType, rec.Data = e.Type, e.SchemaVersion, e.ContentType, e.Data
		if err := fold.Apply(&l.state, &rec); err != nil {
			return &ApplyError{Type: e.Type, Err: err}
		}
	}
	return nil
}

// existing says in the command's own words that the stream of a creating command is not new.
func existing[S any](x *execution[S], err error) error {
	var conflict *cqrs.ConflictError
	if x.cmd.Stream == MustBeNew && errors.As(err, &conflict) {
		return &cqrs.AlreadyExistsError{Stream: x.stream}
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
