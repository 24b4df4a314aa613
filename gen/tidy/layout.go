package tidy

import (
	"strings"
	"unicode/utf8"
)

// step is how far each level is indented.
const step = 2

// level is a mapping or a list in block style, as it is indented and as it will be.
type level struct {
	list     bool
	old, new int
}

// row is a line, or lines, of the result.
type row struct {
	// indent is how far it will be indented, was how far it is.
	indent, was int
	// head is a key with its colon, after the dashes of lists, or the dashes alone; body what follows it.
	head, body, comment string
	// valueAt and commentAt are the columns in which body and comment stood, bodyGap and commentGap the blanks before.
	valueAt, commentAt, bodyGap, commentGap int
	// more are further lines, which stay as they are.
	more []string
}

func (r *row) blank() bool { return r.head == "" && r.body == "" && r.comment == "" }

// note reports whether the row is a comment alone.
func (r *row) note() bool { return r.head == "" && r.body == "" && r.comment != "" }

// writer lays out a text row by row.
type writer struct {
	lexer
	levels []level
	rows   []row
	// open says that a text without quotes may go on in the next line.
	open bool
}

// layout returns the canonical form of YAML's text.
func layout(src string) (string, error) {
	src = strings.TrimPrefix(strings.ReplaceAll(src, "\r\n", "\n"), "\uFEFF")
	w := &writer{lexer: lexer{text: strings.TrimRight(src, " \t\n") + "\n"}, levels: []level{{old: -1, new: -step}}}
	for w.at < len(w.text) {
		if err := w.row(); err != nil {
			return "", err
		}
	}
	w.comments()
	w.separate()
	w.align()
	return w.String(), nil
}

// row reads one line that starts anew, with all further lines of a value that it holds.
func (w *writer) row() error {
	old := w.spaces()
	switch {
	case w.end():
		w.rows = append(w.rows, row{})
	case w.text[w.at] == '#':
		w.open = false
		w.rows = append(w.rows, row{indent: old, was: old, comment: w.line()})
	case w.open && old > w.levels[len(w.levels)-1].old:
		return w.further(old)
	case old == 0 && (strings.HasPrefix(w.text[w.at:], "---") || strings.HasPrefix(w.text[w.at:], "...")), w.has('?'):
		return ErrUnsupported
	default:
		if err := w.content(old); err != nil {
			return err
		}
	}
	w.at++ // the end of the line
	return nil
}

// further reads a line that goes on with a text, and so can start with anything.
func (w *writer) further(old int) error {
	start := w.at - old
	r := row{indent: w.levels[len(w.levels)-1].new + step, was: old, body: w.plain(false)}
	if !w.end() && w.spaces() == 0 {
		return ErrUnsupported
	}
	w.trailing(&r, start)
	w.open = r.comment == ""
	w.rows = append(w.rows, r)
	w.at++ // the end of the line
	return nil
}

// content reads a line of a mapping or a list, or one that goes on with a text.
func (w *writer) content(old int) error {
	start := w.at - old
	r := row{indent: -1, was: old}
	for w.has('-') {
		indent := w.enter(true, w.at-start)
		if r.indent < 0 {
			r.indent = indent
		}
		w.at++
		r.head += "- "
		w.spaces()
	}
	key, err := w.key(start)
	switch {
	case err != nil:
		return err
	case key != "":
		if r.indent < 0 {
			r.indent = w.levels[len(w.levels)-1].new
		}
		r.head += key
	case r.indent < 0:
		r.indent = w.owner(old) + step
	}
	r.head = strings.TrimRight(r.head, " ")
	r.bodyGap = w.spaces()
	r.valueAt = utf8.RuneCountInString(w.text[start:w.at])
	if err := w.value(&r, w.levels[len(w.levels)-1].new); err != nil {
		return err
	}
	w.trailing(&r, start)
	w.open = w.open && r.comment == ""
	w.rows = append(w.rows, r)
	return nil
}

// enter goes to the level of a key or a dash in a column, and returns how far that will be indented.
func (w *writer) enter(list bool, old int) int {
	for len(w.levels) > 1 {
		top := w.levels[len(w.levels)-1]
		if top.old < old || top.old == old && (top.list == list || list) {
			break
		}
		w.levels = w.levels[:len(w.levels)-1]
	}
	top := &w.levels[len(w.levels)-1]
	if top.old == old && top.list == list {
		return top.new
	}
	w.levels = append(w.levels, level{list: list, old: old, new: top.new + step})
	return top.new + step
}

