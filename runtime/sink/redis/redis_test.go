package redis

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel/readmodeltest"
)

// TestMain keeps the client from writing about servers that tests kill.
func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

func openStore(t testing.TB, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func TestConformance(t *testing.T) {
	readmodeltest.Run(t, func(t *testing.T) readmodel.Store { return openStore(t, testserver.Redis(t)) })
}
