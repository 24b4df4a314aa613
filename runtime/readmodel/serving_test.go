package readmodel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// Wait blocks until the head is beyond a position, which it never is.
func (l *headLog) Wait(ctx context.Context, after cqrs.Position) (cqrs.Position, error) {
	if l.head > after {
		return l.head, nil
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

// of returns the codec of another release: of another fingerprint, and perhaps of other columns or indexes.
func of(fingerprint string, change ...func(*readmodel.Schema)) readmodel.Codec[account, string] {
	c := codec
	c.Schema.Fingerprint = fingerprint
	for _, f := range change {
		f(&c.Schema)
	}
	return c
}

func otherShape(s *readmodel.Schema) {
	s.Row = []readmodel.Column{{Name: "owner", Kind: readmodel.String}, {Name: "since", Kind: readmodel.Time}}
}

const (
	old   = "00000000000000aa"
	fresh = "00000000000000bb"
)

// release fills a generation with one row, the name of the release, at a position.
func release(t *testing.T, store readmodel.Store, c readmodel.Codec[account, string], at readmodel.Checkpoint) readmodel.Table {
	table, err := store.Table(t.Context(), &c.Schema)
	require.NoError(t, err)
	row := []readmodel.Value{readmodel.OfString(c.Schema.Fingerprint)}
	if len(c.Schema.Row) > 1 {
		row = append(row, readmodel.OfTime(time.Unix(0, 0)))
	}
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: at, Changes: []readmodel.Change{
		{Key: c.AppendKey(nil, &account{"eu", 1}), Row: row, Position: at.Position}}}))
	return table
}

func TestTheGenerationThatAnswersFollowsTheRules(t *testing.T) {
	building := readmodel.Checkpoint{Position: 5}
	for name, c := range map[string]struct {
		oldShape func(*readmodel.Schema)
		own      *readmodel.Checkpoint
		active   string
		want     string
	}{
		"its own, that is active":                           {own: at(built(5)), active: fresh, want: fresh},
		"its own, built, and none is active":                {own: at(built(5)), want: fresh},
		"the active one while its own is built":             {own: &building, active: old, want: old},
		"the active one as long as its own is not promoted": {own: at(built(5)), active: old, want: old},
		"the active one if it has none of its own":          {active: old, want: old},
		"its own if the active one has another shape":       {oldShape: otherShape, own: at(built(5)), active: old, want: fresh},
		"none while its own is built and no other fits":     {oldShape: otherShape, own: &building, active: old},
		"none if another is built, but not active":          {own: &building},
		"none if it has none, and no other fits":            {oldShape: otherShape, active: old},
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			var changes []func(*readmodel.Schema)
			if c.oldShape != nil {
				changes = append(changes, c.oldShape)
			}
			release(t, store, of(old, changes...), built(3))
			if c.own != nil {
				release(t, store, of(fresh), *c.own)
			}
			if c.active != "" {
				require.NoError(t, store.Promote(t.Context(), "Owners", c.active))
			}
			row, freshness, err := readmodel.NewModel(store, &headLog{head: 9}, of(fresh)).Get(t.Context(), account{"eu", 1})
			if c.want == "" {
				var refused *readmodel.NotBuiltError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, fresh, refused.Generation)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, row)
			assert.Equal(t, c.want, freshness.Generation)
			assert.True(t, freshness.Built)
		})
	}
}

func at(c readmodel.Checkpoint) *readmodel.Checkpoint { return &c }

// unwatched hides that the store watches: as if another process promoted.
type unwatched struct{ readmodel.Store }

func TestAPromotionIsNoticedAtOnceHereAndWithinASecondElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		release(t, store, of(old), built(3))
		require.NoError(t, store.Promote(t.Context(), "Owners", old))
		log := &headLog{head: 9}
		here, elsewhere := readmodel.NewModel(store, log, of(fresh)), readmodel.NewModel(unwatched{store}, log, of(fresh))
		ask := func(m *readmodel.Model[account, string]) string {
			row, _, err := m.Get(t.Context(), account{"eu", 1})
			require.NoError(t, err)
			return row
		}
		assert.Equal(t, old, ask(here))
		assert.Equal(t, old, ask(elsewhere))
		release(t, store, of(fresh), built(3))
		assert.Equal(t, old, ask(here))
		require.NoError(t, store.Promote(t.Context(), "Owners", fresh))
		assert.Equal(t, fresh, ask(here))
		assert.Equal(t, old, ask(elsewhere), "nobody told it")
		time.Sleep(time.Second)
		assert.Equal(t, fresh, ask(elsewhere))

		require.NoError(t, store.Promote(t.Context(), "Owners", old))
		require.NoError(t, store.Drop(t.Context(), "Owners", fresh))
		assert.Equal(t, old, ask(elsewhere), "a generation that is gone is noticed at once")
	})
}

