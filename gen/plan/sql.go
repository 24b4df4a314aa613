package plan

import (
	"errors"
	"fmt"
	"go/constant"
	"strings"

	"github.com/cqrsgen/cqrsgen/gen/expr"
	"github.com/cqrsgen/cqrsgen/gen/model"
)

// sqlTypes are the types of PostgreSQL that hold the values of a scalar, for those that a view can compute with.
var sqlTypes = map[model.Kind]string{
	model.String: `text COLLATE "C"`, model.Bool: "boolean", model.Int: "bigint", model.Int32: "integer", model.Int64: "bigint",
	model.Uint32: "bigint", model.Time: "timestamptz", model.UUID: "uuid",
}

// zeroSQL is the zero value of a column.
func zeroSQL(t *model.Type) string {
	if t.Kind == model.Optional {
		return "NULL"
	}
	switch t.Scalar() {
	case model.String:
		return "''"
	case model.Bool:
		return "false"
	case model.Time:
		return "'0001-01-01 00:00:00Z'"
	case model.UUID:
		return "'00000000-0000-0000-0000-000000000000'"
	}
	return "0"
}

// typedSQL is an expression as a value of a type.
func typedSQL(sql, typ string) string {
	switch {
	case strings.HasSuffix(sql, "::"+typ):
		return sql
	case enclosed(sql):
		return sql + "::" + typ
	}
	return "(" + sql + ")::" + typ
}

