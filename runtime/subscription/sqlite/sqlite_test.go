package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/runtime/subscription"
	"github.com/cqrsgen/cqrsgen/runtime/subscription/subscriptiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	subscriptiontest.Run(t, func(t *testing.T) subscription.Store {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "subscriptions.db"))
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, s.Close()) })
		return s
	})
}
