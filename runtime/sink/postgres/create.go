package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// maxIndexColumns is how many columns an index of PostgreSQL has at most.
const maxIndexColumns = 32

// checkSchema is Schema.Check, for what this sink refuses besides.
func (st *settings) checkSchema(s *readmodel.Schema) error {
	if err := s.Check(); err != nil {
		return err
	}
	if st.log != "" && s.View == "" {
		return notMaterialized(s)
	}
	if len(s.Key) <= maxIndexColumns {
		return nil
	}
	return &readmodel.SchemaError{
		Projection: s.Projection,
		Reason:     fmt.Sprintf("its key has %d columns, and PostgreSQL takes %d", len(s.Key), maxIndexColumns),
	}
}

// Table implements readmodel.Store. Should another shape be stored under the schema's fingerprint, the error is a
// *readmodel.SchemaError; a *RefusedError says that the role may not create what is missing.
func (s *Store) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if err := s.checkSchema(schema); err != nil {
		return nil, err
	}
	t := newTable(s, schema)
	err := s.again(ctx, s.control, always, func(ctx context.Context, c *pgx.Conn) error {
		complete, err := t.exists(ctx, c)
		if err == nil && !complete {
			err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error { return t.create(ctx, tx) })
		}
		return err
	})
	if err != nil {
		return nil, t.wrap(err)
	}
	return t.opened().readable(), nil
}

