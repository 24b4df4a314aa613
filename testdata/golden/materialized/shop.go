package materialized

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Shop decides the commands of Shop. It implements ShopDecider.
type Shop struct{}

// Open decides the command on a new stream.
func (Shop) Open(c Open, _ cqrs.CommandMeta) (Opened, error) {
	return Opened{Name: c.Name, At: c.At, Seats: c.Seats, Vip: c.Vip}, nil
}

// Sell decides the command.
func (Shop) Sell(_ ShopState, c Sell, _ cqrs.CommandMeta) (Sold, error) {
	return Sold{Receipt: c.Receipt, Items: c.Items, Note: c.Note, Tip: c.Tip}, nil
}

// Refund decides the command.
func (Shop) Refund(_ ShopState, c Refund, _ cqrs.CommandMeta) (Refunded, error) {
	return Refunded{Receipt: c.Receipt}, nil
}
