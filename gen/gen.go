// Package gen turns a model into Go. It joins the stages, each in a package of its own, in one direction:
//
//	schema -> model -> plan -> emit -> output
package gen

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/gotypes"
	"github.com/cqrsgen/cqrsgen/gen/lock"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/gen/plan"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Findings are the diagnostics of one model file.
type Findings struct {
	// File is the name to show.
	File string
	src  []byte
	list diag.List
}

// Failed reports whether there is an error, and not only warnings.
func (f *Findings) Failed() bool { return f.list.Failed() }

// Write renders the findings as a person reads them; without findings it writes nothing.
func (f *Findings) Write(w io.Writer) error { return f.list.Write(w, f.File, f.src) }

// WriteJSON writes each finding as a line of JSON.
func (f *Findings) WriteJSON(w io.Writer) error { return f.list.WriteJSON(w, f.File) }

// Load reads a model file and everything that follows from it. The set is nil if the findings failed.
func Load(path string) (*output.Set, *Findings, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	return FromSource(path, src)
}

// Model reads a model file. The model is nil if the findings failed.
func Model(path string) (*model.Model, *Findings, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	f := &Findings{File: path, src: src}
	return f.resolve(), f, nil
}

// resolve adds what is wrong with the text. A tree with mistakes is resolved as far as it goes, so that all mistakes
// come in one run.
func (f *Findings) resolve() *model.Model {
	return model.Resolve(schema.Parse(filepath.Base(f.File), f.src, &f.list), &f.list)
}

// FromSource is Load for a model that is in memory already.
func FromSource(path string, src []byte) (*output.Set, *Findings, error) {
	f := &Findings{File: path, src: src}
	m := f.resolve()
	if f.Failed() {
		return nil, f, nil
	}
	p := plan.New(m, &f.list)
	if f.Failed() {
		return nil, f, nil
	}
	files, err := emit.Files(p)
	if err != nil {
		return nil, f, fmt.Errorf("%s: %w", path, err)
	}
	skeletons, err := emit.Skeletons(p)
	if err != nil {
		return nil, f, fmt.Errorf("%s: %w", path, err)
	}
	elements := map[string]gotypes.Element{}
	p.Names(func(name, what string, at diag.Span) { elements[name] = gotypes.Element{What: what, At: at} })
	return &output.Set{
		Model: filepath.Base(path), Package: m.Package, Files: files, Lock: lockFile(p, files),
		Skeletons: skeletons, Elements: elements,
	}, f, nil
}

func lockFile(p *plan.Plan, files []emit.File) emit.File {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return emit.File{Name: lock.FileName(p.Model.File), Content: lock.Write(p, names)}
}

// OfTeam returns what is to be said about the team's files in a folder that is about to be written.
func OfTeam(dir string, p *output.Pending) []*Findings {
	var out []*Findings
	for _, found := range p.Findings() {
		out = append(out, &Findings{File: filepath.Join(dir, found.Name), src: found.Src, list: found.List})
	}
	return out
}
