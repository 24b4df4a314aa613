package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// changeReport is what was done to a generation.
type changeReport struct {
	Kind       string `json:"kind"` // "promote", "rollback" or "drop"
	Projection string `json:"projection"`
	Sink       string `json:"sink"`
	Generation string `json:"generation"`
	// Before is the generation that was active before, if it was another one.
	Before string `json:"before,omitempty"`
}

// each does something to the chosen projection in each chosen sink, and reports it. What fails in one sink is not done
// there, and said; the others go on.
func (s *session) each(ctx context.Context, do func(context.Context, projection.Runner) (changeReport, error), done string) error {
	if err := s.openModels(ctx); err != nil {
		return err
	}
	var failures error
	for _, r := range s.runners {
		report, err := do(ctx, r)
		if err != nil {
			failures = errors.Join(failures, fmt.Errorf("%s in %s: %w", r.Name(), r.Store().Name(), err))
			continue
		}
		report.Projection, report.Sink = r.Name(), r.Store().Name()
		text := fmt.Sprintf("%s in %s: generation %s %s", report.Projection, report.Sink, report.Generation, done)
		if report.Before != "" {
			text += ", and before it was " + report.Before
		}
		if err := s.report(report, "%s\n", text); err != nil {
			return err
		}
	}
	return failures
}

func promote(ctx context.Context, s *session) error {
	return s.each(ctx, func(ctx context.Context, r projection.Runner) (changeReport, error) {
		report := changeReport{Kind: "promote", Generation: s.generation}
		if report.Generation == "" {
			report.Generation = r.Schema().Fingerprint
		}
		all, err := r.Store().Generations(ctx, r.Name())
		if err != nil {
			return report, err
		}
		if active := activeOf(all); active != nil && active.Schema.Fingerprint != report.Generation {
			report.Before = active.Schema.Fingerprint
		}
		return report, r.Store().Promote(ctx, r.Name(), report.Generation)
	}, "answers queries")
}

// errNothingBefore says that there is nothing to roll back to.
var errNothingBefore = errors.New("no other generation that is built was active before")

func rollback(ctx context.Context, s *session) error {
	return s.each(ctx, func(ctx context.Context, r projection.Runner) (changeReport, error) {
		report := changeReport{Kind: "rollback"}
		all, err := r.Store().Generations(ctx, r.Name())
		if err != nil {
			return report, err
		}
		before := beforeOf(all)
		if before == nil {
			return report, errNothingBefore
		}
		if active := activeOf(all); active != nil {
			report.Before = active.Schema.Fingerprint
		}
		report.Generation = before.Schema.Fingerprint
		return report, r.Store().Promote(ctx, r.Name(), report.Generation)
	}, "answers queries again")
}

func drop(ctx context.Context, s *session) error {
	if s.generation == "" {
		return fmt.Errorf("%w: projections drop needs --generation: projections status prints them", errUsage)
	}
	return s.each(ctx, func(ctx context.Context, r projection.Runner) (changeReport, error) {
		return changeReport{Kind: "drop", Generation: s.generation}, r.Store().Drop(ctx, r.Name(), s.generation)
	}, "is deleted")
}

func activeOf(all []readmodel.Generation) *readmodel.Generation {
	for i := range all {
		if all[i].Active {
			return &all[i]
		}
	}
	return nil
}

// beforeOf returns the built generation that was promoted last before the active one.
func beforeOf(all []readmodel.Generation) *readmodel.Generation {
	var before *readmodel.Generation
	for i := range all {
		g := &all[i]
		if g.Active || !g.Checkpoint.Built || g.Promoted.IsZero() {
			continue
		}
		if before == nil || g.Promoted.After(before.Promoted) {
			before = g
		}
	}
	return before
}
