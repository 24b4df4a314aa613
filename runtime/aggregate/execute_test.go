package aggregate

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
)

func on(stream Stream, c Command[tally]) Command[tally] {
	c.Stream = stream
	return c
}

func TestACommandSaysWhetherItsStreamMustExist(t *testing.T) {
	s := newSystem(t, setting{})
	for range 2 { // the second time there is something in the cache
		_, err := s.Execute(ctx, on(MustExist, add("x", 1)))
		var notFound *cqrs.NotFoundError
		require.ErrorAs(t, err, &notFound)
		assert.Equal(t, cqrs.StreamID{Category: "Tally", ID: "x"}, notFound.Stream)
	}
	r := s.must(t, on(MustBeNew, add("x", 1, 2)))
	assert.Equal(t, cqrs.Version(2), r.Version)
	_, err := s.Execute(ctx, on(MustBeNew, add("x", 1)))
	var exists *cqrs.AlreadyExistsError
	require.ErrorAs(t, err, &exists)
	assert.Equal(t, cqrs.StreamID{Category: "Tally", ID: "x"}, exists.Stream)
	assert.Equal(t, cqrs.Version(3), s.must(t, on(MustExist, add("x", 1))).Version)
	assert.Equal(t, cqrs.Version(4), s.must(t, on(MayExist, add("x", 1))).Version)
	assert.Equal(t, cqrs.Version(1), s.must(t, on(MayExist, add("y", 1))).Version)
	requireFree(t, s)
}

func TestACreatingCommandWithoutEventsLooksAtItsStreamToo(t *testing.T) {
	for name, c := range map[string]Command[tally]{"no event": add("x"), "rejected": add("x", -1)} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, setting{})
			_, err := s.Execute(ctx, on(MustBeNew, c))
			assert.Equal(t, name == "rejected", errors.As(err, new(negative)), "%v", err)
			s.must(t, add("x", 1))
			_, err = s.Execute(ctx, on(MustBeNew, c))
			require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
		})
	}
}

func TestIfVersionAsksForOneVersion(t *testing.T) {
	for _, stream := range []Stream{MustExist, MayExist} {
		s := newSystem(t, setting{})
		s.must(t, add("x", 1, 2, 3))
		for _, v := range []cqrs.Version{0, 2, 4, -1} {
			_, err := s.Execute(ctx, on(stream, add("x", 1)), cqrs.IfVersion(v))
			var conflict *cqrs.ConflictError
			require.ErrorAs(t, err, &conflict)
			stream := cqrs.StreamID{Category: "Tally", ID: "x"}
			assert.Equal(t, cqrs.ConflictError{Stream: stream, Expected: v, Actual: 3}, *conflict)
		}
		assert.Equal(t, cqrs.Version(4), s.must(t, on(stream, add("x", 1)), cqrs.IfVersion(3)).Version)
		assert.Zero(t, s.folded.Load(), "a conflict costs no reload")
	}
	s := newSystem(t, setting{})
	assert.Equal(t, cqrs.Version(1), s.must(t, on(MayExist, add("x", 1)), cqrs.IfVersion(0)).Version)
	assert.Equal(t, cqrs.Version(1), s.must(t, on(MustBeNew, add("y", 1)), cqrs.IfVersion(0)).Version)
	_, err := s.Execute(ctx, on(MustBeNew, add("z", 1)), cqrs.IfVersion(1))
	require.ErrorAs(t, err, new(*cqrs.ConflictError))
	_, err = s.Execute(ctx, on(MustBeNew, add("y", 1)), cqrs.IfVersion(0))
	require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
}

func TestWhatIsNotValidIsNotLoaded(t *testing.T) {
	log := memory.New()
	require.NoError(t, log.Close())
	s := newSystem(t, setting{store: log})
	invalid := &cqrs.ValidationError{Command: "Add"}
	c := add("x", 1)
	c.Check = func() error { return invalid }
	_, err := s.Execute(ctx, c, cqrs.WithCommandID("1"))
	require.ErrorIs(t, err, error(invalid))
	_, err = s.Execute(ctx, add("a\nb", 1), cqrs.WithCommandID("1"))
	require.ErrorAs(t, err, new(*cqrs.InvalidStreamError))
	_, err = s.Execute(ctx, add("x", 1))
	require.ErrorIs(t, err, cqrs.ErrClosed)
	requireFree(t, s)
}

