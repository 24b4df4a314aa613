package projection

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cqrsgen/cqrsgen/internal/testserver"
	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/engine/embedded"
	enginepostgres "github.com/cqrsgen/cqrsgen/runtime/engine/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
	sinkpostgres "github.com/cqrsgen/cqrsgen/runtime/sink/postgres"
	"github.com/cqrsgen/cqrsgen/runtime/sink/sqlite"
)

// The projection of these tests: an event carries operations on rows, some of which fail. Rows have a list, so that
// what a fold does in place shows where it has to be undone.

type op struct {
	Key, Do string
	N       int64
}

type tallyRow struct {
	Sum int64
	Log []int64
}

var errFold = errors.New("this is not to be folded")

func tallyCodec(fingerprint string) readmodel.Codec[string, tallyRow] {
	return readmodel.Codec[string, tallyRow]{
		Schema: readmodel.Schema{
			Projection: "Tally", Fingerprint: fingerprint,
			Key:     []readmodel.Column{{Name: "name", Kind: readmodel.String}},
			Row:     []readmodel.Column{{Name: "sum", Kind: readmodel.Int64}, {Name: "log", Kind: readmodel.JSON}},
			Indexes: [][]string{{"sum"}},
		},
		AppendKey: func(v []readmodel.Value, k *string) []readmodel.Value { return append(v, readmodel.OfString(*k)) },
		AppendRow: func(v []readmodel.Value, r *tallyRow) ([]readmodel.Value, error) {
			if r.Sum == unstorable {
				return v, &cqrs.EncodingError{Type: "Tally", Field: "sum", Reason: "is unstorable"}
			}
			list, err := json.Marshal(r.Log)
			return append(v, readmodel.OfInt64(r.Sum), readmodel.OfJSON(list)), err
		},
		ReadKey: func(s *readmodel.Scanner, k *string) { *k = s.String() },
		ReadRow: func(s *readmodel.Scanner, r *tallyRow) {
			r.Sum = s.Int64()
			_ = json.Unmarshal([]byte(s.JSON()), &r.Log)
		},
	}
}

// tally is the fold. The factor tells two folds of one projection apart.
func tally(fingerprint string, factor int64) Definition[string, tallyRow] {
	return Definition[string, tallyRow]{
		Name: "Tally", Events: []string{"Operated"}, Codec: tallyCodec(fingerprint),
		Inline: true, Manual: fingerprint == newFold,
		Init: func(r *tallyRow) { r.Log = []int64{} },
		NewFold: func(int) func(*Rows[string, tallyRow], *cqrs.Record) error {
			return func(rows *Rows[string, tallyRow], rec *cqrs.Record) error {
				var ops []op
				if err := cmp.Or(rec.CheckVersion(1), json.Unmarshal(rec.Data, &ops)); err != nil {
					return err
				}
				for _, o := range ops {
					if o.Do == "delete" {
						rows.Delete(o.Key)
						continue
					}
					if row := rows.At(o.Key); row != nil {
						if err := o.fold(row, factor); err != nil {
							return err
						}
					}
				}
				return nil
			}
		},
	}
}

func (o *op) fold(row *tallyRow, factor int64) error {
	if n := len(row.Log); n > 0 {
		row.Log[n-1]++ // in place
	}
	row.Log = append(row.Log, o.N)
	if len(row.Log) > 4 {
		row.Log = row.Log[1:]
	}
	switch o.Do {
	case "fail":
		return errFold
	case "panic":
		panic(errFold)
	case "unstorable":
		row.Sum = unstorable
	default:
		row.Sum += factor * o.N
	}
	return nil
}

// pureTally is the loop that a person would write.
func pureTally(t require.TestingT, records []cqrs.Record, factor int64) map[string]tallyRow {
	rows := map[string]tallyRow{}
	for _, rec := range records {
		var ops []op
		if rec.Type != "Operated" {
			continue
		}
		require.NoError(t, json.Unmarshal(rec.Data, &ops))
		for _, o := range ops {
			if o.Do == "delete" {
				delete(rows, o.Key)
				continue
			}
			row := rows[o.Key]
			row.Log = slices.Clone(row.Log)
			require.NoError(t, o.fold(&row, factor))
			rows[o.Key] = row
		}
	}
	return rows
}

