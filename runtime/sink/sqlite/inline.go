package sqlite

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var _ readmodel.InlineStore = (*Store)(nil)

// In opens the read models in the file of a log, an *embedded.Log, so that inline projections can change their rows in
// the transactions that store the events. What follows the log is better kept in a file of its own: its writes and the
// log's appends would wait for each other.
func In(ctx context.Context, log interface{ Path() string }) (*Store, error) {
	return Open(ctx, log.Path())
}

// Database implements readmodel.InlineStore.
func (s *Store) Database() string { return sqlitedb.Identity(s.path) }

// Within implements readmodel.InlineStore; conn is a *sqlite.Conn of zombiezen.com/go/sqlite.
func (s *Store) Within(conn any) (readmodel.InlineTx, error) {
	c, ok := conn.(*sqlite.Conn)
	if !ok {
		return nil, fmt.Errorf("read models in SQLite can't take part in a transaction on a %T", conn)
	}
	// Its tables have signals of their own, for nobody: what they write is not committed yet.
	within := &Store{path: s.path, within: c, signals: map[string]*readmodel.Signal{}}
	return &inlineTx{Store: within, of: s, names: map[string]string{}}, nil
}

// inlineTx is a store whose every call happens on one connection, in the transaction that is open there.
type inlineTx struct {
	*Store
	of *Store
	// names are those of the tables that were opened, by fingerprint.
	names map[string]string
}

// Table implements readmodel.InlineTx.
func (t *inlineTx) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	opened, err := t.Store.Table(ctx, schema)
	if err != nil {
		return nil, err
	}
	t.names[schema.Fingerprint] = opened.(*table).name
	return opened, nil
}

// State implements readmodel.InlineTx.
func (t *inlineTx) State(
	_ context.Context, schema *readmodel.Schema,
) (active string, at readmodel.Checkpoint, err error) {
	err = query(t.within, `SELECT fingerprint, active, position, commit_id, handled, built FROM cqrs_read_models
		WHERE projection = ?1 AND (active = 1 OR fingerprint = ?2)`, func(stmt *sqlite.Stmt) error {
		if stmt.ColumnBool(1) {
			active = stmt.ColumnText(0)
		}
		if stmt.ColumnText(0) != schema.Fingerprint {
			return nil
		}
		commit, err := uuid.Parse(stmt.ColumnText(3))
		if err != nil {
			return &readmodel.CorruptError{
				Projection: schema.Projection, Column: "cqrs_read_models.commit_id", Reason: err.Error(),
			}
		}
		at = readmodel.Checkpoint{
			Position: cqrs.Position(stmt.ColumnInt64(2)), Commit: cqrs.CommitID(commit),
			Handled: stmt.ColumnInt64(4), Built: stmt.ColumnBool(5),
		}
		return nil
	}, schema.Projection, schema.Fingerprint)
	return active, at, err
}

// Committed implements readmodel.InlineTx.
func (t *inlineTx) Committed(schema *readmodel.Schema, promoted bool) {
	t.of.mu.Lock()
	signal := t.of.signals[t.names[schema.Fingerprint]]
	t.of.mu.Unlock()
	if signal != nil {
		signal.Notify()
	}
	if promoted {
		t.of.Notify()
	}
}
