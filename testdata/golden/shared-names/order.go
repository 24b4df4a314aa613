package shop

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Order decides the commands of Order, and applies its events to its state. It implements OrderDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Order struct{}

// Place decides the command on a new stream. It may reject it with TooManyItems or Clear.
func (Order) Place(c Place, m cqrs.CommandMeta) (PlaceResult, error) {
	switch {
	case c.Pieces > 10:
		return PlaceResult{}, OrderTooManyItems{}
	case c.Sku == "later":
		return PlaceResult{}, OrderClear{Until: cqrs.DateOf(m.Time).AddDays(1)}
	}
	pieces, err := cqrs.NewDecimal(c.Pieces, 0)
	if err != nil {
		return PlaceResult{}, err
	}
	total, err := c.Price.Mul(pieces)
	if err != nil {
		return PlaceResult{}, err
	}
	return PlaceResult{
		OrderItemAdded: OrderItemAdded{
			Sku: c.Sku, Pieces: c.Pieces, Price: c.Price, Prices: map[string]Price{"total": Price(total)}, Tags: c.Tags,
		},
		OrderAddItem: cqrs.Some(OrderAddItem{}),
	}, nil
}

// ApplyItemAdded changes the state as the event says.
func (Order) ApplyItemAdded(s *OrderState, e *OrderItemAdded) error {
	s.Items = append(s.Items, e.Sku)
	return nil
}

// ApplyAddItem changes the state as the event says.
func (Order) ApplyAddItem(s *OrderState, e *OrderAddItem) error {
	return nil
}
