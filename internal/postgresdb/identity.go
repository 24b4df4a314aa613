// Package postgresdb is what the log and the read models in PostgreSQL have in common.
package postgresdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const identity = `SELECT 'postgres:' || (SELECT system_identifier FROM pg_control_system()) || '/' ||
	(SELECT oid FROM pg_database WHERE datname = current_database())`

// Identity names the database that the connection leads to, so that two who have it open can tell that it is the same
// one, whatever their addresses look like. Where the server does not say which one it is, that is the address after all.
func Identity(ctx context.Context, c *pgx.Conn) (name string, err error) {
	err = c.QueryRow(ctx, identity).Scan(&name)
	if errors.As(err, new(*pgconn.PgError)) {
		config := c.Config()
		return fmt.Sprintf("postgres:%s:%d/%s", config.Host, config.Port, config.Database), nil
	}
	return name, err
}
