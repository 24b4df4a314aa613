package emit

import (
	"bytes"
	"go/parser"
	"go/printer"
	"go/token"
)

// likeGofmt is how go/format prints, with its mode for numbers, which has no name. The imports are sorted already, so
// that parsing once is enough.
var likeGofmt = printer.Config{Mode: printer.UseSpaces | printer.TabIndent | 1<<30, Tabwidth: 8}

// pieceSize is about how many bytes are formatted at once. What go/parser and go/printer take of memory, and of time
// for each line, grows with the size of a file.
const pieceSize = 4 << 10

// formatted passes what was emitted through the gate and formats it, a few declarations at a time.
func formatted(name string, src []byte, imports map[string]string) ([]byte, error) {
	out := make([]byte, 0, len(src)+len(src)/4)
	const clause = "package p\n\n"
	var b bytes.Buffer
	for i, piece := range pieces(src) {
		b.Reset()
		if i > 0 {
			piece = append([]byte(clause), piece...)
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, name, piece, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if err := gate(name, f, imports); err != nil {
			return nil, err
		}
		if err := likeGofmt.Fprint(&b, files, f); err != nil {
			return nil, err
		}
		text := b.Bytes()
		if i > 0 {
			text = text[len(clause)-1:] // with the empty line between the pieces
		}
		out = append(out, text...)
	}
	return out, nil
}

// pieces cuts Go at empty lines between declarations, which stay where they are, formatted or not.
func pieces(src []byte) [][]byte {
	var list [][]byte
	start, depth := 0, 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '"', '\'', '`':
			i = closingQuote(src, i)
		case '/':
			if bytes.HasPrefix(src[i:], []byte("//")) {
				i += lineLength(src[i:]) - 1
			} else if end := bytes.Index(src[i:], []byte("*/")); end > 0 && src[i+1] == '*' {
				i += end + 1
			}
		case '\n':
			if depth == 0 && i-start >= pieceSize && i+1 < len(src) && src[i+1] == '\n' {
				list = append(list, src[start:i+1])
				start = i + 2
			}
		}
	}
	return append(list, src[start:])
}

// lineLength returns the length of the line that a text starts with.
func lineLength(src []byte) int {
	if end := bytes.IndexByte(src, '\n'); end >= 0 {
		return end
	}
	return len(src)
}

// closingQuote returns the place of the quote that closes the one at open.
func closingQuote(src []byte, open int) int {
	for i := open + 1; i < len(src); i++ {
		switch {
		case src[i] == '\\' && src[open] != '`':
			i++
		case src[i] == src[open]:
			return i
		}
	}
	return len(src)
}
