// Package gen turns a model into Go. It joins the stages, each in a package of its own, in one direction:
//
//	schema -> model -> plan -> emit -> output
package gen

import (
	"errors"
	"fmt"
	"go/token"
	"io"
	"os"
	"path/filepath"

	"github.com/cqrsgen/cqrsgen/gen/advice"
	"github.com/cqrsgen/cqrsgen/gen/contract"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/gotypes"
	"github.com/cqrsgen/cqrsgen/gen/lock"
	"github.com/cqrsgen/cqrsgen/gen/meaning"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/gen/plan"
	"github.com/cqrsgen/cqrsgen/gen/schema"
	"github.com/cqrsgen/cqrsgen/gen/tidy"
)

// GCPercent is what suits a process that generates and ends: collecting less often saves time, and a model of a thousand
// aggregates takes about a gigabyte.
const GCPercent = 200

// Findings are the diagnostics of the files of one model, or of one of the team's files.
type Findings struct {
	files diag.Files
	list  diag.List
}

// Failed reports whether there is an error, and not only warnings.
func (f *Findings) Failed() bool { return f.list.Failed() }

// Any reports whether there is a finding, also a warning.
func (f *Findings) Any() bool { return f.list.Len() > 0 }

// Write renders the findings as a person reads them; without findings it writes nothing.
func (f *Findings) Write(w io.Writer) error { return f.list.WriteFiles(w, &f.files) }

// WriteJSON writes each finding as a line of JSON.
func (f *Findings) WriteJSON(w io.Writer) error { return f.list.WriteJSON(w, &f.files) }

// Load reads a model, which is all model files of the folder that the file is in, and everything that follows from it.
// The set is nil if the findings failed.
func Load(path string) (*output.Set, *Findings, error) {
	files, err := sources(path)
	if err != nil {
		return nil, nil, err
	}
	return fromSources(files, true)
}

// Model reads a model. It is nil if the findings failed.
func Model(path string) (*model.Model, *Findings, error) {
	files, err := sources(path)
	if err != nil {
		return nil, nil, err
	}
	f := new(Findings)
	return f.resolve(files), f, nil
}

// Format returns the canonical form of a model file; nil if the findings failed. They are those of the file alone.
func Format(path string, src []byte) ([]byte, *Findings, error) {
	f := new(Findings)
	f.files.Add(diag.File{Name: path, Src: src})
	text, err := tidy.Model(filepath.Base(path), src, &f.list)
	return text, f, err
}

// Check reads a model and says what is wrong with it. A valid one gets advice.
func Check(path string) (*Findings, error) {
	files, err := sources(path)
	if err != nil {
		return nil, err
	}
	_, findings, err := FromSources(files)
	if err != nil || findings.Failed() {
		return findings, err
	}
	for _, d := range advice.Of(new(Findings).resolve(files)) {
		findings.list.Add(d)
	}
	return findings, nil
}

// resolve adds what is wrong with the texts. A tree with mistakes is resolved as far as it goes, so that all mistakes
// come in one run.
func (f *Findings) resolve(files []diag.File) *model.Model {
	trees := make([]*schema.File, len(files))
	for i, file := range files {
		trees[i] = schema.ParseBehind(f.files.Add(file), filepath.Base(file.Name), file.Src, &f.list)
	}
	return model.Resolve(schema.Merge(trees, &f.list), &f.list, gotypes.Lookup(folderOf(files)))
}

// folderOf is the folder of a model's files, from which Go packages are found.
func folderOf(files []diag.File) string {
	if len(files) == 0 {
		return "."
	}
	return filepath.Dir(files[0].Name)
}

// FromSource is Load for a model of one file that is in memory already, without what the team's Go means.
func FromSource(path string, src []byte) (*output.Set, *Findings, error) {
	return FromSources([]diag.File{{Name: path, Src: src}})
}

// FromSources is Load for a model that is in memory already: its files, of one folder, in the order of their names. It does
// not look at what the team's Go means.
func FromSources(sources []diag.File) (*output.Set, *Findings, error) {
	return fromSources(sources, false)
}

