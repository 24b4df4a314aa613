package gen_test

import (
	"slices"
	"strings"
)

func (m *randomModel) aggregate(group int) {
	names := map[string]bool{} // of its events, rejections and commands
	name := m.name()
	m.line(1, "%s:", name)
	m.doc(2)
	id := m.id(name)
	state := m.fieldsOf(m.IntN(5), nil, m.anyType)
	m.writeFields(2, "state", state)
	if m.IntN(2) == 0 {
		m.line(2, "snapshot: {every: %d, bytes: %d, age: %ds}", 1+m.IntN(500), 1+m.IntN(100_000), 1+m.IntN(100_000))
	}
	phases, count := m.lifecycle(), 1+m.IntN(4)
	m.writeLifecycle(phases, count)
	m.line(2, "events:")
	var own []string
	for i := range count {
		e := randomEvent{
			name: m.memberName(names), aggregate: name, ids: id, fields: m.fieldsOf(m.IntN(6), nil, m.anyType), group: group,
		}
		// Where a key needs a value of some type, there is an event that has it.
		m.line(3, "%s:", e.name)
		m.doc(4)
		if m.uses[e.name] > 1 || m.IntN(8) == 0 {
			m.line(4, "wire: %s.%s", name, e.name)
		}
		m.writeHistory(e)
		m.writeFields(4, "fields", e.fields)
		m.writeMoves(phases, i)
		m.writeApply(state, e.fields)
		if len(e.fields) == 0 {
			m.line(4, "fields: {}")
		}
		m.events, own = append(m.events, e), append(own, e.name)
	}
	var rejections []string
	n, taken := m.IntN(3), m.memberName(names)
	filled := m.unique(state, taken)
	if n > 0 || filled != nil {
		m.line(2, "rejections:")
		if filled != nil {
			m.line(3, "%s:", taken)
			m.line(4, "doc: It is taken.")
			m.writePlainFields(4, filled)
		}
		for range n {
			rejections = append(rejections, m.memberName(names))
			m.line(3, "%s:", rejections[len(rejections)-1])
			m.doc(4)
			fields := m.fieldsOf(m.IntN(4), []randomField{{name: "error"}}, m.anyType)
			m.writeFields(4, "fields", fields)
			if len(fields) == 0 {
				m.line(4, "fields: {}")
			}
		}
	}
	m.streams = append(m.streams, randomStreams{aggregate: name, ids: id, events: own, phases: phases != nil})
	m.commands(names, own, rejections, phases)
}

// commands writes commands that emit every event and use every rejection.
func (m *randomModel) commands(names map[string]bool, events, rejections []string, phases *lifecycle) {
	m.line(2, "commands:")
	for i := range 1 + m.IntN(4) {
		m.line(3, "%s:", m.memberName(names))
		m.doc(4)
		if creates := m.creates(phases, i == 0); creates != "" {
			m.line(4, "creates: %s", creates)
		}
		fields := m.fieldsOf(m.IntN(6), nil, m.anyType)
		also := m.also(&fields)
		m.writeFields(4, "fields", fields)
		m.writeAlso(also)
		m.writeCheck(4, fields)
		m.guard(phases, i == 0)
		emits, rejects := m.some(events), m.some(rejections)
		if i == 0 {
			emits, rejects = events, rejections
		}
		entries := m.emits(emits, func() string { return m.times(phases, i == 0) }, phases == nil)
		for _, a := range also {
			entries = append(entries, a.emits...)
		}
		m.line(4, "emits: [%s]", strings.Join(entries, ", "))
		if len(rejects) > 0 {
			m.line(4, "rejects: [%s]", strings.Join(rejects, ", "))
		}
	}
}

// some are some of the given names, at least one if there is one.
func (m *randomModel) some(of []string) []string {
	if len(of) == 0 {
		return nil
	}
	i := m.IntN(len(of))
	return of[i : i+1+m.IntN(len(of)-i)]
}

// projection writes a projection whose key every handled event can give: by its stream's id, its meta, or a field.
func (m *randomModel) projection() {
	first := m.events[m.IntN(len(m.events))]
	key := m.fieldsOf(1+m.IntN(4), nil, func() string { return "" })
	paths := make([]string, len(key))
	for i := range key {
		key[i].typ, paths[i] = m.keyPath(first)
	}
	row := m.fieldsOf(1+m.IntN(6), key, m.anyType)
	m.line(1, "%s:", m.name())
	m.doc(2)
	m.line(2, "key:")
	for _, f := range key {
		m.line(3, "%s: %s", f.name, f.typ)
	}
	m.writeFields(2, "row", row)
	m.handlers(first, key, row, paths)
	m.indexes(append(slices.Clone(key), row...))
}

// keyPath is a path that leads to a value for a key, and its type.
func (m *randomModel) keyPath(e randomEvent) (typ, path string) {
	for _, f := range e.fields {
		base := f.typ
		if named, ok := m.scalars[f.typ]; ok {
			base = named
		}
		if m.IntN(2) == 0 && (slices.Contains(orderedWords, base) || slices.Contains(m.enums, base)) {
			return f.typ, "event." + f.name
		}
	}
	if len(e.ids) > 0 && m.IntN(2) == 0 {
		id := e.ids[m.IntN(len(e.ids))]
		return id.typ, "stream.id" + id.name
	}
	switch m.IntN(4) {
	case 0, 1:
		return "time", "meta.time"
	case 2:
		return "int64", "meta.version"
	}
	return "string", "meta." + m.one([]string{"actor", "commandID", "correlationID", "causationID"})
}

// handlers writes on and ignore: every event of the aggregate that can give the key is handled.
func (m *randomModel) handlers(first randomEvent, key, row []randomField, paths []string) {
	m.line(2, "on:")
	var ignored []string
	for _, e := range m.events {
		if e.group != first.group {
			continue
		}
		gives := true
		for i, path := range paths {
			if name, ok := strings.CutPrefix(path, "event."); ok {
				gives = gives && slices.Contains(e.fields, randomField{name, key[i].typ})
			}
		}
		if !gives {
			ignored = append(ignored, m.ref(e))
			continue
		}
		m.folds(foldParts{event: e, key: key, row: row, paths: paths})
	}
	if len(ignored) > 0 && m.IntN(3) == 0 {
		m.line(2, "ignore: others")
		return
	}
	if len(ignored) > 0 {
		m.line(2, "ignore: [%s]", strings.Join(ignored, ", "))
	}
}

func (m *randomModel) indexes(columns []randomField) {
	seen := map[string]bool{}
	for range m.IntN(4) {
		var names []string
		for _, f := range columns {
			typ := strings.TrimPrefix(f.typ, "optional ")
			_, named := m.scalars[typ]
			if m.IntN(2) == 0 && (named || slices.Contains(scalarWords, typ) || slices.Contains(m.enums, typ)) {
				names = append(names, f.name)
			}
		}
		list := strings.Join(names, ", ")
		if list == "" || seen[list] {
			continue
		}
		if len(seen) == 0 {
			m.line(2, "indexes:")
		}
		seen[list] = true
		m.line(3, "- [%s]", list)
	}
}
