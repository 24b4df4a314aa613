package emit

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// param is a parameter of a method of the team's.
type param struct {
	name string
	typ  *jen.Statement
}

func params(list []param) []jen.Code {
	var out []jen.Code
	for _, p := range list {
		out = append(out, jen.Id(p.name).Add(p.typ))
	}
	return out
}

// foldParams are the parameters of a fold in Go: a fold of many rows is told which one it has.
func (e *emitter) foldParams(p *plan.Projection, h *plan.Handler) []param {
	list := []param{{"row", jen.Op("*").Id(p.Row)}, {"e", jen.Op("*").Id(h.Event.Go)}}
	for _, f := range h.Folds {
		switch {
		case !f.InGo():
			continue
		case f.KeyInGo:
			list = append(list, param{"key", jen.Id(p.Key)})
		case f.Each != nil:
			list = append(list, e.itemParams(f)...)
		}
	}
	return append(list, param{"m", jen.Qual(cqrsPath, "EventMeta")})
}

// itemParams are the parameters that an element becomes.
func (e *emitter) itemParams(f *plan.RowFold) []param {
	over := &f.Each.Over.Type
	if over.Kind == model.Map {
		return []param{{"itemKey", e.goType(over.Key)}, {"itemValue", e.goType(over.Elem)}}
	}
	return []param{{"item", e.goType(over.Elem)}}
}

func keysParams(h *plan.Handler) []param {
	return []param{{"e", jen.Op("*").Id(h.Event.Go)}, {"m", jen.Qual(cqrsPath, "EventMeta")}}
}

// foldMethods are the methods of the team's type for one event.
func (e *emitter) foldMethods(p *plan.Projection, h *plan.Handler) []Method {
	var list []Method
	if h.KeysInGo {
		list = append(list, Method{
			Name: h.Keys, Doc: h.Keys + " returns the keys of the rows that the event changes.",
			Params: signature(keysParams(h)), Results: "([]" + p.Key + ", error)", Return: "nil, ",
		})
	}
	if h.InGo {
		list = append(list, Method{
			Name: h.Event.Go, Doc: h.Event.Go + " folds the event into its row.",
			Params: signature(e.foldParams(p, h)), Results: "error",
		})
	}
	return list
}

// signature is a list of parameters as it stands in Go.
func signature(list []param) (text string) {
	for i, p := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %#v", p.name, p.typ)
	}
	return text
}
