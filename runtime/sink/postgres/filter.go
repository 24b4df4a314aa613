package postgres

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// filter writes conditions as SQL. Names are quoted, and values always parameters.
type filter struct {
	table  *table
	sql    strings.Builder
	params [][]byte
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

var operators = map[readmodel.Op]string{
	readmodel.Equal: " = ", readmodel.NotEqual: " <> ", readmodel.Less: " < ", readmodel.LessOrEqual: " <= ",
	readmodel.Greater: " > ", readmodel.GreaterOrEqual: " >= ",
}

func (f *filter) comparison(c *readmodel.Condition) {
	left := f.column(c.Column)
	if c.Other != "" {
		f.columns(left, c.Op, f.column(c.Other))
		return
	}
	switch v := &c.Values[0]; {
	case v.Kind() == readmodel.Null && c.Op == readmodel.Equal:
		f.sql.WriteString(left.quoted + " IS NULL")
	case v.Kind() == readmodel.Null:
		f.sql.WriteString(left.quoted + " IS NOT NULL")
	// A comparison with null is neither true nor false in SQL; here it is one of the two.
	case left.Optional && c.Op == readmodel.Equal:
		fmt.Fprintf(&f.sql, "(%s IS NOT NULL AND %s = %s)", left.quoted, left.quoted, f.value(left, v))
	case left.Optional && c.Op == readmodel.NotEqual:
		fmt.Fprintf(&f.sql, "(%s IS NULL OR %s <> %s)", left.quoted, left.quoted, f.value(left, v))
	default:
		f.sql.WriteString(left.quoted + operators[c.Op] + f.value(left, v))
	}
}

func (f *filter) columns(left *column, op readmodel.Op, right *column) {
	operator := operators[op]
	if left.Optional || right.Optional {
		switch op {
		case readmodel.Equal:
			operator = " IS NOT DISTINCT FROM "
		case readmodel.NotEqual:
			operator = " IS DISTINCT FROM "
		}
	}
	f.sql.WriteString(left.quoted + operator + right.quoted)
}

// in compares with a list, which is one parameter however long it is.
func (f *filter) in(c *readmodel.Condition) {
	column := f.column(c.Column)
	var values []readmodel.Value
	null := "FALSE"
	for _, v := range c.Values {
		if v.Kind() == readmodel.Null {
			null = column.quoted + " IS NULL"
		} else {
			values = append(values, v)
		}
	}
	f.params = append(f.params, arrayOf(column.Kind, len(values), func(i int) *readmodel.Value { return &values[i] }))
	fmt.Fprintf(&f.sql, "(%s OR %s IS NOT NULL AND %s = ANY ($%d::%s[]))",
		null, column.quoted, column.quoted, len(f.params), types[column.Kind].name)
}

// value adds a parameter, and returns its place.
func (f *filter) value(c *column, v *readmodel.Value) string {
	f.params = append(f.params, param(v))
	return fmt.Sprintf("$%d::%s", len(f.params), types[c.Kind].name)
}

func (f *filter) column(name string) *column {
	for i := range f.table.columns {
		if f.table.columns[i].Name == name {
			return &f.table.columns[i]
		}
	}
	panic("postgres: CheckFind accepts no unknown column")
}
