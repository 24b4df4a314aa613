package gen_test

import (
	"fmt"
	"slices"
	"strings"
)

// partWords are the scalars that can be part of an id.
var partWords = append(slices.Clone(idWords), "date")

// id writes what names the instances of an aggregate, and returns what stream.id has.
func (m *randomModel) id(aggregate string) []randomField {
	of := strings.ToLower(aggregate + "ID") // the type of an id of parts
	kind := m.IntN(5)
	if kind < 3 && m.names[of] {
		kind = 0
	}
	switch kind {
	case 0:
		m.line(2, "single: true")
		return nil
	case 1, 2:
		m.names[of] = true
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

// emits are the entries of emits: each event at most once, alone or as one of several of which one happens.
func (m *randomModel) emits(events []string, times func() string, choices bool) (entries []string) {
	for i := 0; i < len(events); i++ {
		if n := min(len(events)-i, 1+m.IntN(3)); choices && n > 1 && m.IntN(3) == 0 {
			entries = append(entries, strings.Join(events[i:i+n], " or "))
			i += n - 1
			continue
		}
		entries = append(entries, times()+events[i])
	}
	return entries
}

// randomAlso are further streams of a command, with the entries of its emits that go there.
type randomAlso struct {
	name, aggregate, each, id, creates string
	emits                              []string
}

// also are further streams of a command, which get their ids from fields that are added to its own.
func (m *randomModel) also(fields *[]randomField) (list []randomAlso) {
	for range m.IntN(6) - 3 {
		of := m.streams[m.IntN(len(m.streams))]
		alias := m.fieldsOf(1, nil, func() string { return "" })[0].name
		twice := func(a randomAlso) bool {
			return strings.EqualFold(a.name, alias) || len(of.ids) == 0 && a.aggregate == of.aggregate
		}
		own := of.aggregate == m.streams[len(m.streams)-1].aggregate
		if slices.ContainsFunc(list, twice) || own && len(of.ids) == 0 {
			continue
		}
		a := randomAlso{name: alias, aggregate: of.aggregate, creates: m.one([]string{"", "true", "maybe"})}
		many := m.alsoID(&a, of, fields)
		if of.phases {
			a.creates = "" // which events can happen first is not known here
			list = append(list, a)
			continue
		}
		for _, e := range m.some(of.events) {
			times := m.one([]string{"", "maybe ", "some ", "many "})
			if many {
				times = m.one([]string{"some ", "many "})
			}
			a.emits = append(a.emits, times+alias+"."+e)
		}
		list = append(list, a)
	}
	return list
}

// alsoID gives further streams their id, by a new field of the command. It reports whether there is one for each
// element of a list.
func (m *randomModel) alsoID(a *randomAlso, of randomStreams, fields *[]randomField) bool {
	if len(of.ids) == 0 {
		return false
	}
	typ := of.ids[0].typ
	if of.ids[0].name != "" {
		typ = of.aggregate + "ID"
	}
	field := m.fieldsOf(1, *fields, func() string { return typ })[0]
	a.id = "command." + field.name
	if m.IntN(2) == 0 {
		a.each, a.id, field.typ = a.id, "item", "list of "+typ
	}
	if of.ids[0].name != "" && m.IntN(2) == 0 {
		whole := a.id
		var parts []string
		for _, part := range of.ids {
			parts = append(parts, fmt.Sprintf("%s: %s%s", part.name[1:], whole, part.name))
		}
		a.id = "{" + strings.Join(parts, ", ") + "}"
	}
	*fields = append(*fields, field)
	return a.each != ""
}

func (m *randomModel) writeAlso(list []randomAlso) {
	if len(list) == 0 {
		return
	}
	m.line(4, "also:")
	for _, a := range list {
		m.line(5, "%s:", a.name)
		m.doc(6)
		m.line(6, "aggregate: %s", a.aggregate)
		for _, key := range []struct{ name, value string }{{"each", a.each}, {"id", a.id}, {"creates", a.creates}} {
			if key.value != "" {
				m.line(6, "%s: %s", key.name, key.value)
			}
		}
	}
}
