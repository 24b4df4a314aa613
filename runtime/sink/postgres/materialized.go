package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Materialized makes a store whose read models the server computes itself: materialized views over the tables of the log
// in the PostgreSQL schema log, of the same database. It keeps those projections that the model says `materialized: true`
// of, and refuses all others with a *readmodel.SchemaError. Its own Schema has to be one that no tables of projections are
// in; without it the name is "materialized". The role must be allowed to read the log.
//
// A view is refreshed as a whole, concurrently with whoever reads it: it is for few rows and a log that a server counts
// through in the time that the rows may lag behind.
func Materialized(log string) Option {
	return func(s *settings) {
		s.log = log
		if s.schema == defaultSchema {
			s.schema = "materialized"
		}
	}
}

// errNotWritten says that somebody wants to write into a view.
var errNotWritten = errors.New("a materialized view is refreshed, not written")

func notMaterialized(s *readmodel.Schema) error {
	return &readmodel.SchemaError{
		Projection: s.Projection,
		Reason:     "no query computes it: a projection that PostgreSQL can compute says `materialized: true`",
	}
}

// createView makes the view, without rows as yet. The query gives whole numbers of any width, and the columns are of the
// types of the sink.
func (t *table) createView() []string {
	names := make([]string, 0, len(t.columns)+1)
	selected := make([]string, 0, len(t.columns)+1)
	for i, c := range t.columns {
		name := fmt.Sprintf("c%d", i)
		names = append(names, name)
		selected = append(selected, fmt.Sprintf("q.%s::%s AS %s", name, types[c.Kind].column, c.quoted))
	}
	names, selected = append(names, positionColumn), append(selected, "q."+positionColumn)
	query := strings.ReplaceAll(t.schema.View, "{log}", postgresdb.Quote(t.store.log))
	return []string{
		fmt.Sprintf("CREATE MATERIALIZED VIEW %s AS\nSELECT %s\nFROM (\n%s\n) AS q (%s)\nWITH NO DATA",
			t.qualified(), strings.Join(selected, ", "), query, strings.Join(names, ", ")),
		// Without a unique index it can't be refreshed while somebody reads.
		fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s (%s)", t.keyConstraint(), t.qualified(), list(t.key(), quoted)),
	}
}

// isView reports what a generation's relation is.
func (s *Store) isView(ctx context.Context, c *pgx.Conn, name string) (is bool, err error) {
	err = c.QueryRow(ctx, "SELECT relkind = 'm' FROM pg_class WHERE oid = to_regclass($1)", postgresdb.Quote(s.schema)+"."+postgresdb.Quote(name)).Scan(&is)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, readmodel.ErrNoGeneration
	}
	return is, err
}

// checkKind refuses a generation that is kept in the other way.
func (t *table) checkKind(ctx context.Context, c *pgx.Conn) error {
	is, err := t.store.isView(ctx, c, t.name)
	if err == nil && is != (t.store.log != "") {
		kinds := map[bool]string{true: "a materialized view", false: "a table"}
		err = &RefusedError{Reason: fmt.Sprintf("%s in schema %s is %s, and not %s: tables of projections and materialized views "+
			"are in schemas of their own", t.name, t.store.schema, kinds[is], kinds[!is])}
	}
	return err
}

// readable is what the store hands out.
func (t *table) readable() readmodel.Table {
	if t.store.log != "" {
		return view{t}
	}
	return t
}

// view is a table that the server computes.
type view struct{ *table }

var _ readmodel.Refresher = view{}

// Apply implements readmodel.Table. It fails.
func (v view) Apply(context.Context, *readmodel.Batch) error { return v.wrap(errNotWritten) }

// Refresh implements readmodel.Refresher: rows and checkpoint are of one snapshot of the log, and change in one
// transaction.
func (v view) Refresh(
	ctx context.Context, events []string, check func(*cqrs.Record) error,
) (readmodel.Checkpoint, error) {
	var to readmodel.Checkpoint
	err := v.store.with(ctx, v.store.writers, func(ctx context.Context, c *pgx.Conn) error {
		return pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) (err error) {
			to, err = v.refresh(ctx, tx, events, check)
			return err
		})
	})
	if sqlState(err) == serializationFailure {
		err = fmt.Errorf("%w: %w", readmodel.ErrFenced, err) // another process refreshed it at the same time
	}
	if err == nil {
		v.Notify()
	}
	return to, v.wrap(err)
}

