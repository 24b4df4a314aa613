package rows

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Shelves takes the lines of an item away.
type Shelves struct{}

// OrderShipped is called once for each line, and changes the list of the row where it stands.
func (Shelves) OrderShipped(row *ShelvesRow, _ *OrderShipped, item Line, _ cqrs.EventMeta) error {
	for i := range row.Lines {
		if row.Lines[i].Sku == item.Sku {
			row.Lines[i].Quantity = 0
		}
	}
	return nil
}
