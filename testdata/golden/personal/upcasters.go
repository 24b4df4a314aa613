package clinic

import "github.com/cqrsgen/cqrsgen/runtime/personal"

// Upcasters brings events of older versions up to date. It implements EventUpcasters.
type Upcasters struct{}

// BilledV1 turns version 1 of Billed into version 2: first and last name became one, and how long it is was not counted.
func (Upcasters) BilledV1(old BilledV1) (BilledV2, error) {
	first, _ := old.First.Reveal()
	last, _ := old.Last.Reveal()
	return BilledV2{To: personal.Of(first + " " + last), Letters: int64(len(first) + len(last))}, nil
}
