package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver that most programs use
	"zombiezen.com/go/sqlite"

	"github.com/cqrsgen/cqrsgen/runtime/archive"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	"github.com/cqrsgen/cqrsgen/runtime/engine/memory"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// reads measures reading a whole log in order, with payloads, each engine against the least that its storage takes. All
// of them hold the same events, each a commit of its own, which went there by export and import.
func reads(ctx context.Context, events int) error {
	fmt.Printf("\nOrdered reads of %d events with payload, each a commit of its own; M events/s\n", events)
	fmt.Printf("  %-22s %8s   %-42s %8s %8s %12s\n", "", "M ev/s", "compared with", "M ev/s", "ratio", "import ev/s")
	return inFolder("", func(dir string) error {
		m := &readMeter{dir: dir, events: events, file: filepath.Join(dir, "all.log")}
		if err := m.archive(ctx); err != nil {
			return err
		}
		if err := m.embedded(ctx); err != nil {
			return err
		}
		if err := onServer(func(t testing.TB) error { return m.postgres(ctx, t) }); err != nil {
			return err
		}
		return onServer(func(t testing.TB) error { return m.jetstream(ctx, t) })
	})
}

type readMeter struct {
	dir    string
	events int
	file   string // the export
	bytes  int64  // of payload in it
}

// archive fills a log in memory, and puts a replay archive in front of it.
func (m *readMeter) archive(ctx context.Context) error {
	log := memory.New()
	defer log.Close()
	if err := deposits(ctx, log, m.events); err != nil {
		return err
	}
	if _, err := archive.Export(ctx, log, m.file, archive.Range{}, nil); err != nil {
		return err
	}
	plain := filepath.Join(m.dir, "plain")
	if err := frameAll(ctx, log, plain); err != nil {
		return err
	}
	packed, err := archive.With(ctx, log, filepath.Join(m.dir, "archive"))
	if err != nil {
		return err
	}
	defer packed.Close()
	if err := packed.Seal(ctx); err != nil {
		return err
	}
	if m.bytes, err = readFramed(plain); err != nil {
		return err
	}
	return m.compare(ctx, "replay archive", packed, "framing the same from a plain file", 0,
		func() (int64, error) { return readFramed(plain) })
}

func (m *readMeter) embedded(ctx context.Context) (err error) {
	log, err := embedded.Open(ctx, filepath.Join(m.dir, "embedded"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	took, err := m.load(ctx, log)
	if err != nil {
		return err
	}
	conn, err := sqlite.OpenConn(log.Path(), sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return m.compare(ctx, "embedded", log, "a bare SELECT, same driver, one core", took,
		func() (int64, error) { return scanSQLite(conn) })
}

// scanSQLite looks at all columns, and copies none but the payload into one place.
func scanSQLite(conn *sqlite.Conn) (bytes int64, err error) {
	stmt, _, err := conn.PrepareTransient(`SELECT position, stream, version, type, time,
		commit_id, command_id, correlation_id, causation_id, actor, data, checksum FROM events ORDER BY position`)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stmt.Finalize()) }()
	var buf [4096]byte
	for {
		switch row, err := stmt.Step(); {
		case err != nil:
			return 0, err
		case !row:
			return bytes, nil
		}
		for column := range 5 {
			stmt.ColumnInt64(column)
		}
		for column := 5; column < 10; column++ {
			stmt.ColumnBytes(column, buf[:])
		}
		bytes += int64(stmt.ColumnBytes(10, buf[:]))
		stmt.ColumnInt64(11)
	}
}

func (m *readMeter) postgres(ctx context.Context, t testing.TB) (err error) {
	dsn := startPostgres(t)
	log, err := postgres.Open(ctx, dsn, postgres.Migrate())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	took, err := m.load(ctx, log)
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM ANALYZE eventlog.events"); err != nil {
		return err
	}
	return m.compare(ctx, "postgres", log, "SELECT … ORDER BY position, database/sql", took,
		func() (int64, error) { return scanPostgres(ctx, db) })
}

