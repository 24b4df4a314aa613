package aggregate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
)

// twoSystems are two processes on one store.
func twoSystems(t *testing.T, every int) (a, b *system) {
	log := memory.New()
	return newSystem(t, setting{store: log, every: every}), newSystem(t, setting{store: log, every: every})
}

func TestACacheDoesNotHideWhatAnotherProcessStored(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 5)) // a has 5 in its cache
	b.must(t, add("x", -5))
	_, err := a.Execute(ctx, add("x", -1))
	require.ErrorAs(t, err, new(negative), "a knows that nothing is left")
	b.must(t, add("x", 3))
	a.must(t, add("x", -3))
	assert.Equal(t, cqrs.Version(5), b.must(t, add("x", 1), cqrs.IfVersion(4)).Version)
	a.requireState(t, "x", 1, 5)
}

func TestARefusalOfAStateInMemoryIsLookedIntoBeforeItIsAnswered(t *testing.T) {
	atLeast := func(n int64, refusal error) func(tally, cqrs.CommandMeta) ([]added, error) {
		return func(s tally, _ cqrs.CommandMeta) ([]added, error) {
			if s.Sum < n {
				return nil, refusal
			}
			return []added{{"a", 1}}, nil
		}
	}
	guarded := add("x", 1)
	guarded.Guard = func(s *tally) error {
		if s.Sum < 5 {
			return negative{s.Sum}
		}
		return nil
	}
	for name, c := range map[string]Command[tally]{
		"rejection":  command("x", "Reject", atLeast(5, negative{})),
		"guard":      guarded,
		"no event":   command("x", "Nothing", atLeast(5, nil)),
		"fault":      command("x", "Fail", atLeast(5, errRefused)),
		"undeclared": command("x", "Undeclared", atLeast(5, sumTaken{})),
	} {
		for range 2 { // with a state that is not known to be shared, and with one that is
			a, b := twoSystems(t, 0)
			a.must(t, add("x", 1))
			b.must(t, add("x", 9))
			r, err := a.Execute(ctx, c)
			require.NoError(t, err, name)
			assert.Equal(t, cqrs.Version(3), r.Version, name)
			b.must(t, add("x", -11))
			_, err = a.Execute(ctx, add("x", -1))
			require.ErrorAs(t, err, new(negative), name)
		}
	}
	a, b := twoSystems(t, 0) // the further stream is the one in memory
	a.must(t, add("x", 1))
	b.must(t, add("x", 9))
	b.must(t, add("y", 1))
	a.must(t, a.over("y", []string{"x"}, MustExist, func(own tally, other []tally, _ func(int, int64) error, out *Events) error {
		if other[0].Sum < 5 {
			return negative{}
		}
		return out.Add(&added{"a", 1})
	}))
}

func TestAStreamThatWasNotThereIsLookedForAgain(t *testing.T) {
	for name, refused := range map[string]Command[tally]{"no event": add("x"), "rejected": add("x", -1)} {
		a, b := twoSystems(t, 0)
		_, err := a.Execute(ctx, on(MustBeNew, refused)) // a has looked, and there was none
		assert.Equal(t, name == "rejected", errors.As(err, new(negative)), "%s: %v", name, err)
		b.must(t, add("x", 1))
		assert.Equal(t, cqrs.Version(2), a.must(t, on(MustExist, add("x", 1))).Version, name)
	}
}

func TestIfVersionAsksTheLogAndNotTheStateInMemory(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 1))
	b.must(t, add("x", 1))
	_, err := a.Execute(ctx, add("x", 1), cqrs.IfVersion(1))
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, cqrs.Version(2), conflict.Actual)
	b.must(t, add("x", 1))
	assert.Equal(t, cqrs.Version(4), a.must(t, add("x", 1), cqrs.IfVersion(3)).Version)
}

func TestAConflictIsDecidedAgainOnWhatIsThere(t *testing.T) {
	a, b := twoSystems(t, 2)
	a.must(t, add("x", 5))
	var seen []int64
	r := a.must(t, command("x", "Take", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
		if seen = append(seen, s.Sum); len(seen) < 3 {
			b.must(t, add("x", -1))
		}
		return []added{{"a", -s.Sum}}, nil
	}))
	assert.Equal(t, []int64{5, 4, 3}, seen)
	assert.Equal(t, cqrs.Version(4), r.Version)
	a.requireState(t, "x", 0, 4)
	b.requireState(t, "x", 0, 4)
}

func TestAConflictCanEndInARejection(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 5))
	decided := 0
	_, err := a.Execute(ctx, command("x", "Take", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
		if decided++; decided == 1 {
			b.must(t, add("x", -5))
		}
		if s.Sum < 5 {
			return nil, negative{s.Sum}
		}
		return []added{{"a", -5}}, nil
	}))
	require.ErrorAs(t, err, new(negative))
	assert.Equal(t, 2, decided)
	a.requireState(t, "x", 0, 2)
}

