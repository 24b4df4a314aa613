package streams

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Stock decides the commands of Stock, and applies its events to its state. It implements StockDecider.
type Stock struct{}

// Receive decides the command.
func (Stock) Receive(_ StockState, c Receive, _ cqrs.CommandMeta) (Received, error) {
	return Received{Quantity: c.Quantity}, nil
}

// ApplyReceived changes the state as the event says.
func (Stock) ApplyReceived(s *StockState, e *Received) error {
	s.Free += e.Quantity
	return nil
}

// ApplyReserved changes the state as the event says.
func (Stock) ApplyReserved(s *StockState, e *Reserved) error {
	s.Free -= e.Quantity
	return nil
}
