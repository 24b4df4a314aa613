package emit

import (
	"fmt"
	"regexp"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
	"github.com/cqrsgen/cqrsgen/templates"
)

// Skeleton is a file of the team's: written once, where no file of the package declares Type. Where one does, it gets a
// stub for each method that it lacks.
type Skeleton struct {
	File
	// Type is the team's, Interface the generated one that it implements.
	Type, Interface string
	Methods         []Method
}

// Method is one that a type of the team's must have. Params and Results are Go, in which `cqrs` is the package of that
// name; Return is what stands before the error that the stub returns.
type Method struct{ Name, Doc, Params, Results, Return string }

// body is what the templates are given.
type body struct {
	Package, Type, Interface string
	Methods                  []Method
	// Folds says that the type of an aggregate has methods that apply events.
	Folds bool
}

// Stub is the first body of a method.
func (b body) Stub(m Method) templates.Stub { return m.Stub("("+b.Type+")", "cqrs", b.Type) }

// Stub is a body of the method that says that it is not implemented. receiver is written as it stands in Go, pkg is what
// the file calls the package cqrs.
func (m Method) Stub(receiver, pkg, of string) templates.Stub {
	in := func(code string) string {
		if pkg == "cqrs" {
			return code
		}
		return qualifier.ReplaceAllString(code, pkg+".")
	}
	return templates.Stub{
		Receiver: receiver, Package: pkg, Type: of,
		Name: m.Name, Doc: m.Doc, Params: in(m.Params), Results: in(m.Results), Return: in(m.Return),
	}
}

var qualifier = regexp.MustCompile(`\bcqrs\.`)

// CQRS is the import path of the package that methods of the team's type need.
const CQRS = cqrsPath

// Skeletons emits the files that the team owns.
func Skeletons(p *plan.Plan) ([]Skeleton, error) {
	e := &emitter{Plan: p}
	var out []Skeleton
	add := func(tmpl, file string, b body) error {
		content, err := templates.Render(tmpl, b)
		out = append(out, Skeleton{File{file, content}, b.Type, b.Interface, b.Methods})
		return err
	}
	for _, a := range p.Aggregates {
		if err := add("aggregate.go.tmpl", a.File, aggregateBody(p, a)); err != nil {
			return nil, err
		}
	}
	for _, pr := range p.Projections {
		if !pr.InGo {
			continue
		}
		if err := add("projection.go.tmpl", pr.File, e.projectionBody(pr)); err != nil {
			return nil, err
		}
	}
	if p.HasUpcasters() {
		b := body{Package: p.Model.Package, Type: plan.Upcasters, Interface: plan.UpcastersSet, Methods: upcasterMethods(p)}
		if err := add("upcasters.go.tmpl", plan.UpcastFile, b); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func aggregateBody(p *plan.Plan, a *plan.Aggregate) body {
	b := body{Package: p.Model.Package, Type: a.Decider, Interface: a.Interface}
	for _, c := range a.CommandList {
		state := "s " + a.State + ", "
		if c.Creates == model.MustBeNew {
			state = ""
		}
		if c.AlsoType != "" {
			state += "also " + c.AlsoType + ", "
		}
		b.Methods = append(b.Methods, Method{
			Name: c.Method, Doc: deciderDoc(c), Params: fmt.Sprintf("%sc %s, m cqrs.CommandMeta", state, c.Go),
			Results: fmt.Sprintf("(%s, error)", c.Result), Return: c.None + ", ",
		})
	}
	for _, e := range a.Events {
		if e.Fold != nil {
			continue
		}
		b.Folds = true
		b.Methods = append(b.Methods, Method{
			Name: e.Apply, Doc: e.Apply + " changes the state as the event says.",
			Params: fmt.Sprintf("s *%s, e *%s", a.State, e.Go), Results: "error",
		})
	}
	return b
}

func (e *emitter) projectionBody(pr *plan.Projection) body {
	b := body{Package: e.Model.Package, Type: pr.Team, Interface: pr.Interface}
	for _, h := range pr.Handlers {
		b.Methods = append(b.Methods, e.foldMethods(pr, h)...)
	}
	return b
}