func fromSources(sources []diag.File, withTeam bool) (*output.Set, *Findings, error) {
	f := new(Findings)
	m := f.resolve(sources)
	if f.Failed() {
		return nil, f, nil
	}
	p := plan.New(m, &f.list)
	if f.Failed() {
		return nil, f, nil
	}
	files, err := emit.Files(p)
	if err != nil {
		return nil, f, fmt.Errorf("%s: %w", m.File, err)
	}
	skeletons, err := emit.Skeletons(p)
	if err != nil {
		return nil, f, fmt.Errorf("%s: %w", m.File, err)
	}
	digests := &meaning.Digests{}
	if functions := p.Functions(); withTeam && len(functions) > 0 {
		if digests, err = meaningOf(folderOf(sources), m.Package, files, functions); err != nil {
			return nil, f, fmt.Errorf("%s: %w", m.File, err)
		}
		p.TakeIn(digests)
	}
	fingerprints, err := emit.Fingerprints(p, digests)
	if err != nil {
		return nil, f, fmt.Errorf("%s: %w", m.File, err)
	}
	files = append(files, fingerprints...)
	return &output.Set{
		Model: m.File, Models: m.FileNames(), Package: m.Package, Files: files, Lock: lockFile(p, files),
		Skeletons: skeletons, Elements: f.elements(p), Outside: len(m.Externals) > 0,
		Folders: digests.Folders, Others: digests.Files, Embedded: digests.Embedded, Sums: digests.Sums,
	}, f, f.unclear(p.Functions(), digests)
}

// meaningOf finds out what functions of the team's mean, beside the files that are about to be written.
func meaningOf(dir, name string, files []emit.File, functions []meaning.Root) (*meaning.Digests, error) {
	generated := map[string][]byte{}
	for _, file := range files {
		generated[file.Name] = file.Content
	}
	return meaning.Of(meaning.Package{Dir: dir, Name: name, Generated: generated}, functions)
}

// unclear warns of functions whose meaning is not known, although they are written: once for each cause.
func (f *Findings) unclear(functions []meaning.Root, d *meaning.Digests) error {
	files := map[string]int{}
	said := map[token.Position]bool{}
	for _, r := range functions {
		err := d.Unknown[r]
		if err == nil || errors.Is(err, meaning.ErrNotImplemented) || err.At.IsValid() && said[err.At] {
			continue
		}
		said[err.At] = true
		found := diag.Diagnostic{
			Code: diag.MeaningUnknown, Warning: true, Message: fmt.Sprintf("the meaning of %s is not known: %v", r, err.Err),
			Hint: "mend it, and generate again: no snapshots are taken until then, and nothing is promoted by itself",
		}
		if name := err.At.Filename; err.At.IsValid() {
			if _, known := files[name]; !known {
				src, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				files[name] = f.files.Add(diag.File{Name: shown(name), Src: src})
			}
			found.At = diag.Span{Pos: diag.Pos{Line: files[name] + err.At.Line, Col: err.At.Column}, Len: 1}
		}
		f.list.Add(found)
	}
	return nil
}

// shown is a path as it is shown: from the working directory, where it is below.
func shown(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if below, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(below) {
		return below
	}
	return path
}

// elements says what each Go name stands for.
func (f *Findings) elements(p *plan.Plan) map[string]gotypes.Element {
	elements := map[string]gotypes.Element{}
	p.Names(func(name, what string, at diag.Span) {
		file, there := f.files.Place(at)
		elements[name] = gotypes.Element{What: what, File: filepath.Base(file), At: there}
	})
	return elements
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
		f := &Findings{list: found.List}
		f.files.Add(diag.File{Name: filepath.Join(dir, found.Name), Src: found.Src})
		out = append(out, f)
	}
	return out
}

// Documents reads a model and returns its contracts. They are nil if the findings failed.
func Documents(path string) (*output.Documents, *Findings, error) {
	files, err := sources(path)
	if err != nil {
		return nil, nil, err
	}
	return DocumentsOf(files)
}

// DocumentsOf is Documents for a model that is in memory already.
func DocumentsOf(sources []diag.File) (*output.Documents, *Findings, error) {
	f := new(Findings)
	m := f.resolve(sources)
	if f.Failed() {
		return nil, f, nil
	}
	p := plan.New(m, &f.list)
	if f.Failed() {
		return nil, f, nil
	}
	return &output.Documents{Model: m.File, Models: m.FileNames(), Files: contract.Files(p), Mark: contract.Mark}, f, nil
}
