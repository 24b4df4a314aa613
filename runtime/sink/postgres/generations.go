package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// Generations implements readmodel.Store.
func (s *Store) Generations(ctx context.Context, projection string) ([]readmodel.Generation, error) {
	var all []readmodel.Generation
	err := s.again(ctx, s.control, always, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, s.inSchema(`SELECT g.projection, g.shape::text, g.active, g.created, g.promoted,
				c.position, c.commit_id, c.handled, c.built, l.holder, l.until, l.report, l.reported, clock_timestamp()
			FROM {schema}.cqrs_generations g
				JOIN {schema}.cqrs_checkpoints c ON c.generation = g.id JOIN {schema}.cqrs_leases l ON l.generation = g.id
			WHERE $1 IN ('', g.projection) ORDER BY g.projection, g.created, g.id`), projection)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, scanGeneration)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("generations of read models: %w", err)
	}
	return all, nil
}

func scanGeneration(row pgx.CollectableRow) (g readmodel.Generation, err error) {
	var projection, shape string
	var position int64
	var promoted, reported *time.Time
	err = row.Scan(&projection, &shape, &g.Active, &g.Created, &promoted,
		&position, (*[16]byte)(&g.Checkpoint.Commit), &g.Checkpoint.Handled, &g.Checkpoint.Built,
		&g.Lease.Holder, &g.Lease.Until, &g.Lease.Report, &reported, &g.Asked)
	if err != nil {
		return g, err
	}
	g.Checkpoint.Position = cqrs.Position(position)
	g.Created, g.Promoted, g.Asked = g.Created.UTC(), timeOf(promoted), g.Asked.UTC()
	g.Lease.Until, g.Lease.Reported = g.Lease.Until.UTC(), timeOf(reported)
	if g.Lease.Holder == "" {
		g.Lease.Until = time.Time{}
	}
	g.Schema, err = parseShape(projection, shape)
	return g, err
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// inTurn runs f in a transaction that changes which generations a projection has, or which is active, one at a time.
func (s *Store) inTurn(
	ctx context.Context, projection, fingerprint string, f func(context.Context, pgx.Tx, generation) error,
) error {
	err := s.with(ctx, s.control, func(ctx context.Context, c *pgx.Conn) error {
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error { return s.turn(ctx, tx, projection, fingerprint, f) })
	})
	if locked := (*LockedError)(nil); errors.As(err, &locked) {
		locked.What = fmt.Sprintf("the view or the table of %s", projection)
	}
	if err != nil {
		return fmt.Errorf("read model %s, generation %s: %w", projection, fingerprint, err)
	}
	s.Notify()
	return nil
}

// turn runs f in its turn, in a transaction.
func (s *Store) turn(
	ctx context.Context, tx pgx.Tx, projection, fingerprint string, f func(context.Context, pgx.Tx, generation) error,
) error {
	if err := s.lockCatalogue(ctx, tx); err != nil {
		return err
	}
	g, err := s.generation(ctx, tx.Conn(), projection, fingerprint)
	if err != nil {
		return err
	}
	return f(ctx, tx, g)
}

// Promote implements readmodel.Store. A view whose columns change is made anew, with the privileges that others have on
// it. A *RefusedError says that something else was built upon it, which only its owner can change; a *LockedError that a
// transaction which reads the view does not end.
func (s *Store) Promote(ctx context.Context, projection, fingerprint string) error {
	return s.inTurn(ctx, projection, fingerprint, s.activate)
}

// activate makes a generation the active one.
func (s *Store) activate(ctx context.Context, tx pgx.Tx, g generation) error {
	projection := g.schema.Projection
	if !g.built {
		return &readmodel.NotBuiltError{Projection: projection, Generation: g.schema.Fingerprint, Position: g.position}
	}
	_, err := tx.Exec(ctx, s.inSchema(`UPDATE {schema}.cqrs_generations SET active = false
		WHERE projection = $1 AND active AND id <> $2`), projection, g.id)
	if err == nil {
		_, err = tx.Exec(ctx, s.inSchema(`UPDATE {schema}.cqrs_generations
			SET active = true, promoted = clock_timestamp() WHERE id = $1 AND NOT active`), g.id)
	}
	if err != nil {
		return err
	}
	t := newTable(s, &g.schema)
	t.take(g)
	return t.switchView(ctx, tx)
}

// switchView lets the projection's view lead to the table.
func (t *table) switchView(ctx context.Context, tx pgx.Tx) error {
	view := postgresdb.Quote(t.store.schema) + "." + postgresdb.Quote(t.view)
	definition := fmt.Sprintf("VIEW %s AS SELECT %s FROM %s", view, t.viewColumns(), t.qualified())
	replaced, err := tx.Begin(ctx) // a savepoint
	if err != nil {
		return err
	}
	_, err = replaced.Exec(ctx, "CREATE OR REPLACE "+definition)
	if err == nil {
		return replaced.Commit(ctx)
	}
	if back := replaced.Rollback(ctx); back != nil || sqlState(err) != otherColumns {
		return errors.Join(err, back)
	}
	grants, err := grantsOn(ctx, tx, view)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DROP VIEW "+view)
	if sqlState(err) == dependentObjects {
		return &RefusedError{Err: err, Reason: fmt.Sprintf("something else is built upon the view %s, whose columns change: "+
			"drop that, promote, and make it again", view)}
	}
	for _, statement := range append([]string{"CREATE " + definition}, grants...) {
		if err == nil {
			_, err = tx.Exec(ctx, statement)
		}
	}
	return err
}