func TestIfVersionIsNotDecidedAgain(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 5))
	decided := 0
	_, err := a.Execute(ctx, command("x", "Take", func(tally, cqrs.CommandMeta) ([]added, error) {
		decided++
		b.must(t, add("x", -1))
		return []added{{"a", 1}}, nil
	}), cqrs.IfVersion(1))
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, cqrs.Version(2), conflict.Actual)
	assert.Equal(t, 1, decided)
	a.requireState(t, "x", 4, 2)
}

func TestOfTwoThatCreateAStreamOneIsToldThatItExists(t *testing.T) {
	a, b := twoSystems(t, 0)
	_, err := a.Execute(ctx, on(MustBeNew, command("x", "Create", func(tally, cqrs.CommandMeta) ([]added, error) {
		b.must(t, on(MustBeNew, add("x", 1)))
		return []added{{"a", 2}}, nil
	})))
	require.ErrorAs(t, err, new(*cqrs.AlreadyExistsError))
	a.requireState(t, "x", 1, 1)
}

func TestACommandThatIsAlwaysTooLateIsGivenUp(t *testing.T) {
	a, b := twoSystems(t, 10)
	decided := 0
	late := command("x", "Late", func(tally, cqrs.CommandMeta) ([]added, error) {
		decided++
		b.must(t, add("x", 1))
		return []added{{"a", 100}}, nil
	})
	_, err := a.Execute(ctx, late)
	require.ErrorAs(t, err, new(*cqrs.ConflictError))
	require.ErrorContains(t, err, "command Late of Tally/x was given up after 50 attempts")
	assert.Equal(t, attempts, decided)
	a.requireState(t, "x", attempts, attempts)

	ending, cancel := context.WithCancel(ctx)
	_, err = a.Execute(ending, command("x", "Late", func(tally, cqrs.CommandMeta) ([]added, error) {
		b.must(t, add("x", 1))
		time.AfterFunc(time.Millisecond, cancel)
		return []added{{"a", 100}}, nil
	}))
	require.ErrorIs(t, err, context.Canceled)
	requireFree(t, a)
}

func TestManyCommandsOfTwoProcessesAddUp(t *testing.T) {
	const callers, each = 8, 25
	a, b := twoSystems(t, 7)
	versions := make(chan cqrs.Version, 2*callers*each)
	var wg sync.WaitGroup
	for _, s := range []*system{a, b} {
		for range callers {
			wg.Go(func() {
				for range each {
					r, err := s.Execute(ctx, add("x", 1))
					if !assert.NoError(t, err) {
						return
					}
					versions <- r.Version
				}
			})
		}
	}
	wg.Wait()
	close(versions)
	seen := map[cqrs.Version]bool{}
	for v := range versions {
		assert.False(t, seen[v], "version %d twice", v)
		seen[v] = true
	}
	total := 2 * callers * each
	assert.Len(t, seen, total)
	assert.Len(t, stored(t, a.store, "x"), total)
	a.requireState(t, "x", int64(total), cqrs.Version(total))
	b.requireState(t, "x", int64(total), cqrs.Version(total))
	requireFree(t, a)
	requireFree(t, b)
}

// TestNobodyTakesWhatIsNotThere races withdrawals of more than there is.
func TestNobodyTakesWhatIsNotThere(t *testing.T) {
	a, b := twoSystems(t, 3)
	a.must(t, add("x", 20))
	var wg sync.WaitGroup
	taken := make(chan bool, 60)
	for i := range 60 {
		s := []*system{a, b}[i%2]
		wg.Go(func() {
			_, err := s.Execute(ctx, add("x", -1))
			assert.True(t, err == nil || errors.As(err, new(negative)), "%v", err)
			taken <- err == nil
		})
	}
	wg.Wait()
	close(taken)
	n := 0
	for ok := range taken {
		if ok {
			n++
		}
	}
	assert.Equal(t, 20, n)
	a.requireState(t, "x", 0, 21)
}

func TestARepeatedCommandGetsItsFirstReceipt(t *testing.T) {
	a, b := twoSystems(t, 0)
	first := a.must(t, add("x", 5), cqrs.WithCommandID("1"))
	assert.False(t, first.Repeated)
	a.must(t, add("x", 1))
	want := first
	want.Repeated = true
	for _, s := range []*system{a, b, a} {
		assert.Equal(t, want, s.must(t, add("x", 5), cqrs.WithCommandID("1")))
		assert.Equal(t, want, s.must(t, add("x", 5), cqrs.WithCommandID("1"), cqrs.IfVersion(0)))
	}
	a.requireState(t, "x", 6, 2)

	other := add("x", 5)
	other.Name = "Other"
	for name, c := range map[string]Command[tally]{
		"content": add("x", 6), "stream": add("y", 5), "name": other, "no event": add("x"),
	} {
		_, err := b.Execute(ctx, c, cqrs.WithCommandID("1"))
		var reused *cqrs.CommandReusedError
		require.ErrorAs(t, err, &reused, "another %s", name)
		assert.Equal(t, "1", reused.CommandID)
	}
	elsewhere := newSystem(t, setting{store: a.store, category: "Other"})
	_, err := elsewhere.Execute(ctx, add("x", 5), cqrs.WithCommandID("1"))
	require.ErrorAs(t, err, new(*cqrs.CommandReusedError), "another category")
	b.requireState(t, "x", 6, 2)
}

