package logtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var concurrencyTests = []test{
	{"each version of a contended stream has exactly one winner", oneWinner},
	{"live readers miss nothing and see nothing twice", liveReaders},
	{"a commit that fails takes no other with it", failuresAreAlone},
}

// logs returns the log, and another process's view of it if there is one.
func (f *fixture) logs() []eventlog.Log {
	if f.engine.Again == nil {
		return []eventlog.Log{f.log}
	}
	return []eventlog.Log{f.log, f.engine.Again(f)}
}

func oneWinner(f *fixture) {
	const writers, rounds = 8, 25
	logs := f.logs()
	for round := range rounds {
		var wg sync.WaitGroup
		var winners atomic.Int32
		for w := range writers {
			wg.Go(func() {
				_, err := logs[w%len(logs)].Append(f.ctx, commit(
					to(stream("contended"), eventlog.Exactly(cqrs.Version(round)), event("Won", w)),
					to(stream(fmt.Sprint("own-", w)), eventlog.Any, event("Own", w))))
				var conflict *cqrs.ConflictError
				switch {
				case err == nil:
					winners.Add(1)
				case assert.ErrorAs(f, err, &conflict):
					assert.Equal(f, cqrs.Version(round+1), conflict.Actual)
				}
			})
		}
		wg.Wait()
		require.EqualValues(f, 1, winners.Load(), "round %d", round)
	}
	f.requireOrder(f.readAll())
	assert.Equal(f, rounds, f.count("Won"))
	assert.Equal(f, rounds, f.count("Own"))
}

func liveReaders(f *fixture) {
	const writers, commits, readers = 6, 60, 3
	logs := f.logs()
	ctx, cancel := context.WithTimeout(f.ctx, 4*soon)
	defer cancel()
	total := atomic.Int64{}
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	seen := make([][]cqrs.Record, readers)
	for i := range readers {
		reading.Go(func() { seen[i] = f.follow(ctx, logs[i%len(logs)], done) })
	}
	for w := range writers {
		random := rand.New(rand.NewPCG(f.rand.Uint64(), uint64(w)))
		writing.Go(func() {
			for i := range commits {
				c := randomCommit(random, i)
				if _, err := logs[w%len(logs)].Append(ctx, c); !assert.NoError(f, err) {
					return
				}
				for _, s := range c.Streams {
					total.Add(int64(len(s.Events)))
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	all := f.readAll()
	f.requireOrder(all)
	assert.EqualValues(f, total.Load(), len(all))
	for i := range seen {
		require.Equal(f, positions(all), positions(seen[i]), "reader %d", i)
	}
}

// randomCommit appends to one to three of a few streams.
func randomCommit(random *rand.Rand, n int) eventlog.Commit {
	c := commit()
	for _, id := range random.Perm(5)[:1+random.IntN(3)] {
		c.Streams = append(c.Streams, to(stream(fmt.Sprint(id)), eventlog.Any, events("Happened", 1+random.IntN(4))...))
	}
	if n%3 == 0 {
		c.Meta.CommandID = fmt.Sprintf("%x", c.ID)
	}
	return c
}

// follow reads as a live projection does: from where it stopped, again and again, until everything is written.
func (f *fixture) follow(ctx context.Context, log eventlog.Log, done <-chan struct{}) (seen []cqrs.Record) {
	for after := cqrs.Position(0); ; {
		last := false
		select {
		case <-done:
			last = true
		default:
		}
		for r, err := range log.Read(ctx, eventlog.Query{After: after}) {
			if !assert.NoError(f, err) {
				return seen
			}
			seen = append(seen, f.unnumbered(r))
			after = r.Position
		}
		if last {
			return seen
		}
		// Whoever writes may be done already: then nothing comes.
		wait, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		_, err := log.Wait(wait, after)
		cancel()
		if err != nil && !assert.ErrorIs(f, err, context.DeadlineExceeded) {
			return seen
		}
	}
}

func failuresAreAlone(f *fixture) {
	const callers, each = 16, 20
	f.append(commit(to(stream("old"), eventlog.New, event("Opened", 0))))
	var wg sync.WaitGroup
	for w := range callers {
		wg.Go(func() {
			own := stream(fmt.Sprint("own-", w))
			for i := range each {
				_, err := f.log.Append(f.ctx, commit(to(own, eventlog.Exactly(cqrs.Version(i)), event("Own", i))))
				assert.NoError(f, err)
				_, err = f.log.Append(f.ctx, commit(
					to(own, eventlog.Any, event("Never", i)), to(stream("old"), eventlog.New, event("Never", i))))
				var conflict *cqrs.ConflictError
				assert.True(f, errors.As(err, &conflict), "%v", err)
			}
		})
	}
	wg.Wait()
	assert.Zero(f, f.count("Never"))
	assert.Equal(f, callers*each, f.count("Own"))
	f.requireOrder(f.readAll())
}
