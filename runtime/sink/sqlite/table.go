package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/internal/keyorder"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// table implements readmodel.Table.
type table struct {
	*readmodel.Signal
	store   *Store
	schema  readmodel.Schema
	columns []column
	// name is the table's name in SQL, empty until it is known. indexed says that it had to have its indexes then.
	name    string
	indexed bool

	upsert, remove, allColumns string
	lookUp                     [len(lookUpSizes)]string
}

func newTable(s *Store, schema *readmodel.Schema) *table {
	return &table{store: s, schema: *schema, columns: nameColumns(schema)}
}

func (t *table) key() []column { return t.columns[:len(t.schema.Key)] }
func (t *table) row() []column { return t.columns[len(t.schema.Key):] }

// order returns the columns that sort the rows of a query, each once.
func (t *table) order(f *readmodel.Find) (order []column) {
	seen := map[int]bool{}
	for _, n := range t.schema.Order(f) {
		if !seen[n] {
			order = append(order, t.columns[n])
		}
		seen[n] = true
	}
	return order
}

func quoted(c column) string { return c.quoted }

// prepareSQL writes the statements that do not depend on a query.
func (t *table) prepareSQL() {
	t.allColumns = list(t.columns, quoted)
	sets := list(t.row(), func(c column) string { return c.quoted + " = excluded." + c.quoted })
	if sets != "" {
		sets += ", "
	}
	// A row is only replaced by a newer one: a projector that was paused in a load may write on when another one has begun.
	t.upsert = fmt.Sprintf("INSERT INTO %[1]s (%[2]s, %[3]s) VALUES (%[4]s?) ON CONFLICT (%[5]s)"+
		" DO UPDATE SET %[6]s%[3]s = excluded.%[3]s WHERE excluded.%[3]s >= %[1]s.%[3]s",
		quote(t.name), t.allColumns, positionColumn, strings.Repeat("?, ", len(t.columns)), list(t.key(), quoted), sets)
	t.remove = fmt.Sprintf("DELETE FROM %s WHERE %s", quote(t.name), t.matches(func(int) string { return "?" }))
	for i, size := range lookUpSizes {
		t.lookUp[i] = t.lookUpSQL(size)
	}
}

// matches returns the condition that the key's columns equal the terms.
func (t *table) matches(term func(i int) string) string {
	var conditions []string
	for i, c := range t.key() {
		conditions = append(conditions, c.quoted+" = "+term(i))
	}
	return strings.Join(conditions, " AND ")
}

// lookUpSizes are the numbers of keys that one statement looks up; keys that are left over are null and match nothing.
var lookUpSizes = [...]int{1, 16, 256}

// lookUpSQL returns the statement that looks up many keys: a join of a list of keys, in that order, with the table.
func (t *table) lookUpSQL(size int) string {
	var keys, names []string
	for i := range size {
		keys = append(keys, fmt.Sprintf("(%d%s)", i, strings.Repeat(", ?", len(t.schema.Key))))
	}
	for i := range t.schema.Key {
		names = append(names, fmt.Sprintf("cqrs_key%d", i))
	}
	wanted := []string{"k.cqrs_i", "t." + positionColumn}
	for _, c := range t.row() {
		wanted = append(wanted, "t."+c.quoted)
	}
	return fmt.Sprintf("WITH k (cqrs_i, %s) AS (VALUES %s) SELECT %s FROM k CROSS JOIN %s AS t ON %s",
		strings.Join(names, ", "), strings.Join(keys, ", "), strings.Join(wanted, ", "), quote(t.name),
		t.matches(func(i int) string { return "k." + names[i] }))
}

// wrap names the read model in an error that does not do so itself.
func (t *table) wrap(err error) error {
	if err == nil || errors.Is(err, readmodel.ErrFenced) || errors.Is(err, readmodel.ErrNoGeneration) ||
		errors.As(err, new(*readmodel.CorruptError)) || errors.As(err, new(*readmodel.SchemaError)) ||
		errors.As(err, new(*readmodel.HeldError)) {
		return err
	}
	return fmt.Errorf("read model %s: %w", t.schema.Projection, err)
}

