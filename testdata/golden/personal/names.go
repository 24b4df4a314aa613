package clinic

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Names folds events into the rows of Names. It implements NamesFolds.
type Names struct{}

// Registered folds the event into its row.
func (Names) Registered(row *NamesRow, e *Registered, _ cqrs.EventMeta) error {
	name, _ := e.Name.Reveal()
	row.Letters = int64(len(name))
	return nil
}