func TestARepeatedCommandWithoutEventsIsNotDecidedAgain(t *testing.T) {
	a, b := twoSystems(t, 0)
	a.must(t, add("x", 1))
	decided := 0
	c := command("x", "Maybe", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
		decided++
		if s.Sum == 1 {
			return nil, nil
		}
		return []added{{"a", 1}}, nil
	})
	first := a.must(t, c, cqrs.WithCommandID("1"))
	assert.Equal(t, cqrs.Version(1), first.Version)
	a.must(t, add("x", 1))
	for _, s := range []*system{a, b} {
		again := s.must(t, c, cqrs.WithCommandID("1"))
		assert.True(t, again.Repeated)
		assert.Equal(t, first.Position, again.Position)
		assert.Equal(t, first.Time, again.Time)
	}
	assert.Equal(t, 1, decided)
	a.requireState(t, "x", 2, 2)
}

func TestARejectedCommandMayBeRepeated(t *testing.T) {
	s := newSystem(t, setting{})
	_, err := s.Execute(ctx, add("x", -1), cqrs.WithCommandID("1"))
	require.ErrorAs(t, err, new(negative))
	s.must(t, add("x", 1))
	assert.False(t, s.must(t, add("x", -1), cqrs.WithCommandID("1")).Repeated)
}

// TestOneCommandExecutedTwiceAtOnce is made so that both callers look for the id before one of them stores it, and the
// second then finds a state on which the command would be refused.
func TestOneCommandExecutedTwiceAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		command Command[tally]
		opts    []cqrs.CommandOption
	}{
		"would be accepted twice":  {on(MustExist, add("x", 1)), nil},
		"would be rejected":        {on(MustExist, add("x", -5)), nil},
		"would be in conflict":     {on(MustExist, add("x", 1)), []cqrs.CommandOption{cqrs.IfVersion(1)}},
		"would exist already":      {on(MustBeNew, add("new", 1)), nil},
		"would exist, in conflict": {on(MustBeNew, add("new", 1)), []cqrs.CommandOption{cqrs.IfVersion(0)}},
		"has no event":             {on(MustExist, add("x")), nil},
		"would panic": {command("x", "Panic", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
			if s.Sum == 0 {
				panic("nothing left")
			}
			return []added{{"a", -s.Sum}}, nil
		}), nil},
	} {
		for _, processes := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d process(es)", name, processes), func(t *testing.T) {
				store := &watched{Store: memory.New()}
				systems := []*system{newSystem(t, setting{store: store}), newSystem(t, setting{store: store})}
				systems[0].must(t, add("x", 5))
				store.asked = together(2)
				var receipts [2]cqrs.Receipt
				var wg sync.WaitGroup
				for i := range receipts {
					wg.Go(func() {
						var err error
						receipts[i], err = systems[i%processes].Execute(ctx, c.command, append(c.opts, cqrs.WithCommandID("1"))...)
						assert.NoError(t, err)
					})
				}
				wg.Wait()
				assert.NotEqual(t, receipts[0].Repeated, receipts[1].Repeated, "one of them is the first")
				assert.Equal(t, receipts[0].Position, receipts[1].Position)
				for _, s := range systems {
					requireRightCache(t, s, "x")
					requireRightCache(t, s, "new")
					s.must(t, add("x", 1))
				}
				_, found, err := store.Store.Command(ctx, "1", [32]byte{})
				assert.False(t, found)
				require.ErrorAs(t, err, new(*cqrs.CommandReusedError), "the id is recorded")
				requireFree(t, systems[0])
			})
		}
	}
}

// requireRightCache checks that commands see what is stored, in the end: what another process stored may be found out
// after a first decision.
func requireRightCache(t *testing.T, s *system, id string) {
	want, _, err := s.Load(ctx, id)
	if err != nil {
		require.ErrorAs(t, err, new(*cqrs.NotFoundError))
		want.Each = map[string]int64{}
	}
	var last tally
	s.must(t, command(id, "Look", func(seen tally, _ cqrs.CommandMeta) ([]added, error) {
		last = seen
		return nil, nil
	}))
	require.Equal(t, want, last)
}

func TestAnIdUsedForTwoCommandsAtOnceGoesToOne(t *testing.T) {
	store := &watched{Store: memory.New(), asked: together(2)}
	a, b := newSystem(t, setting{store: store}), newSystem(t, setting{store: store})
	errs := make(chan error, 2)
	for i, s := range []*system{a, b} {
		go func() {
			_, err := s.Execute(ctx, add("x", int64(i+1)), cqrs.WithCommandID("1"))
			errs <- err
		}()
	}
	one, other := <-errs, <-errs
	if one != nil {
		one, other = other, one
	}
	require.NoError(t, one)
	require.ErrorAs(t, other, new(*cqrs.CommandReusedError))
	assert.Len(t, stored(t, store, "x"), 1)
}
