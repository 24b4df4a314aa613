package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// MostDuplicates bounds the duplicates that a DuplicatesError lists.
const MostDuplicates = 1_000

// Duplicate is a stream that has a value which another stream holds.
type Duplicate struct {
	Stream, Holder cqrs.StreamID
	// Space names the fields: that of Unique.
	Space string
}

// DuplicatesError says that some streams have values that are not theirs alone, and so were not claimed for them. All
// others were. Change the values, and claim again.
type DuplicatesError struct {
	// Duplicates are the first of them, in the order in which their streams were made.
	Duplicates []Duplicate
	// Total is the number of all.
	Total int
}

func (e *DuplicatesError) Error() string {
	d := e.Duplicates[0]
	text := fmt.Sprintf("%s has a value that %s holds (%s)", d.Stream, d.Holder, d.Space)
	if e.Total > 1 {
		text += fmt.Sprintf(", and %d more streams have one of another", e.Total-1)
	}
	return text
}

func (e *DuplicatesError) add(d Duplicate) {
	if e.Total++; e.Total <= MostDuplicates {
		e.Duplicates = append(e.Duplicates, d)
	}
}

// ClaimUnique makes the claims on unique values those of the states. It claims the values of streams that have not
// claimed them, such as those from before the model said that they are unique, and releases what streams hold and do not
// have any more because a program changed it that knew of no claims. It reads the whole log, and each of the streams.
// Commands may run meanwhile; it can be stopped, and done again, at any time.
//
// A *DuplicatesError lists the streams whose values other streams hold. Until they are changed, nothing keeps others
// from having these values too once their holders leave them.
func (a *Aggregate[S]) ClaimUnique(ctx context.Context) error {
	if err := a.runtime.book.Held(ctx, a.def.Category, func(h claim.Held) error { return a.releaseStale(ctx, h) }); err != nil {
		return err
	}
	found := &DuplicatesError{}
	if err := a.eachStream(ctx, func(s cqrs.StreamID) error { return a.claimFor(ctx, s, a.present, found) }); err != nil {
		return err
	}
	if slices.ContainsFunc(a.def.Unique, func(u Unique[S]) bool { return u.Keep }) {
		// What a stream only had once is not its own if another one has it now. That is no duplicate.
		past := func(s cqrs.StreamID) error { return a.claimFor(ctx, s, a.past, &DuplicatesError{}) }
		if err := a.eachStream(ctx, past); err != nil {
			return err
		}
	}
	if found.Total > 0 {
		return found
	}
	return nil
}

