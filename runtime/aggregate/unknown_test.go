package aggregate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// truth is what becomes of a commit of which the log says that it doesn't know.
type truth int

const (
	answered truth = iota // it does know
	happened
	lost
	late    // it happens, but only when the next append comes, directly before that
	tooLate // it comes when another commit is in its place
)

var errNoAnswer = errors.New("no answer")

// uncertain is a log over a network that fails as the test says.
type uncertain struct {
	*memory.Log
	truths  []truth // of the appends to come; behind the last one all are answered
	before  func()  // what others do before a commit that is tooLate
	waiting []eventlog.Commit
	unread  int // how many looks fail
	appends int
	reason  error // what the log says of an unknown outcome, errNoAnswer if nil
}

func (u *uncertain) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	u.appends++
	for _, w := range u.waiting {
		_, _ = u.Log.Append(ctx, w)
	}
	u.waiting = nil
	what := answered
	if len(u.truths) > 0 {
		what, u.truths = u.truths[0], u.truths[1:]
	}
	switch what {
	case answered:
		return u.Log.Append(ctx, c)
	case happened:
		if _, err := u.Log.Append(ctx, c); err != nil && errors.As(err, new(*cqrs.CommandReusedError)) {
			return eventlog.Appended{}, err
		}
	case late:
		u.waiting = append(u.waiting, kept(c))
	case tooLate:
		u.before()
		u.waiting = append(u.waiting, kept(c))
	case lost:
	}
	return eventlog.Appended{}, &eventlog.UnknownOutcomeError{Commit: c.ID, Err: cmp.Or(u.reason, errNoAnswer)}
}

// kept is a commit as a log has it that reads it later, after Append returned. Its slices are the caller's.
func kept(c eventlog.Commit) eventlog.Commit { return c }

func (u *uncertain) Command(ctx context.Context, id string, hash [32]byte) (eventlog.Appended, bool, error) {
	if u.appends > 0 && u.unread > 0 {
		u.unread--
		return eventlog.Appended{}, false, errNoAnswer
	}
	return u.Log.Command(ctx, id, hash)
}

func (u *uncertain) ReadStreamBackwards(
	ctx context.Context, s cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return u.Log.ReadStreamBackwards(ctx, s, from)
}

func (u *uncertain) ReadStream(ctx context.Context, s cqrs.StreamID, from cqrs.Version) iter.Seq2[*cqrs.Record, error] {
	if u.appends > 0 && u.unread > 0 {
		u.unread--
		return func(yield func(*cqrs.Record, error) bool) { yield(nil, errNoAnswer) }
	}
	return u.Log.ReadStream(ctx, s, from)
}

func TestAnUnknownOutcomeIsFoundOutByLooking(t *testing.T) {
	truths := map[string][]truth{
		"it happened": {happened}, "it was lost": {lost}, "it happens late": {late}, "it was lost twice": {lost, lost},
		"it was lost, and then happened": {lost, happened}, "late, and lost": {late, lost}, "late twice": {late, late},
	}
	for name, list := range truths {
		for _, id := range []string{"", "1"} {
			for _, unread := range []int{0, 1, 2} {
				t.Run(fmt.Sprint(name, ", command id ", id, ", looks that fail: ", unread), func(t *testing.T) {
					log := memory.New()
					start := newSystem(t, setting{store: log})
					start.must(t, add("x", 5))
					start.must(t, add("y", 1))
					store := &uncertain{Log: log}
					s := newSystem(t, setting{store: store})
					requireRightCache(t, s, "x") // so that it is in the cache
					requireRightCache(t, s, "y")
					decided := 0
					c := s.transfer("x", "y", 2)
					decide := c.Decide
					c.Decide = func(state *tally, m cqrs.CommandMeta, out *Events) error {
						decided++
						return decide(state, m, out)
					}
					var opts []cqrs.CommandOption
					if id != "" {
						opts = append(opts, cqrs.WithCommandID(id))
					}
					store.truths, store.unread = list, unread
					r := s.must(t, c, opts...)
					assert.Equal(t, 1, decided, "it is never decided again before it is known")
					assert.Equal(t, cqrs.Position(4), r.Position)
					assert.Equal(t, cqrs.Version(2), r.Version)
					requireRightCache(t, s, "x")
					requireRightCache(t, s, "y")
					s.requireState(t, "x", 3, 2)
					s.requireState(t, "y", 3, 2)
					requireFree(t, s)
				})
			}
		}
	}
}

func TestACommandWithoutEventsIsRecordedThoughNobodyAnswers(t *testing.T) {
	for _, what := range []truth{happened, lost, late} {
		store := &uncertain{Log: memory.New()}
		s := newSystem(t, setting{store: store})
		s.must(t, add("x", 5))
		store.truths = []truth{what}
		r := s.must(t, add("x"), cqrs.WithCommandID("1"))
		assert.Equal(t, cqrs.Version(1), r.Version)
		s.must(t, add("x", 1))
		again := s.must(t, add("x"), cqrs.WithCommandID("1"))
		assert.True(t, again.Repeated)
		assert.Equal(t, cqrs.Version(1), again.Version)
	}
}

