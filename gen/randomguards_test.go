package gen_test

import (
	"slices"
	"strings"
)

// phaseWords are names of phases, hostile in Go or on the wire.
var phaseWords = strings.Fields("new type nil true in_progress END _x y__z 0150 null State map error phase open")

// lifecycle is the lifecycle of one aggregate: event i moves from the phases up to i, or from any, to phase i+1. So any
// events in their order can happen to a new stream.
type lifecycle struct{ phases []string }

// lifecycle writes the phases of an aggregate, or none.
func (m *randomModel) lifecycle() *lifecycle {
	if m.IntN(2) == 0 {
		return nil
	}
	l := &lifecycle{}
	for _, i := range m.Perm(len(phaseWords))[:5] {
		l.phases = append(l.phases, phaseWords[i])
	}
	return l
}

// writeMoves writes the moves of event i of n.
func (m *randomModel) writeMoves(l *lifecycle, i int) {
	if l == nil {
		return
	}
	from := strings.Join(l.phases[:i+1], m.one([]string{"|", " | "}))
	m.line(4, "moves: %s -> %s", m.one([]string{"any", from}), l.phases[i+1])
}

// writeLifecycle writes those phases that n events reach.
func (m *randomModel) writeLifecycle(l *lifecycle, n int) {
	if l != nil {
		m.line(2, "lifecycle: [%s]", strings.Join(l.phases[:n+1], ", "))
	}
}

// guard writes, for some commands, that they can be given to new streams only.
func (m *randomModel) guard(l *lifecycle, first bool) {
	if l != nil && !first && m.IntN(3) == 0 {
		m.line(4, "in: [%s]", l.phases[0])
	}
}

// times are how often an event may be emitted. The first command of a lifecycle leaves streams in any of its phases.
func (m *randomModel) times(l *lifecycle, first bool) string {
	if words := []string{"", "maybe ", "some ", "many "}; l == nil || !first {
		return m.one(words)
	}
	return "maybe "
}

// creates says whether a command finds its stream. The first command of a lifecycle makes it.
func (m *randomModel) creates(l *lifecycle, first bool) string {
	words := []string{"true", "maybe", ""}
	if l != nil && first {
		words = slices.Delete(words, 2, 3)
	}
	return m.one(words)
}

// uniqueWords are the scalars that can be unique.
var uniqueWords = strings.Fields("string bool int int32 int64 uint32 uint64 bytes time duration uuid date")

// unique writes that some fields of a state are unique. It returns the fields of a rejection that says so, nil if there
// is none.
func (m *randomModel) unique(state []randomField, rejection string) []randomField {
	var fields, filled []randomField
	for _, f := range state {
		plain := strings.TrimPrefix(f.typ, "optional ")
		base, named := m.scalars[plain]
		if !named {
			base = plain
		}
		if m.IntN(2) == 0 && (slices.Contains(uniqueWords, base) || slices.Contains(m.enums, plain)) {
			fields = append(fields, f)
			if m.IntN(2) == 0 && f.name != "error" {
				filled = append(filled, randomField{f.name, m.one([]string{plain, f.typ})})
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	fold := ""
	for _, f := range fields {
		if plain := strings.TrimPrefix(f.typ, "optional "); plain == "string" || m.scalars[plain] == "string" {
			fold = m.one([]string{"", ", fold: lower", ", fold: [trim]", ", fold: [lower, trim]"})
		}
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	m.line(2, "unique: [{fields: [%s], rejects: %s%s%s}]", strings.Join(names, ", "), rejection, fold,
		m.one([]string{"", ", release: never"}))
	return append([]randomField{}, filled...)
}

// writePlainFields writes fields without rules.
func (m *randomModel) writePlainFields(depth int, fields []randomField) {
	if len(fields) > 0 {
		m.line(depth, "fields:")
	}
	for _, f := range fields {
		m.line(depth+1, "%s: %s", f.name, f.typ)
	}
}