// releaseStale gives a value back that its stream does not have, unless it is to keep that. If a command changes the
// stream at the same time, it looks again: most changes are not about the value. If one changes the claim, that one takes
// care of it.
func (a *Aggregate[S]) releaseStale(ctx context.Context, h claim.Held) error {
	i := slices.IndexFunc(a.def.Unique, func(u Unique[S]) bool { return u.Space == h.Space })
	if i < 0 || a.def.Unique[i].Keep {
		return nil
	}
	for n := 1; ; n++ {
		err := a.releaseOnce(ctx, h, &a.def.Unique[i])
		var conflict *cqrs.ConflictError
		switch {
		case !errors.As(err, &conflict):
			return err
		case conflict.Stream != h.Holder:
			return nil
		case n == attempts:
			return fmt.Errorf("release a unique value of %s: given up after %d attempts: %w", h.Holder, n, err)
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

func (a *Aggregate[S]) releaseOnce(ctx context.Context, h claim.Held, u *Unique[S]) error {
	l, err := a.load(ctx, h.Holder, loadOptions{through: latest})
	if err != nil {
		return err
	}
	var v claim.Value
	u.Value(&l.state, &v)
	has, err := a.runtime.book.Is(ctx, h, &v)
	if err != nil || has {
		return err
	}
	return a.commit(ctx, []eventlog.StreamAppend{{Stream: h.Holder, Expected: eventlog.Exactly(l.version)}, h.Release()})
}

// commit stores what no command is behind.
func (a *Aggregate[S]) commit(ctx context.Context, streams []eventlog.StreamAppend) error {
	_, err := a.runtime.store.Append(ctx, eventlog.Commit{
		ID: cqrs.NewCommitID(), Meta: cqrs.CommandMeta{Time: a.runtime.now()}, Streams: streams,
	})
	return err
}

// eachStream calls do with each stream of the aggregate.
func (a *Aggregate[S]) eachStream(ctx context.Context, do func(cqrs.StreamID) error) error {
	for rec, err := range a.runtime.store.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return err
		}
		if rec.Version != 1 || rec.Stream.Category != a.def.Category {
			continue
		}
		stream := cqrs.StreamID{Category: a.def.Category, ID: strings.Clone(rec.Stream.ID)} // the record is used again
		if err := do(stream); err != nil {
			return fmt.Errorf("claim the unique values of %s: %w", stream, err)
		}
	}
	return nil
}

// owned is a value that a stream has, or had.
type owned struct {
	space string
	value claim.Value
}

// claimFor claims values of a stream, as long as it has the version that they were read at.
func (a *Aggregate[S]) claimFor(
	ctx context.Context, stream cqrs.StreamID,
	read func(context.Context, cqrs.StreamID) ([]owned, cqrs.Version, error), found *DuplicatesError,
) error {
	for n := 1; ; n++ {
		duplicates, err := a.claimOnce(ctx, stream, read)
		if !errors.As(err, new(*cqrs.ConflictError)) {
			for _, d := range duplicates {
				found.add(d)
			}
			return err
		}
		if n == attempts {
			return fmt.Errorf("given up after %d attempts: %w", n, err)
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

func (a *Aggregate[S]) claimOnce(
	ctx context.Context, stream cqrs.StreamID,
	read func(context.Context, cqrs.StreamID) ([]owned, cqrs.Version, error),
) (duplicates []Duplicate, err error) {
	values, version, err := read(ctx, stream)
	if err != nil {
		return nil, err
	}
	var claims []eventlog.StreamAppend
	joined := map[cqrs.StreamID]bool{}
	for i := range values {
		if !values[i].value.Claimed() {
			continue
		}
		join, holder, err := a.runtime.book.Claim(ctx, stream, values[i].space, &values[i].value)
		switch {
		case err != nil:
			return nil, err
		case holder != cqrs.StreamID{}:
			duplicates = append(duplicates, Duplicate{stream, holder, values[i].space})
		case join != nil && !joined[join.Stream]:
			claims, joined[join.Stream] = append(claims, *join), true
		}
	}
	// Claims do not change the stream, so that all commits expect it at the same version.
	expected := eventlog.StreamAppend{Stream: stream, Expected: eventlog.Exactly(version)}
	for some := range slices.Chunk(claims, eventlog.MaxStreams-1) {
		if err := a.commit(ctx, append([]eventlog.StreamAppend{expected}, some...)); err != nil {
			return duplicates, err
		}
	}
	return duplicates, nil
}

// present returns the values that a stream has, and its version.
func (a *Aggregate[S]) present(ctx context.Context, stream cqrs.StreamID) ([]owned, cqrs.Version, error) {
	l, err := a.load(ctx, stream, loadOptions{through: latest})
	if err != nil {
		return nil, 0, err
	}
	return a.owned(nil, &l.state, false), l.version, nil
}

// past returns the values that a stream had after earlier commits and that stay its own, and its version.
func (a *Aggregate[S]) past(ctx context.Context, stream cqrs.StreamID) (values []owned, _ cqrs.Version, err error) {
	watching := &Aggregate[S]{runtime: a.runtime, def: a.def}
	watching.def.NewFold = func() Fold[S] {
		return &watcher[S]{fold: a.def.NewFold(), between: func(s *S) { values = a.owned(values, s, true) }}
	}
	l, err := watching.load(ctx, stream, loadOptions{through: latest, noSnapshot: true})
	if err != nil {
		return nil, 0, err
	}
	return values, l.version, nil
}

// owned adds the unique values of a state.
func (a *Aggregate[S]) owned(values []owned, s *S, kept bool) []owned {
	for i := range a.def.Unique {
		if u := &a.def.Unique[i]; u.Keep || !kept {
			o := owned{space: u.Space}
			u.Value(s, &o.value)
			values = append(values, o)
		}
	}
	return values
}

// watcher is a fold that shows the states between commits: what a commit passes through nobody ever had.
type watcher[S any] struct {
	fold    Fold[S]
	between func(*S)
	last    cqrs.CommitID
}

func (w *watcher[S]) Apply(s *S, rec *cqrs.Record) error {
	if rec.Version > 1 && rec.Commit != w.last {
		w.between(s)
	}
	w.last = rec.Commit
	return w.fold.Apply(s, rec)
}
