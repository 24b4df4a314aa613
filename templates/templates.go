// Package templates has the text of the files that the team owns: skeletons of deciders and folds, written once, when
// no file of the package declares their type yet.
package templates

import (
	"bytes"
	"embed"
	"go/format"
	"text/template"
)

//go:embed *.go.tmpl
var files embed.FS

var parsed = template.Must(template.ParseFS(files, "*.go.tmpl"))

// Render executes a template, "aggregate.go.tmpl" or "projection.go.tmpl", and formats the result.
func Render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := parsed.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}
