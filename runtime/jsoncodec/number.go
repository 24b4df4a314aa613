package jsoncodec

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Int reads a whole number.
func (r *Reader) Int() int { return int(r.signed(math.MinInt, math.MaxInt)) }

// Int32 reads a whole number.
func (r *Reader) Int32() int32 { return int32(r.signed(math.MinInt32, math.MaxInt32)) }

// Int64 reads a whole number.
func (r *Reader) Int64() int64 { return r.signed(math.MinInt64, math.MaxInt64) }

// Uint32 reads a whole number.
func (r *Reader) Uint32() uint32 { return uint32(r.unsigned(math.MaxUint32)) }

// Uint64 reads a whole number.
func (r *Reader) Uint64() uint64 { return r.unsigned(math.MaxUint64) }

// Duration reads a whole number of nanoseconds.
func (r *Reader) Duration() time.Duration { return time.Duration(r.Int64()) }

func (r *Reader) signed(low, high int64) int64 {
	n, negative, ok := r.whole()
	if ok && !negative && n <= uint64(high) {
		return int64(n)
	}
	if ok && negative && n <= -uint64(low) {
		return int64(-n)
	}
	r.outOfRange(fmt.Sprintf("%d to %d", low, high))
	return 0
}

func (r *Reader) unsigned(high uint64) uint64 {
	n, negative, ok := r.whole()
	if ok && !negative && n <= high {
		return n
	}
	r.outOfRange(fmt.Sprintf("0 to %d", high))
	return 0
}

// outOfRange fails because of the whole number that was just read, if there was one.
func (r *Reader) outOfRange(limits string) {
	if r.fault == nil {
		r.fail(r.last, "must be in the range "+limits+", is "+shorten(string(r.data[r.last:r.pos]), maxShown))
	}
}

// whole reads the magnitude and sign of a whole number. It reports false where the magnitude does not fit, or, with a
// fault, where there is no whole number.
func (r *Reader) whole() (n uint64, negative, ok bool) {
	if c := r.peek(); c == 0 {
		r.expected("a whole number")
		return 0, false, false
	}
	data, i := r.data, r.pos
	r.last = i
	if data[i] == '-' {
		negative = true
		i++
	}
	start := i
	for ; i < len(data); i++ {
		digit := data[i] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + uint64(digit)
	}
	digits := i - start
	if digits == 0 || digits > 1 && data[start] == '0' || i < len(data) && (data[i] == '.' || data[i]|' ' == 'e') {
		r.notWhole()
		return 0, false, false
	}
	r.pos = i
	// Nineteen digits always fit. Of those with twenty, the ones that fit begin with a 1 and did not wrap around.
	fits := digits < 20 || digits == 20 && data[start] == '1' && n >= 1e19
	return n, negative, fits
}

// notWhole fails because the next value is not a whole number.
func (r *Reader) notWhole() {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		r.expected("a whole number")
		return
	}
	at := r.pos
	if text := r.number(); r.fault == nil {
		r.fail(at, "must be a whole number, is "+shorten(string(text), maxShown))
	}
}

// Float64 reads a number.
func (r *Reader) Float64() float64 {
	text := r.number()
	if r.fault != nil {
		return 0
	}
	v, err := strconv.ParseFloat(view(text), 64)
	if err != nil {
		r.fail(r.pos-len(text), "is outside of the range of a float64: "+shorten(string(text), maxShown))
		return 0
	}
	return v
}

// number goes past a number of the JSON grammar and returns its text.
func (r *Reader) number() []byte {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		r.expected("a number")
		return nil
	}
	data, start := r.data, r.pos
	end := numberEnd(data, start)
	if end < 0 {
		r.fail(start, "is not a number of JSON")
		return nil
	}
	r.pos = end
	return data[start:end]
}

// numberEnd returns the end of the number that starts at i, -1 if there is none.
func numberEnd(data []byte, i int) int {
	if data[i] == '-' {
		i++
	}
	whole := digitsEnd(data, i)
	if whole == i || whole > i+1 && data[i] == '0' {
		return -1
	}
	i = whole
	if i < len(data) && data[i] == '.' {
		fraction := digitsEnd(data, i+1)
		if fraction == i+1 {
			return -1
		}
		i = fraction
	}
	if i < len(data) && data[i]|' ' == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		exponent := digitsEnd(data, i)
		if exponent == i {
			return -1
		}
		i = exponent
	}
	return i
}

func digitsEnd(data []byte, i int) int {
	for i < len(data) && data[i] >= '0' && data[i] <= '9' {
		i++
	}
	return i
}
