package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	postgressink "github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	sqlitesink "github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// sqliteByHand is a file of SQLite's that a person writes rows into, with the driver that the sink uses.
type sqliteByHand struct {
	dir   string
	conn  *sqlite.Conn
	built string // the file that was rebuilt last
	n     int
	begun func(*error) // ends the transaction that is open
}

func newSQLiteByHand(dir string) (*sqliteByHand, error) {
	conn, err := sqlite.OpenConn(filepath.Join(dir, "byhand.db"))
	if err != nil {
		return nil, err
	}
	for _, pragma := range []string{"journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"} {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+pragma, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return &sqliteByHand{dir: dir, conn: conn}, nil
}

func (s *sqliteByHand) close() error { return s.conn.Close() }

func (s *sqliteByHand) store(ctx context.Context) (readmodel.Store, func() error, error) {
	s.n++
	s.built = filepath.Join(s.dir, fmt.Sprintf("built%d.db", s.n))
	store, err := sqlitesink.Open(ctx, s.built)
	if err != nil {
		return nil, nil, err
	}
	return store, func() error { return errors.Join(store.Close(), os.Remove(s.built)) }, nil
}

func (s *sqliteByHand) load(_ context.Context, rows []finishedRow) (err error) {
	if err := sqlitex.ExecuteScript(s.conn, `DROP TABLE IF EXISTS by_hand; DROP TABLE IF EXISTS done;
		CREATE TABLE done (position INTEGER NOT NULL) STRICT; INSERT INTO done VALUES (0);
		CREATE TABLE by_hand (account TEXT NOT NULL, currency TEXT NOT NULL, balance INTEGER NOT NULL,
			movements INTEGER NOT NULL, last_movement TEXT NOT NULL, position INTEGER NOT NULL,
			PRIMARY KEY (account, currency)) STRICT, WITHOUT ROWID`, nil); err != nil {
		return err
	}
	end, err := sqlitex.ImmediateTransaction(s.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	insert, err := s.conn.Prepare("INSERT INTO by_hand VALUES (?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		insert.BindText(1, r.account)
		insert.BindText(2, string(r.currency))
		insert.BindInt64(3, r.Balance)
		insert.BindInt64(4, r.Movements)
		insert.BindText(5, r.LastMovement.Format(readmodel.TimeLayout))
		insert.BindInt64(6, 0)
		if err := stepOnce(insert); err != nil {
			return err
		}
	}
	return sqlitex.ExecuteTransient(s.conn, "CREATE INDEX by_balance ON by_hand (currency, balance, account)", nil)
}

// stepOnce runs a statement that returns no row, and makes it ready for the next time.
func stepOnce(stmt *sqlite.Stmt) error {
	_, err := stmt.Step()
	return errors.Join(err, stmt.Reset())
}

func (s *sqliteByHand) check(_ context.Context, byHand bool) (rows, sum int64, err error) {
	conn, table := s.conn, "by_hand"
	if !byHand {
		table = "balance_by_currency"
		if conn, err = sqlite.OpenConn(s.built, sqlite.OpenReadOnly); err != nil {
			return 0, 0, err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
	}
	err = sqlitex.ExecuteTransient(conn, "SELECT count(*), sum(balance) FROM "+table, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			rows, sum = stmt.ColumnInt64(0), stmt.ColumnInt64(1)
			return nil
		},
	})
	return rows, sum, err
}

func (s *sqliteByHand) upsert(
	_ context.Context, at cqrs.Position, key accountInCurrency, amount int64, moved time.Time,
) (err error) {
	if s.begun == nil {
		if s.begun, err = sqlitex.ImmediateTransaction(s.conn); err != nil {
			return err
		}
	}
	stmt, err := s.conn.Prepare(`INSERT INTO by_hand VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (account, currency) DO UPDATE
		SET balance = balance + excluded.balance, movements = movements + 1,
			last_movement = excluded.last_movement, position = excluded.position`)
	if err != nil {
		return err
	}
	stmt.BindText(1, key.account)
	stmt.BindText(2, string(key.currency))
	stmt.BindInt64(3, amount)
	stmt.BindText(4, moved.Format(readmodel.TimeLayout))
	stmt.BindInt64(5, int64(at))
	return stepOnce(stmt)
}

func (s *sqliteByHand) commit(_ context.Context, at cqrs.Position) error {
	stmt, err := s.conn.Prepare("UPDATE done SET position = ?")
	if err == nil {
		stmt.BindInt64(1, int64(at))
		err = stepOnce(stmt)
	}
	s.begun(&err)
	s.begun = nil
	return err
}

// postgresByHand is a database of PostgreSQL's that a person writes rows into, with the driver that the sink uses.
type postgresByHand struct {
	dsn   string
	conn  *pgx.Conn
	built string // the schema that was rebuilt last
	n     int
	batch pgx.Batch
}

func newPostgresByHand(ctx context.Context, dsn string) (*postgresByHand, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "SET synchronous_commit = off"); err != nil { // as the sink has it
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return &postgresByHand{dsn: dsn, conn: conn}, nil
}

func (p *postgresByHand) close() error { return p.conn.Close(context.Background()) }

func (p *postgresByHand) store(ctx context.Context) (readmodel.Store, func() error, error) {
	p.n++
	p.built = fmt.Sprintf("built%d", p.n)
	store, err := postgressink.Open(ctx, p.dsn, postgressink.Schema(p.built), postgressink.Migrate())
	if err != nil {
		return nil, nil, err
	}
	return store, func() error {
		err := store.Close()
		// The server's own work on what was dropped, or is still to be written, is not for the next round.
		return errors.Join(err, p.execute(ctx, "DROP SCHEMA "+p.built+" CASCADE; CHECKPOINT"))
	}, nil
}

func (p *postgresByHand) execute(ctx context.Context, script string) error {
	return p.conn.PgConn().Exec(ctx, script).Close()
}

func (p *postgresByHand) load(ctx context.Context, rows []finishedRow) error {
	if err := p.execute(ctx, `DROP TABLE IF EXISTS by_hand; DROP TABLE IF EXISTS done;
		CREATE TABLE done (position bigint NOT NULL); INSERT INTO done VALUES (0)`); err != nil {
		return err
	}
	tx, err := p.conn.Begin(ctx)
	if err != nil {
		return err
	}
	err = p.execute(ctx, `CREATE TABLE by_hand (account text COLLATE "C" NOT NULL, currency text COLLATE "C" NOT NULL,
		balance bigint NOT NULL, movements bigint NOT NULL, last_movement timestamptz NOT NULL, position bigint NOT NULL)`)
	if err == nil {
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"by_hand"},
			[]string{"account", "currency", "balance", "movements", "last_movement", "position"},
			pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
				r := &rows[i]
				return []any{r.account, string(r.currency), r.Balance, r.Movements, r.LastMovement, int64(0)}, nil
			}))
	}
	if err == nil {
		err = p.execute(ctx, `ALTER TABLE by_hand ADD PRIMARY KEY (account, currency);
			CREATE INDEX ON by_hand (currency, balance, account); ANALYZE by_hand`)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return tx.Commit(ctx)
}

func (p *postgresByHand) check(ctx context.Context, byHand bool) (rows, sum int64, err error) {
	table := "by_hand"
	if !byHand {
		table = p.built + ".balance_by_currency"
	}
	err = p.conn.QueryRow(ctx, "SELECT count(*), sum(balance)::bigint FROM "+table).Scan(&rows, &sum)
	return rows, sum, err
}

// upsert sends nothing yet: commit sends all of a transaction in one round trip.
func (p *postgresByHand) upsert(
	_ context.Context, at cqrs.Position, key accountInCurrency, amount int64, moved time.Time,
) error {
	p.batch.Queue(`INSERT INTO by_hand AS b VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (account, currency) DO UPDATE
		SET balance = b.balance + excluded.balance, movements = b.movements + 1,
			last_movement = excluded.last_movement, position = excluded.position`,
		key.account, string(key.currency), amount, moved, int64(at))
	return nil
}

func (p *postgresByHand) commit(ctx context.Context, at cqrs.Position) error {
	p.batch.Queue("UPDATE done SET position = $1", int64(at))
	err := p.conn.SendBatch(ctx, &p.batch).Close()
	p.batch = pgx.Batch{}
	return err
}
