package logtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var contextTests = []test{
	{"a context that has ended stops everything before it starts", endedContext},
	{"an iteration ends when its context does", contextEndsIteration},
	{"an append whose context ends says what is known of its outcome", contextEndsAppend},
}

var closeTests = []test{
	{"a closed log refuses everything", closedLog},
	{"closing wakes who waits", closeWakes},
	{"closing stores what was handed in", closeDrains},
}

func endedContext(f *fixture) {
	f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	for name, err := range calls(ctx, f) {
		assert.ErrorIs(f, err, context.Canceled, name)
		var unknown *eventlog.UnknownOutcomeError
		assert.False(f, errors.As(err, &unknown), name)
	}
	assert.Equal(f, 1, f.count())
}

// calls returns the error of each of the log's methods.
func calls(ctx context.Context, f *fixture) map[string]error {
	errs := make(map[string]error)
	_, errs["Append"] = f.log.Append(ctx, commit(to(stream("1"), eventlog.Any, event("Late", 0))))
	_, _, errs["Command"] = f.log.Command(ctx, "cmd-1", [32]byte{})
	_, errs["Head"] = f.log.Head(ctx)
	_, errs["Count"] = f.log.Count(ctx)
	_, errs["Wait"] = f.log.Wait(ctx, 1000)
	for r, err := range f.log.Read(ctx, eventlog.Query{}) {
		assert.Nil(f, r)
		errs["Read"] = errors.Join(errs["Read"], err)
	}
	for r, err := range f.log.ReadStream(ctx, stream("1"), 1) {
		assert.Nil(f, r)
		errs["ReadStream"] = errors.Join(errs["ReadStream"], err)
	}
	for r, err := range f.log.ReadStreamBackwards(ctx, stream("1"), 0) {
		assert.Nil(f, r)
		errs["ReadStreamBackwards"] = errors.Join(errs["ReadStreamBackwards"], err)
	}
	if f.engine.Snapshots != nil {
		for _, err := range f.engine.Snapshots.ListSnapshots(ctx, "Account") {
			errs["ListSnapshots"] = errors.Join(errs["ListSnapshots"], err)
		}
		_, errs["LoadSnapshot"] = f.engine.Snapshots.LoadSnapshot(ctx, stream("1"))
		errs["SaveSnapshot"] = f.engine.Snapshots.SaveSnapshot(ctx, stream("1"), []byte("x"))
	}
	return errs
}

func contextEndsIteration(f *fixture) {
	f.fill(stream("1"), "Opened", bigLog)
	for _, read := range []func(context.Context) func(func(*cqrs.Record, error) bool){
		func(ctx context.Context) func(func(*cqrs.Record, error) bool) {
			return f.log.Read(ctx, eventlog.Query{})
		},
		func(ctx context.Context) func(func(*cqrs.Record, error) bool) {
			return f.log.ReadStream(ctx, stream("1"), 1)
		},
	} {
		ctx, cancel := context.WithCancel(f.ctx)
		defer cancel()
		n, failed := 0, error(nil)
		for r, err := range read(ctx) {
			require.NoError(f, failed, "an iteration is over after an error")
			if err != nil {
				assert.Nil(f, r)
				failed = err
				continue
			}
			n++
			if n == 10 {
				cancel()
			}
		}
		assert.ErrorIs(f, failed, context.Canceled)
		assert.Less(f, n, bigLog)
	}
}

func contextEndsAppend(f *fixture) {
	const callers, each = 8, 30
	var mu sync.Mutex
	acknowledged, refused := map[cqrs.CommitID]bool{}, map[cqrs.CommitID]bool{}
	var wg sync.WaitGroup
	for w := range callers {
		random := rand.New(rand.NewPCG(f.rand.Uint64(), uint64(w)))
		wg.Go(func() {
			for i := range each {
				ctx, cancel := context.WithTimeout(f.ctx, time.Duration(random.IntN(3000))*time.Microsecond)
				e := event("Opened", i)
				c := commit(to(stream(fmt.Sprint(w)), eventlog.Any, e, e))
				_, err := f.log.Append(ctx, c)
				cancel()
				// The payload is the caller's again, whatever the outcome.
				clear(e.Data)
				var unknown *eventlog.UnknownOutcomeError
				mu.Lock()
				switch {
				case err == nil:
					acknowledged[c.ID] = true
				case errors.As(err, &unknown):
					assert.Equal(f, c.ID, unknown.Commit)
					assert.ErrorIs(f, err, context.DeadlineExceeded)
				default:
					assert.ErrorIs(f, err, context.DeadlineExceeded)
					refused[c.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// What comes last is stored after whatever is still on its way.
	f.append(commit(to(stream("last"), eventlog.New, event("Opened", 0))))
	records := f.readAll()
	f.requireOrder(records)
	stored := make(map[cqrs.CommitID]int)
	for _, r := range records {
		stored[r.Commit]++
		assert.NotEqual(f, byte(0), r.Data[0], "the engine read the payload after it had returned")
	}
	for id := range acknowledged {
		assert.Equal(f, 2, stored[id])
	}
	for id := range refused {
		assert.Zero(f, stored[id])
	}
}

func closedLog(f *fixture) {
	f.append(commit(to(stream("1"), eventlog.New, event("Opened", 0))))
	require.NoError(f, f.engine.Close())
	for name, err := range calls(f.ctx, f) {
		assert.ErrorIs(f, err, cqrs.ErrClosed, name)
	}
	assert.NoError(f, f.engine.Close(), "closing twice is harmless")
}

func closeWakes(f *fixture) {
	woken := make(chan error)
	for range 3 {
		go func() {
			_, err := f.log.Wait(f.ctx, 1000)
			woken <- err
		}()
	}
	require.NoError(f, f.engine.Close())
	for range 3 {
		assert.ErrorIs(f, <-woken, cqrs.ErrClosed)
	}
}

func closeDrains(f *fixture) {
	if f.engine.Again == nil {
		f.Skip("the engine's data ends with its log")
	}
	const callers = 32
	var mu sync.Mutex
	var acknowledged []cqrs.CommitID
	var wg, started sync.WaitGroup
	started.Add(callers)
	for w := range callers {
		wg.Go(func() {
			started.Done()
			for i := 0; ; i++ {
				c := commit(to(stream(fmt.Sprint(w)), eventlog.Exactly(cqrs.Version(i)), event("Opened", i)))
				if _, err := f.log.Append(f.ctx, c); err != nil {
					assert.ErrorIs(f, err, cqrs.ErrClosed)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, c.ID)
				mu.Unlock()
			}
		})
	}
	started.Wait()
	f.append(commit(to(stream("x"), eventlog.New, event("Opened", 0))))
	require.NoError(f, f.engine.Close())
	wg.Wait()
	f.log = f.engine.Again(f)
	f.numbers.Clear()
	stored := make(map[cqrs.CommitID]bool)
	for _, r := range f.readAll() {
		stored[r.Commit] = true
	}
	assert.Len(f, stored, len(acknowledged)+1, "what was refused is not there")
	for _, id := range acknowledged {
		assert.True(f, stored[id])
	}
}