// owner is how far the key or dash is indented that a further line belongs to.
func (w *writer) owner(old int) int {
	for i := len(w.levels) - 1; i > 0; i-- {
		if w.levels[i].old < old {
			return w.levels[i].new
		}
	}
	return w.levels[0].new
}

// key takes a key with its colon, and enters its mapping; it takes nothing where no key stands.
func (w *writer) key(start int) (string, error) {
	from := w.at
	if w.end() || strings.IndexByte("{[|>#", w.text[w.at]) >= 0 {
		return "", nil
	}
	s, err := w.scalar(false)
	if err != nil {
		return "", err
	}
	w.spaces()
	if !w.has(':') || strings.Contains(s, "\n") {
		w.at = from
		return "", nil
	}
	w.at++
	w.enter(false, from-start)
	return s + ":", nil
}

// value takes what stands behind a key or a dash, up to the end of its last line or a comment there.
func (w *writer) value(r *row, indent int) error {
	w.open = false
	if w.end() {
		return nil
	}
	switch w.text[w.at] {
	case '#':
		return nil
	case '{', '[':
		return w.flow(r, indent)
	case '|', '>':
		return w.blockText(r, indent)
	}
	w.open = w.text[w.at] != '"' && w.text[w.at] != '\''
	s, err := w.scalar(false)
	if err != nil {
		return err
	}
	r.set(s, indent)
	if !w.end() && w.spaces() == 0 {
		return ErrUnsupported
	}
	return nil
}

// set gives a row its value, whose further lines are indented below it.
func (r *row) set(value string, indent int) {
	lines := strings.Split(value, "\n")
	r.body = lines[0]
	for _, line := range lines[1:] {
		if line = strings.TrimLeft(line, " \t"); line != "" {
			line = strings.Repeat(" ", indent+step) + line
		}
		r.more = append(r.more, line)
	}
}

// trailing takes the comment at the end of a line.
func (w *writer) trailing(r *row, start int) {
	if w.end() {
		return
	}
	content := strings.TrimRight(w.text[start:w.at], " \t")
	r.commentGap = w.at - start - len(content)
	r.commentAt = utf8.RuneCountInString(w.text[start:w.at])
	comment := strings.TrimRight(w.line(), " \t")
	if len(r.more) > 0 {
		r.more[len(r.more)-1] += " " + comment
		return
	}
	r.comment = comment
}

// blockText takes a text of the forms | and >, whose lines are shifted together.
func (w *writer) blockText(r *row, indent int) error {
	r.body = w.plain(false)
	if w.spaces(); !w.end() {
		w.line() // a comment, which is not kept apart here
		return ErrUnsupported
	}
	if strings.ContainsAny(r.body, "123456789+") {
		return ErrUnsupported // how far its lines are indented, or how many are empty, means something
	}
	first := -1
	for w.at+1 < len(w.text) {
		from := w.at
		w.at++
		depth := w.spaces()
		if !w.end() {
			if first < 0 {
				first = depth
			}
			if depth < first || depth == 0 || depth <= w.levels[len(w.levels)-1].old {
				w.at = from
				break
			}
		}
		line := w.text[from+1:w.at] + w.line()
		switch {
		case len(line) > max(first, 0) && first >= 0:
			r.more = append(r.more, strings.Repeat(" ", indent+step)+line[first:])
		default:
			r.more = append(r.more, "")
		}
	}
	// What is empty behind the text separates it from what follows.
	for n := len(r.more); n > 0 && r.more[n-1] == ""; n-- {
		r.more = r.more[:n-1]
		for w.at--; w.text[w.at] != '\n'; w.at-- {
		}
	}
	return nil
}

// String joins the rows.
func (w *writer) String() string {
	var b strings.Builder
	for _, r := range w.rows {
		line := strings.Repeat(" ", max(0, r.indent)) + r.head
		if r.body != "" {
			if r.head != "" {
				line += strings.Repeat(" ", max(1, r.bodyGap))
			}
			line += r.body
		}
		if r.comment != "" && !r.note() {
			line += strings.Repeat(" ", max(1, r.commentGap)) + r.comment
		} else {
			line += r.comment
		}
		b.WriteString(strings.TrimRight(line, " \t") + "\n")
		for _, more := range r.more {
			b.WriteString(more + "\n")
		}
	}
	return b.String()
}
