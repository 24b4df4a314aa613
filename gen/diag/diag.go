// Package diag reports what is wrong with a model: where, the line with a caret, what was meant, and a stable code.
package diag

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Pos is a place in a file. Line and Col count from 1; Col counts characters. Where a model has several files, Line
// counts through them: see Files.
type Pos struct{ Line, Col int }

// Span is a piece of one line. Len counts characters and is at least 1 where the span is shown.
type Span struct {
	Pos
	Len int
}

// Related is another place that explains a diagnostic.
type Related struct {
	At      Span
	Message string
	// File names the file, if it is another one of the same folder.
	File string
}

// in returns the file of the place, if that of the diagnostic is as given.
func (r *Related) in(file string) string {
	if r.File == "" {
		return file
	}
	return filepath.Join(filepath.Dir(file), r.File)
}

// Diagnostic is one finding.
type Diagnostic struct {
	// Code is stable for ever: "CQ1203".
	Code string
	At   Span
	// Message says what is wrong, in the model's words.
	Message string
	// Hint says what would be right; it may be empty.
	Hint string
	// Related places, in the same file unless they name another one.
	Related []Related
	// Warning marks a finding that does not stop generation. Advice marks one that does not even say that something is
	// wrong.
	Warning, Advice bool
	// Breaks says who would not survive a change, in words of package evolve.
	Breaks []string
	// Safe is what makes it right, as YAML to put over the model.
	Safe string
}

// List collects the findings of one file. Its zero value is ready to use.
type List struct{ all []Diagnostic }

// Add adds a finding.
func (l *List) Add(d Diagnostic) { l.all = append(l.all, d) }

// Errorf adds an error without a hint.
func (l *List) Errorf(code string, at Span, format string, args ...any) {
	l.Add(Diagnostic{Code: code, At: at, Message: fmt.Sprintf(format, args...)})
}

// Len returns the number of findings.
func (l *List) Len() int { return len(l.all) }

// Failed reports whether there is an error among the findings.
func (l *List) Failed() bool {
	return slices.ContainsFunc(l.all, func(d Diagnostic) bool { return !d.Warning && !d.Advice })
}

// Sorted returns the findings by place, each once.
func (l *List) Sorted() []Diagnostic {
	slices.SortStableFunc(l.all, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col), cmp.Compare(a.Code, b.Code))
	})
	return slices.CompactFunc(slices.Clone(l.all), func(a, b Diagnostic) bool {
		return a.Code == b.Code && a.At == b.At && a.Message == b.Message
	})
}

// Write renders the findings of a file as a person reads them. file is the name to show, src the file's text.
//
//	ledger.cqrs.yaml:31:24: CQ1203 unknown type "Curency"
//	    31 |       currency: Curency
//	       |                 ^^^^^^^ did you mean "Currency"?
func (l *List) Write(w io.Writer, file string, src []byte) error {
	var files Files
	files.Add(File{file, src})
	return l.WriteFiles(w, &files)
}

