package emit

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// allowed are the imports that emitted code may have. Whatever a model says, nothing else gets in.
var allowed = []string{
	"cmp", "context", "errors", "fmt", "iter", "maps", "math", "regexp", "slices", "strconv", "strings", "time",
	cqrsPath, aggregatePath, checkedPath, claimPath, jsoncodecPath, personalPath, projectionPath, readmodelPath, snapshotPath,
	validatePath,
	uuidPath,
}

// allowedInTests are the imports that emitted tests may have besides.
var allowedInTests = []string{"testing", cqrstestPath, meaningtestPath}

// gate refuses in what was emitted what no model may bring in: other imports than ours and those that it takes types
// from, cgo, directives, an init function.
func gate(name string, f *ast.File, imports map[string]string) error {
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		inTest := strings.HasSuffix(name, "_test.go") && slices.Contains(allowedInTests, path)
		_, typed := imports[path]
		if err != nil || !slices.Contains(allowed, path) && !inTest && !typed {
			return fmt.Errorf("refused: the emitted code imports %s", spec.Path.Value)
		}
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			if directive(c.Text) {
				return fmt.Errorf("refused: the emitted code has the directive %q", c.Text)
			}
		}
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && (fn.Name.Name == "init" || fn.Name.Name == "main") {
			return fmt.Errorf("refused: the emitted code has the function %s", fn.Name.Name)
		}
	}
	return nil
}

// directive reports whether a comment means something to the compiler or the build: every comment of ours starts with
// "// ", and the old form of build constraints is one even so.
func directive(text string) bool {
	rest, line := strings.CutPrefix(text, "//")
	if !line {
		return true
	}
	if rest != "" && rest[0] != ' ' {
		return true
	}
	return strings.HasPrefix(strings.TrimSpace(rest), "+build")
}
