package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// table implements readmodel.Table.
type table struct {
	*readmodel.Signal
	store   *Store
	schema  readmodel.Schema
	columns []column
	// within, if not nil, has a transaction of somebody else's, in which all happens.
	within *pgx.Conn

	// id is the generation's number in the catalogue; name and view are the names of its table and of its projection's
	// view in SQL.
	id         int32
	name, view string

	sql struct{ checkpoint, lookUp, rows, count, lock, move, upsert, remove, allColumns string }
}

func newTable(s *Store, schema *readmodel.Schema) *table {
	return &table{store: s, schema: *schema, columns: nameColumns(schema)}
}

func (t *table) key() []column { return t.columns[:len(t.schema.Key)] }
func (t *table) row() []column { return t.columns[len(t.schema.Key):] }

// qualified returns the table's name in SQL, with that of its schema.
func (t *table) qualified() string {
	return postgresdb.Quote(t.store.schema) + "." + postgresdb.Quote(t.name)
}

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

// sorted returns a column as an index and an ORDER BY name it: null sorts first.
func sorted(c column) string {
	if c.Optional {
		return c.quoted + " NULLS FIRST"
	}
	return c.quoted
}

// prepareSQL writes the statements that do not depend on a query. The table's names are known by then.
func (t *table) prepareSQL() {
	s, q := &t.sql, t.store.inSchema
	s.checkpoint = q("SELECT position, commit_id, handled, built FROM {schema}.cqrs_checkpoints WHERE generation = $1")
	s.allColumns = list(t.columns, quoted) + ", " + positionColumn
	s.rows = "SELECT " + s.allColumns + " FROM " + t.qualified()
	s.count = "SELECT count(*) FROM " + t.qualified()
	var wanted strings.Builder
	for _, c := range t.row() {
		wanted.WriteString("t." + c.quoted + ", ")
	}
	// The limit makes it a search for one key after the other. A plain join may be planned as one that reads the whole table,
	// while that is empty, and the connection keeps the plan when it is not.
	s.lookUp = fmt.Sprintf("SELECT k.cqrs_i, %st.%s FROM unnest(%s) WITH ORDINALITY AS k (%s, cqrs_i) "+
		"CROSS JOIN LATERAL (SELECT * FROM %s AS t WHERE %s LIMIT 1) AS t",
		wanted.String(), positionColumn, arrays(t.key(), 1), keyNames(len(t.schema.Key)), t.qualified(), t.matches())
	t.prepareWriting()
}

// arrays declares parameters, from number first on, that are arrays of the columns' values.
func arrays(columns []column, first int) string {
	n := first - 1
	return list(columns, func(c column) string {
		n++
		return fmt.Sprintf("$%d::%s[]", n, types[c.Kind].name)
	})
}

func keyName(i int) string { return fmt.Sprintf("cqrs_k%d", i) }

func keyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = keyName(i)
	}
	return strings.Join(names, ", ")
}

// matches returns the condition that the key's columns equal the names that keyNames lists.
func (t *table) matches() string {
	var conditions []string
	for i, c := range t.key() {
		conditions = append(conditions, "t."+c.quoted+" = k."+keyName(i))
	}
	return strings.Join(conditions, " AND ")
}

// wrap names the read model in an error that does not do so itself.
func (t *table) wrap(err error) error {
	var corrupt *readmodel.CorruptError
	switch {
	case err == nil || errors.Is(err, readmodel.ErrFenced) || errors.As(err, &corrupt):
		return err
	case sqlState(err) == undefinedTable:
		return fmt.Errorf("read model %s: %w: %w", t.schema.Projection, readmodel.ErrNoGeneration, err)
	}
	return fmt.Errorf("read model %s: %w", t.schema.Projection, err)
}

func (t *table) idParam() []byte { return int32Param(t.id) }

// Checkpoint implements readmodel.Table.
func (t *table) Checkpoint(ctx context.Context) (readmodel.Checkpoint, error) {
	cp, err := t.look(ctx)
	return cp, t.wrap(err)
}