// viewColumns are the key, the position and the row. In that order a row that gains fields at its end leaves the view's
// other columns where they are, so that it is replaced, and what was built upon it stays.
func (t *table) viewColumns() string {
	names := list(t.key(), quoted) + ", " + positionColumn
	if len(t.schema.Row) > 0 {
		names += ", " + list(t.row(), quoted)
	}
	return names
}

// grantsOn returns the statements that give others the privileges which they have on a view.
func grantsOn(ctx context.Context, tx pgx.Tx, view string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, $1::text,
			CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
			CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
		FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1::text::regclass AND a.grantee <> c.relowner`, view)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Drop implements readmodel.Store.
func (s *Store) Drop(ctx context.Context, projection, fingerprint string) error {
	id := int32(0)
	err := s.inTurn(ctx, projection, fingerprint, func(ctx context.Context, tx pgx.Tx, g generation) error {
		id = g.id
		var active, held bool
		var lease readmodel.Lease
		err := tx.QueryRow(ctx, s.inSchema(`SELECT g.active, l.holder, l.until,
				l.holder <> '' AND l.until > clock_timestamp()
			FROM {schema}.cqrs_generations g JOIN {schema}.cqrs_leases l ON l.generation = g.id
			WHERE g.id = $1 FOR UPDATE OF l`), g.id).Scan(&active, &lease.Holder, &lease.Until, &held)
		switch {
		case err != nil:
			return err
		case active:
			return &readmodel.ActiveError{Projection: projection, Generation: fingerprint}
		case held:
			return &readmodel.HeldError{
				Projection: projection, Generation: fingerprint, Holder: lease.Holder, Until: lease.Until.UTC(),
			}
		}
		// The checkpoint first: a batch that runs has it, and what comes behind finds none.
		kind := "TABLE"
		if s.log != "" {
			kind = "MATERIALIZED VIEW"
		}
		script := s.inSchema(strings.NewReplacer("{kind}", kind, "{id}", fmt.Sprint(g.id)).Replace(`DELETE FROM {schema}.cqrs_checkpoints WHERE generation = {id};
			DELETE FROM {schema}.cqrs_leases WHERE generation = {id}; DELETE FROM {schema}.cqrs_generations WHERE id = {id};
			DROP {kind} `)) + postgresdb.Quote(s.schema) + "." + postgresdb.Quote(g.name)
		err = execScript(ctx, tx.Conn(), script)
		if sqlState(err) == dependentObjects {
			return &RefusedError{Err: err, Reason: "something else is built upon the table " + g.name + ": drop that first"}
		}
		return err
	})
	if err == nil {
		s.forget(id)
	}
	return err
}

// forget wakes whoever waits for a generation that is gone.
func (s *Store) forget(id int32) {
	s.mu.Lock()
	signal := s.signals[id]
	delete(s.signals, id)
	s.mu.Unlock()
	if signal != nil {
		signal.Notify()
	}
}

// Hold implements readmodel.Table.
func (t *table) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	if err := t.schema.CheckLease(holder, ttl); err != nil {
		return err
	}
	return t.lease(ctx, `WITH taken AS (UPDATE {schema}.cqrs_leases
			SET holder = $2, until = clock_timestamp() + $3 * interval '1 microsecond', report = $4, reported = clock_timestamp()
			WHERE generation = $1 AND (holder IN ('', $2) OR until <= clock_timestamp()) RETURNING 1)
		SELECT EXISTS (SELECT FROM taken), holder, until FROM {schema}.cqrs_leases WHERE generation = $1`,
		t.id, holder, ttl.Microseconds(), report)
}

// Release implements readmodel.Table.
func (t *table) Release(ctx context.Context, holder string, report []byte) error {
	return t.lease(ctx, `WITH released AS (UPDATE {schema}.cqrs_leases
			SET holder = '', report = $3, reported = clock_timestamp() WHERE generation = $1 AND holder = $2)
		SELECT true, holder, until FROM {schema}.cqrs_leases WHERE generation = $1`, t.id, holder, report)
}

// lease runs a statement that says whether it was allowed, and who holds the lease otherwise.
func (t *table) lease(ctx context.Context, sql string, args ...any) error {
	var done bool
	held := readmodel.HeldError{Projection: t.schema.Projection, Generation: t.schema.Fingerprint}
	err := t.store.again(ctx, t.store.control, always, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, t.store.inSchema(sql), args...).Scan(&done, &held.Holder, &held.Until)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return t.wrap(readmodel.ErrNoGeneration)
	case err != nil:
		return t.wrap(err)
	case !done:
		held.Until = held.Until.UTC()
		return &held
	}
	return nil
}
