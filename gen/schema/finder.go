package schema

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// finder reads a text that is not YAML as roughly as is needed to find the usual mistakes, with their exact places:
// indentation, quotes, brackets, and texts that hold what means something to YAML. It stops at the first one.
type finder struct {
	lines [][]rune
	// aliases asks to report those too: yaml.v3 failed for one.
	aliases bool
	// last is the last row that the YAML parser has read: behind it there is nothing to explain.
	last int

	row    int
	levels []level
	// open says that the last key or dash has no value yet, plain that its value is an unquoted text, which may go
	// on in the next line.
	open, plain bool
	found       *diag.Diagnostic
}

// level is a block mapping or list that is being read.
type level struct {
	indent int
	list   bool
}

func (f *finder) find() *diag.Diagnostic {
	f.open = true
	for f.row < len(f.lines) && f.row <= f.last && f.found == nil {
		f.line()
	}
	return f.found
}

// fail keeps the first mistake. col counts from 0.
func (f *finder) fail(code string, row, col, length int, hint, format string, args ...any) {
	if f.found == nil {
		f.found = &diag.Diagnostic{
			Code: code, At: diag.Span{Pos: diag.Pos{Line: row + 1, Col: col + 1}, Len: max(1, length)},
			Message: fmt.Sprintf(format, args...), Hint: hint,
		}
	}
}

// at returns the character at a column of the current row, 0 behind its end.
func (f *finder) at(col int) rune {
	if f.row < len(f.lines) && col < len(f.lines[f.row]) {
		return f.lines[f.row][col]
	}
	return 0
}

// text returns a piece of the current row.
func (f *finder) text(from, to int) string { return string(f.lines[f.row][from:to]) }

func (f *finder) skipBlanks(col int) int {
	for f.at(col) == ' ' || f.at(col) == '\t' {
		col++
	}
	return col
}

// ends reports whether nothing but a comment follows.
func (f *finder) ends(col int) bool {
	return f.at(col) == 0 || f.at(col) == '#' && (col == 0 || unicode.IsSpace(f.at(col-1)))
}

// line reads one line of block YAML, and the further ones that its value takes.
func (f *finder) line() {
	col := 0
	for f.at(col) == ' ' {
		col++
	}
	switch {
	case f.ends(f.skipBlanks(col)):
		f.row++
		return
	case f.at(col) == '\t':
		f.fail(diag.Tabulator, f.row, col, 1, "indent with spaces", "a tabulator can't indent YAML")
		return
	case f.at(0) == '%':
		f.fail(diag.Syntax, f.row, 0, len(f.lines[f.row]), "delete the line",
			"YAML directives are not part of the model language")
		return
	case strings.HasPrefix(string(f.lines[f.row]), "---"):
		f.levels, f.open, f.plain = nil, true, false
		f.row++
		return
	}
	f.content(col)
}

// content reads dashes, a key and a value from a column on.
func (f *finder) content(col int) {
	for f.at(col) == '-' && (f.at(col+1) == ' ' || f.at(col+1) == 0) {
		if !f.enter(col, true) {
			return
		}
		f.open, f.plain = true, false
		if col = f.skipBlanks(col + 1); f.ends(col) {
			f.row++
			return
		}
	}
	end := f.key(col)
	switch {
	case end > 0:
		if f.enter(col, false) {
			f.open, f.plain = true, false
			f.value(f.skipBlanks(end))
		}
	case f.open && (len(f.levels) > 0 || strings.ContainsRune("[{\"'", f.at(col))):
		f.value(col)
	case f.plain && len(f.levels) > 0 && col > f.levels[len(f.levels)-1].indent:
		f.row++
	default:
		f.fail(diag.Syntax, f.row, col, len(f.lines[f.row])-col, "write `key: value`",
			"a key with a colon is missing here")
	}
}

// key returns the column behind the colon of the key that starts at a column, 0 if none does.
func (f *finder) key(col int) int {
	switch f.at(col) {
	case '"', '\'':
		rest := f.text(col, len(f.lines[f.row]))
		col += runes(quoted(rest, byte(f.at(col))))
		col = f.skipBlanks(col)
		if f.at(col) == ':' {
			return col + 1
		}
		return 0
	case '[', '{', '|', '>', '@', '`':
		return 0
	}
	for ; !f.ends(col); col++ {
		if f.at(col) == ':' && (f.at(col+1) == ' ' || f.at(col+1) == 0) {
			return col + 1
		}
	}
	return 0
}

// enter goes to the level that an entry's column belongs to, and reports a column that belongs to none.
func (f *finder) enter(col int, list bool) bool {
	left := false
	for len(f.levels) > 0 && f.levels[len(f.levels)-1].indent > col {
		f.levels, left = f.levels[:len(f.levels)-1], true
	}
	n := len(f.levels)
	if n > 1 && !list && f.levels[n-1] == (level{col, true}) && f.levels[n-2] == (level{col, false}) {
		f.levels, n = f.levels[:n-1], n-1 // the key behind a list that is not indented
	}
	length := len(f.lines[f.row]) - col
	switch {
	case n == 0 && !left, n > 0 && f.levels[n-1].indent < col && f.open && !left,
		n > 0 && f.levels[n-1] == (level{col, false}) && list && f.open:
		f.levels = append(f.levels, level{col, list})
		return true
	case n > 0 && f.levels[n-1] == (level{col, list}):
		return true
	case n > 0 && f.levels[n-1].indent == col:
		f.fail(diag.Indentation, f.row, col, length, "", "keys and - entries can't stand in one column")
	case left:
		f.fail(diag.Indentation, f.row, col, length, "indent it like its neighbours",
			"nothing above starts in this column")
	default:
		f.fail(diag.Indentation, f.row, col, length, "indent it like its neighbours",
			"this is indented deeper than the key above it, which already has a value")
	}
	return false
}

