package scenarios

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Box decides the commands of Box.
type Box struct{}

// MakeBox decides the command on a new stream.
func (Box) MakeBox(c MakeBox, m cqrs.CommandMeta) (BoxMade, error) {
	return BoxMade{Text: c.Text, At: m.Time, Color: ColorRed}, nil
}

// AddItem decides the command. It may reject it with AlreadySealed.
func (Box) AddItem(s BoxState, c AddItem, _ cqrs.CommandMeta) (AddItemResult, error) {
	if s.Sealed {
		return AddItemResult{}, AlreadySealed{}
	}
	events := []ItemAdded{{Item: c.Item, Order: s.Items + 1}}
	if c.Twice {
		events = append(events, ItemAdded{Item: c.Item, Order: s.Items + 2})
	}
	return AddItemResult{ItemAdded: events}, nil
}

// SealBox decides the command.
func (Box) SealBox(s BoxState, _ SealBox, _ cqrs.CommandMeta) (SealBoxResult, error) {
	if s.Sealed {
		return SealBoxResult{}, nil
	}
	return SealBoxResult{BoxSealed: cqrs.Some(BoxSealed{})}, nil
}

// Put decides the command.
func (Box) Put(_ BoxState, c Put, _ cqrs.CommandMeta) (MoneyIn, error) {
	return MoneyIn{Amount: c.Amount}, nil
}

// Pay decides the command. It may reject it with TooPoor.
func (Box) Pay(s BoxState, _ PayAlso, c Pay, _ cqrs.CommandMeta) (PayResult, error) {
	if s.Balance < c.Amount {
		return PayResult{}, TooPoor{Has: s.Balance, Needs: c.Amount}
	}
	return PayResult{MoneyOut: MoneyOut{Amount: c.Amount}, TargetMoneyIn: MoneyIn{Amount: c.Amount}}, nil
}
