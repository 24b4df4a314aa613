package schema

// Query declares a query over the rows of a projection.
type Query struct {
	Decl
	Params []*Field
	// Where is the condition on rows.
	Where Text
	Order []Text
}

var queryShape = shape[Query]{
	what: "a query",
	keys: []key[Query]{
		{"doc", aText, "Documentation. A comment above the name does the same.", func(p *parser, q *Query, e entry) { q.Doc = p.doc(e) }},
		{"params", fieldsForm, "What the caller gives.", func(p *parser, q *Query, e entry) { q.Params = p.fields(e) }},
		{"where", aGoExpr, "The condition that rows must meet, over row.field and param.name.", func(p *parser, q *Query, e entry) { q.Where, _ = p.freeText(e) }},
		{"order", listOfNames, "The fields by which the rows are sorted, ascending.", func(p *parser, q *Query, e entry) { q.Order = p.texts(e, "`order: [due]`") }},
	},
	later: map[string]string{
		"limit": "the caller asks for pages",
	},
	instead: map[string]string{
		"description": "a description is a `doc`",
		"parameters":  "write `params: {name: type}`",
		"filter":      "the condition is `where`",
		"orderBy":     "write `order: [field]`",
		"sort":        "write `order: [field]`",
	},
}
