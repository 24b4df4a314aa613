package schema

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// mostHidden bounds the hidden characters that are reported one by one.
const mostHidden = 20

// checkText returns the file's text with line ends made "\n" and without a byte order mark. It refuses what no editor
// shows or what YAML would take for something else: characters that hide, other line ends, bytes that are no text.
func (p *parser) checkText(src []byte) (string, bool) {
	if len(src) > MaxSize {
		p.errorf(diag.TooLarge, p.start(), "split the context: it is larger than any team keeps in mind",
			"the file has %d bytes; at most %d are read", len(src), MaxSize)
		return "", false
	}
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	text := strings.ReplaceAll(string(src), "\r\n", "\n")
	before := p.faults
	for i, line := range strings.Split(text, "\n") {
		p.checkLine(line, p.before+i+1)
		if p.faults-before >= mostHidden {
			break
		}
	}
	return text, p.faults == before
}

// checkLine reports the first byte that is not UTF-8 and every hidden character of a line.
func (p *parser) checkLine(line string, number int) {
	col := 0
	for i, r := range line {
		col++
		at := diag.Span{Pos: diag.Pos{Line: number, Col: col}, Len: 1}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(line[i:]); size == 1 {
				p.errorf(diag.NotUTF8, at, "save the file as UTF-8", "the byte 0x%02x is not UTF-8", line[i])
				return
			}
		}
		if r != '\t' && diag.Hidden(r) {
			p.errorf(diag.HiddenCharacter, at, "delete it", "the character %U can't be seen, and so may not be used", r)
		}
	}
}
