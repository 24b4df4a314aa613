package meaning

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Names of declarations are no meaning, as long as nothing can see them. So they are references while texts are written,
// and numbers in the order of first mention in the end: by then it is known which are seen.

// references are names in texts, which are quoted where they could have such bytes otherwise.
var references = regexp.MustCompile("\x01[^\x02]*\x02")

func reference(name string) string { return "\x01" + name + "\x02" }

// local starts the name of a type that is declared in a function.
const local = "local "

// localName tells local types apart by where they stand. It begins with what a program can see of them.
func (w *world) localName(obj types.Object) string {
	return fmt.Sprintf("%s%s %s", local, obj.Name(), w.fset.Position(obj.Pos()))
}

// canonical calls f with each declaration that was reached, in an order and under names that follow from the meaning
// alone: first those that keep their names, in the order of these, then the others as they are mentioned first. Numbers go
// on from the count of the former, or else do not depend on it.
func (c *closure) canonical(goOn bool, f func(name, text string)) {
	c.byName = c.byName || c.seesNames(c.outside)
	numbers := map[string]string{}
	var order []string
	isNew := func(name string) bool { return numbers[name] == "" }
	for _, name := range slices.Sorted(maps.Keys(c.texts)) {
		if c.keepsName(name) {
			numbers[name] = name
			order = append(order, name)
		}
	}
	skipped := 0
	if !goOn {
		skipped = len(order)
	}
	write := func(from int) {
		for ; from < len(order); from++ {
			name := order[from]
			text := references.ReplaceAllStringFunc(c.texts[name], func(r string) string {
				name := r[1 : len(r)-1]
				if isNew(name) {
					numbers[name] = c.number(name, len(numbers)-skipped)
					if _, declared := c.texts[name]; declared {
						order = append(order, name)
					}
				}
				return numbers[name]
			})
			f(numbers[name], text)
		}
	}
	write(0)
	for _, name := range slices.Sorted(maps.Keys(c.texts)) { // what is reached, and mentioned nowhere
		if isNew(name) {
			numbers[name] = name
			order = append(order, name)
			write(len(order) - 1)
		}
	}
}

// number is what stands for a name. That of a local type is added where it is seen.
func (c *closure) number(name string, n int) string {
	if visible, _, _ := strings.Cut(strings.TrimPrefix(name, local), " "); strings.HasPrefix(name, local) && c.keepsName(name) {
		return fmt.Sprintf("@%d %s", n, visible)
	}
	return fmt.Sprintf("@%d", n)
}

// keepsName reports whether a declaration is known by its name: what is generated, types whose names can be seen, and
// their methods, which an interface asks for by name, and what other platforms mention.
func (c *closure) keepsName(name string) bool {
	d := c.reached[name]
	if c.byName || c.shown[name] || d == nil && !strings.HasPrefix(name, local) {
		return true
	}
	if d == nil {
		return false
	}
	owner, last := name[:strings.LastIndexByte(name, '.')], name[strings.LastIndexByte(name, '.')+1:]
	fn, ok := d.node.(*ast.FuncDecl)
	return c.mentioned[last] || ok && fn.Recv != nil && c.shown[owner]
}

// tellNames are the packages of the standard library that tell a program the names of its functions.
var tellNames = map[string]bool{
	"runtime": true, "runtime/debug": true, "runtime/pprof": true, "runtime/trace": true, "log": true, "log/slog": true,
	"testing": true,
}

// seesNames reports whether packages, or what they import, may look at the names of functions.
func (w *world) seesNames(outside map[string]bool) bool {
	seen := map[string]bool{}
	var sees func(path string) bool
	sees = func(path string) bool {
		l := w.listed[path]
		if seen[path] || l == nil || strings.HasPrefix(path, runtimePath) {
			return false
		}
		seen[path] = true
		if l.Standard {
			return tellNames[path]
		}
		return slices.ContainsFunc(l.Imports, sees)
	}
	for path := range outside {
		if sees(path) {
			return true
		}
	}
	return false
}
