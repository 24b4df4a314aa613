package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// LockedError says that another transaction held the lock under which positions are given for longer than an append
// waits. Nothing was stored. Appends of every process wait for the same lock: look at the session that holds it, and
// end it with pg_terminate_backend if it does not go on.
type LockedError struct {
	// Waited is how long the append waited.
	Waited time.Duration
	// PID is the server's process id of the session that held the lock, 0 if it had gone when it was looked for.
	PID int32
	// Holder describes the session, as far as the role may see it: application, address, state, how long it is in it.
	Holder string
	// Err is what the server said.
	Err error
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the log's lock was not free for %v, nothing was stored", e.Waited)
	}
	return fmt.Sprintf("the log's lock was held for more than %v by the session with the pid %d (%s), nothing was stored: "+
		"if it does not go on, end it with SELECT pg_terminate_backend(%d)", e.Waited, e.PID, e.Holder, e.PID)
}

// Unwrap says that it passes by itself, too: once the lock is free.
func (e *LockedError) Unwrap() []error { return []error{eventlog.ErrUnavailable, e.Err} }

// selectHolder finds the session that has a row lock on the table log. Those that wait for it have the table's lock too,
// and one that was not granted.
const selectHolder = `SELECT l.pid, concat_ws(', ', nullif(a.application_name, ''), a.usename, coalesce(a.client_addr::text, 'local'),
		a.state, 'for ' || date_trunc('milliseconds', now() - a.state_change))
	FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
	WHERE l.relation = '{schema}.log'::regclass AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND l.mode IN ('RowShareLock', 'RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
		AND l.granted AND l.pid <> pg_backend_pid()
		AND NOT EXISTS (SELECT FROM pg_locks w WHERE w.pid = l.pid AND NOT w.granted)
	ORDER BY a.xact_start LIMIT 1`

// locked makes the error that names the holder.
func (s *session) locked(cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.settings.limits.answer)
	defer cancel()
	e := &LockedError{Waited: s.settings.limits.lock, Err: cause}
	name := strings.ReplaceAll(postgresdb.Quote(s.settings.schema), "'", "''")
	// Not to know who it was is no other error.
	_ = s.conn.QueryRow(ctx, strings.ReplaceAll(selectHolder, "{schema}", name)).Scan(&e.PID, &e.Holder)
	return e
}
