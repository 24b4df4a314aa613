package aggregate

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/claim"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// sumTaken is the rejection of a sum that another stream has.
type sumTaken struct{ Sum int64 }

func (r sumTaken) Error() string       { return fmt.Sprintf("the sum %d is taken", r.Sum) }
func (sumTaken) RejectionType() string { return "SumTaken" }

// withUniqueSums returns a system in which no two streams have the same sum, unless it is zero.
func withUniqueSums(t *testing.T, set setting) *system {
	s := newSystem(t, set)
	s.def.Unique = uniqueSums
	return s
}

var uniqueSums = []Unique[tally]{{
	Space: "Tally.sum",
	Value: func(s *tally, v *claim.Value) { v.Int(s.Sum) },
	Taken: func(s *tally) cqrs.Rejection { return sumTaken{s.Sum} },
}}

func TestValuesAreSwappedInOneCommand(t *testing.T) {
	s := withUniqueSums(t, setting{})
	s.must(t, add("a", 3))
	s.must(t, add("b", 5))
	s.must(t, s.transfer("b", "a", 2)) // now a has 5, and b has 3
	_, err := s.Execute(ctx, add("c", 3))
	require.ErrorIs(t, err, sumTaken{3})
	s.must(t, s.transfer("a", "b", 5)) // 0 and 8
	s.must(t, add("c", 3))
	s.must(t, add("d", 5))
	for _, c := range claimsOf(t, s.store) {
		assert.Contains(t, [][]string{{"$claimed"}, {"$claimed", "$released", "$claimed", "$released", "$claimed"}}, c)
	}
}

// claimsOf returns the types of the events of each claim.
func claimsOf(t *testing.T, log eventlog.Log) map[string][]string {
	all := map[string][]string{}
	for rec, err := range log.Read(ctx, eventlog.Query{}) {
		require.NoError(t, err)
		if rec.Stream.Category == claim.Category {
			all[rec.Stream.ID] = append(all[rec.Stream.ID], rec.Type)
		}
	}
	return all
}

func TestTwoStreamsOfACommandCantTakeTheSameValue(t *testing.T) {
	s := withUniqueSums(t, setting{})
	s.must(t, add("a", 6))
	s.must(t, add("b", 2))
	_, err := s.Execute(ctx, s.transfer("a", "b", 2)) // both would have 4
	require.ErrorIs(t, err, sumTaken{4})
	s.requireState(t, "a", 6, 1)
	s.requireState(t, "b", 2, 1)
	requireRightCache(t, s, "a")
	requireRightCache(t, s, "b")
}

func TestAConflictOnAClaimIsDecidedAgainAlsoUnderIfVersion(t *testing.T) {
	log := memory.New()
	other := withUniqueSums(t, setting{store: log})
	other.must(t, add("first", 1)) // so that there is a key
	decided := 0
	s := withUniqueSums(t, setting{store: &beforeAppend{Log: log, do: func() {
		other.must(t, add("b", 5))
		other.must(t, add("b", 1)) // the value is free again, at another version of its claim
	}}})
	c := add("a", 5)
	decide := c.Decide
	c.Decide = func(state *tally, m cqrs.CommandMeta, out *Events) error {
		decided++
		return decide(state, m, out)
	}
	s.must(t, c, cqrs.IfVersion(0))
	assert.Equal(t, 2, decided)
	s.requireState(t, "a", 5, 1)
}

// beforeAppend does something once, directly before the first commit.
type beforeAppend struct {
	*memory.Log
	do func()
}

func (b *beforeAppend) Append(ctx context.Context, c eventlog.Commit) (eventlog.Appended, error) {
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
	return b.Log.Append(ctx, c)
}

