package hotel

import (
	"fmt"
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Upcasters brings events of older versions up to date. It implements EventUpcasters.
type Upcasters struct{}

// MovedV1 turns version 1 of Moved into version 2: the day was text once.
func (Upcasters) MovedV1(old MovedV1) (MovedV2, error) {
	day, err := time.Parse("02.01.2006", old.Day)
	if err != nil {
		return MovedV2{}, err
	}
	return MovedV2{Day: cqrs.DateOf(day)}, nil
}

// PaidV2 turns version 2 of Paid into version 3.
func (Upcasters) PaidV2(old PaidV2) (PaidV3, error) {
	if old.Cents < 0 {
		return PaidV3{}, fmt.Errorf("%d cents can't have been paid", old.Cents)
	}
	return PaidV3{Total: old.Cents, Coin: old.Coin, Card: old.Card}, nil
}

// PaidV4 turns version 4 of Paid into version 5: the amount and its currency became one field.
func (Upcasters) PaidV4(old PaidV4) (PaidV5, error) {
	from := SourcePhone
	if old.Card {
		from = SourceWeb
	}
	return PaidV5{Amount: Money{Amount: old.Total, Currency: old.Currency}, From: from}, nil
}

// Changed turns an older event into what it is read as.
func (Upcasters) Changed(old Changed) (ChangedParts, error) {
	var parts ChangedParts
	if day, ok := old.To.Get(); ok {
		parts.Moved = cqrs.Some(Moved{To: day})
	}
	for _, note := range old.Notes {
		parts.Noted = append(parts.Noted, Noted{Text: note})
	}
	return parts, nil
}

// Annotated turns an older event into what it is read as.
func (Upcasters) Annotated(old Annotated) (Noted, error) {
	return Noted{Text: old.Note}, nil
}
