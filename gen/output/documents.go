package output

import (
	"bytes"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/emit"
)

// Documents are files of a model in a folder of their own, in formats that have comments elsewhere than Go has them, or
// none.
type Documents struct {
	// Model is the name of the model's file, or of the main one of its Models.
	Model  string
	Models []string
	Files  []emit.File
	// Mark is the text by which a file is the model's. It stands in one of its first two lines.
	Mark func(model string) string
}

// PrepareDocuments is Prepare for a folder of documents, which is there already. A file with the mark of the model that
// nothing asks for any more is removed; one in the place of a document that has no mark is a *NotOursError.
func PrepareDocuments(dir string, d Documents) (*Pending, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	p := &Pending{root: root, models: append([]string{d.Model}, d.Models...), team: map[string]*appending{}, emptied: map[string]bool{}}
	if err := p.planDocuments(d); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Pending) planDocuments(d Documents) error {
	ours := func(src []byte) bool { return p.marked(src, d.Mark) }
	for _, f := range d.Files {
		if err := p.planFile(f, ours); err != nil {
			return err
		}
	}
	existing, err := fs.ReadDir(p.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range existing {
		name := entry.Name()
		switch {
		case strings.HasSuffix(name, temporarySuffix):
			p.leftovers = append(p.leftovers, name)
			continue
		case !entry.Type().IsRegular() || slices.ContainsFunc(d.Files, func(f emit.File) bool { return f.Name == name }):
			continue
		}
		have, err := p.read(name)
		if err != nil {
			return err
		}
		if ours(have) {
			p.remove = append(p.remove, name)
		}
	}
	return nil
}

// marked reports whether one of a file's first three lines has the mark of the model. A merge can have put its own above.
func (p *Pending) marked(src []byte, mark func(string) string) bool {
	lines := bytes.SplitN(src, []byte("\n"), 4)
	for _, line := range lines[:min(3, len(lines))] {
		if slices.ContainsFunc(p.models, func(name string) bool { return bytes.Contains(line, []byte(mark(name))) }) {
			return true
		}
	}
	return false
}
