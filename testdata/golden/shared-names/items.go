package shop

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Items folds events into the rows of Items. It implements ItemsFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Items struct{}

// CartItemAdded folds the event into its row.
func (Items) CartItemAdded(row *ItemsRow, e *CartItemAdded, m cqrs.EventMeta) error {
	row.Carts++
	return nil
}

// OrderItemAdded folds the event into its row.
func (Items) OrderItemAdded(row *ItemsRow, e *OrderItemAdded, m cqrs.EventMeta) error {
	row.Ordered += e.Pieces
	return nil
}
