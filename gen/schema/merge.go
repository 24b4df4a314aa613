package schema

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// Merge makes one tree of the files of a model, in their order. A file that could not be read is nil. It returns nil if
// none could.
func Merge(files []*File, d *diag.List) *File {
	var whole []*File
	for _, f := range files {
		if f != nil {
			whole = append(whole, f)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	if len(files) == 1 {
		return whole[0]
	}
	main := mainOf(whole)
	m := &File{Name: main.Name, Start: main.Start, Package: main.Package, Doc: main.Doc, Keys: Keys{}}
	m.Partial = len(whole) < len(files)
	for _, f := range whole {
		m.add(f)
		if f != main {
			onePackage(main, f, d)
		}
		if f != main && f.Doc != "" {
			m.Doc = strings.TrimSpace(m.Doc + "\n\n" + f.Doc)
		}
	}
	if main.Keys["package"] != Absent {
		m.Keys["package"] = main.Keys["package"]
	}
	return m
}

// mainOf returns the file that is named after its package, or else the first one.
func mainOf(files []*File) *File {
	for _, f := range files {
		if strings.HasPrefix(f.Name, f.Package.Value+".") {
			return f
		}
	}
	return files[0]
}

// add appends what a file declares.
func (m *File) add(f *File) {
	m.Parts = append(m.Parts, Part{Name: f.Name, Line: f.Start.Line})
	for key, state := range f.Keys {
		m.Keys[key] = max(m.Keys[key], state)
	}
	m.Types = append(m.Types, f.Types...)
	m.Aggregates = append(m.Aggregates, f.Aggregates...)
	m.Projections = append(m.Projections, f.Projections...)
	m.Scenarios = append(m.Scenarios, f.Scenarios...)
	m.Externals = append(m.Externals, f.Externals...)
}

// onePackage reports a file that does not belong to the package of the main one.
func onePackage(main, f *File, d *diag.List) {
	switch {
	case f.Keys["package"] == Absent:
		d.Add(diag.Diagnostic{
			Code: diag.MissingKey, At: f.Start, Message: "the file has no `package`",
			Hint: "add `package: " + main.Package.Value + "`, as in " + main.Name,
		})
	case f.Package.Given() && main.Package.Given() && f.Package.Value != main.Package.Value:
		d.Add(diag.Diagnostic{
			Code: diag.OtherPackage, At: f.Package.At,
			Message: "the models of one folder are one Go package: this file says " + f.Package.Value + ", and " +
				main.Name + " says " + main.Package.Value,
			Hint:    "write `package: " + main.Package.Value + "`, or move the file to a folder of its own",
			Related: []diag.Related{{At: main.Package.At, Message: "the other one"}},
		})
	}
}
