// Package sqlite keeps read models in a SQLite file, of their own or together with the log: typed, indexed tables that
// the sqlite3 shell opens and people read.
//
// Each generation of a read model has a table that is named by the projection and the fingerprint,
// balance_by_currency_0123456789abcdef, with one column per field in snake case, plus cqrs_position: the position of the
// last event that was folded into the row. The view balance_by_currency leads to the active one, and is replaced in the
// transaction that promotes another. The table cqrs_read_models lists all generations, with the position that each
// reflects:
//
//	SELECT projection, table_name, active, built, position FROM cqrs_read_models
//
// Every column sorts as its kind does:
//
//	bool               INTEGER, 0 or 1
//	int64, duration    INTEGER; a duration in nanoseconds
//	uint64             TEXT of 20 digits, because SQLite's integers end at 2^63
//	float64            REAL
//	string, json       TEXT
//	bytes              BLOB
//	time               TEXT, 2026-03-01T10:00:00.000000Z
//	date               TEXT, 2026-03-01, and empty for the zero date
//	uuid               TEXT, in lower case
//	decimal            TEXT that sorts: 0 and 19 digits before the point; a negative one has a -, each digit replaced
//	                   by what it lacks to 9, and a ~ at its end
//
// Whatever is not optional is NOT NULL. Rows and their checkpoint change in one transaction.
package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cqrsgen/cqrsgen/internal/sqlitedb"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// writeWait bounds the waiting for another process's write transaction, the bulk load of a read model among them.
const writeWait = time.Minute

// Store implements readmodel.Store. It is safe for concurrent use, also by several processes on one file.
type Store struct {
	readmodel.Signal
	path string
	// One connection writes, so that the projectors of this process queue here and not at SQLite's lock.
	writer, readers *sqlitedb.Pool
	// within, if not nil, has a transaction of somebody else's, in which all happens.
	within *sqlite.Conn

	mu      sync.Mutex
	signals map[string]*readmodel.Signal
}

// Open opens the file at path, and creates it if there is none. Its directory must exist.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{
		path:    path,
		writer:  sqlitedb.NewPool(path, 1, prepareWriter),
		readers: sqlitedb.NewPool(path, max(4, runtime.GOMAXPROCS(0)), nil),
		signals: map[string]*readmodel.Signal{},
	}
	err := s.write(ctx, prepareList)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open read models in %s: %w", path, err), s.Close())
	}
	return s, nil
}

// prepareWriter gives the one writing connection room for the pages of a bulk load, and takes back the disk space that
// such a load took in the write-ahead log.
func prepareWriter(c *sqlite.Conn) error {
	return errors.Join(
		execute(c, "PRAGMA cache_size = -65536"),
		execute(c, "PRAGMA journal_size_limit = 67108864"),
	)
}

// Close waits for running calls and closes the file. Every later call fails with cqrs.ErrClosed.
func (s *Store) Close() error { return errors.Join(s.readers.Close(), s.writer.Close()) }

// Name implements readmodel.Store.
func (s *Store) Name() string { return "sqlite" }

// Table implements readmodel.Store. Should another shape be stored under the schema's fingerprint, the error is a
// *readmodel.SchemaError.
func (s *Store) Table(ctx context.Context, schema *readmodel.Schema) (readmodel.Table, error) {
	if err := schema.Check(); err != nil {
		return nil, err
	}
	t := newTable(s, schema)
	complete := false
	err := s.read(ctx, func(c *sqlite.Conn) (err error) {
		complete, err = t.exists(c)
		return err
	})
	if err == nil && !complete {
		err = s.write(ctx, t.create)
	}
	if err != nil {
		return nil, t.wrap(err)
	}
	s.finish(t)
	return t, nil
}

// finish gives a table whose name is known its statements, and the signal that all openings of it share.
func (s *Store) finish(t *table) {
	t.prepareSQL()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signals[t.name] == nil {
		s.signals[t.name] = &readmodel.Signal{}
	}
	t.Signal = s.signals[t.name]
}

