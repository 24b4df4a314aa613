package jetstream

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leaderOf waits until the servers know who leads the log.
func leaderOf(t *testing.T, c *testserver.NATSCluster, l *Log) int {
	t.Helper()
	leader := -1
	require.Eventually(t, func() bool {
		leader = c.StreamLeader(l.names.logStream())
		return leader >= 0
	}, time.Minute, 20*time.Millisecond)
	return leader
}

func TestNothingAcknowledgedIsLostWhenLeadersAreKilledUnderLoad(t *testing.T) {
	t.Parallel() // it waits for elections and syncs, not for a processor
	c := testserver.StartNATS(t, testserver.NATSOptions{})
	l := open(t, c.URL())
	w := startLoad(t, l, soak.Rand(t), 8)
	w.awaitMore(t, 50)
	for round := range soak.Box(t, 10*time.Second, 0).Rounds(soak.Rounds(50, 1000), "leaders killed") {
		leader := leaderOf(t, c, l)
		c.Kill(t, leader)
		if round%4 == 3 {
			// And now and then all of them.
			for i := range c.Size() {
				if c.Running(i) {
					c.Kill(t, i)
				}
			}
		} else {
			w.awaitMore(t, 1)
		}
		c.StartAll(t)
		w.awaitMore(t, 10)
	}
	w.finish(t)
}

func TestAnAppendWhoseLeaderStopsAnsweringIsResolvedByLooking(t *testing.T) {
	t.Parallel() // it waits for elections and syncs, not for a processor
	c := testserver.StartNATS(t, testserver.NATSOptions{})
	l := open(t, c.URL())
	w := startLoad(t, l, soak.Rand(t), 8)
	for range soak.Box(t, 5*time.Second, 10*time.Minute).Rounds(soak.Rounds(3, 100), "leaders paused") {
		w.awaitMore(t, 20)
		leader := leaderOf(t, c, l)
		c.Pause(t, leader)
		w.awaitMore(t, 20)
		c.Resume(t, leader)
		w.awaitMore(t, 20)
		c.AwaitHealthy(t)
	}
	w.finish(t)
	assert.Empty(t, w.unsure, "who looks long enough knows")
}

// proxy stands between a client and a server, and cuts the connection after some bytes.
type proxy struct {
	net.Listener
	target string
	// left are the bytes that may still pass, to the server and from it; below zero all may.
	up, down atomic.Int64
	open     sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{Listener: l, target: target}
	p.pass()
	p.open.Go(p.accept)
	t.Cleanup(func() {
		assert.NoError(t, l.Close())
		p.open.Wait()
	})
	return p
}

// pass lets everything pass from now on.
func (p *proxy) pass() {
	p.up.Store(1 << 60)
	p.down.Store(1 << 60)
}

func (p *proxy) accept() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.open.Go(func() { p.copy(server, client, &p.up) })
		p.open.Go(func() { p.copy(client, server, &p.down) })
	}
}

// copy copies until there is nothing left to pass, and then cuts both directions.
func (p *proxy) copy(to, from net.Conn, left *atomic.Int64) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		after := left.Add(-int64(n))
		if after < 0 {
			_, _ = to.Write(b[:max(0, int64(n)+after)])
			p.pass()
			return
		}
		if _, failed := to.Write(b[:n]); err != nil || failed != nil {
			return
		}
	}
}

func TestAnAppendWhoseConnectionIsCutIsStoredOnceOrNotAtAll(t *testing.T) {
	t.Parallel() // it waits for elections and syncs, not for a processor
	c := testserver.StartNATS(t, testserver.NATSOptions{})
	p := newProxy(t, c.Address(0))
	l := open(t, "nats://"+p.Addr().String(), Connection(nats.IgnoreDiscoveredServers()))
	random := soak.Rand(t)
	w := &load{
		log: l, stop: func() {}, acknowledged: make(map[cqrs.CommitID]bool),
		refused: make(map[cqrs.CommitID]bool), unsure: make(map[cqrs.CommitID]bool),
	}
	for range soak.Box(t, 7*time.Second, 0).Rounds(soak.Rounds(100, 1000), "connections cut") {
		if random.IntN(2) == 0 {
			p.up.Store(random.Int64N(3000))
		} else {
			p.down.Store(random.Int64N(600))
		}
		var wg sync.WaitGroup
		for range 3 {
			commit := randomCommit(random)
			wg.Go(func() { w.append(t, commit) })
		}
		wg.Wait()
	}
	p.pass()
	w.finish(t)
	assert.Empty(t, w.unsure)
	assert.Empty(t, w.refused)
}

