package gen_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// teamEdits is how often the test below edits. CQRSGEN_TEAM_EDITS and CQRSGEN_SEED are for long runs, and to come back
// to one that failed.
const teamEdits = 1000

const editedModel = `cqrsgen: 1
package: house
types:
  DoorID: {base: string}
  LiftID: {base: uuid}
aggregates:
  Door:
    id: DoorID
    state: {open: bool, times: int}
    events: {Opened: {}, Closed: {fields: {gently: bool}}, Painted: {fields: {colour: string}}}
    rejections: {Jammed: {}}
    commands:
      Install: {creates: true, emits: [maybe Opened]}
      Close: {fields: {gently: bool}, emits: [Closed], rejects: [Jammed]}
      Paint: {creates: maybe, fields: {colour: string}, emits: [many Painted, maybe Closed]}
  Lift:
    id: LiftID
    state: {floor: int32}
    events: {Moved: {fields: {to: int32}}}
    commands:
      Move: {creates: maybe, fields: {to: int32}, emits: [Moved]}
projections:
  OpenDoors:
    key: {door: DoorID}
    row: {open: bool, colour: string}
    on:
      Opened: {key: {door: stream.id}}
      Closed: {key: {door: stream.id}}
      Painted: {key: {door: stream.id}}
`

func TestATeamsFilesKeepEveryByteHoweverTheyAreWritten(t *testing.T) {
	n := uint64(teamEdits)
	if testing.Short() {
		n = 50
	}
	n = fromEnv(t, "CQRSGEN_TEAM_EDITS", n)
	seed := fromEnv(t, "CQRSGEN_SEED", uint64(time.Now().UnixNano()))
	t.Logf("CQRSGEN_SEED=%d", seed)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, modelFile), []byte(editedModel), 0o644))
	set := generated(t, filepath.Join(dir, modelFile))
	teamRun(t, dir, set)
	skeletons := readTeam(t, dir)
	check := newTypeChecker(t, dir)
	require.NoError(t, check.compiles(dir), "what is edited compiles")
	stubs := 0
	for i := range n {
		random := rand.New(rand.NewPCG(seed, i))
		edited, did := editTeam(random, skeletons)
		writeTeam(t, dir, edited)
		said := teamRun(t, dir, set)
		after := readTeam(t, dir)
		context := func() string { return fmt.Sprintf("edit %d: %s\n%s", i, strings.Join(did, ", "), said) }
		require.Empty(t, said, context())
		for name, src := range edited {
			require.True(t, strings.HasPrefix(after[name], src), "%s\n%s changed from\n%s\nto\n%s", context(), name, src, after[name])
			if len(after[name]) > len(src) {
				stubs++
				requireAppended(t, src, after[name])
				requireMissing(t, edited, after[name][len(src):])
			}
		}
		if err := check.compiles(dir); err != nil {
			require.NoError(t, err, "%s\n%s", context(), after)
		}
		require.Empty(t, teamRun(t, dir, set), context())
		require.Equal(t, after, readTeam(t, dir), context())
	}
	require.Greater(t, stubs, int(n)/50, "the edits leave nothing to append")
}

// requireAppended holds what was appended against what stood there before: its line ends are those of the file.
func requireAppended(t *testing.T, before, after string) {
	t.Helper()
	added := after[len(before):]
	if strings.Contains(before, "package house\r\n") {
		require.NotRegexp(t, `[^\r]\n`, added)
	} else {
		require.NotContains(t, added, "\r")
	}
	require.True(t, strings.HasSuffix(added, "\n"))
	require.Contains(t, added, "NotImplementedError{")
}

var stub = regexp.MustCompile(`(?m)^func \((?:\w+ )?\*?(\w+)\) (\w+)\(`)

// requireMissing requires that nothing was appended that was there, for the type or for what it embeds.
func requireMissing(t *testing.T, files map[string]string, added string) {
	t.Helper()
	for _, m := range stub.FindAllStringSubmatch(added, -1) {
		there := regexp.MustCompile(`(?m)^func \((?:\w+ )?[ *]*(base)?` + m[1] + ` ?\) ` + m[2] + `\(`)
		for name, src := range files {
			require.NotRegexp(t, there, src, name)
		}
	}
}

func readTeam(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range teamsFiles(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		files[name] = string(content)
	}
	return files
}