// Checkpoint implements readmodel.Table.
func (t *table) Checkpoint(ctx context.Context) (readmodel.Checkpoint, error) {
	var cp readmodel.Checkpoint
	err := t.store.read(ctx, func(c *sqlite.Conn) (err error) {
		cp, err = t.checkpoint(c)
		return err
	})
	return cp, t.wrap(err)
}

// checkpoint reads the checkpoint within a transaction.
func (t *table) checkpoint(c *sqlite.Conn) (cp readmodel.Checkpoint, err error) {
	found := false
	err = query(c, `SELECT position, commit_id, handled, built FROM cqrs_read_models
		WHERE projection = ? AND fingerprint = ? AND table_name = ?`,
		func(stmt *sqlite.Stmt) error {
			found = true
			commit, err := uuid.Parse(stmt.ColumnText(1))
			cp = readmodel.Checkpoint{
				Position: cqrs.Position(stmt.ColumnInt64(0)), Commit: cqrs.CommitID(commit),
				Handled: stmt.ColumnInt64(2), Built: stmt.ColumnBool(3),
			}
			if err != nil {
				return &readmodel.CorruptError{
					Projection: t.schema.Projection, Column: "cqrs_read_models.commit_id", Reason: err.Error(),
				}
			}
			return nil
		}, t.schema.Projection, t.schema.Fingerprint, t.name)
	if err == nil && !found {
		err = noGeneration(t.schema.Projection, t.schema.Fingerprint)
	}
	return cp, err
}

// RowsAhead implements readmodel.Table: of a generation that is being built, they may be.
func (t *table) RowsAhead() bool { return true }

// Apply implements readmodel.Table. What a generation that is being built gets is written in several transactions if it
// is much, so that other writers of the file wait for one of them at most.
func (t *table) Apply(ctx context.Context, b *readmodel.Batch) error {
	if err := t.schema.CheckBatch(b); err != nil {
		return err
	}
	changes := inKeyOrder(b.Changes)
	var err error
	if !b.To.Built {
		changes, err = t.load(ctx, b.From, changes)
	}
	if err == nil {
		err = t.store.write(ctx, func(c *sqlite.Conn) error { return t.finishBatch(c, b, changes) })
	}
	if err == nil {
		t.Notify()
	}
	if err == nil && b.To.Built && !b.From.Built {
		t.store.Notify()
	}
	return t.wrap(err)
}

// finishBatch writes changes and the checkpoint, and the indexes of a table that is whole now.
func (t *table) finishBatch(c *sqlite.Conn, b *readmodel.Batch, changes []*readmodel.Change) error {
	if err := t.moveCheckpoint(c, b.From, b.To); err != nil {
		return err
	}
	if err := t.change(c, changes); err != nil || b.From.Built || !b.To.Built {
		return err
	}
	return t.createIndexes(c)
}

const (
	// loadRows is how many rows of a generation that is being built are written in one transaction: a few tenths of a
	// second.
	loadRows = 20_000
	// loadPause lets other writers in, who look for the lock to be free again and again.
	loadPause = 5 * time.Millisecond
)

// load writes rows ahead of their checkpoint until few are left, and returns those. Whoever goes on from the checkpoint
// after a crash finds that these rows reflect what it reads again, by their positions. A deleted row would not tell: it is
// left for the transaction of the checkpoint.
func (t *table) load(ctx context.Context, from readmodel.Checkpoint, changes []*readmodel.Change) ([]*readmodel.Change, error) {
	var part, rest []*readmodel.Change
	if len(changes) <= loadRows {
		return changes, nil
	}
	for _, change := range changes {
		if change.Row == nil {
			rest = append(rest, change)
			continue
		}
		if part = append(part, change); len(part) < loadRows {
			continue
		}
		err := t.store.write(ctx, func(c *sqlite.Conn) error {
			at, err := t.checkpoint(c)
			if err == nil && at != from {
				err = readmodel.ErrFenced
			}
			if err != nil {
				return err
			}
			return t.change(c, part)
		})
		if err != nil {
			return nil, err
		}
		part = part[:0]
		time.Sleep(loadPause)
	}
	return append(part, rest...), nil
}