func TestACommitInWhosePlaceIsAnotherOneIsDecidedAgain(t *testing.T) {
	log := memory.New()
	other := newSystem(t, setting{store: log})
	other.must(t, add("x", 5))
	store := &uncertain{Log: log, before: func() { other.must(t, add("x", 1)) }}
	s := newSystem(t, setting{store: store})
	store.truths = []truth{tooLate}
	var seen []int64
	r := s.must(t, command("x", "Take", func(s tally, _ cqrs.CommandMeta) ([]added, error) {
		seen = append(seen, s.Sum)
		return []added{{"a", -s.Sum}}, nil
	}))
	assert.Equal(t, []int64{5, 6}, seen)
	assert.Equal(t, cqrs.Version(3), r.Version)
	s.requireState(t, "x", 0, 3)

	store.truths = []truth{tooLate}
	_, err := s.Execute(ctx, add("x", 1), cqrs.IfVersion(3))
	var conflict *cqrs.ConflictError
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, cqrs.ConflictError{Stream: tallyStream("x"), Expected: 3, Actual: 4}, *conflict)
}

func TestWhatCannotBeKnownIsSaidWithWhatToDo(t *testing.T) {
	always := make([]truth, 10_000)
	for i := range always {
		always[i] = lost
	}
	for advice, opts := range map[string][]cqrs.CommandOption{
		"load it and look, before you give the command again":      nil,
		"give it again under the same command id: it happens once": {cqrs.WithCommandID("1")},
	} {
		store := &uncertain{Log: memory.New()}
		s := newSystem(t, setting{store: store})
		s.runtime.lookFor = 20 * time.Millisecond
		s.must(t, add("x", 1))
		store.truths = always
		_, err := s.Execute(ctx, add("x", 10), opts...)
		var unknown *eventlog.UnknownOutcomeError
		require.ErrorAs(t, err, &unknown)
		require.ErrorContains(t, err, "command Add of Tally/x may have happened or not, "+advice)
		require.NotZero(t, unknown.Commit)
		store.truths = nil
		requireRightCache(t, s, "x")
		s.must(t, add("x", 10), opts...)
		s.requireState(t, "x", 11, 2)
		requireFree(t, s)
	}
}

func TestAConflictBehindAnUnknownOutcomeIsNoConflict(t *testing.T) {
	for _, presence := range []Stream{MayExist, MustBeNew} {
		store := &uncertain{Log: memory.New(), truths: slices.Repeat([]truth{lost}, 10_000)}
		store.reason = &cqrs.ConflictError{Stream: tallyStream("x"), Actual: 1}
		s := newSystem(t, setting{store: store})
		s.runtime.lookFor = 20 * time.Millisecond
		decided := 0
		c := command("x", "Add", func(tally, cqrs.CommandMeta) ([]added, error) {
			decided++
			return []added{{"a", 1}}, nil
		})
		_, err := s.Execute(ctx, on(presence, c))
		require.ErrorAs(t, err, new(*eventlog.UnknownOutcomeError))
		require.NotErrorAs(t, err, new(*cqrs.AlreadyExistsError))
		assert.Equal(t, 1, decided)
	}
}

func TestNobodyLooksForTheCommitOfACallerWhoIsGoneOrInALogThatIsClosed(t *testing.T) {
	store := &uncertain{Log: memory.New()}
	s := newSystem(t, setting{store: store})
	s.must(t, add("x", 1))
	going, cancel := context.WithCancel(ctx)
	store.truths, store.before = []truth{tooLate}, cancel
	_, err := s.Execute(going, add("x", 1))
	require.ErrorAs(t, err, new(*eventlog.UnknownOutcomeError))

	store.truths, store.before = []truth{tooLate}, func() { _ = store.Log.Close() }
	_, err = s.Execute(ctx, add("x", 1))
	require.ErrorAs(t, err, new(*eventlog.UnknownOutcomeError))
}

// TestEveryAcceptedCommandHappenedOnceWhateverTheNetworkDoes compares what callers were told with what is stored.
func TestEveryAcceptedCommandHappenedOnceWhateverTheNetworkDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := memory.New()
		other := newSystem(t, setting{store: log})
		total := int64(0)
		take := func() {
			other.must(t, add("x", 1))
			total++
		}
		store := &uncertain{Log: log, before: take}
		s := newSystem(t, setting{store: store, every: 3, opts: []Option{WithCache(rapid.IntRange(0, 2).Draw(t, "cache"))}})
		s.runtime.lookFor = time.Second // longer than any list of truths takes
		take()
		other.must(t, add("y", 1_000_000))
		for i := range rapid.IntRange(1, 8).Draw(t, "commands") {
			store.truths = rapid.SliceOfN(rapid.SampledFrom([]truth{answered, happened, lost, late, tooLate}), 0, 3).Draw(t, "truths")
			store.unread = rapid.IntRange(0, 2).Draw(t, "unread")
			n := rapid.Int64Range(1, 9).Draw(t, "n")
			c, opts := add("x", n), []cqrs.CommandOption(nil)
			if rapid.Bool().Draw(t, "transfer") {
				c = s.transfer("y", "x", n)
			}
			if rapid.Bool().Draw(t, "with an id") {
				opts = append(opts, cqrs.WithCommandID(fmt.Sprint(i)))
			}
			store.appends = 0
			s.must(t, c, opts...)
			total += n
			store.truths, store.unread = nil, 0
			state, _, err := s.Load(ctx, "x")
			require.NoError(t, err)
			require.Equal(t, total, state.Sum, "command %d", i)
		}
		for _, w := range store.waiting { // what comes last is too late for good
			_, err := log.Append(ctx, w)
			if w.Meta.CommandID == "" {
				require.ErrorAs(t, err, new(*cqrs.ConflictError))
			}
		}
		state, _, err := s.Load(ctx, "x")
		require.NoError(t, err)
		require.Equal(t, total, state.Sum)
	})
}
