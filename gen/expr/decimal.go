package expr

import (
	"regexp"
	"strings"
)

// maxDecimalDigits is the number of digits of a decimal, those behind the point included, and of those behind it.
const maxDecimalDigits = 19

var decimalForm = regexp.MustCompile(`^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$`)

// DecimalLiteral returns a decimal in its one form: without zeros at the end of what stands behind the point.
func DecimalLiteral(s string) (string, bool) {
	m := decimalForm.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	sign, whole, fraction := m[1], m[2], strings.TrimRight(m[3], "0")
	if len(strings.TrimLeft(whole+fraction, "0")) > maxDecimalDigits || len(fraction) > maxDecimalDigits {
		return "", false
	}
	switch {
	case fraction != "":
		return sign + whole + "." + fraction, true
	case whole == "0":
		return "0", true
	}
	return sign + whole, true
}
