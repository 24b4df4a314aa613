// Package templates has the text of the files that the team owns: skeletons of deciders and folds, written once, when
// no file of the package declares their type yet, and the files of a new service.
package templates

import (
	"bytes"
	"embed"
	"go/format"
	"io/fs"
	"strings"
	"text/template"
)

//go:embed *.go.tmpl
var files embed.FS

//go:embed service
var service embed.FS

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

// Service is what the files of a new service are given.
type Service struct {
	// Name is the last part of Module, the path of the Go module.
	Name, Module string
	// Engine is the package of the event log: embedded, postgres or jetstream.
	Engine string
	// First and Second are the positions of the first two events on that engine.
	First, Second int64
	// Go is the release of the language, Version that of this module, Replace the folder to take it from. Version may
	// be empty, and so may Replace.
	Go, Version, Replace string
}

// names are those that a file can't have here.
var names = strings.NewReplacer("gitignore", ".gitignore", "ci.yml", ".github/workflows/ci.yml")

// RenderService returns the files of a new service by their path, with slashes. Generated files are not among them, and
// neither are those that come out empty, because another engine needs them.
func RenderService(s Service) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := fs.WalkDir(service, "service", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := service.ReadFile(path)
		if err != nil {
			return err
		}
		t, err := template.New(path).Parse(string(text))
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, s); err != nil {
			return err
		}
		if len(bytes.TrimSpace(b.Bytes())) == 0 {
			return nil
		}
		name := names.Replace(strings.TrimSuffix(strings.TrimPrefix(path, "service/"), ".tmpl"))
		out[name] = b.Bytes()
		if strings.HasSuffix(name, ".go") {
			out[name], err = format.Source(b.Bytes())
		}
		return err
	})
	return out, err
}
