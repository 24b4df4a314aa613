package aggregate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// lookFor bounds how long a command looks for a commit of which nobody knows whether it was stored.
const lookFor = 10 * time.Second

// store appends a commit. Where the log doesn't know what became of it, it is looked for until that is known: then the
// commit is stored, or never will be. If it can't be known, the error is still an *eventlog.UnknownOutcomeError.
func (a *Aggregate[S]) store(ctx context.Context, x *execution[S], c *eventlog.Commit) (eventlog.Appended, error) {
	done, err := a.runtime.store.Append(ctx, *c)
	if err == nil || !errors.As(err, new(*eventlog.UnknownOutcomeError)) {
		return done, err
	}
	x.lent, x.appends = true, nil
	done, settled := a.settle(ctx, c)
	if settled == nil || known(settled) {
		return done, settled
	}
	return eventlog.Appended{}, x.unknown(err)
}

// known reports whether an error says that a commit was not, and will never be, stored.
func known(err error) bool {
	return conflictOf(err) != nil || errors.As(err, new(*cqrs.CommandReusedError))
}

// unknown says what the caller can do.
func (x *execution[S]) unknown(err error) error {
	advice := "load it and look, before you give the command again"
	if x.opts.Meta.CommandID != "" {
		advice = "give it again under the same command id: it happens once"
	}
	return fmt.Errorf("command %s of %s may have happened or not, %s: %w", x.cmd.Name, x.own.stream, advice, err)
}

// settle finds out what became of a commit. If it is not there, the very same commit is appended once more: it expects
// the same versions, so that it can't be stored twice. Unless the error is a known one, it was not found out.
func (a *Aggregate[S]) settle(ctx context.Context, c *eventlog.Commit) (eventlog.Appended, error) {
	ctx, cancel := context.WithTimeout(ctx, a.runtime.lookFor)
	defer cancel()
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		done, found, err := a.look(ctx, c)
		if found || known(err) {
			return done, err
		}
		if err == nil {
			// A conflict is not the answer yet: perhaps it is with the commit itself. The next look tells.
			if done, err = a.runtime.store.Append(ctx, *c); err == nil {
				return done, nil
			}
		}
		if errors.Is(err, cqrs.ErrClosed) || errors.As(err, new(*eventlog.FailedError)) {
			return eventlog.Appended{}, err
		}
		if err := sleep(ctx, wait); err != nil {
			return eventlog.Appended{}, err
		}
	}
}

// look looks for a commit: under its command id, and at the versions that its events would have. If another one is
// there, the error is a *cqrs.ConflictError.
func (a *Aggregate[S]) look(ctx context.Context, c *eventlog.Commit) (done eventlog.Appended, found bool, err error) {
	if c.Meta.CommandID != "" {
		done, found, err = a.runtime.store.Command(ctx, c.Meta.CommandID, c.CommandHash)
		if found || err != nil {
			done.Repeated = true
			return done, found, err
		}
	}
	done = eventlog.Appended{Version: c.Version, Meta: c.Meta}
	for i := range c.Streams {
		s := &c.Streams[i]
		if i == 0 {
			done.Version = cqrs.Version(s.Expected) + cqrs.Version(len(s.Events))
		}
		if len(s.Events) == 0 {
			continue
		}
		position, err := a.lookAt(ctx, c.ID, s)
		if err != nil {
			return done, false, err
		}
		done.Position = max(done.Position, position)
	}
	return done, done.Position > 0, nil
}

// lookAt returns the position of a commit's last event in a stream, 0 where there is none yet.
func (a *Aggregate[S]) lookAt(ctx context.Context, id cqrs.CommitID, s *eventlog.StreamAppend) (cqrs.Position, error) {
	expected := cqrs.Version(s.Expected)
	for rec, err := range a.runtime.store.ReadStream(ctx, s.Stream, expected+1) {
		switch {
		case err != nil:
			return 0, err
		case rec.Commit != id:
			return 0, &cqrs.ConflictError{Stream: s.Stream, Expected: expected, Actual: rec.Version}
		case rec.Version == expected+cqrs.Version(len(s.Events)):
			return rec.Position, nil
		}
	}
	return 0, nil
}