func (t *table) look(ctx context.Context) (cp readmodel.Checkpoint, err error) {
	if t.within != nil {
		return t.checkpointOn(ctx, t.within)
	}
	err = t.store.again(ctx, t.store.control, always, func(ctx context.Context, c *pgx.Conn) (err error) {
		cp, err = t.checkpointOn(ctx, c)
		return err
	})
	return cp, err
}

func (t *table) checkpointOn(ctx context.Context, c *pgx.Conn) (readmodel.Checkpoint, error) {
	var cp readmodel.Checkpoint
	found := false
	err := exchange(ctx, c, []query{t.selectCheckpoint(&cp, &found)})
	if err == nil && !found {
		err = readmodel.ErrNoGeneration
	}
	return cp, err
}

// selectCheckpoint reads the checkpoint into cp.
func (t *table) selectCheckpoint(cp *readmodel.Checkpoint, found *bool) query {
	return query{sql: t.sql.checkpoint, params: [][]byte{t.idParam()}, row: func(row [][]byte) error {
		*found = true
		*cp = decodeCheckpoint(row)
		return nil
	}}
}

func decodeCheckpoint(row [][]byte) readmodel.Checkpoint {
	cp := readmodel.Checkpoint{Position: cqrs.Position(decodeInt64(row[0])), Handled: decodeInt64(row[2]), Built: decodeBool(row[3])}
	copy(cp.Commit[:], row[1])
	return cp
}

// checkpointParams are the columns of a checkpoint, in the order of selectCheckpoint.
func checkpointParams(cp readmodel.Checkpoint) [][]byte {
	commit := uuid.UUID(cp.Commit)
	return [][]byte{int64Param(int64(cp.Position)), commit[:], int64Param(cp.Handled), boolParam(cp.Built)}
}

// read runs one query together with the checkpoint, of one moment, in one round trip. Once row was called, a lost
// connection is not tried again. After an error of row what is left is thrown away, with the connection if that may be
// much.
func (t *table) read(ctx context.Context, q query, bounded bool) (cp readmodel.Checkpoint, err error) {
	if t.within != nil {
		return t.readWithin(ctx, q)
	}
	row, began := q.row, false
	q.row = nil
	err = t.store.again(ctx, t.store.readers, func() bool { return !began }, func(ctx context.Context, c *pgx.Conn) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		q.row = func(values [][]byte) error {
			began = true
			err := row(values)
			if err != nil && !bounded {
				cancel()
			}
			return err
		}
		found := false
		err := exchange(ctx, c, []query{{sql: readStatement}, t.selectCheckpoint(&cp, &found), q, {sql: commitStatement}})
		if err == nil && !found {
			err = readmodel.ErrNoGeneration
		}
		return err
	})
	return cp, err
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
	params := make([][]byte, len(t.schema.Key))
	for i, c := range t.key() {
		params[i] = arrayOf(c.Kind, len(keys), func(n int) *readmodel.Value { return &keys[n][i] })
	}
	values := make([]readmodel.Value, len(t.row()))
	last := len(values) + 1
	cp, err := t.read(ctx, query{sql: t.sql.lookUp, params: params, row: func(row [][]byte) error {
		if err := t.decodeAll(row[1:last], t.row(), values); err != nil {
			return err
		}
		return found(int(decodeInt64(row[0]))-1, values, cqrs.Position(decodeInt64(row[last])))
	}}, true)
	if err != nil {
		return readmodel.Checkpoint{}, t.wrap(err)
	}
	return cp, nil
}

// decodeAll reads columns. What is not as they are written, because somebody else wrote it, is a *readmodel.CorruptError.
func (t *table) decodeAll(row [][]byte, columns []column, values []readmodel.Value) error {
	for i, c := range columns {
		v, ok := decode(row[i], c.Kind)
		if !ok {
			return &readmodel.CorruptError{
				Projection: t.schema.Projection, Column: c.Name,
				Reason: fmt.Sprintf("what is stored in table %s is no %s", t.name, c.Kind),
			}
		}
		values[i] = v
	}
	return nil
}
