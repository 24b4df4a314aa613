package postgresdb

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Migration is a script that leads a PostgreSQL schema from the version before to its own.
type Migration struct {
	Version int
	Script  string
}

// versionLine stands at the head of each script of a file of migrations.
var versionLine = regexp.MustCompile(`(?m)^-- Version ([0-9]+)$`)

// Migrations returns the scripts of a file in order, from version 1 without a gap.
func Migrations(file string) []Migration {
	starts := versionLine.FindAllStringSubmatchIndex(file, -1)
	all := make([]Migration, len(starts))
	for i, at := range starts {
		end := len(file)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		version, _ := strconv.Atoi(file[at[2]:at[3]])
		all[i] = Migration{version, strings.TrimSpace(file[at[1]:end])}
	}
	return all
}

// Newest returns the version that the last script leads to.
func Newest(all []Migration) int { return all[len(all)-1].Version }

// DDL returns the scripts for a schema as one text: a transaction for each version, which its first line names.
func DDL(all []Migration, schema string) string {
	var b strings.Builder
	for i, m := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "-- Version %d\nBEGIN;\n\n%s\n\nCOMMIT;\n", m.Version, InSchema(m.Script, schema))
	}
	return b.String()
}

// InSchema puts the quoted name of a schema into a script, where that has {schema}.
func InSchema(script, schema string) string {
	return strings.ReplaceAll(script, "{schema}", Quote(schema))
}

// Quote returns a name as SQL. Every name is quoted everywhere, so that none can be a keyword.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }
