package output

import (
	"bytes"
	"os"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/emit"
)

// The go command lists the files of a package before it runs the first of its directives, and ends with an error if it
// then can't read one of them. A file that it has still to read when nothing asks for it any more is emptied instead of
// removed: what stays is in no build, and go generate does not list it the next time, when it is removed.

// remark is what an emptied file has below its header.
const remark = "\n//go:build ignore\n\n// Nothing asks for this file any more. The next run removes it.\n\npackage "

// empty plans that of a file its header alone stays, and a clause for a package.
func (p *Pending) empty(name, pkg string, have []byte) {
	header, _, _ := bytes.Cut(have, []byte("\n"))
	p.write = append(p.write, emit.File{Name: name, Content: []byte(string(header) + "\n" + remark + pkg + "\n")})
	p.emptied[name] = true
}

// isEmptied reports whether an earlier run left no more of a file than its header.
func isEmptied(src []byte) bool {
	_, rest, _ := bytes.Cut(src, []byte("\n"))
	return bytes.HasPrefix(rest, []byte(remark)) && bytes.Count(rest[len(remark):], []byte("\n")) == 1
}

// awaited reports whether go generate, if that is what runs the tool, has still to read a file: it reads the tests of a
// package last, and of its other files each after those whose names are less. Of other folders than that of the directive
// nobody knows.
func (p *Pending) awaited(name string) bool {
	running := os.Getenv("GOFILE")
	if running == "" {
		return false
	}
	here, err := os.Stat(".")
	if err != nil {
		return true
	}
	dir, err := p.root.Stat(".")
	if err != nil || !os.SameFile(here, dir) {
		return true
	}
	test := strings.HasSuffix(name, "_test.go")
	if test != strings.HasSuffix(running, "_test.go") {
		return test
	}
	return name > running
}

// Emptied reports whether a file that nothing asks for any more is there without its content, or will be.
func (p *Pending) Emptied() bool { return len(p.emptied) > 0 }
