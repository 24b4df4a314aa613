package ledger_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/checked"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/projection"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// TestAProjectionThatStopsIsLoggedAndEndsTheWaitForIt lets a newer release write an event that this one can't read.
func TestAProjectionThatStopsIsLoggedAndEndsTheWaitForIt(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log := memory.New()
	defer log.Close()
	var logged bytes.Buffer
	app, err := ledger.New(ctx, log, memorysink.New(), ledger.Deciders{}, ledger.Projections{},
		aggregate.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
	require.NoError(t, err)
	defer app.Close()
	done, err := log.Append(ctx, eventlog.Commit{
		ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{Time: time.Unix(0, 0).UTC()},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Account", ID: "acc-1"}, Expected: eventlog.New,
			Events: []eventlog.NewEvent{{Type: "MoneyDeposited", SchemaVersion: 2, ContentType: cqrs.JSON, Data: []byte("{}")}},
		}},
	})
	require.NoError(t, err)

	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- app.Run(running) }()
	_, _, err = app.BalanceByCurrency.ByAccount(ctx, "acc-1", cqrs.AtLeast(done.Position))
	stop()
	require.ErrorAs(t, err, new(*readmodel.StaleError))
	require.ErrorAs(t, err, new(*cqrs.NewerEventError))
	require.ErrorAs(t, <-stopped, new(*cqrs.NewerEventError))
	require.Contains(t, logged.String(), "projection=BalanceByCurrency")
}

// TestATotalThatDoesNotFitStopsItsProjectionAtTheEvent lets two accounts hold more than a total can.
func TestATotalThatDoesNotFitStopsItsProjectionAtTheEvent(t *testing.T) {
	log := memory.New()
	defer log.Close()
	app, err := ledger.New(t.Context(), log, memorysink.New(), ledger.Deciders{}, ledger.Projections{})
	require.NoError(t, err)
	defer app.Close()
	s := &service{App: app}
	for _, id := range []ledger.AccountID{"acc-1", "acc-2"} {
		s.open(t, id)
		s.deposit(t, id, eur(math.MaxInt64))
	}

	err = app.CurrencyTotals.Projector().CatchUp(t.Context())
	var failed *projection.FoldError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, cqrs.Position(4), failed.Position)
	assert.Equal(t, "currency=EUR", failed.Key)
	assert.ErrorIs(t, err, checked.ErrOverflow)
	assert.NoError(t, app.BalanceByCurrency.Projector().CatchUp(t.Context()), "others go on")
}
