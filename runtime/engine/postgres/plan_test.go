package postgres

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/jackc/pgx/v5"

	"github.com/cqrsgen/cqrsgen/internal/postgresdb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryQueryIsServedByAnIndexWhateverTheStatisticsSay(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	queries := map[string]string{
		"head": selectHead, "events": selectEvents, "forwards": selectForwards, "backwards": selectBackwards,
		"scanned": selectScanned, "indexed": selectIndexed, "count": countKinds, "commands": commandsStatement,
		"all commands": selectCommands, "snapshot": selectSnapshot, "snapshots": selectSnapshots, "versions": versionsStatement,
	}
	explain := func(name, query string) string {
		conn, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		require.NoError(t, execScript(t.Context(), conn, stablePlans))
		sd, err := conn.Prepare(t.Context(), "q", postgresdb.InSchema(query, "eventlog"))
		require.NoError(t, err, name)
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(sd.ParamOIDs)), ", ")
		if nulls != "" {
			nulls = "(" + nulls + ")"
		}
		rows, err := conn.Query(t.Context(), "EXPLAIN EXECUTE q"+nulls, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err, name)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err, name)
		return strings.Join(lines, "\n")
	}
	check := func(when string) {
		for name, query := range queries {
			plan := explain(name, query)
			assert.NotContains(t, plan, "Seq Scan", "%s %s", name, when)
			assert.NotContains(t, plan, "Bitmap", "%s %s", name, when)
			if name == "events" || name == "forwards" || name == "backwards" || name == "scanned" {
				assert.NotContains(t, plan, "Sort", "%s %s: rows come in order", name, when)
			}
		}
	}
	check("of the empty log")
	_, err := l.Import(t.Context(), deposits(20_000, 3))
	require.NoError(t, err)
	check("before the tables were analysed")
	require.NoError(t, run(t, dsn, "ANALYZE"))
	check("after the tables were analysed")
}

func TestAppendsNotifyAndWaitersDoNotRelyOnIt(t *testing.T) {
	dsn := testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	listener, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer listener.Close(context.Background())
	_, err = listener.Exec(t.Context(), "LISTEN cqrsgen_eventlog")
	require.NoError(t, err)
	_, err = l.Append(t.Context(), deposit(1, eventlog.New))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = listener.WaitForNotification(ctx)
	require.NoError(t, err)

	woken := make(chan cqrs.Position)
	go func() {
		head, err := l.Wait(ctx, 1)
		assert.NoError(t, err)
		woken <- head
	}()
	require.NoError(t, run(t, dsn, `INSERT INTO eventlog.events SELECT 2, 2, time, kind, commit_id, stream, command_id,
		correlation_id, causation_id, actor, data FROM eventlog.events`))
	assert.EqualValues(t, 2, <-woken, "nobody has notified it")
	assert.Equal(t, "cqrsgen_eventlog", notifyChannel("eventlog"))
	assert.Less(t, len(notifyChannel(strings.Repeat("x", 63))), 64)
}

func TestADumpIsRestoredWhole(t *testing.T) {
	dump, err := exec.LookPath("pg_dump")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
		if len(found) == 0 {
			t.Skip("pg_dump is not installed")
		}
		dump = found[len(found)-1]
	}
	dsn, restored := testserver.Postgres(t), testserver.Postgres(t)
	l := open(t, dsn, Migrate())
	book := newLedger()
	for i := range 30 {
		require.NoError(t, book.append(t.Context(), l, randomCommit(i%4, i)))
	}
	file := filepath.Join(t.TempDir(), "dump")
	for _, args := range [][]string{
		{dump, "--schema=eventlog", "--format=custom", "--file=" + file, "--dbname=" + dsn},
		{filepath.Join(filepath.Dir(dump), "pg_restore"), "--exit-on-error", "--dbname=" + restored, file},
	} {
		said, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	again := open(t, restored)
	book.verify(t, again)
	require.NoError(t, book.append(t.Context(), again, deposit(1, eventlog.Any)))
	book.verify(t, again)
	for id, got := range book.acknowledged {
		if got.Meta.CommandID == "" {
			continue
		}
		_, found, err := again.Command(t.Context(), got.Meta.CommandID, [32]byte{})
		require.NoError(t, err)
		assert.True(t, found, "the command of commit %x", id)
	}
}
