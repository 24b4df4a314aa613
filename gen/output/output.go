// Package output brings emitted files to disk, all or none: it first decides what happens to each file, refuses what
// it must not touch, and writes only then, each file atomically and below one folder.
//
// The tool owns the files that carry its header for the model at hand: they are rewritten, and removed when nothing
// asks for them any more and the lock file lists them. Every other file is the team's.
package output

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/embedded"
	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/gotypes"
)

// Set is everything that one model leads to.
type Set struct {
	// Model is the name of the model's file, or of the main one of its Models, as the header has it. A header that names
	// another of them is the model's too: it was written when that was the main one.
	Model  string
	Models []string
	// Package is the Go package that the files belong to.
	Package string
	Files   []emit.File
	// Lock is the lock file, which lists the files.
	Lock      emit.File
	Skeletons []emit.Skeleton
	// Elements says what each Go name stands for in the model.
	Elements map[string]gotypes.Element
	// NoStubs leaves the team's files as they are, the missing ones included.
	NoStubs bool
	// Outside says that the set follows also from Go packages outside of the folder.
	Outside bool
	// Folders and Others are folders of Go files, and files, that the set follows from besides those of the folder.
	Folders, Others []string
	// Embedded are patterns of files of which it follows too.
	Embedded []embedded.Pattern
	// Sums are of files that the set follows from, by absolute path, as they were when they were read.
	Sums map[string][sha256.Size]byte
}

// Result says what Write did, by file name in ascending order.
type Result struct {
	Written, Removed, Unchanged []string
	// Emptied are files to be removed that go generate has still to read: the next run removes them.
	Emptied []string
	// Kept are files with this model's header that nothing asks for any more, and that the lock file does not list.
	Kept []string
}

// NotOursError says that a file stands where one is to be generated, and does not carry this model's header.
type NotOursError struct {
	Name string
	// Header is the file's first line.
	Header string
}

func (e *NotOursError) Error() string {
	return fmt.Sprintf("%s exists and was not generated from this model (it starts with %.80q): rename it, or remove it", e.Name, e.Header)
}

// Write brings the set to the folder dir. Unless there is an error, the folder then holds just what the set asks for;
// files with the same content are left alone.
func Write(dir string, s Set) (*Result, error) {
	p, err := Prepare(dir, s)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if err := p.Stage(); err != nil {
		return nil, err
	}
	return p.Commit()
}

// Pending is what is about to happen to one folder. It is for one goroutine.
type Pending struct {
	root   *os.Root
	models []string
	write  []emit.File
	remove []string
	// listed are the files of the lock file, nil if there is none to trust.
	listed []string
	// leftovers are temporary files of a run that was killed, staged those of this one.
	leftovers, staged []string
	result            Result
	// emptied are files that nothing asks for any more, and of which the header alone is left, or will be.
	emptied map[string]bool

	// team are the files of the team's that get stubs, findings what is to be said about those that it has.
	team     map[string]*appending
	findings []*gotypes.Findings
}

// Prepare decides what bringing the set to the folder dir means, and writes nothing. Who stages several folders before
// the first is committed can still leave all of them as they are. Unless there is an error, Close must be called.
func Prepare(dir string, s Set) (*Pending, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	p := &Pending{root: root, models: append([]string{s.Model}, s.Models...), team: map[string]*appending{}, emptied: map[string]bool{}}
	if err := p.plan(dir, s); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close removes what Stage wrote and Commit did not use.
func (p *Pending) Close() {
	for _, name := range p.staged {
		_ = p.root.Remove(name)
	}
	_ = p.root.Close()
}

func (p *Pending) plan(dir string, s Set) error {
	existing, err := fs.ReadDir(p.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, f := range s.Files {
		if err := p.planFile(f, func(src []byte) bool { return p.ours(src, emit.Header) }); err != nil {
			return err
		}
	}
	if err := p.planLock(s); err != nil {
		return err
	}
	for _, entry := range existing {
		if err := p.planStale(entry, s); err != nil {
			return err
		}
	}
	return p.planTeam(dir, s)
}

// ours reports whether a file's first line is a header of the model. A merge can have put its mark above.
func (p *Pending) ours(src []byte, header func(model string) string) bool {
	if bytes.HasPrefix(src, []byte("<<<<<<< ")) {
		_, src, _ = bytes.Cut(src, []byte("\n"))
	}
	return slices.ContainsFunc(p.models, func(name string) bool { return bytes.HasPrefix(src, []byte(header(name)+"\n")) })
}

// planFile plans a file of the tool's. What stands there must be one, as ours tells.
func (p *Pending) planFile(f emit.File, ours func(src []byte) bool) error {
	have, err := p.read(f.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case bytes.Equal(have, f.Content):
		p.result.Unchanged = append(p.result.Unchanged, f.Name)
		return nil
	case !ours(have):
		first, _, _ := strings.Cut(string(have), "\n")
		return &NotOursError{f.Name, first}
	}
	p.write = append(p.write, f)
	return nil
}

// read reads a regular file: a link is not followed, wherever it leads.
func (p *Pending) read(name string) ([]byte, error) {
	info, err := p.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: remove it", name)
	}
	return fs.ReadFile(p.root.FS(), name)
}

// Stage writes every new content beside its file, so that a full disk is noticed before anything changed. Nothing of
// such a name is left before: no link is written through.
func (p *Pending) Stage() error {
	for _, name := range p.leftovers {
		if err := p.root.Remove(name); err != nil {
			return err
		}
	}
	for _, f := range p.write {
		if err := p.stageFile(f); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pending) stageFile(f emit.File) error {
	name := temporary(f.Name)
	mode, team := fs.FileMode(0o644), p.team[f.Name]
	if team != nil {
		mode = team.mode.Perm()
	}
	w, err := p.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	p.staged = append(p.staged, name)
	if team != nil {
		err = w.Chmod(mode) // whatever the umask takes away
	}
	_, werr := w.Write(f.Content)
	return errors.Join(err, werr, w.Close())
}

// Commit puts every new content that was staged in its place, and removes what nothing asks for any more. The result
// says how far it came, also beside an error.
func (p *Pending) Commit() (*Result, error) {
	for _, f := range p.write {
		if err := p.unchanged(f.Name); err != nil {
			return &p.result, err
		}
		if err := p.root.Rename(temporary(f.Name), f.Name); err != nil {
			return &p.result, err
		}
		p.staged = p.staged[1:]
		if p.emptied[f.Name] {
			p.result.Emptied = append(p.result.Emptied, f.Name)
		} else {
			p.result.Written = append(p.result.Written, f.Name)
		}
	}
	for _, name := range p.remove {
		if err := p.root.Remove(name); err != nil {
			return &p.result, err
		}
		p.result.Removed = append(p.result.Removed, name)
	}
	slices.Sort(p.result.Written)
	return &p.result, nil
}

const temporarySuffix = ".cqrsgen-tmp"

// generatedName reports whether a file's name is one that generated files have.
func generatedName(name string) bool {
	return strings.HasSuffix(name, "_gen.go") || strings.HasSuffix(name, "_gen_test.go")
}

// temporary is the name under which a file's new content waits.
func temporary(name string) string { return "." + name + temporarySuffix }
