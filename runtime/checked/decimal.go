package checked

import (
	"fmt"
	"reflect"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
)

// AddDecimal returns x + y.
func AddDecimal(f *Fault, x, y cqrs.Decimal) cqrs.Decimal {
	z, err := x.Add(y)
	return f.decimal(z, err, "+", x, y)
}

// SubDecimal returns x - y.
func SubDecimal(f *Fault, x, y cqrs.Decimal) cqrs.Decimal {
	z, err := x.Sub(y)
	return f.decimal(z, err, "-", x, y)
}

// MulDecimal returns x * y.
func MulDecimal(f *Fault, x, y cqrs.Decimal) cqrs.Decimal {
	z, err := x.Mul(y)
	return f.decimal(z, err, "*", x, y)
}

func (f *Fault) decimal(z cqrs.Decimal, err error, op string, x, y cqrs.Decimal) cqrs.Decimal {
	if err != nil {
		f.keep(ErrOverflow, fmt.Sprintf("%v %s %v", x, op, y), reflect.TypeOf(z))
	}
	return z
}

// Decimal returns a whole number as a decimal, which every integer of 64 bits fits.
func Decimal[T Signed | ~uint32](x T) cqrs.Decimal {
	d, err := cqrs.NewDecimal(int64(x), 0)
	if err != nil {
		panic(err) // the scale is one that there is
	}
	return d
}
