package embedded

import (
	"context"
	"fmt"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// explain says what an error of SQLite means to whoever uses the log.
func explain(ctx context.Context, err error) error {
	switch sqlitedb.Classify(err) {
	case sqlitedb.Interrupted:
		if ctx.Err() != nil {
			return ctx.Err()
		}
	case sqlitedb.Full:
		return fmt.Errorf("%w: %w", eventlog.ErrFull, err)
	case sqlitedb.Corrupt, sqlitedb.NotDatabase:
		return fmt.Errorf("%w: %w", eventlog.ErrCorrupt, err)
	}
	return err
}

// corruptf returns an error about stored data that can't be what was written.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", eventlog.ErrCorrupt, fmt.Sprintf(format, args...))
}
