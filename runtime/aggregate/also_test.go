package aggregate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

func tallyStream(id string) cqrs.StreamID { return cqrs.StreamID{Category: "Tally", ID: id} }

// over makes a command that loads further streams of the same aggregate. decide adds the events itself.
func (s *system) over(
	id string, others []string, presence Stream,
	decide func(own tally, other []tally, give func(stream int, n int64) error, out *Events) error,
) Command[tally] {
	var with Others[tally]
	c := command(id, "Over", nil)
	c.Also = func(also *Also) error {
		for _, other := range others {
			with.With(s.Aggregate, also, other, presence)
		}
		return nil
	}
	c.Decide = func(own *tally, _ cqrs.CommandMeta, out *Events) error {
		return decide(*own, with.States(), func(stream int, n int64) error {
			return with.Add(others[stream], &added{"over", n})
		}, out)
	}
	return c
}

// transfer is the command that moves a number from one stream to another, unless less than nothing would be left.
func (s *system) transfer(from, to string, n int64) Command[tally] {
	c := s.over(from, []string{to}, MustExist, func(own tally, _ []tally, give func(int, int64) error, out *Events) error {
		if own.Sum < n {
			return negative{own.Sum}
		}
		if err := out.Add(&added{"out", -n}); err != nil {
			return err
		}
		return give(0, n)
	})
	c.AppendJSON = func(b []byte) ([]byte, error) { return fmt.Appendf(b, "%s %d", to, n), nil }
	return c
}

// commits returns the positions of the log's commits, in their order, as lists of the streams of their events.
func commits(t *testing.T, log eventlog.Log) (all [][]string) {
	var last cqrs.CommitID
	for rec, err := range log.Read(ctx, eventlog.Query{}) {
		require.NoError(t, err)
		if rec.Commit != last {
			all = append(all, nil)
		}
		all[len(all)-1], last = append(all[len(all)-1], rec.Stream.ID), rec.Commit
	}
	return all
}

func TestACommandChangesSeveralStreamsInOneCommit(t *testing.T) {
	s := newSystem(t, setting{every: 1})
	s.must(t, add("x", 10))
	s.must(t, add("y", 1))
	for n := range 3 { // from the cache as well
		r := s.must(t, s.transfer("x", "y", 2))
		assert.Equal(t, cqrs.Version(2+n), r.Version, "the version is that of the command's own stream")
		head, err := s.store.Head(ctx)
		require.NoError(t, err)
		assert.Equal(t, head, r.Position)
	}
	assert.Equal(t, [][]string{{"x"}, {"y"}, {"x", "y"}, {"x", "y"}, {"x", "y"}}, commits(t, s.store))
	assert.Zero(t, s.folded.Load(), "both states were kept")
	s.requireState(t, "x", 4, 4)
	s.requireState(t, "y", 7, 4)
	s.runtime.Close()
	for _, id := range []string{"x", "y"} {
		sealed, err := s.store.LoadSnapshot(ctx, tallyStream(id))
		require.NoError(t, err)
		assert.NotNil(t, sealed, "the snapshot of %s", id)
	}
	requireFree(t, s)
}

func TestStreamsOfAnotherAggregateTakePart(t *testing.T) {
	s := newSystem(t, setting{})
	tags := New(s.runtime, Definition[tagState]{Category: "Tags", NewFold: func() Fold[tagState] { return tagFold{} }})
	for n := range 2 {
		var other *Other[tagState]
		c := command("same", "Tag", nil)
		c.Also = func(also *Also) error {
			other = tags.With(also, "same", MayExist)
			return nil
		}
		c.Decide = func(_ *tally, _ cqrs.CommandMeta, out *Events) error {
			assert.Len(t, other.State().Tags, n)
			if err := out.Add(&added{"a", 1}); err != nil {
				return err
			}
			return other.Events().Add(&tagged{append([]string{"new"}, other.State().Tags...)})
		}
		s.must(t, c)
	}
	state, version, err := tags.Load(ctx, "same")
	require.NoError(t, err)
	assert.Equal(t, []string{"new", "new"}, state.Tags)
	assert.Equal(t, cqrs.Version(2), version)
	s.requireState(t, "same", 2, 2)
}

