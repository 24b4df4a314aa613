package output

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Kind tells changes apart.
type Kind string

// The kinds of changes.
const (
	Missing  Kind = "missing"  // the file is not there
	Stale    Kind = "stale"    // it has another content
	Leftover Kind = "leftover" // nothing asks for it any more
)

// Change is what would happen to one file.
type Change struct {
	Name string
	Kind Kind
	// Old and New are the file's contents, nil where there is no file.
	Old, New []byte
}

// Diff renders the change as a unified diff, under a name that may hold the folder too. It is empty if both sides are.
func (c *Change) Diff(name string) []byte {
	oldName, newName := "a/"+name, "b/"+name
	switch c.Kind {
	case Missing:
		oldName = "/dev/null"
	case Leftover:
		newName = "/dev/null"
	}
	// The first line repeats the names as an imaginary command.
	_, text, _ := bytes.Cut(diff.Diff(oldName, c.Old, newName, c.New), []byte("\n"))
	return text
}

// Changes returns what Commit would do, in the order of the names. That it would remove emptied files is none: there is
// nothing in them.
func (p *Pending) Changes() ([]Change, error) {
	var list []Change
	for _, f := range p.write {
		c := Change{Name: f.Name, Kind: Stale, New: f.Content}
		if p.emptied[f.Name] {
			c.Kind = Leftover
		}
		old, err := p.read(f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.Kind = Missing
		case err != nil:
			return nil, err
		}
		c.Old = old
		list = append(list, c)
	}
	for _, name := range p.remove {
		if p.emptied[name] {
			continue
		}
		old, err := p.read(name)
		if err != nil {
			return nil, err
		}
		list = append(list, Change{Name: name, Kind: Leftover, Old: old})
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