// operated is a commit of one event, or of any other type without meaning to the projection.
func operated(typ, stream string, ops ...op) eventlog.Commit {
	data, _ := json.Marshal(ops)
	return eventlog.Commit{
		ID: cqrs.CommitID(uuid.Must(uuid.NewV7())), Meta: cqrs.CommandMeta{Time: time.Now().UTC().Truncate(time.Microsecond)},
		Streams: []eventlog.StreamAppend{{
			Stream: cqrs.StreamID{Category: "Tally", ID: stream}, Expected: eventlog.Any,
			Events: []eventlog.NewEvent{{Type: typ, SchemaVersion: 1, ContentType: cqrs.JSON, Data: data}},
		}},
	}
}

// inlineDatabase is a log and a store in one database.
type inlineDatabase struct {
	log   eventlog.InlineLog
	store readmodel.InlineStore
}

// The generations of these tests. The new one waits for an operator, the automatic one does not.
const oldFold, newFold, autoFold = "00000000000000aa", "00000000000000bb", "00000000000000cc"

// inlinePostgres is the address of the database that stands for a directory, where the tests run over PostgreSQL.
func inlinePostgres(t testing.TB, dir string) inlineDatabase {
	log, err := enginepostgres.Open(context.Background(), dir, enginepostgres.Migrate())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	store, err := sinkpostgres.Open(context.Background(), dir, sinkpostgres.Migrate())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return inlineDatabase{log, store}
}

// inEachDatabase runs a test in a directory, and over PostgreSQL with the address of a database instead.
func inEachDatabase(t *testing.T, test func(t *testing.T, at string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it needs a server")
		}
		test(t, testserver.Postgres(t))
	})
}

// openInline opens a log and a store in one file of a directory, or in the PostgreSQL database at an address.
func openInline(t testing.TB, dir string) inlineDatabase {
	if !filepath.IsAbs(dir) {
		return inlinePostgres(t, dir)
	}
	log, err := embedded.Open(context.Background(), dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	store, err := sqlite.In(context.Background(), log)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return inlineDatabase{log, store}
}

// project makes the projection inline.
func (d inlineDatabase) project(
	t require.TestingT, fingerprint string, factor int64,
) (*Projector[string, tallyRow], *Group) {
	g := NewGroup(d.log, WithLogger(slog.New(slog.DiscardHandler)))
	p := New(g, d.store, tally(fingerprint, factor))
	require.NoError(t, g.Inline())
	if cleaning, ok := t.(testing.TB); ok {
		cleaning.Cleanup(g.Close)
	}
	return p, g
}

func (d inlineDatabase) append(typ, stream string, ops ...op) error {
	_, err := d.log.Append(context.Background(), operated(typ, stream, ops...))
	return err
}

// requireEqual checks that the read model is the fold of the whole log.
func (d inlineDatabase) requireEqual(t require.TestingT, fingerprint string, factor int64) {
	ctx := context.Background()
	codec := tallyCodec(fingerprint)
	table, err := d.store.Table(ctx, &codec.Schema)
	require.NoError(t, err)
	var rows map[string]tallyRow
	var at readmodel.Checkpoint
	var records []cqrs.Record
	head, err := d.log.Head(ctx)
	require.NoError(t, err)
	// A server ends what a process that was killed had begun to commit: nothing is compared before it has.
	for before := cqrs.Position(-1); before != head; {
		before, rows = head, map[string]tallyRow{}
		at, err = table.Find(ctx, readmodel.Find{Index: -1}, func(key, row []readmodel.Value, _ cqrs.Position) error {
			var r tallyRow
			codec.ReadRow(readmodel.NewScanner("Tally", codec.Schema.Row, row), &r)
			rows[key[0].Text()] = r
			return nil
		})
		require.NoError(t, err)
		records = everything(t, d.log)
		head, err = d.log.Head(ctx)
		require.NoError(t, err)
	}
	require.Equal(t, head, at.Position, "the checkpoint is the log's head")
	require.Equal(t, pureTally(t, records, factor), rows)
	handled := int64(0)
	for _, rec := range records {
		if rec.Type == "Operated" {
			handled++
		}
	}
	require.Equal(t, handled, at.Handled)
	require.True(t, at.Built)
	if head > 0 {
		require.Equal(t, records[len(records)-1].Commit, at.Commit)
	}
}

func plus(key string, n int64) op { return op{Key: key, Do: "add", N: n} }

func TestAnInlineReadModelReflectsACommandWhenItIsAnswered(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		d.project(t, oldFold, 1)
		model := readmodel.NewModel(d.store, d.log, tallyCodec(oldFold))
		for i := range int64(20) {
			done, err := d.log.Append(t.Context(), operated("Operated", "a", plus("x", i)))
			require.NoError(t, err)
			row, fresh, err := model.Get(t.Context(), "x", cqrs.AtLeast(done.Position))
			require.NoError(t, err)
			assert.Equal(t, i*(i+1)/2, row.Sum)
			assert.True(t, fresh.Current())
			assert.Equal(t, done.Position, fresh.Position)
		}
		require.NoError(t, d.append("Other", "a", plus("x", 1)))
		d.requireEqual(t, oldFold, 1)
	})
}

