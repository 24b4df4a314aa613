package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/keyorder"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

const (
	// chunkRows is how many rows one statement takes.
	chunkRows = 5_000
	// longRows is how many rows a batch has that goes chunk by chunk, and not in one round trip.
	longRows = 4 * chunkRows
	// bulkRows is how many rows the first batch of a generation has that goes by COPY.
	bulkRows = 1_000
)

// prepareWriting writes the statements of a batch. Of a batch that is fenced, moved changes no row, and then the
// checkpoint is not the batch's, so that nothing else changes one either: no round trip is needed to find out.
func (t *table) prepareWriting() {
	s, q := &t.sql, t.store.inSchema
	s.lock = "SELECT pg_advisory_xact_lock(" + t.lockClass() + ", $1)"
	s.move = q(`UPDATE {schema}.cqrs_checkpoints SET position = $1, commit_id = $2, handled = $3, built = $4
		WHERE position = $5 AND commit_id = $6 AND handled = $7 AND built = $8 AND generation = $9`)
	guard := func(first int) string {
		return fmt.Sprintf(q(`EXISTS (SELECT FROM {schema}.cqrs_checkpoints
			WHERE position = $%d AND commit_id = $%d AND handled = $%d AND built = $%d AND generation = $%d)`),
			first, first+1, first+2, first+3, first+4)
	}
	sets := list(t.row(), func(c column) string { return c.quoted + " = excluded." + c.quoted })
	if sets != "" {
		sets += ", "
	}
	n := len(t.columns)
	s.upsert = fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM unnest(%s, $%d::bigint[]) "+
		"WHERE %s ON CONFLICT (%s) DO UPDATE SET %s%s = excluded.%s",
		t.qualified(), s.allColumns, arrays(t.columns, 1), n+1, guard(n+2),
		list(t.key(), quoted), sets, positionColumn, positionColumn)
	keys := len(t.schema.Key)
	s.remove = fmt.Sprintf("DELETE FROM %s AS t USING unnest(%s) AS k (%s) WHERE %s AND %s",
		t.qualified(), arrays(t.key(), 1), keyNames(keys), t.matches(), guard(keys+1))
}

// lockClass is the first number of the advisory locks of this schema; the second one is the generation's.
func (t *table) lockClass() string {
	return "hashtext(" + literal("cqrsgen batches "+t.store.schema) + ")"
}

// RowsAhead implements readmodel.Table.
func (t *table) RowsAhead() bool { return false }

// Apply implements readmodel.Table. Where the connection is lost before the server answered, it looks whether the batch
// was stored, and stores it if it was not.
func (t *table) Apply(ctx context.Context, b *readmodel.Batch) error {
	if err := t.schema.CheckBatch(b); err != nil {
		return err
	}
	err := t.apply(ctx, b)
	if err == nil {
		t.Notify()
		if b.To.Built && !b.From.Built {
			t.store.Notify()
		}
	}
	return t.wrap(err)
}

func (t *table) apply(ctx context.Context, b *readmodel.Batch) error {
	w := newWrite(t, b)
	if t.within != nil {
		return w.runWithin(ctx)
	}
	broken, err := t.store.try(ctx, t.store.writers, w.run)
	code := sqlState(err)
	switch {
	case err == nil || errors.Is(err, readmodel.ErrFenced):
		return err
	case code == lockNotAvailable:
		if err := t.endHolder(ctx); err != nil {
			return err
		}
	case broken:
		t.store.writers.Reset()
	case code != serializationFailure && code != deadlockDetected:
		return err
	}
	// Whoever moved the checkpoint to where this batch leads has stored the same rows: it was this batch.
	if at, looked := t.look(ctx); looked != nil || at == b.To {
		return looked
	}
	err = t.store.with(ctx, t.store.writers, w.run)
	if errors.Is(err, readmodel.ErrFenced) {
		if at, looked := t.look(ctx); looked == nil && at == b.To {
			return nil
		}
	}
	return err
}

