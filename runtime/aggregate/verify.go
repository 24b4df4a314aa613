package aggregate

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

var errNotSealed = errors.New("it is not what was written, or only a part of that")

// VerifySnapshots replays the stream of every snapshot up to the snapshot's version, compares the two states, and
// yields what it found, one finding for each snapshot. It changes nothing, and commands may run meanwhile: a snapshot that is
// replaced while it is looked at is verified as it was. An error of the store ends it; there is no finding beside it.
func (a *Aggregate[S]) VerifySnapshots(ctx context.Context) iter.Seq2[snapshot.Finding, error] {
	return func(yield func(snapshot.Finding, error) bool) {
		if !a.def.Snapshot.Any() {
			return // what is left of earlier ones is never used
		}
		for stream, err := range a.runtime.store.ListSnapshots(ctx, a.def.Category) {
			if err != nil {
				yield(snapshot.Finding{}, err)
				return
			}
			found, err := a.verifySnapshot(ctx, stream)
			switch {
			case err != nil:
				yield(snapshot.Finding{}, err)
				return
			case found.Verdict != "" && !yield(found, nil):
				return
			}
		}
	}
}

// VerifySnapshots verifies the snapshots of all aggregates of the runtime. See Aggregate.VerifySnapshots.
func (r *Runtime) VerifySnapshots(ctx context.Context) iter.Seq2[snapshot.Finding, error] {
	return func(yield func(snapshot.Finding, error) bool) {
		for _, verify := range r.verifiers {
			for found, err := range verify(ctx) {
				if !yield(found, err) || err != nil {
					return
				}
			}
		}
	}
}

// verifySnapshot returns a finding without a verdict where the snapshot is gone.
func (a *Aggregate[S]) verifySnapshot(ctx context.Context, stream cqrs.StreamID) (snapshot.Finding, error) {
	f := snapshot.Finding{Stream: stream}
	sealed, err := a.runtime.store.LoadSnapshot(ctx, stream)
	if sealed == nil || err != nil {
		return f, err
	}
	h, body, ok := snapshot.Open(sealed)
	switch {
	case !ok || h.Version < 1:
		f.Verdict, f.Err = snapshot.Damaged, errNotSealed
		return f, nil
	case h.Fingerprint != a.def.Fingerprint:
		f.Version, f.Verdict = h.Version, snapshot.Stale
		return f, nil
	}
	f.Version = h.Version
	var kept S
	switch err := a.decodeState(stream, body, &kept); {
	case errors.Is(err, personal.ErrErasedSince):
		f.Verdict = snapshot.Stale
		return f, nil
	case errors.Is(err, personal.ErrUnavailable):
		return f, err
	case err != nil:
		f.Verdict, f.Err = snapshot.Damaged, err
		return f, nil
	}
	return f, a.compare(ctx, &f, h.Commit, &kept)
}

// compare replays the history and completes the finding.
func (a *Aggregate[S]) compare(ctx context.Context, f *snapshot.Finding, c cqrs.CommitID, kept *S) error {
	l, err := a.load(ctx, f.Stream, loadOptions{through: f.Version, noSnapshot: true})
	switch {
	case errors.As(err, new(*ApplyError)):
		f.Verdict, f.Err = snapshot.Unreplayable, err
		return nil
	case err != nil:
		return err
	case l.version != f.Version || l.commit != c:
		f.Verdict = snapshot.Foreign
		return nil
	}
	if f.Snapshot, err = a.appendState(f.Stream, kept); err == nil {
		f.Replayed, err = a.appendState(f.Stream, &l.state)
	}
	switch {
	case err != nil:
		f.Verdict, f.Err = snapshot.Unreplayable, err
	case bytes.Equal(f.Snapshot, f.Replayed):
		f.Verdict, f.Snapshot, f.Replayed = snapshot.Right, nil, nil
	default:
		f.Verdict = snapshot.Wrong
	}
	return nil
}
