package cqrstest

import (
	"reflect"
	"regexp"
	"regexp/syntax"
	"strings"
)

// rule says how the values of a type are drawn.
type rule struct {
	of   reflect.Type
	draw func(*drawing, reflect.Value)
}

// Matching stands among the values of a History, or of Replay, for the texts of a type that a pattern matches. It
// panics where the pattern is none.
func Matching[T ~string](pattern string) any {
	matches := regexp.MustCompile(pattern)
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic("cqrstest: " + err.Error())
	}
	parsed = parsed.Simplify()
	return rule{reflect.TypeFor[T](), func(d *drawing, v reflect.Value) {
		for range mostEncodings {
			var b strings.Builder
			d.match(&b, parsed)
			if v.SetString(b.String()); matches.MatchString(b.String()) {
				return
			}
		}
	}}
}

// Between stands among the values of a History, or of Replay, for the numbers of a type from low to high.
func Between[T ~int | ~int32 | ~int64 | ~uint32 | ~uint64](low, high T) any {
	return rule{reflect.TypeFor[T](), func(d *drawing, v reflect.Value) {
		n := low + T(d.Uint64N(min(uint64(high-low), mostNumbers)+1))
		v.Set(reflect.ValueOf(n))
	}}
}

// How many numbers a type has at most, and how often what a pattern repeats is repeated beyond what it must be: keys
// are to meet.
const (
	mostNumbers = 11
	mostRepeats = 2
)

// match writes a text that a pattern matches, as far as that is known without looking at what stands around it.
func (d *drawing) match(b *strings.Builder, p *syntax.Regexp) {
	switch p.Op {
	case syntax.OpLiteral:
		b.WriteString(string(p.Rune))
	case syntax.OpCharClass:
		if len(p.Rune) > 0 { // else it excludes all there are
			b.WriteRune(d.runeOf(p.Rune))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteRune('a' + rune(d.IntN(8)))
	case syntax.OpAlternate:
		d.match(b, p.Sub[d.IntN(len(p.Sub))])
	case syntax.OpStar:
		d.repeat(b, p.Sub[0], 0, mostRepeats)
	case syntax.OpPlus:
		d.repeat(b, p.Sub[0], 1, 1+mostRepeats)
	case syntax.OpQuest:
		d.repeat(b, p.Sub[0], 0, 1)
	default: // a concatenation, a group, or what matches no character
		for _, sub := range p.Sub {
			d.match(b, sub)
		}
	}
}

func (d *drawing) repeat(b *strings.Builder, p *syntax.Regexp, least, most int) {
	for range least + d.IntN(most-least+1) {
		d.match(b, p)
	}
}

// runeOf draws one of a class, which is given as pairs of its first and last runes: one of the first that are printed.
func (d *drawing) runeOf(pairs []rune) rune {
	i := d.IntN(len(pairs)/2) * 2
	low, high := pairs[i], pairs[i+1]
	if low < 'a' && high > 'h' { // a class of what is not excluded
		low = 'a'
	}
	return low + rune(d.IntN(int(min(high-low, 7))+1))
}
