package app // want package:"3 functions"

import "lib"

type Totals struct{}

func (Totals) Added(row *Row, e *Event, _ int) error {
	row.Total += lib.Double(e.Amount)
	row.Total += lib.Stamp() // want `through lib.stamp, which depends on the clock through time.Now`
	return nil
}

func (Totals) Taken(row *Row, e *Event, _ int) error {
	lib.Fill(e.Names) // want `through lib.Fill, which changes list\[i\], and e is not there to be changed`
	row.Total -= lib.Add(e.Amount, 1)
	return nil
}

func (Totals) TakenKeys(e *Event, _ int) ([]string, error) { return e.Names[:1], nil }
