package contract

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// alike matches the patterns that mean the same to Go and to JavaScript in its Unicode mode, letter by letter: those
// without what one of them lacks, or reads otherwise, such as a dot, \s, or a hyphen behind \w.
var alike = func() *regexp.Regexp {
	const (
		anchor   = `[\^$]|\\[bB]|\(\?:|[(|]`
		escaped  = `\\[.*+?()\[\]{}|^$\\/]`
		char     = `[A-Za-z0-9 _@:;,=<>!~#%&'"/]`
		inClass  = `(?:[A-Za-z0-9 _@:;,=<>!~#%&'"/.*+?()|${}]|` + escaped + `)`
		class    = `\[\^?-?(?:` + inClass + `-` + inClass + `|` + inClass + `|\\[dDwW])+-?\]`
		atom     = char + `|-|\)|\\[dDwW]|\\[pP]\{[A-Z][a-z]?\}|` + escaped + `|` + class
		repeated = `(?:(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)?`
	)
	return regexp.MustCompile(`^(?:` + anchor + `|(?:` + atom + `)` + repeated + `)*$`)
}()

// ecmaPattern translates a pattern of package regexp into one that JavaScript reads alike, in the part of the language
// that both have. It reports false where there is none: JavaScript has no anchors at lines that other validators have.
func ecmaPattern(pattern string) (string, bool) {
	if alike.MatchString(pattern) {
		return pattern, true
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false // which a valid model has none of
	}
	w := patternWriter{said: true}
	w.write(re)
	return w.String(), w.said
}

type patternWriter struct {
	strings.Builder
	said bool
}

func (w *patternWriter) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		w.literal(re)
	case syntax.OpCharClass:
		w.class(re.Rune)
	case syntax.OpConcat:
		w.each(re.Sub, "")
	case syntax.OpAlternate:
		w.WriteString("(?:")
		w.each(re.Sub, "|")
		w.WriteString(")")
	case syntax.OpCapture:
		w.atom(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		w.repeat(re)
	default:
		text, said := simple[re.Op]
		w.WriteString(text)
		w.said = w.said && said
	}
}

// simple are the parts of patterns that have one spelling.
var simple = map[syntax.Op]string{
	syntax.OpNoMatch: `[^\s\S]`, syntax.OpEmptyMatch: `(?:)`, syntax.OpAnyChar: `[\s\S]`, syntax.OpAnyCharNotNL: `[^\n]`,
	syntax.OpBeginText: `^`, syntax.OpEndText: `$`, syntax.OpWordBoundary: `\b`, syntax.OpNoWordBoundary: `\B`,
}

func (w *patternWriter) each(list []*syntax.Regexp, between string) {
	for i, sub := range list {
		if i > 0 {
			w.WriteString(between)
		}
		w.write(sub)
	}
}

// atom writes a part so that what follows applies to all of it.
func (w *patternWriter) atom(re *syntax.Regexp) {
	switch {
	case re.Op == syntax.OpCharClass, re.Op == syntax.OpLiteral && len(re.Rune) == 1, re.Op == syntax.OpAlternate:
		w.write(re)
	default:
		w.WriteString("(?:")
		w.write(re)
		w.WriteString(")")
	}
}

func (w *patternWriter) repeat(re *syntax.Regexp) {
	w.atom(re.Sub[0])
	switch {
	case re.Op == syntax.OpStar:
		w.WriteString("*")
	case re.Op == syntax.OpPlus:
		w.WriteString("+")
	case re.Op == syntax.OpQuest:
		w.WriteString("?")
	case re.Max < 0:
		fmt.Fprintf(w, "{%d,}", re.Min)
	case re.Max == re.Min:
		fmt.Fprintf(w, "{%d}", re.Min)
	default:
		fmt.Fprintf(w, "{%d,%d}", re.Min, re.Max)
	}
	if re.Flags&syntax.NonGreedy != 0 {
		w.WriteString("?")
	}
}

// literal writes characters. Where case does not matter, each stands for all that fold to it.
func (w *patternWriter) literal(re *syntax.Regexp) {
	for _, c := range re.Rune {
		if re.Flags&syntax.FoldCase == 0 || unicode.SimpleFold(c) == c {
			w.WriteString(spelled(c))
			continue
		}
		w.WriteString("[" + spelled(c))
		for o := unicode.SimpleFold(c); o != c; o = unicode.SimpleFold(o) {
			w.WriteString(spelled(o))
		}
		w.WriteString("]")
	}
}

// class writes pairs of first and last characters. Half a surrogate pair is no character, which ends of ranges can be.
func (w *patternWriter) class(pairs []rune) {
	w.WriteString("[")
	switch n := len(pairs); {
	case n == 2 && pairs[0] == 0 && pairs[1] == unicode.MaxRune:
		w.WriteString(`\s\S]`)
		return
	case n > 0 && pairs[0] == 0 && pairs[n-1] == unicode.MaxRune:
		w.WriteString("^")
		pairs = gaps(pairs)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		low, high := pairs[i], pairs[i+1]
		if low >= surrogates && low < surrogatesEnd {
			low = surrogatesEnd
		}
		if high >= surrogates && high < surrogatesEnd {
			high = surrogates - 1
		}
		switch {
		case low > high:
		case low == high:
			w.WriteString(spelled(low))
		default:
			w.WriteString(spelled(low) + "-" + spelled(high))
		}
	}
	w.WriteString("]")
}

// Where the halves of surrogate pairs stand among the characters.
const surrogates, surrogatesEnd = 0xd800, 0xe000

// gaps are the characters between ranges that reach from the first character to the last.
func gaps(pairs []rune) []rune {
	var out []rune
	for i := 1; i+1 < len(pairs); i += 2 {
		out = append(out, pairs[i]+1, pairs[i+1]-1)
	}
	return out
}

// spelled is a character that stands for itself, within brackets and outside of them.
func spelled(c rune) string {
	switch {
	case strings.ContainsRune(`^$\.*+?()[]{}|/`, c):
		return `\` + string(c)
	case c < ' ' || c == '-' || c == 0x7f:
		return fmt.Sprintf(`\x%02x`, c)
	}
	return string(c)
}
