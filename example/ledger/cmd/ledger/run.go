package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
)

// run keeps all read models up to date until ctx ends, and publishes the events where an address says so. A projection that
// stops is printed at once: the others go on, maybe for ever.
func run(ctx context.Context, at place, address string) error {
	stopped := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	s, err := open(ctx, at, aggregate.WithLogger(stopped))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	shown, published := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(shown)
		s.showBuilding(ctx)
	}()
	if address == "" {
		published <- nil
	} else {
		go func() {
			defer stop() // a failure is seen at once by who started the program
			published <- s.publish(ctx, at, address)
		}()
	}
	err = errors.Join(s.App.Run(ctx), <-published)
	stop()
	<-shown
	return errors.Join(err, s.Close())
}

// showBuilding shows how far the generations are that this process builds, all of them together, until each is built: often
// in the beginning, and then ever more rarely.
func (s *service) showBuilding(ctx context.Context) {
	bar, building := newBar("folded into new generations:", 0), map[int]bool{}
	bar.next = bar.began
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for left := true; left; {
		select {
		case <-ctx.Done():
			left = false
		case <-tick.C:
			left = s.addBuilding(building, bar)
		}
		if !bar.terminal {
			bar.every = min(50*time.Millisecond+time.Since(bar.began)/4, time.Minute)
		}
		if bar.last < bar.total {
			bar.show(bar.last)
		}
	}
	if bar.total > 0 {
		bar.show(bar.last)
		bar.end()
	}
}

// addBuilding adds up how far the generations are, and reports whether there are any to be built. building has those that
// were.
func (s *service) addBuilding(building map[int]bool, bar *bar) (left bool) {
	bar.last, bar.total, bar.rate = 0, 0, 0
	for i, st := range s.Status() {
		if st.Phase == projection.Building && st.Handled > 0 {
			building[i] = true
			bar.rate += st.Rate
		}
		if building[i] {
			bar.last, bar.total = bar.last+st.Handled, bar.total+st.Total
		}
		left = left || !st.Built && st.Phase != projection.Stopped
	}
	return left
}
