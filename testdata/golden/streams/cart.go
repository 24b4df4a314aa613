package streams

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Cart decides the commands of Cart, and applies its events to its state. It implements CartDecider.
type Cart struct{}

// Checkout decides the command on a new stream. It may reject it with OutOfStock.
func (Cart) Checkout(also CheckoutAlso, c Checkout, _ cqrs.CommandMeta) (CheckoutResult, error) {
	r := CheckoutResult{Ordered: Ordered{Lines: len(c.Lines)}}
	for i, line := range c.Lines {
		if also.Stock[i].Free < line.Quantity {
			return CheckoutResult{}, OutOfStock{Sku: line.Sku}
		}
		reserved := Reserved{Quantity: line.Quantity}
		r.StockReserved = append(r.StockReserved, cqrs.To[SKU, Reserved]{ID: line.Sku, Event: reserved})
		if room, ok := line.Room.Get(); ok {
			r.RoomsTaken = append(r.RoomsTaken, cqrs.To[AllotmentID, Taken]{ID: room})
		}
	}
	return r, nil
}

// ApplyOrdered changes the state as the event says.
func (Cart) ApplyOrdered(s *CartState, _ *Ordered) error {
	s.Ordered = true
	return nil
}
