package model

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/schema"
)

// Query selects rows of a projection.
type Query struct {
	Name   string
	Doc    string
	At     diag.Span
	Params []*Field
	// Where is the condition on rows, nil for all of them. Every part of it is one that stores can run, as ConditionOf
	// tells.
	Where *Expr
	// Order are columns of key and row.
	Order []*Field
}

// queries resolves the queries of a projection.
func (r *resolver) queries(s *schema.Projection, m *Projection) {
	for _, q := range s.Queries {
		if q.Duplicate || !r.typeName("query", q.Name) {
			continue
		}
		m.Queries = append(m.Queries, r.query(q, m))
	}
}

func (r *resolver) query(s *schema.Query, m *Projection) *Query {
	q := &Query{Name: s.Name.Value, Doc: s.Doc, At: s.Name.At}
	if missing(s.Keys, "where", 0) && missing(s.Keys, "order", len(s.Order)) && !s.Where.Given() {
		r.errorf(diag.QuerySaysNothing, q.At, "add `where: row.field == param.name`, or `order: [field]`",
			"the query %s has neither a `where` nor an `order`", q.Name)
	}
	q.Params = r.fields("the parameters of "+q.Name, s.Params)
	r.queryParams(s)
	columns := append(append([]*Field(nil), m.Key...), m.Row...)
	r.queryOrder(s, q, m, columns)
	row := fieldsRoot("row", columns).called("a row of " + m.Name)
	row.open = len(m.Key) == 0 || len(m.Row) == 0
	param := fieldsRoot("param", q.Params).called("`param` of " + q.Name)
	param.open = unread(s.Keys, "params", len(s.Params))
	if !r.inWords(s.Where) {
		q.Where = r.expr(s.Where, scope{row, param}, Type{Kind: Bool})
	}
	if q.Where != nil {
		r.runnable(q.Where.Node, s.Where)
		r.unusedParams(q)
	}
	return q
}

var inWords = regexp.MustCompile(`([\w.]+) in ([\w.]+)`)

// inWords reports `x in set`, which other languages have.
func (r *resolver) inWords(where schema.Text) bool {
	at := inWords.FindStringSubmatchIndex(where.Value)
	if at == nil || strings.ContainsAny(where.Value, "\"`'") {
		return false
	}
	elem, set := where.Value[at[2]:at[3]], where.Value[at[4]:at[5]]
	r.errorf(diag.ExprSyntax, where.Within(at[0], at[1]), "write `"+set+"["+elem+"]`",
		"expressions are Go, which has no `in`: a set is asked as a map is")
	return true
}

// written is a part of an expression as it stands there.
func written(t schema.Text, at diag.Span) string {
	for from := range t.Value {
		if to := from + at.Len; to <= len(t.Value) && t.Within(from, to) == at {
			return "`" + t.Value[from:to] + "`"
		}
	}
	return "this"
}

// queryParams reports what a parameter has besides its type.
func (r *resolver) queryParams(s *schema.Query) {
	for _, p := range s.Params {
		for _, rule := range p.Rules {
			r.errorf(diag.QueryParamType, rule.Name.At, "", "a parameter has no rules: `%s` would bind nothing", rule.Name.Value)
		}
		if p.Personal.Given() {
			r.errorf(diag.QueryParamType, p.Personal.At, "", "a parameter is not stored, and can't be personal")
		}
	}
}

func (r *resolver) queryOrder(s *schema.Query, q *Query, m *Projection, columns []*Field) {
	for _, name := range s.Order {
		f := fieldNamed(columns, name.Value, equal)
		switch {
		case f == nil && (len(m.Key) == 0 || len(m.Row) == 0): // which was reported
		case f == nil:
			r.errorf(diag.QueryOrder, name.At, diag.DidYouMean(name.Value, fieldNames(columns)),
				"neither key nor row of %s has the field %q", m.Name, name.Value)
		case !f.Type.broken() && !ordered(f.Type):
			r.errorf(diag.QueryOrder, name.At, "", "rows can't be sorted by %s: %s has no order", f.Name, f.Type)
		case slices.Contains(q.Order, f):
			r.errorf(diag.QueryOrder, name.At, "", "the rows are sorted by %s already", f.Name)
		default:
			q.Order = append(q.Order, f)
		}
	}
}

func (r *resolver) unusedParams(q *Query) {
	used := map[*Field]bool{}
	q.Where.Node.Walk(func(n *expr.Node) {
		if f, ok := n.Ref.(*Field); ok {
			used[f] = true
		}
	})
	for _, p := range q.Params {
		if !used[p] {
			r.errorf(diag.QueryParamUnused, p.At, "", "the query %s does not use its parameter %s", q.Name, p.Name)
		}
	}
}

// ConditionKind tells the parts of a query's condition apart.
type ConditionKind int

// The kinds of conditions.
const (
	JoinedConditions ConditionKind = iota + 1 // Parts, by Op: && || !
	ComparedColumn                            // Column with Other or with Value, by Op: == != < <= > >=
	ColumnInSet                               // Column, and the set Value
	PresentColumn                             // Column, which is optional, has a value
	KnownTruth                                // Value, a bool that does not depend on the row
)

