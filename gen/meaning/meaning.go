// Package meaning computes digests of what hand-written Go functions do: apply functions, folds, functions for keys,
// upcasters. A digest is that of the canonical syntax of a function and of all that it reaches in the module, so that
// comments, formatting, names of locals, and where and in which order declarations stand do not enter; constants do by
// their value, other modules by their version, generated code by its names and shapes, and the standard library and our
// runtime by the names that are used of them.
//
// It depends on no machine: what belongs to one platform only is seen as that of linux/amd64, without cgo and tags, and
// the declarations that stand in its place elsewhere enter by their syntax.
package meaning

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/embedded"
)

// Root is a function whose meaning is asked for: a method of a type, or a function if Type is empty.
type Root struct{ Type, Name string }

func (r Root) String() string {
	if r.Type == "" {
		return r.Name
	}
	return r.Type + "." + r.Name
}

// Package is the package that has the functions.
type Package struct {
	// Dir is its folder, and Name what its files call it.
	Dir, Name string
	// Generated are its generated files, by name, as they are about to be; then those on disk do not count. If it is
	// nil, those on disk do.
	Generated map[string][]byte
}

// FingerprintsFile is the generated file that has the fingerprints. It never enters.
const FingerprintsFile = "fingerprints_gen.go"

// Digests are what Of found out.
type Digests struct {
	// Of has the digest of each function, 32 hex digits, or none where the meaning is not known, and Unknown says why.
	Of      map[Root]string
	Unknown map[Root]*UnknownError
	// Own and Given take a digest apart: Own is of the function's syntax and of all that it reaches of the module's sources,
	// Given of what it reaches of generated code. Modules are the others that it reaches, with their versions.
	Own, Given map[Root]string
	Modules    map[Root][]Module
	// Generated are the names of generated declarations that each function reaches, sorted. Types are part of the
	// digest with their shape; what functions do is not.
	Generated map[Root][]string
	// Folders are those of the other packages whose source was read, and Files what else was, with absolute paths,
	// sorted: if nothing in them changes, and nothing in the package's folder, then no digest does.
	Folders, Files []string
	// Embedded are the patterns of files whose content is a part of it, sorted: a file that starts to match changes it too.
	Embedded []embedded.Pattern
	// Sums are of what was read, by absolute path: who reads the files again can tell whether they are still the same.
	Sums map[string][sha256.Size]byte
}

// ErrNotImplemented says that a function is missing, or is the stub that the tool wrote.
var ErrNotImplemented = errors.New("it is not implemented yet")

// UnknownError says why the meaning of a function is not known. It unwraps to ErrNotImplemented where that is the cause.
type UnknownError struct {
	Root Root
	// At is where the cause stands, with an absolute path; it is not valid where it stands nowhere.
	At  token.Position
	Err error
}

func (e *UnknownError) Error() string {
	if e.At.IsValid() {
		return fmt.Sprintf("the meaning of %s is not known: %s:%d:%d: %v",
			e.Root, filepath.Base(e.At.Filename), e.At.Line, e.At.Column, e.Err)
	}
	return fmt.Sprintf("the meaning of %s is not known: %v", e.Root, e.Err)
}

// Unwrap returns the cause.
func (e *UnknownError) Unwrap() error { return e.Err }

// Of computes the digests of functions of a package. The package need not compile: what the functions don't reach does
// not matter. Nothing but the package's own files is read if every function is yet to be written.
//
// An error is one of reading files, or of running the go command.
func Of(p Package, roots []Root) (*Digests, error) {
	l, err := newLoader(p)
	if err != nil {
		return nil, err
	}
	d := &Digests{
		Of: map[Root]string{}, Unknown: map[Root]*UnknownError{}, Own: map[Root]string{}, Given: map[Root]string{},
		Modules: map[Root][]Module{}, Generated: map[Root][]string{}, Sums: l.sums,
	}
	var written []Root
	for _, r := range roots {
		if l.own.written(r) {
			written = append(written, r)
		} else {
			d.Unknown[r] = &UnknownError{Root: r, Err: ErrNotImplemented}
		}
	}
	if len(written) == 0 {
		return d, nil
	}
	w, err := l.load(l.own.importsOf(written))
	if err != nil {
		return nil, err
	}
	if failed := d.add(w, written); len(failed) > 0 {
		// What the names alone led to was not enough: an import of another file may be what is missing.
		if w, err = l.load(l.own.allImports()); err != nil {
			return nil, err
		}
		d.add(w, failed)
	}
	d.Folders, d.Files = w.sources()
	d.Embedded = slices.SortedFunc(maps.Keys(w.patterns), func(a, b embedded.Pattern) int {
		return cmp.Or(cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Text, b.Text))
	})
	return d, nil
}

