package gen_test

import "strings"

// writeHistory gives an event a version, and each version a step: what was renamed, what was removed, or a function.
func (m *randomModel) writeHistory(e randomEvent) {
	if m.IntN(4) > 0 {
		return
	}
	last := 1 + m.IntN(4)
	m.line(4, "version: %d", last)
	if last == 1 {
		return
	}
	m.line(4, "history:")
	for version := 2; version <= last; version++ {
		if version == last && len(e.fields) > 0 && len(e.fields[0].name) < 50 {
			m.line(5, "%d: {renamed: {%sZzz: %s}, removed: {%sYyy: %s}}",
				version, e.fields[0].name, e.fields[0].name, strings.ToLower(e.fields[0].name[:1]), m.anyType())
			continue
		}
		m.line(5, "%d: {upcast: go, from: {old%d: %s}}", version, version, m.anyType())
	}
}