func (v view) refresh(
	ctx context.Context, tx pgx.Tx, events []string, check func(*cqrs.Record) error,
) (to readmodel.Checkpoint, err error) {
	from, err := v.lockCheckpoint(ctx, tx)
	if err != nil {
		return to, err
	}
	if to, err = v.store.logHead(ctx, tx, events); err != nil || to == from {
		return to, err
	}
	if err := v.store.checkEvents(ctx, tx, events); err != nil {
		return to, err
	}
	if err := v.store.checkReplaced(ctx, tx, check); err != nil {
		return to, err
	}
	how := "MATERIALIZED VIEW CONCURRENTLY "
	if !from.Built { // nobody reads it, and it has no rows to compare with
		how = "MATERIALIZED VIEW "
		if err := v.createIndexes(ctx, tx.Conn()); err != nil {
			return to, err
		}
	}
	if _, err := tx.Exec(ctx, "REFRESH "+how+v.qualified()); err != nil {
		return to, err
	}
	_, err = tx.Exec(ctx, v.store.inSchema(`UPDATE {schema}.cqrs_checkpoints
		SET position = $2, commit_id = $3, handled = $4, built = true WHERE generation = $1`),
		v.id, int64(to.Position), [16]byte(to.Commit), to.Handled)
	return to, err
}

// lockCheckpoint reads the checkpoint, and keeps other processes from moving it.
func (v view) lockCheckpoint(ctx context.Context, tx pgx.Tx) (cp readmodel.Checkpoint, err error) {
	err = tx.QueryRow(ctx, v.store.inSchema(`SELECT position, commit_id, handled, built FROM {schema}.cqrs_checkpoints
		WHERE generation = $1 FOR UPDATE`), v.id).
		Scan((*int64)(&cp.Position), (*[16]byte)(&cp.Commit), &cp.Handled, &cp.Built)
	if errors.Is(err, pgx.ErrNoRows) {
		err = readmodel.ErrNoGeneration
	}
	return cp, err
}

// logHead returns the checkpoint of a view that is refreshed in the transaction. The log has no gaps, so that its last
// event says that all before it are there.
func (s *Store) logHead(ctx context.Context, tx pgx.Tx, events []string) (readmodel.Checkpoint, error) {
	cp := readmodel.Checkpoint{Built: true}
	err := tx.QueryRow(ctx, s.ofLog("SELECT position, commit_id FROM {log}.events ORDER BY position DESC LIMIT 1")).
		Scan((*int64)(&cp.Position), (*[16]byte)(&cp.Commit))
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, s.ofLog(`SELECT count(*) FROM {log}.events AS e JOIN {log}.kinds AS k ON k.id = e.kind
			WHERE k.type = ANY ($1)`), events).Scan(&cp.Handled)
	}
	return cp, err
}

func (s *Store) ofLog(query string) string {
	return strings.ReplaceAll(query, "{log}", postgresdb.Quote(s.log))
}

// checkEvents refuses events that the query would take for what they are not, as folds do: a newer release wrote them, which
// has to be deployed here as well. Versions that only added fields are read.
func (s *Store) checkEvents(ctx context.Context, tx pgx.Tx, events []string) error {
	rows, err := tx.Query(ctx, s.ofLog(`SELECT id, category, type, schema_version, content_type FROM {log}.kinds
		WHERE type = ANY ($1) AND (schema_version <> 1 OR content_type <> $2) ORDER BY id`), events, string(cqrs.JSON))
	if err != nil {
		return err
	}
	var id int32
	var rec cqrs.Record
	var refused error
	_, err = pgx.ForEachRow(rows, []any{&id, &rec.Stream.Category, &rec.Type, &rec.SchemaVersion, (*string)(&rec.ContentType)}, func() error {
		refused = rec.CheckVersion(1)
		return refused
	})
	if refused == nil {
		return err
	}
	return s.firstOf(ctx, tx, id, rec)
}

// firstOf returns the error about the first event of a kind that is refused.
func (s *Store) firstOf(ctx context.Context, tx pgx.Tx, kind int32, rec cqrs.Record) error {
	var stream string
	err := tx.QueryRow(ctx, s.ofLog(`SELECT stream, version, position FROM {log}.events
		WHERE kind = $1 ORDER BY position LIMIT 1`), kind).Scan(&stream, (*int64)(&rec.Version), (*int64)(&rec.Position))
	if err != nil {
		return err
	}
	rec.Stream.ID = strings.TrimPrefix(stream, rec.Stream.Category+"/")
	return rec.CheckVersion(1)
}

// checkReplaced asks about every record that says which events are stored in another one's place.
func (s *Store) checkReplaced(ctx context.Context, tx pgx.Tx, check func(*cqrs.Record) error) error {
	rows, err := tx.Query(ctx, s.ofLog(`SELECT k.category, k.type, k.schema_version, k.content_type,
		e.stream, e.version, e.position, e.data
		FROM {log}.kinds AS k JOIN {log}.events AS e ON e.kind = k.id WHERE k.type = $1 ORDER BY e.position`), cqrs.Replaced)
	if err != nil {
		return err
	}
	var rec cqrs.Record
	into := []any{
		&rec.Stream.Category, &rec.Type, &rec.SchemaVersion, (*string)(&rec.ContentType),
		&rec.Stream.ID, (*int64)(&rec.Version), (*int64)(&rec.Position), &rec.Data,
	}
	_, err = pgx.ForEachRow(rows, into, func() error {
		rec.Stream.ID = strings.TrimPrefix(rec.Stream.ID, rec.Stream.Category+"/")
		return check(&rec)
	})
	return err
}
