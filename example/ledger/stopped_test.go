package ledger_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/aggregate"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
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
	require.ErrorAs(t, err, new(*cqrs.UnknownEventError))
	require.ErrorAs(t, <-stopped, new(*cqrs.UnknownEventError))
	require.Contains(t, logged.String(), "projection=BalanceByCurrency")
}
