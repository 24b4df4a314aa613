package guards_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	"github.com/cqrsgen/cqrsgen/testdata/golden/guards"
)

// open returns the commands over a store.
func open(t *testing.T, store aggregate.Store, opts ...aggregate.Option) *guards.App {
	t.Helper()
	app, err := guards.New(
		context.Background(), store, memorysink.New(), guards.Deciders{}, guards.Projections{}, opts...)
	require.NoError(t, err)
	t.Cleanup(app.Close)
	return app
}

// onEachEngine runs a test over a memory and an embedded store. reopened returns the commands as another process has
// them: nothing is kept but what is stored.
func onEachEngine(t *testing.T, test func(t *testing.T, reopened func() *guards.App)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		store := memory.New()
		t.Cleanup(func() { assert.NoError(t, store.Close()) })
		test(t, func() *guards.App { return open(t, store) })
	})
	t.Run("embedded", func(t *testing.T) {
		dir := t.TempDir()
		test(t, func() *guards.App {
			store, err := embedded.Open(context.Background(), dir)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, store.Close()) })
			return open(t, store)
		})
	})
}

// phase returns the phase of a ticket as a process without memory sees it: from its events, or a snapshot.
func phase(t *testing.T, reopened func() *guards.App, id guards.TicketID, opts ...aggregate.LoadOption) guards.TicketPhase {
	t.Helper()
	s, _, err := reopened().Ticket.Load(context.Background(), id, opts...)
	require.NoError(t, err)
	return s.Phase
}

func TestAStreamStartsInItsFirstPhaseAndMovesWithItsEvents(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		ctx, app := context.Background(), reopened()
		steps := []struct {
			give func() (cqrs.Receipt, error)
			want guards.TicketPhase
		}{
			{func() (cqrs.Receipt, error) { return app.Ticket.OpenTicket(ctx, "t", guards.OpenTicket{Title: "a"}) }, guards.TicketPhaseNew},
			{func() (cqrs.Receipt, error) {
				return app.Ticket.RenameTicket(ctx, "t", guards.RenameTicket{Title: "b"})
			}, guards.TicketPhaseNew},
			{func() (cqrs.Receipt, error) {
				return app.Ticket.StartTicket(ctx, "t", guards.StartTicket{Assignee: "x"})
			}, guards.TicketPhaseInProgress},
			{func() (cqrs.Receipt, error) {
				return app.Ticket.LookAtTicket(ctx, "t", guards.LookAtTicket{Stall: true})
			}, guards.TicketPhaseStalled},
			{func() (cqrs.Receipt, error) {
				return app.Ticket.StartTicket(ctx, "t", guards.StartTicket{Assignee: "y"})
			}, guards.TicketPhaseInProgress},
			{func() (cqrs.Receipt, error) { return app.Ticket.CloseTicket(ctx, "t", guards.CloseTicket{}) }, guards.TicketPhaseClosed},
			{func() (cqrs.Receipt, error) { return app.Ticket.CloseTicket(ctx, "t", guards.CloseTicket{}) }, guards.TicketPhaseClosed},
			{func() (cqrs.Receipt, error) {
				return app.Ticket.RestartTicket(ctx, "t", guards.RestartTicket{Assignee: "z"})
			}, guards.TicketPhaseInProgress},
		}
		for i, step := range steps {
			_, err := step.give()
			require.NoError(t, err, "step %d", i)
			require.Equal(t, step.want, phase(t, reopened, "t"), "step %d", i)
			require.Equal(t, step.want, phase(t, reopened, "t", aggregate.WithoutSnapshot()), "step %d", i)
		}
		_, err := app.Ticket.OpenTicket(ctx, "at-once", guards.OpenTicket{Title: "a", Closed: true})
		require.NoError(t, err)
		assert.Equal(t, guards.TicketPhaseClosed, phase(t, reopened, "at-once"))
		_, err = app.Ticket.CloseTicket(ctx, "never-opened", guards.CloseTicket{})
		require.NoError(t, err)
		assert.Equal(t, guards.TicketPhaseClosed, phase(t, reopened, "never-opened"))
	})
}

