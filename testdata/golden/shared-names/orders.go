package shop

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Orders folds events into the rows of Orders. It implements OrdersFolds.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Orders struct{}

// OrderItemAdded folds the event into its row.
func (Orders) OrderItemAdded(row *OrdersRow, e *OrderItemAdded, m cqrs.EventMeta) error {
	row.Lines++
	return nil
}
