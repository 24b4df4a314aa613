package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// query is one statement of a round trip.
type query struct {
	sql    string
	params [][]byte
	// row takes each row, which is valid until it returns; rows gets the number of rows, where that matters.
	row  func(row [][]byte) error
	rows *int64
}

// The statements around a transaction. A query reads rows and checkpoint of one moment.
const (
	beginStatement  = "BEGIN"
	readStatement   = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	commitStatement = "COMMIT"
)

// binaryFormat says that all parameters, or all columns, are in binary.
var binaryFormat = []int16{pgtype.BinaryFormatCode}

// maxStatements bounds how many statements a connection keeps prepared.
const maxStatements = 256

// statementsKey is where a connection has them.
const statementsKey = "cqrsgen statements"

type statements map[string]*pgconn.StatementDescription

// deallocate returns the statements that forget all of them.
func (s statements) deallocate() (scripts []string) {
	for i := range len(s) {
		scripts = append(scripts, "DEALLOCATE "+statementName(i))
	}
	return scripts
}

func statementName(n int) string { return fmt.Sprintf("rm_%d", n) }

// prepared returns the statements that the connection has, with those of the queries among them.
func prepared(ctx context.Context, c *pgx.Conn, queries []query) (statements, error) {
	pg := c.PgConn()
	have, _ := pg.CustomData()[statementsKey].(statements)
	if have == nil || len(have)+len(queries) > maxStatements {
		// Those of others stay: the connection may be the log's.
		if err := execScript(ctx, c, strings.Join(have.deallocate(), ";")); err != nil {
			return nil, err
		}
		have = statements{}
		pg.CustomData()[statementsKey] = have
	}
	for _, q := range queries {
		if have[q.sql] != nil {
			continue
		}
		sd, err := pg.Prepare(ctx, statementName(len(have)), q.sql, nil)
		if err != nil {
			return nil, err
		}
		have[q.sql] = sd
	}
	return have, nil
}

// exchange sends the statements of a transaction and reads what they answer, in one round trip once they were prepared.
// The first error of the server ends it: what follows is not carried out, and the transaction is rolled back. So it is
// when a callback fails, unless the last statement is COMMIT, which the server has then carried out.
func exchange(ctx context.Context, c *pgx.Conn, queries []query) error {
	have, err := prepared(ctx, c, queries)
	if err != nil {
		return errors.Join(err, rollback(ctx, c))
	}
	pipeline := c.PgConn().StartPipeline(ctx)
	for _, q := range queries {
		pipeline.SendQueryStatement(have[q.sql], q.params, binaryFormat, binaryFormat)
	}
	err = pipeline.Sync()
	for i := 0; err == nil && i < len(queries); i++ {
		err = readResult(pipeline, &queries[i])
	}
	closed := pipeline.Close()
	if err == nil {
		err = closed
	}
	if err != nil {
		return errors.Join(err, rollback(ctx, c))
	}
	return nil
}

func readResult(p *pgconn.Pipeline, q *query) error {
	results, err := p.GetResults()
	if err != nil {
		return err
	}
	reader, ok := results.(*pgconn.ResultReader)
	if !ok {
		return fmt.Errorf("the server answered %T where a result must be", results)
	}
	for reader.NextRow() {
		if q.row == nil {
			continue
		}
		if err := q.row(reader.Values()); err != nil {
			return &callbackError{err}
		}
	}
	tag, err := reader.Close()
	if q.rows != nil {
		*q.rows = tag.RowsAffected()
	}
	if err == nil && q.sql == commitStatement && tag.String() != commitStatement {
		// A transaction that failed answers COMMIT with ROLLBACK; it must not be taken for one that was stored.
		err = fmt.Errorf("the server answered COMMIT with %s", tag)
	}
	return err
}

// callbackError is the error of a query's row: not the server's, and not the connection's.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return e.err.Error() }

func (e *callbackError) Unwrap() error { return e.err }

// rollback ends a transaction in which nothing is to be kept, so that the connection can be used again.
func rollback(ctx context.Context, c *pgx.Conn) error {
	if c.IsClosed() || c.PgConn().TxStatus() == 'I' {
		return nil
	}
	if err := execScript(ctx, c, "ROLLBACK"); err != nil && !c.IsClosed() {
		return err
	}
	return nil
}
