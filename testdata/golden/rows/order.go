package rows

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Order accepts every command, and keeps no state.
type Order struct{}

func (Order) PlaceOrder(c PlaceOrder, _ cqrs.CommandMeta) (OrderPlaced, error) {
	return OrderPlaced(c), nil
}

func (Order) MoveOrder(_ OrderState, c MoveOrder, _ cqrs.CommandMeta) (OrderMoved, error) {
	return OrderMoved(c), nil
}

func (Order) ShipOrder(_ OrderState, c ShipOrder, _ cqrs.CommandMeta) (OrderShipped, error) {
	return OrderShipped(c), nil
}

func (Order) CancelOrder(_ OrderState, c CancelOrder, _ cqrs.CommandMeta) (OrderCancelled, error) {
	return OrderCancelled(c), nil
}

func (Order) ApplyOrderPlaced(*OrderState, *OrderPlaced) error { return nil }

func (Order) ApplyOrderMoved(*OrderState, *OrderMoved) error { return nil }

func (Order) ApplyOrderShipped(*OrderState, *OrderShipped) error { return nil }

func (Order) ApplyOrderCancelled(*OrderState, *OrderCancelled) error { return nil }