func TestAClaimThatIsNoClaimIsCorrupt(t *testing.T) {
	for _, types := range [][]string{{"$released"}, {"$claimed", "$claimed"}, {"$claimed", "Claimed"}} {
		log := memory.New()
		s := withUniqueSums(t, setting{store: log})
		s.must(t, add("a", 5))
		s.must(t, add("a", 1))
		for id, events := range claimsOf(t, log) {
			if len(events) != 2 {
				continue
			}
			commit := eventlog.Commit{ID: cqrs.CommitID{1}, Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)}}
			commit.Streams = []eventlog.StreamAppend{{Stream: cqrs.StreamID{Category: claim.Category, ID: id}, Expected: 2}}
			for _, name := range types {
				commit.Streams[0].Events = append(commit.Streams[0].Events, eventlog.NewEvent{
					Type: name, SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(`{"category":"Tally","id":"x"}`),
				})
			}
			_, err := log.Append(ctx, commit)
			require.NoError(t, err)
		}
		_, err := s.Execute(ctx, add("b", 5))
		require.Error(t, err)
		require.NotErrorAs(t, err, new(cqrs.Rejection))
	}
}

// unclaimed returns a log with a key and a stream "a" with the sum 5 that no claim knows of, and a system over it.
func unclaimed(t *testing.T) (*memory.Log, *system) {
	log := memory.New()
	newSystem(t, setting{store: log}).must(t, add("a", 5))
	s := withUniqueSums(t, setting{store: log})
	s.must(t, add("first", 1))
	return log, s
}

func TestAValueThatACommandLeavesIsNotClaimedAtTheSameTime(t *testing.T) {
	log, other := unclaimed(t)
	s := withUniqueSums(t, setting{store: &beforeAppend{Log: log, do: func() { other.must(t, add("a", 1)) }}})
	require.NoError(t, s.ClaimUnique(ctx))
	other.must(t, add("b", 5))
	_, err := other.Execute(ctx, add("c", 6))
	require.ErrorIs(t, err, sumTaken{6})
}

func TestAValueThatIsClaimedIsReleasedByACommandThatLeavesItAtTheSameTime(t *testing.T) {
	log, other := unclaimed(t)
	s := withUniqueSums(t, setting{store: &beforeAppend{Log: log, do: func() { assert.NoError(t, other.ClaimUnique(ctx)) }}})
	s.must(t, add("a", 1))
	other.must(t, add("b", 5))
	_, err := other.Execute(ctx, add("c", 6))
	require.ErrorIs(t, err, sumTaken{6})
}

func TestAStaleClaimIsNotReleasedWhenItsStreamComesBackAtTheSameTime(t *testing.T) {
	log, other := unclaimed(t)
	require.NoError(t, other.ClaimUnique(ctx))
	newSystem(t, setting{store: log}).must(t, add("a", 1)) // 6, while 5 is claimed
	requireTaken := func() {
		_, err := other.Execute(ctx, add("b", 5))
		assert.ErrorIs(t, err, sumTaken{5})
	}
	store := &beforeAppend{Log: log}
	store.do = func() {
		other.must(t, add("a", -1))
		store.do = requireTaken // should there be another append
	}
	require.NoError(t, withUniqueSums(t, setting{store: store}).ClaimUnique(ctx))
	requireTaken()
}

func TestAStaleClaimIsReleasedThoughItsStreamChangesAtTheSameTime(t *testing.T) {
	log, other := unclaimed(t)
	require.NoError(t, other.ClaimUnique(ctx))
	newSystem(t, setting{store: log}).must(t, add("a", 1)) // 6, while 5 is claimed
	changes := 2
	s := withUniqueSums(t, setting{store: &beforeAppend{Log: log, do: func() {
		if changes--; changes >= 0 {
			other.must(t, add("a", 1, -1)) // which changes nothing about the sum, and so nothing about a claim
		}
	}}})
	require.NoError(t, s.ClaimUnique(ctx))
	_, err := other.Execute(ctx, add("b", 6))
	require.ErrorIs(t, err, sumTaken{6})
	other.must(t, add("b", 5))
}

func TestAllValuesThatAStreamKeepsAreClaimedHoweverManyThereAre(t *testing.T) {
	log := memory.New()
	before := newSystem(t, setting{store: log})
	const changes = eventlog.MaxStreams + 10
	for range changes {
		before.must(t, add("a", 1))
	}
	s := withUniqueSums(t, setting{store: log})
	s.def.Unique = slices.Clone(uniqueSums)
	s.def.Unique[0].Keep = true
	require.NoError(t, s.ClaimUnique(ctx))
	for _, sum := range []int64{1, eventlog.MaxStreams, changes} {
		_, err := s.Execute(ctx, add("b", sum))
		require.ErrorIs(t, err, sumTaken{sum})
	}
	s.must(t, add("b", changes+1))
}

