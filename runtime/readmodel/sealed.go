package readmodel

import (
	"github.com/cqrsgen/cqrsgen/runtime/jsoncodec"
	"github.com/cqrsgen/cqrsgen/runtime/personal"
)

// Sealed returns the value of a column that keeps personal data encrypted: null for the zero Value, and an empty text
// once they were erased.
func Sealed[T any](
	c *personal.Coder, column string, v *personal.Value[T], write func(*jsoncodec.Writer, *T),
) (Value, error) {
	text, ok, err := personal.Seal(c, column, v, write)
	if err != nil || !ok {
		return Value{}, err
	}
	return OfString(text), nil
}

// ReadSealed reads a column that Sealed made into v. erased returns what is read of data that were erased, nil stands for
// the zero value. What can't be read fails the scanner.
func ReadSealed[T any](
	s *Scanner, c *personal.Coder, column string, v *personal.Value[T], read func(*jsoncodec.Reader, *T), erased func() T,
) {
	if s.Null() {
		*v = personal.Value[T]{}
		return
	}
	text := s.String()
	if s.Err() != nil {
		return
	}
	if err := personal.Open(c, column, text, v, read, erased); err != nil {
		s.FailWith(err)
	}
}

// FailWith is Fail for an error that callers can tell apart.
func (s *Scanner) FailWith(err error) {
	s.Fail(err.Error())
	if corrupt, ok := s.err.(*CorruptError); ok && corrupt.Err == nil {
		corrupt.Err = err
	}
}
