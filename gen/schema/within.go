package schema

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// rawText is a scalar as the file has it: quoted, folded, or on several lines.
type rawText struct {
	// lines are those of the file, from the one on which the scalar starts. The scalar starts at col, which counts from 0.
	lines []string
	line  int
	col   int
	style yaml.Style
}

// raw returns the raw text of a scalar whose value does not stand in the file letter by letter, and else nil.
func (p *parser) raw(n *yaml.Node) *rawText {
	if n.Line < 1 || n.Line > len(p.lines) {
		return nil
	}
	const marked = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&marked == 0 && strings.HasPrefix(p.rest(diag.Pos{Line: n.Line, Col: n.Column}), n.Value) {
		return nil
	}
	return &rawText{lines: p.lines[n.Line-1:], line: n.Line, col: n.Column - 1, style: n.Style & marked}
}

// Within returns the place of a part of a text, given by byte offsets into its value. A part that goes over several
// lines is cut at the end of its first one.
func (t Text) Within(from, to int) diag.Span {
	if from < 0 || to > len(t.Value) || from > to {
		return t.At
	}
	if t.raw == nil {
		return diag.Span{
			Pos: diag.Pos{Line: t.At.Line, Col: t.At.Col + runes(t.Value[:from])}, Len: max(1, runes(t.Value[from:to])),
		}
	}
	return t.raw.within(t.Value, from, to)
}

// within follows the value through the raw text, character by character. What is white space in both is folded as YAML
// does it, and what is an escape stands for one character.
func (r *rawText) within(value string, from, to int) diag.Span {
	c := rawCursor{rawText: r, rest: []rune(r.lines[0])}
	c.start()
	at := diag.Span{Pos: c.pos(), Len: 1}
	inSpace, blank := false, true // blank: nothing of the part but white space so far
	for i, v := range value {
		if unicode.IsSpace(v) {
			if !inSpace {
				if i >= from && i < to {
					at = extend(at, c.pos(), i == from)
				}
			}
			c.spaceEscape()
			c.skipSpace()
			inSpace = true
			continue
		}
		inSpace = false
		c.skipSpace()
		pos := c.pos()
		if i >= from && i < to {
			at, blank = extend(at, pos, blank), false
		}
		width := c.advance()
		if i >= from && i < to && pos.Line == at.Line {
			at.Len = pos.Col + width - at.Col
		}
		if i+utf8.RuneLen(v) >= to {
			return at
		}
	}
	return at
}

// extend starts a span, or leaves it.
func extend(at diag.Span, pos diag.Pos, start bool) diag.Span {
	if start {
		return diag.Span{Pos: pos, Len: 1}
	}
	return at
}

// rawCursor walks over a raw text.
type rawCursor struct {
	*rawText
	index int // of the line
	rest  []rune
	next  int // in rest
}

func (c *rawCursor) pos() diag.Pos { return diag.Pos{Line: c.line + c.index, Col: c.next + 1} }

// start goes to the first character of the value: behind a quote, or into the lines behind the sign of a block.
func (c *rawCursor) start() {
	c.next = min(c.col, len(c.rest))
	switch {
	case c.style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		c.next = min(c.next+1, len(c.rest))
	case c.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		c.newLine()
	}
}

func (c *rawCursor) newLine() bool {
	if c.index+1 >= len(c.lines) {
		c.next = len(c.rest)
		return false
	}
	c.index++
	c.rest, c.next = []rune(c.lines[c.index]), 0
	return true
}

// skipSpace goes over white space and the ends of lines.
func (c *rawCursor) skipSpace() {
	for {
		for c.next < len(c.rest) && unicode.IsSpace(c.rest[c.next]) {
			c.next++
		}
		continued := c.style&yaml.DoubleQuotedStyle != 0 && c.next == len(c.rest)-1 && c.rest[c.next] == '\\'
		if c.next < len(c.rest) && !continued || !c.newLine() {
			return
		}
	}
}

// spaceEscape goes over an escape of double quotes that stands for white space.
func (c *rawCursor) spaceEscape() {
	if c.style&yaml.DoubleQuotedStyle != 0 && c.next+1 < len(c.rest) && c.rest[c.next] == '\\' &&
		strings.ContainsRune("ntrvf _", c.rest[c.next+1]) {
		c.next += 2
	}
}

// longEscapes are the lengths of the escapes of double quotes that have another than two.
var longEscapes = map[rune]int{'x': 4, 'u': 6, 'U': 10}

// advance goes over what stands for one character of the value, and returns how much that is.
func (c *rawCursor) advance() int {
	width := 1
	if c.next+1 < len(c.rest) {
		switch r := c.rest[c.next]; {
		case r == '\'' && c.style&yaml.SingleQuotedStyle != 0:
			width = 2
		case r == '\\' && c.style&yaml.DoubleQuotedStyle != 0:
			width = 2
			if n, ok := longEscapes[c.rest[c.next+1]]; ok {
				width = n
			}
		}
	}
	width = max(1, min(width, len(c.rest)-c.next))
	c.next = min(c.next+width, len(c.rest))
	return width
}