func TestAFoldThatFailsRefusesItsCommandAndNoOther(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		for _, failing := range []string{"fail", "panic", "unstorable"} {
			before, err := d.log.Head(t.Context())
			require.NoError(t, err)
			err = d.append("Operated", "a", plus("y", 2), op{"x", failing, 3}, plus("z", 4))
			var refused *RefusedError
			require.ErrorAs(t, err, &refused, failing)
			assert.Equal(t, "Tally", refused.Projection)
			assert.ErrorContains(t, err, "nothing was stored")
			if failing == "unstorable" {
				require.ErrorAs(t, err, new(*RowError))
			} else {
				var fold *FoldError
				require.ErrorAs(t, err, &fold)
				assert.Equal(t, "name=x", fold.Key)
				assert.Equal(t, before+1, fold.Position)
			}
			if failing == "fail" {
				require.ErrorIs(t, err, errFold)
			}
			after, err := d.log.Head(t.Context())
			require.NoError(t, err)
			assert.Equal(t, before, after)
			require.NoError(t, d.append("Operated", "a", plus("x", 5)))
			d.requireEqual(t, oldFold, 1)
		}
	})
}

func TestRefusedCommandsLeaveNoRowBehindInMemory(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		p, _ := d.project(t, oldFold, 1)
		for range 50 {
			require.ErrorAs(t, d.append("Operated", "a", plus("x", 1), op{"y", "fail", 3}), new(*FoldError))
			assert.Zero(t, p.inline.rows.cache.rows)
		}
		require.NoError(t, d.append("Operated", "a", plus("x", 5)))
		d.requireEqual(t, oldFold, 1)
	})
}

func TestARefusedCommandIsNotOnRecord(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		d.project(t, oldFold, 1)
		c := operated("Operated", "a", op{"x", "fail", 1})
		c.Meta.CommandID = "once"
		_, err := d.log.Append(t.Context(), c)
		require.ErrorAs(t, err, new(*RefusedError))
		_, found, err := d.log.Command(t.Context(), "once", c.CommandHash)
		require.NoError(t, err)
		assert.False(t, found)
		c = operated("Operated", "a", plus("x", 1))
		c.Meta.CommandID = "once"
		first, err := d.log.Append(t.Context(), c)
		require.NoError(t, err)
		again, err := d.log.Append(t.Context(), c)
		require.NoError(t, err)
		assert.True(t, again.Repeated)
		assert.Equal(t, first.Position, again.Position)
		d.requireEqual(t, oldFold, 1)
	})
}

