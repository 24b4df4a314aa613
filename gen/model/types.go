package model

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

var scalars = map[string]Kind{
	"string": String, "bool": Bool, "int": Int, "int32": Int32, "int64": Int64, "uint32": Uint32, "uint64": Uint64,
	"float64": Float64, "bytes": Bytes, "time": Time, "duration": Duration, "uuid": UUID, "date": Date,
	"decimal": Decimal,
}

// String returns a scalar's name in the model's words.
func (k Kind) String() string {
	for name, kind := range scalars {
		if kind == k {
			return name
		}
	}
	switch k {
	case Optional:
		return "optional"
	case List:
		return "list"
	case Set:
		return "set"
	case Map:
		return "map"
	case Ref:
		return "declared type"
	}
	return "unknown type"
}

// Integer reports whether the kind is a whole number.
func (k Kind) Integer() bool { return k >= Int && k <= Uint64 }

// String returns the type in the model's words: "optional list of Money".
func (t Type) String() string {
	switch t.Kind {
	case Optional:
		return "optional " + t.Elem.String()
	case List:
		return "list of " + t.Elem.String()
	case Set:
		return "set of " + t.Elem.String()
	case Map:
		return "map of " + t.Key.String() + " to " + t.Elem.String()
	case Ref:
		return t.Named.Name
	}
	return t.Kind.String()
}

// Equal reports whether two types are the same. Declared types are the same by name only.
func (t Type) Equal(u Type) bool {
	same := func(a, b *Type) bool { return a == b || a != nil && b != nil && a.Equal(*b) }
	return t.Kind == u.Kind && t.Named == u.Named && same(t.Key, u.Key) && same(t.Elem, u.Elem)
}

// Scalar returns the scalar that stands for a value of the type: the type itself, the base of a named scalar, and
// String for an enum. It is zero for any other type.
func (t Type) Scalar() Kind {
	switch {
	case t.Kind <= Decimal:
		return t.Kind
	case t.Kind != Ref:
		return 0
	case t.Named.Kind == Enum:
		return String
	}
	return t.Named.Base
}

// isEnum reports whether the type is a declared enum.
func (t Type) isEnum() bool { return t.Kind == Ref && t.Named.Kind == Enum }

// broken reports whether something in the type was reported, so that nothing more can be said of it.
func (t Type) broken() bool {
	switch t.Kind {
	case Optional, List, Set:
		return t.Elem.broken()
	case Map:
		return t.Key.broken() || t.Elem.broken()
	case Ref:
		return t.Named.Kind == 0 || t.Named.Kind == Scalar && t.Named.Base == 0
	}
	return t.Kind == 0
}

// declareTypes enters the declared types with what can be said of each alone.
func (r *resolver) declareTypes(list []*schema.Type) {
	for _, t := range list {
		if t.OfID {
			r.enter("id", "", t.Decl)
		} else {
			r.declare("type", "", t.Decl)
		}
		n := &Named{Name: t.Name.Value, Doc: t.Doc, At: t.Name.At, Kind: r.namedKind(t), Deprecated: t.Deprecated.Value}
		r.model.Types = append(r.model.Types, n)
		switch n.Kind {
		case Scalar:
			r.base(t, n)
		case Enum:
			r.enum(t, n)
		}
	}
	index(r.types, r.model.Types, func(n *Named) string { return n.Name })
}

// namedKind tells what a declared type is, by the one key that says so.
func (r *resolver) namedKind(t *schema.Type) NamedKind {
	kinds := []struct {
		key  string
		kind NamedKind
	}{{"base", Scalar}, {"enum", Enum}, {"fields", Struct}}
	var kind NamedKind
	var written []string
	faulty := false
	for _, k := range kinds {
		if t.Keys[k.key] != schema.Absent {
			kind = k.kind
			written = append(written, "`"+k.key+"`")
			faulty = faulty || t.Keys[k.key] == schema.Faulty
		}
	}
	switch len(written) {
	case 0:
		r.errorf(diag.TypeKind, t.Name.At, "",
			"the type %s is nothing yet: add `base: string`, `enum: [A, B]` or `fields: {a: string}`", t.Name.Value)
	case 1:
		return kind
	default:
		if faulty {
			return 0
		}
		r.errorf(diag.TypeKind, t.Name.At, "keep one of them",
			"the type %s has %s", t.Name.Value, strings.Join(written, " and "))
	}
	return 0
}

// base resolves the scalar below a named scalar, and its rules.
func (r *resolver) base(t *schema.Type, n *Named) {
	if !t.Base.Given() {
		return
	}
	kind, ok := scalars[t.Base.Value]
	if !ok {
		hint := scalarHint(t.Base.Value)
		if hint == "" {
			hint = diag.DidYouMean(t.Base.Value, scalarNames())
		}
		r.errorf(diag.BaseNotScalar, t.Base.At, hint, "the base of %s is not a scalar: %q", n.Name, t.Base.Value)
		r.bounds(t.Rules)
		return
	}
	n.Base = kind
	n.Rules = r.rules(t.Rules, Type{Kind: kind})
}