// Open implements readmodel.Store.
func (s *Store) Open(ctx context.Context, projection, fingerprint string) (readmodel.Table, *readmodel.Schema, error) {
	var t *table
	err := s.again(ctx, s.control, always, func(ctx context.Context, c *pgx.Conn) error {
		g, err := s.generation(ctx, c, projection, fingerprint)
		if err != nil {
			return err
		}
		t = newTable(s, &g.schema)
		t.take(g)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read model %s: %w", projection, err)
	}
	return t.opened().readable(), &t.schema, nil
}

// opened makes a table ready whose names are known.
func (t *table) opened() *table {
	t.prepareSQL()
	s := t.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signals[t.id] == nil {
		s.signals[t.id] = &readmodel.Signal{}
	}
	t.Signal = s.signals[t.id]
	return t
}

// generation is what the catalogue says of one.
type generation struct {
	id         int32
	name, view string
	schema     readmodel.Schema
	built      bool
	position   cqrs.Position
}

// generation finds one. Without it the error is readmodel.ErrNoGeneration.
func (s *Store) generation(ctx context.Context, c *pgx.Conn, projection, fingerprint string) (generation, error) {
	var g generation
	var shape string
	err := c.QueryRow(ctx, s.inSchema(`SELECT g.id, g.table_name, p.view_name, g.shape::text, c.built, c.position
		FROM {schema}.cqrs_generations g JOIN {schema}.cqrs_projections p USING (projection)
			JOIN {schema}.cqrs_checkpoints c ON c.generation = g.id
		WHERE g.projection = $1 AND g.fingerprint = $2`), projection, fingerprint).
		Scan(&g.id, &g.name, &g.view, &shape, &g.built, (*int64)(&g.position))
	if errors.Is(err, pgx.ErrNoRows) {
		return g, readmodel.ErrNoGeneration
	}
	if err == nil {
		g.schema, err = parseShape(projection, shape)
	}
	return g, err
}

func (t *table) take(g generation) { t.id, t.name, t.view = g.id, g.name, g.view }

// exists reports whether there is nothing to create, and learns the table's names.
func (t *table) exists(ctx context.Context, c *pgx.Conn) (bool, error) {
	g, err := t.store.generation(ctx, c, t.schema.Projection, t.schema.Fingerprint)
	if errors.Is(err, readmodel.ErrNoGeneration) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.take(g)
	if err := t.checkKind(ctx, c); err != nil {
		return false, err
	}
	have, want := describe(nameColumns(&g.schema), len(g.schema.Key)), describe(t.columns, len(t.schema.Key))
	if have != want {
		return false, &readmodel.SchemaError{
			Projection: t.schema.Projection,
			Reason:     fmt.Sprintf("table %s was made under its fingerprint with other columns: %s; not %s", t.name, have, want),
		}
	}
	if !g.built {
		return true, nil // its indexes come when it is
	}
	missing, err := t.missingIndexes(ctx, c)
	return len(missing) == 0, err
}

// create makes what is missing, in a transaction.
func (t *table) create(ctx context.Context, tx pgx.Tx) error {
	if err := t.store.lockCatalogue(ctx, tx); err != nil {
		return err
	}
	complete, err := t.exists(ctx, tx.Conn())
	if err != nil || complete {
		return err
	}
	if t.name != "" {
		return t.createIndexes(ctx, tx.Conn())
	}
	if t.view, err = t.store.viewOf(ctx, tx.Conn(), t.schema.Projection); err != nil {
		return err
	}
	taken, err := t.store.takenNames(ctx, tx.Conn())
	if err != nil {
		return err
	}
	t.chooseNames(func(name string) bool { return taken[name] })
	for _, statement := range t.createStatements() {
		if _, err := tx.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	_, err = t.exists(ctx, tx.Conn())
	return err
}

// viewOf returns the name of a projection's view, empty if none was chosen yet.
func (s *Store) viewOf(ctx context.Context, c *pgx.Conn, projection string) (view string, err error) {
	err = c.QueryRow(ctx, s.inSchema("SELECT view_name FROM {schema}.cqrs_projections WHERE projection = $1"), projection).
		Scan(&view)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return view, err
}

// takenNames returns all names of tables, views and indexes in the schema, and those of views that are yet to come.
func (s *Store) takenNames(ctx context.Context, c *pgx.Conn) (map[string]bool, error) {
	rows, err := c.Query(ctx, s.inSchema(`SELECT relname::text FROM pg_class WHERE relnamespace = $1::text::regnamespace
		UNION SELECT view_name FROM {schema}.cqrs_projections`), postgresdb.Quote(s.schema))
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	taken := make(map[string]bool, len(names))
	for _, name := range names {
		taken[name] = true
	}
	return taken, err
}

// chooseNames names the table, and the projection's view if that has no name yet. Projections whose names differ in case
// or underscores only are numbered.
func (t *table) chooseNames(taken func(string) bool) {
	base := snakeCase(t.schema.Projection)
	if t.view == "" {
		t.view = unusedName(base, "", taken)
	}
	t.name = unusedName(base, "_"+t.schema.Fingerprint, func(name string) bool { return name == t.view || taken(name) })
}

// createStatements makes the table, or the materialized view, and enters it into the catalogue.
func (t *table) createStatements() []string {
	create := []string{t.createTable()}
	if t.store.log != "" {
		create = t.createView()
	}
	q := t.store.inSchema
	projection := literal(t.schema.Projection)
	return append(create,
		fmt.Sprintf(q("INSERT INTO {schema}.cqrs_projections (projection, view_name) VALUES (%s, %s) ON CONFLICT DO NOTHING"),
			projection, literal(t.view)),
		fmt.Sprintf(q(`WITH g AS (INSERT INTO {schema}.cqrs_generations (projection, fingerprint, table_name, shape)
    VALUES (%s, %s, %s, %s) RETURNING id),
  c AS (INSERT INTO {schema}.cqrs_checkpoints (generation) SELECT id FROM g)
INSERT INTO {schema}.cqrs_leases (generation) SELECT id FROM g`),
			projection, literal(t.schema.Fingerprint), literal(t.name), literal(shapeOf(&t.schema))),
	)
}

// createTable makes the table.
func (t *table) createTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", t.qualified())
	for i, c := range t.columns {
		if i == len(t.schema.Key) {
			b.WriteString(positionDDL)
		}
		null := " NOT NULL"
		if c.Optional {
			null = ""
		}
		fmt.Fprintf(&b, "  %s %s%s,\n", c.quoted, types[c.Kind].column, null)
	}
	if len(t.schema.Row) == 0 {
		b.WriteString(positionDDL)
	}
	fmt.Fprintf(&b, "  %s\n)", t.primaryKey())
	return b.String()
}

const positionDDL = "  " + positionColumn + " bigint NOT NULL,\n"

// primaryKey declares the constraint of the key.
func (t *table) primaryKey() string {
	return fmt.Sprintf("CONSTRAINT %s PRIMARY KEY (%s)", t.keyConstraint(), list(t.key(), quoted))
}

func (t *table) keyConstraint() string {
	return postgresdb.Quote(shorten(t.name+"_key", maxIdentifier))
}

// describe says what columns are, for people and for the comparison with what a program expects.
func describe(columns []column, keys int) string {
	return list(columns, func(c column) string {
		text := c.sql + " " + c.Kind.String()
		if c.Optional {
			text = c.sql + " optional " + c.Kind.String()
		}
		if c.number < keys {
			text += " key"
		}
		return text
	})
}

type index struct{ name, ddl string }

// indexes returns the schema's indexes, each extended by the key, but for those that the primary key serves. Their
// names hold their columns, so that a later release recognises them.
func (t *table) indexes() (indexes []index) {
	seen := map[string]bool{}
	for i := range t.schema.Indexes {
		order := t.order(&readmodel.Find{Index: i})
		if len(order) == len(t.schema.Key) && servedByKey(order) {
			continue
		}
		order = order[:min(len(order), maxIndexColumns)]
		names := list(order, func(c column) string { return c.sql })
		name := shorten(fmt.Sprintf("%s(%s)", t.name, strings.ReplaceAll(names, " ", "")), maxIdentifier)
		if !seen[name] {
			indexes = append(indexes, index{name, fmt.Sprintf("CREATE INDEX %s ON %s (%s)",
				postgresdb.Quote(name), t.qualified(), list(order, sorted))})
		}
		seen[name] = true
	}
	return indexes
}

func servedByKey(order []column) bool {
	for i, c := range order {
		if c.number != i {
			return false
		}
	}
	return true
}

// missingIndexes returns those that are not there.
func (t *table) missingIndexes(ctx context.Context, c *pgx.Conn) (missing []index, err error) {
	taken, err := t.store.takenNames(ctx, c)
	for _, index := range t.indexes() {
		if !taken[index.name] {
			missing = append(missing, index)
		}
	}
	return missing, err
}

func (t *table) createIndexes(ctx context.Context, c *pgx.Conn) error {
	missing, err := t.missingIndexes(ctx, c)
	if err != nil {
		return err
	}
	for _, index := range missing {
		if err := execScript(ctx, c, index.ddl); err != nil {
			return err
		}
	}
	return nil
}

// shapeOf is how the catalogue keeps a schema.
func shapeOf(s *readmodel.Schema) string {
	b, _ := json.Marshal(s) // strings, booleans and numbers have a JSON
	return string(b)
}

func parseShape(projection, shape string) (readmodel.Schema, error) {
	var schema readmodel.Schema
	err := json.Unmarshal([]byte(shape), &schema)
	if err == nil {
		err = schema.Check()
	}
	if err != nil {
		return schema, &readmodel.CorruptError{Projection: projection, Column: "cqrs_generations.shape", Reason: err.Error()}
	}
	return schema, nil
}
