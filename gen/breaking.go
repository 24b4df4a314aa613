package gen

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/evolve"
	"github.com/cqrsgen/cqrsgen/gen/lock"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// Breaking reads a model, and says what of the model that a lock file was written for would not survive it. The name of
// the lock file is the one to show. Only what concerns one of those that are named counts, if any are: see package evolve.
// The error says what is wrong with the lock file.
func Breaking(path string, old diag.File, who ...string) (*Findings, error) {
	files, err := sources(path)
	if err != nil {
		return nil, err
	}
	return BreakingSources(files, old, who...)
}

// BreakingSources is Breaking for a model that is in memory.
func BreakingSources(files []diag.File, old diag.File, who ...string) (*Findings, error) {
	before, err := readLock(old)
	if err != nil {
		return nil, err
	}
	f := new(Findings)
	m := f.resolve(files)
	if f.Failed() {
		return f, nil
	}
	p := plan.New(m, &f.list)
	if f.Failed() {
		return f, nil
	}
	f.list = diag.List{} // what is to be said of the model alone, others say
	section := func(name string) diag.Span { return f.section(files, name) }
	behind := f.files.Add(old)
	found := evolve.Breaking(before, lock.Of(p, nil), behind, section)
	for _, d := range found.Sorted() {
		if len(who) == 0 || len(d.Breaks) == 0 || slices.ContainsFunc(d.Breaks, func(w string) bool { return slices.Contains(who, w) }) {
			f.list.Add(d)
		}
	}
	return f, nil
}

// readLock reads a lock file. An error says where it is wrong.
func readLock(file diag.File) (*lock.Lock, error) {
	l, err := lock.Read(file.Src)
	var damaged *lock.DamagedError
	switch {
	case errors.As(err, &damaged):
		return nil, fmt.Errorf("%s:%d: %w: %s", file.Name, damaged.Line, lock.ErrDamaged, damaged.Reason)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file.Name, err)
	}
	return l, nil
}

// section is the place of a section: its key, where that begins a line, or the beginning of the model.
func (f *Findings) section(files []diag.File, name string) diag.Span {
	before := 0
	for _, file := range files {
		for i, line := range bytes.Split(file.Src, []byte("\n")) {
			if bytes.HasPrefix(line, []byte(name+":")) {
				return diag.Span{Pos: diag.Pos{Line: before + i + 1, Col: 1}, Len: len(name)}
			}
		}
		before += bytes.Count(file.Src, []byte("\n")) + 1
	}
	return diag.Span{Pos: diag.Pos{Line: 1, Col: 1}, Len: 1}
}
