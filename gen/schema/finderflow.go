package schema

import (
	"regexp"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// flowReader reads [ ] and { } for a finder.
type flowReader struct {
	*finder
	col     int
	opened  []bracket
	comment *diag.Span // the first comment within, which may have cut something
	// last is what was read last: an opening bracket, a comma, a colon, or v for a value; before is what was read
	// before that, and start the column of the last text.
	last, before rune
	start        int
}

// bracket is an opening bracket and its place.
type bracket struct {
	sign     rune
	row, col int
}

// flow reads from an opening bracket on to the column behind the closing one.
func (f *finder) flow(col int) (int, bool) {
	r := flowReader{finder: f, col: col}
	for f.found == nil {
		if r.step(); len(r.opened) == 0 {
			break
		}
	}
	return r.col, f.found == nil
}

// step reads one token.
func (r *flowReader) step() {
	r.col = r.skipBlanks(r.col)
	switch c := r.at(r.col); {
	case r.ends(r.col):
		r.nextRow()
	case c == '[' || c == '{':
		if r.last == 'v' {
			r.fail(diag.Syntax, r.row, r.col, 1, "write a comma before it", "two values stand side by side")
		}
		r.opened = append(r.opened, bracket{c, r.row, r.col})
		r.last = c
		r.col++
	case c == ']' || c == '}':
		r.closing(c)
	case c == ',':
		if r.last != 'v' && r.last != ':' {
			r.fail(diag.Syntax, r.row, r.col, 1, "", "nothing stands before this comma")
		}
		r.last = c
		r.col++
	case c == ':':
		if r.last == 'v' && r.before == ':' {
			r.mustQuote(r.start, r.rawEnd(r.start)-r.start, "a text that holds `: ` is a key with a value to YAML")
		}
		r.last = c
		r.col++
	default:
		r.scalar(c)
	}
}

// aKey is a line that can only be an entry of a block mapping.
var aKey = regexp.MustCompile(`^ *[A-Za-z][A-Za-z0-9]*:( |$)`)

// nextRow goes on to the next line, unless the brackets were probably forgotten to be closed.
func (r *flowReader) nextRow() {
	if r.at(r.col) == '#' && r.comment == nil {
		rest := r.text(r.col, len(r.lines[r.row]))
		if strings.ContainsAny(rest, "]}") {
			r.comment = &diag.Span{Pos: diag.Pos{Line: r.row + 1, Col: r.col + 1}, Len: runes(rest)}
		}
	}
	first, top := r.opened[0], r.opened[len(r.opened)-1]
	r.row++
	r.col = 0
	if r.row < len(r.lines) {
		deeper := r.indent(r.row) > r.indent(first.row)
		if !aKey.MatchString(string(r.lines[r.row])) || r.last == ',' && deeper {
			return
		}
	}
	if r.comment != nil {
		r.found = &diag.Diagnostic{
			Code: diag.CutByComment, At: *r.comment, Hint: "quote the whole value",
			Message: "to YAML, ` #` starts a comment: the closing bracket is lost",
		}
		return
	}
	r.fail(diag.NeverClosed, top.row, top.col, 1, "", "this `%c` is never closed", top.sign)
}

// indent returns the number of blanks that a row starts with.
func (r *flowReader) indent(row int) int {
	n := 0
	for n < len(r.lines[row]) && r.lines[row][n] == ' ' {
		n++
	}
	return n
}

func (r *flowReader) closing(c rune) {
	top := r.opened[len(r.opened)-1]
	if (top.sign == '[') != (c == ']') {
		r.fail(diag.NeverClosed, top.row, top.col, 1, "",
			"this `%c` is closed by a `%c`, at %d:%d", top.sign, c, r.row+1, r.col+1)
		return
	}
	r.opened = r.opened[:len(r.opened)-1]
	r.before, r.last, r.start = 0, 'v', top.col
	r.col++
	if next := r.at(r.col); len(r.opened) > 0 && next != 0 && !strings.ContainsRune(" \t,]}:#", next) && top.row == r.row {
		r.misspelt(top.col, r.rawEnd(top.col)-top.col)
	}
}

// scalar reads a text.
func (r *flowReader) scalar(c rune) {
	start := r.col
	if r.last == 'v' {
		r.fail(diag.Syntax, r.row, start, r.rawEnd(start)-start, "write a comma before it",
			"two values stand side by side")
		return
	}
	r.before, r.last, r.start = r.last, 'v', start
	switch {
	case c == '"' || c == '\'':
		r.col, _ = r.quoted(r.col)
		return
	case c == '@' || c == '`' || c == '%':
		r.mustQuote(start, r.rawEnd(start)-start, "a value can't start with `%c` in YAML", c)
		return
	case c == '*' || c == '&' || c == '!':
		r.col = r.plainEnd(start)
		if !r.alias(start, r.col) && c != '*' {
			r.last = ':' // the value may follow
		}
		return
	}
	r.col = r.plainEnd(start)
	if stop := r.at(r.col); stop == '[' || stop == '{' || stop == '?' {
		r.misspelt(start, r.rawEnd(start)-start)
	}
}

// plainEnd returns the column behind an unquoted text.
func (r *flowReader) plainEnd(col int) int {
	for ; !r.ends(col); col++ {
		c, next := r.at(col), r.at(col+1)
		if strings.ContainsRune(",[]{}?", c) || c == ':' && (next == 0 || strings.ContainsRune(" ,[]{}", next)) {
			break
		}
	}
	return col
}

// rawEnd returns the column behind what a person takes for one text: up to a comma, a space or a closing bracket that
// was not opened in it.
func (r *flowReader) rawEnd(col int) int {
	depth := 0
	for ; !r.ends(col); col++ {
		switch c := r.at(col); {
		case strings.ContainsRune("[{(", c):
			depth++
		case strings.ContainsRune("]})", c) && depth == 0:
			return col
		case strings.ContainsRune("]})", c):
			depth--
		case c == ',' && depth == 0:
			return col
		}
	}
	return col
}

// escapes are the characters that may follow a backslash in double quotes.
const escapes = "0abtnvfre \"/\\N_LPxuU\t"

// quoted reads a quoted text, which may take several lines, to the column behind its end.
func (f *finder) quoted(col int) (int, bool) {
	quote, row, start := f.at(col), f.row, col
	for col++; ; col++ {
		switch c := f.at(col); {
		case c == 0:
			if f.row++; f.row >= len(f.lines) {
				f.fail(diag.NeverClosed, row, start, len(f.lines[row])-start, "", "this quote is never closed")
				return 0, false
			}
			col = -1
		case c == '\\' && quote == '"':
			if next := f.at(col + 1); next != 0 && !strings.ContainsRune(escapes, next) {
				f.fail(diag.BadEscape, f.row, col, 2, "use single quotes, where a backslash is just a backslash",
					"`\\%c` is no escape in double quotes", next)
				return 0, false
			}
			col++
		case c == quote && quote == '\'' && f.at(col+1) == quote:
			col++
		case c == quote:
			return col + 1, true
		}
	}
}
