package logtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gaps lets readers follow the log while 2, 16 and 64 writers append: whatever is stored, each must have seen once, in order.
func gaps(t *testing.T, open func(testing.TB) Harness) {
	all := soak.Rounds(10_000, 100_000)
	for _, crowd := range []struct{ writers, percent int }{{2, 10}, {16, 30}, {64, 60}} {
		t.Run(fmt.Sprint(crowd.writers, " writers"), func(t *testing.T) {
			f := newFixture(t, open(t))
			if f.engine.SlowCommits != nil {
				f.engine.SlowCommits(t)
			}
			g := &gapTest{fixture: f, logs: f.logs(), wanted: all * crowd.percent / 100}
			g.run(crowd.writers, soak.Box(t, 3*time.Second, 0))
		})
	}
}

// gapTest is one crowd of writers, and those who read meanwhile.
type gapTest struct {
	*fixture
	logs   []eventlog.Log
	wanted int

	handedOut    atomic.Int64
	last         atomic.Int64
	mu           sync.Mutex
	acknowledged map[cqrs.CommitID]int
}

// follower reads a log as a live projection does.
type follower struct {
	name  string
	log   eventlog.Log
	types []string
	// pause comes between two reads; 0 is to wait for news.
	pause time.Duration
	seen  []cqrs.Position
}

func (g *gapTest) run(writers int, box *soak.TimeBox) {
	g.acknowledged = make(map[cqrs.CommitID]int)
	last := g.logs[len(g.logs)-1]
	followers := []*follower{
		{name: "every 1 ms", log: g.log, pause: time.Millisecond},
		{name: "every 1 ms, one type, another handle", log: last, pause: time.Millisecond, types: []string{"Odd"}},
		{name: "every 100 ms", log: g.log, pause: 100 * time.Millisecond},
		{name: "on news, another handle", log: last},
	}
	done := make(chan struct{})
	var writing, reading sync.WaitGroup
	for _, r := range followers {
		reading.Go(func() { g.follow(r, done) })
	}
	for w := range writers {
		random := rand.New(rand.NewPCG(g.rand.Uint64(), uint64(w)))
		writing.Go(func() { g.write(g.logs[w%len(g.logs)], random, box) })
	}
	writing.Wait()
	close(done)
	reading.Wait()
	require.False(g, g.Failed())
	g.check(followers, box)
}

// write appends to old streams and to new ones; a twentieth of the commits meets a conflict after its first stream was
// found fit.
func (g *gapTest) write(log eventlog.Log, random *rand.Rand, box *soak.TimeBox) {
	for box.Open() {
		c, size := gapCommit(random)
		if random.IntN(20) == 0 {
			c.Streams = append(c.Streams, to(stream("impossible"), eventlog.Exactly(7), event("Never", 0)))
			_, err := log.Append(g.ctx, c)
			assert.ErrorAs(g, err, new(*cqrs.ConflictError))
			continue
		}
		if g.handedOut.Add(int64(size)) > int64(g.wanted) {
			return
		}
		got, err := log.Append(g.ctx, c)
		if !assert.NoError(g, err) {
			return
		}
		g.mu.Lock()
		g.last.Store(max(g.last.Load(), int64(got.Position)))
		g.acknowledged[c.ID] = size
		g.mu.Unlock()
	}
}

// gapCommit returns a commit of one to four events, and their number.
func gapCommit(random *rand.Rand) (c eventlog.Commit, size int) {
	c = commit()
	for i := range 1 + random.IntN(2) {
		id := fmt.Sprintf("new-%d-%x", i, c.ID)
		if random.IntN(2) == 0 {
			id = fmt.Sprint("old-", i, "-", random.IntN(8))
		}
		part := to(stream(id), eventlog.Any)
		for range 1 + random.IntN(2) {
			part.Events = append(part.Events, event([]string{"Even", "Odd"}[random.IntN(2)], size))
			size++
		}
		c.Streams = append(c.Streams, part)
	}
	return c, size
}

// follow reads from where it stopped, again and again, and once more after everything was written.
func (g *gapTest) follow(r *follower, done <-chan struct{}) {
	for after, last := cqrs.Position(0), false; !last; {
		select {
		case <-done:
			last = true
			g.catchUp(r.log)
		default:
		}
		for record, err := range r.log.Read(g.ctx, eventlog.Query{After: after, Types: r.types}) {
			if !assert.NoError(g, err, r.name) {
				return
			}
			r.seen = append(r.seen, record.Position)
			after = record.Position
		}
		r.rest(g.ctx, after, done)
	}
}

// catchUp waits until a log whose reads may be stale has heard of everything that was acknowledged.
func (g *gapTest) catchUp(log eventlog.Log) {
	if last := cqrs.Position(g.last.Load()); g.engine.StaleReads && last > 0 {
		_, err := log.Wait(g.ctx, last-1)
		assert.NoError(g, err)
	}
}

// rest waits as the follower does, or until everything is written.
func (r *follower) rest(ctx context.Context, after cqrs.Position, done <-chan struct{}) {
	if r.pause > 0 {
		select {
		case <-time.After(r.pause):
		case <-done:
		}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-done:
			cancel()
		case <-stop:
		}
	}()
	// An error is either the end, or the next read has it too.
	_, _ = r.log.Wait(ctx, after)
}

// check compares what was acknowledged with what is stored, and that with what was seen.
func (g *gapTest) check(followers []*follower, box *soak.TimeBox) {
	g.catchUp(g.log)
	all := g.readAll()
	g.requireOrder(all)
	stored := make(map[cqrs.CommitID]int)
	for i := range all {
		stored[all[i].Commit]++
	}
	require.Equal(g, g.acknowledged, stored, "what was acknowledged is what is stored")
	for _, r := range followers {
		want := all
		if r.types != nil {
			want = only(all, func(record *cqrs.Record) bool { return record.Type == r.types[0] })
		}
		missed, twice := compare(positions(want), r.seen)
		assert.Zero(g, missed, "missed by who reads %s, of %d", r.name, len(want))
		assert.Zero(g, twice, "seen twice, or out of nowhere, by who reads %s, of %d", r.name, len(want))
		require.Equal(g, positions(want), r.seen, "the order of who reads %s", r.name)
	}
	box.Reached(len(all), g.wanted, fmt.Sprintf("events followed by %d readers, missed 0, duplicated 0", len(followers)))
}

// compare returns how many positions are missing in got, and how many it has too often.
func compare(want, got []cqrs.Position) (missed, twice int) {
	times := make(map[cqrs.Position]int, len(want))
	for _, p := range got {
		times[p]++
	}
	for _, p := range want {
		if times[p] == 0 {
			missed++
		}
		times[p]--
	}
	for _, n := range times {
		twice += max(0, n)
	}
	return missed, twice
}
