package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/soak"
	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
)

// history is a log of deposits: event i, from 1 on, adds i to the account i*i modulo accounts; every seventh one closes
// the account instead.
type history struct{ accounts int64 }

func (h history) fold(rows map[int64]int64, from, to cqrs.Position) {
	for i := from + 1; i <= to; i++ {
		account := int64(i*i) % h.accounts
		if i%7 == 0 {
			delete(rows, account)
		} else {
			rows[account] += int64(i)
		}
	}
}

func (h history) checkpoint(at cqrs.Position, built bool) readmodel.Checkpoint {
	if at == 0 {
		return readmodel.Checkpoint{}
	}
	return readmodel.Checkpoint{
		Position: at, Commit: cqrs.CommitID{14: byte(at >> 8), 15: byte(at)}, Handled: int64(at), Built: built,
	}
}

var deposits = readmodel.Schema{
	Projection: "Deposits", Fingerprint: "00000000000000d0",
	Key:     []readmodel.Column{{Name: "account", Kind: readmodel.Int64}},
	Row:     []readmodel.Column{{Name: "sum", Kind: readmodel.Int64}},
	Indexes: [][]string{{"sum"}},
}

// project is a projector: it loads the rows that the next events lead to, folds them, and stores them.
func (h history) project(ctx context.Context, table readmodel.Table, step cqrs.Position, built bool) (cqrs.Position, error) {
	from, err := table.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	to := from.Position + step
	touched := map[int64]bool{}
	for i := from.Position + 1; i <= to; i++ {
		touched[int64(i*i)%h.accounts] = true
	}
	var keys [][]readmodel.Value
	for account := range touched {
		keys = append(keys, []readmodel.Value{readmodel.OfInt64(account)})
	}
	rows := map[int64]int64{}
	at, err := table.Get(ctx, keys, func(i int, row []readmodel.Value, _ cqrs.Position) error {
		rows[keys[i][0].Int64()] = row[0].Int64()
		return nil
	})
	if err != nil || at != from {
		return from.Position, errors.Join(err, ctx.Err())
	}
	h.fold(rows, from.Position, to)
	b := readmodel.Batch{From: from, To: h.checkpoint(to, built || from.Built)}
	for _, key := range keys {
		c := readmodel.Change{Key: key, Position: to}
		if sum, ok := rows[key[0].Int64()]; ok {
			c.Row = []readmodel.Value{readmodel.OfInt64(sum)}
		}
		b.Changes = append(b.Changes, c)
	}
	return to, table.Apply(ctx, &b)
}

// verify checks that the rows are the fold of the history, up to the checkpoint.
func (h history) verify(t *testing.T, table readmodel.Table) cqrs.Position {
	t.Helper()
	got, want := map[int64]int64{}, map[int64]int64{}
	at, err := table.Find(t.Context(), readmodel.Find{Index: 0}, func(key, row []readmodel.Value, _ cqrs.Position) error {
		got[key[0].Int64()] = row[0].Int64()
		return nil
	})
	require.NoError(t, err)
	h.fold(want, 0, at.Position)
	require.Equal(t, want, got)
	return at.Position
}

// tolerable reports whether a projector tries again after the error.
func tolerable(err error) bool {
	return errors.Is(err, readmodel.ErrUnavailable) || errors.Is(err, readmodel.ErrFenced)
}

func TestWhereverTheConnectionIsCutEachBatchIsStoredOnce(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	p, through := newProxy(t, dsn)
	table, h := openTable(t, openStore(t, through), &deposits), history{accounts: 97}
	direct := openTable(t, openStore(t, dsn), &deposits)
	random := soak.Rand(t)
	box := soak.Box(t, 4*time.Second, 0)
	for round := range box.Rounds(soak.Rounds(150, 2000), "cuts of the connection, every batch stored once") {
		before := p.done()
		p.arm(random.IntN(3000), random.IntN(2) == 0)
		for p.done() == before {
			to, err := h.project(t.Context(), table, cqrs.Position(1+random.IntN(40)), round > 20)
			if err == nil {
				at, err := direct.Checkpoint(t.Context())
				require.NoError(t, err)
				require.Equal(t, to, at.Position, "what was acknowledged is stored")
			}
			if p.done() == before {
				require.NoError(t, err)
			} else if err != nil {
				require.ErrorIs(t, err, readmodel.ErrUnavailable, "an answer was cut off of which a part had been handed on")
			}
		}
		h.verify(t, direct)
	}
}

