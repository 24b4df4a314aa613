package shop

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	enginememory "github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func newShop(t *testing.T) *App {
	t.Helper()
	log := enginememory.New()
	app, err := New(t.Context(), log, memory.New(), Deciders{}, Projections{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		app.Close()
		require.NoError(t, log.Close())
	})
	return app
}

func TestEventsOfOneNameAreStoredUnderTheirOwn(t *testing.T) {
	assert.Equal(t, "ItemAdded", (&CartItemAdded{}).EventType())
	assert.Equal(t, "Order.ItemAdded", (&OrderItemAdded{}).EventType())
	assert.Equal(t, "Order.AddItemAsked", (&OrderAddItem{}).EventType())
}

func TestEachAggregateFoldsItsOwnEventOfTheName(t *testing.T) {
	shop, ctx := newShop(t), t.Context()
	_, err := shop.Cart.AddItem(ctx, "cart-1", CartAddItem{Sku: "pen"})
	require.NoError(t, err)
	receipt, err := shop.Order.Place(ctx, "order-1", Place{Sku: "pen", Pieces: 3, Price: cqrs.MustDecimal("1.5")})
	require.NoError(t, err)

	row, _, err := shop.Items.Get(ctx, ItemsKey{Sku: "pen"}, cqrs.AtLeast(receipt.Position))
	require.NoError(t, err)
	assert.Equal(t, ItemsRow{Carts: 1, Ordered: 3}, row)
	orders, _, err := shop.Orders.Get(ctx, OrdersKey{Order: "order-1"}, cqrs.AtLeast(receipt.Position))
	require.NoError(t, err)
	assert.Equal(t, OrdersRow{Lines: 1}, orders)
	state, _, err := shop.Order.Load(ctx, "order-1")
	require.NoError(t, err)
	assert.Equal(t, []string{"pen"}, state.Items)
}

func TestRejectionsOfOneNameAreToldApart(t *testing.T) {
	shop, ctx := newShop(t), t.Context()
	for _, sku := range []string{"pen", "ink"} {
		_, err := shop.Cart.AddItem(ctx, "cart-1", CartAddItem{Sku: sku})
		require.NoError(t, err)
	}
	_, err := shop.Cart.AddItem(ctx, "cart-1", CartAddItem{Sku: "paper"})
	var full CartTooManyItems
	require.ErrorAs(t, err, &full)
	assert.Equal(t, int64(2), full.Most)
	_, err = shop.Order.Place(ctx, "order-1", Place{Sku: "pen", Pieces: 11, Price: cqrs.MustDecimal("1.5")})
	require.ErrorAs(t, err, new(OrderTooManyItems))
	assert.NotErrorAs(t, err, new(CartTooManyItems))

	_, err = shop.Cart.Clear(ctx, "cart-1", CartClear{})
	require.NoError(t, err)
	state, _, err := shop.Cart.Load(ctx, "cart-1")
	require.NoError(t, err)
	assert.Empty(t, state.Items)
}
