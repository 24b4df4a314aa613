package model

import (
	"fmt"
	"go/token"
	"go/types"
	"regexp"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// MaxName bounds a name, in bytes.
const MaxName = 64

var (
	identifier  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	packageForm = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
)

// typeName checks the name of an element that becomes a Go type.
func (r *resolver) typeName(kind string, name schema.Text) bool {
	if !r.identifier(kind, name) {
		return false
	}
	if c := name.Value[0]; c < 'A' || c > 'Z' {
		r.errorf(diag.WrongCase, name.At, did(upperFirst(name.Value)),
			"the name of %s starts with an upper-case letter", article(kind))
		return false
	}
	return true
}

// fieldName checks the name of a field.
func (r *resolver) fieldName(name schema.Text) {
	if !r.identifier("field", name) {
		return
	}
	if c := name.Value[0]; c < 'a' || c > 'z' {
		r.errorf(diag.WrongCase, name.At, did(lowerFirst(name.Value)),
			"the name of a field starts with a lower-case letter")
		return
	}
	if token.IsKeyword(name.Value) {
		r.errorf(diag.ReservedName, name.At, "", "%q is a keyword of Go, and can't name a field", name.Value)
	}
}

// identifier checks what all names have in common.
func (r *resolver) identifier(kind string, name schema.Text) bool {
	switch v := name.Value; {
	case len(v) > MaxName:
		r.errorf(diag.NotAName, name.At, "", "the name of %s has at most %d letters and digits, not %d",
			article(kind), MaxName, len(v))
	case !identifier.MatchString(v):
		hint := ""
		if better := camel(v); better != "" && kind == "field" {
			hint = did(lowerFirst(better))
		} else if better != "" {
			hint = did(upperFirst(better))
		}
		r.errorf(diag.NotAName, name.At, hint,
			"the name of %s has only the letters A to Z and digits, and starts with a letter", article(kind))
	default:
		return true
	}
	return false
}

func article(kind string) string {
	if strings.ContainsRune("aeiou", rune(kind[0])) {
		return "an " + kind
	}
	return "a " + kind
}

func did(better string) string { return fmt.Sprintf("did you mean %q?", better) }

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// camel spells snake_case and kebab-case names as names, "" if that does not help.
func camel(s string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(s, func(c rune) bool { return c == '_' || c == '-' || c == ' ' || c == '.' }) {
		if b.Len() > 0 {
			part = upperFirst(part)
		}
		b.WriteString(part)
	}
	if !identifier.MatchString(b.String()) {
		return ""
	}
	return b.String()
}

// taken are names that a package can't have, although they are in the right form: Go gives them a meaning, or the
// generated code and the team's import a package of that name into the same files.
var taken = map[string]string{
	"main":          "Go builds it as a program",
	"init":          "Go can't import it",
	"documentation": "Go leaves such files out",
	"builtin":       "it is the name of a package of Go",
	"unsafe":        "it is the name of a package of Go",
	"context":       "generated code imports a package of that name",
	"cqrs":          "generated code imports a package of that name",
	"errors":        "generated code imports a package of that name",
	"iter":          "generated code imports a package of that name",
	"fmt":           "generated code imports a package of that name",
	"time":          "generated code imports a package of that name",
	"uuid":          "generated code imports a package of that name",
	"aggregate":     "generated code imports a package of that name",
	"eventlog":      "generated code imports a package of that name",
	"projection":    "generated code imports a package of that name",
	"readmodel":     "generated code imports a package of that name",
	"snapshot":      "generated code imports a package of that name",
}

// packageName checks the name of the Go package.
func (r *resolver) packageName(f *schema.File) {
	name := f.Package
	switch v := name.Value; {
	case f.Keys["package"] == schema.Absent:
		r.errorf(diag.MissingKey, f.Start,
			"add `package: ledger`, with the name of the Go package", "the model has no `package`")
	case !name.Given():
	case len(v) > MaxName || !packageForm.MatchString(v):
		hint := ""
		if better := strings.ToLower(camel(v)); packageForm.MatchString(better) {
			hint = did(better)
		}
		r.errorf(diag.PackageName, name.At, hint,
			"a package is named with 1 to %d lower-case letters and digits", MaxName)
	case token.IsKeyword(v):
		r.errorf(diag.PackageName, name.At, "", "the package can't be named %q: it is a keyword of Go", v)
	case types.Universe.Lookup(v) != nil:
		r.errorf(diag.PackageName, name.At, "", "the package can't be named %q: Go has it predeclared", v)
	case taken[v] != "":
		r.errorf(diag.PackageName, name.At, "", "the package can't be named %q: %s", v, taken[v])
	}
}
