package tidy

import (
	"strings"
	"unicode/utf8"
)

// comments indents the comments that stand alone. One that stands right above an element, and as far indented,
// documents it; that must stay so, and no other comment may become one.
func (w *writer) comments() {
	for i := len(w.rows) - 1; i >= 0; i-- {
		r := &w.rows[i]
		if !r.note() {
			continue
		}
		w.indentNote(i)
		r.comment = strings.TrimRight(r.comment, " \t")
	}
}

// indentNote indents a comment as what it stood in line with, below it or above it.
func (w *writer) indentNote(i int) {
	r := &w.rows[i]
	old := r.indent
	next := w.neighbour(i, 1)
	if next >= 0 && w.rows[next].was == old {
		r.indent = w.rows[next].indent
		return
	}
	for above := w.neighbour(i, -1); above >= 0; above = w.neighbour(above, -1) {
		if w.rows[above].was > old {
			continue
		}
		r.indent = w.rows[above].indent
		if w.rows[above].was < old {
			r.indent += step
		}
		break
	}
	if next >= 0 && r.indent == w.rows[next].indent {
		r.indent = max(0, r.indent-step)
		if r.indent == w.rows[next].indent {
			r.indent += step
		}
	}
}

// neighbour returns the next row, in a direction, that holds more than a comment; -1 if there is none.
func (w *writer) neighbour(i, direction int) int {
	for i += direction; i >= 0 && i < len(w.rows); i += direction {
		if r := &w.rows[i]; !r.blank() && !r.note() {
			return i
		}
	}
	return -1
}

// spaced are the sections whose elements are separated by an empty line.
var spaced = map[string]bool{"aggregates:": true, "projections:": true}

// separate puts one empty line between sections, and between the elements of some, and leaves no two elsewhere.
func (w *writer) separate() {
	var out []row
	section, last := "", map[int]int{} // by indentation, the last element's place among the rows
	for i := range w.rows {
		r := w.rows[i]
		if r.blank() && (len(out) == 0 || out[len(out)-1].blank()) {
			continue
		}
		if !r.note() && !r.blank() && (r.indent == 0 || r.indent == step && spaced[section]) {
			if r.indent == 0 {
				section = r.head
				delete(last, step)
			}
			if before, ok := last[r.indent]; ok && (w.long(i) || w.long(before)) {
				out = emptyLineBefore(out)
			}
			last[r.indent] = i
		}
		out = append(out, r)
	}
	for len(out) > 0 && out[len(out)-1].blank() {
		out = out[:len(out)-1]
	}
	w.rows = out
}

// long reports whether an element takes more than its line.
func (w *writer) long(i int) bool {
	next := w.neighbour(i, 1)
	return len(w.rows[i].more) > 0 || next >= 0 && w.rows[next].indent > w.rows[i].indent
}

// emptyLineBefore adds an empty line at the end, above the comments that belong to what follows.
func emptyLineBefore(rows []row) []row {
	at := len(rows)
	for at > 0 && rows[at-1].note() {
		at--
	}
	if at == 0 || rows[at-1].blank() || at < len(rows) && rows[len(rows)-1].blank() {
		return rows
	}
	return append(rows[:at:at], append([]row{{}}, rows[at:]...)...)
}

// align keeps values, and comments, below each other where they were, and puts one space before the others.
func (w *writer) align() {
	w.runs(func(r *row) bool { return r.head != "" && r.body != "" && len(r.more) == 0 }, func(run []row) {
		aligned, widest := lined(run, func(r *row) (int, int) { return r.valueAt, r.bodyGap }), 0
		for i := range run {
			widest = max(widest, utf8.RuneCountInString(run[i].head))
		}
		for i := range run {
			run[i].bodyGap = 1
			if aligned {
				run[i].bodyGap += widest - utf8.RuneCountInString(run[i].head)
			}
		}
	})
	for i := range w.rows { // what is in no run
		if len(w.rows[i].more) > 0 {
			w.rows[i].bodyGap = 1
		}
	}
	w.runs(func(r *row) bool { return r.comment != "" && !r.note() }, func(run []row) {
		aligned, widest, gap := lined(run, func(r *row) (int, int) { return r.commentAt, r.commentGap }), 0, run[0].commentGap
		for i := range run {
			widest, gap = max(widest, run[i].width()), min(gap, run[i].commentGap)
		}
		for i := range run {
			if aligned {
				run[i].commentGap = gap + widest - run[i].width()
			} else {
				run[i].commentGap = 1
			}
		}
	})
}

// runs calls f with the rows that follow each other directly, are indented alike, and belong together.
func (w *writer) runs(belongs func(*row) bool, f func([]row)) {
	for i := 0; i < len(w.rows); {
		if !belongs(&w.rows[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(w.rows) && w.rows[end].indent == w.rows[i].indent && belongs(&w.rows[end]) {
			end++
		}
		f(w.rows[i:end])
		i = end
	}
}

// lined reports whether something stands in one column in all rows of a run, on purpose.
func lined(run []row, column func(*row) (at, gap int)) bool {
	first, _ := column(&run[0])
	wide := false
	for i := range run {
		at, gap := column(&run[i])
		if at != first {
			return false
		}
		wide = wide || gap > 1
	}
	return wide && len(run) > 1
}

// width is that of a row without its comment.
func (r *row) width() int {
	n := r.indent + utf8.RuneCountInString(r.head)
	if r.body != "" && r.head != "" {
		n += max(1, r.bodyGap)
	}
	return n + utf8.RuneCountInString(r.body)
}
