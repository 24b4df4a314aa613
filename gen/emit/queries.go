package emit

import (
	"strings"

	"github.com/dave/jennifer/jen"

	tree "github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
	"github.com/cqrsgen/cqrsgen/gen/plan"
)

// query emits
//
//	// Overdue returns the rows where row.due < param.today, in the order of due, invoice.
//	func (m *InvoicesModel) Overdue(ctx context.Context, today cqrs.Date, opts ...cqrs.QueryOption) ([]readmodel.Entry[…], readmodel.Freshness, error) {
//		return m.Find(ctx, readmodel.Find{
//			Index: -1,
//			Order: []string{"due"},
//			Where: readmodel.Compare("due", readmodel.Less, readmodel.OfDate(today)),
//		}, opts...)
//	}
func (e *emitter) query(f *jen.File, p *plan.Projection, q *plan.Query) {
	var params []jen.Code
	names := paramNames(q.Params)
	s := spelling{paths: map[string]func() *jen.Statement{}}
	for i, field := range q.Params {
		params = append(params, jen.Id(names[i]).Add(e.goType(&field.Type)))
		s.paths["param."+field.Name] = id(names[i])
	}
	fileComments(f, doc(queryDoc(p, q), q.Doc))
	finding{p, params, literal(e.queryFind(q, s))}.find(f, q.Name)
	fileComments(f, q.Count()+" returns the number of rows that "+q.Name+" returns.")
	finding{p, params, literal(e.queryFind(q, s))}.count(f, q.Count())
}

func queryDoc(p *plan.Projection, q *plan.Query) string {
	text := q.Name + " returns the rows"
	if q.Where != nil {
		text += " where " + strings.Join(strings.Fields(q.Where.Text), " ")
	}
	var order []string
	seen := map[*plan.Field]bool{}
	for _, field := range append(append([]*plan.Field(nil), q.Order...), p.KeyFields...) {
		if !seen[field] {
			order = append(order, field.Name)
		}
		seen[field] = true
	}
	return text + ", in the order of " + strings.Join(order, ", ") + "."
}

func (e *emitter) queryFind(q *plan.Query, s spelling) []entry {
	entries := []entry{{"Index", jen.Lit(-1)}}
	if len(q.Order) > 0 {
		entries = append(entries, entry{"Order", jen.Index().String().ValuesFunc(func(g *jen.Group) {
			for _, field := range q.Order {
				g.Lit(field.Name)
			}
		})})
	}
	if q.Where != nil {
		entries = append(entries, entry{"Where", e.condition(q.Where.Node, s)})
	}
	return entries
}

var conditionOps = map[string]string{
	"==": "Equal", "!=": "NotEqual", "<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual",
}

// condition is a part of a query's condition, as read models take it.
func (e *emitter) condition(n *tree.Node, s spelling) *jen.Statement {
	c, _, _ := model.ConditionOf(n)
	op := jen.Qual(readmodelPath, conditionOps[c.Op])
	switch c.Kind {
	case model.JoinedConditions:
		return e.joinedConditions(n, c, s)
	case model.KnownTruth:
		return jen.Qual(readmodelPath, "Truth").Call(e.expr(&model.Expr{Node: c.Value}, s))
	case model.PresentColumn:
		return jen.Qual(readmodelPath, "Compare").Call(
			jen.Lit(c.Column.Name), jen.Qual(readmodelPath, "NotEqual"), jen.Qual(readmodelPath, "Value").Values())
	case model.ColumnInSet:
		elem := model.TypeOf(c.Value.Type.Elem)
		return jen.Qual(readmodelPath, "OneOf").Call(jen.Lit(c.Column.Name), jen.Qual(readmodelPath, "ValuesOf").Call(
			e.expr(&model.Expr{Node: c.Value}, s), e.valueFunc(&elem)))
	}
	switch {
	case c.Other != nil:
		return jen.Qual(readmodelPath, "CompareColumns").Call(jen.Lit(c.Column.Name), op, jen.Lit(c.Other.Name))
	case c.Value == nil: // a column of bools is a condition by itself
		return jen.Qual(readmodelPath, "Compare").Call(jen.Lit(c.Column.Name), op, jen.Qual(readmodelPath, "OfBool").Call(jen.True()))
	}
	t := model.TypeOf(c.Value.Type)
	value := e.columnValue(&t, func() *jen.Statement { return e.expr(&model.Expr{Node: c.Value}, s) })
	return jen.Qual(readmodelPath, "Compare").Call(jen.Lit(c.Column.Name), op, value)
}

