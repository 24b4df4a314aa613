package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/generation"
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
	// DryRun says that nothing was done.
	DryRun bool `json:"dryRun,omitempty"`
}

// everywhere does something to the chosen projections in each chosen sink. What fails in one is said, and the others go on.
// That something could not be done counts for more than what was found to be wrong.
func (s *session) everywhere(ctx context.Context, do func(context.Context, projection.Runner) error) error {
	if err := s.openModels(ctx); err != nil {
		return err
	}
	var wrong, failures error
	for _, r := range s.runners {
		switch err := do(ctx, r); {
		case err == nil:
		case isFinding(err):
			wrong = errors.Join(wrong, &findingsError{inSink(r, s.advised(ctx, r, err)).Error()})
		default:
			failures = errors.Join(failures, inSink(r, s.advised(ctx, r, err)))
		}
	}
	if failures != nil && wrong != nil { // joined, they would pass for findings
		return errors.New(errors.Join(failures, wrong).Error())
	}
	return cmp.Or(failures, wrong)
}

// advised adds to an error what the operator can do about it.
func (s *session) advised(ctx context.Context, r projection.Runner, err error) error {
	var advice string
	var unbuilt *readmodel.NotBuiltError
	switch {
	case errors.Is(err, readmodel.ErrNoGeneration) && s.generation == "":
		advice = "a process of this release makes it when it runs"
	case errors.Is(err, readmodel.ErrNoGeneration):
		advice = "%s projections status %s lists those that there are"
	case errors.As(err, &unbuilt):
		if reason := stopReason(ctx, r, unbuilt.Generation); reason != "" {
			return fmt.Errorf("%w, and its projection stopped: %s", err, reason)
		}
		advice = "%s projections status %s --live shows how long it will take"
	case errors.As(err, new(*readmodel.HeldError)):
		advice = "stop the process that projects into it first"
	default:
		return err
	}
	if strings.Contains(advice, "%s") {
		advice = fmt.Sprintf(advice, s.Name, r.Name())
	}
	return fmt.Errorf("%w; %s", err, advice)
}

// stopReason returns why nobody goes on building a generation; it is empty where no projection stopped.
func stopReason(ctx context.Context, r projection.Runner, fingerprint string) string {
	found, err := r.Store().Generations(ctx, r.Name())
	if err != nil {
		return ""
	}
	for i := range found {
		if s := projection.Reported(&found[i]); s.Generation == fingerprint && s.Phase == projection.Stopped {
			return s.Error
		}
	}
	return ""
}

// changed reports what was done to a generation in one sink.
func (s *session) changed(r projection.Runner, report changeReport, done string) error {
	report.Projection, report.Sink = r.Name(), r.Store().Name()
	text := fmt.Sprintf("%s in %s: generation %s %s", report.Projection, report.Sink, report.Generation, done)
	if report.Before != "" && report.Before != report.Generation {
		text += ", and before it was " + report.Before
	}
	return s.report(report, "%s\n", text)
}

func promote(ctx context.Context, s *session) error {
	return s.everywhere(ctx, func(ctx context.Context, r projection.Runner) error {
		chosen, err := generation.Resolve(ctx, r.Store(), r.Name(), cmp.Or(s.generation, r.Schema().Fingerprint))
		if err != nil {
			return err
		}
		before, err := activeOf(ctx, r)
		if err != nil {
			return err
		}
		err = s.promote(ctx, r, &chosen)
		if errors.As(err, new(*generation.MismatchError)) {
			return fmt.Errorf("%w; %s projections verify %s lists them, and --force promotes it all the same", err, s.Name, r.Name())
		}
		if err != nil {
			return err
		}
		report := changeReport{Kind: "promote", Generation: chosen.Schema.Fingerprint}
		if before != report.Generation {
			report.Before = before
		}
		return s.changed(r, report, "answers queries")
	})
}

// errUnknownFold says that this program can't tell whether the rows of a generation are right.
var errUnknownFold = errors.New("it is of another release, which alone can fold a sample of its rows once more: " +
	"promote it with that release's program, or with --force")

