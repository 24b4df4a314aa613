package schema

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cqrsgen/cqrsgen/gen/diag"
)

// The bounds of a file.
const (
	MaxSize  = 1 << 20 // bytes
	MaxDepth = 64      // mappings and lists within each other
)

// parser turns one file into a tree and reports what is wrong with it.
type parser struct {
	diags *diag.List
	// before is the number of lines of the files before this one.
	before int
	// lines are those of the file, without their ends.
	lines []string
	// offsets has, for the lines that are not ASCII, the byte offset of each character, once it was asked for.
	offsets map[int][]int
	// unusable nodes were reported; whoever needs one goes without.
	unusable map[*yaml.Node]bool
	// faults counts what was reported, and each use of an unusable node: a reader that finds it unchanged after
	// reading something knows that the thing is whole.
	faults int
	// externals are the Go types that the file names.
	externals []*TypeExpr
}

// Parse reads a model file. name is the file's name without its folder. What is wrong is added to d; the tree is then
// as whole as it can be, and nil where the text is not YAML, nested too deep, or of another version of the language.
func Parse(name string, src []byte, d *diag.List) *File { return ParseBehind(0, name, src, d) }

// ParseBehind is Parse for one of several files of a model, of which those before have the given number of lines.
func ParseBehind(lines int, name string, src []byte, d *diag.List) *File {
	p := &parser{diags: d, unusable: map[*yaml.Node]bool{}, offsets: map[int][]int{}, before: lines}
	text, ok := p.checkText(src)
	if !ok {
		return nil
	}
	// Empty lines in the place of the other files let everything count as it should, the YAML parser included.
	text = strings.Repeat("\n", lines) + text
	p.lines = strings.Split(text, "\n")
	root := p.document(text)
	if root == nil {
		return nil
	}
	f := &File{Name: name, Start: p.start()}
	if !p.checkNode(root, 1) || !p.file(root, f) {
		return nil
	}
	f.Externals = p.externals
	return f
}

// start is the place where the file starts.
func (p *parser) start() diag.Span {
	return diag.Span{Pos: diag.Pos{Line: p.before + 1, Col: 1}, Len: 1}
}

// report adds an error.
func (p *parser) report(d diag.Diagnostic) {
	p.faults++
	p.diags.Add(d)
}

// errorf adds an error with a hint, which may be empty.
func (p *parser) errorf(code string, at diag.Span, hint, format string, args ...any) {
	p.faults++
	p.diags.Add(diag.Diagnostic{Code: code, At: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}
