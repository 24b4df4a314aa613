package gen_test

import "slices"

// partWords are the scalars that can be part of an id.
var partWords = append(slices.Clone(idWords), "date")

// id writes what names the instances of an aggregate, and returns what stream.id has.
func (m *randomModel) id() []randomField {
	switch m.IntN(5) {
	case 0:
		m.line(2, "single: true")
		return nil
	case 1, 2:
		clash := []randomField{{name: "string"}} // the method String
		parts := m.fieldsOf(2+m.IntN(4), clash, func() string { return m.scalar(partWords) })
		m.writeFields(2, "id", parts)
		for i := range parts {
			parts[i].name = "." + parts[i].name
		}
		return parts
	}
	ids := slices.DeleteFunc(m.namedOver(idWords), func(name string) bool { return m.scalars[name] == "" })
	name := m.one(ids)
	m.line(2, "id: %s", name)
	return []randomField{{typ: name}}
}
