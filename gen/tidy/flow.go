package tidy

import "strings"

// flow takes a mapping or a list in brackets. Its lines break where they broke.
func (w *writer) flow(r *row, indent int) error {
	f := flowWriter{lexer: &w.lexer, indent: indent}
	if err := f.read(); err != nil {
		return err
	}
	lines := strings.Split(f.b.String(), "\n")
	r.body = lines[0]
	r.more = lines[1:]
	if w.spaces(); !w.end() && w.text[w.at] != '#' {
		return ErrUnsupported
	}
	return nil
}

// flowWriter writes a mapping or list in brackets with its spaces in order.
type flowWriter struct {
	*lexer
	b      strings.Builder
	indent int
	depth  int
	// space says that a space belongs before the next token, unless a line starts with it.
	space bool
	// fresh says that a line starts here, colon that a colon stands before this.
	fresh, colon bool
}

func (f *flowWriter) read() error {
	for {
		f.spaces()
		if f.at >= len(f.text) {
			return ErrUnsupported
		}
		switch c := f.text[f.at]; c {
		case '\n':
			f.newLine()
			continue
		case '#':
			f.space = true
			f.put(strings.TrimRight(f.line(), " \t"))
			continue
		case '{', '[':
			f.put(string(c))
			f.depth++
			f.space = false
		case '}', ']':
			f.depth--
			f.space = f.colon // {a:} is another thing than {a: }
			f.put(string(c))
			if f.depth == 0 {
				f.at++
				return nil
			}
			f.space = true
		case ',', ':':
			f.space = f.colon
			f.put(string(c))
			f.space, f.colon = true, c == ':'
		default:
			s, err := f.scalar(true)
			if err != nil || s == "" {
				return ErrUnsupported
			}
			f.words(s)
			continue
		}
		f.at++
	}
}

// put writes a token.
func (f *flowWriter) put(token string) {
	switch {
	case f.fresh:
		f.b.WriteString(strings.Repeat(" ", f.indent+step*f.depth))
	case f.space:
		f.b.WriteByte(' ')
	}
	f.b.WriteString(token)
	f.fresh, f.colon = false, false
}

// words writes a text, of which further lines stand below the first.
func (f *flowWriter) words(s string) {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			f.b.WriteByte('\n')
			f.fresh, line = true, strings.TrimLeft(line, " \t")
		}
		if line != "" {
			f.put(line)
		}
	}
	f.space = true
}

// newLine ends a line. Empty lines are one at most.
func (f *flowWriter) newLine() {
	f.at++
	if !strings.HasSuffix(f.b.String(), "\n\n") {
		f.b.WriteByte('\n')
	}
	f.fresh = true
}