// randomOps are operations on few rows, so that commits of one batch meet in them.
func randomOps(r *rand.Rand) (ops []op, fails bool) {
	for range 1 + r.IntN(3) {
		o := op{fmt.Sprint("k", r.IntN(6)), "add", int64(r.IntN(100))}
		switch n := r.IntN(40); {
		case n == 0:
			o.Do = "fail"
		case n == 1:
			o.Do = "panic"
		case n == 2:
			o.Do = "unstorable"
		case n < 8:
			o.Do = "delete"
		}
		ops = append(ops, o)
	}
	return ops, false
}

// hammer appends from many goroutines at once, and says how many commits were stored and how many refused.
func hammer(t require.TestingT, log eventlog.Log, seed uint64, callers, commits int) (stored, refused int64) {
	var wg sync.WaitGroup
	var done, failed atomic.Int64
	for caller := range callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(caller)))
			for i := range commits {
				ops, _ := randomOps(r)
				c := operated([]string{"Operated", "Operated", "Operated", "Other"}[r.IntN(4)], fmt.Sprint("s", r.IntN(20)), ops...)
				if r.IntN(4) == 0 {
					c.Meta.CommandID = fmt.Sprint(seed, " ", caller, " ", i-r.IntN(2))
				}
				if r.IntN(6) == 0 {
					c.Streams[0].Expected = eventlog.Exactly(cqrs.Version(r.IntN(10)))
				}
				if r.IntN(4) == 0 {
					more, _ := randomOps(r)
					c.Streams = append(c.Streams, operated("Operated", fmt.Sprint("t", r.IntN(20)), more...).Streams...)
				}
				_, err := log.Append(context.Background(), c)
				switch {
				case err == nil:
					done.Add(1)
				case errors.As(err, new(*RefusedError)):
					failed.Add(1)
				case errors.As(err, new(*cqrs.ConflictError)):
				default:
					assert.NoError(t, err)
				}
			}
		})
	}
	wg.Wait()
	return done.Load(), failed.Load()
}

func inlineSeed(t testing.TB) uint64 {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("CQRSGEN_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("CQRSGEN_SEED=%d", seed)
	return seed
}

func TestConcurrentCommandsOfWhichSomeAreRefusedLeaveWhatTheLogFoldsTo(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		seed := inlineSeed(t)
		d := openInline(t, at)
		d.project(t, oldFold, 1)
		for round := range uint64(3) {
			stored, refused := hammer(t, d.log, seed+round, 32, 40)
			assert.Positive(t, stored)
			assert.Positive(t, refused)
			d.requireEqual(t, oldFold, 1)
		}
	})
}

func TestALogWithHistoryIsBuiltWhileCommandsGoOnAndThenWrittenInline(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		seed := inlineSeed(t)
		d := openInline(t, at)
		bulk := make([]op, 0, 4)
		for i := range 4 {
			bulk = append(bulk, plus(fmt.Sprint("k", i), int64(i)))
		}
		appendMany(t, d.log, inlineGap+2000, bulk)
		p, _ := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)), "commands do not wait for the first generation")
		codec := tallyCodec(oldFold)
		model := readmodel.NewModel(d.store, d.log, codec)
		_, _, err := model.Get(t.Context(), "x")
		require.ErrorAs(t, err, new(*readmodel.NotBuiltError))

		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		for round := uint64(0); ; round++ {
			hammerSafely(t, d.log, seed+round)
			generations, err := d.store.Generations(t.Context(), "Tally")
			require.NoError(t, err)
			if len(generations) == 1 && generations[0].Active {
				break
			}
		}
		hammer(t, d.log, seed, 8, 20)
		d.requireEqual(t, oldFold, 1)
		assert.Equal(t, oldFold, p.Status().Generation)
		stop()
		require.NoError(t, <-ended)
		hammer(t, d.log, seed+1, 8, 20)
		d.requireEqual(t, oldFold, 1)
	})
}

