package checked

import (
	"fmt"
	"math"
	"reflect"
)

// Add returns x + y.
func Add[T Integer](f *Fault, x, y T) (z T) {
	z = x + y
	if (z < x) != (y < 0) {
		failAdd(f, x, y)
	}
	return
}

// Sub returns x - y.
func Sub[T Integer](f *Fault, x, y T) (z T) {
	z = x - y
	if (z > x) != (y < 0) {
		failSub(f, x, y)
	}
	return
}

// Mul returns x * y.
func Mul[T Integer](f *Fault, x, y T) T {
	z := x * y
	if (x|y)>>15 == 0 { // small and not negative: which spares many products the division
		return z
	}
	// The sign of the least number times -1 is wrong, though dividing finds nothing.
	if x != 0 && (z/x != y || (x < 0) == (y < 0) && z < 0) {
		fail(f, '*', x, y)
	}
	return z
}

// Div returns x / y, without its fraction.
func Div[T Integer](f *Fault, x, y T) T {
	if y == 0 {
		fail(f, '/', x, y)
		return 0
	}
	z := x / y
	if z < 0 && x < 0 && y < 0 {
		fail(f, '/', x, y)
	}
	return z
}

// Mod returns x % y: what remains of x / y, with the sign of x.
func Mod[T Integer](f *Fault, x, y T) T {
	if y == 0 {
		fail(f, '%', x, y)
		return 0
	}
	return x % y
}

// Neg returns -x. Of the unsigned numbers only zero has one.
func Neg[T Integer](f *Fault, x T) T { return Sub(f, 0, x) }

// Abs returns x without its sign.
func Abs[T Integer](f *Fault, x T) T {
	if x < 0 {
		return Neg(f, x)
	}
	return x
}

// Convert returns x as a T.
func Convert[T, S Integer](f *Fault, x S) T {
	z := T(x)
	if S(z) != x || (z < 0) != (x < 0) {
		misfit[T](f, x)
	}
	return z
}

// Truncate returns x as a T, without its fraction.
func Truncate[T Integer, S ~float64](f *Fault, x S) T {
	least, limit := bounds[T]()
	// Below -2^63 the next float64 is a whole number less: the bound itself is compared as well.
	if !(float64(x) > least-1 || float64(x) == least) || !(float64(x) < limit) {
		misfit[T](f, x)
		return 0
	}
	return T(x)
}

// bounds are the least value of T, and the first number above its values.
func bounds[T Integer]() (least, limit float64) {
	bits := reflect.TypeFor[T]().Bits()
	if ones := ^T(0); ones < 0 {
		limit = math.Ldexp(1, bits-1)
		return -limit, limit
	}
	return 0, math.Ldexp(1, bits)
}

// misfit keeps a conversion that failed.
//
//go:noinline
func misfit[T, S Number](f *Fault, x S) {
	f.keep(ErrOverflow, fmt.Sprint(x), reflect.TypeFor[T]())
}

// Finite returns x, which may neither be infinite nor not a number: no model can store such a one.
func Finite[T ~float64](f *Fault, x T) T {
	if x-x != 0 {
		misfit[T](f, x)
	}
	return x
}