// enclosed reports whether an expression is one word, or stands within one pair of parentheses.
func enclosed(sql string) bool {
	if !strings.ContainsAny(sql, " ():'-") {
		return true
	}
	depth := 0
	for i := range len(sql) {
		switch sql[i] {
		case '\'':
			return false
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && i < len(sql)-1 {
			return false
		}
	}
	return sql[0] == '('
}

func quoteSQL(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// sqlOf returns an expression over an event and its meta in the SQL of PostgreSQL, in a query where e is the event and
// p.data its payload. The error says what SQL does not compute in the same way.
func sqlOf(n *expr.Node) (string, error) {
	if n.Value != nil {
		return constantSQL(n)
	}
	switch n.Op {
	case expr.OpSelect:
		return selectSQL(n)
	case expr.OpUnary, expr.OpBinary:
		return operationSQL(n)
	case expr.OpConvert:
		return convertSQL(n)
	case expr.OpSome:
		return sqlOf(n.Args[0])
	case expr.OpNone:
		return "NULL", nil
	case expr.OpCall:
		if n.Name != "min" && n.Name != "max" && n.Name != "abs" || TypeOfNode(n) == model.String {
			return "", fmt.Errorf("SQL has no %s as Go has it", n.Name)
		}
		list, err := sqlList(n.Args)
		return map[string]string{"min": "least", "max": "greatest", "abs": "abs"}[n.Name] + "(" + list + ")", err
	case expr.OpMethod:
		return methodSQL(n)
	}
	return "", fmt.Errorf("`%s` is no value that SQL computes", n.Text)
}

// TypeOfNode is the scalar of a node's value, or 0.
func TypeOfNode(n *expr.Node) model.Kind {
	if n.Type == nil {
		return 0
	}
	t := model.TypeOf(n.Type)
	if t.Kind == model.Optional {
		t = *t.Elem
	}
	return t.Scalar()
}

func sqlList(nodes []*expr.Node) (string, error) {
	var list []string
	for _, x := range nodes {
		sql, err := sqlOf(x)
		if err != nil {
			return "", err
		}
		list = append(list, sql)
	}
	return strings.Join(list, ", "), nil
}

func constantSQL(n *expr.Node) (string, error) {
	switch n.Value.Kind() {
	case constant.Bool:
		return n.Value.String(), nil
	case constant.String:
		return quoteSQL(constant.StringVal(n.Value)), nil
	case constant.Int:
		if _, ok := sqlTypes[TypeOfNode(n)]; ok {
			return "(" + n.Value.ExactString() + ")", nil
		}
	}
	return "", fmt.Errorf("`%s` is of the type %s", n.Text, n.Type)
}

// selectSQL is a field of the event, of its stream, or of its meta.
func selectSQL(n *expr.Node) (string, error) {
	var path []string
	at := n
	for ; at.Op == expr.OpSelect; at = at.Args[0] {
		if f, ok := at.Ref.(*model.Field); ok && f.Personal {
			return "", fmt.Errorf("%s is personal", f.Name)
		}
		path = append([]string{at.Name}, path...)
	}
	kind := TypeOfNode(n)
	typ, ok := sqlTypes[kind]
	if !ok {
		return "", fmt.Errorf("`%s` is of the type %s", n.Text, n.Type)
	}
	if at.Op != expr.OpName {
		return "", fmt.Errorf("`%s` is no field of the event", n.Text)
	}
	switch at.Name {
	case "stream":
		return cast("substr(e.stream, strpos(e.stream, '/') + 1)", kind, typ), nil
	case "meta":
		column := map[string]string{
			"time": "time", "actor": "actor", "commandID": "command_id", "correlationID": "correlation_id", "causationID": "causation_id",
		}[path[0]]
		return "e." + column, nil
	}
	sql := "p.data"
	for i, name := range path {
		arrow := " -> "
		if i == len(path)-1 {
			arrow = " ->> "
		}
		sql += arrow + quoteSQL(name)
	}
	return cast("("+sql+")", kind, typ), nil
}

// cast turns a text into a value of a type.
func cast(text string, kind model.Kind, typ string) string {
	if kind == model.String {
		return text
	}
	return text + "::" + typ
}

// operators are those of Go that SQL has as well, by the kinds that they take.
var operators = map[string]string{
	"+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "&&": "AND", "||": "OR",
	"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}

func operationSQL(n *expr.Node) (string, error) {
	args := make([]string, len(n.Args))
	for i, x := range n.Args {
		if _, ok := sqlTypes[TypeOfNode(x)]; !ok {
			return "", fmt.Errorf("`%s` is of the type %s", x.Text, x.Type)
		}
		sql, err := sqlOf(x)
		if err != nil {
			return "", err
		}
		args[i] = sql
	}
	switch {
	case n.Op == expr.OpUnary && n.Name == "!":
		return "(NOT " + args[0] + ")", nil
	case n.Op == expr.OpUnary && n.Name == "-":
		return "(-" + args[0] + ")", nil
	case n.Op == expr.OpUnary:
		return "", fmt.Errorf("SQL has no %s as Go has it", n.Name)
	}
	kind, op := TypeOfNode(n.Args[0]), operators[n.Name]
	switch {
	case op == "":
		return "", fmt.Errorf("SQL has no %s as Go has it", n.Name)
	case op == "+" && kind == model.String:
		op = "||"
	case strings.Contains("+-*/%", op) && kind != model.Int64 && kind != model.Int && kind != model.Int32:
		return "", fmt.Errorf("SQL has no %s of %s as Go has it", n.Name, n.Args[0].Type)
	case kind == model.String:
		args[0] += ` COLLATE "C"`
	}
	return "(" + args[0] + " " + op + " " + args[1] + ")", nil
}

// convertSQL converts between whole numbers, which fails in SQL where it fails in Go, and between names for one type.
func convertSQL(n *expr.Node) (string, error) {
	from, to := TypeOfNode(n.Args[0]), TypeOfNode(n)
	sql, err := sqlOf(n.Args[0])
	switch whole := map[model.Kind]bool{model.Int: true, model.Int32: true, model.Int64: true}; {
	case err != nil:
		return "", err
	case from == to:
		return sql, nil
	case whole[from] && whole[to], from == model.Uint32 && (to == model.Int || to == model.Int64):
		return "(" + sql + ")::" + sqlTypes[to], nil
	}
	return "", fmt.Errorf("SQL does not convert %s to %s as Go does", n.Args[0].Type, n.Type)
}

// methodSQL has the methods of optionals.
func methodSQL(n *expr.Node) (string, error) {
	if n.Args[0].Type.Class == expr.Optional {
		list, err := sqlList(n.Args)
		switch {
		case err != nil:
			return "", err
		case n.Name == "Or":
			return "coalesce(" + list + ")", nil
		case n.Name == "Present":
			return "(" + list + " IS NOT NULL)", nil
		}
	}
	return "", errors.New("SQL has no method " + n.Name)
}
