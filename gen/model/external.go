package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// GoType is a type that a Go package declares.
type GoType struct {
	// Path is the import path, Package the package's name, Type the type's.
	Path, Package, Type string
	Encoding            Encoding
}

// Encoding says how the values of a type of a Go package become JSON.
type Encoding string

// The encodings.
const (
	TextEncoding  Encoding = "text"  // MarshalText and UnmarshalText
	JSONEncoding  Encoding = "json"  // MarshalJSON and UnmarshalJSON
	PlainEncoding Encoding = "plain" // encoding/json, by reflection
)

// Found is what a lookup found out about a type. Where Code is set, something is wrong with it.
type Found struct {
	Package  string
	Encoding Encoding
	// Code, Message and Hint are those of a diagnostic.
	Code, Message, Hint string
}

// Lookup finds types of Go packages, of which Path and Type are given. The result has one entry for each.
type Lookup func([]GoType) []Found

// lookUp finds the types of Go packages that the model names, all at once, and reports each that can't be used where it
// is named first.
func (r *resolver) lookUp(list []*schema.TypeExpr, lookup Lookup) {
	r.externals = map[string]*Named{}
	var first []*schema.TypeExpr
	for _, x := range list {
		if _, seen := r.externals[x.Name]; !seen {
			r.externals[x.Name] = nil
			first = append(first, x)
		}
	}
	if len(first) == 0 {
		return
	}
	types := make([]GoType, len(first))
	for i, x := range first {
		types[i] = GoType{Path: x.Path, Type: x.Type, Encoding: PlainEncoding}
	}
	var found []Found
	if lookup != nil {
		found = lookup(types)
	}
	for i, x := range first {
		if lookup != nil {
			if f := found[i]; f.Code != "" {
				r.errorf(f.Code, x.At, f.Hint, "%s", f.Message)
				continue
			}
			types[i].Package, types[i].Encoding = found[i].Package, found[i].Encoding
		}
		n := &Named{Name: x.Name, Kind: External, At: x.At, Go: types[i]}
		r.externals[x.Name] = n
		r.model.Externals = append(r.model.Externals, n)
	}
	slices.SortFunc(r.model.Externals, func(a, b *Named) int {
		return cmp.Or(cmp.Compare(a.Go.Path, b.Go.Path), cmp.Compare(a.Go.Type, b.Go.Type))
	})
}

func (r *resolver) externalType(x *schema.TypeExpr) Type {
	if n := r.externals[x.Name]; n != nil {
		return Type{Kind: Ref, Named: n}
	}
	return Type{}
}

// externalValue reads a value that a scenario gives to a type of a Go package: the text, or the JSON, that it reads.
func (r *resolver) externalValue(s *schema.Value, v *Value) bool {
	if !r.inScenario {
		r.errorf(diag.ExternalValue, s.At, "leave it out, or use a type of the model",
			"a value of %s is known to Go only: none can be written here", v.Type)
		return false
	}
	text := s.Kind == schema.PlainText || s.Kind == schema.QuotedText
	if v.Type.Named.Go.Encoding == TextEncoding {
		if !text {
			return r.notThis(s, v.Type, "write the text that its UnmarshalText reads")
		}
		v.Text = s.Text
		return true
	}
	v.Text = jsonOf(s)
	return true
}

// jsonOf is what was written, as JSON.
func jsonOf(s *schema.Value) string {
	switch s.Kind {
	case schema.Sequence:
		b := "["
		for i, item := range s.Items {
			b += comma(i) + jsonOf(item)
		}
		return b + "]"
	case schema.Mapping:
		b := "{"
		for i, entry := range s.Entries {
			b += comma(i) + quoted(entry.Key.Value) + ":" + jsonOf(entry.Value)
		}
		return b + "}"
	case schema.Nothing:
		return "null"
	case schema.PlainText:
		if json.Valid([]byte(s.Text)) { // true, null, a number
			return s.Text
		}
	}
	return quoted(s.Text)
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(b)
}

// String returns the type as Go spells it outside of its package.
func (g GoType) String() string { return fmt.Sprintf("%s.%s", g.Path, g.Type) }
