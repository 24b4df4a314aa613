package logtest

import (
	"context"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var waitTests = []test{
	{"waiting for what is there ends at once", waitForThePast},
	{"an append wakes everybody who waits", waitForNews},
	{"waiting ends with the context", waitEndsWithContext},
	{"another process's append wakes who waits", waitForAnother},
	{"waiting again and again sees every append", waitInTurns},
}

// soon is far longer than anything here takes; only a failure waits for it.
const soon = 30 * time.Second

func waitForThePast(f *fixture) {
	got := f.append(commit(to(stream("1"), eventlog.New, events("Opened", 2)...)))
	for _, after := range []cqrs.Position{-1, 0, got.Position - 1} {
		head, err := f.log.Wait(f.ctx, after)
		require.NoError(f, err)
		assert.Equal(f, got.Position, head)
	}
}

func waitForNews(f *fixture) {
	first := f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	ctx, cancel := context.WithTimeout(f.ctx, soon)
	defer cancel()
	var ready, done sync.WaitGroup
	for range 8 {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			head, err := f.log.Wait(ctx, first.Position)
			assert.NoError(f, err)
			assert.Greater(f, head, first.Position)
		})
	}
	ready.Wait()
	// A command without events is no news.
	f.append(command("cmd-1", "x"))
	f.append(commit(to(stream("1"), eventlog.Exactly(1), event("Opened", 1))))
	done.Wait()
}

func waitEndsWithContext(f *fixture) {
	ctx, cancel := context.WithTimeout(f.ctx, 20*time.Millisecond)
	defer cancel()
	_, err := f.log.Wait(ctx, f.head())
	assert.ErrorIs(f, err, context.DeadlineExceeded)
	_, err = f.log.Wait(ctx, f.head()+1000)
	assert.ErrorIs(f, err, context.DeadlineExceeded)
	ctx, cancel = context.WithCancel(f.ctx)
	failed := make(chan error)
	go func() {
		_, err := f.log.Wait(ctx, 0)
		failed <- err
	}()
	cancel()
	assert.ErrorIs(f, <-failed, context.Canceled)
}

func waitForAnother(f *fixture) {
	if f.engine.Again == nil {
		f.Skip("the engine's data ends with its log")
	}
	other := f.engine.Again(f)
	ctx, cancel := context.WithTimeout(f.ctx, soon)
	defer cancel()
	for i := range 20 {
		head := f.head()
		woken := make(chan cqrs.Position)
		go func() {
			got, err := f.log.Wait(ctx, head)
			assert.NoError(f, err)
			woken <- got
		}()
		got, err := other.Append(f.ctx, commit(to(stream("1"), eventlog.Any, event("Opened", i))))
		require.NoError(f, err)
		assert.Equal(f, got.Position, <-woken)
	}
}

func waitInTurns(f *fixture) {
	ctx, cancel := context.WithTimeout(f.ctx, soon)
	defer cancel()
	const turns = 100
	var wg sync.WaitGroup
	wg.Go(func() {
		after := cqrs.Position(0)
		for seen := 0; seen < turns; {
			head, err := f.log.Wait(ctx, after)
			if !assert.NoError(f, err) {
				return
			}
			for r, err := range f.log.Read(ctx, eventlog.Query{After: after, Through: head}) {
				if !assert.NoError(f, err) {
					return
				}
				after = r.Position
				seen++
			}
			assert.Equal(f, head, after)
		}
	})
	for i := range turns {
		f.append(commit(to(stream("1"), eventlog.Exactly(cqrs.Version(i)), event("Opened", i))))
	}
	wg.Wait()
}
