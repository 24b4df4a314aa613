package queries

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Invoice decides the commands of Invoice.
type Invoice struct{}

// Send decides the command on a new stream.
func (Invoice) Send(c Send, _ cqrs.CommandMeta) (InvoiceSent, error) {
	return InvoiceSent{Due: c.Due, Phase: PhaseOpen}, nil
}

// ApplyInvoiceSent changes the state as the event says.
func (Invoice) ApplyInvoiceSent(*InvoiceState, *InvoiceSent) error { return nil }
