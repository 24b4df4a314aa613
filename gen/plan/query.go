package plan

import (
	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// Query is the method of a read model that runs a query.
type Query struct {
	*model.Query
	Params []*Field
	Order  []*Field
}

// Count is the name of the method that counts the query's rows.
func (q *Query) Count() string { return "Count" + q.Name }

func (p *Plan) addQueries(pr *Projection, columns map[*model.Field]*Field) {
	for _, m := range pr.Projection.Queries {
		q := &Query{Query: m, Params: p.fields(m.Name+"Params", m.Params)}
		for _, f := range m.Order {
			q.Order = append(q.Order, columns[f])
		}
		pr.Queries = append(pr.Queries, q)
	}
}

// modelMembers are what every read model has.
var modelMembers = []string{
	"All", "Count", "Find", "Get", "GetMany", "In", "Kept", "Model", "Projector", "Search", "StopsWith",
}

// queryNames enters what a read model has besides the finders of its indexes.
func queryNames(finders *scope, pr *Projection) {
	for _, name := range modelMembers {
		finders.add(name, "what every read model has", diag.Span{})
	}
	for _, q := range pr.Queries {
		finders.add(q.Name, "the query "+q.Name, q.At)
		finders.add(q.Count(), "what counts the rows of the query "+q.Name, q.At)
		checkFields(finders.d, "the parameters of "+q.Name, q.Params)
	}
}
