package personal

import (
	"encoding/hex"
	"fmt"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// Subject is the person whose data a value is: an id and its type in the model. Generated ids have a method that returns
// it.
type Subject struct{ Type, ID string }

// String returns "AccountID acc-1".
func (s Subject) String() string { return s.Type + " " + s.ID }

// Validate reports whether the subject can have a key: its id is one that a stream can have, which says what is wrong.
func (s Subject) Validate() error {
	if err := (cqrs.StreamID{Category: s.Type, ID: s.ID}).Validate(); err != nil {
		return fmt.Errorf("personal: %q is nobody's id: %w", s.ID, err)
	}
	return nil
}

// KeyID names one key, for ever and everywhere. It is random.
type KeyID [16]byte

// String returns the id's hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }
