package inline_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/admin"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/cqrstest"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	sinkmemory "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
	"github.com/cqrsgen/cqrsgen/testdata/golden/inline"
)

// open wires the model over a log with the inline read models in its file, and the others beside it.
func open(t *testing.T, dir string) *inline.App {
	log, err := embedded.Open(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	within, err := sqlite.In(t.Context(), log)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, within.Close()) })
	beside, err := sqlite.Open(t.Context(), filepath.Join(dir, "read.db"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, beside.Close()) })
	app, err := inline.New(t.Context(), log, &readmodel.Sinks{
		Default: beside, Of: map[string][]readmodel.Store{"SeatsLeft": {within}},
	}, inline.Deciders{}, inline.Projections{})
	require.NoError(t, err)
	t.Cleanup(app.Close)
	return app
}

func TestAGeneratedInlineProjectionIsCurrentInEveryProcessAndRefusesWhatItCantFold(t *testing.T) {
	dir := t.TempDir()
	app, other := open(t, dir), open(t, dir)
	_, err := app.Show.Offer(t.Context(), "hamlet", inline.Offer{Hall: "a", Seats: 100})
	require.NoError(t, err)
	var taken, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 150 {
		wg.Go(func() {
			by := []*inline.App{app, other}[i%2]
			done, err := by.Show.Take(t.Context(), "hamlet", inline.Take{Hall: "a", Seats: 1})
			var fold *projection.FoldError
			switch {
			case err == nil:
				taken.Add(1)
				_, fresh, err := by.SeatsLeft.Get(t.Context(), inline.SeatsLeftKey{Hall: "a"}, cqrs.AtLeast(done.Position))
				assert.NoError(t, err)
				assert.GreaterOrEqual(t, fresh.Position, done.Position)
			case assert.ErrorAs(t, err, &fold):
				assert.Equal(t, "hall=a", fold.Key)
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 100, taken.Load())
	assert.EqualValues(t, 50, refused.Load())
	row, fresh, err := other.SeatsLeft.Get(t.Context(), inline.SeatsLeftKey{Hall: "a"})
	require.NoError(t, err)
	assert.Equal(t, inline.SeatsLeftRow{Left: 0, Shows: 1}, row)
	assert.True(t, fresh.Current())
}

func TestNewRefusesAnInlineProjectionInAnotherDatabase(t *testing.T) {
	log := memory.New()
	defer log.Close()
	_, err := inline.New(t.Context(), log, sinkmemory.New(), inline.Deciders{}, inline.Projections{})
	var refused *projection.NotInlineError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "SeatsLeft", refused.Projection)
}

func TestAScenarioRunsInlineProjectionsInStepWithTheEvents(t *testing.T) {
	s := cqrstest.New(t, func(e cqrstest.Env) (*inline.App, error) {
		return inline.New(e.Context, e.Store, e.Rows, inline.Deciders{}, inline.Projections{}, e.Options...)
	})
	s.Given("Show/hamlet", &inline.SeatsOffered{Hall: "a", Seats: 1}).
		When(cqrstest.Do(s.App.Show.Take, "hamlet", inline.Take{Hall: "a", Seats: 2}))
	_, err := s.Outcome()
	assert.ErrorAs(t, err, new(*projection.RefusedError))
	s.ThenRows(cqrstest.Rows(s.App.SeatsLeft,
		cqrstest.Row(inline.SeatsLeftKey{Hall: "a"}, inline.SeatsLeftRow{Left: 1, Shows: 1})))
}

func TestSnapshotsAreVerifiedWhereTheModelHasInlineProjections(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr strings.Builder
	code := admin.Run(t.Context(), []string{"snapshots", "verify"}, admin.Service{
		Name: "seats", Stdout: &stdout, Stderr: &stderr,
		Open: func(ctx context.Context) (admin.Store, error) { return embedded.Open(ctx, dir) },
		Rows: func(ctx context.Context) (admin.Rows, error) { return sqlite.Open(ctx, filepath.Join(dir, "log.db")) },
		App: func(ctx context.Context, log admin.Store, rows readmodel.Store) (admin.App, error) {
			return inline.New(ctx, log, rows, inline.Deciders{}, inline.Projections{})
		},
	})
	assert.Equal(t, "0 snapshots verified\n", stdout.String(), stderr.String())
	assert.Zero(t, code)
}
