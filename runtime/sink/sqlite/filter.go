package sqlite

import (
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// filter returns a condition as SQL, with the values of its parameters. Names are quoted, and values always bound.
func (t *table) filter(c *readmodel.Condition) (string, []readmodel.Value) {
	f := filter{table: t}
	f.write(c)
	return f.sql.String(), f.values
}

type filter struct {
	table  *table
	sql    strings.Builder
	values []readmodel.Value
}

func (f *filter) write(c *readmodel.Condition) {
	switch c.Op {
	case readmodel.Always:
		f.sql.WriteString("TRUE")
	case readmodel.Never:
		f.sql.WriteString("FALSE")
	case readmodel.And:
		f.join(c.Parts, " AND ", "TRUE")
	case readmodel.Or:
		f.join(c.Parts, " OR ", "FALSE")
	case readmodel.Not:
		f.sql.WriteString("NOT ")
		f.join(c.Parts, "", "")
	case readmodel.In:
		f.in(c)
	default:
		f.comparison(c)
	}
}

func (f *filter) join(parts []readmodel.Condition, with, none string) {
	if len(parts) == 0 {
		f.sql.WriteString(none)
		return
	}
	f.sql.WriteString("(")
	for i := range parts {
		if i > 0 {
			f.sql.WriteString(with)
		}
		f.write(&parts[i])
	}
	f.sql.WriteString(")")
}

// operators are those of SQL. Where null may meet null, or a value, IS compares them as two values.
var operators = map[readmodel.Op]string{
	readmodel.Equal: " = ", readmodel.NotEqual: " <> ", readmodel.Less: " < ", readmodel.LessOrEqual: " <= ",
	readmodel.Greater: " > ", readmodel.GreaterOrEqual: " >= ",
}

func (f *filter) comparison(c *readmodel.Condition) {
	left := f.column(c.Column)
	right, optional := "?", left.Optional
	if c.Other != "" {
		other := f.column(c.Other)
		right, optional = other.quoted, optional || other.Optional
	} else {
		f.values = append(f.values, c.Values[0])
	}
	operator := operators[c.Op]
	if optional && c.Op == readmodel.Equal {
		operator = " IS "
	} else if optional && c.Op == readmodel.NotEqual {
		operator = " IS NOT "
	}
	f.sql.WriteString(left.quoted + operator + right)
}

// Lists of more than longList values are one parameter, a text of JSON, where JSON has their kind: SQLite takes 32,766
// parameters, and a condition may have several lists of readmodel.MostValues.
const longList = 64

// in compares with a list whose length is a power of two, filled up with its last value: statements are kept by their
// text, and there must not be one for each length.
func (f *filter) in(c *readmodel.Condition) {
	column := f.column(c.Column)
	var values []readmodel.Value
	null := false
	for _, v := range c.Values {
		if v.Kind() == readmodel.Null {
			null = true
		} else {
			values = append(values, v)
		}
	}
	f.sql.WriteString("(")
	if null {
		f.sql.WriteString(column.quoted + " IS NULL OR ")
	}
	if column.Optional {
		f.sql.WriteString(column.quoted + " IS NOT NULL AND ")
	}
	f.sql.WriteString(column.quoted + " IN (" + f.list(values) + "))")
}

// list binds the values of a list, and returns it as SQL.
func (f *filter) list(values []readmodel.Value) string {
	if len(values) > longList {
		if text, ok := jsonList(values); ok {
			f.values = append(f.values, readmodel.OfString(text))
			return "SELECT value FROM json_each(?)"
		}
	}
	for n := len(values); n > 0 && n <= longList && len(values)&(len(values)-1) != 0; {
		values = append(values, values[n-1])
	}
	f.values = append(f.values, values...)
	return strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
}

func (f *filter) column(name string) *column {
	for i := range f.table.columns {
		if f.table.columns[i].Name == name {
			return &f.table.columns[i]
		}
	}
	panic("sqlite: CheckFind accepts no unknown column")
}
