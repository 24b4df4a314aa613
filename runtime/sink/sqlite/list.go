package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// listDDL creates the list of all generations as it was in the first release. What came later is in added, so that a file
// of an older release is brought up to date, and that release still works with it.
const listDDL = `CREATE TABLE IF NOT EXISTS cqrs_read_models (
	projection  TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	table_name  TEXT NOT NULL UNIQUE,
	columns     TEXT NOT NULL,
	position    INTEGER NOT NULL,
	commit_id   TEXT NOT NULL,
	handled     INTEGER NOT NULL,
	PRIMARY KEY (projection, fingerprint)
) STRICT, WITHOUT ROWID`

// added are the columns that were added since. A generation of an older release is not built, whatever it reflects: what
// projects it goes on from there, and finds out. Its schema is not known until its own program opens it.
var added = []struct{ name, ddl string }{
	{"built", "INTEGER NOT NULL DEFAULT 0"},
	{"active", "INTEGER NOT NULL DEFAULT 0"},
	{"view_name", "TEXT NOT NULL DEFAULT ''"},
	{"schema", "TEXT NOT NULL DEFAULT ''"},
	{"created", "TEXT NOT NULL DEFAULT ''"},
	{"promoted", "TEXT NOT NULL DEFAULT ''"},
	{"holder", "TEXT NOT NULL DEFAULT ''"},
	{"held_until", "TEXT NOT NULL DEFAULT ''"},
	{"report", "TEXT NOT NULL DEFAULT ''"},
	{"reported", "TEXT NOT NULL DEFAULT ''"},
}

// prepareList makes the list of generations, and brings that of an older release up to date. It runs in a write
// transaction.
func prepareList(c *sqlite.Conn) error {
	if err := execute(c, listDDL); err != nil {
		return err
	}
	there := map[string]bool{}
	err := query(c, "SELECT name FROM pragma_table_info('cqrs_read_models')", func(stmt *sqlite.Stmt) error {
		there[stmt.ColumnText(0)] = true
		return nil
	})
	for _, column := range added {
		if err == nil && !there[column.name] {
			err = execute(c, "ALTER TABLE cqrs_read_models ADD COLUMN "+column.name+" "+column.ddl)
		}
	}
	return err
}

// describeOld completes what an older release wrote of a table.
func (t *table) describeOld(c *sqlite.Conn) error {
	schema, err := json.Marshal(&t.schema)
	if err != nil {
		return err
	}
	return query(c, "UPDATE cqrs_read_models SET schema = ? WHERE projection = ? AND fingerprint = ? AND schema = ''", nil,
		string(schema), t.schema.Projection, t.schema.Fingerprint)
}

// timeText and parseTime are the form of a time in the list; an empty one is no time.
func timeText(t time.Time) string { return t.UTC().Format(readmodel.TimeLayout) }

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(readmodel.TimeLayout, text)
}

// listTime returns the time, later than that of any generation in the list, so that these have an order. It runs in a
// write transaction.
func listTime(c *sqlite.Conn) (time.Time, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	err := query(c, "SELECT max(max(created, promoted)) FROM cqrs_read_models", func(stmt *sqlite.Stmt) error {
		last, err := parseTime(stmt.ColumnText(0))
		if !now.After(last) {
			now = last.Add(time.Microsecond)
		}
		return err
	})
	return now, err
}

// listed is a line of the list.
type listed struct {
	readmodel.Generation
	table, view string
}

const listColumns = `projection, fingerprint, table_name, position, commit_id, handled, built, active, view_name, schema,
	created, promoted, holder, held_until, report, reported`