func scalarNames() []string { return slices.Sorted(maps.Keys(scalars)) }

var enumValue = regexp.MustCompile(`^[A-Za-z0-9_]*[A-Za-z0-9][A-Za-z0-9_]*$`)

func (r *resolver) enum(t *schema.Type, n *Named) {
	if missing(t.Keys, "enum", len(t.Values)) {
		r.errorf(diag.EmptyType, t.Name.At, "", "the enum %s has no values", n.Name)
	}
	r.noRules(t, "enum")
	seen := map[string]schema.Text{}
	for _, v := range t.Values {
		if len(v.Value) > MaxName || !enumValue.MatchString(v.Value) {
			r.errorf(diag.EnumValue, v.At, "", "a value of an enum has 1 to %d letters, digits and _", MaxName)
			continue
		}
		folded := strings.ReplaceAll(strings.ToLower(v.Value), "_", "")
		if first, twice := seen[folded]; twice {
			how := "stands here twice"
			if first.Value != v.Value {
				how = fmt.Sprintf("differs from %q only in case or _", first.Value)
			}
			r.clash(diag.EnumDuplicate, v.At, first.At, "the first one", "the value %q %s", v.Value, how)
			continue
		}
		seen[folded] = v
		n.Values = append(n.Values, EnumValue{Name: v.Value, At: v.At})
	}
}

// noRules reports the rules of a declared type that can't have any.
func (r *resolver) noRules(t *schema.Type, what string) {
	for _, rule := range t.Rules {
		r.errorf(diag.RuleNotForType, rule.Name.At, "", "`%s` does not apply to %s", rule.Name.Value, article(what))
	}
}

// resolveTypes resolves the fields of the declared structs.
func (r *resolver) resolveTypes(list []*schema.Type) {
	for i, t := range list {
		n := r.model.Types[i]
		if n.Kind != Struct {
			continue
		}
		if missing(t.Keys, "fields", len(t.Fields)) {
			r.errorf(diag.EmptyType, t.Name.At, "", "the struct %s has no fields", n.Name)
		}
		r.noRules(t, "struct")
		n.Fields = r.fields("the struct "+n.Name, t.Fields)
		r.fieldsUnknown[n] = unread(t.Keys, "fields", len(t.Fields))
	}
	r.cycles()
	for i, t := range list {
		n := r.model.Types[i]
		if n.Kind != Struct {
			for _, c := range t.Checks {
				r.errorf(diag.RuleNotForType, c.At, "a struct has fields to check", "`check` applies to structs and commands")
			}
		} else {
			n.Checks = r.checks(t.Checks, n.Fields, "the struct "+n.Name, r.fieldsUnknown[n])
		}
	}
}

// fields resolves the fields of one element.
func (r *resolver) fields(owner string, list []*schema.Field) []*Field {
	if len(list) > MaxFields {
		r.errorf(diag.TooManyFields, list[MaxFields].Name.At, "group some of them into a struct",
			"%s has %d fields; at most %d are allowed", owner, len(list), MaxFields)
	}
	fields := make([]*Field, 0, len(list))
	seen := map[string]schema.Text{}
	for _, f := range list {
		if f.Duplicate {
			continue
		}
		r.fieldName(f.Name)
		if f.From.Given() && !strings.HasPrefix(owner, "the event ") {
			r.errorf(diag.FromWhere, f.From.At, "", "only a field of an event is filled from the state, not one of %s", owner)
		}
		if f.Search.Given() && !strings.HasPrefix(owner, "the key of ") && !strings.HasPrefix(owner, "the row of ") {
			r.errorf(diag.NotSearched, f.Search.At, "", "only a field of a projection is searched, not one of %s", owner)
		}
		lower := strings.ToLower(f.Name.Value)
		if first, twice := seen[lower]; twice {
			r.clash(diag.FieldsCollide, f.Name.At, first.At, "the first one",
				"the fields %s and %s differ only in case", first.Value, f.Name.Value)
		} else {
			seen[lower] = f.Name
		}
		if identifier.MatchString(f.Name.Value) {
			f.Name.Value = lowerFirst(f.Name.Value) // the wrong case was reported: what follows speaks of the right one
		}
		fields = append(fields, r.field(f))
	}
	return fields
}

func (r *resolver) field(f *schema.Field) *Field {
	m := &Field{Name: f.Name.Value, Doc: f.Doc, At: f.Name.At, Personal: f.Personal.Given(), Deprecated: f.Deprecated.Value, Search: f.Search.Value}
	if f.Type != nil {
		m.Type = r.typeOf(f.Type)
	}
	if m.Type.broken() {
		r.bounds(f.Rules)
	} else {
		m.Rules = r.rules(f.Rules, m.Type)
	}
	return m
}