// hammerSafely appends what no fold refuses.
func hammerSafely(t require.TestingT, log eventlog.Log, seed uint64) {
	var wg sync.WaitGroup
	for caller := range 4 {
		wg.Go(func() {
			for i := range 10 {
				c := operated("Operated", fmt.Sprint(caller), plus(fmt.Sprint("k", i%3), int64(seed%7)))
				_, err := log.Append(context.Background(), c)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

// appendMany appends events that are all alike, many in one commit.
func appendMany(t require.TestingT, log eventlog.Log, n int, ops []op) {
	for n > 0 {
		c := operated("Operated", "history", ops...)
		events := &c.Streams[0].Events
		for len(*events) < min(n, 1000) {
			*events = append(*events, (*events)[0])
		}
		n -= len(*events)
		_, err := log.Append(context.Background(), c)
		require.NoError(t, err)
	}
}

func TestAShortHistoryIsFoldedByTheFirstCommand(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		appendMany(t, d.log, 500, []op{plus("x", 1)})
		p, _ := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		d.requireEqual(t, oldFold, 1)
		assert.True(t, p.Status().Active)
	})
}

func TestCatchUpBuildsAndActivatesAnInlineReadModel(t *testing.T) {
	for _, n := range []int{0, 500, inlineGap + 500} {
		d := openInline(t, t.TempDir())
		appendMany(t, d.log, n, []op{plus("x", 1)})
		p, _ := d.project(t, oldFold, 1)
		require.NoError(t, p.CatchUp(t.Context()))
		require.NoError(t, p.CatchUp(t.Context()))
		d.requireEqual(t, oldFold, 1)
		generations, err := d.store.Generations(t.Context(), "Tally")
		require.NoError(t, err)
		require.Len(t, generations, 1)
		assert.True(t, generations[0].Active)
	}
}

func TestAppendsOfAProgramThatDoesNotKnowTheProjectionAreMadeGood(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		dir := at
		d := openInline(t, dir)
		p, _ := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		other := openInline(t, dir).log

		appendMany(t, other, 700, []op{plus("x", 2), {"y", "delete", 0}})
		require.NoError(t, d.append("Operated", "a", plus("x", 1)), "the next append catches up")
		d.requireEqual(t, oldFold, 1)

		appendMany(t, other, 10, []op{plus("x", 2)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		model := readmodel.NewModel(d.store, d.log, tallyCodec(oldFold))
		head, err := d.log.Head(t.Context())
		require.NoError(t, err)
		_, _, err = model.Get(t.Context(), "x", cqrs.AtLeast(head))
		require.NoError(t, err, "Run catches up where nothing is appended")
		d.requireEqual(t, oldFold, 1)
		stop()
		require.NoError(t, <-ended)

		appendMany(t, other, inlineGap+1, []op{plus("x", 2)})
		var behind *BehindError
		require.ErrorAs(t, d.append("Operated", "a", plus("x", 1)), &behind)
		assert.EqualValues(t, head, behind.Position)
		require.NoError(t, d.append("Other", "a"), "what does not concern the projection goes on")
		require.NoError(t, p.CatchUp(t.Context()))
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		d.requireEqual(t, oldFold, 1)
	})
}

func TestAnEventOfAnotherProgramThatCannotBeFoldedIsNamedByEveryCommand(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		dir := at
		d := openInline(t, dir)
		p, _ := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		other := openInline(t, dir).log
		_, err := other.Append(t.Context(), operated("Operated", "b", op{"x", "fail", 1}))
		require.NoError(t, err)
		for range 2 {
			var fold *FoldError
			require.ErrorAs(t, d.append("Operated", "a", plus("x", 1)), &fold)
			assert.EqualValues(t, 2, fold.Position)
			assert.ErrorIs(t, p.Err(), errFold)
		}
		require.NoError(t, d.append("Other", "a"))
	})
}

// inVersion is a commit of an event that a later release wrote.
func inVersion(version int, content cqrs.ContentType, ops ...op) eventlog.Commit {
	c := operated("Operated", "a", ops...)
	e := &c.Streams[0].Events[0]
	e.SchemaVersion, e.ContentType = version, content
	return c
}

func TestAnInlineProjectionRefusesAnEventThatIsNewerThanItself(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		p, _ := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		_, err := d.log.Append(t.Context(), inVersion(3, cqrs.JSONFrom(1), plus("x", 2)))
		require.NoError(t, err, "versions that only added fields are read")
		before, err := d.log.Head(t.Context())
		require.NoError(t, err)
		for _, newer := range []eventlog.Commit{
			inVersion(2, cqrs.JSON, plus("x", 4)), inVersion(3, cqrs.JSONFrom(2), plus("y", 4)),
		} {
			_, err = d.log.Append(t.Context(), newer)
			require.ErrorAs(t, err, new(*RefusedError))
			require.ErrorAs(t, err, new(*cqrs.NewerEventError))
			after, err := d.log.Head(t.Context())
			require.NoError(t, err)
			require.Equal(t, before, after, "nothing is stored")
			d.requireEqual(t, oldFold, 1)
		}
		require.NoError(t, d.append("Operated", "a", plus("x", 8)), "the next command is accepted")
		d.requireEqual(t, oldFold, 1)
		require.NoError(t, p.Err())
	})
}