// promote promotes a generation that a sample of its rows was found to be right of: now, or before it was active once.
func (s *session) promote(ctx context.Context, r projection.Runner, g *readmodel.Generation) error {
	source, ok := r.(generation.Source)
	if ok && g.Schema.Fingerprint == r.Schema().Fingerprint {
		_, err := generation.Promote(ctx, s.log, source, s.force, generation.Options{})
		return err
	}
	if g.Promoted.IsZero() && g.Checkpoint.Built && !s.force {
		return errUnknownFold
	}
	return r.Store().Promote(ctx, r.Name(), g.Schema.Fingerprint)
}

// activeOf returns the fingerprint of the generation that answers queries; empty if none does.
func activeOf(ctx context.Context, r projection.Runner) (string, error) {
	all, err := r.Store().Generations(ctx, r.Name())
	for i := range all {
		if all[i].Active {
			return all[i].Schema.Fingerprint, nil
		}
	}
	return "", err
}

func rollback(ctx context.Context, s *session) error {
	return s.everywhere(ctx, func(ctx context.Context, r projection.Runner) error {
		from, to, err := generation.Rollback(ctx, r.Store(), r.Name())
		if err != nil {
			return err
		}
		report := changeReport{Kind: "rollback", Generation: to.Schema.Fingerprint, Before: from.Schema.Fingerprint}
		return s.changed(r, report, "answers queries again")
	})
}

// count is a flag for a number of things; it is negative as long as nobody gave it.
type count int

func (c *count) String() string {
	if *c < 0 {
		return ""
	}
	return strconv.Itoa(int(*c))
}

func (c *count) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return errors.New("it is a whole number, 0 or more")
	}
	*c = count(n)
	return nil
}

func drop(ctx context.Context, s *session) error {
	switch {
	case s.keep >= 0 && s.generation != "":
		return fmt.Errorf("%w: projections drop takes --generation or --keep, not both", errUsage)
	case s.keep >= 0:
		return s.everywhere(ctx, s.dropOld)
	case s.generation == "" || len(s.args) == 0:
		return fmt.Errorf("%w: projections drop needs NAME and --generation, which projections status prints, or --keep", errUsage)
	}
	return s.everywhere(ctx, func(ctx context.Context, r projection.Runner) error {
		if !s.dryRun {
			dropped, err := generation.Drop(ctx, r.Store(), r.Name(), s.generation)
			if err != nil {
				return err
			}
			return s.dropped(r, &dropped)
		}
		found, err := generation.Resolve(ctx, r.Store(), r.Name(), s.generation)
		switch {
		case err != nil:
			return err
		case found.Active:
			return &readmodel.ActiveError{Projection: r.Name(), Generation: found.Schema.Fingerprint}
		case found.Held():
			return &readmodel.HeldError{
				Projection: r.Name(), Generation: found.Schema.Fingerprint, Holder: found.Lease.Holder, Until: found.Lease.Until,
			}
		}
		return s.dropped(r, &found)
	})
}

// dropOld drops the generations of a projection that nobody needs any more. One that somebody took meanwhile is none.
func (s *session) dropOld(ctx context.Context, r projection.Runner) error {
	all, err := r.Store().Generations(ctx, r.Name())
	if err != nil {
		return err
	}
	for _, g := range generation.Old(all, r.Schema().Fingerprint, int(s.keep)) {
		if !s.dryRun {
			err = r.Store().Drop(ctx, r.Name(), g.Schema.Fingerprint)
		}
		switch {
		case errors.As(err, new(*readmodel.HeldError)), errors.As(err, new(*readmodel.ActiveError)):
			continue
		case err != nil:
			return err
		}
		if err := s.dropped(r, &g); err != nil {
			return err
		}
	}
	return nil
}

// dropped reports that a generation was dropped, or would have been.
func (s *session) dropped(r projection.Runner, g *readmodel.Generation) error {
	done := "is deleted"
	if s.dryRun {
		done = "would be deleted"
	}
	return s.changed(r, changeReport{Kind: "drop", Generation: g.Schema.Fingerprint, DryRun: s.dryRun}, done)
}
