package output

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
)

// wiringFile has what every caller of the package begins with.
const wiringFile = "app_gen.go"

// Rewired returns New as it is declared now and as it will be, if its parameters change: with the first projection, and
// with the first fold or key in Go, its callers have something else to hand over. Both are empty otherwise.
func (p *Pending) Rewired() (before, after string) {
	for _, f := range p.write {
		if f.Name != wiringFile {
			continue
		}
		have, err := p.read(f.Name)
		if err != nil {
			return "", ""
		}
		before, after = declarationOfNew(have), declarationOfNew(f.Content)
	}
	if before == "" || after == "" || before == after {
		return "", ""
	}
	return before, after
}

// declarationOfNew is New without its body, in one line; empty if there is none.
func declarationOfNew(src []byte) string {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, wiringFile, src, parser.SkipObjectResolution)
	if err != nil {
		return ""
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "New" || f.Recv != nil {
			continue
		}
		var b bytes.Buffer
		head := ast.FuncDecl{Name: f.Name, Type: f.Type}
		if err := printer.Fprint(&b, token.NewFileSet(), &head); err != nil {
			return ""
		}
		return string(bytes.Join(bytes.Fields(b.Bytes()), []byte(" ")))
	}
	return ""
}
