package gen_test

import (
	"fmt"
	"slices"
	"strings"
)

// foldParts are what the folds of one event can be made of.
type foldParts struct {
	event      randomEvent
	key, row   []randomField
	paths      []string
	each, elem string // a collection of the event, and the type of its elements, "" for a map's
}

// folds writes what an event does to rows: in Go, or declared, to one row or several, once or several times.
func (m *randomModel) folds(p foldParts) {
	if m.IntN(3) == 0 {
		m.line(3, "%s:", m.ref(p.event))
		m.line(4, "key:")
		for i, f := range p.key {
			m.line(5, "%s: %s", f.name, p.paths[i])
		}
		return
	}
	m.line(3, "%s:", m.ref(p.event))
	inGo := false
	for range 1 + m.IntN(3) {
		var parts []string
		p.each, p.elem = "", ""
		mayGo := true
		if list := p.event.collections(); len(list) > 0 && m.IntN(2) == 0 {
			f := list[m.IntN(len(list))]
			p.each = "item"
			for _, collection := range []string{"list of ", "set of "} {
				if elem, ok := strings.CutPrefix(f.typ, collection); ok {
					p.elem = elem
				}
			}
			parts = append(parts, "each: event."+f.name)
			if m.IntN(2) == 0 {
				p.each = m.one(hostileElements)
				parts = append(parts, "as: "+p.each)
			}
			for _, word := range []string{"time", "duration", "uuid"} {
				mayGo = mayGo && !slices.Contains(strings.Fields(f.typ), word)
			}
		}
		parts = append(parts, m.where(p), m.foldKey(p))
		switch n := m.IntN(6); {
		case n == 0:
			parts = append(parts, "delete: true")
		case n == 1 && mayGo && !inGo:
			inGo = true
		default:
			parts = append(parts, "set: {"+strings.Join(m.sets(p), ", ")+"}")
		}
		m.line(4, "- {%s}", strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", "))
	}
}

// hostileElements are legal names of elements that mean something in Go.
var hostileElements = strings.Fields("e rec rows row2 key keys id fault items itemKey where string cap nil any fmt cqrs strings")

// collections are the fields of an event that have elements.
func (e randomEvent) collections() []randomField {
	return slices.DeleteFunc(slices.Clone(e.fields), func(f randomField) bool {
		return !strings.HasPrefix(f.typ, "list of ") && !strings.HasPrefix(f.typ, "set of ") && !strings.HasPrefix(f.typ, "map of ")
	})
}

func (m *randomModel) foldKey(p foldParts) string {
	if p.each == "" && m.IntN(6) == 0 {
		return "key: go"
	}
	var values []string
	for i, f := range p.key {
		value := p.paths[i]
		if p.each != "" && p.elem == f.typ && m.IntN(2) == 0 {
			value = p.each
		}
		values = append(values, f.name+": "+value)
	}
	return "key: {" + strings.Join(values, ", ") + "}"
}

func (m *randomModel) where(p foldParts) string {
	var conditions []string
	add := func(root string, fields []randomField) {
		for _, f := range fields {
			base := m.baseOf(f.typ)
			switch {
			case base == "bool":
				conditions = append(conditions, "bool("+root+"."+f.name+")", "!bool("+root+"."+f.name+")")
			case strings.Contains(base, "int") && !slices.Contains(m.enums, f.typ):
				conditions = append(conditions, fmt.Sprintf("%s.%s * 2 > 7", root, f.name), fmt.Sprintf("%s.%s == 0", root, f.name))
			case base == "string":
				conditions = append(conditions, fmt.Sprintf("len(%s.%s) > 0", root, f.name))
			case strings.HasPrefix(f.typ, "optional "):
				conditions = append(conditions, root+"."+f.name+".Present()")
			}
		}
	}
	add("event", p.event.fields)
	add("row", p.row)
	if len(conditions) == 0 || m.IntN(2) == 0 {
		return ""
	}
	first, second := m.one(conditions), m.one(conditions)
	if first == second {
		return fmt.Sprintf("where: %q", first)
	}
	return fmt.Sprintf("where: %q", first+m.one([]string{" || ", " && "})+second)
}

// baseOf is the scalar of a type, "" for an enum and for what is none.
func (m *randomModel) baseOf(typ string) string {
	if base, ok := m.scalars[typ]; ok {
		return base
	}
	if slices.Contains(scalarWords, typ) {
		return typ
	}
	return ""
}

// sets are values for some fields of a row.
func (m *randomModel) sets(p foldParts) []string {
	var out []string
	for _, f := range p.row {
		if values := m.valuesOf(f, p); len(values) > 0 && m.IntN(3) > 0 {
			out = append(out, fmt.Sprintf("%s: %q", f.name, m.one(values)))
		}
	}
	return out
}

// valuesOf are expressions of the type of a row's field.
func (m *randomModel) valuesOf(f randomField, p foldParts) []string {
	var out []string
	wanted, optional := strings.CutPrefix(f.typ, "optional ")
	if optional {
		out = append(out, "none")
	}
	for root, fields := range map[string][]randomField{"event": p.event.fields, "row": p.row} {
		for _, g := range fields {
			if (g.typ == f.typ || g.typ == wanted) && (root != "row" || g.name != f.name) {
				out = append(out, root+"."+g.name)
			}
			if g.typ == f.typ && strings.HasPrefix(f.typ, "list of ") {
				out = append(out, fmt.Sprintf("append(row.%s, %s.%s...)", f.name, root, g.name))
			}
		}
	}
	for _, id := range p.event.ids {
		if id.typ == f.typ {
			out = append(out, "stream.id"+id.name)
		}
	}
	if p.elem != "" && p.elem == f.typ {
		out = append(out, p.each)
	}
	if list, ok := strings.CutPrefix(f.typ, "list of "); ok && p.elem == list && p.elem != "" {
		out = append(out, fmt.Sprintf("append(row.%s, %s)", f.name, p.each))
	}
	switch base := m.baseOf(wanted); base {
	case "time":
		if wanted == "time" {
			out = append(out, "meta.time")
		}
	case "string":
		if wanted == "string" {
			out = append(out, "meta.actor", "lower(meta.commandID)")
		}
		if !optional {
			out = append(out, "upper(row."+f.name+")")
		}
	case "bool":
		if !optional {
			out = append(out, "!row."+f.name)
		}
	case "int", "int32", "int64", "uint32", "uint64":
		if !optional {
			out = append(out, "row."+f.name+" + 1", "row."+f.name+" * row."+f.name+" - 1")
		}
	}
	slices.Sort(out) // the roots come in any order
	return out
}