// exists reports whether the table is there, with all of its indexes if it is built, and learns the table's name.
func (t *table) exists(c *sqlite.Conn) (bool, error) {
	found, columns, described, built := false, "", false, false
	err := query(c, "SELECT table_name, columns, schema <> '', built FROM cqrs_read_models WHERE projection = ? AND fingerprint = ?",
		func(stmt *sqlite.Stmt) error {
			found, t.name, columns = true, stmt.ColumnText(0), stmt.ColumnText(1)
			described, built = stmt.ColumnBool(2), stmt.ColumnBool(3)
			return nil
		}, t.schema.Projection, t.schema.Fingerprint)
	if err != nil || !found {
		return false, err
	}
	if want := t.describe(); columns != want {
		return false, &readmodel.SchemaError{
			Projection: t.schema.Projection,
			Reason: fmt.Sprintf("table %s was made under its fingerprint with other columns: %s; not %s",
				t.name, columns, want),
		}
	}
	t.indexed = built
	for _, index := range t.indexes() {
		if !built {
			break // Apply makes them when the table is whole
		}
		taken, err := taken(c, index.name)
		if err != nil || !taken {
			return false, err
		}
	}
	return described, nil
}

// create makes what is missing of the table. It runs in a write transaction.
func (t *table) create(c *sqlite.Conn) error {
	complete, err := t.exists(c)
	if err != nil || complete {
		return err
	}
	if t.name == "" {
		err = t.createTable(c)
	} else {
		err = t.describeOld(c)
	}
	if err != nil {
		return err
	}
	if t.indexed {
		err = t.createIndexes(c)
	}
	return err
}

// createIndexes makes the indexes that are missing. A table that is being built has none: to load it takes half the time,
// and to build each of them at once a fraction of what their rows cost one by one.
func (t *table) createIndexes(c *sqlite.Conn) error {
	for _, index := range t.indexes() {
		if err := execute(c, index.ddl); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) createTable(c *sqlite.Conn) error {
	name, err := freeName(c, snakeCase(t.schema.Projection)+"_"+t.schema.Fingerprint)
	if err != nil {
		return err
	}
	t.name = name
	if err := execute(c, t.ddl()); err != nil {
		return err
	}
	schema, err := json.Marshal(&t.schema)
	if err != nil {
		return err
	}
	now, err := listTime(c)
	if err != nil {
		return err
	}
	return query(c, `INSERT INTO cqrs_read_models
		(projection, fingerprint, table_name, columns, position, commit_id, handled, schema, created)
		VALUES (?, ?, ?, ?, 0, ?, 0, ?, ?)`, nil,
		t.schema.Projection, t.schema.Fingerprint, t.name, t.describe(), commitText(readmodel.Checkpoint{}),
		string(schema), timeText(now))
}

// freeName returns the name, with a number if it is taken: names of projections may differ in case or underscores only.
func freeName(c *sqlite.Conn, base string) (string, error) {
	name := base
	for n := 2; ; n++ {
		taken, err := taken(c, name)
		if err != nil || !taken {
			return name, err
		}
		name = fmt.Sprintf("%s_%d", base, n)
	}
}

// taken reports whether a table, a view or an index has the name.
func taken(c *sqlite.Conn, name string) (found bool, err error) {
	err = query(c, "SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE", func(*sqlite.Stmt) error {
		found = true
		return nil
	}, name)
	return found, err
}

// ddl returns the statement that creates the table. Rows that may be long get a rowid, because without one the whole
// row lies in the inner pages of the key's tree.
func (t *table) ddl() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", quote(t.name))
	for _, c := range t.columns {
		null := " NOT NULL"
		if c.Optional {
			null = ""
		}
		fmt.Fprintf(&b, "\t%s %s%s,\n", c.quoted, types[c.Kind], null)
	}
	fmt.Fprintf(&b, "\t%s INTEGER NOT NULL,\n\tPRIMARY KEY (%s)\n) STRICT", positionColumn, list(t.key(), quoted))
	for _, c := range t.columns {
		if c.Kind == readmodel.JSON || c.Kind == readmodel.Bytes {
			return b.String()
		}
	}
	return b.String() + ", WITHOUT ROWID"
}

