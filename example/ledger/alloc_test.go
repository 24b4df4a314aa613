//go:build !race

package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/example/ledger"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	memorysink "github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

// The race detector empties pools at random, so that it counts others.
func TestACommandOnAStreamInMemoryAllocatesAtMostTwelveTimes(t *testing.T) {
	app, err := ledger.New(t.Context(), memory.New(), memorysink.New(), ledger.Deciders{}, ledger.Projections{})
	require.NoError(t, err)
	defer app.Close()
	_, err = app.Account.OpenAccount(t.Context(), "a", ledger.OpenAccount{Owner: "Ada"})
	require.NoError(t, err)
	deposit := ledger.Deposit{Money: money(1, ledger.CurrencyEUR)}
	allocations := testing.AllocsPerRun(2_000, func() {
		_, err := app.Account.Deposit(t.Context(), "a", deposit)
		require.NoError(t, err)
	})
	assert.LessOrEqual(t, allocations, 12.0)
}
