package tidy

import (
	"regexp"
	"strings"
)

// lexer reads the tokens of YAML's text in its order. Where lines start is up to the caller.
type lexer struct {
	text string
	at   int
}

// spaces skips blanks and returns how many there were.
func (l *lexer) spaces() int {
	start := l.at
	for l.at < len(l.text) && (l.text[l.at] == ' ' || l.text[l.at] == '\t') {
		l.at++
	}
	return l.at - start
}

func (l *lexer) end() bool { return l.at >= len(l.text) || l.text[l.at] == '\n' }

// has reports whether a token of one character stands here that something blank must follow: - ? :
func (l *lexer) has(c byte) bool {
	return l.at < len(l.text) && l.text[l.at] == c && (l.at+1 == len(l.text) || strings.IndexByte(" \t\n", l.text[l.at+1]) >= 0)
}

// line takes the rest of the line.
func (l *lexer) line() string {
	start := l.at
	for !l.end() {
		l.at++
	}
	return l.text[start:l.at]
}

// quoted takes a quoted text, which may go over several lines.
func (l *lexer) quoted() (string, error) {
	start, quote := l.at, l.text[l.at]
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\\' && quote == '"':
			l.at++
		case c != quote:
		case quote == '\'' && strings.HasPrefix(l.text[l.at+1:], "'"):
			l.at++
		default:
			l.at++
			return l.text[start:l.at], nil
		}
	}
	return "", ErrUnsupported
}

// plain takes a text without quotes up to the end of its line, a comment, a colon, or, within brackets, what else ends
// it there.
func (l *lexer) plain(flow bool) string {
	start, end := l.at, l.at
	for ; !l.end(); l.at++ {
		switch c := l.text[l.at]; {
		case c == ' ' || c == '\t':
			continue
		case c == '#' && l.at > start && l.at > end:
			l.at = end
			return l.text[start:end]
		case l.has(':'), flow && strings.IndexByte(",[]{}", c) >= 0:
			l.at = end
			return l.text[start:end]
		}
		end = l.at + 1
	}
	l.at = end
	return l.text[start:end]
}

// scalar takes a text, quoted or not.
func (l *lexer) scalar(flow bool) (string, error) {
	if !l.end() && (l.text[l.at] == '"' || l.text[l.at] == '\'') {
		s, err := l.quoted()
		return unquoted(s), err
	}
	return l.plain(flow), nil
}

// simple is what needs no quotes wherever it stands.
var simple = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*( [A-Za-z0-9_.-]+)*$`)

// words are those that YAML, of whichever version, takes for something else than a text.
var words = map[string]bool{
	"null": true, "true": true, "false": true, "y": true, "n": true, "yes": true, "no": true, "on": true, "off": true,
}

// unquoted leaves out the quotes of a text that needs none.
func unquoted(s string) string {
	if len(s) < 2 {
		return s
	}
	inner := s[1 : len(s)-1]
	if !simple.MatchString(inner) || words[strings.ToLower(inner)] || strings.HasSuffix(inner, "-") {
		return s
	}
	return inner
}