// WriteFiles is Write for the findings of several files.
func (l *List) WriteFiles(w io.Writer, files *Files) error {
	texts := map[int]*lines{}
	place := func(at Span) (string, Span, *lines) {
		i, there := files.find(at)
		if texts[i] == nil {
			texts[i] = linesOf(files.all[i].Src)
		}
		return files.all[i].Name, there, texts[i]
	}
	var b strings.Builder
	shown := map[string]bool{}
	for _, d := range l.Sorted() {
		word := ""
		switch {
		case d.Advice:
			word = "advice: "
		case d.Warning:
			word = "warning: "
		}
		file, at, text := place(d.At)
		fmt.Fprintf(&b, "%s:%d:%d: %s %s%s\n", file, at.Line, at.Col, d.Code, word, d.Message)
		text.excerpt(&b, at, d.Hint)
		for _, r := range d.Related {
			if r.File != "" {
				fmt.Fprintf(&b, "  %s:%d:%d: %s\n", r.in(file), r.At.Line, r.At.Col, r.Message)
				continue
			}
			file, at, text := place(r.At)
			fmt.Fprintf(&b, "  %s:%d:%d: %s\n", file, at.Line, at.Col, r.Message)
			text.excerpt(&b, at, "")
		}
		d.remedy(&b, shown)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// remedy shows what makes a change safe, each remedy once.
func (d *Diagnostic) remedy(b *strings.Builder, shown map[string]bool) {
	if len(d.Breaks) > 0 {
		fmt.Fprintf(b, "  breaks: %s\n", strings.Join(d.Breaks, ", "))
	}
	switch {
	case d.Safe == "":
	case shown[d.Safe]:
		b.WriteString("  safe with what stands above\n")
	default:
		shown[d.Safe] = true
		b.WriteString("  safe with:\n")
		for line := range strings.Lines(d.Safe) {
			b.WriteString("      " + line)
		}
	}
}

// longest is the number of characters of a line that an excerpt shows.
const longest = 160

// lines are those of a file, and the characters of the one that was last asked for: findings come line by line, and a
// line may be long.
type lines struct {
	text   []string
	number int
	runes  []rune
}

func linesOf(src []byte) *lines {
	text := strings.TrimPrefix(string(src), "\uFEFF") // editors don't count it as a character of the first line
	return &lines{text: strings.Split(strings.ToValidUTF8(text, "\uFFFD"), "\n")}
}

// line returns the characters of a line, which counts from 1.
func (l *lines) line(number int) []rune {
	if l.number != number {
		l.number, l.runes = number, []rune(strings.TrimSuffix(l.text[number-1], "\r"))
	}
	return l.runes
}

// excerpt shows a place with carets under it, and the hint behind them.
func (l *lines) excerpt(b *strings.Builder, at Span, hint string) {
	if at.Line < 1 || at.Line > len(l.text) {
		if hint != "" {
			fmt.Fprintf(b, "       = %s\n", hint)
		}
		return
	}
	line := l.line(at.Line)
	col, cut := min(max(at.Col-1, 0), len(line)), 0
	if col > longest/2 {
		cut = col - longest/2
	}
	shown := slices.Clone(line[cut:min(len(line), cut+longest)])
	for i, r := range shown {
		if Hidden(r) {
			shown[i] = ' '
		}
	}
	if cut > 0 {
		shown[0] = '…'
	}
	if cut+longest < len(line) {
		shown[longest-1] = '…'
	}
	carets := strings.Repeat("^", max(1, min(at.Len, len(shown)-(col-cut))))
	fmt.Fprintf(b, "%6d | %s\n", at.Line, string(shown))
	fmt.Fprintf(b, "       | %s%s", strings.Repeat(" ", col-cut), carets)
	if hint != "" {
		fmt.Fprintf(b, " %s", hint)
	}
	b.WriteString("\n")
}

// Hidden reports whether a character can't be seen as itself: control characters, line separators, characters of no
// width, and those that turn the direction of a text. Models may not hold them, and excerpts don't show them.
func Hidden(r rune) bool {
	switch r {
	case '\u115F', '\u1160', '\u3164', '\uFFA0': // fillers, which are letters to Unicode
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// longestWord bounds the words that are compared, in bytes: names are at most that long, and comparing takes its
// square.
const longestWord = 64

// Nearest returns the candidate that a word was probably meant to be, "" if none is close. Case does not count.
func Nearest(word string, candidates []string) string {
	if len(word) > longestWord {
		return ""
	}
	best, at := "", max(1, len(word)/3)+1
	for _, c := range candidates {
		if len(c) > longestWord || len(c) >= len(word)+at || len(word) >= len(c)+at {
			continue // at least that many letters are missing
		}
		if d := distance(word, c); d < at {
			best, at = c, d
		}
	}
	return best
}

// DidYouMean returns a hint that names the nearest candidate, or, where there are few, all of them.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(candidates) == 0 || len(candidates) > 20 {
		return ""
	}
	return "one of: " + strings.Join(candidates, ", ")
}

// distance is the number of insertions, deletions, replacements and swaps of neighbours between two words (optimal
// string alignment), of which neither is longer than longestWord.
func distance(a, b string) int {
	var rows [3][longestWord + 1]int // the one that is filled in, and the two before it
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, last, beforeLast := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				row[j] = min(row[j], beforeLast[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