// scanPostgres is the loop that a person writes.
func scanPostgres(ctx context.Context, db *sql.DB) (bytes int64, err error) {
	rows, err := db.QueryContext(ctx, `SELECT position, version, time, kind, commit_id, stream, command_id, correlation_id,
		causation_id, actor, data FROM eventlog.events ORDER BY position`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var position, version, kind int64
		var at time.Time
		var commit, stream, command, correlation, causation, actor string
		var data []byte
		if err := rows.Scan(&position, &version, &at, &kind, &commit, &stream, &command, &correlation, &causation, &actor, &data); err != nil {
			return 0, err
		}
		bytes += int64(len(data))
	}
	return bytes, rows.Err()
}

func (m *readMeter) jetstream(ctx context.Context, t testing.TB) (err error) {
	log, err := jetstream.Open(ctx, startNATS(t, "always"), jetstream.Migrate())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	took, err := m.load(ctx, log)
	if err != nil {
		return err
	}
	return m.compare(ctx, "jetstream", log, "", took, nil)
}

// load imports the export.
func (m *readMeter) load(ctx context.Context, log eventlog.Transfer) (time.Duration, error) {
	began := time.Now()
	_, err := archive.Import(ctx, m.file, log, nil)
	return time.Since(began), err
}

// compare reads the log and what it is compared with in turns, and prints the best of each.
func (m *readMeter) compare(
	ctx context.Context, name string, log eventlog.Log, with string, loaded time.Duration, least func() (int64, error),
) error {
	var ours, theirs time.Duration
	for range rounds {
		took, err := m.timed(func() (int64, error) { return payloads(ctx, log) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		ours = shorter(ours, took)
		if least == nil {
			continue
		}
		if took, err = m.timed(least); err != nil {
			return fmt.Errorf("%s: %w", with, err)
		}
		theirs = shorter(theirs, took)
	}
	rate := func(d time.Duration) float64 { return float64(m.events) / 1e6 / d.Seconds() }
	fmt.Printf("  %-22s %8.2f", name, rate(ours))
	if least != nil {
		fmt.Printf("   %-42s %8.2f %7.2fx", with, rate(theirs), ours.Seconds()/theirs.Seconds())
	} else {
		fmt.Printf("   %-42s %8s %8s", "", "", "")
	}
	if loaded > 0 {
		fmt.Printf(" %12.0f", float64(m.events)/loaded.Seconds())
	}
	fmt.Println()
	return nil
}

// timed takes the time of a read, which must have seen all payloads.
func (m *readMeter) timed(read func() (int64, error)) (time.Duration, error) {
	runtime.GC()
	began := time.Now()
	bytes, err := read()
	took := time.Since(began)
	if err == nil && bytes != m.bytes {
		err = fmt.Errorf("%d bytes were read of %d", bytes, m.bytes)
	}
	return took, err
}

func payloads(ctx context.Context, log eventlog.Log) (bytes int64, err error) {
	for rec, err := range log.Read(ctx, eventlog.Query{}) {
		if err != nil {
			return 0, err
		}
		bytes += int64(len(rec.Data))
	}
	return bytes, nil
}

// deposits appends events to a tenth as many accounts, one in each commit.
func deposits(ctx context.Context, log eventlog.Log, events int) error {
	at := time.Now().UTC().Truncate(time.Microsecond)
	for i := range events {
		_, err := log.Append(ctx, eventlog.Commit{
			ID:   cqrs.CommitID(uuid.Must(uuid.NewV7())),
			Meta: cqrs.CommandMeta{Time: at.Add(time.Duration(i) * time.Millisecond), CorrelationID: "0198c5a2-7f3e-7000-8000-1234567890ab"},
			Streams: []eventlog.StreamAppend{{
				Stream:   cqrs.StreamID{Category: "Account", ID: fmt.Sprintf("acc-%06d", i*7919%max(1, events/10))},
				Expected: eventlog.Any,
				Events: []eventlog.NewEvent{{
					Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON,
					Data: fmt.Appendf(nil, `{"money":{"amount":%d,"currency":"EUR"},"reference":"invoice 2026-03-01/%d"}`, 1000+i%100_000, i),
				}},
			}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
