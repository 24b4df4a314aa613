// Package newservice writes a service to start from: a small model with its generated Go, HTTP in front of it, tests, and
// the files around them. It writes into an empty folder only.
package newservice

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cqrsgen/cqrsgen/gen"
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/output"
	"github.com/cqrsgen/cqrsgen/templates"
)

// module is the path of the module that new services depend on.
const module = "github.com/cqrsgen/cqrsgen"

// goVersion is the oldest release of Go that the generated code compiles with.
const goVersion = "1.26.0"

// model is the model's file in a new service.
const model = "tickets/tickets.cqrs.yaml"

// Source is where a new service takes this module from.
type Source struct {
	// Version is a released version, "" if there is none.
	Version string
	// Dir is a checkout, "" if the version is to be downloaded.
	Dir string
}

// Options say what a new service is like.
type Options struct {
	// Module is the path of its Go module.
	Module string
	// Engine is the event log: one of Engines.
	Engine string
	Source Source
}

// Service is a new service.
type Service struct {
	// Files are what was written, with slashes, in order.
	Files []string
	// Steps are the commands that make it run, in the folder that it is in.
	Steps []string
}

// NotEmptyError says that the folder for a new service holds something.
type NotEmptyError struct {
	Dir string
	// Names are some of what is there, More is how many there are besides.
	Names []string
	More  int
}

func (e *NotEmptyError) Error() string {
	more := ""
	if e.More > 0 {
		more = fmt.Sprintf(" and %d more", e.More)
	}
	return fmt.Sprintf("%s is not empty: it holds %s%s. A service is only written into an empty folder",
		e.Dir, strings.Join(e.Names, ", "), more)
}

// Create writes a new service into a folder that does not exist or is empty; an empty repository of git counts as
// empty. After an error the folder is as it was.
func Create(dir string, o Options) (*Service, error) {
	if err := o.check(dir); err != nil {
		return nil, err
	}
	first := engines[o.Engine].firstPosition
	files, err := templates.RenderService(templates.Service{
		Name: name(o.Module), Module: o.Module, Engine: o.Engine, First: first, Second: 2 * first,
		Go: goVersion, Version: o.Source.version(), Replace: quoted(o.Source.Dir),
	})
	if err != nil {
		return nil, err
	}
	set, findings, err := gen.FromSource(filepath.Base(model), files[model])
	if err != nil {
		return nil, err
	}
	if findings.Failed() {
		var text strings.Builder
		_ = findings.Write(&text)
		return nil, fmt.Errorf("the model of a new service is wrong:\n%s", text.String())
	}
	w, err := open(dir)
	if err != nil {
		return nil, err
	}
	if err := w.write(files, set); err != nil {
		return nil, errors.Join(err, w.undo())
	}
	slices.Sort(w.files)
	return &Service{Files: w.files, Steps: o.steps()}, w.root.Close()
}

func (o *Options) steps() []string {
	steps := []string{"go mod tidy", "go test ./...", engines[o.Engine].run}
	if o.Source.Version == "" && o.Source.Dir == "" {
		steps = slices.Insert(steps, 0, "go get -tool "+module+"/cmd/cqrsgen@latest")
	}
	return steps
}

// engine is an event log that a new service can have.
type engine struct {
	// run starts the service.
	run string
	// firstPosition is that of the first event.
	firstPosition int64
}

var engines = map[string]engine{
	"embedded":  {"go run .", 1},
	"postgres":  {"make server run", 1},
	"jetstream": {"make server run", 1 << 16},
}

// Engines returns the names of the event logs that a new service can have.
func Engines() []string { return []string{"embedded", "postgres", "jetstream"} }

func (o *Options) check(dir string) error {
	if _, known := engines[o.Engine]; !known {
		return fmt.Errorf("unknown engine %q: use --engine %s", o.Engine, strings.Join(Engines(), ", or "))
	}
	if err := checkDir(dir); err != nil {
		return err
	}
	return checkModule(o.Module)
}

// checkDir refuses names of folders that nobody means.
func checkDir(dir string) error {
	switch {
	case dir == "":
		return errors.New("the folder has no name")
	case !utf8.ValidString(dir) || strings.ContainsFunc(dir, diag.Hidden):
		return fmt.Errorf("%q has characters that can't be seen", dir)
	case strings.HasPrefix(dir, "-"):
		return fmt.Errorf("%s looks like a flag: write ./%s", dir, dir)
	}
	return nil
}

