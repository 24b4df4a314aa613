// Package checked computes with integers and says when a result is wrong: when it does not fit its type, or when there
// is a division by zero. Generated folds call it, so that no sum of the model ever wraps around silently:
//
//	var fault checked.Fault
//	s.Balances[e.Currency] = checked.Add(fault.In("balances"), s.Balances[e.Currency], e.Amount)
//	return fault.Err()
//
// The first operation that fails is kept; what it and those behind it return means nothing. Nothing is allocated while
// all goes well. Sums and differences are inlined.
package checked

import (
	"errors"
	"fmt"
	"reflect"
)

// Integer is any of the model's integers, and types over them, such as time.Duration.
type Integer interface {
	~int | ~int32 | ~int64 | ~uint32 | ~uint64
}

// Signed is an Integer that may be below zero.
type Signed interface {
	~int | ~int32 | ~int64
}

// Number is an Integer or a float64.
type Number interface {
	Integer | ~float64
}

// The two ways in which an operation fails: ask with errors.Is.
var (
	ErrOverflow     = errors.New("does not fit")
	ErrDivideByZero = errors.New("division by zero")
)

// Error is an operation that failed. errors.Is tells whether it was ErrOverflow or ErrDivideByZero.
type Error struct {
	// Field is the field of the model that the result was for.
	Field string
	// Op is the operation as the model writes it, with its operands: "9223372036854775807 + 1".
	Op string
	// Type is the type that the result was to have.
	Type string
	Err  error
}

func (e *Error) Error() string {
	where := ""
	if e.Field != "" {
		where = e.Field + ": "
	}
	if errors.Is(e.Err, ErrDivideByZero) {
		return fmt.Sprintf("%s%s: %v", where, e.Op, e.Err)
	}
	return fmt.Sprintf("%s%s %v %s", where, e.Op, e.Err, e.Type)
}

func (e *Error) Unwrap() error { return e.Err }

// Fault is what became of a number of operations: nothing, or the first one that failed. Its zero value is ready. It is
// for one goroutine.
type Fault struct {
	field string
	err   *Error
}

// In says which field the operations that follow are for, and returns f.
func (f *Fault) In(field string) *Fault {
	f.field = field
	return f
}

// Err returns nil, or the *Error of the first operation that failed.
func (f *Fault) Err() error {
	if f.err == nil {
		return nil
	}
	return f.err
}

// Take is Err, and makes f ready again.
func (f *Fault) Take() error {
	err := f.Err()
	*f = Fault{}
	return err
}

// failAdd and failSub take no more than they must, and are not inlined, so that Add and Sub are.
//
//go:noinline
func failAdd[T Integer](f *Fault, x, y T) { fail(f, '+', x, y) }

//go:noinline
func failSub[T Integer](f *Fault, x, y T) { fail(f, '-', x, y) }

// fail keeps an operation that failed, unless one did before.
func fail[T Integer](f *Fault, op byte, x, y T) {
	reason := ErrOverflow
	if y == 0 && (op == '/' || op == '%') {
		reason = ErrDivideByZero
	}
	f.keep(reason, fmt.Sprintf("%v %c %v", x, op, y), reflect.TypeFor[T]())
}

func (f *Fault) keep(reason error, op string, result reflect.Type) {
	if f.err == nil {
		f.err = &Error{Field: f.field, Op: op, Type: result.String(), Err: reason}
	}
}
