package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/runtime/generation"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// comparison is the report of one comparison.
type comparison struct {
	Kind string `json:"kind"` // "verify"
	*generation.Report
}

// compare verifies this program's generation of a projection in each chosen sink: against the one that is active, or that
// --generation names, and a sample of its rows against the log.
func compare(ctx context.Context, s *session) error {
	return s.everywhere(ctx, func(ctx context.Context, r projection.Runner) error {
		source, ok := r.(generation.Source)
		if !ok {
			return errors.New("its rows can't be folded once more")
		}
		o := generation.Options{}
		if s.generation != "" {
			with, err := generation.Resolve(ctx, r.Store(), r.Name(), s.generation)
			if err != nil {
				return err
			}
			if o.With = with.Schema.Fingerprint; o.With == r.Schema().Fingerprint {
				return fmt.Errorf("%w: generation %s is this release's own, which is compared with another one", errUsage, o.With)
			}
		}
		report, err := generation.Verify(ctx, s.log, source, o)
		if err != nil {
			return err
		}
		alone := ""
		if report.Old == nil {
			if alone, err = uncompared(ctx, r); err != nil {
				return err
			}
		}
		if err := s.report(comparison{"verify", report}, "%s", explained(report, alone)); err != nil {
			return err
		}
		return report.Err()
	})
}

// uncompared says why a generation was not compared with another one: only an active one is by itself.
func uncompared(ctx context.Context, r projection.Runner) (string, error) {
	found, err := r.Store().Generations(ctx, r.Name())
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b readmodel.Generation) int { return b.Created.Compare(a.Created) })
	var built, unbuilt []string
	for i := range found {
		switch g := &found[i]; {
		case g.Schema.Fingerprint == r.Schema().Fingerprint:
		case g.Checkpoint.Built:
			built = append(built, g.Schema.Fingerprint)
		default:
			unbuilt = append(unbuilt, g.Schema.Fingerprint)
		}
	}
	text := ""
	if len(built) == 1 {
		text = fmt.Sprintf("  not compared with generation %[1]s, which is not active: --generation %[1]s does\n", built[0])
	} else if len(built) > 1 {
		text = fmt.Sprintf("  not compared with %d generations that are not active: --generation %s does with the newest of them\n",
			len(built), built[0])
	}
	if len(unbuilt) == 1 {
		text += fmt.Sprintf("  not compared with generation %s, which is not built yet\n", unbuilt[0])
	} else if len(unbuilt) > 1 {
		text += fmt.Sprintf("  not compared with %d generations that are not built yet\n", len(unbuilt))
	}
	return cmp.Or(text, "  there is no other generation to compare with\n"), nil
}

// explained is a report for people; alone says why there is nothing that the generation was compared with.
func explained(r *generation.Report, alone string) string {
	text := fmt.Sprintf("%s in %s: generation %s at position %d, %s\n",
		r.Projection, r.Sink, r.New.Generation, r.New.Position, counted(r.New.Rows, "row"))
	if r.Old == nil {
		text += alone
	} else {
		text += fmt.Sprintf("  compared with %s at position %d, %s: %d equal, %d different, %d only new, %d only old\n",
			r.Old.Generation, r.Old.Position, counted(r.Old.Rows, "row"), r.Equal, r.Different, r.OnlyNew, r.OnlyOld)
	}
	if len(r.Added) > 0 {
		text += fmt.Sprintf("  columns that only the new one has: %v\n", r.Added)
	}
	if len(r.Removed) > 0 {
		text += fmt.Sprintf("  columns that only the old one has: %v\n", r.Removed)
	}
	text += listed(r.Differences, r.Different+r.OnlyNew+r.OnlyOld)
	if r.Skipped > 0 {
		text += fmt.Sprintf("  left out, because too many changed meanwhile: %s\n", counted(r.Skipped, "row"))
	}
	text += fmt.Sprintf("  %s folded once more from the log: %d not what they should be\n", counted(r.Sampled, "row"), r.Mismatched)
	return text + listed(r.Mismatches, r.Mismatched)
}

// listed are differences, a row each, and how many are not shown.
func listed(differences []generation.Difference, all int64) string {
	text := ""
	for _, d := range differences {
		text += "    " + d.Key
		switch d.In {
		case "both":
			for i, c := range d.Columns {
				separator := "  "
				if i > 0 {
					separator = ", "
				}
				text += separator + c.String()
			}
		default:
			text += "  only " + d.In
		}
		text += "\n"
	}
	if more := all - int64(len(differences)); more > 0 {
		text += fmt.Sprintf("    and %d more\n", more)
	}
	return text
}
