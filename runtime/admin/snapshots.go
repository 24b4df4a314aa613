package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/snapshot"
)

// snapshotReport is one snapshot that is not right.
type snapshotReport struct {
	Kind    string           `json:"kind"` // "snapshot"
	Stream  string           `json:"stream"`
	Version cqrs.Version     `json:"version,omitempty"`
	Verdict snapshot.Verdict `json:"verdict"`
	// Snapshot and Replayed are the two states, if they differ.
	Snapshot string `json:"snapshot,omitempty"`
	Replayed string `json:"replayed,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// verifiedReport ends the report about all snapshots.
type verifiedReport struct {
	Kind     string                     `json:"kind"` // "snapshots"
	Verified int64                      `json:"verified"`
	Verdicts map[snapshot.Verdict]int64 `json:"verdicts"`
}

// verdicts has the order in which they are counted.
var verdicts = []snapshot.Verdict{
	snapshot.Right, snapshot.Wrong, snapshot.Unreplayable, snapshot.Damaged, snapshot.Foreign, snapshot.Stale,
}

// openWithoutRows wires the model over the log alone. The rows of inline projections are in the log's own database: they
// can't be away while the log is there, and the model is not wired without.
func (s *session) openWithoutRows(ctx context.Context) error {
	app, err := s.App(ctx, s.log, noRows{})
	if errors.As(err, new(*projection.NotInlineError)) && s.Rows != nil {
		if s.rows, err = s.Rows(ctx); err != nil {
			s.rows = nil // it may be a pointer to nothing
			return err
		}
		app, err = s.App(ctx, s.log, s.rows)
	}
	if err != nil {
		return err // with which app may be a pointer to nothing
	}
	s.app = app
	return nil
}

func verifySnapshots(ctx context.Context, s *session) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.openWithoutRows(ctx); err != nil {
		return err
	}
	done, err := s.verifyAll(ctx, s.app)
	if err != nil {
		return err
	}
	var counts strings.Builder
	for _, v := range verdicts {
		if n := done.Verdicts[v]; n > 0 {
			fmt.Fprintf(&counts, ", %d %s", n, v)
		}
	}
	if err := s.report(done, "%s verified%s\n", counted(done.Verified, "snapshot"), counts.String()); err != nil {
		return err
	}
	if bad := done.Verdicts[snapshot.Wrong] + done.Verdicts[snapshot.Unreplayable]; bad > 0 {
		return &findingsError{fmt.Sprintf("%d of %d snapshots are not what the events say", bad, done.Verified)}
	}
	return nil
}

// verifyAll reports each snapshot that is not right.
func (s *session) verifyAll(ctx context.Context, app App) (*verifiedReport, error) {
	done := &verifiedReport{Kind: "snapshots", Verdicts: map[snapshot.Verdict]int64{}}
	bar := s.progress("verified", 0)
	defer bar.end()
	for f, err := range app.VerifySnapshots(ctx) {
		if err != nil {
			return nil, err
		}
		done.Verified++
		done.Verdicts[f.Verdict]++
		bar.add(1)
		if f.Verdict == snapshot.Right {
			continue
		}
		if err := s.reportSnapshot(f); err != nil {
			return nil, err
		}
	}
	return done, ctx.Err()
}

func (s *session) reportSnapshot(f snapshot.Finding) error {
	r := snapshotReport{
		Kind: "snapshot", Stream: f.Stream.String(), Version: f.Version, Verdict: f.Verdict,
		Snapshot: string(f.Snapshot), Replayed: string(f.Replayed),
	}
	text := fmt.Sprintf("%s at version %d: %s", r.Stream, r.Version, r.Verdict)
	if f.Err != nil {
		r.Reason = f.Err.Error()
		text += ": " + r.Reason
	}
	if f.Verdict == snapshot.Wrong {
		text += fmt.Sprintf("\n  the snapshot says %s\n  the events say    %s", r.Snapshot, r.Replayed)
	}
	return s.report(r, "%s\n", text)
}
