package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
	"github.com/cqrsgen/cqrsgen/runtime/personal/personaltest"
	"github.com/cqrsgen/cqrsgen/runtime/personal/postgres"
)

func TestPostgreSQLPassesTheSuite(t *testing.T) {
	personaltest.Run(t, func(t *testing.T) func() personal.Store {
		dsn := testserver.Postgres(t)
		return func() personal.Store {
			s, err := postgres.Open(context.Background(), dsn, true)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.Close()) })
			return s
		}
	})
}

func TestADatabaseWithoutTheTableIsRefusedUnlessItIsToBeMade(t *testing.T) {
	dsn := testserver.Postgres(t)
	_, err := postgres.Open(t.Context(), dsn, false)
	require.ErrorContains(t, err, "cqrs_personal_keys")
	s, err := postgres.Open(t.Context(), dsn, true)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	s, err = postgres.Open(t.Context(), dsn, false)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestAServerThatIsAwayHasForgottenNobody(t *testing.T) {
	_, err := postgres.Open(t.Context(), "postgres://nobody@127.0.0.1:1/keys?connect_timeout=2", true)
	require.ErrorIs(t, err, personal.ErrUnavailable)
}
