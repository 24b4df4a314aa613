package readmodel

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Refolding chooses rows of a read model that are folded once more from the log, independently of any table.
type Refolding struct {
	// UpTo says of a key up to which position events are folded into its row; 0 leaves the row out. It is asked with every
	// event, and has to give the same answer for the same key. It must not keep the slice.
	UpTo func(key []Value) cqrs.Position
	// Found is called with each row that came out, in any order; it may keep the slices.
	Found func(key, row []Value) error
}
