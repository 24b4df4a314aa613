package logtest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A race has so many writers.
const minRacers, maxRacers = 2, 64

// races lets writers who expect the same compete: exactly one may win each time.
func races(f *fixture) {
	r := &raceTrack{fixture: f, logs: f.logs(), versions: make(map[cqrs.StreamID]cqrs.Version)}
	kinds := []func(int) []eventlog.Commit{r.overNew, r.overOld, r.overSeveral, r.overEachOther, r.overCommand}
	box := soak.Box(f, 4*time.Second, 0)
	for i := range box.Rounds(soak.Rounds(1_000, 10_000), "races, exactly one winner each") {
		r.run(kinds[i%len(kinds)](minRacers + f.rand.IntN(maxRacers-minRacers+1)))
	}
	f.requireOrder(f.readAll())
}

// raceTrack is a log with what is known of it between races.
type raceTrack struct {
	*fixture
	logs     []eventlog.Log
	versions map[cqrs.StreamID]cqrs.Version
	stored   int
	races    int
}

// next returns the commit of one racer, of one event for each stream that is not only expected.
func (r *raceTrack) next(streams ...cqrs.StreamID) eventlog.Commit {
	c := commit()
	for i, s := range streams {
		c.Streams = append(c.Streams, to(s, eventlog.Exactly(r.versions[s]), event("Won", r.races*1000+i)))
	}
	return c
}

func (r *raceTrack) overNew(writers int) (all []eventlog.Commit) {
	s := stream(fmt.Sprint("new-", r.races))
	for range writers {
		all = append(all, r.next(s))
	}
	return all
}

func (r *raceTrack) overOld(writers int) (all []eventlog.Commit) {
	s := stream(fmt.Sprint("old-", r.rand.IntN(3)))
	for range writers {
		all = append(all, r.next(s))
	}
	return all
}

// overSeveral has each racer name the streams in another order.
func (r *raceTrack) overSeveral(writers int) (all []eventlog.Commit) {
	streams := []cqrs.StreamID{stream("old-0"), stream("old-1"), stream(fmt.Sprint("new-", r.races))}
	for range writers {
		r.rand.Shuffle(len(streams), func(i, j int) { streams[i], streams[j] = streams[j], streams[i] })
		all = append(all, r.next(streams...))
	}
	return all
}

// overEachOther has half of the racers write what the other half expects, and the reverse: each alone could be stored,
// and none of them after another.
func (r *raceTrack) overEachOther(writers int) (all []eventlog.Commit) {
	a, b := stream("old-0"), stream(fmt.Sprint("new-", r.races))
	for i := range writers {
		c := r.next(a, b)
		c.Streams[i%2].Events = nil
		all = append(all, c)
	}
	return all
}

// overCommand has each racer try the same command. Who comes too late gets the outcome of the one that was stored.
func (r *raceTrack) overCommand(writers int) (all []eventlog.Commit) {
	first := command(fmt.Sprint("cmd-", r.races), "x", r.next(stream("old-0")).Streams...)
	for range writers {
		c := first
		c.ID = commit().ID
		all = append(all, c)
	}
	return all
}

// run lets all commits go at the same moment, and checks who won.
func (r *raceTrack) run(all []eventlog.Commit) {
	r.races++
	start := make(chan struct{})
	outcomes := make([]eventlog.Appended, len(all))
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i := range all {
		log := r.logs[rand.IntN(len(r.logs))]
		wg.Go(func() {
			<-start
			outcomes[i], errs[i] = log.Append(r.ctx, all[i])
		})
	}
	close(start)
	wg.Wait()
	winner := -1
	for i := range all {
		if errs[i] == nil && !outcomes[i].Repeated {
			require.Equal(r, -1, winner, "two writers won the same race")
			winner = i
		}
	}
	require.NotEqual(r, -1, winner, "nobody won: %v", errs)
	for i := range all {
		if i != winner {
			r.requireLost(&all[winner], outcomes[winner], outcomes[i], errs[i])
		}
	}
	r.requireStored(&all[winner])
}

// requireLost checks what a writer was told that came too late.
func (r *raceTrack) requireLost(winner *eventlog.Commit, won, got eventlog.Appended, err error) {
	if winner.Meta.CommandID != "" {
		require.NoError(r, err)
		won.Repeated = true
		require.Equal(r, won, got)
		return
	}
	var conflict *cqrs.ConflictError
	require.ErrorAs(r, err, &conflict)
	for _, s := range winner.Streams {
		if s.Stream == conflict.Stream && len(s.Events) > 0 {
			assert.Equal(r, r.versions[s.Stream]+1, conflict.Actual)
			return
		}
	}
	require.Fail(r, "a conflict over a stream that nobody wrote", "%v", conflict)
}

// requireStored checks that the winner's events, and no others, were added.
func (r *raceTrack) requireStored(winner *eventlog.Commit) {
	for i := range winner.Streams {
		s := &winner.Streams[i]
		got := r.all(r.log.ReadStream(r.ctx, s.Stream, r.versions[s.Stream]+1))
		require.Len(r, got, len(s.Events), "%s", s.Stream)
		for _, record := range got {
			require.Equal(r, winner.ID, record.Commit)
		}
		r.versions[s.Stream] += cqrs.Version(len(got))
		r.stored += len(got)
	}
	require.Equal(r, r.stored, r.count("Won"))
}
