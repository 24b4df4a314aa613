package gen

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	f, p := compared(files)
	if p == nil {
		return f, nil
	}
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

// compared plans a model that is to be compared. Of what is wrong with it, only mistakes in scenarios do not matter to what is
// stored: they are warnings then. The plan is nil if the findings failed.
func compared(files []diag.File) (*Findings, *plan.Plan) {
	f := new(Findings)
	if p := f.plan(files); p != nil {
		f.list = diag.List{} // what is to be said of the model alone, others say
		return f, p
	}
	p := new(Findings).plan(withoutScenarios(files))
	if p == nil {
		return f, nil
	}
	mistakes := f.list.Sorted()
	f.list = diag.List{}
	for _, d := range mistakes {
		if !d.Warning && !d.Advice {
			d.Warning = true
			f.list.Add(d)
		}
	}
	return f, p
}

// plan plans a model. It is nil if the findings failed.
func (f *Findings) plan(files []diag.File) *plan.Plan {
	m := f.resolve(files)
	if f.Failed() {
		return nil
	}
	p := plan.New(m, &f.list)
	if f.Failed() {
		return nil
	}
	return p
}

// withoutScenarios empties the lines of the section of scenarios, so that all others stay where they are.
func withoutScenarios(files []diag.File) []diag.File {
	var without []diag.File
	for _, file := range files {
		var kept bytes.Buffer
		within := false
		for line := range bytes.Lines(file.Src) {
			if first := line[0]; !strings.ContainsRune(" \t\r\n#-", rune(first)) {
				within = bytes.HasPrefix(line, []byte("scenarios:"))
			}
			if within {
				line = []byte("\n")
			}
			kept.Write(line)
		}
		without = append(without, diag.File{Name: file.Name, Src: kept.Bytes()})
	}
	return without
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
