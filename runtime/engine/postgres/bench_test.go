package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
)

// payload is what the benchmarks store: a deposit with its meta data has about 180 bytes.
const payload = `{"money":{"amount":123456,"currency":"EUR"},"reference":"invoice 2026-03-01/4711"}`

func deposit(account int, expected eventlog.Expected) eventlog.Commit {
	return eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())),
		Meta: cqrs.CommandMeta{
			Time: time.Now().UTC().Truncate(time.Microsecond), CorrelationID: "0198c5a2-7f3e-7000-8000-1234567890ab",
		},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Account", ID: fmt.Sprintf("acc-%06d", account)}, Expected: expected,
			Events: []eventlog.NewEvent{
				{Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON, Data: []byte(payload)},
			},
		}},
	}
}

// each runs f n times, by so many callers.
func each(callers, n int, f func(caller, i int) error) (time.Duration, error) {
	start := time.Now()
	var wg sync.WaitGroup
	errs := make(chan error, callers)
	for c := range callers {
		wg.Go(func() {
			for i := c; i < n; i += callers {
				if err := f(c, i/callers); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return time.Since(start), <-errs
}

// plainTable is what the engine is measured against: one INSERT a transaction, on as many connections as there are
// callers, with the check that a unique index makes. It has the same columns and indexes, and gives its positions from
// a sequence, so that its readers would miss events.
type plainTable struct{ pool *pgxpool.Pool }

func newPlainTable(b *testing.B, dsn string, callers int) *plainTable {
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(b, err)
	config.MaxConns = int32(callers)
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	_, err = pool.Exec(b.Context(), `CREATE TABLE plain (position bigserial PRIMARY KEY, version bigint, time timestamptz,
		kind integer, commit_id uuid, stream text COLLATE "C", command_id text, correlation_id text, causation_id text, actor text,
		data bytea, UNIQUE (stream, version)); CREATE INDEX ON plain (kind, position)`)
	require.NoError(b, err)
	return &plainTable{pool}
}

func (p *plainTable) append(c eventlog.Commit) error {
	s := c.Streams[0]
	_, err := p.pool.Exec(context.Background(), `INSERT INTO plain (version, time, kind, commit_id, stream, command_id,
		correlation_id, causation_id, actor, data) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9)`,
		int64(s.Expected)+1, c.Meta.Time, [16]byte(c.ID), s.Stream.String(), c.Meta.CommandID, c.Meta.CorrelationID,
		c.Meta.CausationID, c.Meta.Actor, s.Events[0].Data)
	return err
}

// BenchmarkAppend appends commits of one event, each with the exact version that its stream must have, and the same
// events by one INSERT a transaction. The metric "×plain" is how many times more the engine stores in the same time.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			dsn := testserver.Postgres(b)
			l := open(b, dsn, Migrate())
			plain := newPlainTable(b, dsn, callers)
			versions := make([]cqrs.Version, callers)
			inserted := make([]cqrs.Version, callers)
			var engine, table time.Duration
			b.ResetTimer()
			// Both take turns, so that what else the machine does slows both.
			const turns = 20
			for turn := range turns {
				n := b.N*(turn+1)/turns - b.N*turn/turns
				took, err := each(callers, n, func(caller, _ int) error {
					_, err := l.Append(context.Background(), deposit(caller, eventlog.Exactly(versions[caller])))
					versions[caller]++
					return err
				})
				require.NoError(b, err)
				engine += took
				took, err = each(callers, n, func(caller, _ int) error {
					err := plain.append(deposit(caller, eventlog.Exactly(inserted[caller])))
					inserted[caller]++
					return err
				})
				require.NoError(b, err)
				table += took
			}
			b.StopTimer()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(b.N)/engine.Seconds(), "commits/s")
			b.ReportMetric(float64(b.N)/table.Seconds(), "plain/s")
			b.ReportMetric(table.Seconds()/engine.Seconds(), "×plain")
		})
	}
}

// deposits yields n commits of one event in so many streams.
func deposits(n, streams int) iter.Seq2[*eventlog.Commit, error] {
	return func(yield func(*eventlog.Commit, error) bool) {
		for i := range n {
			if c := deposit(i%streams, eventlog.Any); !yield(&c, nil) {
				return
			}
		}
	}
}

// BenchmarkScan reads a whole log of 1,000,000 events, and the same table by a SELECT through database/sql. The metric
// "×sql" is how many times faster the engine is, "allocs/event" is over all of the engine's scans.
func BenchmarkScan(b *testing.B) {
	const n = 1_000_000
	for _, streams := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			dsn := testserver.Postgres(b)
			l := open(b, dsn, Migrate())
			started := time.Now()
			stored, err := l.Import(b.Context(), deposits(n, streams))
			require.NoError(b, err)
			require.EqualValues(b, n, stored)
			b.ReportMetric(n/time.Since(started).Seconds(), "imported/s")
			db, err := sql.Open("pgx", dsn)
			require.NoError(b, err)
			defer db.Close()
			var engine, plain time.Duration
			var before, after runtime.MemStats
			allocated := uint64(0)
			for b.Loop() {
				runtime.ReadMemStats(&before)
				engine += scanEngine(b, l, n)
				runtime.ReadMemStats(&after)
				allocated += after.Mallocs - before.Mallocs
				plain += scanPlain(b, db, n)
			}
			b.ReportMetric(float64(allocated)/float64(b.N)/n, "allocs/event")
			b.ReportMetric(n*float64(b.N)/engine.Seconds(), "events/s")
			b.ReportMetric(n*float64(b.N)/plain.Seconds(), "sql/s")
			b.ReportMetric(plain.Seconds()/engine.Seconds(), "×sql")
		})
	}
}

func scanEngine(b *testing.B, l *Log, want int) time.Duration {
	started, read, bytes := time.Now(), 0, 0
	for r, err := range l.Read(context.Background(), eventlog.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		read++
		bytes += len(r.Data)
	}
	require.Equal(b, want, read)
	require.Equal(b, want*len(payload), bytes)
	return time.Since(started)
}

func scanPlain(b *testing.B, db *sql.DB, want int) time.Duration {
	started, read, bytes := time.Now(), 0, 0
	rows, err := db.Query(`SELECT ` + eventColumnNames + ` FROM eventlog.events ORDER BY position`)
	require.NoError(b, err)
	for rows.Next() {
		var r cqrs.Record
		var kind int
		var commit, stream string
		err := rows.Scan(&r.Position, &r.Version, &r.Time, &kind, &commit, &stream, &r.CommandID, &r.CorrelationID,
			&r.CausationID, &r.Actor, &r.Data)
		if err != nil {
			b.Fatal(err)
		}
		read++
		bytes += len(r.Data)
	}
	require.NoError(b, rows.Err())
	require.Equal(b, want, read)
	require.Equal(b, want*len(payload), bytes)
	return time.Since(started)
}
