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
	// lines are those of the file, without their ends.
	lines []string
	// offsets has, for the lines that are not ASCII, the byte offset of each character, once it was asked for.
	offsets map[int][]int
	// unusable nodes were reported; whoever needs one goes without.
	unusable map[*yaml.Node]bool
	// faults counts what was reported, and each use of an unusable node: a reader that finds it unchanged after
	// reading something knows that the thing is whole.
	faults int
}

// Parse reads a model file. name is the file's name without its folder. What is wrong is added to d; the tree is then
// as whole as it can be, and nil where the text is not YAML, nested too
// deep, or of another version of the language.
func Parse(name string, src []byte, d *diag.List) *File {
	p := &parser{diags: d, unusable: map[*yaml.Node]bool{}, offsets: map[int][]int{}}
	text, ok := p.checkText(src)
	if !ok {
		return nil
	}
	p.lines = strings.Split(text, "\n")
	root := p.document(text)
	if root == nil {
		return nil
	}
	f := &File{Name: name}
	if !p.checkNode(root, 1) || !p.file(root, f) {
		return nil
	}
	return f
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
