package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/subscription"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/subscriptiontest"
)

func openStore(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func TestConformance(t *testing.T) {
	subscriptiontest.Run(t, func(t *testing.T) subscription.Store { return openStore(t, testserver.Postgres(t)) })
}

func TestAStoreWhoseServerIsAwaySaysThatItPasses(t *testing.T) {
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	s := openStore(t, server.DSN())
	require.NoError(t, s.Hold(t.Context(), "mails", "me", time.Hour, nil))
	server.Kill(t)
	_, err := s.Load(t.Context(), "mails")
	require.ErrorIs(t, err, subscription.ErrUnavailable)
	require.ErrorIs(t, s.Save(t.Context(), "mails", &subscription.Step{}), subscription.ErrUnavailable)
	server.Start(t)
	require.Eventually(t, func() bool { return s.Hold(t.Context(), "mails", "me", time.Hour, nil) == nil },
		30*time.Second, 10*time.Millisecond)
	again := openStore(t, server.DSN())
	require.ErrorAs(t, again.Hold(t.Context(), "mails", "you", time.Hour, nil), new(*subscription.HeldError))
	require.NoError(t, s.Close())
	_, err = s.Load(t.Context(), "mails")
	require.ErrorIs(t, err, cqrs.ErrClosed)
}
