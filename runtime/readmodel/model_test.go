package readmodel_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cqrsgen/cqrsgen/runtime/cqrs"
	"github.com/cqrsgen/cqrsgen/runtime/eventlog"
	"github.com/cqrsgen/cqrsgen/runtime/readmodel"
	"github.com/cqrsgen/cqrsgen/runtime/sink/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type account struct {
	Region string
	ID     int64
}

var codec = readmodel.Codec[account, string]{
	Schema: readmodel.Schema{
		Projection: "Owners", Fingerprint: "0123456789abcdef",
		Key:     []readmodel.Column{{Name: "region", Kind: readmodel.String}, {Name: "id", Kind: readmodel.Int64}},
		Row:     []readmodel.Column{{Name: "owner", Kind: readmodel.String}},
		Indexes: [][]string{{"owner"}},
	},
	AppendKey: func(v []readmodel.Value, k *account) []readmodel.Value {
		return append(v, readmodel.OfString(k.Region), readmodel.OfInt64(k.ID))
	},
	AppendRow: func(v []readmodel.Value, r *string) ([]readmodel.Value, error) {
		return append(v, readmodel.OfString(*r)), nil
	},
	ReadKey: func(s *readmodel.Scanner, k *account) { k.Region, k.ID = s.String(), s.Int64() },
	ReadRow: func(s *readmodel.Scanner, r *string) {
		if *r = s.String(); *r == "nobody" {
			s.Fail("is nobody")
		}
	},
}

// headLog is a log of which only the head is known.
type headLog struct {
	eventlog.Log
	head cqrs.Position
	err  error
}

func (l *headLog) Head(context.Context) (cqrs.Position, error) { return l.head, l.err }

// Read yields an event for each position up to the head, of the zero commit and of a time that is its position.
func (l *headLog) Read(_ context.Context, q eventlog.Query) iter.Seq2[*cqrs.Record, error] {
	return func(yield func(*cqrs.Record, error) bool) {
		for at := q.After + 1; at <= min(l.head, q.Through); at++ {
			rec := cqrs.Record{EventMeta: cqrs.EventMeta{Position: at, Time: time.Unix(int64(at), 0)}}
			if !yield(&rec, nil) {
				return
			}
		}
	}
}

// built returns a checkpoint of a generation that is built.
func built(at cqrs.Position) readmodel.Checkpoint {
	return readmodel.Checkpoint{Position: at, Built: true}
}

// storeOf is a store of one generation.
type storeOf struct {
	readmodel.Store
	table readmodel.Table
}

func (s storeOf) Open(context.Context, string, string) (readmodel.Table, *readmodel.Schema, error) {
	return s.table, &codec.Schema, nil
}

func (s storeOf) Generations(ctx context.Context, _ string) ([]readmodel.Generation, error) {
	at, err := s.table.Checkpoint(ctx)
	return []readmodel.Generation{{Schema: codec.Schema, Checkpoint: at}}, err
}

func modelOf(table readmodel.Table, log eventlog.Log) *readmodel.Model[account, string] {
	return readmodel.NewModel(storeOf{table: table}, log, codec)
}

// plainTable hides that the table watches, so that waiting has to poll.
type plainTable struct{ readmodel.Table }

func owners(t *testing.T, n int) (*readmodel.Model[account, string], readmodel.Table, *headLog) {
	table, err := memory.New().Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	b := readmodel.Batch{To: built(10)}
	for i := range n {
		key, owner := account{"eu", int64(i)}, fmt.Sprintf("owner-%d", i%3)
		row, err := codec.AppendRow(nil, &owner)
		require.NoError(t, err)
		b.Changes = append(b.Changes, readmodel.Change{Key: codec.AppendKey(nil, &key), Row: row, Position: 10})
	}
	require.NoError(t, table.Apply(t.Context(), &b))
	log := &headLog{head: 12}
	return modelOf(table, log), table, log
}