func TestAServerThatIsAwayIsWaitedFor(t *testing.T) {
	p, through := newProxy(t, testserver.Postgres(t))
	s := openStore(t, through)
	table, h := openTable(t, s, &deposits), history{accounts: 97}
	_, err := h.project(t.Context(), table, 40, true)
	require.NoError(t, err)
	p.listener.Close()
	p.cutAll()
	_, err = Open(t.Context(), through)
	assert.ErrorIs(t, err, readmodel.ErrUnavailable)
	_, err = table.Checkpoint(t.Context())
	assert.ErrorIs(t, err, readmodel.ErrUnavailable)
	_, err = table.Get(t.Context(), [][]readmodel.Value{{readmodel.OfInt64(1)}}, nil)
	assert.ErrorIs(t, err, readmodel.ErrUnavailable)
	_, err = table.Find(t.Context(), readmodel.Find{Index: -1}, nil)
	assert.ErrorIs(t, err, readmodel.ErrUnavailable)
	assert.ErrorIs(t, table.Apply(t.Context(), &readmodel.Batch{From: h.checkpoint(40, true), To: h.checkpoint(41, true)}), readmodel.ErrUnavailable)
	assert.ErrorIs(t, table.Hold(t.Context(), "me", time.Second, nil), readmodel.ErrUnavailable)
	_, err = s.Table(t.Context(), &ledger)
	assert.ErrorIs(t, err, readmodel.ErrUnavailable)
	_, err = s.Generations(t.Context(), "")
	assert.ErrorIs(t, err, readmodel.ErrUnavailable)
	assert.ErrorIs(t, s.Promote(t.Context(), deposits.Projection, deposits.Fingerprint), readmodel.ErrUnavailable)
}

func TestAServerThatIsKilledInTheMiddleOfARebuildLosesNothing(t *testing.T) {
	t.Parallel()
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	table, h := openTable(t, openStore(t, server.DSN()), &deposits), history{accounts: 4999}
	random := soak.Rand(t)
	box := soak.Box(t, 5*time.Second, 0)
	projected := 0
	for round := range box.Rounds(soak.Rounds(20, 500), "kills of the server, rows and checkpoint whole after each") {
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() {
			for ctx.Err() == nil {
				// The first batch goes by COPY, the larger ones step by step.
				step := cqrs.Position([]int{10, 2_000, 25_000}[projected%3])
				if _, err := h.project(ctx, table, step, round > 3); err == nil {
					projected++
				} else if ctx.Err() == nil && !tolerable(err) {
					assert.NoError(t, err)
					return
				}
			}
		})
		time.Sleep(time.Duration(20+random.IntN(200)) * time.Millisecond) // some load
		server.Kill(t)
		server.Start(t)
		stop()
		work.Wait()
		h.verify(t, table)
	}
	soak.Logf(t, "%d batches were stored", projected)
}

func TestProjectorsThatRaceStoreEachEventOnce(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	h := history{accounts: 97}
	openTable(t, openStore(t, dsn), &deposits)
	box := soak.Box(t, 2*time.Second, time.Minute)
	ctx, cancel := box.Context(t.Context())
	defer cancel()
	var work sync.WaitGroup
	won := make([]int, 4)
	for i := range won {
		table := openTable(t, openStore(t, dsn), &deposits)
		work.Go(func() {
			for ctx.Err() == nil {
				_, err := h.project(ctx, table, 20, true)
				if err == nil {
					won[i]++
				} else if ctx.Err() == nil && !assert.ErrorIs(t, err, readmodel.ErrFenced) {
					return
				}
			}
		})
	}
	work.Wait()
	at := h.verify(t, openTable(t, openStore(t, dsn), &deposits))
	soak.Logf(t, "%v batches of 4 projectors, up to position %d", won, at)
	won = slices.DeleteFunc(won, func(n int) bool { return n == 0 })
	assert.Greater(t, len(won), 1, "only one of them stored anything")
}

// stall begins a batch as another process would, and leaves it there.
func stall(t *testing.T, dsn string, table *table, from, to readmodel.Checkpoint) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(context.Background()) })
	moved := int64(0)
	w := &write{table: table, from: from, to: to}
	require.NoError(t, exchange(t.Context(), c, w.begin(&moved)))
	require.EqualValues(t, 1, moved)
	return c
}

