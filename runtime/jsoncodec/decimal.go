package jsoncodec

import "github.com/cqrsgen/cqrsgen/runtime/cqrs"

// Decimal appends a decimal as a string, which no reader takes for a float.
func (w *Writer) Decimal(d cqrs.Decimal) {
	w.b = append(w.b, '"')
	w.b = append(d.AppendTo(w.b), '"')
}

// Decimal reads a string with a decimal. Zeros at its end are no part of the number.
func (r *Reader) Decimal() cqrs.Decimal {
	text := r.Text()
	d, err := cqrs.ParseDecimal(view(text))
	if err != nil {
		r.invalid(text, `a decimal like "-12.5"`)
	}
	return d
}
