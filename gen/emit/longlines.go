package emit

import "strings"

// mostColumns is the width beyond which a line is broken, where it ends with a list that can be.
const mostColumns = 120

// breakLongLine gives the list that a line ends with, of arguments or elements, lines of its own if the line is too
// long. The line is formatted, and stays so.
func breakLongLine(line string) string {
	if columns(line) <= mostColumns || strings.HasPrefix(strings.TrimLeft(line, "\t"), "//") {
		return line
	}
	open := lastList(line)
	if open < 0 || open == len(line)-2 { // nothing to break, as in Name{}
		return line
	}
	items := splitList(line[open+1 : len(line)-1])
	if items == nil {
		return line
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, "\t"))]
	var b strings.Builder
	b.WriteString(line[:open+1])
	width := mostColumns
	for _, item := range items {
		if width += len(" ,") + len(item); width <= mostColumns {
			b.WriteString(" " + item + ",")
			continue
		}
		b.WriteString("\n" + indent + "\t" + item + ",")
		width = columns(indent+"\t") + len(item) + len(",")
	}
	b.WriteString("\n" + indent + line[len(line)-1:])
	return b.String()
}

// columns is the width of a line with tabulators of four columns.
func columns(line string) int { return len(line) + 3*strings.Count(line, "\t") }

// lastList returns where the list opens that a line ends with, -1 if it ends with something else or the list opened on
// a line before.
func lastList(line string) int {
	if end := line[len(line)-1]; end != ')' && end != '}' {
		return -1
	}
	var opened []int
	last := -1
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '"', '`', '\'':
			i += quotedLength(line[i:]) - 1
		case '(', '[', '{':
			opened = append(opened, i)
		case ')', ']', '}':
			if len(opened) == 0 {
				return -1
			}
			last, opened = opened[len(opened)-1], opened[:len(opened)-1]
		}
	}
	if len(opened) > 0 || last > 0 && line[last] == '(' && strings.ContainsAny(line[last-1:last], " \t(!-") {
		return -1 // what stands in parentheses is no list
	}
	return last
}

// splitList splits a list at its commas. It returns nil where items have keys, which gofmt would align, or hold blocks.
func splitList(list string) []string {
	var items []string
	depth, start := 0, 0
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '"', '`', '\'':
			i += quotedLength(list[i:]) - 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ';':
			return nil
		case ':':
			if depth == 0 {
				return nil
			}
		case ',':
			if depth == 0 {
				items = append(items, strings.TrimSpace(list[start:i]))
				start = i + 1
			}
		}
	}
	return append(items, strings.TrimSpace(list[start:]))
}

// quotedLength is the length of the literal that a text starts with, or of all of it if the literal does not end.
func quotedLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return len(s)
}
