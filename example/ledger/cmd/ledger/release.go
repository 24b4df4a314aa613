package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// showRelease changes a fold for real: this program goes on serving, while another release of it, with a changed model,
// builds a new generation of the totals on the same data. That is verified, promoted, explained, and rolled back.
func (s *service) showRelease(ctx context.Context, at place, b *books) error {
	step("A release with another fold: built beside the old one, verified, promoted, rolled back")
	dir, err := os.MkdirTemp("", "ledger-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Print(changes())
	program, err := buildRelease(ctx, dir)
	if errors.Is(err, errNoSource) {
		fmt.Println("left out:", err)
		return nil
	}
	if err != nil {
		return err
	}
	r := &release{service: s, program: program, at: at, own: s.CurrencyTotals.Projector().Schema().Fingerprint}
	traffic := newTraffic(s, b)
	serving, stop := context.WithCancel(ctx)
	stopped := traffic.start(serving)
	err = r.show(ctx)
	stop()
	if err = errors.Join(err, stopped()); err != nil {
		return err
	}
	return traffic.check(r.own)
}

// release is the next release, while this program, the old one, serves.
type release struct {
	*service
	program string
	at      place
	own     string // the old release's generation
}

// show takes the new generation through its life.
func (r *release) show(ctx context.Context) error {
	next := exec.CommandContext(ctx, r.program, append([]string{"run"}, r.at.args()...)...)
	next.Cancel = func() error { return next.Process.Signal(os.Interrupt) }
	next.WaitDelay = time.Minute
	next.Stdout, next.Stderr = os.Stdout, os.Stderr
	if err := next.Start(); err != nil {
		return err
	}
	err := r.watch(ctx)
	for _, do := range []func(context.Context) error{r.promoted, r.explain, r.rollback} {
		if err == nil {
			err = do(ctx)
		}
	}
	return errors.Join(err, next.Process.Signal(os.Interrupt), next.Wait())
}

// watch waits until the new generation is built, which its release shows the progress of.
func (r *release) watch(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < time.Minute; {
		g, err := r.next(ctx)
		if err != nil {
			return err
		}
		if g.Checkpoint.Built {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("the new generation was not built within a minute")
}

// next returns the new release's generation, empty while it has not begun.
func (r *release) next(ctx context.Context) (readmodel.Generation, error) {
	all, err := r.CurrencyTotals.Projector().Store().Generations(ctx, "CurrencyTotals")
	for _, g := range all {
		if g.Schema.Fingerprint != r.own {
			return g, nil
		}
	}
	return readmodel.Generation{}, err
}

// promoted waits until the new release has verified and promoted its generation, which the old one notices.
func (r *release) promoted(ctx context.Context) error {
	return r.awaitGeneration(ctx, "verified and promoted: it answers, also in the release that does not know it", false)
}

// explain compares the two generations, and says how they differ.
func (r *release) explain(ctx context.Context) error {
	return runCommand(ctx, r.program, r.at, "projections", "verify", "CurrencyTotals", "--generation", r.own)
}

// rollback leads queries back to the old generation, which was kept up to date all the time.
func (r *release) rollback(ctx context.Context) error {
	if err := runCommand(ctx, r.program, r.at, "projections", "rollback", "CurrencyTotals"); err != nil {
		return err
	}
	return r.awaitGeneration(ctx, "the old one answers again", true)
}

// awaitGeneration waits until this release's queries are answered by its own generation, or by the other one, in each
// store. Another process's promotion is noticed within a second.
func (r *release) awaitGeneration(ctx context.Context, why string, own bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for i, store := range r.storesOf("CurrencyTotals") {
		kept, err := r.CurrencyTotals.In(store)
		if err != nil {
			return err
		}
		found, fresh, err := countMovements(ctx, kept)
		for ; err == nil && (fresh.Generation == r.own) != own; found, fresh, err = countMovements(ctx, kept) {
			time.Sleep(20 * time.Millisecond)
		}
		if err != nil {
			return fmt.Errorf("%s in %s: %w", why, store, err)
		}
		if i == 0 {
			fmt.Printf("%s: movements %s (position %d)\n", why, found, fresh.Position)
		}
	}
	return nil
}

// countMovements returns the movements of the totals, all of the position that goes with them. In Elasticsearch only a
// search promises that: Get may be ahead.
func countMovements(ctx context.Context, kept *ledger.CurrencyTotalsModel) (moves, readmodel.Freshness, error) {
	rows, fresh, err := kept.Find(ctx, readmodel.Find{Index: -1})
	found := moves{}
	for _, r := range rows {
		found[r.Key.Currency] = r.Row.Movements
	}
	return found, fresh, err
}
