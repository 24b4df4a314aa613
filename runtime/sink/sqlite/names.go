package sqlite

import (
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// positionColumn holds the position of the last event that was folded into a row.
const positionColumn = "cqrs_position"

// column is a column of the schema with its place and its name in SQL.
type column struct {
	readmodel.Column
	number int
	sql    string
	quoted string
}

// nameColumns gives each column a name that differs from the others in more than case. Fields whose names differ in
// case or underscores only are numbered in the order of the schema.
func nameColumns(s *readmodel.Schema) []column {
	used := map[string]bool{positionColumn: true}
	var columns []column
	for i, c := range s.Columns() {
		name := snakeCase(c.Name)
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s_%d", snakeCase(c.Name), n)
		}
		used[name] = true
		columns = append(columns, column{c, i, name, quote(name)})
	}
	return columns
}

// snakeCase turns a Go identifier into a lower-case SQL name: lastMovement into last_movement, HTTPServer into
// http_server.
func snakeCase(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if upper(c) && i > 0 && name[i-1] != '_' && (!upper(name[i-1]) || i+1 < len(name) && lower(name[i+1])) {
			b.WriteByte('_')
		}
		b.WriteByte(c)
	}
	return strings.ToLower(b.String())
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }

// quote returns a name as SQL. Every name is quoted everywhere, so that none can be a keyword.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// list joins what f says of each column with commas.
func list[T any](items []T, f func(T) string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f(item))
	}
	return b.String()
}
