package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/gotypes"
	"github.com/cqrsgen/cqrsgen/templates"
)

// packages are the paths of what the signatures of the team's methods name.
var packages = map[string]string{"cqrs": emit.CQRS}

// Findings returns what is to be said about the team's files. Where Blocked says so, nothing may be written.
func (p *Pending) Findings() []*gotypes.Findings { return p.findings }

// Blocked reports whether a finding stands against writing: what is generated would not go together with what the team
// declares. Wrong methods don't: they can only be mended beside what is generated.
func (p *Pending) Blocked() bool {
	for _, f := range p.findings {
		for _, d := range f.Sorted() {
			if d.Code == diag.TeamCollides {
				return true
			}
		}
	}
	return false
}

// team plans the files that the team owns: skeletons where a type is missing, stubs where methods are.
type team struct {
	*Pending
	*gotypes.Checker
	set Set
	// known are the methods of the generated interfaces.
	known map[string][]string
	// appended are the team's files that get stubs, by name, and fresh the new ones, by type.
	appended map[string]*appending
	order    []string
	fresh    map[string]string
}

// appending is one of the team's files, or a new one, with what it gets.
type appending struct {
	before []byte
	mode   fs.FileMode
	stubs  bytes.Buffer
}

func (p *Pending) planTeam(dir string, s Set) error {
	read, err := gotypes.Read(dir, s.Package, func(name string, src []byte) bool {
		return generatedName(name) && p.ours(src, emit.Header)
	})
	if err != nil {
		return err
	}
	t := &team{Pending: p, set: s, known: map[string][]string{}, appended: map[string]*appending{}, fresh: map[string]string{}}
	t.Checker = gotypes.NewChecker(read, t.generated())
	t.Collisions()
	for i := range s.Skeletons {
		if err := t.skeleton(&s.Skeletons[i], &t.Wants[i]); err != nil {
			return err
		}
	}
	t.Renamed(t.fresh)
	t.Pending.findings = t.Checker.Findings()
	if s.NoStubs {
		return nil
	}
	return t.flush()
}

func (t *team) generated() *gotypes.Generated {
	g := &gotypes.Generated{Elements: t.set.Elements, Packages: packages}
	clause := []byte("\npackage " + t.set.Package + "\n")
	for _, f := range t.set.Files {
		if !bytes.Contains(f.Content, clause) {
			continue // tests from outside the package
		}
		g.Declarations = append(g.Declarations, gotypes.Declared(f.Name, f.Content)...)
	}
	for _, sk := range t.set.Skeletons {
		w := gotypes.Want{Type: sk.Type, Interface: sk.Interface}
		for _, m := range sk.Methods {
			w.Methods = append(w.Methods, gotypes.WantMethod{Name: m.Name, Params: m.Params, Results: m.Results})
			t.known[sk.Interface] = append(t.known[sk.Interface], m.Name)
		}
		g.Wants = append(g.Wants, w)
	}
	return g
}

// skeleton plans one type of the team's.
func (t *team) skeleton(sk *emit.Skeleton, w *gotypes.Want) error {
	all := t.Types(sk.Type)
	if len(all) == 0 {
		return t.newFile(sk)
	}
	for _, d := range all {
		if reason := unfit[t.Of(d)]; reason != "" {
			t.Type(d, diag.NoMethodsOfType, fmt.Sprintf("%s %s, which can't be what implements %s", sk.Type, reason, sk.Interface),
				"declare a type of your own: type "+sk.Type+" struct{}")
			continue
		}
		methods := t.MethodsOf(d, t.known)
		if err := t.Signatures(w, methods); err != nil {
			return err
		}
		t.LeftOver(w, methods)
		if err := t.stubs(sk, d, methods); err != nil {
			return err
		}
	}
	return nil
}

var unfit = map[gotypes.Kind]string{
	gotypes.Generic:   "has type parameters",
	gotypes.Interface: "is an interface",
	gotypes.Foreign:   "is an alias of what this package does not declare",
}

