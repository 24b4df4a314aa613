package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed schema.sql
var schemaSQL string

//go:embed roles.sql
var rolesSQL string

// migrations are all scripts in order, from version 1 without a gap.
var migrations = postgresdb.Migrations(schemaSQL)

// DDL returns the statements that create a log, for teams that run their own migrations: one transaction for each
// version of the schema, with the version in its first line. Of the options only Schema counts. Each transaction is to
// be run once, in order, as a role that may create; one that was run before fails and changes nothing. A program whose
// release is newer than the schema says at Open which versions are missing.
func DDL(options ...Option) string {
	return postgresdb.DDL(migrations, newSettings(options).schema)
}

// Roles returns the statements that create two roles with the least privileges: one that appends and one that reads.
// They are run after DDL; logins are made members of them. Of the options only Schema counts.
func Roles(appender, reader string, options ...Option) string {
	script := postgresdb.InSchema(rolesSQL, newSettings(options).schema)
	return strings.NewReplacer("{appender}", postgresdb.Quote(appender), "{reader}", postgresdb.Quote(reader)).Replace(script)
}

// SchemaError says that the PostgreSQL schema is not at the version that this program needs. Nothing was changed.
type SchemaError struct {
	Schema string
	// Have is the version that was found, 0 where there is no log; Want is the program's.
	Have, Want int
}

func (e *SchemaError) Error() string {
	switch {
	case e.Have == 0:
		return fmt.Sprintf("schema %q has no event log: open it once with the option postgres.Migrate(), "+
			"or run the statements of postgres.DDL()", e.Schema)
	case e.Have < e.Want:
		return fmt.Sprintf("the event log in schema %q has version %d and this program needs %d: open it once with the "+
			"option postgres.Migrate(), or run what postgres.DDL() has for the versions above %d",
			e.Schema, e.Have, e.Want, e.Have)
	}
	return fmt.Sprintf("the event log in schema %q has version %d and this program knows versions up to %d: "+
		"a newer release changed it, deploy that", e.Schema, e.Have, e.Want)
}

// ensureSchema checks the version of the schema, and brings it up to date if migrate says so.
func ensureSchema(ctx context.Context, c *pgx.Conn, schema string, all []postgresdb.Migration, migrate bool) error {
	have, err := schemaVersion(ctx, c, schema)
	if err != nil {
		return err
	}
	if have < postgresdb.Newest(all) && migrate {
		return upgrade(ctx, c, schema, all)
	}
	if have != postgresdb.Newest(all) {
		return &SchemaError{Schema: schema, Have: have, Want: postgresdb.Newest(all)}
	}
	return nil
}

// schemaVersion returns 0 if there is no log.
func schemaVersion(ctx context.Context, c *pgx.Conn, schema string) (version int, err error) {
	err = c.QueryRow(ctx, "SELECT schema_version FROM "+postgresdb.Quote(schema)+".log").Scan(&version)
	if code := sqlState(err); code == undefinedTable || code == invalidSchemaName {
		return 0, nil
	}
	return version, err
}

// upgrade runs the scripts that are missing in one transaction: all of them, or none.
func upgrade(ctx context.Context, c *pgx.Conn, schema string, all []postgresdb.Migration) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		// Two processes that start at once must not both create the tables. This lock is of the whole database.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('cqrsgen'), hashtext($1))", schema); err != nil {
			return err
		}
		savepoint, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		have, err := schemaVersion(ctx, savepoint.Conn(), schema)
		if err := errors.Join(err, savepoint.Rollback(ctx)); err != nil {
			return err
		}
		if have > postgresdb.Newest(all) {
			return &SchemaError{Schema: schema, Have: have, Want: postgresdb.Newest(all)}
		}
		for _, m := range all[have:] {
			if err := runScript(ctx, tx.Conn(), m, schema); err != nil {
				return err
			}
		}
		return nil
	})
}

// runScript runs a script and records its version.
func runScript(ctx context.Context, c *pgx.Conn, m postgresdb.Migration, schema string) error {
	results := c.PgConn().Exec(ctx, postgresdb.InSchema(m.Script, schema))
	if err := results.Close(); err != nil {
		return fmt.Errorf("bring schema %q to version %d: %w", schema, m.Version, err)
	}
	if m.Version == 1 {
		return nil // the script records it
	}
	_, err := c.Exec(ctx, "UPDATE "+postgresdb.Quote(schema)+".log SET schema_version = $1", m.Version)
	return err
}

// The SQLSTATE codes that mean something to a log.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	lockNotAvailable     = "55P03"
	diskFull             = "53100"
	insufficient         = "42501"
	undefinedTable       = "42P01"
	invalidSchemaName    = "3F000"
	readOnlyTransaction  = "25006"
)

// sqlState returns the code of an error that the server sent, or nothing.
func sqlState(err error) string {
	if server := (*pgconn.PgError)(nil); errors.As(err, &server) {
		return server.Code
	}
	return ""
}