// add adds the digests of functions, and returns those whose meaning is not known.
func (d *Digests) add(w *world, roots []Root) (failed []Root) {
	for _, r := range roots {
		c := newClosure(w)
		if err := c.root(r); err != nil {
			err.Root = r
			d.Unknown[r] = err
			failed = append(failed, r)
			continue
		}
		delete(d.Unknown, r)
		d.Of[r] = c.digest()
		d.Own[r], d.Given[r] = c.partly(false), c.partly(true)
		d.Modules[r] = c.modules(c.outside)
		d.Generated[r] = slices.Sorted(maps.Keys(c.generated))
	}
	return failed
}

// closure is a function with all that it reaches.
type closure struct {
	*world
	// texts has the canonical syntax of each declaration that was reached, by its name. In it, names of declarations of
	// the module are references.
	texts map[string]string
	// reached are those of them that are written by hand.
	reached map[string]*declaration
	// shown are the names that a program can see, and seen the types whose names were looked for. mentioned are names, without
	// packages, by which files of other platforms mean something.
	shown, mentioned map[string]bool
	seen             map[types.Type]bool
	// generated are names of the package's generated code, outside the paths of packages that are not read.
	generated, outside map[string]bool
	// byName says that all names count.
	byName bool
	todo   []*declaration
	fault  *UnknownError
}

func newClosure(w *world) *closure {
	return &closure{
		world: w, texts: map[string]string{}, reached: map[string]*declaration{},
		shown: map[string]bool{}, mentioned: map[string]bool{}, seen: map[types.Type]bool{},
		generated: map[string]bool{}, outside: map[string]bool{},
	}
}

func (c *closure) root(r Root) *UnknownError {
	obj := c.own.lookup(r)
	if obj == nil {
		return &UnknownError{Err: ErrNotImplemented}
	}
	c.shown[c.qualified(obj)] = true
	if receiver := c.own.types.Scope().Lookup(r.Type); receiver != nil {
		c.show(receiver.Type())
	}
	d := c.declarations[obj]
	if d == nil { // a method that another package's type gives by being embedded
		c.object(obj)
		if receiver := c.own.types.Scope().Lookup(r.Type); receiver != nil {
			c.object(receiver)
		}
	} else {
		c.reach(d)
	}
	for len(c.todo) > 0 && c.fault == nil {
		next := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		c.write(next)
	}
	return c.fault
}

// reach notes that a declaration is reached.
func (c *closure) reach(d *declaration) {
	if _, known := c.texts[d.name]; !known {
		c.texts[d.name] = ""
		c.reached[d.name] = d
		c.todo = append(c.todo, d)
	}
}

// fail notes why the meaning is not known, if nothing else was the cause before.
func (c *closure) fail(at ast.Node, format string, args ...any) {
	if c.fault == nil {
		c.fault = &UnknownError{At: c.fset.Position(at.Pos()), Err: fmt.Errorf(format, args...)}
	}
}

func (c *closure) digest() string {
	h := sha256.New()
	c.canonical(true, func(name, text string) { fmt.Fprintf(h, "%s\x00%s\x00", name, text) })
	for _, m := range c.modules(c.outside) {
		fmt.Fprintf(h, "module %s\x00", m)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// partly is the digest of what is generated, or of what is not.
func (c *closure) partly(generated bool) string {
	h := sha256.New()
	c.canonical(false, func(name, text string) {
		if strings.HasPrefix(text, generatedText) == generated {
			fmt.Fprintf(h, "%s\x00%s\x00", name, text)
		}
	})
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// declaration is one of a package: a function or method, a type, a variable, a constant.
type declaration struct {
	*source
	// name is the path and the name, with that of the receiver.
	name string
	node ast.Node
	// spec is that of a variable or constant, and index which of its names is meant. iota is that of a constant.
	spec  *ast.ValueSpec
	index int
	iota  int
}

// qualified is the name of a declaration with its package. The one at hand has no path, so that its folder can move.
func (w *world) qualified(obj types.Object) string {
	path := "."
	if obj.Pkg() == nil {
		return obj.Name()
	}
	if obj.Pkg() != w.own.types {
		path = obj.Pkg().Path()
	}
	if f, ok := obj.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			return path + "." + receiverName(recv.Type()) + "." + f.Name()
		}
	}
	return path + "." + obj.Name()
}

// receiverName is the name of a type that has methods; "" for an interface without one.
func receiverName(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// sources are what digests follow from outside of the package's folder.
func (w *world) sources() (folders, files []string) {
	seen := map[string]bool{}
	for _, s := range w.packages {
		if s != w.own {
			seen[s.dir] = true
		}
	}
	folders = slices.Sorted(maps.Keys(seen))
	seen = map[string]bool{}
	for _, l := range w.listed {
		if l.Module != nil && l.Module.GoMod != "" && l.isSource() {
			seen[l.Module.GoMod] = true
		}
	}
	if mod := upward(w.own.dir, "go.mod"); mod != "" {
		seen[mod] = true
	}
	// That no workspace is there may change as well.
	for dir := w.own.dir; ; dir = filepath.Dir(dir) {
		seen[filepath.Join(dir, "go.work")] = true
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return folders, slices.SortedFunc(maps.Keys(seen), cmp.Compare[string])
}
