package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

//go:embed schema.sql
var schemaSQL string

//go:embed roles.sql
var rolesSQL string

// migrations are all scripts in order, from version 1 without a gap.
var migrations = postgresdb.Migrations(schemaSQL)

// inSchema puts the quoted name of the PostgreSQL schema into a script.
func (s *settings) inSchema(script string) string {
	return postgresdb.InSchema(script, s.schema)
}

// DDL returns the statements that create the catalogue, for teams that run their own migrations: one transaction for each
// version, in its first line. Of the options only Schema counts. Each transaction is to be run once, in order; one that
// was run before fails and changes nothing.
func DDL(options ...Option) string {
	return postgresdb.DDL(migrations, newSettings(options).schema)
}

// TableDDL returns the statements that create the tables and indexes of read models, and enter them into the catalogue: to
// read what a program makes, or to make it ahead. They are run behind those of DDL, as the role that services connect as,
// which then owns the tables. Of the options only Schema counts.
//
// Errors: *readmodel.SchemaError for a schema that is not kept.
func TableDDL(schemas []*readmodel.Schema, options ...Option) (string, error) {
	return (&Store{settings: newSettings(options)}).TableDDL(schemas)
}

// TableDDL is the function TableDDL for the schema that the store was opened with, and materialized views where it has
// those. It asks the server nothing.
func (s *Store) TableDDL(schemas []*readmodel.Schema) (string, error) {
	used, views := map[string]bool{}, map[string]string{}
	var b strings.Builder
	for i, schema := range schemas {
		if err := s.checkSchema(schema); err != nil {
			return "", err
		}
		t := newTable(s, schema)
		t.view = views[schema.Projection]
		t.chooseNames(func(name string) bool { return used[name] })
		used[t.view], used[t.name], views[schema.Projection] = true, true, t.view
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "-- %s %s\nBEGIN;\n\n", schema.Projection, schema.Fingerprint)
		statements := t.createStatements()
		for _, index := range t.indexes() {
			statements = append(statements, index.ddl)
		}
		b.WriteString(strings.Join(statements, ";\n\n") + ";\n\nCOMMIT;\n")
	}
	return b.String(), nil
}

// Roles returns the statements that create two roles with the least privileges: writer, which services connect as, and
// reader, whose members read the views. They are run after DDL, or once a program with Migrate has run. Of the options
// only Schema counts.
func Roles(writer, reader string, options ...Option) string {
	s := newSettings(options)
	return strings.NewReplacer("{writer}", postgresdb.Quote(writer), "{reader}", postgresdb.Quote(reader)).Replace(s.inSchema(rolesSQL))
}

// SchemaError says that the catalogue in the PostgreSQL schema is not at the version that this program needs. Nothing was
// changed.
type SchemaError struct {
	Schema string
	// Have is the version that was found, 0 where there is no catalogue; Want is the program's.
	Have, Want int
}

func (e *SchemaError) Error() string {
	switch {
	case e.Have == 0:
		return fmt.Sprintf("schema %q has no catalogue of read models: open it once with the option postgres.Migrate(), "+
			"or run the statements of postgres.DDL()", e.Schema)
	case e.Have < e.Want:
		return fmt.Sprintf("the catalogue of read models in schema %q has version %d and this program needs %d: open it once "+
			"with the option postgres.Migrate(), or run what postgres.DDL() has for the versions above %d",
			e.Schema, e.Have, e.Want, e.Have)
	}
	return fmt.Sprintf("the catalogue of read models in schema %q has version %d and this program knows versions up to %d: "+
		"a newer release changed it, deploy that", e.Schema, e.Have, e.Want)
}

// ensureCatalogue checks the version of the catalogue, and brings it up to date if it may.
func (s *settings) ensureCatalogue(ctx context.Context, c *pgx.Conn) error {
	have, err := s.version(ctx, c)
	if err != nil {
		return err
	}
	if have < postgresdb.Newest(migrations) && s.migrate {
		return s.upgrade(ctx, c)
	}
	if have != postgresdb.Newest(migrations) {
		return &SchemaError{Schema: s.schema, Have: have, Want: postgresdb.Newest(migrations)}
	}
	return nil
}

// version returns 0 if there is no catalogue.
func (s *settings) version(ctx context.Context, c *pgx.Conn) (version int, err error) {
	err = c.QueryRow(ctx, s.inSchema("SELECT version FROM {schema}.cqrs_catalogue")).Scan(&version)
	if code := sqlState(err); code == undefinedTable || code == invalidSchemaName {
		return 0, nil
	}
	return version, err
}

// upgrade runs the scripts that are missing in one transaction: all of them, or none.
func (s *settings) upgrade(ctx context.Context, c *pgx.Conn) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if err := s.lockCatalogue(ctx, tx); err != nil {
			return err
		}
		savepoint, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		have, err := s.version(ctx, savepoint.Conn())
		if err := errors.Join(err, savepoint.Rollback(ctx)); err != nil {
			return err
		}
		if have > postgresdb.Newest(migrations) {
			return &SchemaError{Schema: s.schema, Have: have, Want: postgresdb.Newest(migrations)}
		}
		for _, m := range migrations[have:] {
			if err := s.run(ctx, tx.Conn(), m); err != nil {
				return err
			}
		}
		return nil
	})
}

// lockCatalogue keeps others from creating until the transaction ends: two processes that start at once must not both
// create a table. The lock is of the whole database.
func (s *settings) lockCatalogue(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('cqrsgen read models'), hashtext($1))", s.schema)
	return err
}

// run runs a script and records its version.
func (s *settings) run(ctx context.Context, c *pgx.Conn, m postgresdb.Migration) error {
	if err := c.PgConn().Exec(ctx, s.inSchema(m.Script)).Close(); err != nil {
		return fmt.Errorf("bring the catalogue in schema %q to version %d: %w", s.schema, m.Version, err)
	}
	if m.Version == 1 {
		return nil // the script records it
	}
	_, err := c.Exec(ctx, s.inSchema("UPDATE {schema}.cqrs_catalogue SET version = $1"), m.Version)
	return err
}
