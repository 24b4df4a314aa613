package schema

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// span returns the piece of its first line that a node takes.
func (p *parser) span(n *yaml.Node) diag.Span {
	at := diag.Span{Pos: diag.Pos{Line: n.Line, Col: n.Column}, Len: 1}
	rest := p.rest(at.Pos)
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "", n.Style&yaml.TaggedStyle != 0:
		at.Len = runes(firstWord(rest))
	case n.Kind == yaml.ScalarNode:
		at.Len = runes(scalarText(n, rest))
	case n.Style&yaml.FlowStyle != 0:
		at.Len = p.flowLength(n, at)
	case len(n.Content) > 0 && n.Kind == yaml.MappingNode:
		return p.span(n.Content[0])
	}
	at.Len = max(1, at.Len)
	return at
}

// rest returns what stands at a place and behind it on its line.
func (p *parser) rest(at diag.Pos) string {
	if at.Line < 1 || at.Line > len(p.lines) {
		return ""
	}
	line, offsets := p.lines[at.Line-1], p.lineOffsets(at.Line)
	switch {
	case offsets == nil:
		return line[min(at.Col-1, len(line)):]
	case at.Col > len(offsets):
		return ""
	}
	return line[offsets[at.Col-1]:]
}

// lineOffsets returns the byte offset of each character of a line, nil if they are bytes.
func (p *parser) lineOffsets(number int) []int {
	offsets, known := p.offsets[number]
	if !known {
		line := p.lines[number-1]
		for i := range line {
			offsets = append(offsets, i)
		}
		if len(offsets) == len(line) {
			offsets = nil
		}
		p.offsets[number] = offsets
	}
	return offsets
}

func runes(s string) int { return utf8.RuneCountInString(s) }

func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t,]}"); i >= 0 {
		return s[:i]
	}
	return s
}

// scalarText returns the part of a line that a scalar takes, which starts there.
func scalarText(n *yaml.Node, rest string) string {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return quoted(rest, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return quoted(rest, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && strings.HasPrefix(rest, n.Value):
		return n.Value
	}
	return strings.TrimRight(rest, " \t")
}

// quoted returns the quoted text that a line starts with, quotes included, or all of the line if it does not end there.
func quoted(rest string, quote byte) string {
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && quote == '"':
			i++
		case rest[i] == quote && quote == '\'' && strings.HasPrefix(rest[i+1:], "'"):
			i++
		case rest[i] == quote:
			return rest[:i+1]
		}
	}
	return rest
}

// flowLength returns the length of a flow mapping or list up to its closing bracket, 1 if that is on another line.
func (p *parser) flowLength(n *yaml.Node, at diag.Span) int {
	end := at.Col + 1
	if len(n.Content) > 0 {
		last := p.span(n.Content[len(n.Content)-1])
		if last.Line != at.Line {
			return 1
		}
		end = max(end, last.Col)
		if n.Content[len(n.Content)-1].Value != "" || last.Len > 1 {
			end = last.Col + last.Len
		}
	}
	gap := strings.IndexAny(p.rest(diag.Pos{Line: at.Line, Col: end}), "]}")
	if gap < 0 {
		return 1
	}
	return end - at.Col + gap + 1
}

// within returns the span of a part of a scalar, given by byte offsets into its value; the whole scalar's, where the
// value does not stand in the file letter by letter.
func within(whole diag.Span, value string, from, to int) diag.Span {
	lead := 0
	switch runes(value) {
	case whole.Len:
	case whole.Len - 2: // quoted, without escapes
		lead = 1
	default:
		return whole
	}
	return diag.Span{
		Pos: diag.Pos{Line: whole.Line, Col: whole.Col + lead + runes(value[:from])},
		Len: max(1, runes(value[from:to])),
	}
}

// comment returns the comment that stands directly above a place, on lines of their own and as far indented: it
// documents what stands there.
func (p *parser) comment(at diag.Pos) string {
	line := p.lines[at.Line-1]
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if len(indent) != at.Col-1 {
		return ""
	}
	first := at.Line - 1
	for first > 0 && strings.HasPrefix(p.lines[first-1], indent+"#") {
		first--
	}
	var text []string
	for _, line := range p.lines[first : at.Line-1] {
		line = strings.TrimLeft(line[len(indent):], "#")
		text = append(text, strings.TrimRight(strings.TrimPrefix(line, " "), " \t"))
	}
	return strings.TrimSpace(strings.Join(text, "\n"))
}