// newFile plans the file of a type that nothing declares.
func (t *team) newFile(sk *emit.Skeleton) error {
	if hiding := t.Hides(sk.Type); hiding != nil {
		t.Broken(hiding)
		return nil
	}
	if t.set.NoStubs {
		return nil
	}
	if _, err := t.root.Lstat(sk.Name); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return err
		}
		return fmt.Errorf("%s exists and does not declare the type %s: declare it, or rename the file", sk.Name, sk.Type)
	}
	t.fresh[sk.Type] = sk.Name
	t.write = append(t.write, sk.File)
	return nil
}

// stubs plans the methods that one declaration of a type lacks.
func (t *team) stubs(sk *emit.Skeleton, d *gotypes.Type, have *gotypes.Methods) error {
	var missing []emit.Method
	for _, m := range sk.Methods {
		switch {
		case have.Has[m.Name]:
		case have.Fields[m.Name]:
			t.Type(d, diag.NoMethodsOfType, fmt.Sprintf(
				"%s has a field %s, where %s asks for a method of that name", sk.Type, m.Name, sk.Interface), "rename the field")
		default:
			if hiding := t.HidesMethod(sk.Type, m.Name); hiding != nil {
				t.Broken(hiding)
				continue
			}
			missing = append(missing, m)
		}
	}
	switch {
	case len(missing) == 0:
		return nil
	case have.Unseen != "":
		t.Type(d, diag.MethodsUnseen, fmt.Sprintf("%s may lack %s: what %s has can't be seen", sk.Type, names(missing), have.Unseen),
			"declare what the compiler misses")
		return nil
	case d.File.Broken != nil:
		t.Broken(d.File)
		return nil
	}
	name, pkg, err := t.place(d, sk, missing)
	if err != nil {
		return err
	}
	return t.append(name, sk.Type, pkg, missing, have)
}

func names(methods []emit.Method) string {
	var list []string
	for _, m := range methods {
		list = append(list, m.Name)
	}
	return strings.Join(list, ", ")
}

// place returns the file that takes the stubs of a type, and what it calls the package cqrs. It is the file that
// declares the type. A file that does not import the package, that is a link, or that another tool writes is left as it
// is: then a file beside it takes them.
func (t *team) place(d *gotypes.Type, sk *emit.Skeleton, missing []emit.Method) (name, pkg string, err error) {
	if pkg := usable(d.File, missing); pkg != "" {
		t.appendTo(d.File.Name, d.File.Src, d.File.Mode)
		return d.File.Name, pkg, nil
	}
	constraint, named := d.File.Constraint()
	if named {
		return "", "", fmt.Errorf("%s lacks %s, and their stubs can't be appended to %s: import %q there",
			sk.Type, names(missing), d.File.Name, emit.CQRS)
	}
	base := strings.TrimSuffix(d.File.Name, ".go") + "_more"
	for n := 2; ; n++ {
		name := base + ".go"
		if t.appended[name] != nil {
			return name, "cqrs", nil
		}
		i := slices.IndexFunc(t.Files, func(f *gotypes.File) bool { return f.Name == name })
		if i < 0 {
			if _, err := t.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
				t.appendTo(name, nil, 0o644)
				t.appended[name].begin(constraint, t.set.Package)
				return name, "cqrs", nil
			}
		} else if f := t.Files[i]; f.Broken == nil {
			if line, _ := f.Constraint(); line == constraint {
				if pkg := usable(f, missing); pkg != "" {
					t.appendTo(name, f.Src, f.Mode)
					return name, pkg, nil
				}
			}
		}
		base = strings.TrimSuffix(d.File.Name, ".go") + "_more" + strconv.Itoa(n)
	}
}

