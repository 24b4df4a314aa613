package evolve

import (
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// kind says what became different in a type.
type kind int

const (
	retyped     kind = iota // values are written in another way
	required                // it was optional
	widened                 // values are read as before, and there may be others now
	valueGone               // of an enum
	valueAdded              // to an enum
	fieldGone               // of a struct
	fieldAdded              // to a struct, and it is required
	rebased                 // a scalar
	recoded                 // a type of a Go package is written in another way
	marked                  // it is a person's now, or no longer
	markedOther             // it is another person's
)

// change is one difference between the shape of a type as it was and as it is.
type change struct {
	kind kind
	// was and is are the declarations in which it lies; nil where it is in a field's own type.
	was, is *lock.Type
	// field is the struct's field, from and to are what differs: types, a value, a field.
	field, from, to string
	oldAt, at       diag.Span
}

// certain reports whether what is stored is concerned, and not only what is written from now on. A person's data is read
// in clear text where it was stored before it was marked.
func (c *change) certain() bool {
	return c.kind != widened && c.kind != valueAdded && (c.kind != marked || c.from != "")
}

// shapes compares types of two models. What was found out about a pair is kept: structs hold each other.
type shapes struct {
	old, new map[string]*lock.Type
	known    map[[2]string][]change
}

func newShapes(old, new *lock.Lock) *shapes {
	s := &shapes{old: map[string]*lock.Type{}, new: map[string]*lock.Type{}, known: map[[2]string][]change{}}
	for _, t := range old.Types {
		s.old[t.Name] = t
	}
	for _, t := range new.Types {
		s.new[t.Name] = t
	}
	return s
}

// field compares the types and marks of two fields, which may have different names.
func (s *shapes) field(was, is *lock.Field) []change {
	changes := slices.Clone(s.types(was.Type, is.Type))
	for i := range changes {
		if c := &changes[i]; c.is == nil {
			c.oldAt, c.at = was.At, is.At
		}
	}
	if was.Personal != is.Personal {
		c := change{kind: marked, from: was.Personal, to: is.Personal, oldAt: was.At, at: is.At}
		if was.Personal != "" && is.Personal != "" {
			c.kind = markedOther
		}
		changes = append(changes, c)
	}
	return changes
}

// types compares two types in the words of their models.
func (s *shapes) types(was, is string) []change {
	pair := [2]string{was, is}
	if found, ok := s.known[pair]; ok {
		return found
	}
	o, err := lock.ParseType(was)
	n, err2 := lock.ParseType(is)
	var changes []change
	if err != nil || err2 != nil {
		changes = []change{{kind: retyped, from: was, to: is}}
	} else {
		changes = s.exprs(o, n)
	}
	s.known[pair] = changes
	return changes
}

func (s *shapes) exprs(was, is *lock.TypeExpr) []change {
	other := []change{{kind: retyped, from: was.String(), to: is.String()}}
	switch {
	case was.Optional() && !is.Optional():
		return append([]change{{kind: required, from: was.String(), to: is.String()}}, s.exprs(was.Elem, is)...)
	case !was.Optional() && is.Optional():
		return append([]change{{kind: widened, from: was.String(), to: is.String()}}, s.exprs(was, is.Elem)...)
	case was.Kind != is.Kind:
		return other
	case was.Kind == "":
		return s.named(was.Name, is.Name)
	case was.Key != nil:
		changes := s.exprs(was.Key, is.Key)
		for _, c := range changes {
			if c.is == nil { // keys are texts of their own kind
				return other
			}
		}
		return append(changes, s.exprs(was.Elem, is.Elem)...)
	}
	changes := s.exprs(was.Elem, is.Elem)
	if slices.ContainsFunc(changes, func(c change) bool { return c.is == nil && c.kind == retyped }) {
		return other
	}
	return changes
}

// named compares two names of types: scalars, or declared ones.
func (s *shapes) named(was, is string) []change {
	o, n := s.old[was], s.new[is]
	wasBase, isBase := baseOf(was, o), baseOf(is, n)
	c := change{kind: retyped, from: was, to: is}
	switch {
	case wasBase != "" && isBase != "":
		if wasBase == isBase || alike[wasBase] == isBase && isBase != "" {
			return nil
		}
		if o != nil && n != nil && was == is {
			c = change{kind: rebased, was: o, is: n, from: wasBase, to: isBase, oldAt: o.At, at: n.At}
		}
		if wider[wasBase+" "+isBase] {
			c.kind = widened
		}
		return []change{c}
	case o != nil && n != nil && len(o.Values) > 0 && len(n.Values) > 0:
		return enums(o, n)
	case o != nil && len(o.Values) > 0 && isBase == "string":
		c.kind = widened
	case o != nil && n != nil && o.Struct && n.Struct:
		return s.structs(o, n)
	case o != nil && n != nil && o.Encoding != "" && was == is:
		if o.Encoding == n.Encoding {
			return nil
		}
		c = change{kind: recoded, from: was + " written as " + o.Encoding, to: "written as " + n.Encoding}
	}
	return []change{c}
}

// baseOf is the scalar that a name stands for; it is empty if it stands for none.
func baseOf(name string, t *lock.Type) string {
	if t != nil {
		return t.Base
	}
	if lock.Scalars[name] {
		return name
	}
	return ""
}

// alike are scalars of which all values are written in the same way.
var alike = map[string]string{"int": "int64", "int64": "int"}

// wider are pairs of scalars of which the second reads all that the first one writes.
var wider = map[string]bool{
	"int32 int": true, "int32 int64": true, "uint32 int": true, "uint32 int64": true, "uint32 uint64": true,
	"uuid string": true, "date string": true, "time string": true, "bytes string": true,
}

func enums(o, n *lock.Type) []change {
	var changes []change
	has := func(list []lock.Value, text string) bool {
		return slices.ContainsFunc(list, func(v lock.Value) bool { return v.Text == text })
	}
	for _, v := range o.Values {
		if !has(n.Values, v.Text) {
			changes = append(changes, change{kind: valueGone, was: o, is: n, from: v.Text, oldAt: v.At, at: n.At})
		}
	}
	for _, v := range n.Values {
		if !has(o.Values, v.Text) {
			changes = append(changes, change{kind: valueAdded, was: o, is: n, to: v.Text, oldAt: o.At, at: v.At})
		}
	}
	return changes
}

func (s *shapes) structs(o, n *lock.Type) []change {
	var changes []change
	for _, f := range o.Fields {
		g := fieldOf(n.Fields, f.Name)
		if g == nil {
			changes = append(changes, change{kind: fieldGone, was: o, is: n, field: f.Name, from: f.Type, oldAt: f.At, at: n.At})
			continue
		}
		for _, c := range s.field(f, g) {
			if c.is == nil {
				c.was, c.is, c.field = o, n, f.Name
			}
			changes = append(changes, c)
		}
	}
	for _, g := range n.Fields {
		if fieldOf(o.Fields, g.Name) == nil && !isOptional(g.Type) {
			changes = append(changes, change{kind: fieldAdded, was: o, is: n, field: g.Name, to: g.Type, oldAt: o.At, at: g.At})
		}
	}
	return changes
}

func fieldOf(list []*lock.Field, name string) *lock.Field {
	for _, f := range list {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func isOptional(typ string) bool {
	t, err := lock.ParseType(typ)
	return err == nil && t.Optional()
}
