package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

var _ readmodel.InlineStore = (*Store)(nil)

// Database implements readmodel.InlineStore.
func (s *Store) Database() string { return s.database }

// Within implements readmodel.InlineStore; conn is a *pgx.Conn that is in a transaction.
func (s *Store) Within(conn any) (readmodel.InlineTx, error) {
	c, ok := conn.(*pgx.Conn)
	if !ok {
		return nil, fmt.Errorf("read models in PostgreSQL can't take part in a transaction on a %T", conn)
	}
	return &inlineTx{store: s, conn: c, ids: map[string]int32{}}, nil
}

// inlineTx is the store within the transaction that is open on a connection.
type inlineTx struct {
	store *Store
	conn  *pgx.Conn
	// ids are those of the generations that were opened, by fingerprint.
	ids map[string]int32
}

// State implements readmodel.InlineTx.
func (t *inlineTx) State(
	ctx context.Context, schema *readmodel.Schema,
) (active string, at readmodel.Checkpoint, err error) {
	sql := t.store.inSchema(`SELECT g.fingerprint, g.active, c.position, c.commit_id, c.handled, c.built
		FROM {schema}.cqrs_generations g JOIN {schema}.cqrs_checkpoints c ON c.generation = g.id
		WHERE g.projection = $1 AND (g.active OR g.fingerprint = $2)`)
	params := [][]byte{[]byte(schema.Projection), []byte(schema.Fingerprint)}
	err = exchange(ctx, t.conn, []query{{sql: sql, params: params, row: func(row [][]byte) error {
		fingerprint := string(row[0])
		if decodeBool(row[1]) {
			active = fingerprint
		}
		if fingerprint == schema.Fingerprint {
			at = decodeCheckpoint(row[2:])
		}
		return nil
	}}})
	return active, at, err
}

// Table implements readmodel.InlineTx. A table that does not exist is made at once, and not with the transaction.
func (t *inlineTx) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	opened, err := t.store.Table(ctx, schema)
	if err != nil {
		return nil, err
	}
	own := *opened.(*table)
	// Nobody hears of what is written before it is committed.
	own.within, own.Signal = t.conn, &readmodel.Signal{}
	t.ids[schema.Fingerprint] = own.id
	return &own, nil
}

// Promote implements readmodel.InlineTx.
func (t *inlineTx) Promote(ctx context.Context, projection, fingerprint string) error {
	// In a transaction BEGIN changes nothing: this is a way to speak of the one that is open. It is not ended here.
	tx, err := t.conn.Begin(ctx)
	if err != nil {
		return err
	}
	return t.store.turn(ctx, tx, projection, fingerprint, t.store.activate)
}

// Committed implements readmodel.InlineTx.
func (t *inlineTx) Committed(schema *readmodel.Schema, promoted bool) {
	t.store.mu.Lock()
	signal := t.store.signals[t.ids[schema.Fingerprint]]
	t.store.mu.Unlock()
	if signal != nil {
		signal.Notify()
	}
	if promoted {
		t.store.Notify()
	}
}

// runWithin stores the batch in the transaction that is open.
func (w *write) runWithin(ctx context.Context) error {
	moved := int64(0)
	if err := exchange(ctx, w.within, append(w.begin(&moved)[1:], w.chunks()...)); err != nil {
		return err
	}
	if err := w.fence(ctx, w.within, moved); err != nil {
		return err
	}
	if w.to.Built && !w.from.Built {
		return w.finish(ctx, w.within)
	}
	return nil
}

// readWithin reads in the transaction that is open.
func (t *table) readWithin(ctx context.Context, q query) (cp readmodel.Checkpoint, err error) {
	found := false
	err = exchange(ctx, t.within, []query{t.selectCheckpoint(&cp, &found), q})
	if err == nil && !found {
		err = readmodel.ErrNoGeneration
	}
	return cp, err
}
