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

// Stub is what "stub.go.tmpl" is given: a method, its receiver as it stands in Go, the type that it belongs to, and what
// the file calls the package cqrs.
type Stub struct{ Receiver, Package, Type, Name, Doc, Params, Results, Return string }

// Render executes a template, "aggregate.go.tmpl", "projection.go.tmpl" or "stub.go.tmpl", and formats the result.
func Render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := parsed.ExecuteTemplate(&b, name, data); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}
