package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// traffic is what goes on while a generation is built: movements, and queries for the totals.
type traffic struct {
	*service
	books *books // of all that was before

	written []movement
	// asked counts the queries, and answers has those that differ.
	asked   int
	answers map[answered]moves
}

// answered is what an answer is of. All answers of one generation at one position are the same.
type answered struct {
	generation string
	position   cqrs.Position
}

func newTraffic(s *service, b *books) *traffic {
	return &traffic{service: s, books: b, answers: map[answered]moves{}}
}

// start lets the traffic go until ctx ends, which the function that it returns waits for.
func (t *traffic) start(ctx context.Context) (stopped func() error) {
	tasks := []func(context.Context) error{t.write, t.ask}
	for _, r := range t.runners("CurrencyTotals") {
		tasks = append(tasks, r.Run)
	}
	failures := make([]error, len(tasks))
	var wg sync.WaitGroup
	for i, task := range tasks {
		wg.Go(func() { failures[i] = task(ctx) })
	}
	return func() error {
		wg.Wait()
		return errors.Join(failures...)
	}
}

// write moves money every few milliseconds. What was begun is finished, so that all that happened is known.
func (t *traffic) write(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		account := ledger.AccountID(fmt.Sprintf("acc-%d", 1+rand.IntN(10)))
		switch m, err := t.moveOnce(context.WithoutCancel(ctx), account); {
		case err == nil:
			t.written = append(t.written, m)
		case !errors.As(err, new(ledger.InsufficientFunds)):
			return err
		}
	}
}

// ask queries without a pause.
func (t *traffic) ask(ctx context.Context) error {
	for {
		found, fresh, err := countMovements(ctx, t.CurrencyTotals)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		of := answered{fresh.Generation, fresh.Position}
		if before, ok := t.answers[of]; ok && !maps.Equal(before, found) {
			return fmt.Errorf("generation %s counts %s movements and %s, both at position %d",
				of.generation, before, found, of.position)
		}
		t.answers[of] = found
		t.asked++
	}
}

// check compares every answer with what the generation that gave it should say at its position. own is that of this
// release, which counts all movements; the other one counts deposits.
func (t *traffic) check(own string) error {
	slices.SortFunc(t.written, func(a, b movement) int { return cmp.Compare(a.position, b.position) })
	all, deposits := maps.Clone(t.books.movements), maps.Clone(t.books.deposits)
	rest, old := t.written, 0
	inOrder := slices.SortedFunc(maps.Keys(t.answers), func(a, b answered) int { return cmp.Compare(a.position, b.position) })
	for _, of := range inOrder {
		for ; len(rest) > 0 && rest[0].position <= of.position; rest = rest[1:] {
			if all[rest[0].currency]++; rest[0].amount > 0 {
				deposits[rest[0].currency]++
			}
		}
		want := deposits
		if of.generation == own {
			want, old = all, old+1
		}
		if !maps.Equal(want, t.answers[of]) {
			return fmt.Errorf("generation %s answered %s movements at position %d, which are %s",
				of.generation, t.answers[of], of.position, want)
		}
	}
	fmt.Printf("meanwhile %d movements and %d queries went on, each answered from one whole generation:\n"+
		"%d different answers from the old one and %d from the new one, each right at its position\n",
		len(t.written), t.asked, old, len(inOrder)-old)
	return nil
}