func TestAnswersAreTypedAndSayWhatTheyReflect(t *testing.T) {
	model, _, log := owners(t, 10)
	row, fresh, err := model.Get(t.Context(), account{"eu", 4})
	require.NoError(t, err)
	assert.Equal(t, "owner-1", row)
	behind := readmodel.Freshness{
		Position: 10, Head: 12, Generation: codec.Schema.Fingerprint, Built: true, Behind: fresh.Behind,
	}
	assert.InDelta(t, time.Since(time.Unix(11, 0)), fresh.Behind, float64(time.Minute), "since the first event behind")
	assert.Equal(t, behind, fresh)
	assert.False(t, fresh.Current())

	rows, fresh, err := model.GetMany(t.Context(), []account{{"eu", 1}, {"us", 1}, {"eu", 2}, {"eu", 1}})
	require.NoError(t, err)
	assert.Equal(t, map[account]string{{"eu", 1}: "owner-1", {"eu", 2}: "owner-2"}, rows)
	assert.Greater(t, fresh.Behind, behind.Behind)
	behind.Behind = fresh.Behind
	assert.Equal(t, behind, fresh)

	f := readmodel.Find{Index: 0, Equal: []readmodel.Value{readmodel.OfString("owner-0")}, Limit: 2}
	entries, fresh, err := model.Find(t.Context(), f)
	require.NoError(t, err)
	assert.Equal(t, []readmodel.Entry[account, string]{{Key: account{"eu", 0}, Row: "owner-0"}, {Key: account{"eu", 3}, Row: "owner-0"}}, entries)
	behind.Behind = fresh.Behind
	assert.Equal(t, behind, fresh)

	n, fresh, err := model.Count(t.Context(), f)
	require.NoError(t, err)
	assert.EqualValues(t, 4, n)
	behind.Behind = fresh.Behind
	assert.Equal(t, behind, fresh)

	log.head = 10
	_, fresh, err = model.GetMany(t.Context(), nil)
	require.NoError(t, err)
	assert.True(t, fresh.Current())
}

func TestARowThatDoesNotExistIsNamed(t *testing.T) {
	model, _, _ := owners(t, 1)
	_, fresh, err := model.Get(t.Context(), account{"us", 7})
	assert.ErrorIs(t, err, readmodel.ErrNoRow)
	assert.EqualError(t, err, "read model Owners: no row under this key: region=us id=7")
	assert.EqualValues(t, 10, fresh.Position, "that there is none is an answer too")
}

func TestAllGoesThroughEveryPage(t *testing.T) {
	for _, n := range []int{0, 1, 499, 500, 501, 1500} {
		model, _, _ := owners(t, n)
		var ids []int64
		for e, err := range model.All(t.Context(), cqrs.AtLeast(10)) {
			require.NoError(t, err)
			ids = append(ids, e.Key.ID)
		}
		require.Len(t, ids, n)
		for i, id := range ids {
			require.EqualValues(t, i, id)
		}
	}
	model, _, _ := owners(t, 10)
	for e := range model.All(t.Context()) {
		assert.Zero(t, e.Key.ID)
		break
	}
}

func TestARowThatCannotBeReadIsAnError(t *testing.T) {
	model, table, _ := owners(t, 3)
	key, owner := account{"eu", 1}, "nobody"
	row, err := codec.AppendRow(nil, &owner)
	require.NoError(t, err)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: built(10), To: built(11),
		Changes: []readmodel.Change{{Key: codec.AppendKey(nil, &key), Row: row, Position: 11}}}))
	var corrupt *readmodel.CorruptError
	got, _, err := model.Get(t.Context(), key)
	assert.ErrorAs(t, err, &corrupt)
	assert.Empty(t, got)
	_, _, err = model.GetMany(t.Context(), []account{key})
	assert.ErrorAs(t, err, &corrupt)
	_, _, err = model.Find(t.Context(), readmodel.Find{Index: -1})
	assert.ErrorAs(t, err, &corrupt)
	for _, err := range model.All(t.Context()) {
		assert.ErrorAs(t, err, &corrupt)
	}
}

func TestEveryQueryFailsWithTheLog(t *testing.T) {
	model, _, log := owners(t, 1)
	log.err = cqrs.ErrClosed
	_, _, err := model.Get(t.Context(), account{"eu", 0})
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	_, _, err = model.GetMany(t.Context(), nil)
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	_, _, err = model.Find(t.Context(), readmodel.Find{Index: -1})
	assert.ErrorIs(t, err, cqrs.ErrClosed)
	_, _, err = model.Count(t.Context(), readmodel.Find{Index: -1})
	assert.ErrorIs(t, err, cqrs.ErrClosed)
}