func TestEachFurtherStreamSaysWhetherItMustExist(t *testing.T) {
	s := newSystem(t, setting{})
	s.must(t, add("x", 1))
	s.must(t, add("old", 1))
	run := func(other string, presence Stream) error {
		_, err := s.Execute(ctx, s.over("x", []string{other}, presence,
			func(_ tally, _ []tally, give func(int, int64) error, _ *Events) error { return give(0, 1) }))
		return err
	}
	var notFound *cqrs.NotFoundError
	require.ErrorAs(t, run("new", MustExist), &notFound)
	assert.Equal(t, tallyStream("new"), notFound.Stream)
	var exists *cqrs.AlreadyExistsError
	require.ErrorAs(t, run("old", MustBeNew), &exists)
	assert.Equal(t, tallyStream("old"), exists.Stream)
	require.NoError(t, run("old", MustExist))
	require.NoError(t, run("old", MayExist))
	require.NoError(t, run("new", MayExist))
	require.NoError(t, run("newer", MustBeNew))
	s.requireState(t, "old", 3, 3)
	s.requireState(t, "new", 1, 1)
	s.requireState(t, "newer", 1, 1)
	s.requireState(t, "x", 1, 1)
	requireFree(t, s)
}

func TestAStreamNamedTwiceIsRefusedBeforeAnythingIsLoaded(t *testing.T) {
	log := memory.New()
	require.NoError(t, log.Close())
	s := newSystem(t, setting{store: log})
	for _, others := range [][]string{{"x"}, {"a", "a"}, {"b", "x", "c"}, {"a", "b", "c", "b"}} {
		_, err := s.Execute(ctx, s.over("x", others, MayExist, nil), cqrs.WithCommandID("1"))
		var same *cqrs.SameStreamError
		require.ErrorAs(t, err, &same, "%v", others)
		assert.Equal(t, "Over", same.Command)
	}
	_, err := s.Execute(ctx, s.over("x", []string{"a\nb"}, MayExist, nil))
	require.ErrorAs(t, err, new(*cqrs.InvalidStreamError))
	failing := s.over("x", nil, MayExist, nil)
	failed := errors.New("failed")
	failing.Also = func(*Also) error { return failed }
	_, err = s.Execute(ctx, failing)
	require.ErrorIs(t, err, failed)
	failing.Also = func(*Also) error { panic("oh") }
	_, err = s.Execute(ctx, failing)
	require.ErrorAs(t, err, new(*cqrs.PanicError))
	requireFree(t, s)
}

func TestAnEventForAStreamThatWasNotLoadedIsRefused(t *testing.T) {
	s := newSystem(t, setting{})
	var with Others[tally]
	c := command("x", "Stray", nil)
	c.Also = func(also *Also) error {
		with.With(s.Aggregate, also, "y", MayExist)
		return nil
	}
	c.Decide = func(_ *tally, _ cqrs.CommandMeta, out *Events) error {
		if err := out.Add(&added{"a", 1}); err != nil {
			return err
		}
		return with.Add("z", &added{"a", 1})
	}
	_, err := s.Execute(ctx, c)
	var stray *cqrs.NotLoadedError
	require.ErrorAs(t, err, &stray)
	assert.Equal(t, cqrs.NotLoadedError{Command: "Stray", Event: "Added", ID: "z"}, *stray)
	assert.Empty(t, commits(t, s.store))
}

// TestADecisionThatDependsOnAStreamIsTakenAgainWhenThatMoves lets another process change, while the decider runs, a
// stream that the command read and gives no event.
func TestADecisionThatDependsOnAStreamIsTakenAgainWhenThatMoves(t *testing.T) {
	for name, moved := range map[string]string{"the own stream": "x", "a further stream": "y", "a new stream": "new"} {
		t.Run(name, func(t *testing.T) {
			a, b := twoSystems(t, 0)
			a.must(t, add("x", 1))
			a.must(t, add("y", 1))
			a.must(t, add("z", 1))
			var seen []int64
			r := a.must(t, a.over("x", []string{"y", "z", "new"}, MayExist,
				func(own tally, other []tally, give func(int, int64) error, _ *Events) error {
					sum := own.Sum + other[0].Sum + other[2].Sum
					if seen = append(seen, sum); len(seen) == 1 {
						b.must(t, add(moved, 100))
					}
					return give(1, sum)
				}))
			assert.Equal(t, []int64{2, 102}, seen)
			a.requireState(t, "z", 103, 2)
			_, version, err := a.Load(ctx, "x")
			require.NoError(t, err)
			assert.Equal(t, version, r.Version)
			for _, id := range []string{"x", "y", "z", "new"} {
				requireRightCache(t, a, id)
			}
			requireFree(t, a)
		})
	}
}

