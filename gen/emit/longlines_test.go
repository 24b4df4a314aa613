package emit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLongLinesAreBrokenAtTheirLastList(t *testing.T) {
	name := strings.Repeat("x", 30)
	list := name + `, "a, (b", ` + name + `, '"', ` + name + ", f(" + name + ", 2)"
	for what, c := range map[string]struct{ line, want string }{
		"a call":    {"\tr.Missing(" + list + ")", "\tr.Missing(\n\t\t" + name + `, "a, (b", ` + name + `, '"', ` + name + ",\n\t\tf(" + name + ", 2),\n\t)"},
		"a literal": {"\treturn []T{" + list + "}", "\treturn []T{\n\t\t" + name + `, "a, (b", ` + name + `, '"', ` + name + ",\n\t\tf(" + name + ", 2),\n\t}"},
	} {
		assert.Equal(t, c.want, breakLongLine(c.line), what)
	}
	for what, line := range map[string]string{
		"a short line":         "\tf(a, b)",
		"a comment":            "\t// f(" + list + ")",
		"items with keys":      "\tx := T{A: " + list + "}",
		"the start of a block": "\tif f(" + list + ") {",
		"a block":              "\tgo func() { f(" + list + "); g() }",
		"the end of a list":    "\t\t" + list + ")",
		"no list":              "\tx := " + strings.Repeat("x", 200),
		"an open quote":        "\tf(" + list + ", `)",
	} {
		assert.Equal(t, line, breakLongLine(line), what)
	}
}