// moveCheckpoint is the fence: whoever finds another checkpoint than it left changes nothing.
func (t *table) moveCheckpoint(c *sqlite.Conn, from, to readmodel.Checkpoint) error {
	stored, err := t.checkpoint(c)
	if err != nil {
		return err
	}
	if stored != from {
		return readmodel.ErrFenced
	}
	stmt, err := c.Prepare(`UPDATE cqrs_read_models SET position = ?, commit_id = ?, handled = ?, built = ?
		WHERE projection = ? AND fingerprint = ?`)
	if err != nil {
		return err
	}
	stmt.BindInt64(1, int64(to.Position))
	stmt.BindText(2, commitText(to))
	stmt.BindInt64(3, to.Handled)
	stmt.BindBool(4, to.Built)
	stmt.BindText(5, t.schema.Projection)
	stmt.BindText(6, t.schema.Fingerprint)
	return rows(stmt, nil)
}

func (t *table) change(c *sqlite.Conn, changes []*readmodel.Change) error {
	if len(changes) == 0 {
		return nil
	}
	upsert, err := c.Prepare(t.upsert)
	if err != nil {
		return err
	}
	remove, err := c.Prepare(t.remove)
	if err != nil {
		return err
	}
	for _, change := range changes {
		stmt := remove
		if change.Row != nil {
			stmt = upsert
			stmt.BindInt64(bindAll(stmt, 1+len(change.Key), change.Row), int64(change.Position))
		}
		bindAll(stmt, 1, change.Key)
		if err := rows(stmt, nil); err != nil {
			return err
		}
	}
	return nil
}

// inKeyOrder returns the changes in the order of their keys, roughly: a large batch takes half the time then
// (BenchmarkApply).
func inKeyOrder(changes []readmodel.Change) []*readmodel.Change {
	sorted := make([]*readmodel.Change, len(changes))
	for i := range changes {
		sorted[i] = &changes[i]
	}
	keyorder.Sort(sorted)
	return sorted
}

// Get implements readmodel.Table.
func (t *table) Get(ctx context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	for _, key := range keys {
		if err := t.schema.CheckKey(key); err != nil {
			return readmodel.Checkpoint{}, err
		}
	}
	var at readmodel.Checkpoint
	err := t.store.read(ctx, func(c *sqlite.Conn) (err error) {
		at, err = t.checkpoint(c)
		for first := 0; first < len(keys) && err == nil; first += lookUpSizes[len(lookUpSizes)-1] {
			chunk := keys[first:min(len(keys), first+lookUpSizes[len(lookUpSizes)-1])]
			err = t.getChunk(c, chunk, func(i int, row []readmodel.Value, at cqrs.Position) error {
				return found(first+i, row, at)
			})
		}
		return err
	})
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return at, nil
}

func (t *table) getChunk(c *sqlite.Conn, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) error {
	size := 0
	for lookUpSizes[size] < len(keys) {
		size++
	}
	stmt, err := c.Prepare(t.lookUp[size])
	if err != nil {
		return err
	}
	next := 1
	for _, key := range keys {
		next = bindAll(stmt, next, key)
	}
	values := make([]readmodel.Value, len(t.row()))
	return rows(stmt, func(stmt *sqlite.Stmt) error {
		if err := t.scanAll(stmt, 2, t.row(), values); err != nil {
			return err
		}
		return found(stmt.ColumnInt(0), values, cqrs.Position(stmt.ColumnInt64(1)))
	})
}

// scanAll reads columns of the statement's row, from its column first on.
func (t *table) scanAll(stmt *sqlite.Stmt, first int, columns []column, values []readmodel.Value) (err error) {
	for i := range columns {
		if values[i], err = t.scan(stmt, first+i, &columns[i]); err != nil {
			return err
		}
	}
	return nil
}
