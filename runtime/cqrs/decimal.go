package cqrs

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/govalues/decimal"
)

// The limits of a Decimal.
const (
	// MaxDecimalDigits is the number of digits that a Decimal can have, those behind the point included.
	MaxDecimalDigits = decimal.MaxPrec
	// MaxDecimalScale is the number of digits that a Decimal can have behind the point.
	MaxDecimalScale = decimal.MaxScale
)

// Decimal is an exact decimal number of up to 19 digits: a value, which takes no memory of its own. Its zero value
// is 0. It never has trailing zeros behind the point, so that 1.5 and 1.50 are the same number, also to == and as the
// key of a map. Its text, which is its JSON too, is "-12.5".
//
// Sums, differences and products are exact, or a *DecimalError: nothing is rounded unless Quo or Round is asked to.
type Decimal struct{ d decimal.Decimal }

// DecimalError says that a number does not fit into a Decimal.
type DecimalError struct {
	// X, Op and Y are the calculation: 0.1, "*", 0.001.
	X, Y Decimal
	Op   string
	// Reason says why it has no result.
	Reason string
}

func (e *DecimalError) Error() string { return fmt.Sprintf("%s %s %s %s", e.X, e.Op, e.Y, e.Reason) }

// NewDecimal returns the number of units of which ten to the power of scale make one: NewDecimal(1250, 2) is 12.5. Scale
// is from 0 to MaxDecimalScale.
func NewDecimal(units int64, scale int) (Decimal, error) {
	d, err := decimal.New(units, scale)
	if err != nil {
		return Decimal{}, fmt.Errorf("a decimal has a scale of 0 to %d, not %d", MaxDecimalScale, scale)
	}
	return reduced(d), nil
}

// ParseDecimal reads a number like "12", "-0.5" or "12.50": digits with at most one point between them, no exponent.
func ParseDecimal(s string) (Decimal, error) {
	d, ok := parseDecimal(s)
	if !ok {
		return Decimal{}, fmt.Errorf("%.40q is not a decimal like -12.5 with at most %d digits", s, MaxDecimalDigits)
	}
	return d, nil
}

// MustDecimal is ParseDecimal for constants: it panics where the text is not a decimal.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic("cqrs: " + err.Error())
	}
	return d
}

func parseDecimal(s string) (Decimal, bool) {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if !digits(whole) || len(whole) > 1 && whole[0] == '0' || point && !digits(fraction) {
		return Decimal{}, false
	}
	if point {
		fraction = strings.TrimRight(fraction, "0")
		s = s[:strings.IndexByte(s, '.')+1] + fraction
	}
	significant := len(strings.TrimLeft(whole+fraction, "0"))
	if significant > MaxDecimalDigits || len(fraction) > MaxDecimalScale {
		return Decimal{}, false
	}
	d, err := decimal.Parse(strings.TrimSuffix(s, "."))
	return reduced(d), err == nil
}

// digits reports whether s is made of digits, and not empty.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// reduced keeps what every Decimal keeps to: no trailing zeros behind the point.
func reduced(d decimal.Decimal) Decimal { return Decimal{d.Trim(0)} }

// Add returns d + e.
func (d Decimal) Add(e Decimal) (Decimal, error) {
	sum, err := d.d.AddExact(e.d, max(d.d.Scale(), e.d.Scale()))
	return d.exactly(sum, err, "+", e)
}

// Sub returns d - e.
func (d Decimal) Sub(e Decimal) (Decimal, error) {
	difference, err := d.d.SubExact(e.d, max(d.d.Scale(), e.d.Scale()))
	return d.exactly(difference, err, "-", e)
}

// Mul returns d * e.
func (d Decimal) Mul(e Decimal) (Decimal, error) {
	scale := d.d.Scale() + e.d.Scale()
	if scale > MaxDecimalScale {
		return Decimal{}, &DecimalError{d, e, "*", fmt.Sprintf("needs more than %d digits behind the point", MaxDecimalScale)}
	}
	product, err := d.d.MulExact(e.d, scale)
	return d.exactly(product, err, "*", e)
}

func (d Decimal) exactly(result decimal.Decimal, err error, op string, e Decimal) (Decimal, error) {
	if err != nil {
		return Decimal{}, &DecimalError{d, e, op, fmt.Sprintf("needs more than %d digits", MaxDecimalDigits)}
	}
	return reduced(result), nil
}

// Quo returns d / e with scale digits behind the point; half of the last one is rounded to the even neighbour.
func (d Decimal) Quo(e Decimal, scale int) (Decimal, error) {
	switch {
	case e.IsZero():
		return Decimal{}, &DecimalError{d, e, "/", "has no result"}
	case scale < 0 || scale > MaxDecimalScale:
		return Decimal{}, &DecimalError{d, e, "/", fmt.Sprintf("can't have %d digits behind the point", scale)}
	}
	// In big integers, since the library rounds to 19 digits first, and two roundings are not one.
	numerator := scaled(d.d.Coef(), scale+e.d.Scale())
	denominator := scaled(e.d.Coef(), d.d.Scale())
	quotient, rest := numerator.QuoRem(numerator, denominator, new(big.Int))
	if half := rest.Lsh(rest, 1).Cmp(denominator); half > 0 || half == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if d.Sign()*e.Sign() < 0 {
		quotient.Neg(quotient)
	}
	text := new(big.Rat).SetFrac(quotient, scaled(1, scale)).FloatString(scale)
	result, ok := parseDecimal(text)
	if !ok {
		return Decimal{}, &DecimalError{d, e, "/", fmt.Sprintf("needs more than %d digits", MaxDecimalDigits)}
	}
	return result, nil
}

