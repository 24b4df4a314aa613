package schema

import (
	"go/token"
	"regexp"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// goPrefix starts the name of a type that a Go package declares.
const goPrefix = "go:"

const externalForm = "write `go:import/path.Type`, as in `go:net/netip.Addr`"

// namesExternal reports whether one of the words of a type is meant as that of a Go package.
func namesExternal(s string) bool {
	return slices.ContainsFunc(strings.Fields(s), func(word string) bool { return strings.HasPrefix(word, goPrefix) })
}

// external reads go:import/path.Type. What a package can't be imported by is refused here, before anything looks for it.
func (r *typeReader) external(w word, name string) *TypeExpr {
	x := &TypeExpr{Kind: External, Name: name, At: r.span(w)}
	spelled := strings.TrimPrefix(name, goPrefix)
	dot := strings.LastIndex(spelled, ".")
	if dot <= 0 || strings.Contains(spelled[dot:], "/") {
		return r.notExternal(x, externalForm, "%q does not name a type of a Go package", name)
	}
	x.Path, x.Type = spelled[:dot], spelled[dot+1:]
	switch fault := pathFault(x.Path); {
	case fault != "":
		return r.notExternal(x, externalForm, "%q can't be imported: %s", x.Path, fault)
	case strings.ContainsAny(x.Type, "[]"):
		return r.notExternal(x, "declare a type of your own over it: `type Name "+x.Type+"`", "%q is not the name of a type", x.Type)
	case !token.IsIdentifier(x.Type) || !ascii(x.Type):
		return r.notExternal(x, externalForm, "%q is not the name of a type", x.Type)
	case !token.IsExported(x.Type):
		return r.notExternal(x, "only a type with an upper-case first letter can be used outside of its package",
			"%s does not leave its package %s", x.Type, x.Path)
	}
	r.externals = append(r.externals, x)
	return x
}

func (r *typeReader) notExternal(x *TypeExpr, hint, format string, args ...any) *TypeExpr {
	r.errorf(diag.ExternalSpelling, x.At, hint, format, args...)
	return nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c > '~' })
}

// pathElement is an element of an import path, as modules may have them.
var pathElement = regexp.MustCompile(`^[A-Za-z0-9_~+-][A-Za-z0-9_~+.-]*$`)

// maxPath bounds the length of an import path.
const maxPath = 255

// pathFault says why a path is not one to import, "" if nothing is wrong with it.
func pathFault(path string) string {
	switch {
	case len(path) > maxPath:
		return "it is too long"
	case slices.Contains([]string{"C", "unsafe", "main", "all", "std", "cmd", "tool", "work"}, path):
		return "it is not a package of types"
	case strings.Contains(path, "..."):
		return "`...` stands for many packages"
	case strings.HasPrefix(path, "/") || strings.HasPrefix(path, "."):
		return "it is a path of files"
	}
	for _, element := range strings.Split(path, "/") {
		switch {
		case element == "":
			return "it has an empty element"
		case element == "vendor":
			return "it leads into a folder `vendor`: the path is what comes after that"
		case strings.HasPrefix(element, "-") || strings.HasSuffix(element, ".") || !pathElement.MatchString(element):
			return "an element of it is not made of letters, digits and `-._~+`"
		}
	}
	return ""
}