func readListed(stmt *sqlite.Stmt) (l listed, err error) {
	l.Schema.Projection, l.Schema.Fingerprint = stmt.ColumnText(0), stmt.ColumnText(1)
	l.table, l.view = stmt.ColumnText(2), stmt.ColumnText(8)
	commit, err := uuid.Parse(stmt.ColumnText(4))
	l.Checkpoint = readmodel.Checkpoint{
		Position: cqrs.Position(stmt.ColumnInt64(3)), Commit: cqrs.CommitID(commit), Handled: stmt.ColumnInt64(5),
		Built: stmt.ColumnBool(6),
	}
	l.Active = stmt.ColumnBool(7)
	l.Asked = time.Now().UTC()
	l.Lease.Holder = stmt.ColumnText(12)
	if report := stmt.ColumnText(14); report != "" {
		l.Lease.Report = []byte(report)
	}
	errs := []error{err}
	for _, at := range []struct {
		time   *time.Time
		column int
	}{{&l.Created, 10}, {&l.Promoted, 11}, {&l.Lease.Until, 13}, {&l.Lease.Reported, 15}} {
		*at.time, err = parseTime(stmt.ColumnText(at.column))
		errs = append(errs, err)
	}
	if schema := stmt.ColumnText(9); schema != "" {
		errs = append(errs, json.Unmarshal([]byte(schema), &l.Schema))
	}
	if err := errors.Join(errs...); err != nil {
		return l, &readmodel.CorruptError{
			Projection: stmt.ColumnText(0), Column: "cqrs_read_models", Reason: err.Error(),
		}
	}
	return l, nil
}

// listAll reads the list, of one projection unless that is empty, within a transaction.
func listAll(c *sqlite.Conn, projection string) (all []listed, err error) {
	const order = " ORDER BY projection, created, fingerprint"
	read := func(stmt *sqlite.Stmt) error {
		l, err := readListed(stmt)
		all = append(all, l)
		return err
	}
	if projection == "" {
		err = query(c, "SELECT "+listColumns+" FROM cqrs_read_models"+order, read)
	} else {
		err = query(c, "SELECT "+listColumns+" FROM cqrs_read_models WHERE projection = ?"+order, read, projection)
	}
	return all, err
}

// pick returns the line of a fingerprint.
func pick(all []listed, projection, fingerprint string) (*listed, error) {
	for i := range all {
		if all[i].Schema.Fingerprint == fingerprint {
			return &all[i], nil
		}
	}
	return nil, noGeneration(projection, fingerprint)
}

func noGeneration(projection, fingerprint string) error {
	return fmt.Errorf("read model %s: %w: %s", projection, readmodel.ErrNoGeneration, fingerprint)
}

// Generations implements readmodel.Store.
func (s *Store) Generations(ctx context.Context, projection string) (generations []readmodel.Generation, err error) {
	err = s.read(ctx, func(c *sqlite.Conn) error {
		all, err := listAll(c, projection)
		for i := range all {
			generations = append(generations, all[i].Generation)
		}
		return err
	})
	return generations, err
}

