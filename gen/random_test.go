package gen_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Names that are legal in a model and hostile in Go: predeclared identifiers, packages that generated code imports,
// and the locals of generated code.
var (
	hostileFields = strings.Fields(`any append bool byte cap clear close complex copy delete error false float64 imag int
		int32 int64 iota len make max min new nil panic print real recover rune string true uint uint32 uint64 uintptr
		context errors fmt maps regexp slices strconv strings time cqrs aggregate jsoncodec projection readmodel validate
		uuid ctx id opts row rec e w r v c s m x ok seen values k i f g h p a b n err check rows table engine projector
		store deciders projections folds decider out data mode state key value json0 json1 runtime init main
		ctxValue stringValue lenValue customerId httpUrl apiKEY utf8 jsonID`)
	hostileTypes = strings.Fields(`Time UUID Context Error String Record Reader Writer Optional Date Duration Value Column
		Schema Kind Entry Store Codec Definition Fold Rows Runner Command Receipt Version Position Stream Types Type Func
		Map Range Select Default Case Var Const Return Nil True False Len Append Init Main Any Http URLList ID Validate
		Checker Find Freshness Model Strings Fmt Cqrs Regexp Slices Maps Json Go If Interface Struct Switch Chan Package
		Import Decider DeciderEvent Folds Projection Events Name Order Item Account AccountID Line RobotArm TestLinux
		ParseOrder OrderPattern Load Run Close Apply Get Add Execute Raw Marshal WriteByte UserLog Bytes Byte`)
	scalarWords  = strings.Fields("string bool int int32 int64 uint32 uint64 float64 bytes time duration uuid date decimal")
	orderedWords = strings.Fields("string bool int int32 int64 uint32 uint64 time duration uuid date decimal")
	idWords      = strings.Fields("string int int32 int64 uint32 uint64 uuid")
	hostileDocs  = []string{
		"", "One line.", "Two\nlines.", "*/ func init() { panic(1) } /*", "//go:embed secrets\n//go:build ignore",
		"+build ignore\n\n+build linux", "//export f", "#cgo LDFLAGS: -lm", "`ticks` \"quotes\" \\n %s %d",
		"- a list\n- of things\n\n1. and\n2. numbers", "# A heading", "    indented code", "[link]: https://example.org",
		strings.Repeat("averylongword", 40), "A thing.", "Deprecated", "ends with a backslash \\", "''two'' ``four``",
	}
)

// randomModel writes valid models. Only the Go names in them may collide.
type randomModel struct {
	*rand.Rand
	b     strings.Builder
	names map[string]bool

	scalars map[string]string // the base of each named scalar
	enums   []string
	structs []string
	events  []randomEvent
	streams []randomStreams

	members []string       // the names of events, rejections and commands
	uses    map[string]int // how many aggregates use each of them
	known   randomTypes
}

type randomEvent struct {
	name, aggregate string
	// ids are what stream.id has: itself, under no name, or its parts, each under its path.
	ids    []randomField
	fields []randomField
	group  int
}

// randomStreams are the streams of an aggregate that was written.
type randomStreams struct {
	aggregate string
	ids       []randomField
	events    []string
	phases    bool
}

type randomField struct{ name, typ string }

// newRandomModel returns the text of the model of a seed.
func newRandomModel(seed uint64) string {
	m := &randomModel{Rand: rand.New(rand.NewPCG(seed, 0)), names: map[string]bool{}, scalars: map[string]string{}, known: newRandomTypes(), uses: map[string]int{}}
	m.line(0, "cqrsgen: 1")
	m.line(0, "package: %s", m.one([]string{"random", "strings", "validate", "jsoncodec", "maps", "slices", "regexp"}))
	m.doc(0)
	m.types()
	m.line(0, "aggregates:")
	for i := range 1 + m.IntN(3) {
		m.aggregate(i)
	}
	if m.IntN(5) > 0 {
		m.line(0, "projections:")
		for range 1 + m.IntN(3) {
			m.projection()
		}
	}
	return m.b.String()
}

func (m *randomModel) line(depth int, format string, args ...any) {
	fmt.Fprintf(&m.b, strings.Repeat("  ", depth)+format+"\n", args...)
}

func (m *randomModel) one(of []string) string { return of[m.IntN(len(of))] }

func (m *randomModel) doc(depth int) {
	if text := m.one(hostileDocs); text != "" {
		m.line(depth, "doc: %q", text)
	}
}

// name is a new name of a type.
func (m *randomModel) name() string {
	for {
		name := m.one(hostileTypes)
		switch m.IntN(8) {
		case 0, 1, 2:
			name += m.one(hostileTypes)
		case 3: // as long as names may be
			name += strings.Repeat("o", 64-len(name))
		}
		if lower := strings.ToLower(name); !m.names[lower] {
			m.names[lower] = true
			return name
		}
	}
}

// fieldsOf are fields of new names, each of a type that typ gives.
func (m *randomModel) fieldsOf(n int, taken []randomField, typ func() string) []randomField {
	var out []randomField
	for len(out) < n {
		f := randomField{m.one(hostileFields), typ()}
		if m.IntN(20) == 0 {
			f.name += strings.Repeat("o", 64-len(f.name))
		}
		clash := func(g randomField) bool { return strings.EqualFold(f.name, g.name) }
		if !slices.ContainsFunc(out, clash) && !slices.ContainsFunc(taken, clash) {
			out = append(out, f)
		}
	}
	return out
}

