package aggregate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// attempts bounds how often a command is decided. Within a process commands on one stream take turns, so that only
// other processes cause conflicts, and commands on other streams that want the same unique value.
const attempts = 50

// Execute checks the command, loads its stream and the further ones, decides, applies the new events and appends them
// in one commit, and starts again from a fresh load if another writer was faster on any of the streams.
//
// A state that an earlier command left in memory is decided on as it is. The append expects its version, and an answer
// without events is given only once nothing is new behind it.
//
// Errors: *cqrs.ValidationError, *cqrs.InvalidStreamError and *cqrs.SameStreamError before anything is loaded;
// *cqrs.NotFoundError and *cqrs.AlreadyExistsError as the command says for each stream; the decider's rejection, which
// is a cqrs.Rejection, that of a value that another stream has, or *cqrs.UndeclaredRejectionError;
// *cqrs.ConflictError under IfVersion, which is about the command's own stream; *GivenUpError after too many attempts;
// *ApplyError, *MoveError, *cqrs.EncodingError, *cqrs.MissingEventError, *cqrs.NotLoadedError and *cqrs.PanicError for
// faults in deciders and folds; *cqrs.CommandReusedError; *claim.KeyError; what the log returns. Nothing is stored if
// there is an error, except that an *eventlog.UnknownOutcomeError leaves it open: the command was looked for, and not
// decided again. A command with an id that failed in any of these ways is looked up once more, so that it succeeds if
// it was stored after all.
func (a *Aggregate[S]) Execute(ctx context.Context, cmd Command[S], opts ...cqrs.CommandOption) (cqrs.Receipt, error) {
	x := a.begin(cmd)
	for _, opt := range opts {
		opt(&x.opts)
	}
	x.opts.Meta.Time, x.own.exact = a.runtime.now(), x.opts.HasVersion
	receipt, err := a.execute(ctx, x)
	if err == nil && !x.lent {
		a.end(x)
	}
	return receipt, err
}

func (a *Aggregate[S]) execute(ctx context.Context, x *execution[S]) (cqrs.Receipt, error) {
	if err := x.prepare(); err != nil {
		return cqrs.Receipt{}, err
	}
	if x.opts.Meta.CommandID == "" {
		return a.inTurn(ctx, x)
	}
	var err error
	if x.hash, err = a.digest(&x.cmd); err != nil {
		return cqrs.Receipt{}, err
	}
	if first, found, err := a.first(ctx, x); found || err != nil {
		return first, err
	}
	receipt, err := a.inTurn(ctx, x)
	if err != nil {
		return a.afterFailure(ctx, x, err)
	}
	return receipt, nil
}

// execution is one command on its way. Its memory is used again by later ones.
type execution[S any] struct {
	cmd    Command[S]
	opts   cqrs.CommandOptions
	own    part[S]
	others []participant
	// streams are all streams of the command, in the order in which they are locked.
	streams []cqrs.StreamID
	appends []eventlog.StreamAppend
	hash    [32]byte // where the command has an id
	claimed bool     // claims were read
	// again says that an attempt was made already: states in memory were not the newest, or may be so again.
	again bool
	// lent says that the log may still read what it was given: nothing of that may be used again.
	lent bool
}

// begin returns an execution of a command.
func (a *Aggregate[S]) begin(cmd Command[S]) *execution[S] {
	x, _ := a.idle.Get().(*execution[S])
	if x == nil {
		x = &execution[S]{own: part[S]{of: a}}
	}
	x.cmd = cmd
	x.own.stream, x.own.exists = cqrs.StreamID{Category: a.def.Category, ID: cmd.ID}, cmd.Stream
	x.own.events.coder = a.coder(x.own.stream)
	return x
}

// end leaves the execution's memory to later commands. Nothing of the command's own stays in it.
func (a *Aggregate[S]) end(x *execution[S]) {
	x.own.clear()
	clear(x.streams)
	clear(x.appends)
	x.streams, x.appends, x.others = x.streams[:0], x.appends[:0], nil
	x.cmd, x.opts, x.hash = Command[S]{}, cqrs.CommandOptions{}, [32]byte{}
	x.claimed, x.again = false, false
	a.idle.Put(x)
}