func writeTeam(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for _, name := range teamsFiles(t, dir) {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	for name, content := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
}

// source is a file that is edited: its head up to the imports, and its declarations, comments included.
type source struct {
	head  string
	decls []string
}

func takeApart(src string) *source {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	s, end := &source{}, fset.Position(f.Name.End()).Offset
	for _, d := range f.Decls {
		from, to := d.Pos(), d.End()
		switch d := d.(type) {
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				end = fset.Position(to).Offset
				continue
			}
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		case *ast.FuncDecl:
			if d.Doc != nil {
				from = d.Doc.Pos()
			}
		}
		s.decls = append(s.decls, src[fset.Position(from).Offset:fset.Position(to).Offset])
	}
	s.head = src[:end]
	return s
}

func (s *source) String() string { return s.head + "\n\n" + strings.Join(s.decls, "\n\n") + "\n" }

// An edit changes files in a way that leaves them compiling, if they did, but for methods that are missing.
type edit struct {
	name string
	do   func(*rand.Rand, map[string]*source, string)
}

var receiver = regexp.MustCompile(`(?m)^func \((\w+ )?(\*?)(\w+)\)`)

func eachMethod(s *source, f func(int, string) string) {
	for i, d := range s.decls {
		if receiver.MatchString(d) {
			s.decls[i] = f(i, d)
		}
	}
}

var edits = []edit{
	{"comments", func(r *rand.Rand, all map[string]*source, name string) {
		s := all[name]
		for i := range s.decls {
			if r.IntN(2) == 0 {
				s.decls[i] = []string{"// func (Door) Close( {", "/* type Door struct{} */", "//nolint:all", "/*\n\n*/", "//go:noinline"}[r.IntN(4)] + "\n\n" + s.decls[i]
			}
		}
	}},
	{"another order", func(r *rand.Rand, all map[string]*source, name string) {
		r.Shuffle(len(all[name].decls), func(i, j int) {
			d := all[name].decls
			d[i], d[j] = d[j], d[i]
		})
	}},
	{"receivers", func(r *rand.Rand, all map[string]*source, name string) {
		to := []string{"func (d $3)", "func (_ *$3)", "func (*$3)", "func (it *$3)", "func (  $3 )"}
		eachMethod(all[name], func(_ int, d string) string { return receiver.ReplaceAllString(d, to[r.IntN(len(to))]) })
	}},
	{"deleted methods", func(r *rand.Rand, all map[string]*source, name string) {
		all[name].decls = slices.DeleteFunc(all[name].decls, func(d string) bool { return receiver.MatchString(d) && r.IntN(3) == 0 })
	}},
	{"unused code", func(r *rand.Rand, all map[string]*source, name string) {
		n := r.IntN(1e6)
		all[name].decls = append(all[name].decls, fmt.Sprintf("type unused%d[T any] struct{ Door }\n\nfunc (unused%[1]d[T]) Close() {}\n\nfunc unused%[1]d_() string { return `\n\r\n// \"` }", n))
	}},
	{"renamed parameters", func(_ *rand.Rand, all map[string]*source, name string) {
		eachMethod(all[name], func(_ int, d string) string {
			head, body, _ := strings.Cut(d, ") ")
			params, rest, _ := strings.Cut(body, ") ")
			return head + ") " + strings.NewReplacer("(s ", "(state ", "(c ", "(_ ", ", e ", ", event ", ", m ", ", _ ").Replace(params) + ") " + rest
		})
	}},
	{"import under another name", func(_ *rand.Rand, all map[string]*source, name string) {
		s := all[name]
		if strings.Contains(s.head, `import "`) && !strings.Contains(s.head, "package house // ") {
			s.head = strings.Replace(s.head, `import "`, `import es "`, 1)
			for i := range s.decls {
				s.decls[i] = strings.ReplaceAll(s.decls[i], "cqrs.", "es.")
			}
		}
	}},
	{"methods elsewhere", func(r *rand.Rand, all map[string]*source, name string) {
		s := all[name]
		other := &source{head: s.head}
		s.decls = slices.DeleteFunc(s.decls, func(d string) bool {
			moves := receiver.MatchString(d) && r.IntN(3) == 0
			if moves {
				other.decls = append(other.decls, d)
			}
			return moves
		})
		pkg := "cqrs"
		if strings.Contains(s.head, "import es ") {
			pkg = "es"
		}
		use := "var _ " + pkg + ".EventMeta"
		other.decls, s.decls = append(other.decls, use), append(s.decls, use)
		all["also_"+name] = other
	}},
	{"types in a group", func(_ *rand.Rand, all map[string]*source, name string) {
		s := all[name]
		for i, d := range s.decls {
			s.decls[i] = single.ReplaceAllString(d, "type (\n\t// Grouped.\n\t$1 struct{}\n\tgrouped$1 struct{}\n)")
		}
	}},
	{"build tags", func(r *rand.Rand, all map[string]*source, name string) {
		if s := all[name]; strings.HasPrefix(s.head, "package") {
			s.head = []string{"//go:build !never\n\n", "//go:build linux || !linux\n\n", "// Licence.\n\n", "/* Licence. */ "}[r.IntN(4)] + s.head
		}
	}},
	{"promoted methods", func(r *rand.Rand, all map[string]*source, name string) {
		s := all[name]
		for i, d := range s.decls {
			if !single.MatchString(d) {
				continue
			}
			s.decls[i] = single.ReplaceAllString(d, "type $1 struct{ base$1 }\n\ntype base$1 struct{}")
			eachMethod(s, func(_ int, m string) string {
				if r.IntN(2) == 0 {
					return receiver.ReplaceAllString(m, "func ($1${2}base$3)")
				}
				return m
			})
			return
		}
	}},
}

