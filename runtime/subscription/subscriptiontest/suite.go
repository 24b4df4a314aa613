// Package subscriptiontest has the suite that every subscription.Store passes.
package subscriptiontest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
)

// Run runs the suite. open returns an empty store; what it opened it closes when the test ends.
func Run(t *testing.T, open func(t *testing.T) subscription.Store) {
	for name, test := range map[string]func(t *testing.T, store subscription.Store){
		"ASubscriptionThatNeverRanIsAtNothing":       testEmpty,
		"AStepIsMadeFromTheStoredCheckpointOnly":     testFence,
		"OfRacingStepsOneIsMade":                     testRaces,
		"WhoeverWasReplacedMakesNoStep":              testReplaced,
		"StreamsAreParkedAndUnparkedWithTheStep":     testParked,
		"AParkedStreamIsRetriedUntilItIsParkedAgain": testRetry,
		"ALeaseIsOneProcessesAtATime":                testLease,
		"SubscriptionsAreListedByName":               testList,
		"TheEndOfAContextEndsACall":                  testContext,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func at(n int) subscription.Checkpoint {
	if n == 0 {
		return subscription.Checkpoint{}
	}
	return subscription.Checkpoint{
		Position: cqrs.Position(n), Commit: cqrs.CommitID{0: 1, 15: byte(n)}, Passed: int64(n) * 2, Started: true,
	}
}

func save(t *testing.T, store subscription.Store, n int, step subscription.Step) {
	t.Helper()
	step.Holder, step.From, step.To = "me", at(n-1), at(n)
	require.NoError(t, store.Save(t.Context(), "mails", &step))
}

func stream(id string) cqrs.StreamID { return cqrs.StreamID{Category: "Account", ID: id} }

func parked(id string, position int) subscription.Parked {
	return subscription.Parked{
		Stream: stream(id), Version: 1<<53 + 1, Position: cqrs.Position(position), Type: "MoneyDeposited", Attempts: 10,
		Error: "it's \"away\"\n\u4e16", Since: time.Date(2026, 3, 1, 10, 0, 0, 1000, time.UTC),
	}
}

func testEmpty(t *testing.T, store subscription.Store) {
	c, err := store.Load(t.Context(), "mails")
	require.NoError(t, err)
	assert.Zero(t, c)
	all, err := store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.Empty(t, all)
	infos, err := store.Subscriptions(t.Context())
	require.NoError(t, err)
	assert.Empty(t, infos)
	require.ErrorIs(t, store.Retry(t.Context(), "mails", stream("a")), subscription.ErrNotParked)
}

func testFence(t *testing.T, store subscription.Store) {
	require.NoError(t, store.Hold(t.Context(), "mails", "me", time.Hour, nil))
	c, err := store.Load(t.Context(), "mails")
	require.NoError(t, err)
	assert.Zero(t, c, "a lease is no start")
	save(t, store, 1, subscription.Step{})
	for name, from := range map[string]subscription.Checkpoint{
		"the start": {}, "a later one": at(2),
		"another commit":  {Position: 1, Commit: cqrs.CommitID{15: 9}, Passed: 2, Started: true},
		"another counter": {Position: 1, Commit: at(1).Commit, Passed: 3, Started: true},
	} {
		step := subscription.Step{Holder: "me", From: from, To: at(3), Park: []subscription.Parked{parked("a", 3)}}
		require.ErrorIs(t, store.Save(t.Context(), "mails", &step), subscription.ErrFenced, name)
	}
	c, err = store.Load(t.Context(), "mails")
	require.NoError(t, err)
	assert.Equal(t, at(1), c)
	all, err := store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.Empty(t, all)
	c, err = store.Load(t.Context(), "other")
	require.NoError(t, err)
	assert.Zero(t, c)
}

func testRaces(t *testing.T, store subscription.Store) {
	const workers, steps = 4, 10
	var won atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := 1; n <= steps; n++ {
				err := store.Save(context.Background(), "mails", &subscription.Step{From: at(n - 1), To: at(n)})
				if err == nil {
					won.Add(1)
				} else {
					assert.ErrorIs(t, err, subscription.ErrFenced)
				}
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, steps, won.Load())
}

// Neither the process that was replaced nor the one that took over has moved the checkpoint.
func testReplaced(t *testing.T, store subscription.Store) {
	require.NoError(t, store.Hold(t.Context(), "mails", "me", time.Millisecond, nil))
	save(t, store, 1, subscription.Step{Park: []subscription.Parked{parked("a", 1)}})
	require.Eventually(t, func() bool { return store.Hold(t.Context(), "mails", "you", time.Hour, nil) == nil },
		10*time.Second, time.Millisecond)
	for _, late := range []subscription.Step{
		{Unpark: []cqrs.StreamID{stream("a")}}, {Park: []subscription.Parked{parked("b", 1)}}, {},
	} {
		late.Holder, late.From, late.To = "me", at(1), at(1)
		require.ErrorIs(t, store.Save(t.Context(), "mails", &late), subscription.ErrFenced)
	}
	all, err := store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.Equal(t, []subscription.Parked{parked("a", 1)}, all)
	mine := subscription.Step{Holder: "you", From: at(1), To: at(2), Unpark: []cqrs.StreamID{stream("a")}}
	require.NoError(t, store.Save(t.Context(), "mails", &mine))
	require.NoError(t, store.Release(t.Context(), "mails", "you", nil))
	next := subscription.Step{Holder: "me", From: at(2), To: at(3)}
	require.NoError(t, store.Save(t.Context(), "mails", &next), "a lease that was given up is nobody's")
}

func testParked(t *testing.T, store subscription.Store) {
	a, b, c := parked("a", 5), parked("b", 3), parked("c", 4)
	a.Retry = true
	save(t, store, 1, subscription.Step{Park: []subscription.Parked{a, b, c}})
	all, err := store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.Equal(t, []subscription.Parked{b, c, a}, all)
	again := parked("b", 6)
	save(t, store, 2, subscription.Step{Park: []subscription.Parked{again}, Unpark: []cqrs.StreamID{stream("c"), stream("b")}})
	all, err = store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.Equal(t, []subscription.Parked{a, again}, all, "what is parked and unparked in one step is parked again")
	all, err = store.Parked(t.Context(), "other")
	require.NoError(t, err)
	assert.Empty(t, all)
}

func testRetry(t *testing.T, store subscription.Store) {
	a := parked("a", 5)
	save(t, store, 1, subscription.Step{Park: []subscription.Parked{a, parked("b", 6)}})
	require.NoError(t, store.Retry(t.Context(), "mails", a.Stream))
	require.NoError(t, store.Retry(t.Context(), "mails", a.Stream))
	all, err := store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.True(t, all[0].Retry)
	assert.False(t, all[1].Retry)
	save(t, store, 2, subscription.Step{Park: []subscription.Parked{a}})
	all, err = store.Parked(t.Context(), "mails")
	require.NoError(t, err)
	assert.Equal(t, a, all[0])
	require.ErrorIs(t, store.Retry(t.Context(), "other", a.Stream), subscription.ErrNotParked)
}

func testLease(t *testing.T, store subscription.Store) {
	require.NoError(t, store.Hold(t.Context(), "mails", "me", time.Hour, []byte(`{"a":1}`)))
	require.NoError(t, store.Hold(t.Context(), "mails", "me", time.Hour, []byte(`{"a":2}`)))
	var held *subscription.HeldError
	require.ErrorAs(t, store.Hold(t.Context(), "mails", "you", time.Hour, nil), &held)
	assert.Equal(t, "me", held.Holder)
	assert.WithinDuration(t, time.Now().Add(time.Hour), held.Until, 5*time.Minute)
	require.NoError(t, store.Hold(t.Context(), "other", "you", time.Hour, nil))
	require.NoError(t, store.Release(t.Context(), "mails", "you", []byte(`{"a":3}`)))
	require.ErrorAs(t, store.Hold(t.Context(), "mails", "you", time.Hour, nil), &held)
	require.NoError(t, store.Release(t.Context(), "mails", "me", []byte(`{"a":4}`)))
	infos, err := store.Subscriptions(t.Context())
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":4}`, string(infos[0].Report))
	assert.Empty(t, infos[0].Holder)
	require.NoError(t, store.Hold(t.Context(), "mails", "you", 50*time.Millisecond, nil))
	require.Eventually(t, func() bool { return store.Hold(t.Context(), "mails", "me", time.Hour, nil) == nil },
		10*time.Second, 5*time.Millisecond, "a lease ends by itself")
}

func testList(t *testing.T, store subscription.Store) {
	require.NoError(t, store.Hold(t.Context(), "zz", "me", time.Hour, []byte(`{"a":1}`)))
	save(t, store, 1, subscription.Step{Park: []subscription.Parked{parked("a", 5)}})
	infos, err := store.Subscriptions(t.Context())
	require.NoError(t, err)
	require.Len(t, infos, 2)
	assert.Equal(t, subscription.Info{Name: "mails", Checkpoint: at(1), Parked: 1}, infos[0])
	assert.Equal(t, []string{"zz", "me"}, []string{infos[1].Name, infos[1].Holder})
	assert.WithinDuration(t, infos[1].Until, infos[1].Reported.Add(time.Hour), time.Second)
}

func testContext(t *testing.T, store subscription.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Load(ctx, "mails")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, store.Save(ctx, "mails", &subscription.Step{To: at(1)}), context.Canceled)
	_, err = store.Parked(ctx, "mails")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, store.Hold(ctx, "mails", "me", time.Hour, nil), context.Canceled)
	_, err = store.Subscriptions(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
