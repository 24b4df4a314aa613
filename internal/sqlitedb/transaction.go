package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"zombiezen.com/go/sqlite"
)

// BusyError says that other connections held the lock for the whole time that the caller was ready to wait.
// Classify says Busy of it.
type BusyError struct {
	Waited time.Duration
	Err    error
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("database is locked by another connection for %v", e.Waited.Round(time.Millisecond))
}

func (e *BusyError) Unwrap() error { return e.Err }

// Begin starts a write transaction. It waits for other writers at most as long as wait says, and until ctx ends. The
// errors of these two cases are a *BusyError and that of ctx.
func Begin(ctx context.Context, c *sqlite.Conn, wait time.Duration) error {
	// SQLite's own busy handler sleeps longer the longer it waits, up to 100 ms, so that whoever comes fresh wins:
	// a process that appends all the time would starve the others.
	c.SetBusyTimeout(0)
	defer c.SetBusyTimeout(BusyTimeout)
	return retryBusy(ctx, wait, func() error { return run(c, "BEGIN IMMEDIATE") })
}

// Commit commits the transaction. If it fails, the transaction is rolled back, as far as SQLite still can.
func Commit(c *sqlite.Conn) error {
	err := run(c, "COMMIT")
	if err != nil {
		Rollback(c)
	}
	return err
}

// Rollback ends the transaction, if there is one, without any effect. It has no error because there is nothing
// that the caller could do: SQLite rolls back by itself whatever was not committed.
func Rollback(c *sqlite.Conn) {
	if c.AutocommitEnabled() {
		return
	}
	// An interrupted connection refuses every statement, and this one must run.
	old := c.SetInterrupt(nil)
	_ = run(c, "ROLLBACK")
	c.SetInterrupt(old)
}

// Write runs f in a write transaction and commits it, or rolls it back if f fails. It waits as Begin does.
func Write(ctx context.Context, c *sqlite.Conn, wait time.Duration, f func() error) error {
	return within(c, func() error { return Begin(ctx, c, wait) }, f)
}

// Read runs f in a read transaction: all its statements see one state of the database.
func Read(c *sqlite.Conn, f func() error) error {
	return within(c, func() error { return run(c, "BEGIN") }, f)
}

func within(c *sqlite.Conn, begin, f func() error) error {
	if err := begin(); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			Rollback(c)
		}
	}()
	if err := f(); err != nil {
		return err
	}
	done = true
	return Commit(c)
}

// run executes a statement without result and keeps it prepared.
func run(c *sqlite.Conn, query string) error {
	stmt, err := c.Prepare(query)
	if err != nil {
		return err
	}
	if _, err := stmt.Step(); err != nil {
		return err
	}
	return stmt.Reset()
}

// retryBusy calls f until it fails for another reason than a lock, or the time is over.
func retryBusy(ctx context.Context, wait time.Duration, f func() error) error {
	var start time.Time
	for {
		err := f()
		if Classify(err) != Busy {
			return err
		}
		if start.IsZero() {
			start = time.Now()
		}
		if waited := time.Since(start); waited >= wait {
			return &BusyError{Waited: waited, Err: err}
		}
		if ctxErr := sleep(ctx, 100*time.Microsecond+rand.N(1900*time.Microsecond)); ctxErr != nil {
			return errors.Join(ctxErr, err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
