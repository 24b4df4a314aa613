package gen_test

// memberName is the name of an event, rejection or command: a new one, or one that another aggregate uses.
func (m *randomModel) memberName(own map[string]bool) string {
	name := ""
	if len(m.members) > 0 && m.IntN(5) == 0 {
		name = m.one(m.members)
	}
	if name == "" || own[name] {
		name = m.name()
	}
	own[name] = true
	m.members = append(m.members, name)
	m.uses[name]++
	return name
}

// ref names an event outside of its aggregate.
func (m *randomModel) ref(e randomEvent) string {
	if m.uses[e.name] > 1 || m.IntN(4) == 0 {
		return e.aggregate + "." + e.name
	}
	return e.name
}
