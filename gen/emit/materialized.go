package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// views emits materialized_gen.go: for each projection that asks for it, the query of a materialized view.
func (e *emitter) views(f *jen.File) {
	for _, p := range e.Projections {
		if p.View == "" {
			continue
		}
		fileComments(f, viewName(p)+" is what "+p.Name+" folds, as a query over the tables of a log in PostgreSQL, whose schema {log} "+
			"stands for: the columns of the key and of the row, in their order, and the position of the row's last event.")
		f.Const().Id(viewName(p)).Op("=").Add(rawString(p.View))
		f.Line()
	}
}

func viewName(p *plan.Projection) string { return strings.TrimSuffix(p.Engine, "Projection") + "View" }

// rawString is a string of several lines as people write it.
func rawString(s string) *jen.Statement {
	return jen.Id("`" + strings.ReplaceAll(s, "`", "` + \"`\" + `") + "`")
}

func (e *emitter) hasViews() bool {
	for _, p := range e.Projections {
		if p.View != "" {
			return true
		}
	}
	return false
}