func TestANewerEventOfAnotherProgramStopsTheCommandsOfAnInlineProjectionAndNamesTheReleaseToDeploy(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		p, g := d.project(t, oldFold, 1)
		require.NoError(t, d.append("Operated", "a", plus("x", 1)))
		_, err := openInline(t, at).log.Append(t.Context(), inVersion(2, cqrs.JSON, plus("x", 2)))
		require.NoError(t, err)
		for range 2 {
			var newer *cqrs.NewerEventError
			require.ErrorAs(t, d.append("Operated", "a", plus("x", 4)), &newer)
			assert.EqualValues(t, 2, newer.Position)
			assert.Equal(t, []int{2, 1}, []int{newer.SchemaVersion, newer.Known})
			require.ErrorAs(t, p.Err(), &newer)
		}
		codec := tallyCodec(oldFold)
		row, fresh, err := readmodel.NewModel(d.store, d.log, codec).Get(t.Context(), "x")
		require.NoError(t, err)
		assert.EqualValues(t, 1, row.Sum, "nothing is written")
		assert.EqualValues(t, 1, fresh.Position)
		require.Len(t, everything(t, d.log), 2, "nothing is stored")

		g.Close()
		next := NewGroup(d.log, WithLogger(slog.New(slog.DiscardHandler)))
		later := tally(oldFold, 1)
		later.NewFold = func(lane int) func(*Rows[string, tallyRow], *cqrs.Record) error {
			fold := tally(oldFold, 1).NewFold(lane)
			return func(rows *Rows[string, tallyRow], rec *cqrs.Record) error {
				known := *rec
				known.SchemaVersion = 1
				return fold(rows, &known)
			}
		}
		New(next, d.store, later)
		require.NoError(t, next.Inline())
		t.Cleanup(next.Close)
		require.NoError(t, d.append("Operated", "a", plus("x", 4)), "the release that knows it goes on")
		d.requireEqual(t, oldFold, 1)
	})
}