// joinedConditions emits a chain of && or || as one call.
func (e *emitter) joinedConditions(n *tree.Node, c model.Condition, s spelling) *jen.Statement {
	if c.Op == "!" {
		return jen.Qual(readmodelPath, "None").Call(e.condition(c.Parts[0], s))
	}
	name := map[string]string{"&&": "All", "||": "Any"}[c.Op]
	return jen.Qual(readmodelPath, name).CallFunc(func(g *jen.Group) {
		for _, part := range chain(n, c.Op) {
			g.Line().Add(e.condition(part, s))
		}
		g.Line()
	})
}

// chain returns the parts of a && b && c.
func chain(n *tree.Node, op string) []*tree.Node {
	c, _, _ := model.ConditionOf(n)
	if c.Kind != model.JoinedConditions || c.Op != op {
		return []*tree.Node{n}
	}
	return append(chain(c.Parts[0], op), chain(c.Parts[1], op)...)
}

// valueFunc is what makes a column's value of a scalar.
func (e *emitter) valueFunc(t *model.Type) *jen.Statement {
	if k, named := base(t); !named && ofKind(k) == k {
		return jen.Qual(readmodelPath, "Of"+method[k])
	}
	return jen.Func().Params(jen.Id("x").Add(e.goType(t))).Qual(readmodelPath, "Value").Block(
		jen.Return(e.columnValue(t, id("x"))))
}

// search emits, for a projection that has fields to search by,
//
//	// Search returns the rows that have every word of text in owner, or of which iban equals it, the best ones first.
//	func (m *AccountsModel) Search(ctx context.Context, text string, opts ...cqrs.QueryOption) ([]readmodel.Entry[…], readmodel.Freshness, error) {
//		return m.Model.Search(ctx, readmodel.Search{Text: text}, opts...)
//	}
func (e *emitter) search(f *jen.File, p *plan.Projection) {
	by := map[string][]string{}
	for _, field := range p.Columns() {
		by[field.Search] = append(by[field.Search], field.Name)
	}
	var ways []string
	if fields := by["text"]; len(fields) > 0 {
		ways = append(ways, "that have every word of text in "+strings.Join(fields, " or "))
	}
	if fields := by["keyword"]; len(fields) > 0 {
		ways = append(ways, "of which "+strings.Join(fields, " or ")+" equals text")
	}
	if len(ways) == 0 {
		return
	}
	fileComments(f, "Search returns the rows "+strings.Join(ways, ", and those ")+", the best ones first. "+
		"A store that can't search is a *readmodel.NoSearchError; m.Model.Search takes conditions too.")
	function(f, jen.Id("m").Op("*").Id(p.Model), "Search",
		[]jen.Code{jen.Id("ctx").Qual("context", "Context"), jen.Id("text").String(), jen.Id("opts").Op("...").Qual(cqrsPath, "QueryOption")},
		jen.Index().Qual(readmodelPath, "Entry").Types(jen.Id(p.Key), jen.Id(p.Row)), jen.Qual(readmodelPath, "Freshness"), jen.Error(),
	).Block(jen.Return(jen.Id("m").Dot("Model").Dot("Search").Call(
		jen.Id("ctx"), jen.Qual(readmodelPath, "Search").Add(inline([]entry{{"Text", jen.Id("text")}})), jen.Id("opts").Op("..."),
	)))
	f.Line()
}
