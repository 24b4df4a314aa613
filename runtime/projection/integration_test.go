package projection

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// appendTransfers appends n commits of two transfers and a note each, and returns the last position.
func appendTransfers(t require.TestingT, log eventlog.Log, n int) (last cqrs.Position) {
	for i := range n {
		var c eventlog.Commit
		c.ID = cqrs.CommitID(uuid.Must(uuid.NewV7()))
		c.Meta.Time = time.Now().UTC().Truncate(time.Microsecond)
		from := cqrs.StreamID{Category: "Account", ID: fmt.Sprint("acc-", i%13)}
		event := func(name string, p payload) eventlog.NewEvent {
			return eventlog.NewEvent{Type: name, SchemaVersion: 1, ContentType: cqrs.JSON, Data: p.encode()}
		}
		c.Streams = []eventlog.StreamAppend{{Stream: from, Expected: eventlog.Any, Events: []eventlog.NewEvent{
			event("Transferred", payload{"EUR", 3, fmt.Sprint("acc-", i%7)}),
			event("Noted", payload{Currency: "EUR"}),
			event("Transferred", payload{"GBP", 2, fmt.Sprint("acc-", i%5)}),
		}}}
		out, err := log.Append(context.Background(), c)
		require.NoError(t, err)
		last = out.Position
	}
	return last
}

// everything returns all records of a log, with copies of what the log may reuse.
func everything(t require.TestingT, log eventlog.Log) (records []cqrs.Record) {
	for rec, err := range log.Read(context.Background(), eventlog.Query{}) {
		require.NoError(t, err)
		records = append(records, *rec)
	}
	return records
}

// openSQLite opens a log and a read model beside it, or in the log's own file.
func openSQLite(t testing.TB, dir string, inLog bool) (*embedded.Log, readmodel.Table) {
	log, err := embedded.Open(t.Context(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	path := filepath.Join(dir, "read.db")
	if inLog {
		path = filepath.Join(dir, "log.db")
		require.FileExists(t, path)
	}
	store, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	codec := balanceCodec()
	table, err := store.Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	return log, table
}

func TestSQLiteFollowsTheEmbeddedLogThroughStopsAndStarts(t *testing.T) {
	for _, inLog := range []bool{false, true} {
		t.Run(fmt.Sprintf("in the log's file: %v", inLog), func(t *testing.T) {
			log, table := openSQLite(t, t.TempDir(), inLog)
			appendTransfers(t, log, 300)
			model := modelOf(table, log)
			for range 4 {
				p := over(log, table, definition(&folds{}), CacheRows(7))
				p.inBatches(20)
				stop := run(t, p)
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						at := appendTransfers(t, log, 40)
						_, fresh, err := model.Get(t.Context(), balanceKey{"acc-0", "EUR"}, cqrs.AtLeast(at))
						assert.NoError(t, err)
						assert.GreaterOrEqual(t, fresh.Position, at)
					})
				}
				wg.Wait()
				require.NoError(t, stop())
				requireReflects(t, table, everything(t, log))
			}
			require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
			records := everything(t, log)
			assert.Equal(t, records[len(records)-1].Position, requireReflects(t, table, records).Position)
		})
	}
}

// TestAKilledProjectorLosesAndRepeatsNothing kills a projector with SIGKILL at a random moment of its writing, again and
// again. CQRSGEN_KILL_ROUNDS sets how often.
func TestAKilledProjectorLosesAndRepeatsNothing(t *testing.T) {
	if dir := os.Getenv("CQRSGEN_TEST_PROJECTOR"); dir != "" {
		runUntilKilled(t, dir)
		return
	}
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("CQRSGEN_KILL_ROUNDS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	log, table := openSQLite(t, dir, false)
	model := modelOf(table, log)
	var last cqrs.Position
	for i := range kills {
		appendTransfers(t, log, 100)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), "CQRSGEN_TEST_PROJECTOR="+dir)
		require.NoError(t, child.Start())
		// Once the child has written something, it is killed after some more milliseconds.
		_, _, err := model.GetMany(ctx, nil, cqrs.AtLeast(last+1))
		require.NoError(t, err)
		appendTransfers(t, log, i%10)
		require.NoError(t, child.Process.Kill())
		_ = child.Wait()
		at := requireReflects(t, table, everything(t, log))
		require.Greater(t, at.Position, last)
		last = at.Position
	}
	require.NoError(t, over(log, table, definition(&folds{})).CatchUp(t.Context()))
	head, err := log.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, head, requireReflects(t, table, everything(t, log)).Position)
}

func runUntilKilled(t *testing.T, dir string) {
	log, table := openSQLite(t, dir, false)
	p := over(log, table, definition(&folds{}), CacheRows(3))
	p.group.leaseTime = 100 * time.Millisecond
	p.inBatches(2)
	p.settings.bulk, p.settings.building = 0, 0
	t.Fatal(p.Run(t.Context()))
}
