package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/diag"
	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// aggregation is how the values that events give a field of the row become the field's value.
type aggregation int

// The aggregations of SQL that give what a fold gives, in whatever order the rows of the events come.
const (
	untouched aggregation = iota
	sum
	least
	greatest
	latest
)

// contribution is what one fold gives a field of the row.
type contribution struct {
	how aggregation
	sql string
}

// materialize writes the query of a projection's materialized view. What no view can compute is reported.
func (p *Plan) materialize(pr *Projection, d *diag.List) {
	if pr.Materialized.Line == 0 {
		return
	}
	v := &viewWriter{Projection: pr, d: d, how: make([]aggregation, len(pr.RowFields))}
	before := d.Len()
	if pr.Inline {
		v.refuse(pr.At, "its rows change with the events, by `mode: inline`, and a view follows them")
	}
	for _, f := range append(slices.Clone(pr.KeyFields), pr.RowFields...) {
		v.column(f)
	}
	var parts []string
	for _, h := range pr.Handlers {
		v.event(h)
		for i, f := range h.Folds {
			parts = append(parts, v.fold(h, f, i))
		}
	}
	if d.Len() == before {
		pr.View = v.query(parts)
	}
}

// viewWriter writes the query of one projection.
type viewWriter struct {
	*Projection
	d *diag.List
	// how says for each field of the row how it is computed, once a fold has said so.
	how []aggregation
}

func (v *viewWriter) refuse(at diag.Span, format string, args ...any) {
	v.d.Add(diag.Diagnostic{
		Code: diag.NotMaterialized, At: at,
		Message: fmt.Sprintf("%s can't be a materialized view: ", v.Name) + fmt.Sprintf(format, args...),
		Hint:    "leave `materialized: true` out: the projection then folds, in any store",
		Related: []diag.Related{{At: v.Materialized, Message: "it is to be one by this"}},
	})
}

// column refuses a field of a type that the view can't have.
func (v *viewWriter) column(f *Field) {
	t := f.Type
	if t.Kind == model.Optional {
		t = *t.Elem
	}
	if _, ok := sqlTypes[t.Scalar()]; !ok {
		v.refuse(f.At, "%s is of the type %s", f.Name, f.Type)
	}
}

func (v *viewWriter) event(h *Handler) {
	if h.Event.Version > 1 {
		v.refuse(h.At, "%s has older versions, which SQL can't bring up to date", h.Event.Name)
	}
	for _, f := range h.Event.Aggregate.Former {
		if f.Has(h.Event) {
			v.refuse(h.At, "an older %s is read as %s, and SQL can't do that", f.Name, h.Event.Name)
		}
	}
}

// fold returns the query of what one fold makes of its events: their position, the number of the fold, the key, and
// for each field of the row what the event gives it and, for the latest value of all, whether it does.
func (v *viewWriter) fold(h *Handler, f *RowFold, number int) string {
	switch {
	case f.InGo():
		v.refuse(f.At, "what becomes of %s is written in Go", h.Event.Name)
		return ""
	case f.KeyInGo:
		v.refuse(f.At, "the keys of %s come from Go", h.Event.Name)
		return ""
	case f.Delete:
		v.refuse(f.At, "a view deletes no row")
		return ""
	case f.Each != nil:
		v.refuse(f.Each.Over.At, "one event must lead to one row")
		return ""
	case len(f.Change.Remove) > 0:
		v.refuse(f.Change.Remove[0].At, "nothing can be removed")
		return ""
	}
	list := []string{"e.position AS cqrs_position", fmt.Sprintf("%d AS cqrs_fold", number)}
	for i, x := range f.Key {
		list = append(list, v.expr(x.Node, &v.KeyFields[i].Type)+" AS "+columnName(v.KeyFields[i]))
	}
	for i, field := range v.RowFields {
		c := v.contribution(i, field, f)
		list = append(list, c.sql+" AS "+columnName(field))
		if v.isLatest(i) {
			list = append(list, fmt.Sprintf("%t AS %s", c.how == latest, setName(field)))
		}
	}
	where := "k.type = " + quoteSQL(h.Event.Wire)
	if f.Where != nil {
		where += " AND " + v.expr(f.Where.Node, nil)
	}
	return "  SELECT " + strings.Join(list, ",\n    ") +
		"\n  FROM {log}.events AS e JOIN {log}.kinds AS k ON k.id = e.kind" +
		"\n    CROSS JOIN LATERAL (SELECT convert_from(e.data, 'UTF8')::jsonb AS data) AS p" +
		"\n  WHERE " + where
}

// columnName is a field's column within the query, and setName the one that says whether an event gives it a value. The
// names of fields have no underscore, as those that are no fields have.
func columnName(f *Field) string { return `"` + f.Name + `"` }
func setName(f *Field) string    { return `"` + f.Name + `_set"` }

// isLatest reports whether any fold gives the field a value that does not depend on the one before.
func (v *viewWriter) isLatest(i int) bool {
	for _, h := range v.Handlers {
		for _, f := range h.Folds {
			if a := assignmentTo(f, v.RowFields[i]); a != nil && !a.Value.Uses("row") {
				return true
			}
		}
	}
	return false
}

// assignmentTo finds what a fold does with a field of the row.
func assignmentTo(f *RowFold, field *Field) *model.Assignment {
	if f.Change == nil {
		return nil
	}
	for _, a := range f.Change.Set {
		if len(a.Place.Steps) == 1 && a.Place.Steps[0].Field == field.Field {
			return a
		}
	}
	return nil
}