// element is one part of a module's path.
var element = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._~-]*$`)

// checkModule refuses paths that Go would not take for a module of one's own.
func checkModule(path string) error {
	if path == "" {
		return errors.New("--module names the Go module of the service: --module example.com/tickets")
	}
	wrong := func(why string) error { return fmt.Errorf("%q can't be the path of a Go module: %s", path, why) }
	if len(path) > 200 {
		return wrong("it is longer than 200 characters")
	}
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case !element.MatchString(part) || strings.HasSuffix(part, "."):
			return wrong("its parts are ASCII letters, digits and ._~-, and start with a letter, a digit or _")
		case windowsNames[strings.ToLower(strings.SplitN(part, ".", 2)[0])]:
			return wrong(part + " means something else on Windows")
		}
	}
	switch first, _, _ := strings.Cut(path, "/"); {
	case path == module || strings.HasPrefix(path, module+"/"):
		return wrong("it is this tool's")
	case slices.Contains([]string{"std", "cmd", "main", "tool", "all", "command-line-arguments"}, first):
		return wrong("Go means something else by " + first)
	case !strings.Contains(first, ".") && isStandard(first):
		return wrong("Go's standard library has " + first)
	}
	return nil
}

var windowsNames = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// standard are the folders at the top of the standard library.
var standard = strings.Fields(`archive arena bufio builtin bytes cmp compress container context crypto database debug
	embed encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin
	reflect regexp runtime slices sort strconv strings structs sync syscall testing text time unicode unique unsafe
	vendor weak`)

func isStandard(first string) bool { return slices.Contains(standard, first) }

// major is the last part of the path of a module's later major version.
var major = regexp.MustCompile(`^v[0-9]+$`)

// name returns what a program of the module is called.
func name(path string) string {
	parts := strings.Split(path, "/")
	if last := len(parts) - 1; last > 0 && major.MatchString(parts[last]) {
		parts = parts[:last]
	}
	return parts[len(parts)-1]
}

func (s Source) version() string {
	if s.Dir != "" {
		return "v0.0.0" // whatever the checkout is
	}
	return s.Version
}

// quoted writes a path as go.mod has it.
func quoted(path string) string {
	if strings.ContainsAny(path, " \t\"'`()[]{},;\\") || strings.Contains(path, "//") || strings.Contains(path, "/*") {
		return strconv.Quote(path)
	}
	return path
}

// Running returns where the running program comes from: the checkout that it was compiled in, if that is still there, or
// its released version.
func Running() Source {
	if _, file, _, ok := runtime.Caller(0); ok && !strings.Contains(file, "@") {
		root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
		mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module "+module+"\n") {
			return Source{Dir: root}
		}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Source{}
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == module && released.MatchString(m.Version) {
			return Source{Version: m.Version}
		}
	}
	return Source{}
}

var released = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// writer writes into a folder, and can take all of it back.
type writer struct {
	dir  string
	root *os.Root
	// made are the folders that were not there before, the innermost first.
	made  []string
	files []string
}

// open makes the folder if it is missing, and refuses one that is not empty.
func open(dir string) (*writer, error) {
	w := &writer{dir: dir}
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		w.made = append(w.made, d)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Name() != ".git" {
			names = append(names, strconv.QuoteToGraphic(e.Name()))
		}
	}
	if len(names) > 0 {
		shown := min(len(names), 8)
		for i := range names {
			names[i] = strings.Trim(names[i], `"`)
		}
		return nil, &NotEmptyError{Dir: dir, Names: names[:shown], More: len(names) - shown}
	}
	w.root, err = os.OpenRoot(dir)
	return w, err
}

func (w *writer) write(files map[string][]byte, set *output.Set) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.file(name, files[name]); err != nil {
			return err
		}
	}
	folder := filepath.Dir(filepath.FromSlash(model))
	result, err := output.Write(filepath.Join(w.dir, folder), *set)
	if result != nil {
		for _, name := range result.Written {
			w.files = append(w.files, filepath.ToSlash(filepath.Join(folder, name)))
		}
	}
	return err
}

// file writes one file, where none is.
func (w *writer) file(name string, content []byte) error {
	if err := w.root.MkdirAll(filepath.Dir(filepath.FromSlash(name)), 0o755); err != nil {
		return err
	}
	f, err := w.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w.files = append(w.files, name)
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// undo removes what was written.
func (w *writer) undo() error {
	var errs []error
	for _, name := range w.files {
		errs = append(errs, w.root.Remove(filepath.FromSlash(name)))
	}
	for _, dir := range []string{"tickets", ".github/workflows", ".github"} {
		_ = w.root.Remove(filepath.FromSlash(dir))
	}
	errs = append(errs, w.root.Close())
	for _, dir := range w.made {
		_ = os.Remove(dir)
	}
	return errors.Join(errs...)
}