// Condition is a part of a query's condition.
type Condition struct {
	Kind          ConditionKind
	Op            string
	Parts         []*expr.Node
	Column, Other *Field
	// Value does not depend on the row.
	Value *expr.Node
}

// ConditionOf says how stores run a part of a query's condition. If they can't, it returns the smallest part that is
// at fault, and why.
func ConditionOf(n *expr.Node) (c Condition, fault *expr.Node, why string) {
	switch {
	case !ofRow(n):
		if fails(n) {
			return c, n, "it is computed, and could fail"
		}
		return Condition{Kind: KnownTruth, Value: n}, nil, ""
	case n.Op == expr.OpUnary && n.Name == "!", n.Op == expr.OpBinary && (n.Name == "&&" || n.Name == "||"):
		return Condition{Kind: JoinedConditions, Op: n.Name, Parts: n.Args}, nil, ""
	case n.Op == expr.OpBinary:
		return comparisonOf(n.Name, n.Args[0], n.Args[1])
	case n.Op == expr.OpIndex && n.Args[0].Type.Class == expr.Set, n.Op == expr.OpMethod && n.Name == "Has":
		return membershipOf(n.Args[0], n.Args[1])
	case n.Op == expr.OpMethod && methodOps[n.Name] != "":
		return comparisonOf(methodOps[n.Name], n.Args[0], n.Args[1])
	case n.Op == expr.OpMethod && n.Name == "Present":
		f, fault, why := columnOf(n.Args[0])
		return Condition{Kind: PresentColumn, Column: f}, fault, why
	}
	f, fault, why := columnOf(n)
	return Condition{Kind: ComparedColumn, Op: "==", Column: f}, fault, why
}

// methodOps are the methods of times and dates that compare.
var methodOps = map[string]string{"Before": "<", "After": ">", "Equal": "=="}

var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

func comparisonOf(op string, a, b *expr.Node) (c Condition, fault *expr.Node, why string) {
	if !ofRow(a) {
		a, b, op = b, a, mirrored[op]
	}
	c = Condition{Kind: ComparedColumn, Op: op}
	if c.Column, fault, why = columnOf(a); fault != nil {
		return c, fault, why
	}
	switch {
	case ofRow(b):
		c.Other, fault, why = columnOf(b)
		return c, fault, why
	case fails(b):
		return c, b, "it is computed, and could fail"
	}
	c.Value = b
	return c, nil, ""
}

func membershipOf(set, elem *expr.Node) (c Condition, fault *expr.Node, why string) {
	if ofRow(set) {
		return c, set, "it is stored as JSON"
	}
	c = Condition{Kind: ColumnInSet, Value: set}
	c.Column, fault, why = columnOf(elem)
	return c, fault, why
}

// columnOf returns the column that a part names. A conversion that changes no value is left out: stores know no names
// of types.
func columnOf(n *expr.Node) (column *Field, fault *expr.Node, why string) {
	if n.Op == expr.OpConvert && !n.Fails() && sameColumns(TypeOf(n.Type), TypeOf(n.Args[0].Type)) {
		return columnOf(n.Args[0])
	}
	f, isField := n.Ref.(*Field)
	switch {
	case n.Op == expr.OpSelect && isField && n.Args[0].Op == expr.OpName && !ordered(f.Type):
		return nil, n, "it is stored as JSON"
	case n.Op == expr.OpSelect && isField && n.Args[0].Op == expr.OpName:
		return f, nil, ""
	case n.Op == expr.OpSelect && ofRow(n.Args[0]):
		return columnOf(n.Args[0])
	}
	return nil, n, "it is computed from the row"
}

// sameColumns reports whether the values of two scalars are kept in columns of one kind.
func sameColumns(a, b Type) bool {
	x, y := a.Scalar(), b.Scalar()
	signed := func(k Kind) bool { return k == Int || k == Int32 || k == Int64 }
	unsigned := func(k Kind) bool { return k == Uint32 || k == Uint64 }
	return x != 0 && (x == y || signed(x) && signed(y) || unsigned(x) && unsigned(y))
}

// ofRow reports whether a value depends on the row.
func ofRow(n *expr.Node) bool {
	found := false
	n.Walk(func(n *expr.Node) { found = found || n.Op == expr.OpName && n.Name == "row" })
	return found
}

func fails(n *expr.Node) bool {
	found := false
	n.Walk(func(n *expr.Node) { found = found || n.Fails() })
	return found
}

// runnable reports the parts of a condition that stores can't run.
func (r *resolver) runnable(n *expr.Node, where schema.Text) {
	c, fault, why := ConditionOf(n)
	if fault != nil {
		r.errorf(diag.QueryNotStored, fault.At, "let a fold put what you need into a field of the row",
			"%s can't be asked of stored rows: %s", written(where, fault.At), why)
		return
	}
	for _, part := range c.Parts {
		r.runnable(part, where)
	}
}