func TestARejectionReachesTheCallerWithItsValues(t *testing.T) {
	s := newSystem(t, setting{})
	s.must(t, add("x", 5))
	_, err := s.Execute(ctx, add("x", -6))
	var rejection negative
	require.ErrorAs(t, err, &rejection)
	assert.Equal(t, negative{5}, rejection)

	c := add("x", -6)
	c.Rejects = []string{"Other"}
	_, err = s.Execute(ctx, c)
	var undeclared *cqrs.UndeclaredRejectionError
	require.ErrorAs(t, err, &undeclared)
	assert.Equal(t, "Add", undeclared.Command)
	assert.Equal(t, cqrs.Rejection(negative{5}), undeclared.Rejection)
	s.requireState(t, "x", 5, 1)
	s.folded.Store(0)
	s.must(t, add("x", -5))
	assert.EqualValues(t, 1, s.folded.Load(), "what a rejecting decider was given is not kept")
}

// TestAFaultStoresNothingAndSpoilsNothing lets commands fail after they changed the state: the next one must not see it.
func TestAFaultStoresNothingAndSpoilsNothing(t *testing.T) {
	failing := errors.New("failed")
	decider := func(events []added, err error) Command[tally] {
		return command("x", "Fail", func(tally, cqrs.CommandMeta) ([]added, error) { return events, err })
	}
	is := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	for name, c := range map[string]struct {
		command Command[tally]
		is      func(error) bool
	}{
		"a decider that panics": {command("x", "Fail", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
			s.Each["a"] = 1000
			panic("oh")
		}), is(new(*cqrs.PanicError))},
		"a decider that fails": {command("x", "Fail", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
			s.Each["a"] = 1000
			return nil, failing
		}), func(err error) bool { return errors.Is(err, failing) }},
		"an apply that panics":      {add("x", panics), is(new(*cqrs.PanicError))},
		"an apply that fails":       {add("x", refused), func(err error) bool { return errors.Is(err, errRefused) }},
		"the second apply panics":   {add("x", 1, panics), is(new(*cqrs.PanicError))},
		"the second apply fails":    {add("x", 1, refused), is(new(*ApplyError))},
		"an encoding that fails":    {add("x", unencoded), is(new(*cqrs.EncodingError))},
		"the second encoding fails": {add("x", 1, unencoded), is(new(*cqrs.EncodingError))},
		"a rejection behind events": {decider([]added{{"a", 7}}, negative{}), is(new(negative))},
		"a failure behind events": {decider([]added{{"a", 7}}, failing), func(err error) bool {
			return errors.Is(err, failing)
		}},
		"an event larger than the log's":  {add("x", make([]int64, 10_001)...), func(err error) bool { return err != nil }},
		"a command that can't be encoded": {unencodable(), is(new(*cqrs.EncodingError))},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, setting{every: 1})
			s.must(t, add("x", 5))
			_, err := s.Execute(ctx, c.command, cqrs.WithCommandID("1"))
			require.Error(t, err)
			assert.True(t, c.is(err), "%v", err)
			assert.Equal(t, []added{{"a", 5}}, stored(t, s.store, "x"))
			s.must(t, command("x", "Look", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
				assert.Equal(t, tally{5, map[string]int64{"a": 5}}, s)
				return nil, nil
			}))
			s.must(t, add("x", 2), cqrs.WithCommandID("1"))
			s.requireState(t, "x", 7, 2)
			requireFree(t, s)
		})
	}
}

func unencodable() Command[tally] {
	c := add("x", 1)
	c.AppendJSON = func(b []byte) ([]byte, error) { return b, &cqrs.EncodingError{Type: "Add"} }
	return c
}

