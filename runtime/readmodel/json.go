package readmodel

import (
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
)

// OfOptional returns the value of an optional column: null, or what of makes of the value.
func OfOptional[T any](o cqrs.Optional[T], of func(T) Value) Value {
	v, ok := o.Get()
	if !ok {
		return Value{}
	}
	return of(v)
}

// JSONOf returns a value for a column of kind JSON: what write writes, or null where that is null. The zero values
// of enums and days are allowed. row names the row's type for the *cqrs.EncodingError.
func JSONOf[T any](row string, v *T, write func(*jsoncodec.Writer, *T)) (Value, error) {
	w := jsoncodec.NewWriter(nil)
	w.AllowZero()
	write(&w, v)
	b, err := w.Finish(row)
	if err != nil || string(b) == "null" {
		return Value{}, err
	}
	return OfJSON(b), nil
}

// ReadJSON reads a column of kind JSON, as JSONOf makes it, into v. What can't be read fails the scanner.
func ReadJSON[T any](s *Scanner, v *T, read func(*jsoncodec.Reader, *T)) {
	text := "null"
	if !s.Null() {
		text = s.JSON()
	}
	if s.Err() != nil {
		return
	}
	r := jsoncodec.NewReader([]byte(text), jsoncodec.CopyStrings)
	r.AllowZero()
	read(&r, v)
	if err := r.Finish("column"); err != nil {
		s.Fail(err.Error())
	}
}