func (v *viewWriter) contribution(i int, field *Field, f *RowFold) contribution {
	a := assignmentTo(f, field)
	if a == nil {
		return contribution{untouched, "NULL::" + v.sqlType(field)}
	}
	c, err := v.aggregate(a.Value.Node, field)
	switch {
	case err != nil:
		v.refuse(a.Value.At, "%v", err)
	case c.how == sum && !(field.Type.Scalar() == model.Int64 || field.Type.Scalar() == model.Int || field.Type.Scalar() == model.Int32):
		v.refuse(a.Value.At, "a sum is of the type int64, int or int32, and %s is %s", field.Name, field.Type)
	case v.how[i] != untouched && v.how[i] != c.how:
		v.refuse(a.Value.At, "%s is computed in two ways: each of its folds has to add to it, or each to keep the least, the "+
			"greatest or the last value", field.Name)
	default:
		v.how[i] = c.how
		c.sql = typedSQL(c.sql, v.sqlType(field))
	}
	return c
}

// aggregate finds out how a value depends on the one before.
func (v *viewWriter) aggregate(n *expr.Node, field *Field) (contribution, error) {
	if !uses(n, "row") {
		sql, err := sqlOf(n)
		return contribution{latest, sql}, err
	}
	if n.Op == expr.OpCall && (n.Name == "min" || n.Name == "max") {
		how := map[string]aggregation{"min": least, "max": greatest}[n.Name]
		var others []*expr.Node
		for _, x := range n.Args {
			if !isField(x, field) {
				others = append(others, x)
			}
		}
		if len(others) != len(n.Args)-1 || slices.ContainsFunc(others, func(x *expr.Node) bool { return uses(x, "row") }) {
			return contribution{}, errNotAggregated
		}
		if field.Type.Scalar() == model.String {
			return contribution{}, errors.New("the least and the greatest are of numbers")
		}
		sql, err := sqlList(others)
		return contribution{how, strings.ToUpper(map[aggregation]string{least: "least", greatest: "greatest"}[how]) + "(" + sql + ")"}, err
	}
	sql, err := added(n, field)
	return contribution{sum, sql}, err
}

var errNotAggregated = errors.New("a field is the sum of what events give (`row.x + event.y`), the least or the greatest of " +
	"it (`min(row.x, event.y)`), or the last of it (`event.y`)")

// added returns what an expression adds to a field of the row.
func added(n *expr.Node, field *Field) (string, error) {
	if isField(n, field) {
		return "0", nil
	}
	if n.Op != expr.OpBinary || n.Name != "+" && n.Name != "-" {
		return "", errNotAggregated
	}
	left, right := n.Args[0], n.Args[1]
	if n.Name == "+" && !uses(left, "row") {
		left, right = right, left
	}
	if uses(right, "row") {
		return "", errNotAggregated
	}
	before, err := added(left, field)
	if err != nil {
		return "", err
	}
	sql, err := sqlOf(right)
	switch {
	case err != nil:
		return "", err
	case before != "0":
		return before + " " + n.Name + " " + sql, nil
	case n.Name == "-":
		return "-" + sql, nil
	}
	return sql, nil
}

// isField reports whether an expression is a field of the row as it was.
func isField(n *expr.Node, field *Field) bool {
	return n.Op == expr.OpSelect && n.Args[0].Op == expr.OpName && n.Args[0].Name == "row" && n.Ref == field.Field
}

// expr returns an expression in SQL; what SQL does not have is reported.
func (v *viewWriter) expr(n *expr.Node, as *model.Type) string {
	sql, err := sqlOf(n)
	if err != nil {
		v.refuse(n.At, "%v", err)
	}
	if as == nil {
		return sql
	}
	return typedSQL(sql, sqlTypes[as.Scalar()])
}

func (v *viewWriter) sqlType(f *Field) string {
	t := f.Type
	if t.Kind == model.Optional {
		t = *t.Elem
	}
	return sqlTypes[t.Scalar()]
}

// query puts the folds together: the columns of the key, those of the row, and the position of the last event that
// was folded into the row.
func (v *viewWriter) query(parts []string) string {
	var columns, keys []string
	for _, f := range v.KeyFields {
		keys = append(keys, columnName(f))
	}
	columns = append(columns, keys...)
	for i, f := range v.RowFields {
		columns = append(columns, v.aggregated(f, v.how[i])+" AS "+columnName(f))
	}
	columns = append(columns, "max(cqrs_position)")
	return "SELECT " + strings.Join(columns, ",\n  ") + "\nFROM (\n" + strings.Join(parts, "\n  UNION ALL\n") +
		"\n) AS folded\nGROUP BY " + strings.Join(keys, ", ")
}

// aggregated is a field of the row. It begins as a new row has it: a sum at 0, of which the least may be kept as well.
func (v *viewWriter) aggregated(f *Field, how aggregation) string {
	zero, name := zeroSQL(&f.Type), columnName(f)
	typed := "::" + v.sqlType(f)
	switch how {
	case sum:
		return "coalesce(sum(" + name + "), 0)" + typed
	case least:
		return "least(0, min(" + name + "))" + typed
	case greatest:
		return "greatest(0, max(" + name + "))" + typed
	case latest:
		last := "(array_agg(" + name + " ORDER BY cqrs_position DESC, cqrs_fold DESC) FILTER (WHERE " + setName(f) + "))[1]"
		if f.Type.Kind == model.Optional {
			return last + typed
		}
		return "coalesce(" + last + ", " + zero + ")" + typed
	}
	return zero + typed
}