func TestAPanicIsNamedAfterItsCommand(t *testing.T) {
	s := newSystem(t, setting{})
	_, err := s.Execute(ctx, command("x", "Fail", func(tally, cqrs.CommandMeta) ([]added, error) { panic("oh") }))
	var p *cqrs.PanicError
	require.ErrorAs(t, err, &p)
	assert.Equal(t, "Tally.Fail", p.In)
	assert.Equal(t, "oh", p.Value)
	assert.Contains(t, string(p.Stack), "execute_test.go")
}

func TestTimeIsFixedInMicrosecondsUTCAlsoOverRetries(t *testing.T) {
	log := memory.New()
	other := newSystem(t, setting{store: log})
	now := time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.FixedZone("there", 7200))
	s := newSystem(t, setting{store: log, opts: []Option{WithClock(func() time.Time {
		now = now.Add(time.Hour)
		return now
	})}})
	want := time.Date(2024, 5, 6, 6, 8, 9, 123456000, time.UTC)
	var times []time.Time
	r := s.must(t, command("x", "Add", func(_ tally, m cqrs.CommandMeta) ([]added, error) {
		if times = append(times, m.Time); len(times) < 4 {
			other.must(t, add("x", 1))
		}
		return []added{{"a", 1}}, nil
	}))
	assert.Equal(t, []time.Time{want, want, want, want}, times)
	assert.Equal(t, want, r.Time)
	assert.Equal(t, cqrs.Version(4), r.Version)
	for rec, err := range log.ReadStream(ctx, cqrs.StreamID{Category: "Tally", ID: "x"}, 4) {
		require.NoError(t, err)
		assert.Equal(t, want, rec.Time)
	}
}

func TestTheMetaDataOfACommandIsStoredAndSeen(t *testing.T) {
	s := newSystem(t, setting{})
	var seen cqrs.CommandMeta
	r := s.must(t, command("x", "Add", func(_ tally, m cqrs.CommandMeta) ([]added, error) {
		seen = m
		return []added{{"a", 1}, {"b", 2}}, nil
	}), cqrs.WithCommandID("1"), cqrs.WithCorrelationID("2"), cqrs.WithCausationID("3"), cqrs.WithActor("4"))
	assert.Equal(t, cqrs.CommandMeta{
		Time: r.Time, CommandID: "1", CorrelationID: "2", CausationID: "3", Actor: "4",
	}, seen)
	for rec, err := range s.store.ReadStream(ctx, cqrs.StreamID{Category: "Tally", ID: "x"}, 1) {
		require.NoError(t, err)
		assert.Equal(t, []string{"1", "2", "3", "4"}, []string{rec.CommandID, rec.CorrelationID, rec.CausationID, rec.Actor})
		assert.Equal(t, r.Time, rec.Time)
	}
}

func TestACommandWithoutEventsHasThePositionOfTheHead(t *testing.T) {
	s := newSystem(t, setting{})
	s.must(t, add("x", 1, 2))
	other := s.must(t, add("y", 1))
	r := s.must(t, add("x"))
	assert.Equal(t, other.Position, r.Position)
	assert.Equal(t, cqrs.Version(2), r.Version)
	assert.False(t, r.Time.IsZero())
	assert.Equal(t, cqrs.Version(0), s.must(t, add("z")).Version)
	s.requireState(t, "x", 3, 2)
}