func TestTwoFoldsWriteOneAfterTheOther(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		dir := at
		old, next := openInline(t, dir), openInline(t, dir)
		old.project(t, oldFold, 1)
		require.NoError(t, old.append("Operated", "a", plus("x", 1)))

		p, _ := next.project(t, newFold, 2)
		var inactive *InactiveError
		require.ErrorAs(t, next.append("Operated", "a", plus("x", 1)), &inactive)
		assert.Equal(t, &InactiveError{"Tally", newFold, oldFold}, inactive)
		require.NoError(t, next.append("Other", "a"), "what does not concern the projection goes on")

		// It is built beside the active one, which the old release goes on to write.
		require.NoError(t, p.CatchUp(t.Context()))
		require.NoError(t, old.append("Operated", "a", plus("x", 3)))
		old.requireEqual(t, oldFold, 1)
		require.NoError(t, next.store.Promote(t.Context(), "Tally", newFold))

		require.ErrorAs(t, old.append("Operated", "a", plus("x", 4)), &inactive)
		assert.Equal(t, &InactiveError{"Tally", oldFold, newFold}, inactive)
		assert.ErrorContains(t, inactive, "deploy")
		require.NoError(t, next.append("Operated", "a", plus("x", 4)))
		next.requireEqual(t, newFold, 2)

		// Rolled back, the old release writes again, and makes up for what it has missed.
		require.NoError(t, next.store.Promote(t.Context(), "Tally", oldFold))
		require.ErrorAs(t, next.append("Operated", "a", plus("x", 4)), &inactive)
		require.NoError(t, old.append("Operated", "a", plus("x", 5)))
		old.requireEqual(t, oldFold, 1)
	})
}

func TestANewFoldIsVerifiedPromotedAndWrittenUnderCommandsOfTheOldOne(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		dir := at
		old, next := openInline(t, dir), openInline(t, dir)
		old.project(t, oldFold, 1)
		require.NoError(t, old.append("Operated", "a", plus("x", 1)))
		p, _ := next.project(t, autoFold, 3)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		var inactive *InactiveError
		for err := error(nil); !errors.As(err, &inactive); err = old.append("Operated", "b", plus("x", 1)) {
			require.NoError(t, err)
		}
		assert.Equal(t, &InactiveError{"Tally", oldFold, autoFold}, inactive)
		require.NoError(t, next.append("Operated", "a", plus("x", 4)))
		next.requireEqual(t, autoFold, 3)
		stop()
		require.NoError(t, <-ended)
	})
}

func TestAReadModelOfAnotherLogIsNeitherWrittenNorQueried(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		d := openInline(t, at)
		codec := tallyCodec(oldFold)
		table, err := d.store.Table(t.Context(), &codec.Schema)
		require.NoError(t, err)
		require.NoError(t, d.append("Other", "a"))
		to := readmodel.Checkpoint{Position: 1, Commit: cqrs.CommitID{1}, Built: true}
		require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: to}))
		require.NoError(t, d.store.Promote(t.Context(), "Tally", oldFold))
		d.project(t, oldFold, 1)
		for range 2 {
			require.ErrorAs(t, d.append("Operated", "a", plus("x", 1)), new(*readmodel.HistoryError))
		}
	})
}

func TestOnlyAStoreInTheLogsDatabaseIsInline(t *testing.T) {
	d := openInline(t, t.TempDir())
	elsewhere, err := sqlite.Open(t.Context(), t.TempDir()+"/read.db")
	require.NoError(t, err)
	defer elsewhere.Close()
	refused := func(log eventlog.Log, store readmodel.Store) *NotInlineError {
		g := NewGroup(log)
		New(g, store, tally(oldFold, 1))
		var refused *NotInlineError
		require.ErrorAs(t, g.Inline(), &refused)
		return refused
	}
	err = refused(d.log, elsewhere)
	assert.ErrorContains(t, err, "Tally")
	assert.ErrorContains(t, err, "read.db")
	assert.Equal(t, "memory", refused(d.log, memory.New()).Sink)
	refused(newLog(), d.store)

	// The first store of a projection has to be there, and the others need not.
	g := NewGroup(d.log)
	New(g, &readmodel.Sinks{Default: elsewhere, Of: map[string][]readmodel.Store{"Tally": {d.store}}}, tally(oldFold, 1))
	New(g, memory.New(), tally(oldFold, 1))
	require.NoError(t, g.Inline())
	assert.True(t, g.Runners()[0].Status().Inline)
	assert.False(t, g.Runners()[1].Status().Inline, "it follows the log")
	g.Close()
}

