package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// positionColumn holds the position of the last event that was folded into a row.
const positionColumn = "cqrs_position"

// maxIdentifier is what PostgreSQL keeps of a name, in bytes; it cuts off the rest without an error.
const maxIdentifier = 63

// column is a column of the schema with its place and its name in SQL.
type column struct {
	readmodel.Column
	number int
	sql    string
	quoted string
}

// nameColumns gives each column a name of its own. Fields whose names differ in case or underscores only are numbered in
// the order of the schema, and so is a field that is called as a column that every table has.
func nameColumns(s *readmodel.Schema) []column {
	used := map[string]bool{positionColumn: true}
	for _, system := range []string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"} {
		used[system] = true
	}
	var columns []column
	for i, c := range s.Columns() {
		name := unusedName(snakeCase(c.Name), "", func(name string) bool { return used[name] })
		used[name] = true
		columns = append(columns, column{c, i, name, postgresdb.Quote(name)})
	}
	return columns
}

// unusedName returns base and suffix, with a number in between if that is needed.
func unusedName(base, suffix string, used func(string) bool) string {
	name := shorten(base, maxIdentifier-len(suffix)) + suffix
	for n := 2; used(name); n++ {
		number := fmt.Sprintf("_%d", n)
		name = shorten(base, maxIdentifier-len(suffix)-len(number)) + number + suffix
	}
	return name
}

// shorten returns the name in at most so many bytes. The end of a longer one gives way to a hash of the whole.
func shorten(name string, length int) string {
	if len(name) <= length {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	const digits = 8
	return name[:length-digits-1] + "_" + hex.EncodeToString(sum[:])[:digits]
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

// literal returns a text as SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// list joins what f says of each item with commas.
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

func quoted(c column) string { return c.quoted }
