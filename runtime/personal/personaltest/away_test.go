package personaltest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	clinic "github.com/cqrsgen/cqrsgen/testdata/golden/personal"
)

func register(ctx context.Context, app *clinic.App, id clinic.PatientID) error {
	_, err := app.Patient.Register(ctx, id, clinic.Register{
		Name: personal.Of(mark), Mail: personal.Of(string(id) + "@" + mark),
		Born: personal.Of(cqrs.Date{Year: 1999, Month: 12, Day: 31}),
	})
	return err
}

// nameOf returns what the row of a patient says, and whether there is one.
func nameOf(t *testing.T, app *clinic.App, id clinic.PatientID) (personal.Value[string], bool) {
	row, _, err := app.Patients.Get(t.Context(), clinic.PatientsKey{Patient: id})
	if errors.Is(err, readmodel.ErrNoRow) {
		return row.Name, false
	}
	require.NoError(t, err)
	return row.Name, true
}

// waitsFor returns what makes a projection wait.
func waitsFor(app *clinic.App, name string) error {
	for _, s := range app.Status() {
		if s.Projection == name {
			return s.Err
		}
	}
	return nil
}

func TestWhatNeedsKeysWaitsWhileTheirServerIsAwayAndTakesItForNoErasure(t *testing.T) {
	t.Parallel()
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	log, err := embedded.Open(t.Context(), t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	// Two processes: what the other one writes, this one has no key of in its memory.
	keys := keysIn(t, server.DSN())
	app, other := open(t, log, memory.New(), keys), open(t, log, memory.New(), keysIn(t, server.DSN()))
	require.NoError(t, register(t.Context(), app, "p-1"))
	for _, p := range app.Projectors() {
		require.NoError(t, p.CatchUp(t.Context()))
	}
	require.NoError(t, register(t.Context(), other, "p-2"))

	server.Kill(t)
	keys.Clear()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	require.ErrorIs(t, register(ctx, app, "p-3"), personal.ErrUnavailable)
	_, err = app.Patient.Visit(ctx, "p-2", clinic.Visit{Day: cqrs.Date{Year: 2026, Month: 1, Day: 1}})
	require.ErrorIs(t, err, personal.ErrUnavailable, "a state that can't be decrypted is none to decide on")
	_, _, err = app.Patient.Load(ctx, "p-2")
	require.ErrorIs(t, err, personal.ErrUnavailable)
	_, _, err = app.Patients.Get(ctx, clinic.PatientsKey{Patient: "p-1"})
	require.ErrorIs(t, err, personal.ErrUnavailable)
	require.ErrorIs(t, app.Forget(ctx, clinic.PatientID("p-4").Subject()), personal.ErrUnavailable)
	require.Eventually(t, func() bool { return errors.Is(waitsFor(app, "Patients"), personal.ErrUnavailable) },
		20*time.Second, 10*time.Millisecond, "the projection says what it waits for")
	_, found := nameOf(t, app, "p-2")
	require.False(t, found, "it waits before the event")

	server.Start(t)
	require.Eventually(t, func() bool {
		_, found := nameOf(t, app, "p-2")
		return found
	}, 20*time.Second, 10*time.Millisecond, "the projection goes on")
	for _, id := range []clinic.PatientID{"p-1", "p-2"} {
		v, _ := nameOf(t, app, id)
		name, ok := v.Reveal()
		require.Equal(t, mark, name)
		require.True(t, ok)
	}
	require.NoError(t, register(ctx, app, "p-3"))
	require.NoError(t, app.Forget(ctx, clinic.PatientID("p-4").Subject()))
	require.ErrorAs(t, register(ctx, app, "p-4"), new(*personal.ForgottenError))
}
