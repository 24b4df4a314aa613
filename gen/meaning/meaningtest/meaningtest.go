// Package meaningtest is what generated tests use to see that hand-written functions still mean what they meant when the
// code was generated. No program links it.
package meaningtest

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cqrsgen/cqrsgen/gen/meaning"
)

// Check computes the meaning of functions of the package in the working directory, and compares it with what was found
// when the code was generated: digests by the names of methods, "Type.Method", or of functions; an empty one says that it
// was not known then. It needs the source of the module, and the go command, and is skipped where a test runs without.
func Check(t testing.TB, digests map[string]string) {
	t.Helper()
	if files, err := filepath.Glob("*_gen.go"); err != nil || len(files) == 0 {
		t.Skip("the source is not here")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not here")
	}
	var roots []meaning.Root
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		typ, method, ok := strings.Cut(name, ".")
		if !ok {
			typ, method = "", name
		}
		roots = append(roots, meaning.Root{Type: typ, Name: method})
	}
	have, err := meaning.Of(meaning.Package{Dir: "."}, roots)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roots {
		switch was, is := digests[r.String()], have.Of[r]; {
		case was == is:
		case is == "":
			t.Error(have.Unknown[r])
		case was == "":
			t.Errorf("%s was not written, or did not compile, when the code was generated: run cqrsgen generate", r)
		default:
			t.Errorf("%s, or something that it reaches, means something else than when the code was generated,"+
				" so that its snapshots or rows are out of date: run cqrsgen generate", r)
		}
	}
}
