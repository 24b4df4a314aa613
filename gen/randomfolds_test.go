package gen_test

import (
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// randomTypes is what expressions must know of the declared types.
type randomTypes struct {
	enums   map[string][]string
	structs map[string][]randomField
}

func newRandomTypes() randomTypes {
	return randomTypes{enums: map[string][]string{}, structs: map[string][]randomField{}}
}

// randomSource is a name that expressions start from.
type randomSource struct {
	name   string
	fields []randomField
}

// randomExpr writes expressions of given types.
type randomExpr struct {
	*randomModel
	sources []randomSource
}

// writeApply writes how an event changes the state, of which each field is changed once at most.
func (m *randomModel) writeApply(state, event []randomField) {
	if m.IntN(3) == 0 {
		return
	}
	x := randomExpr{m, []randomSource{
		{"event", event}, {"state", state},
		{"meta", []randomField{{"time", "time"}, {"actor", "string"}, {"commandID", "string"}, {"version", "int64"}}},
	}}
	var apply, remove []string
	for _, f := range state {
		target, value := x.change(f)
		switch {
		case m.IntN(4) == 0 || target == "":
		case value == "":
			remove = append(remove, strconv.Quote(target))
		default:
			apply = append(apply, strconv.Quote(target)+": "+strconv.Quote(value))
		}
	}
	m.line(4, "apply: {%s}", strings.Join(apply, ", "))
	if len(remove) > 0 {
		m.line(4, "remove: [%s]", strings.Join(remove, ", "))
	}
}

// change is a change of a field, or of something in it. Without a value, something is removed.
func (x randomExpr) change(f randomField) (target, value string) {
	return x.changeAt(f.name, f.typ, 3)
}

func (x randomExpr) changeAt(place, typ string, depth int) (target, value string) {
	key, elem, isMap := mapOf(typ)
	set, isSet := strings.CutPrefix(typ, "set of ")
	fields, isStruct := x.known.structs[typ]
	inside := depth > 0 && x.IntN(2) == 0
	switch {
	case isMap && inside:
		k := x.value(key, 2)
		if k == "" {
			return "", ""
		}
		place += "[" + k + "]"
		if x.IntN(4) == 0 {
			return place, ""
		}
		return x.changeAt(place, elem, depth-1)
	case isSet && inside:
		k := x.value(set, 2)
		if k == "" {
			return "", ""
		}
		return place + "[" + k + "]", x.one([]string{"true", "false", ""})
	case isStruct && inside:
		f := fields[x.IntN(len(fields))]
		return x.changeAt(place+"."+f.name, f.typ, depth-1)
	}
	if value = x.value(typ, 3); value == "" || value == "state."+place {
		return "", ""
	}
	return place, value
}

func mapOf(typ string) (key, elem string, ok bool) {
	rest, ok := strings.CutPrefix(typ, "map of ")
	key, elem, _ = strings.Cut(rest, " to ")
	return key, elem, ok
}

// value is an expression of a type, empty where none was found.
func (x randomExpr) value(typ string, depth int) string {
	var found []string
	for _, s := range x.sources {
		for _, f := range s.fields {
			if f.typ == typ {
				found = append(found, s.name+"."+f.name)
			}
			if key, elem, ok := mapOf(f.typ); ok && elem == typ && depth > 0 {
				if k := x.value(key, depth-1); k != "" {
					found = append(found, s.name+"."+f.name+"["+k+"]")
				}
			}
			if f.typ == "optional "+typ && depth > 0 {
				if otherwise := x.value(typ, 0); otherwise != "" {
					found = append(found, s.name+"."+f.name+".Or("+otherwise+")")
				}
			}
		}
	}
	if made := x.made(typ, depth); made != "" && (len(found) == 0 || x.IntN(2) == 0) {
		return made
	}
	if len(found) == 0 {
		return ""
	}
	return x.one(found)
}

// made is a value that is computed, or a constant.
func (x randomExpr) made(typ string, depth int) string {
	if values, ok := x.known.enums[typ]; ok {
		v := x.one(values)
		if !token.IsIdentifier(v) {
			return fmt.Sprintf("%s(%q)", typ, v)
		}
		return typ + "." + v
	}
	if fields, ok := x.known.structs[typ]; ok {
		return x.build(typ, fields, depth)
	}
	if elem, ok := strings.CutPrefix(typ, "optional "); ok {
		if v := x.value(elem, depth-1); v != "" && depth > 0 {
			return v
		}
		return "none"
	}
	if elem, ok := strings.CutPrefix(typ, "list of "); ok {
		return x.longer(typ, elem, depth)
	}
	if strings.Contains(typ, " ") {
		return ""
	}
	if base, ok := x.scalars[typ]; ok {
		if v := x.scalarValue(base, typ, depth); v != "" {
			return v
		}
		if v := x.value(base, depth-1); v != "" && depth > 0 {
			return typ + "(" + v + ")"
		}
		return ""
	}
	return x.scalarValue(typ, typ, depth)
}

func (x randomExpr) build(typ string, fields []randomField, depth int) string {
	var values []string
	for _, f := range fields {
		v := ""
		if depth > 0 {
			v = x.value(f.typ, depth-1)
		}
		switch {
		case v != "":
			values = append(values, f.name+": "+v)
		case !strings.HasPrefix(f.typ, "optional "):
			return ""
		}
	}
	return typ + "{" + strings.Join(values, ", ") + "}"
}

func (x randomExpr) longer(typ, elem string, depth int) string {
	if depth <= 0 {
		return ""
	}
	list, v := x.value(typ, 0), x.value(elem, depth-1)
	if typ == "list of date" && x.IntN(2) == 0 {
		return `days("2026-03-01", meta.time.Date())`
	}
	if list == "" || v == "" || elem == "" {
		return ""
	}
	if x.IntN(2) == 0 {
		return "append(" + list + ", " + list + "...)"
	}
	if strings.HasPrefix(elem, "optional ") { // of which a value that it may hold is not one
		return ""
	}
	return "append(" + list + ", " + v + ")"
}

// scalarValue is a value of a scalar, or of a type over it.
func (x randomExpr) scalarValue(base, typ string, depth int) string {
	a := ""
	if depth > 0 {
		a = x.value(typ, 0)
	}
	pick := func(constant string, computed ...string) string {
		if a == "" || x.IntN(3) == 0 {
			return typ + "(" + constant + ")" // which is of the type wherever it stands
		}
		return strings.ReplaceAll(x.one(computed), "@", a)
	}
	switch base {
	case "string":
		return pick(`"x\"y"`, `@ + "z"`, `lower(@)`, `trim(upper(@))`, `min(@, "m")`)
	case "bool":
		if depth > 0 && x.IntN(2) == 0 && base == typ {
			return x.comparison(depth)
		}
		return pick("true", "!@", "@ && !@", "(@ || false) == @")
	case "int", "int32", "int64":
		return pick("7", "@ + 1", "-@", "abs(@)", "(@ - 2) * @", "@ / 3 % (@ + 1)", "max(@, 5)", typ+"(len("+`"abc"`+"))", typ+"(@ * 2)")
	case "uint32", "uint64":
		return pick("7", "@ + 1", "@ * (@ - 2)", "@ % 5", "min(@, @)")
	case "float64":
		return pick("1.5", "@ * 2 - (@ + 1) / @", "-@", "abs(@)")
	case "decimal":
		return pick("12.50", "@ + 1", "-@ * (@ - 0.5)", "abs(@)")
	case "time":
		return pick(`"2026-03-01T10:00:00Z"`, "@.Add(2 * time.Hour)")
	case "date":
		return pick(`"2026-03-01"`, "@.AddDays(3)", `@.AddDays(len("ab"))`)
	case "duration":
		return pick("time.Hour+3*time.Second", "@ * 2", "@ - "+typ+"(time.Minute)", "-@")
	case "uuid":
		return pick(`"0190f1ee-6c54-7b01-90e6-d701748f0851"`, "@")
	}
	return ""
}

// comparison is a condition on a value of some type.
func (x randomExpr) comparison(depth int) string {
	var all []randomField
	for _, s := range x.sources {
		for _, f := range s.fields {
			all = append(all, randomField{s.name + "." + f.name, f.typ})
		}
	}
	if len(all) == 0 {
		return "true"
	}
	f := all[x.IntN(len(all))]
	base := f.typ
	if under, ok := x.scalars[f.typ]; ok {
		base = under
	}
	switch {
	case strings.HasPrefix(f.typ, "optional "):
		return f.name + ".Present()"
	case strings.HasPrefix(f.typ, "list of "), strings.HasPrefix(f.typ, "map of "):
		return "len(" + f.name + ") > 2"
	case strings.HasPrefix(f.typ, "set of "):
		if v := x.value(strings.TrimPrefix(f.typ, "set of "), depth-1); v != "" {
			return f.name + x.one([]string{"[" + v + "]", ".Has(" + v + ")"})
		}
		return "len(" + f.name + ") == 0"
	case base == "bytes":
		return "len(" + f.name + ") != 3"
	case slices.Contains(x.structs, f.typ):
		return "true"
	}
	op := " == "
	if slices.Contains(strings.Fields("string int int32 int64 uint32 uint64 float64 time duration date decimal"), base) {
		op = x.one([]string{" == ", " < ", " >= ", " != "})
	}
	if v := x.value(f.typ, depth-1); v != "" {
		return f.name + op + "(" + v + ")"
	}
	return f.name + op + f.name
}

// writeCheck writes rules over several fields.
func (m *randomModel) writeCheck(depth int, fields []randomField) {
	if m.IntN(2) == 0 || len(fields) == 0 {
		return
	}
	x := randomExpr{m, []randomSource{{"self", fields}}}
	m.line(depth, "check: [{that: %q, else: %q}]", x.comparison(2), m.one([]string{"is wrong", "%s \" \\ is `wrong`"}))
}