func TestWhoeverTakesOverEndsABatchThatWasStoppedInTheMiddle(t *testing.T) {
	t.Parallel()
	dsn := testserver.Postgres(t)
	table := openTable(t, openStore(t, dsn, func(s *settings) { s.lock = 100 * time.Millisecond }), &deposits)
	h := history{accounts: 97}
	_, err := h.project(t.Context(), table, 40, true)
	require.NoError(t, err)
	stalled := stall(t, dsn, table, h.checkpoint(40, true), h.checkpoint(45, true))
	_, err = h.project(t.Context(), table, 7, true)
	require.NoError(t, err, "the server ends the session that has the lock")
	_, err = stalled.Exec(t.Context(), "COMMIT")
	require.Error(t, err, "it comes too late")
	assert.EqualValues(t, 47, h.verify(t, table))
}

func TestALockThatPeopleHoldIsAnErrorThatPasses(t *testing.T) {
	dsn := testserver.Postgres(t)
	s := openStore(t, dsn, func(s *settings) { s.lock = 100 * time.Millisecond })
	table, h := openTable(t, s, &deposits), history{accounts: 97}
	_, err := h.project(t.Context(), table, 40, true)
	require.NoError(t, err)
	require.NoError(t, s.Promote(t.Context(), deposits.Projection, deposits.Fingerprint))
	second := deposits
	second.Fingerprint = "00000000000000d1"
	_, err = h.project(t.Context(), openTable(t, s, &second), 40, true)
	require.NoError(t, err)

	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	_, err = c.Exec(t.Context(), "BEGIN; SELECT FROM readmodels.deposits; LOCK TABLE "+table.qualified()+" IN SHARE MODE")
	require.NoError(t, err)
	var locked *LockedError
	require.ErrorAs(t, s.Promote(t.Context(), deposits.Projection, second.Fingerprint), &locked)
	assert.Contains(t, locked.What, "the view")
	assert.ErrorIs(t, locked, readmodel.ErrUnavailable)
	_, err = h.project(t.Context(), table, 7, true)
	require.ErrorAs(t, err, &locked)
	h.verify(t, table)
	_, err = c.Exec(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, s.Promote(t.Context(), deposits.Projection, second.Fingerprint))
	_, err = h.project(t.Context(), table, 7, true)
	require.NoError(t, err)
	assert.EqualValues(t, 47, h.verify(t, table))
}

func TestAFullDiskIsSaidAndThereIsNothingHalfStored(t *testing.T) {
	t.Parallel()
	server := testserver.StartPostgres(t, testserver.PostgresOptions{})
	disk := t.TempDir()
	if err := smallDisk(t, disk); err != nil {
		t.Skip("a file system can't be mounted here: ", err)
	}
	space := filepath.Join(disk, "space")
	require.NoError(t, os.Mkdir(space, 0o700))
	server.Own(t, space)
	// Only the tables are on the small disk: a server that has no room for its write-ahead log stops.
	shell(t, server.DSN(), "CREATE TABLESPACE small LOCATION '"+space+"'")
	shell(t, server.DSN(), "ALTER DATABASE postgres SET default_tablespace = small")
	table, h := openTable(t, openStore(t, server.DSN()), &deposits), history{accounts: 1 << 40}
	fill := filepath.Join(disk, "fill")
	for range 2 {
		_ = os.WriteFile(fill, make([]byte, 24<<20), 0o600) // as much of it as there is room for
		var err error
		for i := 0; err == nil && i < 200; i++ {
			_, err = h.project(t.Context(), table, 10_000, i > 1)
		}
		require.ErrorIs(t, err, readmodel.ErrUnavailable)
		require.ErrorContains(t, err, "No space left on device")
		require.NoError(t, os.Remove(fill))
		h.verify(t, table)
		_, err = h.project(t.Context(), table, 100, true)
		require.NoError(t, err, "there is room again")
	}
	h.verify(t, table)
}

func TestABatchThatIsInterruptedLeavesNothing(t *testing.T) {
	table := openTable(t, openStore(t, testserver.Postgres(t)), &ledger)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := table.Apply(ctx, &readmodel.Batch{To: checkpoint(1), Changes: ledgerChanges(100_000)})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	n, at, err := table.Count(t.Context(), readmodel.Find{Index: -1})
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Zero(t, at)
}

func TestAStatementTimeoutOfTheRoleIsForQueriesAlone(t *testing.T) {
	dsn := testserver.Postgres(t)
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	shell(t, dsn, "ALTER DATABASE "+config.Database+" SET statement_timeout = 300")
	table, h := openTable(t, openStore(t, dsn), &deposits), history{accounts: 97}
	shell(t, dsn, `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END';
		CREATE TRIGGER slow AFTER UPDATE ON readmodels.cqrs_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION slow()`)
	to, err := h.project(t.Context(), table, 40, true)
	require.NoError(t, err, "a batch may take its time")
	assert.Equal(t, to, h.verify(t, table))
}