func TestAGroupThatIsClosedFoldsNothingAnyMore(t *testing.T) {
	d := openInline(t, t.TempDir())
	_, first := d.project(t, oldFold, 1)
	_, second := d.project(t, oldFold, 1)
	require.NoError(t, d.append("Operated", "a", plus("x", 1)))
	first.Close()
	require.NoError(t, d.append("Operated", "a", plus("x", 1)))
	d.requireEqual(t, oldFold, 1)
	second.Close()
	require.NoError(t, d.append("Operated", "a", op{"x", "fail", 1}))
}

// TestInlineProcess is the process that TestLogAndRowsAreEqualWhenProcessesAreKilled kills.
func TestInlineProcess(t *testing.T) {
	dir := os.Getenv("CQRSGEN_INLINE_DIR")
	if dir == "" {
		t.Skip("it is run by another test")
	}
	d := openInline(t, dir)
	d.project(t, oldFold, 1)
	fmt.Println("started")
	for seed := uint64(os.Getpid()); ; seed++ {
		hammer(t, d.log, seed, 8, 100)
	}
}

func TestLogAndRowsAreEqualWhenProcessesAreKilled(t *testing.T) {
	inEachDatabase(t, func(t *testing.T, at string) {
		seed := inlineSeed(t)
		r := rand.New(rand.NewPCG(seed, 0))
		dir := at
		d := openInline(t, dir)
		rounds := 20
		if text := os.Getenv("CQRSGEN_KILL_ROUNDS"); text != "" {
			var err error
			rounds, err = strconv.Atoi(text)
			require.NoError(t, err)
		} else if testing.Short() {
			rounds = 4
		}
		if !filepath.IsAbs(at) {
			rounds = min(rounds, 6)
		}
		for range rounds {
			var killed []*exec.Cmd
			for range 2 {
				killed = append(killed, startInline(t, dir))
			}
			before, err := d.log.Head(t.Context())
			require.NoError(t, err)
			_, err = d.log.Wait(t.Context(), before+cqrs.Position(r.IntN(300)))
			require.NoError(t, err)
			for _, cmd := range killed {
				require.NoError(t, cmd.Process.Kill())
				_ = cmd.Wait()
			}
			d.requireEqual(t, oldFold, 1)
		}
		head, err := d.log.Head(t.Context())
		require.NoError(t, err)
		t.Logf("%d kills, %d events", 2*rounds, head)
	})
}

// startInline starts a process that appends until it is killed.
func startInline(t *testing.T, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestInlineProcess$")
	cmd.Env = append(os.Environ(), "CQRSGEN_INLINE_DIR="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	started := make([]byte, len("started"))
	_, err = out.Read(started)
	require.NoError(t, err)
	return cmd
}

// A plan that was made while the table was empty, and reads all of it, would be kept while the table grows.
func TestAnInlineProjectionInPostgreSQLReadsRowsByTheirKeys(t *testing.T) {
	dsn := testserver.Postgres(t)
	d := openInline(t, dsn)
	g := NewGroup(d.log)
	def := definition(&folds{})
	def.Inline = true
	New(g, d.store, def)
	require.NoError(t, g.Inline())
	defer g.Close()
	const callers, commits = 64, 4000
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := caller; i < commits; i += callers {
				c := operated("Deposited", fmt.Sprint("acc-", i))
				c.Streams[0].Events[0].Data = payload{Currency: "EUR", Amount: 1}.encode()
				_, err := d.log.Append(t.Context(), c)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	var stored, read int64
	require.Eventually(t, func() bool { // the server counts a second later
		err := c.QueryRow(t.Context(), `SELECT n_tup_ins, seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i
			WHERE i.relid = s.relid) FROM pg_stat_user_tables s WHERE relname LIKE 'balance_by_currency_%'`).Scan(&stored, &read)
		require.NoError(t, err)
		return stored >= commits/2
	}, 30*time.Second, 100*time.Millisecond)
	assert.Less(t, read, 2*stored)
}