var blockHeader = regexp.MustCompile(`^[|>][0-9+-]*\s*(#.*)?$`)

// value reads a value in block YAML.
func (f *finder) value(col int) {
	if f.ends(col) {
		f.row++
		return
	}
	rest := f.text(col, len(f.lines[f.row]))
	f.open, f.plain = false, false
	switch c := f.at(col); c {
	case '|', '>':
		if !blockHeader.MatchString(rest) {
			f.mustQuote(col, len(rest), "a value that starts with `%c` is a block of text to YAML", c)
			return
		}
		f.block()
	case '"', '\'':
		if end, ok := f.quoted(col); ok {
			f.tail(end, "the quoted text ends before this", "within single quotes a quote is written twice: ''")
		}
	case '[', '{':
		from := f.row
		end, ok := f.flow(col)
		switch next := f.at(end); {
		case !ok:
		case f.row != from || next == 0 || strings.ContainsRune(" \t,]}", next):
			f.tail(end, "the bracket is closed, and nothing may follow", "")
		default:
			f.foreign(col, end)
		}
	case '@', '`', '%', ',', ']', '}':
		f.mustQuote(col, runes(rest), "a value can't start with `%c` in YAML", c)
	case '*', '&', '!':
		f.prefixed(col)
	default:
		f.plainValue(col)
	}
}

func (f *finder) mustQuote(col, length int, format string, args ...any) {
	f.fail(diag.MustQuote, f.row, col, length, "quote it", format, args...)
}

// block skips a block of text: all that is indented deeper than its key, and as deep as its first line.
func (f *finder) block() {
	outer, inner := -1, 0
	if len(f.levels) > 0 {
		outer = f.levels[len(f.levels)-1].indent
	}
	for f.row++; f.row < len(f.lines); f.row++ {
		col := f.skipBlanks(0)
		switch {
		case f.at(col) == 0:
		case col <= outer:
			return
		case inner == 0:
			inner = col
		case col < inner && f.at(col) != '#':
			f.fail(diag.Indentation, f.row, col, len(f.lines[f.row])-col, "indent it like the first line",
				"this is indented less than the block of text that it belongs to")
			return
		}
	}
}

// prefixed reads what follows an anchor or a tag.
func (f *finder) prefixed(col int) {
	end := col
	for !f.ends(end) && !unicode.IsSpace(f.at(end)) {
		end++
	}
	if f.alias(col, end) {
		return
	}
	f.open = true
	if f.at(col) == '*' {
		f.open = false
	}
	f.value(f.skipBlanks(end))
}

// alias reports a word that YAML takes for an alias or an anchor, if that is what is looked for.
func (f *finder) alias(col, end int) bool {
	if !f.aliases || f.at(col) == '!' {
		return false
	}
	f.fail(diag.AnchorOrAlias, f.row, col, end-col, "quote it, or leave the sign out",
		"`%s` is an anchor or alias to YAML, and these are not part of the model language", f.text(col, end))
	return true
}

// plainValue reads an unquoted text.
func (f *finder) plainValue(col int) {
	end, colon := col, false
	for ; !f.ends(end); end++ {
		colon = colon || f.at(end) == ':' && (f.at(end+1) == ' ' || f.at(end+1) == 0)
	}
	length := len([]rune(strings.TrimRight(f.text(col, end), " \t")))
	first, second := f.at(col), f.at(col+1)
	switch {
	case colon:
		f.mustQuote(col, length, "a text that holds `: ` is a key with a value to YAML")
	case (first == '-' || first == '?') && (second == ' ' || second == 0):
		f.mustQuote(col, length, "a value can't start with `%c ` here", first)
	}
	f.plain = true
	f.row++
}

// tail reports what stands behind the end of a value.
func (f *finder) tail(col int, message, hint string) {
	if col = f.skipBlanks(col); f.ends(col) {
		f.row++
		return
	}
	f.fail(diag.TextAfterEnd, f.row, col, len(f.lines[f.row])-col, hint, "%s", message)
}

// foreign reports a value that starts with brackets and goes on behind them: []string, [a-z]+.
func (f *finder) foreign(col, end int) {
	for stop := f.skipBlanks(end); !f.ends(stop); stop++ {
		end = stop + 1
	}
	f.misspelt(col, len([]rune(strings.TrimRight(f.text(col, end), " \t"))))
}

// misspelt reports a text that YAML can't read without quotes: a type in the spelling of another language, which is
// not YAML, or anything else, which must be quoted.
func (f *finder) misspelt(col, length int) {
	raw := f.text(col, col+length)
	if words := inWords(raw); words != "" && typeLike.MatchString(words) {
		f.fail(diag.TypeSpelling, f.row, col, length, "write `"+words+"`", "%q is not how a type is written", raw)
		return
	}
	f.mustQuote(col, length, "`%s` is not a text to YAML: brackets and ? mean something else there", raw)
}

var typeLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ]*$`)