func TestAQueryWaitsUntilItsGenerationIsBuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		table := release(t, store, of(fresh), readmodel.Checkpoint{Position: 5})
		model := readmodel.NewModel(store, &headLog{head: 9}, of(fresh))
		go func() {
			time.Sleep(time.Minute)
			assert.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: readmodel.Checkpoint{Position: 5}, To: built(9)}))
		}()
		start := time.Now()
		_, f, err := model.Get(t.Context(), account{"eu", 1}, cqrs.AtLeast(5))
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Since(start), "it is woken at once")
		assert.True(t, f.Current())
	})
}

func TestAWaitForAGenerationThatNobodyAdvancesSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		table := release(t, store, of(old), built(3))
		require.NoError(t, store.Promote(t.Context(), "Owners", old))
		release(t, store, of(fresh), readmodel.Checkpoint{Position: 5})
		model := readmodel.NewModel(store, &headLog{head: 9}, of(fresh))
		wait := func() (*readmodel.StaleError, readmodel.Freshness) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, f, err := model.Get(ctx, account{"eu", 1}, cqrs.AtLeast(9))
			var stale *readmodel.StaleError
			require.ErrorAs(t, err, &stale)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			return stale, f
		}
		stale, reached := wait()
		assert.True(t, stale.Unattended)
		assert.Equal(t, readmodel.Freshness{Position: 3, Head: 9, Generation: old, Built: true}, reached)
		assert.Equal(t, reached, stale.Reached)
		assert.ErrorContains(t, stale, "older generation "+old+" serves, and no process advances it")

		require.NoError(t, table.Hold(t.Context(), "host-1", time.Hour, nil))
		stale, _ = wait()
		assert.False(t, stale.Unattended)
	})
}

func TestAnotherLogsReadModelDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		wrong := built(5)
		wrong.Commit = cqrs.CommitID{1}
		release(t, store, of(fresh), wrong)
		for _, head := range []cqrs.Position{9, 4} {
			model := readmodel.NewModel(store, &headLog{head: head}, of(fresh))
			for range 2 {
				_, _, err := model.Get(t.Context(), account{"eu", 1})
				var history *readmodel.HistoryError
				require.ErrorAs(t, err, &history)
				assert.Equal(t, &readmodel.HistoryError{Projection: "Owners", Position: 5, Commit: cqrs.CommitID{1}}, history)
			}
			_, _, err := model.Count(t.Context(), readmodel.Find{Index: -1})
			assert.ErrorAs(t, err, new(*readmodel.HistoryError))
		}
	})
}

func TestAnIndexIsFoundInAGenerationThatHasOthers(t *testing.T) {
	for name, indexes := range map[string][][]string{
		"at another place": {{"id"}, {"owner"}}, "not at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			store := memory.New()
			release(t, store, of(old, func(s *readmodel.Schema) { s.Indexes = indexes }), built(3))
			require.NoError(t, store.Promote(t.Context(), "Owners", old))
			model := readmodel.NewModel(store, &headLog{head: 9}, of(fresh))
			f := readmodel.Find{Index: 0, Equal: []readmodel.Value{readmodel.OfString(old)}}
			rows, _, err := model.Find(t.Context(), f)
			require.NoError(t, err)
			assert.Len(t, rows, 1)
			n, _, err := model.Count(t.Context(), f)
			require.NoError(t, err)
			assert.EqualValues(t, 1, n)
		})
	}
}

func TestAllStaysWithOneGeneration(t *testing.T) {
	store := memory.New()
	c := of(old)
	table, err := store.Table(t.Context(), &c.Schema)
	require.NoError(t, err)
	b := readmodel.Batch{To: built(3)}
	for i := range 1200 {
		b.Changes = append(b.Changes, readmodel.Change{Key: c.AppendKey(nil, &account{"eu", int64(i)}), Row: []readmodel.Value{readmodel.OfString(old)}})
	}
	require.NoError(t, table.Apply(t.Context(), &b))
	require.NoError(t, store.Promote(t.Context(), "Owners", old))
	model := readmodel.NewModel(store, &headLog{head: 9}, of(fresh))
	n := 0
	for e, err := range model.All(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, old, e.Row)
		if n++; n == 10 {
			release(t, store, of(fresh), built(3))
			require.NoError(t, store.Promote(t.Context(), "Owners", fresh))
		}
	}
	assert.Equal(t, 1200, n)

	require.NoError(t, store.Promote(t.Context(), "Owners", old))
	n = 0
	for _, err := range model.All(t.Context()) {
		if n++; n == 10 {
			require.NoError(t, store.Promote(t.Context(), "Owners", fresh))
			require.NoError(t, store.Drop(t.Context(), "Owners", old))
		}
		if n <= 500 {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, readmodel.ErrNoGeneration)
	}
	assert.Equal(t, 501, n)
}

func TestBehindIsTheAgeOfTheOldestEventThatIsNotReflected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		table := release(t, store, of(fresh), built(3))
		log := &countedLog{headLog: headLog{head: 9}}
		model := readmodel.NewModel(store, log, of(fresh))
		behind := func() time.Duration {
			_, f, err := model.Get(t.Context(), account{"eu", 1})
			require.NoError(t, err)
			return f.Behind
		}
		assert.Equal(t, time.Since(time.Unix(4, 0)), behind())
		reads := log.reads
		time.Sleep(time.Hour)
		assert.Equal(t, time.Since(time.Unix(4, 0)), behind())
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: built(3), To: built(6)}))
		assert.Equal(t, time.Since(time.Unix(7, 0)), behind(), "the first event that is left is another one")
		assert.Equal(t, reads+1, log.reads)
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: built(6), To: built(9)}))
		assert.Zero(t, behind())
		log.head = 10
		assert.LessOrEqual(t, behind(), 100*time.Millisecond, "it was appended a moment ago")
		assert.Equal(t, reads+1, log.reads, "which needs no look at the log")
	})
}

