package projection

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	sinkmemory "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// replace makes a log say that an event is replaced.
func replace(t testing.TB, log eventlog.Log, event string, by ...string) (eventlog.Appended, error) {
	v := cqrs.Replacement{Event: event, By: by}
	data, err := v.AppendJSON(nil)
	require.NoError(t, err)
	c := operated(cqrs.Replaced, "")
	c.Streams[0].Stream, c.Streams[0].Events[0].Data = v.Stream(), data
	return log.Append(t.Context(), c)
}

func mustReplace(t testing.TB, log eventlog.Log, event string, by ...string) cqrs.Position {
	done, err := replace(t, log, event, by...)
	require.NoError(t, err)
	return done.Position
}

// replacedTally is the projection of a release that knows what is stored in the place of its events.
func replacedTally(fingerprint string, takes, ignores []string) Definition[string, tallyRow] {
	def := tally(fingerprint, 1)
	def.Events, def.Ignores, def.Inline = takes, ignores, false
	return def
}

func TestEachLaneOfAProjectionStopsWhereItsEventsAreReplaced(t *testing.T) {
	for _, byStream := range []bool{false, true} {
		for _, lanes := range []int{1, 3} {
			log := memory.New()
			appendTransfers(t, log, 50)
			at := mustReplace(t, log, "Transferred", "Paid")
			appendTransfers(t, log, 50)
			def := definition(&folds{})
			def.ByStream = byStream
			store := sinkmemory.New()
			p := New(NewGroup(log), store, def, func(s *settings) { s.lanes = lanes })
			err := p.CatchUp(t.Context())
			var stopped *FoldError
			require.ErrorAs(t, err, &stopped)
			assert.Equal(t, at, stopped.Position)
			require.ErrorAs(t, err, new(*cqrs.ReplacedEventError))
			table, err := store.Table(t.Context(), p.Schema())
			require.NoError(t, err)
			reached, err := table.Checkpoint(t.Context())
			require.NoError(t, err)
			assert.Equal(t, at-1, reached.Position)
		}
	}
}

func TestWhatReadsForAProjectionAgreesOnHowManyEventsItHas(t *testing.T) {
	log, store := memory.New(), sinkmemory.New()
	appendOperated := func(n int) {
		for range n {
			_, err := log.Append(t.Context(), operated("Operated", "a", plus("x", 1)))
			require.NoError(t, err)
		}
	}
	appendOperated(2)
	mustReplace(t, log, "Operated", "Added", "Removed")
	mustReplace(t, log, "Other", "Another")
	appendOperated(2)
	p := New(NewGroup(log, WithLogger(slog.New(slog.DiscardHandler))), store,
		replacedTally(oldFold, []string{"Operated", "Added"}, []string{"Removed"}))
	require.NoError(t, p.CatchUp(t.Context()))
	s := p.Status()
	assert.Zero(t, s.Lag)
	assert.Equal(t, s.Total, s.Handled)
	assert.True(t, s.Active)
	var sum int64
	require.NoError(t, p.Refold(t.Context(), s.Position, readmodel.Refolding{
		UpTo:  func([]readmodel.Value) cqrs.Position { return s.Position },
		Found: func(_, row []readmodel.Value) error { sum = row[0].Int64(); return nil },
	}))
	assert.EqualValues(t, 4, sum)
}

func TestAnInlineProjectionRefusesCommandsOnceItsEventsAreReplaced(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		p, g := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		g.Close()
		mustReplace(t, d.log, "Operated", "Added") // by a program that does not know the projection
		require.NoError(t, g.Inline())

		err := d.append("Operated", "a", plus("x", 2))
		require.ErrorAs(t, err, new(*RefusedError))
		require.ErrorAs(t, err, new(*cqrs.ReplacedEventError))
		require.NoError(t, d.append("Other", "a", plus("x", 2)), "what rows do not depend on goes by")
		mustReplace(t, d.log, "Other", "Another")
		require.ErrorAs(t, p.Err(), new(*cqrs.ReplacedEventError))
		model := readmodel.NewModel(d.store, d.log, tallyCodec(oldFold))
		row, _, err := model.Get(t.Context(), "x")
		require.NoError(t, err)
		assert.EqualValues(t, 1, row.Sum)
	})
}

func TestAnInlineProjectionThatKnowsWhatReplacesItsEventsGoesOn(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		def := tally(oldFold, 1)
		def.Ignores = []string{"Added"}
		g := NewGroup(d.log, WithLogger(slog.New(slog.DiscardHandler)))
		p := New(g, d.store, def)
		require.NoError(t, g.Inline())
		t.Cleanup(g.Close)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		mustReplace(t, d.log, "Operated", "Added")
		require.NoError(t, d.append("Operated", "a", plus("x", 2)))
		model := readmodel.NewModel(d.store, d.log, tallyCodec(oldFold))
		row, fresh, err := model.Get(t.Context(), "x")
		require.NoError(t, err)
		assert.EqualValues(t, 3, row.Sum)
		assert.True(t, fresh.Current())
		assert.Zero(t, p.Status().Lag)
		total, err := d.log.Count(t.Context(), p.Events()...)
		require.NoError(t, err)
		assert.Equal(t, total, p.Status().Handled)
	})
}

func TestANewerProgramSaysNothingBeforeItsInlineProjectionIsPromoted(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		_, g := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		g.Close()
		d.project(t, newFold, 2)
		_, err := replace(t, d.log, "Operated", "Added")
		require.ErrorAs(t, err, new(*InactiveError))
		mustReplace(t, d.log, "Other", "Another")
	})
}
