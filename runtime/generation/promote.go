package generation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Check is Verify without another generation: it folds a sample of the rows once more, and compares them with what is
// stored.
func Check(ctx context.Context, log eventlog.Log, src Source, o Options) (*Report, error) {
	v, err := open(ctx, log, src, o.withDefaults())
	if err == nil {
		err = v.run(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &v.report, nil
}

// Promote makes the generation that src folds the active one, after Check found nothing wrong with it; with force,
// without looking. A generation that is active already is left alone, and the report is nil then, as it is with force.
//
// Errors: *MismatchError, whose report is returned too; those of Check and of readmodel.Store.
func Promote(ctx context.Context, log eventlog.Log, src Source, force bool, o Options) (*Report, error) {
	projection, fingerprint := src.Name(), src.Schema().Fingerprint
	own, err := Resolve(ctx, src.Store(), projection, fingerprint)
	if err != nil || own.Active {
		return nil, err
	}
	var report *Report
	if !force {
		if report, err = Check(ctx, log, src, o); err == nil {
			err = report.Err()
		}
		if err != nil {
			return report, err
		}
	}
	return report, src.Store().Promote(ctx, projection, fingerprint)
}

// ErrNothingBefore says that a read model can't be rolled back: no other generation of it that is built was ever active.
var ErrNothingBefore = errors.New("no other generation was active before")

// Rollback makes the generation active again that was so before the active one, and returns both. A process of the release
// that made it advances it, once there is one. Rolling back twice ends where it began.
//
// Errors: ErrNothingBefore; those of readmodel.Store.
func Rollback(ctx context.Context, store readmodel.Store, projection string) (from, to readmodel.Generation, err error) {
	generations, err := store.Generations(ctx, projection)
	if err != nil {
		return from, to, err
	}
	for _, g := range generations {
		switch {
		case g.Active:
			from = g
		case g.Checkpoint.Built && g.Promoted.After(to.Promoted):
			to = g
		}
	}
	if to.Promoted.IsZero() {
		return from, to, fmt.Errorf("read model %s: %w", projection, ErrNothingBefore)
	}
	return from, to, store.Promote(ctx, projection, to.Schema.Fingerprint)
}

// Drop deletes a generation that is neither active nor projected into, by its fingerprint or the first digits of it.
//
// Errors: those of Resolve and of readmodel.Store.
func Drop(ctx context.Context, store readmodel.Store, projection, prefix string) (readmodel.Generation, error) {
	g, err := Resolve(ctx, store, projection, prefix)
	if err != nil {
		return g, err
	}
	return g, store.Drop(ctx, projection, g.Schema.Fingerprint)
}

// Old returns those of a projection's generations that nobody needs any more: they were made, or were active, before the
// active one, nobody projects into them, and they are neither own, a program's generation, nor among the keep others that
// were active last. A younger generation that was never active is that of a newer release. If none is active there are none.
func Old(generations []readmodel.Generation, own string, keep int) []readmodel.Generation {
	active := slices.IndexFunc(generations, func(g readmodel.Generation) bool { return g.Active })
	if active < 0 {
		return nil
	}
	now := &generations[active]
	old := slices.DeleteFunc(slices.Clone(generations), func(g readmodel.Generation) bool {
		before := g.Created.Before(now.Created) || !g.Promoted.IsZero() && g.Promoted.Before(now.Promoted)
		return g.Active || g.Schema.Fingerprint == own || !before
	})
	slices.SortFunc(old, func(a, b readmodel.Generation) int {
		return cmp.Or(b.Promoted.Compare(a.Promoted), b.Created.Compare(a.Created))
	})
	old = old[min(max(keep, 0), len(old)):]
	return slices.DeleteFunc(old, func(g readmodel.Generation) bool { return g.Held() })
}

// AmbiguousError says that several generations begin with what was given.
type AmbiguousError struct {
	Projection, Prefix string
	// Generations are the fingerprints of those.
	Generations []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("read model %s: %q may be any of the generations %s: give more digits",
		e.Projection, e.Prefix, strings.Join(e.Generations, ", "))
}

// Resolve returns the generation whose fingerprint begins with the digits given. Errors: readmodel.ErrNoGeneration;
// *AmbiguousError.
func Resolve(ctx context.Context, store readmodel.Store, projection, prefix string) (found readmodel.Generation, err error) {
	generations, err := store.Generations(ctx, projection)
	if err != nil {
		return found, err
	}
	var names []string
	for _, g := range generations {
		if strings.HasPrefix(g.Schema.Fingerprint, prefix) {
			found, names = g, append(names, g.Schema.Fingerprint)
		}
	}
	switch len(names) {
	case 0:
		return found, fmt.Errorf("read model %s: %w: %.40s", projection, readmodel.ErrNoGeneration, prefix)
	case 1:
		return found, nil
	}
	return readmodel.Generation{}, &AmbiguousError{Projection: projection, Prefix: prefix, Generations: names}
}
