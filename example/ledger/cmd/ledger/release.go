package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
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
	r := &release{service: s, program: program, at: at, books: b, answered: map[string]int64{}}
	serving, stop := context.WithCancel(ctx)
	var served, asked error
	var wg sync.WaitGroup
	wg.Go(func() { served = s.CurrencyTotals.Projector().Run(serving) })
	wg.Go(func() { asked = r.ask(serving) })
	err = r.show(ctx)
	stop()
	wg.Wait()
	if err = errors.Join(err, served, asked); err == nil {
		fmt.Printf("%d queries meanwhile, each answered from one whole generation: %d of them from the old one\n",
			r.asked, r.answered[s.CurrencyTotals.Projector().Schema().Fingerprint])
	}
	return err
}

// release is the next release, while this program, the old one, serves.
type release struct {
	*service
	program string
	at      place
	books   *books

	// asked counts the queries, and answered those that each generation answered.
	asked    int64
	answered map[string]int64
}

// show takes the new generation through its life.
func (r *release) show(ctx context.Context) error {
	next := exec.CommandContext(ctx, r.program, append([]string{"run"}, r.at.args()...)...)
	next.Cancel = func() error { return next.Process.Signal(os.Interrupt) }
	next.WaitDelay = time.Minute
	next.Stderr = os.Stderr
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

// watch shows how far the new generation is, as every process can see it, until it is built.
func (r *release) watch(ctx context.Context) error {
	own, bar := r.CurrencyTotals.Projector().Schema().Fingerprint, newBar("folded", 0)
	bar.every = 100 * time.Millisecond
	for began := time.Now(); time.Since(began) < time.Minute; {
		generations, err := r.CurrencyTotals.Projector().Store().Generations(ctx, "CurrencyTotals")
		if err != nil {
			return err
		}
		for i := range generations {
			g := &generations[i]
			if g.Schema.Fingerprint == own {
				continue
			}
			var said projection.Status
			if json.Unmarshal(g.Lease.Report, &said) == nil && said.Total > 0 {
				bar.total = said.Total
				bar.show(max(said.Handled, g.Checkpoint.Handled))
			}
			if g.Checkpoint.Built {
				bar.total = max(bar.total, g.Checkpoint.Handled)
				bar.show(g.Checkpoint.Handled)
				bar.end()
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("the new generation was not built within a minute")
}

// promoted waits until the new release has verified and promoted its generation, which the old one notices.
func (r *release) promoted(ctx context.Context) error {
	return r.mustCount(ctx, "verified and promoted: it answers, also in the release that does not know it", r.books.deposits)
}

// explain compares the two generations, and says how they differ.
func (r *release) explain(ctx context.Context) error {
	return r.operate(ctx, "verify", "--generation", r.CurrencyTotals.Projector().Schema().Fingerprint)
}

// rollback leads queries back to the old generation, which was kept up to date all the time.
func (r *release) rollback(ctx context.Context) error {
	if err := r.operate(ctx, "rollback"); err != nil {
		return err
	}
	return r.mustCount(ctx, "the old one answers again", r.books.movements)
}

// operate runs one of the new release's commands for the totals.
func (r *release) operate(ctx context.Context, command string, flags ...string) error {
	args := append([]string{"projections", command, "CurrencyTotals"}, flags...)
	fmt.Printf("$ ledger %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, r.program, append(args, r.at.args()...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("projections %s: %w", command, err)
	}
	return nil
}

// mustCount waits until this release's queries count as many movements as they should. Another process's promotion is
// noticed within a second.
func (r *release) mustCount(ctx context.Context, why string, want map[ledger.Currency]int64) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		found := map[ledger.Currency]int64{}
		for _, c := range currencies {
			row, _, err := r.CurrencyTotals.Get(ctx, ledger.CurrencyTotalsKey{Currency: c})
			if err != nil {
				return err
			}
			found[c] = row.Movements
		}
		if fmt.Sprint(found) == fmt.Sprint(want) {
			fmt.Printf("%s: movements %v\n", why, strings.TrimPrefix(fmt.Sprint(found), "map"))
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: queries count %v, not %v", why, found, want)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ask queries without a pause. Every answer has to be that of one of the two generations, whole.
func (r *release) ask(ctx context.Context) error {
	own := r.CurrencyTotals.Projector().Schema().Fingerprint
	for ctx.Err() == nil {
		row, fresh, err := r.CurrencyTotals.Get(ctx, ledger.CurrencyTotalsKey{Currency: ledger.CurrencyEUR})
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, readmodel.ErrNoRow) {
			return err
		}
		want := r.books.movements
		if fresh.Generation != own {
			want = r.books.deposits
		}
		if row.Movements != want[ledger.CurrencyEUR] {
			return fmt.Errorf("generation %s answered %d movements, which are %d", fresh.Generation, row.Movements, want[ledger.CurrencyEUR])
		}
		r.asked++
		r.answered[fresh.Generation]++
	}
	return nil
}
