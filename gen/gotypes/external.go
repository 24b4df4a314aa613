package gotypes

import (
	"fmt"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Lookup returns a lookup of the types of Go packages, as the go command finds them for the package in the folder dir.
// It loads all packages at once, from what the compiler exported of them: the package in dir need not compile.
func Lookup(dir string) model.Lookup {
	return func(list []model.GoType) []model.Found {
		paths := map[string]bool{}
		var patterns []string
		for _, t := range list {
			if !paths[t.Path] {
				paths[t.Path] = true
				patterns = append(patterns, t.Path)
			}
		}
		loaded, err := packages.Load(&packages.Config{
			Mode: packages.NeedName | packages.NeedFiles | packages.NeedTypes, Dir: dir,
		}, patterns...)
		byPath := map[string]*packages.Package{}
		for _, p := range loaded {
			byPath[p.PkgPath] = p
		}
		found := make([]model.Found, len(list))
		for i, t := range list {
			switch p := byPath[t.Path]; {
			case err != nil:
				found[i] = notLoaded(t, err.Error())
			case p == nil:
				found[i] = notLoaded(t, "the go command does not find it")
			default:
				found[i] = external(dir, p, t)
			}
		}
		return found
	}
}

func notLoaded(t model.GoType, cause string) model.Found {
	return model.Found{
		Code: diag.ExternalNotLoaded, Message: fmt.Sprintf("the Go package %s can't be loaded: %s", t.Path, shortened(cause)),
		Hint: "it must be in the module of the model's folder, in one that its go.mod requires, or in the standard library",
	}
}

// inFolders is what the go command says about where it looked, which differs from machine to machine.
var inFolders = regexp.MustCompile(` \([^()]*\)`)

// shortened is the first line of what the go command says.
func shortened(cause string) string {
	cause, _, _ = strings.Cut(strings.TrimSpace(cause), "\n")
	return strings.TrimRight(inFolders.ReplaceAllString(cause, ""), ":;")
}

// external says what can be done with a type of a loaded package.
func external(dir string, p *packages.Package, t model.GoType) model.Found {
	if found := closed(dir, p, t); found.Code != "" {
		return found
	}
	if len(p.Errors) > 0 {
		return notLoaded(t, p.Errors[0].Msg)
	}
	if p.Types == nil {
		return notLoaded(t, "it has no types")
	}
	name, ok := p.Types.Scope().Lookup(t.Type).(*types.TypeName)
	if !ok {
		return unknown(p.Types, t)
	}
	encoding, fault := encodingOf(name.Type())
	if fault != nil {
		return model.Found{
			Code: diag.ExternalNotEncodable, Message: fmt.Sprintf("%s can't be encoded: %s", t, fault.why), Hint: fault.hint(t),
		}
	}
	return model.Found{Package: p.Types.Name(), Encoding: encoding}
}

// closed says why the package in a folder can't import another.
func closed(dir string, p *packages.Package, t model.GoType) model.Found {
	found := model.Found{Code: diag.ExternalClosed}
	own, err := realPath(dir)
	if err != nil {
		return model.Found{}
	}
	before, internal := treeOf(p.Dir)
	switch {
	case t.Path == importPath(own) || p.Dir == own:
		found.Message = fmt.Sprintf("%s is the package that is generated here", t.Path)
		found.Hint = "declare the type under `types`, or in a Go package of its own"
	case p.Name == "main":
		found.Message = fmt.Sprintf("%s is a command, which can't be imported", t.Path)
		found.Hint = "move the type to a package of its own"
	case internal && own != before && !strings.HasPrefix(own, before+string(filepath.Separator)):
		found.Message = fmt.Sprintf("%s is internal to another tree of packages", t.Path)
		found.Hint = "a folder `internal` is open to what lies below the folder that it is in"
	default:
		return model.Found{}
	}
	return found
}

// realPath is the path of a folder without links.
func realPath(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)`)

// importPath is that of a folder, also if it has no Go files yet; "" where that is not known.
func importPath(dir string) string {
	for root := dir; ; root = filepath.Dir(root) {
		src, err := os.ReadFile(filepath.Join(root, "go.mod"))
		below, relErr := filepath.Rel(root, dir)
		if m := moduleLine.FindSubmatch(src); err == nil && relErr == nil && m != nil {
			return path.Join(string(m[1]), filepath.ToSlash(below))
		}
		if err == nil || root == filepath.Dir(root) {
			return ""
		}
	}
}

// treeOf returns the folder to which a folder is internal, and whether it is.
func treeOf(dir string) (string, bool) {
	slashed := filepath.ToSlash(dir) + "/"
	i := strings.LastIndex(slashed, "/internal/")
	if i < 0 {
		return dir, false
	}
	return filepath.FromSlash(slashed[:i]), true
}

// unknown says that a package has no such type.
func unknown(pkg *types.Package, t model.GoType) model.Found {
	var names []string
	for _, name := range pkg.Scope().Names() {
		if _, ok := pkg.Scope().Lookup(name).(*types.TypeName); ok && token.IsExported(name) {
			names = append(names, name)
		}
	}
	message := fmt.Sprintf("the Go package %s has no type %s", t.Path, t.Type)
	if pkg.Scope().Lookup(t.Type) != nil {
		message = fmt.Sprintf("%s is not a type", t)
	}
	return model.Found{Code: diag.ExternalUnknown, Message: message, Hint: diag.DidYouMean(t.Type, names)}
}