func TestAtLeastWaitsForTheTable(t *testing.T) {
	for name, wrap := range map[string]func(readmodel.Table) readmodel.Table{
		"woken by the table": func(t readmodel.Table) readmodel.Table { return t },
		"polling":            func(t readmodel.Table) readmodel.Table { return plainTable{t} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, table, log := owners(t, 1)
				model := modelOf(wrap(table), log)
				start := time.Now()
				type answer struct {
					fresh readmodel.Freshness
					err   error
					took  time.Duration
				}
				got := make(chan answer)
				go func() {
					_, fresh, err := model.Get(t.Context(), account{"eu", 0}, cqrs.AtLeast(9), cqrs.AtLeast(12))
					got <- answer{fresh, err, time.Since(start)}
				}()
				time.Sleep(time.Second)
				for at := cqrs.Position(10); at < 12; at++ {
					require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: built(at), To: built(at + 1)}))
				}
				a := <-got
				require.NoError(t, a.err)
				assert.EqualValues(t, 12, a.fresh.Position)
				most := time.Second
				if name == "polling" {
					most += 50 * time.Millisecond
				}
				assert.LessOrEqual(t, a.took, most)
			})
		})
	}
}

func TestAWaitThatIsGivenUpSaysWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model, _, _ := owners(t, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for e, err := range model.All(ctx, cqrs.AtLeast(11)) {
			var stale *readmodel.StaleError
			require.ErrorAs(t, err, &stale)
			assert.Equal(t, readmodel.StaleError{
				Projection: "Owners", Want: 11, Err: context.DeadlineExceeded,
				Reached: readmodel.Freshness{Position: 10, Head: 12, Generation: codec.Schema.Fingerprint, Built: true},
			}, *stale)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Zero(t, e)
		}
		_, _, err := model.Get(ctx, account{"eu", 0}, cqrs.AtLeast(11))
		var stale *readmodel.StaleError
		assert.NotErrorAs(t, err, &stale, "nothing was read, so nobody knows that it is stale")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestPositionZeroIsNeverWaitedFor(t *testing.T) {
	table, err := memory.New().Table(t.Context(), &codec.Schema)
	require.NoError(t, err)
	require.NoError(t, table.Apply(t.Context(), &readmodel.Batch{To: built(0)}))
	_, fresh, err := modelOf(table, &headLog{}).GetMany(t.Context(), nil, cqrs.AtLeast(0))
	require.NoError(t, err)
	assert.Equal(t, readmodel.Freshness{Generation: codec.Schema.Fingerprint, Built: true}, fresh)
	assert.True(t, fresh.Current())
}

func TestAQueryWaitsOnWhereTheTableIsMovedOnLater(t *testing.T) {
	for name, stopped := range map[string]error{
		"another process took over": readmodel.ErrFenced,
		"the log's server is away":  eventlog.ErrUnavailable,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				model, table, _ := owners(t, 1)
				model.StopsWith(func() error { return fmt.Errorf("stopped: %w", stopped) })
				go func() {
					time.Sleep(time.Minute)
					at := built(10)
					to := built(11)
					assert.NoError(t, table.Apply(t.Context(), &readmodel.Batch{From: at, To: to}))
				}()
				_, fresh, err := model.GetMany(t.Context(), nil, cqrs.AtLeast(11))
				require.NoError(t, err)
				assert.EqualValues(t, 11, fresh.Position)
			})
		})
	}
}

// buriedTable is a sink that answers with tombstones alone.
type buriedTable struct{ readmodel.Table }

func (b buriedTable) Get(_ context.Context, keys [][]readmodel.Value,
	found func(int, []readmodel.Value, cqrs.Position) error,
) (readmodel.Checkpoint, error) {
	for i := range keys {
		if err := found(i, nil, 7); err != nil {
			return readmodel.Checkpoint{}, err
		}
	}
	return built(10), nil
}

func TestATombstoneIsNoRow(t *testing.T) {
	_, table, log := owners(t, 1)
	model := modelOf(buriedTable{table}, log)
	_, fresh, err := model.Get(t.Context(), account{"eu", 0})
	require.ErrorIs(t, err, readmodel.ErrNoRow)
	assert.EqualValues(t, 10, fresh.Position)
	rows, _, err := model.GetMany(t.Context(), []account{{"eu", 0}})
	require.NoError(t, err)
	assert.Empty(t, rows)
}