type countedLog struct {
	headLog
	reads int
}

func (l *countedLog) Read(ctx context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	l.reads++
	return l.headLog.Read(ctx, q)
}

func TestACursorIsBoundToTheArgumentsOfItsQuery(t *testing.T) {
	model, _, _ := owners(t, 12)
	owner := func(name string) readmodel.Find {
		return readmodel.Find{Index: 0, Equal: []readmodel.Value{readmodel.OfString(name)}}
	}
	below := func(id int64) readmodel.Find {
		return readmodel.Find{Index: -1, Where: readmodel.Compare("id", readmodel.Less, readmodel.OfInt64(id))}
	}
	for _, c := range [][2]readmodel.Find{{owner("owner-0"), owner("owner-1")}, {below(9), below(8)}, {below(9), {Index: -1}}, {{Index: -1}, {Index: -1, Limit: 5}}} {
		page := cqrs.Page{Limit: 1}
		_, _, err := model.Find(t.Context(), c[0], cqrs.InPage(&page))
		require.NoError(t, err)
		page.After = page.Next
		_, _, err = model.Find(t.Context(), c[1], cqrs.InPage(&page))
		assert.ErrorAs(t, err, new(*readmodel.InvalidQueryError), "%v", c)
	}
}

func TestALimitBoundsAllPagesTogether(t *testing.T) {
	model, _, _ := owners(t, 10)
	for limit := 1; limit <= 11; limit++ {
		for size := 1; size <= 4; size++ {
			page, n := cqrs.Page{Limit: size}, 0
			for {
				rows, _, err := model.Find(t.Context(), readmodel.Find{Index: -1, Limit: limit}, cqrs.InPage(&page))
				require.NoError(t, err)
				n += len(rows)
				if page.Next == "" {
					break
				}
				page.After = page.Next
			}
			assert.Equal(t, min(limit, 10), n, "%d in pages of %d", limit, size)
		}
	}
}

func TestAnEntryIsJSONWithKeyAndRow(t *testing.T) {
	text, err := json.Marshal(readmodel.Entry[account, string]{Key: account{"eu", 1}, Row: "a"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"key":{"Region":"eu","ID":1},"row":"a"}`, string(text))
}

// named is a store with a name of its own.
type named struct {
	readmodel.Store
	name string
}

func (n named) Name() string { return n.name }

func TestSinksGiveProjectionsStoresOfTheirOwn(t *testing.T) {
	first, second, rest := named{memory.New(), "first"}, named{memory.New(), "second"}, named{memory.New(), "rest"}
	sinks := &readmodel.Sinks{Default: rest, Of: map[string][]readmodel.Store{"Owners": {first, second}}}
	require.NoError(t, readmodel.CheckSinks(sinks, "Owners", "Others"))
	stores, err := readmodel.StoresOf(sinks, "Owners")
	require.NoError(t, err)
	assert.Equal(t, []readmodel.Store{first, second}, stores)
	stores, err = readmodel.StoresOf(rest, "Owners")
	require.NoError(t, err)
	assert.Equal(t, []readmodel.Store{rest}, stores)
	found, err := readmodel.StoreNamed(sinks, "Owners", "second")
	require.NoError(t, err)
	assert.Equal(t, second, found)
	_, err = readmodel.StoreNamed(sinks, "Owners", "third")
	assert.ErrorContains(t, err, "first, second")

	release(t, sinks, of(fresh), built(3))
	other := of(old, func(s *readmodel.Schema) { s.Projection = "Others" })
	release(t, sinks, other, built(3))
	all, err := sinks.Generations(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "Others Owners", fmt.Sprint(all[0].Schema.Projection, " ", all[1].Schema.Projection))
	require.NoError(t, sinks.Promote(t.Context(), "Owners", fresh))
	generations, err := first.Generations(t.Context(), "Owners")
	require.NoError(t, err)
	assert.True(t, generations[0].Active)
	require.NoError(t, sinks.Drop(t.Context(), "Others", old))
	_, _, err = rest.Open(t.Context(), "Others", old)
	assert.ErrorIs(t, err, readmodel.ErrNoGeneration)

	var refused *readmodel.SinksError
	require.ErrorAs(t, readmodel.CheckSinks(sinks, "Others"), &refused)
	assert.Equal(t, "Owners", refused.Projection)
	require.ErrorAs(t, readmodel.CheckSinks(&readmodel.Sinks{}, "Others"), &refused)
	_, err = (&readmodel.Sinks{}).Table(t.Context(), &codec.Schema)
	assert.ErrorAs(t, err, &refused)
}
