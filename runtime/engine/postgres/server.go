package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RefusedError says why a server is not used. Nothing was changed.
type RefusedError struct {
	Reason string
	// Err is the cause where there is one.
	Err error
}

func (e *RefusedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("PostgreSQL is not used as an event log: %s: %v", e.Reason, e.Err)
	}
	return "PostgreSQL is not used as an event log: " + e.Reason
}

func (e *RefusedError) Unwrap() error { return e.Err }

// UnsafeSettingError refuses a server whose setting loses acknowledged commits. Change the setting; or accept the loss
// with the option AcceptUnsafe.
type UnsafeSettingError struct{ Setting, Value, Want string }

func (e *UnsafeSettingError) Error() string {
	return fmt.Sprintf("the server's setting %s is %s, with which acknowledged commits are lost: set it to %s, "+
		"or accept that with postgres.AcceptUnsafe(%q)", e.Setting, e.Value, e.Want, e.Setting)
}

// durable is a setting that decides whether an acknowledged commit survives a crash.
type durable struct {
	name string
	want string
	// safe are the values that are.
	safe []string
}

var durability = []durable{
	{"fsync", "on", []string{"on"}},
	{"full_page_writes", "on", []string{"on"}},
	{"synchronous_commit", "on", []string{"on", "remote_apply", "remote_write", "local"}},
}

// selectDurability yields the values of durability, in its order.
const selectDurability = `current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')`

// checkDurability takes the values that selectDurability yields.
func (s *settings) checkDurability(values [3]string) error {
	for i, d := range durability {
		if !slices.Contains(d.safe, values[i]) && !slices.Contains(s.accepted, d.name) {
			return &UnsafeSettingError{Setting: d.name, Value: values[i], Want: d.want}
		}
	}
	return nil
}

// oldest is the oldest release that is used, as server_version_num has it.
const oldest = 140000

// checkServer refuses a server that can't keep the log's promises.
func (s *settings) checkServer(ctx context.Context, c *pgx.Conn) error {
	var number, encoding string
	var values [3]string
	err := c.QueryRow(ctx, `SELECT current_setting('server_version_num'), current_setting('server_encoding'), `+
		selectDurability).Scan(&number, &encoding, &values[0], &values[1], &values[2])
	if err != nil {
		return err
	}
	if version, err := strconv.Atoi(number); err != nil || version < oldest {
		return &RefusedError{Reason: fmt.Sprintf("its version is %s, and the oldest that is supported is PostgreSQL %d",
			number, oldest/10000)}
	}
	if encoding != "UTF8" {
		return &RefusedError{Reason: fmt.Sprintf("the database's encoding is %s, and must be UTF8", encoding)}
	}
	return errors.Join(s.checkPrimary(ctx, c), s.checkDurability(values))
}

// checkPrimary refuses a replica: what it shows is older than what was acknowledged, in an order of its own.
func (s *settings) checkPrimary(ctx context.Context, c *pgx.Conn) error {
	var replica bool
	if err := c.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&replica); err != nil || !replica {
		return err
	}
	// It passes by itself where the address leads to the primary again after a failover.
	return &RefusedError{Reason: "it is a replica (pg_is_in_recovery): a log is written and read on the primary; " +
		"with several hosts in the address add target_session_attrs=primary", Err: eventlog.ErrUnavailable}
}

// stablePlans makes plans that do not depend on statistics: every query of this package has an index that serves it, and
// is planned once.
const stablePlans = `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;
	SET jit = off; SET client_encoding = 'UTF8'; SET default_transaction_isolation = 'read committed';`

// prepareReader prepares a connection that reads. It writes only what may be lost, snapshots and notifications, and so
// syncs nothing.
func (s *settings) prepareReader(ctx context.Context, c *pgx.Conn) error {
	if err := s.checkPrimary(ctx, c); err != nil {
		return err
	}
	return execScript(ctx, c, stablePlans+"SET synchronous_commit = off")
}

// prepareWriter prepares the connection that appends.
func (s *settings) prepareWriter(ctx context.Context, c *pgx.Conn) error {
	if err := s.checkServer(ctx, c); err != nil {
		return err
	}
	script := stablePlans + fmt.Sprintf(`SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d;
		SET default_transaction_read_only = off`, s.limits.lock.Milliseconds(), s.limits.stall.Milliseconds())
	if !slices.Contains(s.accepted, "synchronous_commit") {
		// What is stronger stays; what is weaker, but was not refused, does not.
		script += `; SELECT set_config('synchronous_commit', 'on', false)
			WHERE current_setting('synchronous_commit') <> 'remote_apply'`
	}
	return execScript(ctx, c, script)
}

func execScript(ctx context.Context, c *pgx.Conn, script string) error {
	return c.PgConn().Exec(ctx, script).Close()
}

// explain says what an error of the server means to whoever uses the log.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	code := sqlState(err)
	switch {
	case code == "" && ctx.Err() != nil:
		return ctx.Err()
	case code == diskFull:
		return fmt.Errorf("%w: %w", eventlog.ErrFull, err)
	case code == "XX001" || code == "XX002": // data_corrupted, index_corrupted
		return fmt.Errorf("%w: %w", eventlog.ErrCorrupt, err)
	case code == insufficient:
		return &RefusedError{Reason: "the role lacks a privilege, see postgres.Roles", Err: err}
	case code == readOnlyTransaction:
		return &RefusedError{Reason: "the server takes no writes", Err: err}
	}
	return err
}

// unavailable makes the error of a server that can't be reached.
func unavailable(err error) error {
	if errors.Is(err, eventlog.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
}

// corruptf returns an error about stored data that can't be what was written.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", eventlog.ErrCorrupt, fmt.Sprintf(format, args...))
}

// answered reports whether err is a statement's error, behind which the connection goes on; the transaction does not.
func answered(c *pgx.Conn, err error) bool {
	return sqlState(err) != "" && !c.IsClosed()
}

// lost reports whether err is about the connection c, which may be nil, and not about what it was used for.
func lost(c *pgx.Conn, err error) bool {
	switch {
	case err == nil || permanent(err) || errors.Is(err, eventlog.ErrCorrupt) || errors.As(err, new(*unknownKindError)):
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
		strings.HasPrefix(code, "28") || code == "3D000"
}
