package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// announce makes the log say what the new events of the stream replace, before the first of them is stored. It says so
// once, and a process asks once whether it does.
func (p *part[S]) announce(ctx context.Context) error {
	for i := range p.of.def.Replaced {
		if p.of.announced[i].Load() || !p.replaces(&p.of.def.Replaced[i]) {
			continue
		}
		if err := p.of.announce(ctx, &p.of.def.Replaced[i]); err != nil {
			return fmt.Errorf("nothing was stored, because the log can't say first what is stored in the place of %s: %w",
				p.of.def.Replaced[i].Event, err)
		}
		p.of.announced[i].Store(true)
	}
	return nil
}

// replaces reports whether one of the new events is stored in the place of another one.
func (p *part[S]) replaces(r *cqrs.Replacement) bool {
	for i := range p.events.list {
		if slices.Contains(r.By, p.events.list[i].typ) {
			return true
		}
	}
	return false
}

// announce appends the event that says what is stored in the place of another one, unless it, or several, say all of that
// already. Another process may do so at the same time.
func (a *Aggregate[S]) announce(ctx context.Context, r *cqrs.Replacement) error {
	for n := 1; ; n++ {
		said, version, err := a.said(ctx, r.Stream())
		if err != nil || !slices.ContainsFunc(r.By, func(name string) bool { return !slices.Contains(said, name) }) {
			return err
		}
		err = a.say(ctx, r, version)
		if err == nil {
			return nil
		}
		if conflict := conflictOf(err); conflict == nil {
			return err
		} else if n == attempts {
			return fmt.Errorf("%v", conflict) // it is no conflict of the command
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// said returns the wire names of all events that a stream says are stored in another one's place, and its version.
func (a *Aggregate[S]) said(ctx context.Context, stream cqrs.StreamID) (names []string, at cqrs.Version, err error) {
	for rec, err := range a.runtime.store.ReadStream(ctx, stream, 1) {
		if err != nil {
			return nil, 0, err
		}
		v, err := rec.Replacement()
		if err != nil {
			return nil, 0, err
		}
		names, at = append(names, v.By...), rec.Version
	}
	return names, at, nil
}

// say appends the event to its stream at a version.
func (a *Aggregate[S]) say(ctx context.Context, r *cqrs.Replacement, at cqrs.Version) error {
	data, err := r.AppendJSON(nil)
	if err != nil {
		return err
	}
	c := eventlog.Commit{
		ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: a.runtime.now()},
		Streams: []eventlog.StreamAppend{{
			Stream: r.Stream(), Expected: eventlog.Exactly(at),
			Events: []eventlog.NewEvent{{Type: cqrs.Replaced, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data}},
		}},
	}
	_, err = a.runtime.store.Append(ctx, c)
	if errors.As(err, new(*eventlog.UnknownOutcomeError)) {
		_, err = a.settle(ctx, &c) // whose error is never that nobody knows: the command's own is not there yet
	}
	return err
}