// scaled returns n times ten to the power of scale.
func scaled(n uint64, scale int) *big.Int {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return power.Mul(power, new(big.Int).SetUint64(n))
}

// Round returns d with at most scale digits behind the point; half of the last one is rounded to the even neighbour.
func (d Decimal) Round(scale int) Decimal { return reduced(d.d.Round(scale)) }

// Floor returns the greatest number with at most scale digits behind the point that is not above d.
func (d Decimal) Floor(scale int) Decimal { return reduced(d.d.Floor(scale)) }

// Ceil returns the least number with at most scale digits behind the point that is not below d.
func (d Decimal) Ceil(scale int) Decimal { return reduced(d.d.Ceil(scale)) }

// Neg returns -d.
func (d Decimal) Neg() Decimal { return Decimal{d.d.Neg()} }

// Abs returns d without its sign.
func (d Decimal) Abs() Decimal { return Decimal{d.d.Abs()} }

// Sign returns -1, 0 or 1 as d is negative, zero or positive.
func (d Decimal) Sign() int { return d.d.Sign() }

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.d.IsZero() }

// Cmp returns -1, 0 or 1 as d is less than e, the same or greater.
func (d Decimal) Cmp(e Decimal) int { return d.d.Cmp(e.d) }

// Equal reports whether d is e. It is the same as ==.
func (d Decimal) Equal(e Decimal) bool { return d == e }

// Less reports whether d is less than e.
func (d Decimal) Less(e Decimal) bool { return d.d.Less(e.d) }

// Units returns d as a number of units of which ten to the power of scale make one: the Units(2) of 12.5 are 1250. It
// reports false where that is not a whole number of an int64.
func (d Decimal) Units(scale int) (int64, bool) {
	if scale < d.d.Scale() || scale > MaxDecimalScale {
		return 0, false
	}
	padded := d.d.Pad(scale)
	coefficient := padded.Coef()
	switch {
	case padded.Scale() != scale:
		return 0, false
	case d.Sign() < 0 && coefficient <= 1<<63:
		return int64(-coefficient), true
	case coefficient < 1<<63:
		return int64(coefficient), d.Sign() >= 0
	}
	return 0, false
}

// Float64 returns the nearest float64.
func (d Decimal) Float64() float64 {
	f, _ := d.d.Float64()
	return f
}

// String returns the number without exponent and trailing zeros: "-12.5".
func (d Decimal) String() string { return d.d.String() }

// AppendTo appends the number's text to b.
func (d Decimal) AppendTo(b []byte) []byte {
	b, _ = d.d.AppendText(b) // which never fails
	return b
}

// MarshalText implements encoding.TextMarshaler.
func (d Decimal) MarshalText() ([]byte, error) { return d.d.MarshalText() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Decimal) UnmarshalText(b []byte) error {
	v, err := ParseDecimal(string(b))
	if err == nil {
		*d = v
	}
	return err
}

// sortWidth is the number of digits before the point in a text that sorts.
const sortWidth = MaxDecimalDigits

// AppendSortable appends a text whose bytes sort as the numbers do, for stores that have no decimals: "0" and 19
// digits before the point for a number that is not negative. Of a negative one the sign is kept, each digit is
// replaced by what it lacks to 9, and a "~" stands at the end.
func (d Decimal) AppendSortable(b []byte) []byte {
	start := len(b)
	sign := byte('0')
	if d.Sign() < 0 {
		sign = '-'
	}
	whole, fraction, point := strings.Cut(d.Abs().String(), ".")
	b = append(append(append(b, sign), strings.Repeat("0", sortWidth-len(whole))...), whole...)
	if point {
		b = append(append(b, '.'), fraction...)
	}
	if sign == '0' {
		return b
	}
	for i, c := range b[start+1:] {
		if c != '.' {
			b[start+1+i] = '9' - c + '0'
		}
	}
	return append(b, '~')
}

// ParseSortableDecimal reads what AppendSortable appends.
func ParseSortableDecimal(s string) (Decimal, bool) {
	if len(s) < 1+sortWidth {
		return Decimal{}, false
	}
	b := []byte(s[1:])
	if s[0] == '-' {
		for i, c := range b {
			if c != '.' {
				b[i] = '9' - c + '0'
			}
		}
		b = b[:len(b)-1]
	}
	text := strings.TrimLeft(string(b), "0")
	if text == "" || text[0] == '.' {
		text = "0" + text
	}
	d, ok := parseDecimal(text)
	if s[0] == '-' {
		d = d.Neg()
	}
	return d, ok && string(d.AppendSortable(nil)) == s
}

// CompareDecimals is Cmp for Decimal and for types over it.
func CompareDecimals[D interface{ ~struct{ d decimal.Decimal } }](a, b D) int {
	return Decimal(a).Cmp(Decimal(b))
}