func TestACommandInTheWrongPhaseIsARejectionThatNamesBoth(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		ctx, app := context.Background(), reopened()
		_, err := app.Ticket.OpenTicket(ctx, "t", guards.OpenTicket{Title: "a"})
		require.NoError(t, err)
		_, err = app.Ticket.CloseTicket(ctx, "t", guards.CloseTicket{})
		require.NoError(t, err)
		for _, app := range []*guards.App{app, reopened()} {
			_, err = app.Ticket.StartTicket(ctx, "t", guards.StartTicket{Assignee: "x"})
			var rejection guards.TicketNotInPhase
			require.ErrorAs(t, err, &rejection)
			assert.Equal(t, guards.TicketNotInPhase{
				Command: "StartTicket", Phase: guards.TicketPhaseClosed,
				Allowed: []guards.TicketPhase{guards.TicketPhaseNew, guards.TicketPhaseStalled},
			}, rejection)
			require.ErrorAs(t, err, new(cqrs.Rejection))
			require.EqualError(t, err, "StartTicket needs the Ticket to be new or stalled, and it is closed")
			_, err = app.Ticket.RenameTicket(ctx, "t", guards.RenameTicket{Title: "b"})
			require.EqualError(t, err, "RenameTicket needs the Ticket to be new, inProgress or stalled, and it is closed")
		}
		_, version, err := app.Ticket.Load(ctx, "t")
		require.NoError(t, err)
		assert.Equal(t, cqrs.Version(2), version)
	})
}

func TestAnEventThatCantHappenInThePhaseIsNotStored(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		ctx, app := context.Background(), reopened()
		_, err := app.Ticket.OpenTicket(ctx, "t", guards.OpenTicket{Title: "a"})
		require.NoError(t, err)
		_, err = app.Ticket.LookAtTicket(ctx, "t", guards.LookAtTicket{Stall: true})
		var move *aggregate.MoveError
		require.ErrorAs(t, err, &move)
		assert.Equal(t, &aggregate.MoveError{Event: "TicketStalled", Phase: "new", Allowed: []string{"inProgress"}}, move)
		require.EqualError(t, err, "the decider returned the event TicketStalled, which moves from inProgress and can't happen in new")
		require.NotErrorAs(t, err, new(cqrs.Rejection))
		_, err = app.Ticket.LookAtTicket(ctx, "t", guards.LookAtTicket{})
		require.NoError(t, err)
		assert.Equal(t, guards.TicketPhaseNew, phase(t, reopened, "t"))
	})
}

func TestARepeatedCommandIsAnsweredInWhateverPhaseItsTicketIs(t *testing.T) {
	onEachEngine(t, func(t *testing.T, reopened func() *guards.App) {
		ctx, app := context.Background(), reopened()
		_, err := app.Ticket.OpenTicket(ctx, "t", guards.OpenTicket{Title: "a"})
		require.NoError(t, err)
		first, err := app.Ticket.StartTicket(ctx, "t", guards.StartTicket{Assignee: "x"}, cqrs.WithCommandID("start"))
		require.NoError(t, err)
		again, err := app.Ticket.StartTicket(ctx, "t", guards.StartTicket{Assignee: "x"}, cqrs.WithCommandID("start"))
		require.NoError(t, err)
		assert.True(t, again.Repeated)
		assert.Equal(t, first.Position, again.Position)
	})
}

func TestGuardsNeverRunOnReplay(t *testing.T) {
	ctx, store := context.Background(), memory.New()
	app := open(t, store)
	_, err := app.Ticket.OpenTicket(ctx, "t", guards.OpenTicket{Title: "a"})
	require.NoError(t, err)
	// A history of another day, when a closed ticket could be stalled.
	foreign(t, store, cqrs.StreamID{Category: "Ticket", ID: "t"}, &guards.TicketClosed{}, &guards.TicketStalled{})
	assert.Equal(t, guards.TicketPhaseStalled, phase(t, func() *guards.App { return open(t, store) }, "t"))
	_, err = app.Ticket.StartTicket(ctx, "t", guards.StartTicket{Assignee: "x"})
	require.NoError(t, err)
}