// Open implements readmodel.Store. A generation of a release that did not write schemas down can't be opened until a
// program that has its schema opened it with Table; the error is a *readmodel.SchemaError.
func (s *Store) Open(ctx context.Context, projection, fingerprint string) (readmodel.Table, *readmodel.Schema, error) {
	var found *listed
	err := s.read(ctx, func(c *sqlite.Conn) error {
		all, err := listAll(c, projection)
		if err == nil {
			found, err = pick(all, projection, fingerprint)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if len(found.Schema.Key) == 0 {
		return nil, nil, &readmodel.SchemaError{
			Projection: projection, Reason: "an older release made generation " + fingerprint + ", and did not write it down",
		}
	}
	t := newTable(s, &found.Schema)
	t.name = found.table
	s.finish(t)
	return t, &found.Schema, nil
}

// Promote implements readmodel.Store. The view changes in the same transaction.
func (s *Store) Promote(ctx context.Context, projection, fingerprint string) error {
	err := s.write(ctx, func(c *sqlite.Conn) error {
		all, err := listAll(c, projection)
		if err != nil {
			return err
		}
		next, err := pick(all, projection, fingerprint)
		if err != nil || next.Active {
			return err
		}
		if !next.Checkpoint.Built {
			return &readmodel.NotBuiltError{
				Projection: projection, Generation: fingerprint, Position: next.Checkpoint.Position,
			}
		}
		return activate(c, all, next)
	})
	if err == nil {
		s.Notify()
	}
	return err
}

func activate(c *sqlite.Conn, all []listed, next *listed) error {
	view, err := replaceView(c, all, next)
	if err != nil {
		return err
	}
	now, err := listTime(c)
	if err != nil {
		return err
	}
	projection, fingerprint := next.Schema.Projection, next.Schema.Fingerprint
	err = query(c, "UPDATE cqrs_read_models SET active = 0, view_name = '' WHERE projection = ?", nil, projection)
	if err != nil {
		return err
	}
	return query(c, `UPDATE cqrs_read_models SET active = 1, view_name = ?, promoted = ?
		WHERE projection = ? AND fingerprint = ?`, nil, view, timeText(now), projection, fingerprint)
}

// replaceView lets the projection's view lead to another table, and returns the view's name.
func replaceView(c *sqlite.Conn, all []listed, next *listed) (name string, err error) {
	for i := range all {
		if all[i].view != "" {
			name = all[i].view
		}
	}
	if name != "" {
		err = execute(c, "DROP VIEW IF EXISTS "+quote(name))
	} else {
		name, err = freeName(c, snakeCase(next.Schema.Projection))
	}
	if err != nil {
		return "", err
	}
	return name, execute(c, fmt.Sprintf("CREATE VIEW %s AS SELECT * FROM %s", quote(name), quote(next.table)))
}

// Drop implements readmodel.Store.
func (s *Store) Drop(ctx context.Context, projection, fingerprint string) error {
	table := ""
	err := s.write(ctx, func(c *sqlite.Conn) error {
		all, err := listAll(c, projection)
		if err != nil {
			return err
		}
		g, err := pick(all, projection, fingerprint)
		switch {
		case err != nil:
			return err
		case g.Active:
			return &readmodel.ActiveError{Projection: projection, Generation: fingerprint}
		}
		if err := g.held(""); err != nil {
			return err
		}
		table = g.table
		if err := execute(c, "DROP TABLE "+quote(table)); err != nil {
			return err
		}
		return query(c, "DELETE FROM cqrs_read_models WHERE projection = ? AND fingerprint = ?", nil, projection, fingerprint)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	signal := s.signals[table]
	s.mu.Unlock()
	if signal != nil {
		signal.Notify()
	}
	s.Notify()
	return nil
}

// held returns a *readmodel.HeldError if anybody but holder has the lease.
func (l *listed) held(holder string) error {
	lease := &l.Lease
	if lease.Holder == "" || lease.Holder == holder || !lease.Until.After(time.Now()) {
		return nil
	}
	return &readmodel.HeldError{
		Projection: l.Schema.Projection, Generation: l.Schema.Fingerprint, Holder: lease.Holder, Until: lease.Until,
	}
}

// Hold implements readmodel.Table.
func (t *table) Hold(ctx context.Context, holder string, ttl time.Duration, report []byte) error {
	if err := t.schema.CheckLease(holder, ttl); err != nil {
		return err
	}
	return t.lease(ctx, func(l *listed, now time.Time) (readmodel.Lease, error) {
		return readmodel.Lease{Holder: holder, Until: now.Add(ttl), Report: report}, l.held(holder)
	})
}

// Release implements readmodel.Table.
func (t *table) Release(ctx context.Context, holder string, report []byte) error {
	err := t.lease(ctx, func(l *listed, _ time.Time) (readmodel.Lease, error) {
		if l.Lease.Holder != holder {
			return readmodel.Lease{}, errNotHeld
		}
		return readmodel.Lease{Report: report}, nil
	})
	if errors.Is(err, errNotHeld) {
		return nil
	}
	return err
}

var errNotHeld = errors.New("the lease is not held")

// lease replaces the lease by what next returns, unless that fails.
func (t *table) lease(ctx context.Context, next func(l *listed, now time.Time) (readmodel.Lease, error)) error {
	projection, fingerprint := t.schema.Projection, t.schema.Fingerprint
	err := t.store.write(ctx, func(c *sqlite.Conn) error {
		all, err := listAll(c, projection)
		if err != nil {
			return err
		}
		g, err := pick(all, projection, fingerprint)
		if err != nil {
			return err
		}
		now := time.Now()
		lease, err := next(g, now)
		if err != nil {
			return err
		}
		until := ""
		if !lease.Until.IsZero() {
			until = timeText(lease.Until)
		}
		return query(c, `UPDATE cqrs_read_models SET holder = ?, held_until = ?, report = ?, reported = ?
			WHERE projection = ? AND fingerprint = ?`, nil,
			lease.Holder, until, string(lease.Report), timeText(now), projection, fingerprint)
	})
	return t.wrap(err)
}
