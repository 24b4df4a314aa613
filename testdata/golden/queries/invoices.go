package queries

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Invoices folds events into the rows of Invoices.
type Invoices struct{}

// InvoiceSent folds the event into its row.
func (Invoices) InvoiceSent(row *InvoicesRow, e *InvoiceSent, _ cqrs.EventMeta) error {
	*row = InvoicesRow{
		Customer: e.Customer, Due: e.Due, Sent: e.Sent, Phase: e.Phase, Level: e.Level, Price: e.Price, Paid: e.Paid,
		Rate: e.Rate, Urgent: e.Urgent, Note: e.Note, Reminder: e.Reminder, Total: e.Total, Size: e.Size, Code: e.Code,
		Wait: e.Wait, Raw: e.Raw,
	}
	return nil
}
