// Package contract says in other languages than Go what a model means to its readers: the JSON Schema of its events and
// commands, an AsyncAPI document, types of TypeScript, and diagrams.
//
// All of it follows from the model alone, byte for byte. The files carry the header that generated Go carries, as far
// as their format has comments.
package contract

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/emit"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// Files are the files of a model's contracts.
func Files(p *plan.Plan) []emit.File {
	base := Base(p.Model.File)
	files := []emit.File{
		{Name: base + ".html", Content: page(p)},
		{Name: base + ".md", Content: markdown(p)},
		{Name: base + ".ts", Content: typeScript(p)},
		{Name: base + ".asyncapi.json", Content: asyncAPI(p)},
	}
	return append(files, schemaFiles(p)...)
}

// Base is what the names of files start with: "ledger" for ledger.cqrs.yaml.
func Base(modelFile string) string {
	return strings.TrimSuffix(strings.TrimSuffix(modelFile, ".yaml"), ".cqrs")
}

// Mark tells the tool's files from others. It stands in one of the first two lines of each, in a comment of its format.
func Mark(modelFile string) string { return strings.TrimPrefix(emit.Header(modelFile), "// ") }