// usable returns what the file calls the package cqrs, "" if the stubs can't stand in it.
func usable(f *gotypes.File, missing []emit.Method) string {
	if f.Linked || f.Generated {
		return ""
	}
	pkg := f.Imports(emit.CQRS, "cqrs")
	for _, m := range missing {
		// A parameter of the package's name hides it from the body.
		if slices.Contains(parameters(m.Params), pkg) {
			return ""
		}
	}
	return pkg
}

// parameters returns the names of parameters.
func parameters(list string) []string {
	var out []string
	for part := range strings.SplitSeq(list, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), " ")
		out = append(out, name)
	}
	return out
}

func (t *team) appendTo(name string, before []byte, mode fs.FileMode) {
	if t.appended[name] == nil {
		t.appended[name] = &appending{before: before, mode: mode}
		t.order = append(t.order, name)
	}
}

// begin starts a new file.
func (a *appending) begin(constraint, pkg string) {
	if constraint != "" {
		fmt.Fprintf(&a.stubs, "%s\n\n", constraint)
	}
	fmt.Fprintf(&a.stubs, "package %s\n\nimport %q\n", pkg, emit.CQRS)
}

func (t *team) append(name, typ, pkg string, missing []emit.Method, have *gotypes.Methods) error {
	a := t.appended[name]
	receiver, pointer := have.Style()
	of := typ
	if pointer {
		of = "*" + typ
	}
	for _, m := range missing {
		as := "(" + of + ")"
		if receiver != "" && receiver != pkg && !slices.Contains(parameters(m.Params), receiver) {
			as = "(" + receiver + " " + of + ")"
		}
		stub, err := templates.Render("stub.go.tmpl", m.Stub(as, pkg, typ))
		if err != nil {
			return err
		}
		a.stubs.WriteByte('\n')
		a.stubs.Write(stub)
	}
	return nil
}

// flush turns what is appended into files to write.
func (t *team) flush() error {
	for _, name := range t.order {
		a := t.appended[name]
		if a.before == nil {
			t.write = append(t.write, emit.File{Name: name, Content: a.stubs.Bytes()})
			continue
		}
		if err := t.writable(name, a.mode); err != nil {
			return err
		}
		t.write = append(t.write, emit.File{Name: name, Content: a.content()})
		t.team[name] = a
	}
	return nil
}

// writable reports why a file can't be appended to. The file is replaced when the time comes, which its mode would not
// prevent: whoever protects a file means it.
func (p *Pending) writable(name string, mode fs.FileMode) error {
	if mode.Perm()&0o222 == 0 {
		return fmt.Errorf("%s is read-only, and methods are missing in it: make it writable, or generate with --no-stubs", name)
	}
	f, err := p.root.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("methods are missing in %s (generate with --no-stubs to leave it as it is): %w", name, err)
	}
	return f.Close()
}

// content is the file as it stands, byte for byte, and the stubs behind it, with line ends as the file has them.
func (a *appending) content() []byte {
	out := slices.Clone(a.before)
	stubs, end := a.stubs.Bytes(), []byte("\n")
	if crlf := bytes.Count(out, []byte("\r\n")); 2*crlf > bytes.Count(out, []byte("\n")) {
		end = []byte("\r\n")
		stubs = bytes.ReplaceAll(stubs, []byte("\n"), end)
	}
	switch {
	case len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")):
		out = append(out, end...)
	case bytes.HasSuffix(out, slices.Concat(end, end)):
		stubs = bytes.TrimPrefix(stubs, end) // the blank line is there
	}
	return append(out, stubs...)
}

// unchanged reports an error if one of the team's files is not what it was when the stubs were planned: somebody has
// saved it meanwhile.
func (p *Pending) unchanged(name string) error {
	a, ours := p.team[name]
	if !ours {
		return nil
	}
	now, err := p.read(name)
	if err == nil && !bytes.Equal(now, a.before) {
		err = fmt.Errorf("%s was changed while stubs were prepared for it: generate again", name)
	}
	return err
}