func TestAnAttemptThatFailsWhileItLoadsKeepsNoStateOfTheOneBefore(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 1))
	a.must(t, add("z", 1))
	c := command("x", "Open", nil)
	var opened, changed *Other[tally]
	c.Also = func(also *Also) error {
		opened, changed = a.With(also, "new", MustBeNew), a.With(also, "z", MustExist)
		return nil
	}
	c.Decide = func(*tally, cqrs.CommandMeta, *Events) error {
		b.must(t, add("new", 100)) // another process is faster: the second attempt ends before it loads z
		return errors.Join(opened.Events().Add(&added{"a", 5}), changed.Events().Add(&added{"a", 5}))
	}
	_, err := a.Execute(ctx, c)
	require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
	for _, id := range []string{"x", "z", "new"} {
		requireRightCache(t, a, id)
	}
	a.must(t, add("z", 2))
	a.requireState(t, "z", 3, 2)
}

// errRight is the answer to a command that saw what there was at some moment.
var errRight = errors.New("what was seen was there")

// betweenLoads does something when a stream is read for the first time.
type betweenLoads struct {
	*memory.Log
	stream cqrs.StreamID
	do     func()
}

func (b *betweenLoads) ReadStream(
	ctx context.Context, stream cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	if do := b.do; stream == b.stream && do != nil {
		b.do = nil
		do()
	}
	return b.Log.ReadStream(ctx, stream, from)
}

func TestADecisionWithoutEventsIsAboutStatesOfOneMoment(t *testing.T) {
	for name, presence := range map[string]Stream{"an old stream": MustExist, "a new stream": MustBeNew} {
		for _, outcome := range []error{nil, negative{}} {
			t.Run(fmt.Sprint(name, outcome), func(t *testing.T) {
				log := memory.New()
				b := newSystem(t, setting{store: log})
				b.must(t, add("x", 10))
				b.must(t, add("y", 1))
				a := newSystem(t, setting{store: &betweenLoads{Log: log, stream: tallyStream("y"), do: func() {
					b.must(t, b.transfer("x", "y", 4)) // while a has loaded x, and not yet y
				}}})
				own, others := "own", []string{"x", "y"}
				if presence == MustExist {
					own, others = "x", others[1:]
				}
				c := a.over(own, others, MustExist, func(own tally, other []tally, _ func(int, int64) error, _ *Events) error {
					for _, o := range other {
						own.Sum += o.Sum
					}
					if own.Sum != 11 {
						return outcome
					}
					return errRight
				})
				c.Stream = presence
				_, err := a.Execute(ctx, c)
				require.ErrorIs(t, err, errRight)
			})
		}
	}
}

func TestIfVersionIsAboutTheOwnStreamAlone(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 10))
	a.must(t, add("y", 1))
	decided := 0
	c := a.transfer("x", "y", 1)
	decide := c.Decide
	c.Decide = func(s *tally, m cqrs.CommandMeta, out *Events) error {
		if decided++; decided == 1 {
			b.must(t, add("y", 5))
		}
		return decide(s, m, out)
	}
	a.must(t, c, cqrs.IfVersion(1))
	assert.Equal(t, 2, decided)
	a.requireState(t, "y", 7, 3)
	_, err := a.Execute(ctx, a.transfer("x", "y", 1), cqrs.IfVersion(1))
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, tallyStream("x"), conflict.Stream)
}

func TestACreatingCommandIsToldThatItsOwnStreamExistsAndNoOther(t *testing.T) {
	for _, moved := range []string{"x", "y"} {
		a, b := twoSystems(t, 0)
		a.must(t, add("y", 1))
		decided := 0
		_, err := a.Execute(ctx, on(MustBeNew, a.over("x", []string{"y"}, MustExist,
			func(_ tally, _ []tally, give func(int, int64) error, out *Events) error {
				if decided++; decided == 1 {
					b.must(t, add(moved, 1))
				}
				return errors.Join(out.Add(&added{"a", 1}), give(0, 1))
			})))
		if moved == "x" {
			require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
			a.requireState(t, "y", 1, 1)
			continue
		}
		require.NoError(t, err)
		a.requireState(t, "y", 3, 3)
		a.requireState(t, "x", 1, 1)
	}
}

