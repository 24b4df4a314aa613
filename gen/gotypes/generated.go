package gotypes

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Declaration is a name that generated code declares for the whole package, or, as an import, for one file.
type Declaration struct {
	Name string
	File string
	At   diag.Span
	// Import is the path of an import.
	Import string
}

// Declared returns what a generated file declares. It is formatted, so that each declaration starts a line, and those of
// a group are indented once: a look at the lines is enough, and a tenth of the time that parsing takes.
func Declared(file string, src []byte) []Declaration {
	var out []Declaration
	add := func(line int, text string, col int, imported string) {
		if name := identifier(text); name != "" && name != "_" {
			out = append(out, Declaration{name, file, diag.Span{Pos: diag.Pos{Line: line, Col: col}, Len: len(name)}, imported})
		}
	}
	group, line := "", 0
	for text := range strings.Lines(string(src)) {
		line++
		text = strings.TrimRight(text, "\n")
		switch {
		case text == ")":
			group = ""
		case group == "import":
			if name, path, ok := importOf(text); ok {
				add(line, name, 2, path)
			}
		case group != "":
			if strings.HasPrefix(text, "\t") && !strings.HasPrefix(text, "\t\t") {
				add(line, text[1:], 2, "")
			}
		default:
			keyword, rest, _ := strings.Cut(text, " ")
			switch {
			case (keyword == "const" || keyword == "var" || keyword == "import") && rest == "(":
				group = keyword
			case keyword == "import":
				if name, path, ok := importOf(rest); ok {
					add(line, name, 8, path)
				}
			case keyword == "const" || keyword == "var" || keyword == "type" || keyword == "func":
				add(line, rest, len(keyword)+2, "")
			}
		}
	}
	return out
}

// identifier returns the name that a text starts with.
func identifier(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || '9' < r) && (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r)
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// importOf reads the line of an import, of which the package has the name that its path ends with, or the one that
// stands before it.
func importOf(text string) (name, path string, ok bool) {
	before, rest, ok := strings.Cut(text, `"`)
	path, _, closed := strings.Cut(rest, `"`)
	name = strings.TrimSpace(before)
	if name == "" {
		name = path[strings.LastIndex(path, "/")+1:]
	}
	return name, path, ok && closed
}
