package scenarios

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Shelf decides the commands of Shelf.
type Shelf struct {
	// Most is how many boxes a shelf takes.
	Most int
}

// Store decides the command. It may reject it with AlreadyThere.
func (h Shelf) Store(s ShelfState, c Store, m cqrs.CommandMeta) (BoxStored, error) {
	if s.Boxes.Has(c.Box) || len(s.Boxes) >= h.Most {
		return BoxStored{}, AlreadyThere{}
	}
	return BoxStored{Box: c.Box, At: m.Time}, nil
}