func TestAContestedValueIsGivenUpInTheWordsOfTheModel(t *testing.T) {
	log := memory.New()
	other := withUniqueSums(t, setting{store: log})
	other.must(t, add("first", 1)) // so that there is a key
	store := &beforeAppend{Log: log}
	var again func()
	again = func() {
		other.must(t, add("b", 5))
		other.must(t, add("b", -5)) // the value is free again, at another version of its claim
		store.do = again
	}
	store.do = again
	s := withUniqueSums(t, setting{store: store})
	_, err := s.Execute(ctx, add("a", 5), cqrs.IfVersion(0))
	var givenUp *GivenUpError
	require.ErrorAs(t, err, &givenUp)
	assert.Equal(t, GivenUpError{Command: "Add", Stream: tallyStream("a"), Attempts: attempts, Unique: "Tally.sum"}, *givenUp)
	require.NotErrorAs(t, err, new(*cqrs.ConflictError), "nobody knows the streams of claims")
	require.EqualError(t, err, "command Add of Tally/a was given up after 50 attempts: "+
		"others took and left the same value of Tally.sum each time")
}

// claimReads counts the records of claims that are read, and does something once, when a claim is read first.
type claimReads struct {
	*memory.Log
	records int
	do      func()
}

func (c *claimReads) count(s cqrs.StreamID, records iter.Seq2[*cqrs.Record, error]) iter.Seq2[*cqrs.Record, error] {
	if s.Category != claim.Category {
		return records
	}
	if do := c.do; do != nil {
		c.do = nil
		do()
	}
	return func(yield func(*cqrs.Record, error) bool) {
		for rec, err := range records {
			c.records++
			if !yield(rec, err) {
				return
			}
		}
	}
}

func (c *claimReads) ReadStream(ctx context.Context, s cqrs.StreamID, from cqrs.Version) iter.Seq2[*cqrs.Record, error] {
	return c.count(s, c.Log.ReadStream(ctx, s, from))
}

func (c *claimReads) ReadStreamBackwards(
	ctx context.Context, s cqrs.StreamID, from cqrs.Version,
) iter.Seq2[*cqrs.Record, error] {
	return c.count(s, c.Log.ReadStreamBackwards(ctx, s, from))
}

func TestAValueThatChangedHandsOftenIsClaimedAsFastAsANewOne(t *testing.T) {
	store := &claimReads{Log: memory.New()}
	s := withUniqueSums(t, setting{store: store})
	for i := range 500 {
		id := fmt.Sprint(i % 7)
		s.must(t, add(id, 5))
		s.must(t, add(id, -5))
	}
	store.records = 0
	s.must(t, add("x", 5))
	assert.Equal(t, 1, store.records)
	_, err := s.Execute(ctx, add("y", 5))
	require.ErrorIs(t, err, sumTaken{5})
}

func TestAValueIsOnlyRefusedToAStateThatIsStillThere(t *testing.T) {
	log := memory.New()
	other := withUniqueSums(t, setting{store: log})
	other.must(t, add("a", 3))
	other.must(t, add("b", 5))
	s := withUniqueSums(t, setting{store: &claimReads{Log: log, do: func() { other.must(t, add("a", 1)) }}})
	s.must(t, add("a", 2)) // 5 is taken, but now it is 6
	s.requireState(t, "a", 6, 3)
}

func TestAKeyOfWhichNobodyKnowsWhetherItWasStoredIsReadOrRefused(t *testing.T) {
	for _, what := range []truth{happened, lost} {
		log := memory.New()
		store := &uncertain{Log: log, truths: []truth{what}}
		s := withUniqueSums(t, setting{store: store})
		_, err := s.Execute(ctx, add("a", 5))
		if what == lost {
			require.ErrorContains(t, err, "the key of unique values was not stored")
			require.NotErrorAs(t, err, new(*eventlog.UnknownOutcomeError), "the command itself was never tried")
			s.must(t, add("a", 5))
		} else {
			require.NoError(t, err)
		}
		_, err = withUniqueSums(t, setting{store: log}).Execute(ctx, add("b", 5))
		require.ErrorIs(t, err, sumTaken{5})
	}
}
