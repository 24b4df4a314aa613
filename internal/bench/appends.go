package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/engine/jetstream"
	"github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
)

// appends measures durable appends of one event each to every engine, with the version of the stream checked. What it
// compares with takes turns with them: a plain file to which callers append as many bytes and share syncs, and for
// PostgreSQL an insert that is a transaction of its own. All of it is in the folder for temporary files, as the servers
// are.
func appends(ctx context.Context, each time.Duration) error {
	return inFolder("", func(dir string) error {
		file, err := openFile(filepath.Join(dir, "plain"))
		if err != nil {
			return err
		}
		syncs, err := syncRate(file.file, each/rounds)
		if err != nil {
			return errors.Join(err, file.close())
		}
		fmt.Printf("\nDurable appends per second, one event each, against a plain file with group commit (%.0f syncs/s)\n", syncs)
		fmt.Printf("  %-26s %-8s %12s %12s %8s\n", "engine", "callers", "appends/s", "file/s", "ratio")
		return errors.Join(appendsToEngines(ctx, dir, file, each), file.close())
	})
}

// appendsToEngines measures one engine after the other. Where a server is not installed, that is said, and the rest goes
// on.
func appendsToEngines(ctx context.Context, dir string, file *plainFile, each time.Duration) error {
	m := &appendMeter{file: file, each: each}
	if err := m.embedded(ctx, filepath.Join(dir, "embedded")); err != nil {
		return err
	}
	for _, measure := range []func(testing.TB) error{
		func(t testing.TB) error { return m.postgres(ctx, t) },
		func(t testing.TB) error { return m.jetstream(ctx, t, "jetstream, sync always", "always") },
		func(t testing.TB) error { return m.jetstream(ctx, t, "jetstream, sync default *", "2m") },
	} {
		if err := onServer(measure); err != nil {
			return err
		}
	}
	fmt.Println("  * answers before it is on any disk: where all servers lose their power at once, it is lost")
	return nil
}

// onServer calls what starts a server, and says where that is not installed.
func onServer(f func(testing.TB) error) error {
	err := testserver.Run(f)
	if missing := new(testserver.MissingError); errors.As(err, &missing) {
		fmt.Printf("  left out: %s\n", missing.What)
		return nil
	}
	return err
}

// syncRate returns how often a second the disk makes an append of a few bytes durable.
func syncRate(f *os.File, d time.Duration) (float64, error) {
	record := make([]byte, recordBytes)
	began, n := time.Now(), 0
	for ; time.Since(began) < d; n++ {
		if _, err := f.Write(record); err != nil {
			return 0, err
		}
		if err := datasync(f); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// appendMeter measures engines against a file.
type appendMeter struct {
	file *plainFile
	each time.Duration
}

func (m *appendMeter) embedded(ctx context.Context, dir string) error {
	log, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	_, err = m.measure("embedded", toLog(ctx, log))
	return errors.Join(err, log.Close())
}

func (m *appendMeter) postgres(ctx context.Context, t testing.TB) error {
	dsn := startPostgres(t)
	log, err := postgres.Open(ctx, dsn, postgres.Migrate())
	if err != nil {
		return err
	}
	ours, err := m.measure("postgres", toLog(ctx, log))
	if err := errors.Join(err, log.Close()); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, fmt.Sprintf("%s&pool_max_conns=%d", dsn, slices.Max(callerCounts)))
	if err != nil {
		return err
	}
	defer pool.Close()
	insert, err := toTable(ctx, pool)
	if err != nil {
		return err
	}
	plain, err := m.measure("a plain INSERT each", insert)
	if err != nil {
		return err
	}
	fmt.Print("  postgres appends, for each plain INSERT")
	for i, callers := range callerCounts {
		fmt.Printf(", %.1f with %d", ours[i]/plain[i], callers)
	}
	fmt.Println(" callers")
	return nil
}

func (m *appendMeter) jetstream(ctx context.Context, t testing.TB, name, interval string) error {
	log, err := jetstream.Open(ctx, startNATS(t, interval), jetstream.Migrate())
	if err != nil {
		return err
	}
	_, err = m.measure(name, toLog(ctx, log))
	return errors.Join(err, log.Close())
}

// callerCounts are how many append at the same time.
var callerCounts = []int{1, 16, 128}

// measure prints a line for each number of callers, and returns the appends per second.
func (m *appendMeter) measure(name string, appender caller) (rates []float64, err error) {
	record := make([]byte, recordBytes)
	toFile := func(int) func() error { return func() error { return m.file.append(record) } }
	for _, callers := range callerCounts {
		var ours, limit float64
		for range rounds {
			rate, err := driveEach(callers, m.each/rounds, appender)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			ours += rate / rounds
			if rate, err = driveEach(callers, m.each/rounds, toFile); err != nil {
				return nil, err
			}
			limit += rate / rounds
		}
		fmt.Printf("  %-26s %-8d %12.0f %12.0f %7.1fx\n", name, callers, ours, limit, limit/ours)
		rates = append(rates, ours)
		name = ""
	}
	return rates, nil
}

// payload is that of the event that is appended.
var payload = []byte(`{"money":{"amount":12345,"currency":"EUR"},"reference":"invoice 4711"}`)

// toLog appends to a stream of each caller's own, at the version that it knows.
func toLog(ctx context.Context, log eventlog.Log) caller {
	return func(int) func() error {
		stream := cqrs.StreamID{Category: "Account", ID: uuid.NewString()}
		version := eventlog.New
		return func() error {
			done, err := log.Append(ctx, eventlog.Commit{
				ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
				Streams: []eventlog.StreamAppend{{Stream: stream, Expected: version, Events: []eventlog.NewEvent{
					{Type: "MoneyDeposited", SchemaVersion: 1, ContentType: cqrs.JSON, Data: payload},
				}}},
			})
			version = eventlog.Exactly(done.Version)
			return err
		}
	}
}

// toTable is what a service does without a log: a transaction for each event, on connections of a pool.
func toTable(ctx context.Context, pool *pgxpool.Pool) (caller, error) {
	_, err := pool.Exec(ctx, `CREATE TABLE plain (position bigserial PRIMARY KEY, stream text, version bigint, type text,
		at timestamptz, commit_id uuid, data json, UNIQUE (stream, version))`)
	if err != nil {
		return nil, err
	}
	return func(int) func() error {
		stream, version := "Account/"+uuid.NewString(), 0
		return func() error {
			version++
			_, err := pool.Exec(ctx, `INSERT INTO plain (stream, version, type, at, commit_id, data) VALUES ($1, $2, $3, $4, $5, $6)`,
				stream, version, "MoneyDeposited", time.Now(), uuid.Must(uuid.NewV7()), string(payload))
			return err
		}
	}, nil
}