func (m *randomModel) writeFields(depth int, key string, fields []randomField) {
	if len(fields) == 0 {
		return
	}
	m.line(depth, "%s:", key)
	for _, f := range fields {
		rules := m.rules(f.typ)
		if doc := m.one(hostileDocs); doc != "" && m.IntN(3) == 0 {
			rules += fmt.Sprintf(", doc: %q", doc)
		}
		rules += m.remarks(f.typ, rules)
		m.line(depth+1, "%s: {type: %s%s}", f.name, f.typ, rules)
	}
}

// rules are rules that a type can have.
func (m *randomModel) rules(typ string) string {
	typ = strings.TrimPrefix(typ, "optional ")
	if base, ok := m.scalars[typ]; ok {
		typ = base
	}
	if m.IntN(2) == 0 {
		return ""
	}
	switch {
	case typ == "string":
		return m.one([]string{", minLength: 1", ", maxLength: 9", ", pattern: '^[a-z\\d]+`\"?$'", ", minLength: 2, maxLength: 3, pattern: x"})
	case typ == "bytes":
		return ", minLength: 1, maxLength: 5"
	case typ == "decimal":
		return m.one([]string{", min: -0.50", ", max: 10", ", min: 0.1, max: 9999999999999999999"})
	case typ == "float64":
		return m.one([]string{", min: -0.5", ", max: 1e3", ", min: 0, max: 1e300"})
	case strings.HasPrefix(typ, "int"):
		return m.one([]string{", min: -1", ", max: 100", ", min: -2147483648, max: 2147483647"})
	case strings.HasPrefix(typ, "uint"):
		return m.one([]string{", min: 0", ", min: 1, max: 4294967295"})
	case typ == "list of string", typ == "list of uuid":
		return m.one([]string{", distinct: true", ", distinct: false, maxItems: 5"})
	case strings.HasPrefix(typ, "list of"), strings.HasPrefix(typ, "set of"), strings.HasPrefix(typ, "map of"):
		return m.one([]string{", minItems: 1", ", maxItems: 9", ", minItems: 0, maxItems: 2"})
	}
	return ""
}

func (m *randomModel) types() {
	m.line(0, "types:")
	for i := range 4 + m.IntN(8) {
		name, base := m.name(), m.one(scalarWords)
		if i == 0 {
			base = m.one(idWords) // there is an id
		}
		m.line(1, "%s:", name)
		m.line(2, "base: %s", base)
		for _, rule := range strings.Split(m.rules(base), ", ") {
			if rule != "" {
				m.line(2, "%s", rule)
			}
		}
		m.doc(2)
		m.scalars[name] = base
	}
	for range 1 + m.IntN(3) {
		name := m.name()
		m.line(1, "%s:", name)
		values := m.one([]string{"[A]", "[RED, green, Blue]", "[true, null, 0150, in_progress, _x, y__z, nil, type]"})
		m.line(2, "enum: %s", values)
		m.known.enums[name] = strings.Split(strings.Trim(values, "[]"), ", ")
		m.doc(2)
		m.enums = append(m.enums, name)
	}
	for range m.IntN(5) {
		name := m.name()
		fields := m.fieldsOf(1+m.IntN(6), nil, m.anyType)
		m.line(1, "%s:", name)
		m.doc(2)
		m.writeFields(2, "fields", fields)
		m.structs = append(m.structs, name)
		m.known.structs[name] = fields
	}
}

// anyType is a type, nested up to three deep. It leads to declared structs only, so that none contains itself.
func (m *randomModel) anyType() string { return m.nested(3, true) }

func (m *randomModel) nested(depth int, optional bool) string {
	if depth > 0 {
		switch m.IntN(8) {
		case 0:
			if optional {
				return "optional " + m.nested(depth-1, false)
			}
		case 1:
			return "list of " + m.nested(depth-1, true)
		case 2:
			return "map of " + m.mapKey() + " to " + m.nested(depth-1, true)
		case 3:
			return "set of " + m.setElem()
		}
	}
	if len(m.structs) > 0 && m.IntN(5) == 0 {
		return m.one(m.structs)
	}
	return m.scalar(scalarWords)
}

func (m *randomModel) mapKey() string {
	return m.scalar(strings.Fields("string int int32 int64 uint32 uint64"))
}

func (m *randomModel) setElem() string {
	return m.scalar(strings.Fields("string int int32 int64 uint32 uint64 duration uuid date decimal"))
}

// scalar is one of the given scalars, a named one over it, or an enum.
func (m *randomModel) scalar(of []string) string {
	switch m.IntN(3) {
	case 0:
		return m.one(m.enums)
	case 1:
		return m.one(m.namedOver(of))
	}
	return m.one(of)
}

func (m *randomModel) namedOver(bases []string) []string {
	out := slices.Clone(bases[:1])
	for name, base := range m.scalars {
		if slices.Contains(bases, base) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