// TestCachesAndSnapshotsChangeNoResult runs the same commands, failing ones too, on differently configured systems.
func TestCachesAndSnapshotsChangeNoResult(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var systems []*system
		for _, cached := range []int{0, 1, 2, 10_000} {
			for _, every := range []int{0, 1, 3} {
				systems = append(systems, newSystem(t, setting{every: every, opts: []Option{WithCache(cached)}}))
			}
		}
		number := rapid.OneOf(rapid.Int64Range(-5, 9), rapid.SampledFrom([]int64{refused, panics, unencoded}))
		for i := range rapid.IntRange(1, 30).Draw(t, "commands") {
			id := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "id")
			numbers := rapid.SliceOfN(number, 0, 3).Draw(t, "numbers")
			stream := rapid.SampledFrom([]Stream{MayExist, MayExist, MustExist, MustBeNew}).Draw(t, "stream")
			var opts []cqrs.CommandOption
			if v := rapid.IntRange(-10, 10).Draw(t, "version"); v >= 0 {
				opts = append(opts, cqrs.IfVersion(cqrs.Version(v)))
			}
			if n := rapid.IntRange(-10, 3).Draw(t, "command id"); n >= 0 {
				opts = append(opts, cqrs.WithCommandID(fmt.Sprint(n)))
			}
			var want string
			for n, s := range systems {
				got := outcome(s, on(stream, add(id, numbers...)), opts)
				if n == 0 {
					want = got
				}
				require.Equal(t, want, got, "command %d, system %d", i, n)
				requireWholeCache(t, s.cache)
			}
		}
	})
}

// requireWholeCache checks the bound of a cache, and that its list leads to all of its states, from either end.
func requireWholeCache(t require.TestingT, c *cache[tally]) {
	require.LessOrEqual(t, len(c.byID), max(0, c.most))
	n, last := 0, (*loaded[tally])(nil)
	for l := c.newest; l != nil; l = l.older {
		require.Same(t, c.byID[l.id], l)
		require.True(t, l.newer == last)
		n, last = n+1, l
	}
	require.Len(t, c.byID, n)
	require.True(t, c.oldest == last)
}

// outcome is all that a command's caller, and whoever loads the stream afterwards, can see.
func outcome(s *system, c Command[tally], opts []cqrs.CommandOption) string {
	r, err := s.Execute(ctx, c, opts...)
	state, v, loadErr := s.Load(ctx, c.ID)
	return fmt.Sprint(r.Position, r.Version, r.Repeated, err, state, v, loadErr)
}

func TestTheCacheForgetsWhatWasNotUsedForLongest(t *testing.T) {
	s := newSystem(t, setting{opts: []Option{WithCache(2)}})
	for _, id := range []string{"x", "y", "x", "z"} {
		s.must(t, add(id, 1))
	}
	s.must(t, add("x", 1))
	s.must(t, add("z", 1))
	assert.Zero(t, s.folded.Load(), "x and z are cached")
	s.must(t, add("y", 1))
	assert.Equal(t, int64(1), s.folded.Load(), "y is not")
}

func TestWaitingForAStreamEndsWithItsContext(t *testing.T) {
	s := newSystem(t, setting{})
	entered, leave, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := s.Execute(ctx, command("x", "Slow", func(tally, cqrs.CommandMeta) ([]added, error) {
			close(entered)
			<-leave
			return []added{{"a", 1}}, nil
		}))
		done <- err
	}()
	<-entered
	s.must(t, add("y", 1)) // other streams don't wait

	waiting, cancel := context.WithCancel(ctx)
	waited := make(chan error)
	go func() {
		_, err := s.Execute(waiting, add("x", 1))
		waited <- err
	}()
	require.Eventually(t, func() bool {
		s.runtime.locks.mu.Lock()
		defer s.runtime.locks.mu.Unlock()
		return s.runtime.locks.held[cqrs.StreamID{Category: "Tally", ID: "x"}].users == 2
	}, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-waited, context.Canceled)
	close(leave)
	require.NoError(t, <-done)
	assert.Equal(t, []added{{"a", 1}}, stored(t, s.store, "x"))
	requireFree(t, s)
}

func TestACommandWhoseContextEndedDoesNothing(t *testing.T) {
	s := newSystem(t, setting{})
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, opts := range [][]cqrs.CommandOption{nil, {cqrs.WithCommandID("1")}} {
		_, err := s.Execute(ended, add("x", 1), opts...)
		require.ErrorIs(t, err, context.Canceled)
	}
	assert.Empty(t, stored(t, s.store, "x"))
	requireFree(t, s)
}