// prepare checks the command and finds its streams.
func (x *execution[S]) prepare() error {
	if err := x.cmd.Check(); err != nil {
		return err
	}
	x.streams = append(x.streams, x.own.stream)
	if x.cmd.Also != nil {
		if err := x.collect(); err != nil {
			return err
		}
	}
	for _, s := range x.streams {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	slices.SortFunc(x.streams, byName)
	for i := range x.streams[1:] {
		if x.streams[i] == x.streams[i+1] {
			return &cqrs.SameStreamError{Command: x.cmd.Name, Stream: x.streams[i]}
		}
	}
	return nil
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

// inTurn waits for the turn of all streams, and then attempts the command until no other process was faster.
func (a *Aggregate[S]) inTurn(ctx context.Context, x *execution[S]) (cqrs.Receipt, error) {
	if err := a.runtime.locks.acquire(ctx, x.streams); err != nil {
		return cqrs.Receipt{}, err
	}
	defer a.runtime.locks.release(x.streams)
	receipt, err := a.attempt(ctx, x)
	for n := 1; x.decidedInVain(err); n++ {
		if n == attempts {
			return receipt, x.givenUp(err)
		}
		if err := pause(ctx, n); err != nil {
			return receipt, err
		}
		x.again = true
		receipt, err = a.attempt(ctx, x)
	}
	return receipt, err
}

// decidedInVain reports whether another writer was faster, so that the command is to be decided again.
func (x *execution[S]) decidedInVain(err error) bool {
	conflict := conflictOf(err)
	return conflict != nil && !(x.opts.HasVersion && conflict.Stream == x.own.stream)
}

// conflictOf returns the conflict that an error is, nil if it is none. What an unknown outcome wraps is no answer.
func conflictOf(err error) *cqrs.ConflictError {
	if err == nil || errors.As(err, new(*eventlog.UnknownOutcomeError)) {
		return nil
	}
	var conflict *cqrs.ConflictError
	errors.As(err, &conflict)
	return conflict
}

// attempt decides once.
func (a *Aggregate[S]) attempt(ctx context.Context, x *execution[S]) (cqrs.Receipt, error) {
	if err := x.load(ctx); err != nil {
		x.keep()
		return cqrs.Receipt{}, err
	}
	if err := x.guard(); err != nil {
		moved := x.confirm(ctx)
		x.keep()
		return cqrs.Receipt{}, cmp.Or(moved, err)
	}
	err := x.decide()
	if err == nil && x.gets() > 0 {
		return a.append(ctx, x)
	}
	if err := a.confirmed(ctx, x, err); err != nil {
		// Nobody knows what was done to the states: they are not put back.
		return cqrs.Receipt{}, err
	}
	version := x.own.loaded.version
	x.keep()
	return a.record(ctx, x, version)
}

// load loads what the command needs to see. A command on a new stream needs nothing of it: its append says whether the
// stream is new.
func (x *execution[S]) load(ctx context.Context) error {
	if x.again {
		x.own.drop()
		for _, p := range x.others {
			p.drop()
		}
	}
	if err := x.loadOwn(ctx); err != nil {
		return err
	}
	for _, p := range x.others {
		if err := p.load(ctx, x.again); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution[S]) loadOwn(ctx context.Context) error {
	var version cqrs.Version
	if x.cmd.Stream == MustBeNew {
		x.own.loaded = x.own.of.empty()
	} else {
		if err := x.own.load(ctx, x.again); err != nil {
			return err
		}
		version = x.own.loaded.version
	}
	if x.opts.HasVersion && version != x.opts.Version {
		return &cqrs.ConflictError{Stream: x.own.stream, Expected: x.opts.Version, Actual: version}
	}
	return nil
}

// guard rejects a command that can't be given in the state of its stream.
func (x *execution[S]) guard() error {
	if x.cmd.Guard == nil {
		return nil
	}
	return x.cmd.Guard(&x.own.loaded.state)
}

// keep gives states that nobody changed back to the caches.
func (x *execution[S]) keep() {
	x.own.keep()
	for _, p := range x.others {
		p.keep()
	}
}

// gets is the number of new events.
func (x *execution[S]) gets() int {
	n := x.own.gets()
	for _, p := range x.others {
		n += p.gets()
	}
	return n
}

// append stores the events, which the states reflect already.
func (a *Aggregate[S]) append(ctx context.Context, x *execution[S]) (cqrs.Receipt, error) {
	c := x.commit()
	x.appends = append(x.appends[:0], x.own.appends())
	for _, p := range x.others {
		x.appends = append(x.appends, p.appends())
	}
	claims, err := x.claims(ctx)
	if err != nil {
		return cqrs.Receipt{}, a.confirmed(ctx, x, err)
	}
	x.appends = append(x.appends, claims.Appends()...)
	c.Streams = x.appends
	if err := x.announce(ctx); err != nil {
		return cqrs.Receipt{}, err
	}
	done, err := a.store(ctx, x, &c)
	if err != nil {
		return cqrs.Receipt{}, contested(&claims, existing(x, err))
	}
	if !done.Repeated && !x.lent {
		x.own.stored(c.ID, c.Meta.Time)
		for _, p := range x.others {
			p.stored(c.ID, c.Meta.Time)
		}
	}
	return receiptOf(done), nil
}

// announce makes the log say what the new events replace.
func (x *execution[S]) announce(ctx context.Context) error {
	if err := x.own.announce(ctx); err != nil {
		return err
	}
	for _, p := range x.others {
		if err := p.announce(ctx); err != nil {
			return err
		}
	}
	return nil
}

// confirmed returns the outcome of a command without events, once it is certain that it was decided on what is there.
func (a *Aggregate[S]) confirmed(ctx context.Context, x *execution[S], outcome error) error {
	if err := x.confirm(ctx); err != nil {
		return err
	}
	return a.unlessExisting(ctx, x, outcome)
}

// unlessExisting returns the outcome of a command without events. A creating command did not look at its stream, and no
// append will tell whether that is new.
func (a *Aggregate[S]) unlessExisting(ctx context.Context, x *execution[S], outcome error) error {
	if x.cmd.Stream != MustBeNew || outcome != nil && !errors.As(outcome, new(cqrs.Rejection)) {
		return outcome
	}
	l, err := a.refresh(ctx, x.own.stream)
	if err != nil {
		return err
	}
	if l.version == 0 {
		return outcome // and nothing to keep: that a stream is not there is never answered from memory
	}
	a.cache.put(x.own.stream.ID, l)
	return &cqrs.AlreadyExistsError{Stream: x.own.stream}
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
	done, err := a.store(ctx, x, &c)
	if err != nil {
		return cqrs.Receipt{}, err
	}
	return receiptOf(done), nil
}

// commit returns a new commit of the command, without events.
func (x *execution[S]) commit() eventlog.Commit {
	return eventlog.Commit{ID: cqrs.NewCommitID(), Meta: x.opts.Meta, CommandHash: x.hash}
}

// rejection keeps a decider's rejections to those that the model declares. One that was returned as a pointer, as most
// errors are, is returned as the value that callers look for with errors.As.
func (x *execution[S]) rejection(err error) error {
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

// decide calls the team's code and applies the new events to the states of their streams.
func (x *execution[S]) decide() error {
	if err := x.call(); err != nil {
		return x.rejection(err)
	}
	if err := x.own.apply(x.opts.Meta); err != nil {
		return err
	}
	for _, p := range x.others {
		if err := p.apply(x.opts.Meta); err != nil {
			return err
		}
	}
	return nil
}

// call calls the decider. What it panics with is an error.
func (x *execution[S]) call() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(x.own.stream.Category+"."+x.cmd.Name, p)
		}
	}()
	err = x.cmd.Decide(&x.own.loaded.state, x.opts.Meta, &x.own.events)
	if err == nil {
		return nil
	}
	var stray *cqrs.NotLoadedError
	if errors.As(err, &stray) {
		stray.Command = x.cmd.Name
	}
	return err
}

// existing says in the command's own words that the stream of a creating command is not new.
func existing[S any](x *execution[S], err error) error {
	conflict := conflictOf(err)
	if x.cmd.Stream == MustBeNew && conflict != nil && conflict.Stream == x.own.stream {
		return &cqrs.AlreadyExistsError{Stream: x.own.stream}
	}
	return err
}

func receiptOf(d eventlog.Appended) cqrs.Receipt {
	return cqrs.Receipt{Position: d.Position, Version: d.Version, Time: d.Meta.Time, Repeated: d.Repeated}
}

// pause waits a random time that grows with the attempts, so that processes in conflict get out of each other's way.
func pause(ctx context.Context, attempt int) error {
	return sleep(ctx, rand.N(time.Duration(min(attempt, 20))*time.Millisecond))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