func TestAnAppendThatEndsBeforeItIsRepeatedIsOfUnknownOutcome(t *testing.T) {
	l := open(t, testserver.NATS(t))
	c := deposit(1, eventlog.New)
	c.Streams = append(c.Streams, deposit(2, eventlog.New).Streams...)
	for range cap(l.batches) {
		l.batches <- struct{}{} // other batches are open
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, unknown := range []bool{true, false} {
		a := appending{Log: l, commit: &c, at: make([]end, 2), began: time.Now()}
		var err error
		a.sent, err = l.seal(&c, sealing{at: a.at})
		require.NoError(t, err)
		if unknown {
			// It was refused by a server that need not have been the leader.
			a.tries, a.unknown = 1, true
		}
		_, err = a.append(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, unknown, errors.As(err, new(*eventlog.UnknownOutcomeError)))
	}
	for range cap(l.batches) {
		<-l.batches
	}
}

func TestAConflictIsAConflictAlsoWhereTheConnectionIsCut(t *testing.T) {
	t.Parallel() // it waits for elections and syncs, not for a processor
	c := testserver.StartNATS(t, testserver.NATSOptions{})
	p := newProxy(t, c.Address(0))
	cut := open(t, "nats://"+p.Addr().String(), Connection(nats.IgnoreDiscoveredServers()))
	other := open(t, c.URL())
	random := soak.Rand(t)
	winners := [2]int{}
	for round := range soak.Box(t, 5*time.Second, 5*time.Minute).Rounds(soak.Rounds(50, 1000), "races over cut connections") {
		var wg sync.WaitGroup
		var won atomic.Int32
		if random.IntN(2) == 0 {
			p.up.Store(random.Int64N(1500))
		} else {
			p.down.Store(random.Int64N(300))
		}
		for i, l := range []*Log{cut, other} {
			c := deposit(1, eventlog.Exactly(cqrs.Version(round)))
			if random.IntN(2) == 0 {
				c.Meta.CommandID = string(rune('a'+i)) + time.Now().String()
			}
			wg.Go(func() {
				_, err := l.Append(context.Background(), c)
				if err == nil {
					won.Add(1)
					winners[i]++
					return
				}
				assert.ErrorAs(t, err, new(*cqrs.ConflictError))
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		p.pass()
	}
	t.Logf("the cut connection won %d times, the other %d times", winners[0], winners[1])
}

func TestARepeatedCommandIsRecognisedByAProcessThatDidNotSeeIt(t *testing.T) {
	for _, replicas := range []int{1, 3} {
		url := testserver.NATS(t)
		first, second := open(t, url, Replicas(replicas)), open(t, url, Replicas(replicas))
		random := rand.New(rand.NewPCG(uint64(replicas), 0))
		for range 10 {
			c := randomCommit(random)
			c.Meta.CommandID = "cmd-" + time.Now().String()
			want, err := first.Append(t.Context(), c)
			require.NoError(t, err)
			_, err = first.Append(t.Context(), randomCommit(random))
			require.NoError(t, err)
			c.ID[0]++
			got, err := second.Append(t.Context(), c)
			require.NoError(t, err)
			want.Repeated = true
			require.Equal(t, want, got)
			found, ok, err := second.Command(t.Context(), c.Meta.CommandID, c.CommandHash)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, want, found)
			c.CommandHash[0]++
			_, err = second.Append(t.Context(), c)
			require.ErrorAs(t, err, new(*cqrs.CommandReusedError))
		}
	}
}
