package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// rejections emits rejections_gen.go.
func (e *emitter) rejections(f *jen.File) {
	for _, a := range e.Aggregates {
		for _, r := range a.Rejections {
			e.rejection(f, r)
		}
	}
}

// rejection emits
//
//	type InsufficientFunds struct { … }
//	func (r InsufficientFunds) Error() string
//	func (InsufficientFunds) RejectionType() string
func (e *emitter) rejection(f *jen.File, r *plan.Rejection) {
	fileComments(f, doc(r.Go+" is a reason to reject a command. Find it in an error with errors.As.", r.Doc))
	e.strct(f, r.Go, r.Fields)
	if r.Generated {
		e.phaseRejection(f, r)
	} else {
		e.rejectionError(f, r)
	}
	f.Comment("// RejectionType returns " + quote(r.Name) + ".")
	f.Func().Params(jen.Id(r.Go)).Id("RejectionType").Params().String().Block(jen.Return(jen.Lit(r.Name)))
	f.Line()
}

func (e *emitter) rejectionError(f *jen.File, r *plan.Rejection) {
	f.Comment("// Error says the reason and its fields.")
	text, args := r.Text, []jen.Code{}
	for _, field := range r.Fields {
		if field.Personal {
			continue
		}
		sep := ", "
		if len(args) == 0 {
			sep = ": "
		}
		text += sep + field.Name + " %v"
		args = append(args, jen.Id("r").Dot(field.Go))
	}
	recv, result := jen.Id(r.Go), jen.Lit(text)
	if len(args) > 0 {
		recv = jen.Id("r").Id(r.Go)
		result = jen.Qual("fmt", "Sprintf").Call(append([]jen.Code{jen.Lit(text)}, args...)...)
	}
	f.Func().Params(recv).Id("Error").Params().String().Block(jen.Return(result))
	f.Line()
}

func quote(s string) string { return `"` + strings.TrimSpace(s) + `"` }