// typeOf resolves a type expression. The result is broken where something was reported.
func (r *resolver) typeOf(x *schema.TypeExpr) Type {
	switch x.Kind {
	case schema.Optional, schema.List:
		elem := r.typeOf(x.Elem)
		if x.Kind == schema.List {
			return Type{Kind: List, Elem: &elem}
		}
		return Type{Kind: Optional, Elem: &elem}
	case schema.Set:
		elem := r.typeOf(x.Elem)
		if !elem.broken() && !setElem(elem) {
			r.errorf(diag.SetElement, x.Elem.At, "use a list, which may hold anything", "%s can't be in a set", elem)
		}
		return Type{Kind: Set, Elem: &elem}
	case schema.Map:
		key, elem := r.typeOf(x.Key), r.typeOf(x.Elem)
		if !key.broken() && !mapKey(key) {
			r.errorf(diag.MapKey, x.Key.At, "a map's key is a string, an integer, an enum, or a named scalar over them",
				"%s can't be the key of a map", key)
		}
		return Type{Kind: Map, Key: &key, Elem: &elem}
	}
	if x.Kind == schema.External {
		return r.externalType(x)
	}
	if kind, ok := scalars[x.Name]; ok {
		return Type{Kind: kind}
	}
	if n, ok := r.types[x.Name]; ok {
		return Type{Kind: Ref, Named: r.use(n)}
	}
	if r.typesUnknown {
		return Type{}
	}
	r.errorf(diag.UnknownType, x.At, r.typeHint(x.Name), "unknown type %q", x.Name)
	return Type{}
}

func mapKey(t Type) bool {
	k := t.Scalar()
	return k == String || k.Integer()
}

// setElem reports whether a set can hold a type: one whose values Go compares by what they say, and that have an order.
func setElem(t Type) bool {
	k := t.Scalar()
	return mapKey(t) || k == Duration || k == UUID || k == Date || k == Decimal
}

// typeHint says what an unknown type was probably meant to be.
func (r *resolver) typeHint(name string) string {
	if hint := scalarHint(name); hint != "" {
		return hint
	}
	if hint := r.isAnother(name); hint != "" {
		return hint
	}
	if r.tired() {
		return ""
	}
	candidates := scalarNames()
	for _, n := range r.model.Types {
		candidates = append(candidates, n.Name)
	}
	if _, near := r.hint(name, candidates); near != "" {
		return did(near)
	}
	return "declare it under `types`, or use a scalar: " + strings.Join(scalarNames(), ", ")
}

// otherScalars has what other languages call the scalars.
var otherScalars = map[string]string{
	"str": "string", "text": "string", "varchar": "string", "char": "string", "email": "string", "url": "string",
	"boolean": "bool", "integer": "int64", "long": "int64", "bigint": "int64", "short": "int32", "int8": "int32",
	"int16": "int32", "byte": "uint32", "uint": "uint64", "uint8": "uint32", "uint16": "uint32",
	"numeric": "decimal", "money": "decimal", "bigdecimal": "decimal", "decimal.decimal": "decimal",
	"float": "float64", "float32": "float64", "double": "float64", "number": "float64", "real": "float64",
	"datetime": "time", "timestamp": "time", "instant": "time", "time.time": "time", "day": "date",
	"time.duration": "duration", "interval": "duration", "guid": "uuid", "uuid.uuid": "uuid",
	"binary": "bytes", "blob": "bytes", "bytea": "bytes",
}

func scalarHint(name string) string {
	if s, ok := otherScalars[strings.ToLower(name)]; ok {
		return did(s)
	}
	return ""
}

// cycles reports the structs that contain themselves.
func (r *resolver) cycles() {
	const visiting, done = 1, 2
	state := map[*Named]int{}
	var path []string
	var visit func(n *Named)
	visit = func(n *Named) {
		state[n] = visiting
		for _, f := range n.Fields {
			path = append(path, n.Name+"."+f.Name)
			for _, s := range structsIn(f.Type) {
				switch state[s] {
				case 0:
					visit(s)
				case visiting:
					r.cycle(f, s, path)
				}
			}
			path = path[:len(path)-1]
		}
		state[n] = done
	}
	for _, n := range r.model.Types {
		if state[n] == 0 {
			visit(n)
		}
	}
}

// shownOfCycle is how much of a long way round is shown, at its start and at its end.
const shownOfCycle = 4

// cycle reports the field that leads back to a struct. path has the fields that led to it, from anywhere.
func (r *resolver) cycle(f *Field, back *Named, path []string) {
	r.cyclic = true
	start := slices.IndexFunc(path, func(s string) bool { return strings.HasPrefix(s, back.Name+".") })
	way := path[start:]
	if left := len(way) - 2*shownOfCycle; left > 1 {
		way = slices.Concat(way[:shownOfCycle], []string{fmt.Sprintf("(%d more)", left)}, way[len(way)-shownOfCycle:])
	}
	r.errorf(diag.Cycle, f.At, "refer to the other one by an id", "the struct %s contains itself: %s -> %s",
		back.Name, strings.Join(way, " -> "), back.Name)
}

// structsIn returns the structs that a type holds, in whatever way.
func structsIn(t Type) []*Named {
	switch t.Kind {
	case Optional, List, Set:
		return structsIn(*t.Elem)
	case Map:
		return structsIn(*t.Elem)
	case Ref:
		if t.Named.Kind == Struct {
			return []*Named{t.Named}
		}
	}
	return nil
}