// single is a declaration of just an empty struct.
var single = regexp.MustCompile(`(?m)^type (\w+) struct\{\}\z`)

// editTeam returns files of the team's after some edits, and which ones.
func editTeam(r *rand.Rand, files map[string]string) (map[string]string, []string) {
	all := map[string]*source{}
	for name, src := range files {
		all[name] = takeApart(src)
	}
	var did []string
	for range 1 + r.IntN(6) {
		e := edits[r.IntN(len(edits))]
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool {
			// What moved once moves no more, or it would be there twice.
			return e.name == "methods elsewhere" && (strings.HasPrefix(name, "also_") || all["also_"+name] != nil)
		})
		if len(names) > 0 {
			name := names[r.IntN(len(names))]
			e.do(r, all, name)
			did = append(did, e.name+" in "+name)
		}
	}
	out := map[string]string{}
	for name, s := range all {
		out[name] = s.String()
	}
	name := slices.Sorted(maps.Keys(out))[r.IntN(len(out))]
	switch r.IntN(8) {
	case 0:
		out[name] = strings.ReplaceAll(strings.ReplaceAll(out[name], "\r", ""), "\n", "\r\n")
		did = append(did, "CRLF in "+name)
	case 1:
		out[name] = strings.TrimRight(out[name], "\n")
		did = append(did, "no line end in "+name)
	case 2:
		out[name] = "\uFEFF" + out[name]
		did = append(did, "BOM in "+name)
	case 3:
		out[name] += "\n\n// The end"
		did = append(did, "a comment at the end of "+name)
	case 4:
		out[name] += "\n"
		did = append(did, "a blank line at the end of "+name)
	}
	return out, did
}

// typeChecker checks packages against the export data of what they import, without starting a compiler for each.
type typeChecker struct {
	fset     *token.FileSet
	importer types.Importer
	// files are the generated ones, which no edit changes.
	files []*ast.File
}

// newImporter returns a checker that has no files yet.
func newImporter(t testing.TB) *typeChecker {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}",
		"./runtime/...", "github.com/google/uuid", "testing")
	list.Dir = ".."
	out, err := list.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	c := &typeChecker{fset: token.NewFileSet()}
	c.importer = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" { // a package that only this model takes types from
			list := exec.Command("go", "list", "-export", "-f", "{{.Export}}", "--", path)
			list.Dir = ".."
			out, err := list.Output()
			if err != nil {
				return nil, err
			}
			exports[path] = strings.TrimSpace(string(out))
		}
		return os.Open(exports[path])
	})
	return c
}

// set checks files that are in memory, and that are all of a package.
func (c *typeChecker) set(sources map[string]string) error {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, sources[name], parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: c.importer}
	_, err := conf.Check("example.com/fuzzed", fset, files, nil)
	return err
}

func newTypeChecker(t *testing.T, dir string) *typeChecker {
	t.Helper()
	c := newImporter(t)
	paths, err := filepath.Glob(filepath.Join(dir, "*_gen.go"))
	require.NoError(t, err)
	for _, path := range paths {
		f, err := parser.ParseFile(c.fset, path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		c.files = append(c.files, f)
	}
	return c
}

func (c *typeChecker) compiles(dir string) error {
	files := slices.Clone(c.files)
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_gen.go") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(c.fset, path, bytes.Clone(src), parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: c.importer}
	_, err = conf.Check("example.com/house", c.fset, files, nil)
	return err
}
