package output

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/lock"
)

// planLock plans the lock file, and reads what the one that is there lists. Where it is missing or damaged, the headers
// alone say which files are the tool's. One that is named after a file that was the main one before is removed.
func (p *Pending) planLock(s Set) error {
	if s.Lock.Name == "" {
		return nil
	}
	for _, name := range p.models {
		name = lock.FileName(name)
		have, err := p.read(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		if err := p.readLock(name, have); err != nil {
			return err
		}
		if name != s.Lock.Name && p.ours(have, lock.Header) {
			p.remove = append(p.remove, name)
		}
	}
	return p.planFile(s.Lock, func(src []byte) bool { return p.ours(src, lock.Header) })
}

// readLock adds what a lock file lists.
func (p *Pending) readLock(name string, src []byte) error {
	old, err := lock.Read(src)
	switch {
	case errors.Is(err, lock.ErrDamaged):
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	default:
		p.listed = append(append([]string{}, p.listed...), old.Files...)
	}
	return nil
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
	case err != nil || !p.ours(have, emit.Header):
	case isEmptied(have):
		p.emptied[name] = true
		p.remove = append(p.remove, name)
	case p.listed != nil && !slices.Contains(p.listed, name):
		p.result.Kept = append(p.result.Kept, name)
	case p.awaited(name):
		p.empty(name, s.Package, have)
	default:
		p.remove = append(p.remove, name)
	}
	return err
}
