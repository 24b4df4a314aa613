package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// RefusedError says why a server, or something that it was asked for, is refused. Nothing was changed.
type RefusedError struct {
	Reason string
	// Err is the cause where there is one.
	Err error
}

func (e *RefusedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("PostgreSQL does not keep read models: %s: %v", e.Reason, e.Err)
	}
	return "PostgreSQL does not keep read models: " + e.Reason
}

func (e *RefusedError) Unwrap() error { return e.Err }

// UnsafeSettingError refuses a server whose setting may tear rows and checkpoint apart when it crashes, so that a read
// model is wrong and nobody is told. Change the setting; or accept it with the option AcceptUnsafe.
type UnsafeSettingError struct{ Setting, Value, Want string }

func (e *UnsafeSettingError) Error() string {
	return fmt.Sprintf("the server's setting %s is %s, with which a crash leaves wrong rows: set it to %s, "+
		"or accept that with postgres.AcceptUnsafe(%q)", e.Setting, e.Value, e.Want, e.Setting)
}

// LockedError says that another transaction held what a change needs for longer than is waited for. Nothing was changed.
// It passes by itself once the other one ends.
type LockedError struct {
	// Waited is how long it was waited.
	Waited time.Duration
	// What was wanted: "the view balances".
	What string
	// Err is what the server said.
	Err error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s was locked by another transaction for more than %v, nothing was changed: %v", e.What, e.Waited, e.Err)
}

// Unwrap says that it passes by itself, too.
func (e *LockedError) Unwrap() []error { return []error{readmodel.ErrUnavailable, e.Err} }

// integrity are the settings that decide whether a transaction is whole after a crash. Whether it is there is another
// question: one that was lost is folded again, because its checkpoint was lost with it.
var integrity = []string{"fsync", "full_page_writes"}

// oldest is the oldest release that is used, as server_version_num has it.
const oldest = 140000

// checkServer refuses a server that can't keep the promises of a read model.
func (s *settings) checkServer(ctx context.Context, c *pgx.Conn) error {
	var number, encoding string
	values := make([]string, len(integrity))
	err := c.QueryRow(ctx, `SELECT current_setting('server_version_num'), current_setting('server_encoding'),
		current_setting('fsync'), current_setting('full_page_writes')`).Scan(&number, &encoding, &values[0], &values[1])
	if err != nil {
		return err
	}
	if version, err := strconv.Atoi(number); err != nil || version < oldest {
		return &RefusedError{Reason: fmt.Sprintf("the server's version is %s, and the oldest that is supported is PostgreSQL %d",
			number, oldest/10000)}
	}
	if encoding != "UTF8" {
		return &RefusedError{Reason: fmt.Sprintf("the database's encoding is %s, and must be UTF8", encoding)}
	}
	for i, name := range integrity {
		if values[i] != "on" && !slices.Contains(s.accepted, name) {
			return &UnsafeSettingError{Setting: name, Value: values[i], Want: "on"}
		}
	}
	return nil
}

// prepareReader prepares a connection. Queries are short: a plan for several processes, or machine code, is not worth its
// start; and with the former the rows of an Append would come in any order.
func (s *settings) prepareReader(ctx context.Context, c *pgx.Conn) error {
	if err := s.checkServer(ctx, c); err != nil {
		return err
	}
	return execScript(ctx, c, `SET jit = off; SET max_parallel_workers_per_gather = 0; SET client_encoding = 'UTF8';
		SET default_transaction_isolation = 'read committed'`)
}

// prepareWriter prepares a connection that stores batches. A batch may take long, above all when indexes are made.
// COMMIT does not wait for the disk: what a crash of the server takes away, checkpoint and rows together, is folded again.
func (s *settings) prepareWriter(ctx context.Context, c *pgx.Conn) error {
	if err := s.prepareControl(ctx, c); err != nil {
		return err
	}
	return execScript(ctx, c, "SET synchronous_commit = off; SET statement_timeout = 0")
}

// prepareControl prepares a connection for everything else that changes something.
func (s *settings) prepareControl(ctx context.Context, c *pgx.Conn) error {
	if err := s.prepareReader(ctx, c); err != nil {
		return err
	}
	return execScript(ctx, c, fmt.Sprintf("SET lock_timeout = %d; SET idle_in_transaction_session_timeout = 60000",
		s.lock.Milliseconds()))
}

func execScript(ctx context.Context, c *pgx.Conn, script string) error {
	return c.PgConn().Exec(ctx, script).Close()
}

// The SQLSTATE codes that mean something to a store.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	lockNotAvailable     = "55P03"
	insufficient         = "42501"
	undefinedTable       = "42P01"
	invalidSchemaName    = "3F000"
	readOnlyTransaction  = "25006"
	programLimit         = "54000"
	dependentObjects     = "2BP01"
	otherColumns         = "42P16" // invalid_table_definition: what CREATE OR REPLACE VIEW says
	undefinedDatabase    = "3D000"
)

// The classes of SQLSTATE codes that mean something to a store.
const (
	authorization         = "28"
	insufficientResources = "53"
	operatorIntervention  = "57"
	systemError           = "58"
	connectionException   = "08"
)

// sqlState returns the code of an error that the server sent, or nothing.
func sqlState(err error) string {
	if server := (*pgconn.PgError)(nil); errors.As(err, &server) {
		return server.Code
	}
	return ""
}

const canceled = "57014"

// explain says what an error of the server means to whoever uses the store.
func (s *settings) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	code := sqlState(err)
	switch {
	case (code == "" || code == canceled) && ctx.Err() != nil:
		return ctx.Err()
	case code == insufficient:
		return &RefusedError{Reason: "the role lacks a privilege, see postgres.Roles", Err: err}
	case code == readOnlyTransaction:
		// It passes by itself where the address leads to the primary again after a failover.
		return &RefusedError{Reason: "the server takes no writes: with several hosts in the address add " +
			"target_session_attrs=primary", Err: unavailable(err)}
	case code == programLimit:
		return &RefusedError{Reason: "a value is too long for an index, which holds about 2,700 bytes of a row", Err: err}
	case code == lockNotAvailable:
		return &LockedError{Waited: s.lock, What: "a table", Err: err}
	case code == canceled:
		return err
	case transient(code):
		return unavailable(err)
	}
	return err
}

// transient reports whether a code tells of something that passes: the server is starting or stopping, has no room on its
// disk or for another connection.
func transient(code string) bool {
	if len(code) != 5 {
		return false
	}
	switch code[:2] {
	case insufficientResources, operatorIntervention, systemError, connectionException:
		return true
	}
	return code == serializationFailure || code == deadlockDetected
}

// unavailable makes the error of a server that can't be used now.
func unavailable(err error) error {
	if errors.Is(err, readmodel.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", readmodel.ErrUnavailable, err)
}

// lost reports whether err is about the connection c, which may be nil, and not about what it was used for.
func lost(c *pgx.Conn, err error) bool {
	switch {
	case err == nil || permanent(err):
		return false
	case errors.As(err, new(*pgconn.ConnectError)):
		return true
	}
	return c == nil || c.IsClosed()
}

// permanent reports whether trying again is of no use: the server, or its settings, were refused; the role or the
// database do not exist.
func permanent(err error) bool {
	code := sqlState(err)
	return errors.As(err, new(*RefusedError)) || errors.As(err, new(*UnsafeSettingError)) ||
		strings.HasPrefix(code, authorization) || code == undefinedDatabase
}