// endHolder ends the session that has held the lock of a batch for too long: that of a process which was stopped in the
// middle, or is cut off. Another one has taken over from it, and finds the rows as they were before its batch.
func (t *table) endHolder(ctx context.Context) error {
	return t.store.with(ctx, t.store.control, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_locks
			WHERE locktype = 'advisory' AND granted
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND classid::bigint = `+t.lockClass()+`::bigint & 4294967295
				AND objid = $1::bigint::oid AND objsubid = 2`, int64(t.id))
		return err
	})
}

// write is one batch on its way into the database.
type write struct {
	*table
	from, to readmodel.Checkpoint
	// changed and removed are the changes in the order of their keys.
	changed, removed []*readmodel.Change
}

func newWrite(t *table, b *readmodel.Batch) *write {
	w := &write{table: t, from: b.From, to: b.To}
	for i := range b.Changes {
		if c := &b.Changes[i]; c.Row != nil {
			w.changed = append(w.changed, c)
		} else {
			w.removed = append(w.removed, c)
		}
	}
	keyorder.Sort(w.changed) // BenchmarkApply
	keyorder.Sort(w.removed)
	return w
}

// run stores the batch in one transaction.
func (w *write) run(ctx context.Context, c *pgx.Conn) error {
	bulk := w.from == (readmodel.Checkpoint{}) && len(w.changed) >= bulkRows
	finishes := w.to.Built && !w.from.Built
	if bulk || finishes || len(w.changed)+len(w.removed) > longRows {
		err := w.runLong(ctx, c, bulk, finishes)
		if err != nil {
			err = errors.Join(err, rollback(ctx, c))
		}
		return err
	}
	moved := int64(0)
	queries := append(w.begin(&moved), w.chunks()...)
	if err := exchange(ctx, c, append(queries, query{sql: commitStatement})); err != nil {
		return err
	}
	return w.fence(ctx, c, moved)
}

// begin moves the checkpoint.
func (w *write) begin(moved *int64) []query {
	return []query{
		{sql: beginStatement},
		{sql: w.sql.lock, params: [][]byte{w.idParam()}},
		{
			sql: w.sql.move, rows: moved,
			params: slices.Concat(checkpointParams(w.to), checkpointParams(w.from), [][]byte{w.idParam()}),
		},
	}
}

// fence says why the checkpoint was not moved, if it was not: it was another one, or the generation is gone.
func (w *write) fence(ctx context.Context, c *pgx.Conn, moved int64) error {
	if moved == 1 {
		return nil
	}
	if _, err := w.checkpointOn(ctx, c); err != nil {
		return err
	}
	return readmodel.ErrFenced
}

// runLong stores a batch step by step.
func (w *write) runLong(ctx context.Context, c *pgx.Conn, bulk, finishes bool) error {
	moved := int64(0)
	err := exchange(ctx, c, w.begin(&moved))
	if err == nil {
		err = w.fence(ctx, c, moved)
	}
	switch {
	case err != nil:
		return err
	case bulk:
		err = w.copyAll(ctx, c) // there is nothing to remove yet
	default:
		for _, q := range w.chunks() {
			if err = exchange(ctx, c, []query{q}); err != nil {
				break
			}
		}
	}
	if err == nil && finishes {
		err = w.finish(ctx, c)
	}
	if err != nil {
		return err
	}
	return exchange(ctx, c, []query{{sql: commitStatement}})
}

// finish makes the indexes, once everything is there, and tells the planner of it.
func (w *write) finish(ctx context.Context, c *pgx.Conn) error {
	if err := w.createIndexes(ctx, c); err != nil {
		return err
	}
	return execScript(ctx, c, "ANALYZE "+w.qualified())
}

// chunks are the statements that store the changes.
func (w *write) chunks() (queries []query) {
	guard := append(checkpointParams(w.to), w.idParam())
	for some := range slices.Chunk(w.changed, chunkRows) {
		queries = append(queries, query{sql: w.sql.upsert, params: append(w.rowParams(some), guard...)})
	}
	for some := range slices.Chunk(w.removed, chunkRows) {
		queries = append(queries, query{sql: w.sql.remove, params: append(w.keyParams(some), guard...)})
	}
	return queries
}

func (w *write) keyParams(changes []*readmodel.Change) (params [][]byte) {
	for i, c := range w.key() {
		params = append(params, arrayOf(c.Kind, len(changes), func(n int) *readmodel.Value { return &changes[n].Key[i] }))
	}
	return params
}

func (w *write) rowParams(changes []*readmodel.Change) [][]byte {
	params := w.keyParams(changes)
	for i, c := range w.row() {
		params = append(params, arrayOf(c.Kind, len(changes), func(n int) *readmodel.Value { return &changes[n].Row[i] }))
	}
	var positions array
	positions.reset(types[readmodel.Int64].oid, len(changes))
	for _, c := range changes {
		positions.addInt64(int64(c.Position))
	}
	return append(params, positions.b)
}

// copyAll sends all rows by COPY. An index that is made over rows that are there takes less than one that grows with
// them, so that the key's is dropped before, where the role owns the table: nobody else can see that.
func (w *write) copyAll(ctx context.Context, c *pgx.Conn) error {
	var owned bool
	err := c.QueryRow(ctx, "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = $1::text::regclass",
		w.qualified()).Scan(&owned)
	if err != nil {
		return err
	}
	if owned {
		err = execScript(ctx, c, fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", w.qualified(), w.keyConstraint()))
	}
	if err == nil {
		_, err = c.PgConn().CopyFrom(ctx, newCopyReader(w.changed),
			fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", w.qualified(), w.sql.allColumns))
	}
	if err == nil && owned {
		err = execScript(ctx, c, fmt.Sprintf("ALTER TABLE %s ADD %s", w.qualified(), w.primaryKey()))
	}
	return err
}

// copySignature begins what COPY reads in binary; flags and the length of an extension, both 0, follow.
const copySignature = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// copyReader reads rows in COPY's binary format.
type copyReader struct {
	changes []*readmodel.Change
	// buf has what was encoded and not yet read, from next on.
	buf  []byte
	next int
	done bool
}

// copyBuffer is how much is encoded ahead, at least.
const copyBuffer = 64 << 10

func newCopyReader(changes []*readmodel.Change) *copyReader {
	return &copyReader{changes: changes, buf: []byte(copySignature)}
}

func (r *copyReader) Read(p []byte) (int, error) {
	if r.next == len(r.buf) {
		if r.done {
			return 0, io.EOF
		}
		r.fill()
	}
	n := copy(p, r.buf[r.next:])
	r.next += n
	return n, nil
}

func (r *copyReader) fill() {
	r.buf, r.next = r.buf[:0], 0
	for len(r.changes) > 0 && len(r.buf) < copyBuffer {
		c := r.changes[0]
		r.changes = r.changes[1:]
		r.buf = binary.BigEndian.AppendUint16(r.buf, uint16(len(c.Key)+len(c.Row)+1))
		for i := range c.Key {
			r.buf = appendField(r.buf, &c.Key[i])
		}
		for i := range c.Row {
			r.buf = appendField(r.buf, &c.Row[i])
		}
		r.buf = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(r.buf, 8), uint64(c.Position))
	}
	if len(r.changes) == 0 {
		r.buf = binary.BigEndian.AppendUint16(r.buf, 0xffff) // the end
		r.done = true
	}
}
