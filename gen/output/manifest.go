package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// planLock plans the lock file, and reads what the one that is there lists. Where it is missing or damaged, the headers
// alone say which files are the tool's.
func (p *Pending) planLock(s Set) error {
	name := s.Lock.Name
	if name == "" {
		return nil
	}
	have, err := p.read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p.planFile(s.Lock, lock.Header(s.Model))
	case err != nil:
		return err
	}
	old, err := lock.Read(have)
	switch {
	case errors.Is(err, lock.ErrDamaged):
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	default:
		p.listed = append([]string{}, old.Files...)
	}
	return p.planFile(s.Lock, lock.Header(s.Model))
}

// planStale marks a file for removal that this model once asked for and no longer does: one that has its header, and
// that the lock file lists.
func (p *Pending) planStale(entry fs.DirEntry, s Set) error {
	name := entry.Name()
	if strings.HasSuffix(name, temporarySuffix) {
		p.leftovers = append(p.leftovers, name)
		return nil
	}
	if !generatedName(name) || !entry.Type().IsRegular() ||
		slices.ContainsFunc(s.Files, func(f emit.File) bool { return f.Name == name }) {
		return nil
	}
	have, err := p.read(name)
	switch {
	case err != nil || !bytes.HasPrefix(have, p.header):
	case p.listed == nil || slices.Contains(p.listed, name):
		p.remove = append(p.remove, name)
	default:
		p.result.Kept = append(p.result.Kept, name)
	}
	return err
}
