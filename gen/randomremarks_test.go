package gen_test

import (
	"fmt"
	"strings"
)

// remarks are what a field may say that ends up in Go's documentation, written to break out of it.
func (m *randomModel) remarks(typ, rules string) string {
	said := ""
	if text := m.one(hostileDocs); text != "" && m.IntN(6) == 0 {
		said += fmt.Sprintf(", deprecated: %q", text)
	}
	if typ == "string" && m.IntN(4) == 0 && !strings.Contains(rules, "ength") && !strings.Contains(rules, "pattern") {
		said += fmt.Sprintf(", example: %q", m.one(hostileDocs))
	}
	return said
}
