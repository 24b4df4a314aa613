package model

import "github.com/cqrsgen/cqrsgen/gen/diag"

// FileNames returns the names of the model's files, without their folder.
func (m *Model) FileNames() []string {
	if len(m.Files) == 0 {
		return []string{m.File}
	}
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	return names
}

// Place returns the file that a place of the model is in, and the line there.
func (m *Model) Place(at diag.Span) (file string, line int) {
	file, line = m.File, at.Line
	for _, f := range m.Files {
		if f.Line <= at.Line {
			file, line = f.Name, at.Line-f.Line+1
		}
	}
	return file, line
}
