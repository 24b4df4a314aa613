package postgres

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// A numeric is sent as the number of its digits, which are of base 10,000, the weight of the first one, the sign, and the
// number of decimal digits behind the point that are shown.
const (
	numericHeader   = 8
	numericNegative = 0x4000
	numericBase     = 10_000
	baseDigits      = 4
)

func appendNumeric(b []byte, digits []uint16, weight int, negative bool, scale int) []byte {
	for len(digits) > 0 && digits[0] == 0 {
		digits = digits[1:]
		weight--
	}
	for len(digits) > 0 && digits[len(digits)-1] == 0 {
		digits = digits[:len(digits)-1]
	}
	if len(digits) == 0 {
		weight = 0
	}
	sign := uint16(0)
	if negative {
		sign = numericNegative
	}
	for _, field := range [numericHeader / 2]uint16{uint16(len(digits)), uint16(int16(weight)), sign, uint16(scale)} {
		b = binary.BigEndian.AppendUint16(b, field)
	}
	for _, d := range digits {
		b = binary.BigEndian.AppendUint16(b, d)
	}
	return b
}

func appendUint64(b []byte, u uint64) []byte {
	var digits [5]uint16
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = uint16(u % numericBase)
		u /= numericBase
	}
	return appendNumeric(b, digits[:], len(digits)-1, false, 0)
}

// wholeDigits is the number of digits before the point in the text that a Decimal sorts by.
const wholeDigits = cqrs.MaxDecimalDigits

// appendDecimal appends the number of a Decimal's Text: a sign, 19 digits and, behind a point, its fraction; those of a
// negative number are what is lacking to 9, with a ~ at the end.
func appendDecimal(b []byte, text string) []byte {
	negative := text[0] == '-'
	whole, fraction, _ := strings.Cut(strings.TrimSuffix(text[1:], "~"), ".")
	// One zero more makes five digits of the base, and so do the missing ones behind a fraction of up to 19.
	var digits [10]uint16
	place := func(i int, c byte) {
		d := uint16(c - '0')
		if negative {
			d = 9 - d
		}
		digits[i/baseDigits] += d * powers[i%baseDigits]
	}
	for i := range len(whole) {
		place(i+1, whole[i])
	}
	for i := range len(fraction) {
		place(wholeDigits+1+i, fraction[i])
	}
	return appendNumeric(b, digits[:], (wholeDigits+1)/baseDigits-1, negative, len(fraction))
}

var powers = [baseDigits]uint16{1000, 100, 10, 1}

// decodeNumber reads a numeric. It reports false for one that the kind can't hold, NaN and infinities among them.
func decodeNumber(b []byte, kind readmodel.Kind) (readmodel.Value, bool) {
	text, ok := numericText(b)
	if !ok {
		return readmodel.Value{}, false
	}
	if kind == readmodel.Uint64 {
		u, err := strconv.ParseUint(text, 10, 64)
		return readmodel.OfUint64(u), err == nil
	}
	d, err := cqrs.ParseDecimal(text)
	return readmodel.OfDecimal(d), err == nil
}

// maxGroups is more digits of the base than any value of a read model has, before the point or behind it.
const maxGroups = 8

// numericText returns the number's digits, with a point if there are any behind it.
func numericText(b []byte) (string, bool) {
	if len(b) < numericHeader {
		return "", false
	}
	n := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:])))
	sign := binary.BigEndian.Uint16(b[4:])
	digits := b[numericHeader:]
	if sign != 0 && sign != numericNegative || len(digits) != 2*n || weight >= maxGroups || n-weight > 2*maxGroups {
		return "", false
	}
	group := func(i int) int { // the one of weight -i + weight
		if i < 0 || i >= n {
			return 0
		}
		return int(binary.BigEndian.Uint16(digits[2*i:]))
	}
	var whole, fraction strings.Builder
	for w := max(weight, 0); w >= 0; w-- {
		whole.WriteString(pad(group(weight - w)))
	}
	for w := -1; weight-w < n; w-- {
		fraction.WriteString(pad(group(weight - w)))
	}
	text := strings.TrimLeft(whole.String(), "0")
	if text == "" {
		text = "0"
	}
	if f := strings.TrimRight(fraction.String(), "0"); f != "" {
		text += "." + f
	}
	if sign == numericNegative {
		text = "-" + text
	}
	return text, true
}

// pad returns a digit of the base as four decimal ones.
func pad(group int) string {
	s := strconv.Itoa(group)
	return "000"[:max(0, baseDigits-len(s))] + s
}