func TestAFaultInOneStreamStoresNothingInAny(t *testing.T) {
	for name, n := range map[string]int64{"apply fails": refused, "apply panics": panics, "encoding fails": unencoded} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, setting{})
			s.must(t, add("x", 5))
			s.must(t, add("y", 5))
			before := commits(t, s.store)
			_, err := s.Execute(ctx, s.over("x", []string{"y"}, MustExist,
				func(_ tally, _ []tally, give func(int, int64) error, out *Events) error {
					return errors.Join(out.Add(&added{"a", 1}), give(0, n))
				}), cqrs.WithCommandID("1"))
			require.Error(t, err)
			assert.Equal(t, before, commits(t, s.store))
			requireRightCache(t, s, "x")
			requireRightCache(t, s, "y")
			s.must(t, s.transfer("x", "y", 1), cqrs.WithCommandID("1"))
			requireFree(t, s)
		})
	}
}

func TestARepeatedTransferHappensOnce(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 5))
	a.must(t, add("y", 1))
	first := a.must(t, a.transfer("x", "y", 5), cqrs.WithCommandID("1"))
	a.must(t, add("x", 5))
	first.Repeated = true
	for _, s := range []*system{a, b} {
		assert.Equal(t, first, s.must(t, s.transfer("x", "y", 5), cqrs.WithCommandID("1")))
		_, err := s.Execute(ctx, s.transfer("x", "z", 5), cqrs.WithCommandID("1"))
		require.ErrorAs(t, err, new(*cqrs.CommandReusedError))
	}
	a.requireState(t, "x", 5, 3)
	a.requireState(t, "y", 6, 2)
}

// TestOppositeTransfersNeitherWaitForEachOtherNorLoseAnything moves numbers in circles, by two processes at once.
func TestOppositeTransfersNeitherWaitForEachOtherNorLoseAnything(t *testing.T) {
	const callers, each, streams = 8, 40, 3
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a, b := twoSystems(t, 5)
	for i := range streams {
		a.must(t, add(fmt.Sprint(i), 100))
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for i := range callers {
		s, random := []*system{a, b}[i%2], rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for range each {
				from := random.IntN(streams)
				to := (from + 1 + random.IntN(streams-1)) % streams
				_, err := s.Execute(limit, s.transfer(fmt.Sprint(from), fmt.Sprint(to), random.Int64N(60)))
				if !assert.True(t, err == nil || errors.As(err, new(negative)), "%v", err) {
					return
				}
			}
		})
	}
	wg.Wait()
	sum, events := int64(0), 0
	for i := range streams {
		state, version, err := a.Load(ctx, fmt.Sprint(i), WithoutSnapshot())
		require.NoError(t, err)
		a.requireState(t, fmt.Sprint(i), state.Sum, version)
		requireRightCache(t, b, fmt.Sprint(i))
		assert.GreaterOrEqual(t, state.Sum, int64(0))
		sum, events = sum+state.Sum, events+int(version)
	}
	assert.Equal(t, int64(streams*100), sum)
	assert.Equal(t, 1, events%2, "behind the first of each of the three streams, each transfer is two events")
	requireFree(t, a)
	requireFree(t, b)
}

func TestACommandThatIsCalledOffWhileItWaitsHoldsNoStream(t *testing.T) {
	s := newSystem(t, setting{})
	s.must(t, add("a", 1))
	s.must(t, add("b", 1))
	inside, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		s.must(t, command("b", "Hold", func(tally, cqrs.CommandMeta) ([]added, error) {
			close(inside)
			<-leave
			return nil, nil
		}))
	})
	<-inside
	called, cancel := context.WithCancel(ctx)
	go func() { // a is locked by now, and b is waited for
		for s.runtime.locks.waiting(tallyStream("b")) < 2 {
			runtime.Gosched()
		}
		cancel()
	}()
	_, err := s.Execute(called, s.transfer("a", "b", 1))
	require.ErrorIs(t, err, context.Canceled)
	s.must(t, add("a", 1))
	close(leave)
	wg.Wait()
	requireFree(t, s)
}

func (l *locks) waiting(s cqrs.StreamID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.held[s]; k != nil {
		return k.users
	}
	return 0
}
