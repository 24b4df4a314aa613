package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"
)

// entry is one field of a composite literal.
type entry struct {
	name  string
	value jen.Code
}

// literal is a composite literal with its fields in the given order, one on a line. jennifer's Dict would sort them.
func literal(entries []entry) *jen.Statement {
	return jen.CustomFunc(jen.Options{Open: "{", Close: "\n}", Separator: ",", Multi: true}, func(g *jen.Group) {
		for _, e := range entries {
			g.Id(e.name).Op(":").Add(e.value)
		}
	})
}

// inline is the same on one line.
func inline(entries []entry) *jen.Statement {
	return jen.ValuesFunc(func(g *jen.Group) {
		for _, e := range entries {
			g.Id(e.name).Op(":").Add(e.value)
		}
	})
}

// wrapLines gives each parameter of a function a line of its own where the function's first line is too long, and breaks
// other lines that are. The source is formatted, and stays so.
func wrapLines(src []byte) []byte {
	lines := strings.Split(string(src), "\n")
	for i, line := range lines {
		if len(line) > width+3 && strings.HasPrefix(line, "func ") {
			lines[i] = wrapSignature(line)
			continue
		}
		lines[i] = breakLongLine(line)
	}
	return []byte(strings.Join(lines, "\n"))
}

func wrapSignature(line string) string {
	open := len("func ")
	if line[open] == '(' { // a method: its receiver comes first
		open = closing(line, open) + 1
	}
	open += strings.IndexByte(line[open:], '(')
	end := closing(line, open)
	if end == open+1 {
		return line
	}
	var b strings.Builder
	b.WriteString(line[:open+1] + "\n")
	depth, start := 0, open+1
	for i := open + 1; i < end; i++ {
		switch line[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				b.WriteString("\t" + strings.TrimSpace(line[start:i]) + ",\n")
				start = i + 1
			}
		}
	}
	b.WriteString("\t" + strings.TrimSpace(line[start:end]) + ",\n")
	b.WriteString(line[end:])
	return b.String()
}

// closing is the place of the parenthesis that closes the one at open.
func closing(line string, open int) int {
	depth := 0
	for i := open; i < len(line); i++ {
		switch line[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(line) - 1
}

// function starts the declaration of a function or, with a receiver, a method.
func function(f *jen.File, recv *jen.Statement, name string, params []jen.Code, results ...jen.Code) *jen.Statement {
	s := f.Func()
	if recv != nil {
		s = s.Params(recv)
	}
	s = s.Id(name).Params(params...)
	switch len(results) {
	case 0:
		return s
	case 1:
		return s.Add(results[0])
	}
	return s.Params(results...)
}

// article puts "a" or "an" before a name.
func article(name string) string {
	if strings.ContainsRune("AEIOU", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}
