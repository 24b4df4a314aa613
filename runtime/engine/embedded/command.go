package embedded

import (
	"time"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"zombiezen.com/go/sqlite"
)

const selectCommand = `SELECT hash, position, version, time, correlation_id, causation_id, actor
	FROM commands WHERE id = ?1`

// findCommand returns the outcome that is recorded under a command's id, and whether there is one. Stmt was prepared
// from selectCommand.
func findCommand(stmt *sqlite.Stmt, id string, hash [32]byte) (first eventlog.Appended, ok bool, err error) {
	stmt.BindText(1, id)
	if ok, err = stmt.Step(); err != nil {
		return first, false, err
	}
	if !ok {
		return first, false, stmt.Reset()
	}
	var stored [32]byte
	n := stmt.ColumnBytes(0, stored[:])
	first = eventlog.Appended{
		Position: cqrs.Position(stmt.ColumnInt64(1)),
		Version:  cqrs.Version(stmt.ColumnInt64(2)),
		Meta: cqrs.CommandMeta{
			Time:      time.UnixMicro(stmt.ColumnInt64(3)).UTC(),
			CommandID: id, CorrelationID: stmt.ColumnText(4), CausationID: stmt.ColumnText(5), Actor: stmt.ColumnText(6),
		},
		Repeated: true,
	}
	if err := stmt.Reset(); err != nil {
		return eventlog.Appended{}, false, err
	}
	if n != len(stored) {
		return eventlog.Appended{}, false, corruptf("the hash of command %q has %d bytes", id, n)
	}
	if stored != hash {
		return eventlog.Appended{}, false, &cqrs.CommandReusedError{CommandID: id}
	}
	return first, true, nil
}
