package schema

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// yamlPlace is how yaml.v3 starts its messages. The line is that of whatever encloses the mistake, often one off, and
// there is no column: both are found here.
var yamlPlace = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxError reports the one thing for which a text is not YAML, in the model's words. A rough reading of the text
// finds the usual mistakes; what it does not find is reported where the YAML parser gave up.
func (p *parser) syntaxError(text string, err error) {
	message := yamlPlace.ReplaceAllString(err.Error(), "")
	read := p.readTo(text)
	f := finder{
		aliases: strings.Contains(message, "unknown anchor") || strings.Contains(message, "alphabetic"),
		last:    strings.Count(read, "\n"),
	}
	for _, line := range p.lines {
		f.lines = append(f.lines, []rune(line))
	}
	if d := f.find(); d != nil {
		p.report(*d)
		return
	}
	stop := p.stop(read)
	if strings.Contains(message, "max depth") {
		p.errorf(diag.TooDeep, stop, "", "this is nested more than %d levels deep", MaxDepth)
		return
	}
	p.errorf(diag.Syntax, stop, "", "the file is not YAML from about here on: %s", message)
}

// readTo returns what the YAML parser reads of a text before it gives up. It says in no other way where that is.
func (p *parser) readTo(text string) string {
	r := &byteReader{text: text}
	_, _, _ = decode(r)
	return text[:r.read]
}

// stop returns the line that the YAML parser read last.
func (p *parser) stop(read string) diag.Span {
	line := strings.Count(strings.TrimRight(read, " \t\n"), "\n")
	content := strings.TrimLeft(p.lines[line], " \t")
	return diag.Span{
		Pos: diag.Pos{Line: line + 1, Col: 1 + runes(p.lines[line]) - runes(content)},
		Len: max(1, runes(content)),
	}
}

// byteReader hands out a text byte by byte, so that it knows how much of it was asked for.
type byteReader struct {
	text string
	read int
}

func (r *byteReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, errors.New("no room to read into")
	}
	if r.read == len(r.text) {
		return 0, io.EOF
	}
	b[0] = r.text[r.read]
	r.read++
	return 1, nil
}
