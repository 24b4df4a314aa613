package shop

import (
	"cmp"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Cart decides the commands of Cart, and applies its events to its state. It implements CartDecider.
//
// This file is yours. The generator appends stubs of methods that are missing, and changes nothing else.
type Cart struct{}

// AddItem decides the command. It may reject it with TooManyItems.
func (Cart) AddItem(s CartState, c CartAddItem, m cqrs.CommandMeta) (CartItemAdded, error) {
	if len(s.Items) == 2 {
		return CartItemAdded{}, CartTooManyItems{Most: 2}
	}
	return CartItemAdded{Sku: c.Sku}, nil
}

// Clear decides the command.
func (Cart) Clear(s CartState, c CartClear, m cqrs.CommandMeta) (CartClearResult, error) {
	var r CartClearResult
	for _, sku := range s.Items.Sorted(cmp.Compare) {
		r.ItemRemoved = append(r.ItemRemoved, ItemRemoved{Sku: sku})
	}
	return r, nil
}

// ApplyItemAdded changes the state as the event says.
func (Cart) ApplyItemAdded(s *CartState, e *CartItemAdded) error {
	s.Items.Add(e.Sku)
	return nil
}

// ApplyItemRemoved changes the state as the event says.
func (Cart) ApplyItemRemoved(s *CartState, e *ItemRemoved) error {
	s.Items.Remove(e.Sku)
	return nil
}
