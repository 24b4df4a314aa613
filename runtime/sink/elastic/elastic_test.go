package elastic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel/readmodeltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store of a prefix that no other test uses, in the Elasticsearch at an address, and removes what is in it
// in the end.
func open(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), fmt.Sprintf("%s/test-%08x-", address, rand.Uint32()))
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		found, err := s.find(ctx, "")
		require.NoError(t, err)
		for _, g := range found {
			require.NoError(t, s.do(ctx, request{method: "DELETE", path: "/" + g.index}, nil))
		}
		require.NoError(t, s.Close())
	})
	return s
}

func TestConformance(t *testing.T) {
	readmodeltest.Run(t, func(t *testing.T) readmodel.Store { return open(t, testserver.Elasticsearch(t)) },
		readmodeltest.RowsAhead)
}
