package lock

import (
	"fmt"
	"strings"
)

// Scalars are the words of the scalars.
var Scalars = map[string]bool{
	"string": true, "bool": true, "int": true, "int32": true, "int64": true, "uint32": true, "uint64": true, "float64": true,
	"bytes": true, "time": true, "duration": true, "uuid": true, "date": true, "decimal": true,
}

// TypeExpr is the type of a field: a name, or one of "optional", "list", "set" and "map" of others.
type TypeExpr struct {
	Kind, Name string
	Key, Elem  *TypeExpr
}

// String writes the type in the model's words.
func (t *TypeExpr) String() string {
	switch t.Kind {
	case "":
		return t.Name
	case optional:
		return "optional " + t.Elem.String()
	case "map":
		return "map of " + t.Key.String() + " to " + t.Elem.String()
	}
	return t.Kind + " of " + t.Elem.String()
}

const optional = "optional"

// maxNested bounds how deep types are nested.
const maxNested = 64

// ParseType reads a type in the model's words: "optional list of Money".
func ParseType(text string) (*TypeExpr, error) {
	words := strings.Split(text, " ")
	t, rest := parseType(words, 0)
	if t == nil || len(rest) > 0 {
		return nil, fmt.Errorf("%q is no type", text)
	}
	return t, nil
}

// parseType reads a type from the first words, and returns those behind it. It returns nil where there is none.
func parseType(words []string, depth int) (*TypeExpr, []string) {
	if len(words) == 0 || words[0] == "" || depth > maxNested {
		return nil, nil
	}
	word, rest := words[0], words[1:]
	t := &TypeExpr{Kind: word}
	switch {
	case word == optional:
	case (word == "list" || word == "set" || word == "map") && len(rest) > 0 && rest[0] == "of":
		rest = rest[1:]
	default:
		return &TypeExpr{Name: word}, rest
	}
	if word == "map" {
		if t.Key, rest = parseType(rest, depth+1); t.Key == nil || len(rest) == 0 || rest[0] != "to" {
			return nil, nil
		}
		rest = rest[1:]
	}
	if t.Elem, rest = parseType(rest, depth+1); t.Elem == nil {
		return nil, nil
	}
	return t, rest
}

// Optional reports whether a value can be left out.
func (t *TypeExpr) Optional() bool { return t.Kind == optional }