// TableDDL returns the statements that create the tables and indexes of read models, to read them: Table runs them, and
// enters the tables into the list of generations. Promoting one makes the view that leads to it.
//
// Errors: *readmodel.SchemaError for a schema that is not kept.
func (s *Store) TableDDL(schemas []*readmodel.Schema) (string, error) {
	var b strings.Builder
	for i, schema := range schemas {
		if err := schema.Check(); err != nil {
			return "", err
		}
		t := newTable(s, schema)
		t.name = snakeCase(schema.Projection) + "_" + schema.Fingerprint
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "-- %s %s\n%s;\n", schema.Projection, schema.Fingerprint, t.ddl())
		for _, index := range t.indexes() {
			fmt.Fprintf(&b, "%s;\n", index.ddl)
		}
	}
	return b.String(), nil
}

// describe says what the columns are, for people and for the comparison with what a program expects.
func (t *table) describe() string {
	return list(t.columns, func(c column) string {
		text := c.sql + " " + c.Kind.String()
		if c.Optional {
			text = c.sql + " optional " + c.Kind.String()
		}
		if c.number < len(t.schema.Key) {
			text += " key"
		}
		return text
	})
}

type index struct{ name, ddl string }

// indexes returns the schema's indexes, each extended by the key, but for those that the primary key serves. Their
// names hold their columns, so that a later release recognises them.
func (t *table) indexes() (indexes []index) {
	for i := range t.schema.Indexes {
		order := t.order(&readmodel.Find{Index: i})
		if len(order) == len(t.schema.Key) && t.servedByKey(order) {
			continue
		}
		names := list(order, func(c column) string { return c.sql })
		name := fmt.Sprintf("%s(%s)", t.name, strings.ReplaceAll(names, " ", ""))
		indexes = append(indexes, index{name, fmt.Sprintf("CREATE INDEX IF NOT EXISTS %s ON %s (%s)",
			quote(name), quote(t.name), list(order, quoted))})
	}
	return indexes
}

func (t *table) servedByKey(order []column) bool {
	for i, c := range order {
		if c.number != i {
			return false
		}
	}
	return true
}

// read runs f in a read transaction.
func (s *Store) read(ctx context.Context, f func(*sqlite.Conn) error) error {
	if s.within != nil {
		return f(s.within)
	}
	c, err := s.readers.Get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.Put(c)
	return interrupted(ctx, sqlitedb.Read(c, func() error { return f(c) }))
}

// write runs f in a write transaction.
func (s *Store) write(ctx context.Context, f func(*sqlite.Conn) error) error {
	if s.within != nil {
		return f(s.within)
	}
	c, err := s.writer.Get(ctx)
	if err != nil {
		return err
	}
	defer s.writer.Put(c)
	return interrupted(ctx, sqlitedb.Write(ctx, c, writeWait, func() error { return f(c) }))
}

// interrupted turns the error of a statement that the context's end interrupted into the context's own.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && sqlitedb.Classify(err) == sqlitedb.Interrupted {
		return ctx.Err()
	}
	return err
}

// execute runs a statement that returns nothing and is not run often.
func execute(c *sqlite.Conn, statement string) error {
	return sqlitex.ExecuteTransient(c, statement, nil)
}

// query runs a prepared statement with text arguments.
func query(c *sqlite.Conn, text string, each func(*sqlite.Stmt) error, args ...string) error {
	stmt, err := c.Prepare(text)
	if err != nil {
		return err
	}
	for i, arg := range args {
		stmt.BindText(i+1, arg)
	}
	return rows(stmt, each)
}

// rows steps through a bound statement and leaves it reset, whatever happens, so that it holds no lock.
func rows(stmt *sqlite.Stmt, each func(*sqlite.Stmt) error) (err error) {
	defer func() { err = errors.Join(err, stmt.Reset()) }()
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
		if err := each(stmt); err != nil {
			return err
		}
	}
}
